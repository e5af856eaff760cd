"""How biased a simulated likelihood is, and what that does to estimates.

    python benchmarks/likelihood_bias.py                  # bias and sd of the log likelihood
    python benchmarks/likelihood_bias.py --estimates 20   # and estimates from 20 simulated panels

Panels are simulated at known θ. Each estimator of a worker's log likelihood at the truth is
compared with importance sampling from the Laplace Gaussian with the exact choice factor, at 20,000
draws. Writes likelihood_bias.json and .md (likelihood_bias_estimates.*) into --output.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from taskroy.data.simulate import simulate_panel
from taskroy.data.task_weights import task_weights
from taskroy.inference.draw_skills import SkillProblem, find, log_weights
from taskroy.inference.pilot import FIRST_GRID, fitting_grid, pilot
from taskroy.inference.routes import sample_posterior
from taskroy.inference.seen import seen
from taskroy.inference.settings import InferenceSettings
from taskroy.inference.simulated_likelihood import simulated_log_likelihood
from taskroy.inference.simulated_mle import maximize_simulated_likelihood
from taskroy.inference.skill_posterior import no_expansion
from taskroy.inference.theta import Theta, careers
from taskroy.models.roy import economy, roy_model
from taskroy.models.settings import ModelSettings
from taskroy.models.technology import Technology
from taskroy.progress import Silent

NU, RHO = 0.26, 0.43  # those of Freund and Mann (2025)
DESIGNS = ("major/gwa-group/300/12", "major/gwa-category/300/12", "minor/gwa/20/16")
REPETITIONS = {100: 10, 1000: 5, 10000: 2}
PROPOSALS, REFERENCE, BLOCK = 32, 20_000, 500
NEWTON_STEPS = 12


class Simulated(NamedTuple):
    """A simulated panel as arrays, and its truth."""

    economy: Any
    log_wage: Any
    occupation: Any
    truth: dict[str, Any]

    def theta(self) -> Theta:
        """Return the truth."""
        t = self.truth
        tril = np.linalg.cholesky(t["skill_cov"])
        values = (RHO, NU, t["mean_potential"], t["amenity"], t["coefficients"], tril)
        return Theta(*(jnp.asarray(v, float) for v in values))


def simulated(design: str, seed: int) -> Simulated:
    """Simulate a panel of a design: level/tasks/workers/years."""
    level, names, workers, years = design.split("/")
    tasks = task_weights(level, names)  # type: ignore[arg-type]
    panel, truth = simulate_panel(
        tasks,
        workers=int(workers),
        years=int(years),
        seed=seed,
        wage_shock_scale=RHO,
        taste_scale=NU,
    )
    arrays = panel.arrays(tasks.occupations)
    technology = Technology.from_task_weights(
        jnp.asarray(tasks.weights.to_numpy()), jnp.asarray(tasks.labor_share.to_numpy())
    )
    conditions = economy(technology, arrays)
    return Simulated(
        conditions, jnp.asarray(arrays.log_wage), jnp.asarray(arrays.occupation), truth
    )


def bias(design: str, seed: int) -> dict[str, Any]:
    """Return bias and sd of each estimator of a worker's log likelihood, at the truth."""
    data = simulated(design, seed)
    theta, settings = data.theta(), ModelSettings()
    known = seen(data.economy, data.log_wage, data.occupation)
    expansion = no_expansion(data.economy)
    rough = SkillProblem(roy_model, known, expansion, settings, FIRST_GRID, FIRST_GRID)
    modes = jax.jit(lambda: find(rough, theta, steps=NEWTON_STEPS))()
    there = careers(theta, known, modes.mode, settings, FIRST_GRID)
    grid = fitting_grid(there, known.career, 0.6)
    problem = rough._replace(grid=grid, coarse=grid)

    @jax.jit
    def laplace_terms() -> tuple[Any, Any]:
        found = find(problem, theta, steps=NEWTON_STEPS)
        where = careers(theta, known, found.gaussian.centre, settings, grid)
        top = where.log_prob(known.career) - 0.5 * (found.gaussian.centre**2).sum(-1)
        return found, top - found.gaussian.log_volume

    found, plain = laplace_terms()

    @partial(jax.jit, static_argnames="number")
    def weights(key: Any, number: int) -> Any:
        return log_weights(problem, theta, found, key, number)[1]

    keys = jax.random.split(jax.random.key(seed), REFERENCE // BLOCK)
    log_weight = np.concatenate([np.asarray(weights(k, BLOCK)) for k in keys])
    weight = np.exp(log_weight)
    reference = np.asarray(plain) + np.log(weight.mean(0))
    standard_error = weight.std(0) / weight.mean(0) / np.sqrt(REFERENCE)
    results = {"laplace": _summary(np.asarray(plain)[None] - reference, 0.0)}
    jax.block_until_ready(weights(jax.random.key(0), PROPOSALS))  # compiled before it is timed
    began = time.process_time()
    again = np.stack([np.asarray(weights(jax.random.key(9000 + r), PROPOSALS)) for r in range(20)])
    seconds = (time.process_time() - began) / 20
    corrected = np.asarray(plain) + np.log(np.exp(again).mean(1))
    results[f"laplace + {PROPOSALS} draws"] = _summary(corrected - reference, seconds)
    for draws, repetitions in REPETITIONS.items():
        run = jax.jit(
            lambda k, draws=draws: simulated_log_likelihood(theta, known, settings, k, draws=draws)
        )
        values = [np.asarray(run(jax.random.key(0)))]
        began = time.process_time()
        values += [np.asarray(run(jax.random.key(r))) for r in range(1, repetitions)]
        seconds = (time.process_time() - began) / (repetitions - 1)
        results[f"simulated, {draws:,} draws"] = _summary(np.stack(values) - reference, seconds)
        print(design, draws, results[f"simulated, {draws:,} draws"], flush=True)
    workers, years = known.career.shape[:2]
    occupations, tasks = data.economy.technology.task_weights.shape
    return {
        "design": design,
        "workers": workers,
        "years": years,
        "occupations": occupations,
        "tasks": tasks,
        "nu": NU,
        "rho": RHO,
        "skill_sd": float(np.sqrt(data.truth["skill_cov"][0, 0])),
        "reference_draws": REFERENCE,
        "reference_largest_standard_error": float(standard_error.max()),
        "smallest_relative_ess": float(
            ((weight.sum(0) ** 2) / (weight**2).sum(0) / REFERENCE).min()
        ),
        "estimators": results,
    }


def _summary(error: np.ndarray, seconds: float) -> dict[str, float | int]:
    """Bias and sd per worker, from errors (repetition, worker).

    `standard_error` is that of the mean bias over these workers; `worst_worker` is the bias of the
    worker most off.
    """
    repetitions, workers = error.shape
    variance = error.var(0, ddof=1) if repetitions > 1 else np.zeros(workers)
    return {
        "bias": float(error.mean()),
        "standard_error": float(np.sqrt(variance.sum() / repetitions) / workers),
        "sd": float(np.sqrt(variance.mean())),
        "sd_across_workers": float(error.mean(0).std()),
        "worst_worker": float(error.mean(0)[np.abs(error.mean(0)).argmax()]),
        "repetitions": repetitions,
        "cpu_seconds": round(seconds, 3),
    }


def estimates(design: str, seed: int, draws: list[int], steps: int) -> dict[str, Any]:
    """Return ν, ϱ and skill sds by simulated ML (penalised, as the posterior is) and by SVI."""
    data, settings = simulated(design, seed), ModelSettings()
    career = {"log_wage": data.log_wage, "occupation": data.occupation}
    known = seen(data.economy, data.log_wage, data.occupation)
    key, silent = jax.random.key(seed), Silent()
    first = pilot(known, settings, 1e-4, key, silent)
    model = partial(roy_model, data.economy, settings, first.grid, **career)
    found = {}
    for n in draws:
        inference = InferenceSettings(
            simulation_draws=n, simulation_steps=steps, batch_size=64, penalized=True
        )
        got = maximize_simulated_likelihood(
            model, known, first.values, settings, inference, key, silent
        )
        found[f"simulated ML, {n:,} draws"] = _headline(lambda k, got=got: got.values[k])
    svi = InferenceSettings(method="svi", svi_steps=steps, draws=100)
    sites = sample_posterior(
        data.economy, data.log_wage, data.occupation, settings, svi, key, silent
    ).sites
    found["svi, posterior mean"] = _headline(lambda k: sites[k].mean((0, 1)))
    return found


def _headline(value: Callable[[str], Any]) -> dict[str, Any]:
    return {
        "nu": float(value("taste_scale")),
        "rho": float(value("wage_shock_scale")),
        "skill_sd": float(np.sqrt((np.asarray(value("skill_sd")) ** 2).mean())),
    }


def bias_table(found: dict[str, Any]) -> str:
    """Write what `bias` found as Markdown."""
    lines = ["# Bias of the log likelihood, per worker", ""]
    for d in found["designs"]:
        lines += [
            f"{d['workers']} workers, {d['years']} years, {d['occupations']} occupations, "
            f"{d['tasks']} tasks; ν = {NU}, ϱ = {RHO}, skill sd {d['skill_sd']:.2f}; reference "
            f"{REFERENCE:,} draws, standard error of a worker at most "
            f"{d['reference_largest_standard_error']:.4f}.",
            "",
            "| estimator | bias | ± | sd | sd of bias across workers | CPU seconds |",
            "|---|---|---|---|---|---|",
        ]
        for name, e in d["estimators"].items():
            lines.append(
                f"| {name} | {e['bias']:.4f} | {e['standard_error']:.4f} | {e['sd']:.4f} | "
                f"{e['sd_across_workers']:.4f} | {e['cpu_seconds']:.2f} |"
            )
        lines.append("")
    return "\n".join([*lines, _where(found), ""])


def estimates_table(found: dict[str, Any]) -> str:
    """Write what `estimates` found as Markdown."""
    truth, panels = found["truth"], found["panels"]
    lines = [
        f"# Estimates from {len(panels)} simulated panels ({found['design']})",
        "",
        "Mean over panels of estimate less truth, and its standard error. Truth: "
        + ", ".join(f"{k} {v:.3f}" for k, v in truth.items())
        + ". `skill_sd` is the root mean square over tasks.",
        "",
        "| estimator | " + " | ".join(truth) + " |",
        "|---|" + "---|" * len(truth),
    ]
    for name in panels[0]:
        cells = []
        for k, v in truth.items():
            error = np.array([p[name][k] - v for p in panels])
            spread = error.std(ddof=1) / np.sqrt(len(error)) if len(error) > 1 else float("nan")
            cells.append(f"{error.mean():+.4f} ± {spread:.4f}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", _where(found), ""])


def _where(found: dict[str, Any]) -> str:
    return f"Machine: {found['machine']}; seed {found['seed']}; jax {found['jax']}; float64."


def main() -> None:
    """Run what is asked for and write it after each design or panel."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--designs", nargs="*", default=DESIGNS, help="level/tasks/workers/years")
    parser.add_argument("--estimates", type=int, default=0, help="panels to estimate from")
    parser.add_argument("--estimates-design", default="wagepan/gwa-category/200/12")
    parser.add_argument("--draws", type=int, nargs="*", default=[100, 1000])
    parser.add_argument("--steps", type=int, default=400, help="of either estimator")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    asked = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    device = jax.local_devices()[0].device_kind
    where = {
        "machine": f"{platform.machine()}, {device}, {os.cpu_count()} cores",
        "jax": jax.__version__,
        "seed": asked.seed,
    }
    designs: list[dict[str, Any]] = []
    for design in asked.designs:
        designs.append(bias(design, asked.seed))
        found = {**where, "designs": designs}
        _write(asked.output / "likelihood_bias", found, bias_table(found))
    truth = {"nu": NU, "rho": RHO}
    panels: list[dict[str, Any]] = []
    for number in range(asked.estimates):
        if not panels:
            cov = simulated(asked.estimates_design, asked.seed).truth["skill_cov"]
            truth["skill_sd"] = float(np.sqrt(np.diag(cov).mean()))
        panels.append(
            estimates(asked.estimates_design, asked.seed + number, asked.draws, asked.steps)
        )
        found = {**where, "design": asked.estimates_design, "steps": asked.steps, "truth": truth}
        found["panels"] = panels
        _write(asked.output / "likelihood_bias_estimates", found, estimates_table(found))
        print(number, panels[-1], flush=True)


def _write(stem: Path, found: dict[str, Any], table: str) -> None:
    stem.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
    stem.with_suffix(".md").write_text(table)


if __name__ == "__main__":
    main()
