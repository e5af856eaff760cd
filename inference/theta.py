"""The parameters that a worker's skills depend on, as the generative model passes them."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float
from numpyro import handlers
from numpyro.primitives import Messenger

from taskroy.inference.seen import Seen
from taskroy.models.careers import Careers
from taskroy.models.choice_grid import Grid
from taskroy.models.settings import ModelSettings


class Theta(NamedTuple):
    """What the skills of a worker depend on; symbols as in model.md's table."""

    wage_shock_scale: Float[Array, ""]
    taste_scale: Float[Array, ""]
    mean_potential: Float[Array, " O"]
    amenity: Float[Array, " O"]
    coefficient: Float[Array, " P"]
    skill_scale_tril: Float[Array, "K K"]
    experience_return: Float[Array, ""] | None = None


class RecordTheta(Messenger):  # type: ignore[misc]
    """Remembers θ as the generative model passes it, for what replaces its skills."""

    def __init__(self, fn: Any = None) -> None:
        self._values: dict[str, Array] = {}
        super().__init__(fn)

    def postprocess_message(self, message: dict[str, Any]) -> None:
        """Note a site's value as it passes."""
        if message.get("name") in Theta._fields:
            self._values[message["name"]] = message["value"]

    def has(self, name: str) -> bool:
        """Tell whether the model has passed the site `name`."""
        return name in self._values

    def theta(self, skills: Any) -> Theta:
        """Return θ, given the distribution of skill deviations."""
        base = getattr(skills, "base_dist", skills)
        tril = base.scale_tril[0] if base.scale_tril.ndim == 3 else base.scale_tril
        values = {"amenity": jnp.zeros_like(self._values["mean_potential"]), **self._values}
        return Theta(**values, skill_scale_tril=tril)

    def clear(self) -> None:
        """Forget, before the model runs again."""
        self._values.clear()


def theta_at(model: Any, values: dict[str, Array]) -> Theta:
    """Return θ of one draw of the generative model's sites; `model` takes no arguments."""
    record = RecordTheta()
    with record:
        trace = handlers.trace(
            handlers.seed(handlers.substitute(model, data=values), 0)
        ).get_trace()
    return record.theta(trace["skill_deviation"]["fn"])


def careers(
    theta: Theta, seen: Seen, skills: Float[Array, "N K"], settings: ModelSettings, grid: Grid
) -> Careers:
    """Return the distribution of careers of workers with standardised skills."""
    deviation = skills @ theta.skill_scale_tril.T
    return Careers(
        theta.mean_potential + deviation @ seen.economy.technology.task_weights.T,
        seen.economy.design @ theta.coefficient,
        theta.amenity,
        theta.wage_shock_scale,
        theta.taste_scale,
        experience_return=theta.experience_return,
        observed=seen.economy.observed,
        shock=settings.shock,
        grid=grid,
        discount=settings.discount,
    )
