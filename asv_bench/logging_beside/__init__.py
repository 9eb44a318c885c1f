"""The event log beside its rivals: one module a figure, each with `rows(folder, quick)`."""
