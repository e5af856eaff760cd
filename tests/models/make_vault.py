"""Make vault.json: twenty random small models with the value and gradient of their density.

    python tests/models/make_vault.py

Run it only when the likelihood is meant to change, and say why in the commit.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from taskroy.models.careers import Careers

VAULT = Path(__file__).with_name("vault.json")
MODELS, SEED = 20, 20261122
N, T, O = 3, 3, 4  # noqa: E741
PARAMETERS = ("potential", "common", "amenity", "wage_shock_scale", "taste_scale")


def draw(rng: np.random.Generator, index: int) -> dict[str, Any]:
    """Draw a model and careers in it, some of which are improbable."""
    rho, nu = np.exp(rng.uniform(np.log(0.1), np.log(0.9), 2))
    potential = rng.normal(2.0, 0.5, (N, O))
    common = rng.normal(0.0, 0.2, (N, T))
    held = rng.integers(0, O, (N, T))
    wage = np.take_along_axis(potential, held, 1) + common + rho * rng.normal(size=(N, T))
    return {
        "potential": potential.tolist(),
        "common": common.tolist(),
        "amenity": rng.normal(0.0, 0.2, O).tolist(),
        "wage_shock_scale": float(rho),
        "taste_scale": float(nu),
        "observed": (np.arange(T) < rng.integers(1, T + 1, N)[:, None]).tolist(),
        "shock": "worker" if index % 4 == 3 else "occupation",
        "career": np.stack([wage, held], axis=-1).tolist(),
    }


def _total(parameters: dict[str, Any], observed: Any, career: Any, shock: Any) -> Any:
    return Careers(**parameters, observed=observed, shock=shock).log_prob(career).sum()


_value_and_grad = jax.jit(jax.value_and_grad(_total), static_argnames="shock")


def evaluate(model: dict[str, Any]) -> dict[str, Any]:
    """Return value and gradient of Careers.log_prob, summed over workers."""
    parameters = {name: jnp.asarray(model[name]) for name in PARAMETERS}
    value, gradient = _value_and_grad(
        parameters, jnp.asarray(model["observed"]), jnp.asarray(model["career"]), model["shock"]
    )
    return {
        "value": float(value),
        "gradient": {name: np.asarray(gradient[name]).tolist() for name in PARAMETERS},
    }


def main() -> None:
    """Write the file."""
    rng = np.random.default_rng(SEED)
    with jax.enable_x64(True):
        models = [draw(rng, i) for i in range(MODELS)]
        vault = [model | {"result": evaluate(model)} for model in models]
    VAULT.write_text("[\n" + ",\n".join(json.dumps(model) for model in vault) + "\n]\n")


if __name__ == "__main__":
    main()
