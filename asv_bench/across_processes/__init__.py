"""The figures of sharing, one a file: each measures ours and its rival in the same run and yields rows of `report`."""
