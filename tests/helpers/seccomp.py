"""A process that may not call membarrier, as some containers and sandboxes have it: by a real filter of the kernel."""

import ctypes
import errno
import os
import platform
import struct
import sys

NUMBERS = {"x86_64": 324, "aarch64": 283}
"""Of the call membarrier."""

_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _SECCOMP_MODE_FILTER = 22, 38, 2
_LOAD_WORD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # of the kernel's packet filters
_REFUSE, _ALLOW = 0x00050000 | errno.EPERM, 0x7FFF0000
_QUERY, _REGISTRATIONS, _GLOBAL_EXPEDITED, _REGISTER_GLOBAL_EXPEDITED = 0, 1 << 9, 1 << 1, 1 << 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def membarrier(command: int) -> int:
    """Make the call; -1: it is refused, or there is none."""
    number = NUMBERS.get(platform.machine())
    if sys.platform != "linux" or number is None:
        return -1
    return ctypes.CDLL(None).syscall(ctypes.c_long(number), ctypes.c_int(command), ctypes.c_uint(0), ctypes.c_int(0))


def has_membarrier() -> bool:
    """Whether a writer may leave its fence to its readers here."""
    return bool(max(membarrier(_QUERY), 0) & _GLOBAL_EXPEDITED)


def accepts_fences() -> bool | None:
    """Whether this process asked for the fences of others; None: the kernel does not tell (before Linux 6.3)."""
    if not max(membarrier(_QUERY), 0) & _REGISTRATIONS:
        return None
    return bool(membarrier(_REGISTRATIONS) & _REGISTER_GLOBAL_EXPEDITED)


def deny_membarrier() -> None:
    """Refuse it from now on to this thread and all that it starts; OSError: there are no such filters here."""
    instructions = (
        (_LOAD_WORD, 0, 0, 0),  # the number of the call
        (_JUMP_IF_EQUAL, 0, 1, NUMBERS[platform.machine()]),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    )
    program = _Program(len(instructions), b"".join(struct.pack("=HBBI", *one) for one in instructions))
    libc = ctypes.CDLL(None, use_errno=True)
    filter_it = (_PR_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_MODE_FILTER), ctypes.byref(program))
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(*filter_it):
        number = ctypes.get_errno()
        raise OSError(number, f"no filter of system calls: {os.strerror(number)}")


def can_deny_membarrier() -> bool:
    """Try it in a child."""
    if not has_membarrier():
        return False
    pid = os.fork()
    if pid == 0:
        try:
            deny_membarrier()
            os._exit(0 if membarrier(_QUERY) == -1 else 1)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0
