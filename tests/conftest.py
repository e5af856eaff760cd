"""Shared by all tests: compiled JAX programs outlive the process, so that a second run is quick."""

from __future__ import annotations

import os

import pytest
from platformdirs import user_cache_dir

# Read by JAX when it is first imported; nothing here imports it.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", user_cache_dir("taskroy-tests"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")


# Before xdist's own hook, which reads the marks.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what shares a fit or a compiled program, where tests run in processes."""
    for item in items:
        shared = "study" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("study" if shared else str(item.path)))
