"""Let the C library keep the memory that it was given, instead of handing it back after every step."""

import ctypes
import platform

# glibc's malloc.h: parameter -> value, in bytes. 32 MB is the largest M_MMAP_THRESHOLD that glibc takes.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
OPTIONS = {M_MMAP_THRESHOLD: 32 << 20, M_TRIM_THRESHOLD: 512 << 20, M_TOP_PAD: 64 << 20}


def keep_freed_memory():
    """Keep up to 512 MB of freed memory in the process.

    A training step allocates the same large arrays as the step before. By default glibc returns them to the system,
    which must clear every page when they are asked for again: in small trainings on a CPU a third of the time.
    Numbers do not depend on it.

    Returns:
        True where it was done (Linux with glibc), False elsewhere: nothing else changes.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all([mallopt(option, value) == 1 for option, value in OPTIONS.items()])
