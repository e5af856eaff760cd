"""What is loaded when: heavy libraries wait until they are needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import taskroy

HEAVY = ("jax", "numpyro", "arviz", "arviz_stats", "pandas", "xarray", "zarr", "matplotlib", "dask")


def in_a_fresh_process(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "program",
    [
        "import taskroy; dir(taskroy)",
        "import taskroy.cli",
        "from taskroy.cli import app; app(['--help'], standalone_mode=False)",
        "from taskroy.cli import app; app(['run', '--help'], standalone_mode=False)",
        "from taskroy.cli import app; app(['init'], standalone_mode=False)",
        "from taskroy.cli import app; app(['bench', '--list'], standalone_mode=False)",
        "from taskroy.cli import app; app(['bench', 'unknown'], standalone_mode=False)",
        "from taskroy.cli import app; app(['calibrate', 'missing.toml'], standalone_mode=False)",
        "from taskroy.cli import app; app(['run', 'missing.toml'], standalone_mode=False)",
        "from taskroy.cli import app; app(['fit', 'broken.toml'], standalone_mode=False)",
    ],
)
def test_nothing_heavy_is_loaded_for(program: str) -> None:
    Path("broken.toml").write_text("[")
    found = in_a_fresh_process(
        f"{program}\nimport sys\n"
        f"sys.exit(' '.join(name for name in {HEAVY} if name in sys.modules) or None)"
    )
    assert found.returncode == 0, found.stderr


def test_data_are_checked_without_a_sampler_running() -> None:
    found = in_a_fresh_process(
        "from taskroy.cli import app; app(['data', 'check'], standalone_mode=False)\n"
        "import jax; jax.config.update('jax_num_cpu_devices', 2)  # refused once JAX has begun\n"
    )
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize(
    "first",
    [
        "taskroy.Study",
        "taskroy.fit",
        "taskroy.posteriors.power_scaling.power_scaling",
        "taskroy.inference.chains.run_chains",
    ],
)
def test_numpyro_is_whole_where_arviz_was_imported_first(first: str) -> None:
    """ArviZ makes NumPyro a lazy module, which some ways of importing it load twice."""
    module = first.rpartition(".")[0]
    found = in_a_fresh_process(
        f"import arviz_stats, {module}; {first}\n"
        "import numpyro; numpyro.factor('a term', 0.0); numpyro.distributions.distribution"
    )
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize(
    "name", ["load_panel", "simulate_panel", "task_weights", "open_posterior", "Study"]
)
def test_public_names_are_there(name: str) -> None:
    assert callable(getattr(taskroy, name))
    assert name in dir(taskroy)


def test_all_public_names_are_listed() -> None:
    assert set(taskroy.__all__) <= set(dir(taskroy))
    assert taskroy.__version__.count(".") == 2
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        taskroy.fitt  # noqa: B018


def test_the_public_report_is_write_report(stand_ins: object) -> None:
    assert taskroy.report.__name__ == "write_report"


@pytest.mark.parametrize(("processors", "devices"), [(1, 1), (2, 2), (3, 2), (64, 4)])
def test_the_command_line_sets_the_numerics(processors: int, devices: int) -> None:
    found = in_a_fresh_process(
        f"import os; os.cpu_count = lambda: {processors}\n"
        "named = os.environ.pop('JAX_COMPILATION_CACHE_DIR')\n"
        "from taskroy.numerics import configure_jax; configure_jax(chains=4)\n"
        "import jax\n"
        f"assert len(jax.local_devices(backend='cpu')) == {devices}\n"
        "assert 'taskroy' in jax.config.jax_compilation_cache_dir\n"
        "os.environ['JAX_COMPILATION_CACHE_DIR'] = named\n"
        "configure_jax(chains=4)\n"
        "assert jax.config.jax_compilation_cache_dir == named\n"
        "assert not jax.config.jax_enable_x64\n"
        "import jax.numpy as jnp; from threadpoolctl import threadpool_info\n"
        "jnp.linalg.cholesky(jnp.eye(2))\n"
        "assert {pool['num_threads'] for pool in threadpool_info()} == {1}\n"
    )
    assert found.returncode == 0, found.stderr
