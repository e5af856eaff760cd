"""Every prior, with its unit and the reason for it; each can be set in the study file.

[model.priors]
taste_scale = {median = 0.3, log_sd = 0.5}
"""

from __future__ import annotations

from math import log
from typing import Annotated

import numpyro.distributions as dist
from numpyro.distributions import Distribution
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LogNormal(_Frozen):
    """A positive scale: log-normal with this median and sd of the log."""

    median: PositiveFloat
    log_sd: PositiveFloat

    def distribution(self) -> Distribution:
        """Return the NumPyro distribution."""
        return dist.LogNormal(log(self.median), self.log_sd)


class Normal(_Frozen):
    """A real number around a centre that the model knows."""

    sd: PositiveFloat


class HalfNormal(_Frozen):
    """A scale that may be zero."""

    scale: PositiveFloat

    def distribution(self) -> Distribution:
        """Return the NumPyro distribution."""
        return dist.HalfNormal(self.scale)


class Lkj(_Frozen):
    """A correlation matrix: LKJ with this concentration (1 is uniform)."""

    concentration: PositiveFloat


class Priors(_Frozen):
    """The priors of the model; symbols as in model.md's table.

    Descriptions give unit and reason.
    """

    wage_shock_scale: Annotated[
        LogNormal,
        Field(
            description="ϱ, log-wage units. Transitory sds of log wages in panels lie between 0.15 "
            "and 0.6; Freund and Mann (2025) find 0.43."
        ),
    ] = LogNormal(median=0.35, log_sd=0.5)
    taste_scale: Annotated[
        LogNormal,
        Field(
            description="ν, log-wage units. 1/ν is the semi-elasticity of choice: from 2 to 12 "
            "covers published occupation-choice elasticities; Freund and Mann (2025) find 0.26."
        ),
    ] = LogNormal(median=0.25, log_sd=0.6)
    skill_mean: Annotated[
        Normal,
        Field(
            description="s̄_τ, log-wage units, around the level that puts the average potential "
            "wage at the panel's mean log wage (the currency's origin is arbitrary). An sd of 1.5 "
            "lets the average worker earn e^1.5, four to five times as much, at one task as at "
            "another."
        ),
    ] = Normal(sd=1.5)
    skill_sd: Annotated[
        LogNormal,
        Field(
            description="√Σ_ττ, log-wage units. Rows of A differ by about 0.1 a task, so skill sds "
            "of 1 to 4 move relative potential wages by 0.1 to 0.4; with rows near 1/K, √(AΣAᵀ) "
            "is then near the sd of log wages across persons."
        ),
    ] = LogNormal(median=2.0, log_sd=0.8)
    skill_corr: Annotated[
        Lkj,
        Field(
            description="Correlations of skills (covariance = 'lkj'). Two draws them mildly to "
            "zero; in more than about ten dimensions LKJ concentrates on the identity: use "
            "'factor'."
        ),
    ] = Lkj(concentration=2.0)
    loading_scale: Annotated[
        HalfNormal,
        Field(
            description="λ, log-wage units: root mean square, a priori, of what all factors "
            "together add to the skill sd of a task (covariance = 'factor'), however many they "
            "are; same reason as skill_sd."
        ),
    ] = HalfNormal(scale=2.0)
    intercept_scale: Annotated[
        HalfNormal,
        Field(
            description="τ, log-wage units: sd of μ around its known value plus a constant "
            "(intercept = 'pooled'), or of its free part ('orthogonal'). At τ → 0 'pooled' is "
            "'known'."
        ),
    ] = HalfNormal(scale=0.5)
    intercept_constant: Annotated[
        Normal,
        Field(
            description="c, one constant in all intercepts ('pooled'), log-wage units: capital "
            "prices and omitted inputs. At the threshold productivity no result depends on it."
        ),
    ] = Normal(sd=1.0)
    amenity_scale: Annotated[
        HalfNormal,
        Field(
            description="τ_κ, sd of amenities across occupations, log-wage units. Half a log point "
            "is a large compensating differential."
        ),
    ] = HalfNormal(scale=0.5)
    experience_return: Annotated[
        HalfNormal,
        Field(
            description="Δ, log-wage units: what the occupation held when last seen pays more "
            "(state_dependence = 'experience'). A year of occupational tenure is worth some log "
            "points; half a log point leaves room for all that keeps people in place."
        ),
    ] = HalfNormal(scale=0.5)
    coefficient: Annotated[
        Normal,
        Field(
            description="β, log-wage units per unit of a centred covariate (year dummies; "
            "experience in its sds)."
        ),
    ] = Normal(sd=0.5)
