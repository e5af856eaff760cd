"""Where and with what a benchmark ran."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

_CPU_FACTS = Path("/proc/cpuinfo")
_PACKAGES = ("taskroy", "jax", "jaxlib", "numpyro", "numpy")


def machine() -> dict[str, Any]:
    """Return the CPU's model, cores, JAX's device and what else the machine was doing.

    ``load`` is the mean number of processes that wanted to run over the last minute, or None.
    """
    import jax

    device = jax.local_devices()[0]
    return {
        "cpu": _cpu_model(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "device": f"{device.platform}, {device.device_kind}",
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def versions() -> dict[str, str]:
    """Return the version of Python and of the packages that a benchmark depends on."""
    return {"python": platform.python_version()} | {p: metadata.version(p) for p in _PACKAGES}


def _cpu_model() -> str:
    """Return the processor's name where Linux tells it, and what Python knows elsewhere."""
    if _CPU_FACTS.exists():
        for line in _CPU_FACTS.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
