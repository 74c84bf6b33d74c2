"""How much memory this process may use, and errors that say what to do if that is too little."""

import math
import os
import resource

import numpy as np

# OpenBLAS allocates 32 MB for a call; the rest is a reserve for other memory that is allocated
# before.
BLAS_BUFFER_BYTES = 40 << 20


def read_cgroup_memory_limit(root="/"):
    """Return the bytes that the memory cgroups of this process, and those around them, allow.

    Infinity if they set no limit.
    """
    try:
        with open(os.path.join(root, "proc/self/cgroup"), errors="surrogateescape") as file:
            cgroups = [line.split(":", 2) for line in file.read().splitlines()]
    except OSError:  # not Linux
        cgroups = []
    limits = [math.inf]
    for _, controllers, path in cgroups:
        if not controllers:  # version 2, alone or beside version 1
            folders, name = ("sys/fs/cgroup", "sys/fs/cgroup/unified"), "memory.max"
        elif "memory" in controllers.split(","):
            folders, name = ("sys/fs/cgroup/memory",), "memory.limit_in_bytes"
        else:
            continue
        names = path.split("/")  # in a container the file may be at the top, whatever the path
        for folder in folders:
            for depth in range(1, len(names) + 1):
                try:
                    with open(os.path.join(root, folder, *names[1:depth], name)) as file:
                        limits.append(int(file.read()))
                except (OSError, ValueError):  # there is no file, or it says "max"
                    pass
    return min(limits)


CGROUP_MEMORY_LIMIT = read_cgroup_memory_limit()


def memory_limit():
    """Return the bytes that this process may use.

    The machine's, or fewer if limited by a cgroup or RLIMIT_AS.
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return min(machine, CGROUP_MEMORY_LIMIT, math.inf if limit == resource.RLIM_INFINITY else limit)


class memory_for:
    """Context for allocating `needed` bytes.

    Its MemoryError explains what to do if they exceed the limit or NumPy fails.
    """

    def __init__(self, needed, what, advice):
        self.needed, self.what, self.advice = needed, what, advice

    def __enter__(self):
        if self.needed > memory_limit():
            raise self.refusal()

    def __exit__(self, kind, error, traceback):
        if isinstance(error, MemoryError):
            raise self.refusal() from error

    def refusal(self):
        size = f"{self.needed / 2**30:,.3g} GiB"
        return MemoryError(f"{self.what} would take {size}: {self.advice}.")


def check_room_for_blas(n_calls):
    """Raise MemoryError unless n_calls simultaneous calls of BLAS find room for their buffers.

    OpenBLAS allocates a buffer when it needs more of them than ever before. Without room it retries
    forever and ignores signals, or ends the process.
    """
    needed = n_calls * BLAS_BUFFER_BYTES
    try:  # this needs only address space: most of it is never touched
        np.empty(needed, dtype=np.uint8)
    except MemoryError as error:
        raise MemoryError(
            f"BLAS would take {needed / 2**30:,.3g} GiB of address space: lower `n_threads`, or "
            "raise the limit of this process."
        ) from error
