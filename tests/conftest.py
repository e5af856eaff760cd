"""Shared by all tests: compiled JAX programs outlive the process, so that a second run is quick."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from platformdirs import user_cache_dir
from xdist.scheduler import LoadScopeScheduling

# Read by JAX when it is first imported; nothing here imports it.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", user_cache_dir("taskroy-tests"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
# By default XLA splits each program among more threads than two processes on two cores have.
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_parallel_codegen_split_count=1")


# Linux lets a process map memory 65,530 times. XLA does so several times for each program: with
# those of a thousand tests it comes to that, and aborts.
_MAPPINGS, _MOST_MAPPINGS = Path("/proc/self/maps"), 30_000


@pytest.fixture(autouse=True, scope="module")
def drop_programs() -> Iterator[None]:
    """Forget compiled programs after a file, once there are many: the cache on disk has them."""
    yield
    if "jax" in sys.modules and _MAPPINGS.exists():
        with _MAPPINGS.open() as lines:
            mappings = sum(1 for _ in lines)
        if mappings > _MOST_MAPPINGS:
            sys.modules["jax"].clear_caches()


class ByFit(LoadScopeScheduling):  # type: ignore[misc]
    """Hands whole files to processes, and those that share a fit to one process."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return "tests/posteriors" if file.startswith("tests/posteriors/") else file


# They take minutes each, and begin first: begun last, one process would end alone.
_LONGEST = ("tests/posteriors/", "tests/face/test_kill.py", "tests/test_notebooks.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the tests."""

    def place(item: pytest.Item) -> int:
        return next((i for i, s in enumerate(_LONGEST) if item.nodeid.startswith(s)), len(_LONGEST))

    items.sort(key=place)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFit:
    """Schedule tests where they run in processes; groups by mark do not work with pytest 9."""
    return ByFit(config, log)
