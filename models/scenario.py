"""Scenarios: what happens to the world, step by step.

Steps act in order, each on the world that those before it have left. A single
:class:`~taskroy.models.automation.Automation` is a scenario by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from taskroy.models.automation import Automation
from taskroy.models.bargaining import Bargaining
from taskroy.models.learning import Learning
from taskroy.models.prices import Prices
from taskroy.models.skill_change import Augmentation, Simplification
from taskroy.models.step import OfTasks, Told, refusal
from taskroy.models.technology import Technology
from taskroy.models.world import Economy, Parameters, Shock, World

__all__ = [
    "AnyScenario",
    "Augmentation",
    "Automation",
    "Bargaining",
    "Learning",
    "Prices",
    "Scenario",
    "Simplification",
    "play",
    "steps_of",
]

type AnyStep = Automation | Augmentation | Simplification | Bargaining | Learning | Prices


class Scenario(BaseModel):
    """Steps that act in order, under one name."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Annotated[
        str, Field(min_length=1, max_length=80, description="What the scenario is called.")
    ]
    step: Annotated[
        tuple[
            Annotated[
                Automation | Augmentation | Simplification | Bargaining | Learning | Prices,
                Discriminator("kind"),
            ],
            ...,
        ],
        Field(description="What happens, in this order."),
    ]

    @model_validator(mode="after")
    def _steps_make_sense(self) -> Self:
        if not self.step:
            raise refusal(
                f"The scenario '{self.name}' has no step.",
                expected="one step or more",
                remedy="write [[scenario.step]] and what happens below the name",
            )
        if any(isinstance(step, Prices) for step in self.step[:-1]):
            raise refusal(
                f"In '{self.name}' something happens after prices have cleared markets.",
                expected="prices as the last step, and once",
                remedy="move the step with kind = 'prices' to the end",
            )
        self._require_a_gain_to_share()
        for step in self.step:
            own = isinstance(step, Automation) and step.name
            if own and own != Automation.model_fields["name"].default:
                raise refusal(
                    f"The step '{own}' has a name of its own.",
                    expected="a name above the steps",
                    remedy="remove the name of the step",
                )
        return self

    def _require_a_gain_to_share(self) -> None:
        """Refuse bargaining with nothing before it that changes what workers produce."""
        shared = [place for place, step in enumerate(self.step) if isinstance(step, Bargaining)]
        # What experience and prices pay is no part of what is bargained for.
        if shared and not any(isinstance(step, OfTasks) for step in self.step[: shared[0]]):
            raise refusal(
                f"In '{self.name}' workers and employers bargain over gains that no step before "
                "has made.",
                expected="an automation, augmentation or simplification before the step with "
                "kind = 'bargaining', which shares what the steps before it add",
                remedy="move the step with kind = 'bargaining' below what it is to share, or leave "
                "it out",
            )


def _form(value: Any) -> Literal["steps", "single"]:
    several = "step" in value if isinstance(value, dict) else isinstance(value, Scenario)
    return "steps" if several else "single"


#: A scenario in either form; which one it is shows in whether it has steps.
AnyScenario = Annotated[
    Annotated[Automation, Tag("single")] | Annotated[Scenario, Tag("steps")], Discriminator(_form)
]


def steps_of(scenario: Automation | Scenario) -> tuple[AnyStep, ...]:
    """Return what happens in a scenario, in order."""
    return scenario.step if isinstance(scenario, Scenario) else (scenario,)


def play(
    steps: Sequence[AnyStep],
    draw: Parameters,
    technology: Technology,
    shares: Float[Array, "S K"],
    shock: Shock,
    nearby: Told | None = None,
) -> tuple[Economy, Economy, Told]:
    """Let the steps of a scenario happen at one posterior draw.

    Parameters
    ----------
    steps
        What happens, in order.
    draw
        The draw.
    technology
        Before the scenario.
    shares
        Share of each task that each step acts on (:func:`taskroy.models.scenario_tasks.shares_of`).
    shock
        Whether wage shocks are by occupation or by worker.
    nearby
        What the steps told at a draw like this one: prices are searched for from there.

    Returns
    -------
    tuple
        The economies before and after, and what the steps tell: ``productivity_threshold`` (K,),
        not a number without automation; ``log_price`` (O,) and ``price_residual``; and
        ``surplus_share`` (O,).
    """
    before = Economy(World.at(draw, technology), shock)
    none = jnp.zeros_like(before.world.intercept)
    told: Told = {
        "log_price": none,
        "productivity_threshold": jnp.full(shares.shape[1], jnp.nan),
        "price_residual": jnp.zeros(()),
        "surplus_share": none + 1,
    }
    now, automated = before, False
    for step, share in zip(steps, shares, strict=True):
        world, news = step.act(now, before, share, nearby or {})
        if isinstance(step, Automation):
            if automated:  # of a task that two steps automate, the later productivity
                news["productivity_threshold"] = jnp.where(
                    share > 0, news["productivity_threshold"], told["productivity_threshold"]
                )
            automated = True
        told |= news
        now = Economy(world, shock)
    return before, now, told
