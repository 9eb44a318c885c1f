"""A forked child that runs one function and reports what came of it."""

import os
import pickle
import select
import signal
import traceback
import warnings
from collections.abc import Callable


def _child(write_end: int, target: Callable[[], object]) -> None:
    try:
        answer = (True, target())
    except BaseException:
        answer = (False, traceback.format_exc())
    with os.fdopen(write_end, "wb") as pipe:
        pickle.dump(answer, pipe)


def run_in_child(target: Callable[[], object], timeout_s: float = 60.0) -> object:
    """Fork, run `target` in the child and return its picklable result; its errors and its death are raised here."""
    read_end, write_end = os.pipe()
    with warnings.catch_warnings():
        # The interpreter warns of every fork in a process with more than one thread: that is what is tested.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        try:
            os.close(read_end)
            _child(write_end, target)
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        if not select.select([pipe], [], [], timeout_s)[0]:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise TimeoutError(f"the child did not answer within {timeout_s} s")
        told = pipe.read()
    status = os.waitpid(pid, 0)[1]
    if not told:
        raise RuntimeError(f"the child died: exit code {os.waitstatus_to_exitcode(status)}")
    good, answer = pickle.loads(told)
    if not good:
        raise AssertionError(f"in the child:\n{answer}")
    return answer
