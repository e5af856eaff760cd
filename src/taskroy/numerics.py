"""The one place where the process's numerics are set; the command line calls it, imports do not."""

from __future__ import annotations

import os


def configure_jax(*, chains: int, workers: bool = False, processes: int = 1) -> None:
    """Set up JAX for a command; call it before anything has been computed.

    Compiled programs are kept in the user's cache folder, or the one that
    ``JAX_COMPILATION_CACHE_DIR`` names, where the next run finds them, and the processor counts as
    several devices, so that chains run side by side. Precision is not set here: a fit chooses its
    own.

    Parameters
    ----------
    chains
        Chains that may run at once.
    workers
        Whether devices share workers, not chains.
    processes
        How many processes compute together; of several, each is one device.
    """
    import jax

    # NUTS spreads its chains where the devices divide them evenly.
    cores = os.cpu_count() or 1
    at_most = min(cores, chains)
    devices = next(count for count in range(at_most, 0, -1) if chains % count == 0)
    if workers:
        devices = cores if processes == 1 else 1
    keep_programs()
    keep_blas_to_one_thread()
    jax.config.update("jax_num_cpu_devices", devices)


def keep_blas_to_one_thread() -> None:
    """Let BLAS, which JAX solves triangular systems by, work in the thread that asks for it.

    OpenBLAS has one team of threads for the whole process: devices that solve small systems side by
    side would wait for each other, and its threads for them at full speed.
    """
    import scipy.linalg  # noqa: F401  (JAX loads its BLAS when first needed, which is later)
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1, user_api="blas")


def keep_programs() -> None:
    """Let JAX find the programs that were compiled before, and keep those that are compiled."""
    import jax

    jax.config.update("jax_compilation_cache_dir", _cache_folder())
    # A fit compiles hundreds of programs that take some hundredths of a second each.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def _cache_folder() -> str:
    from platformdirs import user_cache_dir

    return os.environ.get("JAX_COMPILATION_CACHE_DIR") or user_cache_dir("taskroy")
