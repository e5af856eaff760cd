"""What a whole fit takes of memory at its peak, and how that grows with draws and workers."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from taskroy.benchmarks.benchmark import Effort, Row
from taskroy.benchmarks.peak_memory import peak_megabytes
from taskroy.inference.settings import InferenceSettings
from taskroy.models.settings import ModelSettings

_SEED = 1
_BASE = {"workers": 1000, "years": 8, "occupations": 46, "tasks": 18}
_QUICK = {"workers": 20, "years": 3, "occupations": 5, "tasks": 2}
# Trees are cut short: how far a chain goes in an iteration takes time, and no memory.
_DEPTH = 2
_CHAINS, _WARMUP, _DRAWS = 4, 10, 50
_MORE_DRAWS, _MORE_WORKERS = 8, 2


def run(effort: Effort) -> Iterator[Row]:
    """Fit the base, then with more draws, then with more workers; each in a process of its own."""
    base = _QUICK if effort.quick else _BASE
    more = base | {"workers": _MORE_WORKERS * base["workers"]}
    cases = {
        "base": (base, _DRAWS),
        f"{_MORE_DRAWS} times the draws": (base, _MORE_DRAWS * _DRAWS),
        f"{_MORE_WORKERS} times the workers": (more, _DRAWS),
    }
    first = 0.0
    for what, (size, draws) in cases.items():
        # Of one process the peak is of all that it has done: a new one for each.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            before, peak = pool.submit(_peaks, size, draws).result()
        first = first or peak
        skills = 8e-6 * _CHAINS * draws * size["workers"] * size["tasks"]
        yield Row(
            f"whole fit, {what}",
            size | {"chains": _CHAINS, "draws": draws},
            _SEED,
            "float64",
            {
                "megabytes_of_process": peak,
                "times_base": peak / first,
                "megabytes_before_the_fit": before,
                "megabytes_of_all_skills": skills,
            },
            "simulated; three factors and a diagonal; nuts, from the pilot to the stored "
            "posterior, trees cut short, everything compiled anew; peak of a process of its own",
        )


def _peaks(size: Mapping[str, int], draws: int) -> tuple[float, float]:
    """Fit and store; return the process's peak memory before and after, megabytes."""
    from taskroy.benchmarks.panels import simulated_panel
    from taskroy.numerics import configure_jax
    from taskroy.posteriors.fit import fit
    from taskroy.posteriors.store import save_posterior

    panel, _, table = simulated_panel(**size, seed=_SEED)
    before = peak_megabytes()
    inference = InferenceSettings(
        chains=_CHAINS, warmup=_WARMUP, draws=draws, max_tree_depth=_DEPTH, seed=_SEED
    )
    with tempfile.TemporaryDirectory() as folder:
        # Every case compiles all its programs: compiling takes memory, too.
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(Path(folder, "programs"))
        configure_jax(chains=_CHAINS)
        found = fit(
            panel,
            table,
            model=ModelSettings(covariance="factor"),
            inference=inference,
            checkpoint=Path(folder) / "checkpoint",
            keep_checkpoint=True,
        )
        save_posterior(found, Path(folder) / "posterior.zarr")
    return before, peak_megabytes()
