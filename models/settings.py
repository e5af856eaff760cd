"""What the analyst chooses about the model: the ``[model]`` part of a study."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from taskroy.models.priors import Priors


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
    covariance: Annotated[
        Literal["lkj", "factor"],
        Field(
            description="Σ: standard deviations and an LKJ correlation (up to about ten tasks), or "
            "factors plus a diagonal."
        ),
    ] = "lkj"
    factors: Annotated[int, Field(ge=1, description="Number of factors.")] = 3
    priors: Priors = Priors()
