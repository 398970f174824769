"""How JAX is set up on this machine, and what it runs on. JAX is imported only when asked for."""

import os
import resource
import sys
from pathlib import Path


def configure_jax(cache_dir: Path | None) -> str:
    """Set JAX up for scoring and say what it runs on, e.g. "cpu x2, jax 0.10.2".

    Args:
        cache_dir: Folder of compiled programs, kept between processes; created if missing; None for no cache.

    Returns:
        Kind and number of devices (of cores, for a CPU) and the version of JAX.
    """
    import jax

    # A cache of compiled programs is worth having for small programs too: each tile length is one.
    jax.config.update("jax_compilation_cache_dir", None if cache_dir is None else str(cache_dir))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    if cache_dir is not None:
        cache_dir.mkdir(parents=True, exist_ok=True)
    devices = jax.devices()
    kind = devices[0].device_kind
    count = usable_cores() if devices[0].platform == "cpu" else len(devices)
    return f"{kind} x{count}, jax {jax.__version__}"


def usable_cores() -> int:
    """Cores that this process may use, which containers and schedulers limit."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_memory() -> int:
    """Bytes of main memory that are free now; half of all where the system does not say."""
    page = os.sysconf("SC_PAGE_SIZE")
    if "SC_AVPHYS_PAGES" in os.sysconf_names:
        return page * os.sysconf("SC_AVPHYS_PAGES")
    return page * os.sysconf("SC_PHYS_PAGES") // 2


def device_memory() -> int | None:
    """Bytes that JAX may use on its device; None where the device does not say."""
    import jax

    return (jax.devices()[0].memory_stats() or {}).get("bytes_limit")


def peak_memory_mb() -> int:
    """Most main memory that this process has held at once, in units of 10^6 bytes."""
    status = Path("/proc/self/status")
    if status.is_file():  # on Linux ru_maxrss starts from what the parent process held
        (peak,) = (line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return round(int(peak) * 1024 / 1e6)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6)
