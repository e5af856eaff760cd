"""What the analyst chooses about the model: the ``[model]`` part of a study."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from taskroy.models.priors import Priors
from taskroy.models.step import refusal


class ModelSettings(BaseModel):
    """Variant of the model; the defaults are those for real data (model.md, section 7)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shock: Annotated[
        Literal["occupation", "worker"],
        Field(
            description="Wage shock: one for each occupation, seen before choosing (the seed), or "
            "one for the worker, which cancels in the choice."
        ),
    ] = "occupation"
    intercept: Annotated[
        Literal["known", "pooled", "orthogonal"],
        Field(
            description="μ: known from the technology (the seed), that plus a constant and noise "
            "of estimated size, or free but orthogonal to the task weights."
        ),
    ] = "pooled"
    amenities: Annotated[
        Literal["none", "pooled"],
        Field(description="Non-wage value of occupations: none (the seed) or estimated."),
    ] = "pooled"
    state_dependence: Annotated[
        Literal["none", "experience"],
        Field(
            description="Whether people stay where they are for skill alone, or also because the "
            "occupation held when last seen pays Δ more there, estimated."
        ),
    ] = "none"
    discount: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="β: how much it counts in a choice that the occupation pays more next year "
            "(with state_dependence = 'experience'); 0 for choices of one year. Not estimated.",
        ),
    ] = 0.0
    covariance: Annotated[
        Literal["lkj", "factor"],
        Field(
            description="Σ: standard deviations and an LKJ correlation (up to about ten tasks), or "
            "factors plus a diagonal."
        ),
    ] = "lkj"
    factors: Annotated[int, Field(ge=1, description="Number of factors.")] = 3
    priors: Priors = Priors()

    @model_validator(mode="after")
    def _only_experience_is_looked_ahead_to(self) -> Self:
        if self.discount > 0 and self.state_dependence == "none":
            raise refusal(
                f"Nothing this year decides what next year brings, and discount is "
                f"{self.discount:g}.",
                expected="state_dependence = 'experience', or discount = 0",
                remedy="set state_dependence = 'experience', or leave out discount",
            )
        return self
