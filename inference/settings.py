"""How a posterior is found: the ``[inference]`` part of a study."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class InferenceSettings(BaseModel):
    """Route to the posterior and its effort."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Annotated[
        Literal["nuts", "nuts-marginal", "svi", "simulated-mle"],
        Field(
            description="'nuts' samples parameters and skills; 'nuts-marginal' parameters alone, "
            "skills integrated out by Laplace's method and drawn afterwards; 'svi' fits a Gaussian "
            "to the parameters, faster, with a diagnostic that says when not to trust it; "
            "'simulated-mle' is simulated maximum likelihood, a point without bands, to compare "
            "with."
        ),
    ] = "nuts"
    chains: Annotated[int, Field(ge=1, le=64, description="NUTS chains.")] = 4
    warmup: Annotated[int, Field(ge=1, description="Warm-up iterations of each chain.")] = 250
    draws: Annotated[
        int, Field(ge=1, description="Draws kept of each chain; of SVI, draws in all.")
    ] = 800
    target_accept: Annotated[
        float,
        Field(
            gt=0.5,
            lt=1,
            description="Acceptance probability NUTS tunes its steps for; higher takes shorter "
            "steps, and more of them. The default is for panels that nobody has sampled yet; 0.7 "
            "may do, in less time.",
        ),
    ] = 0.9
    max_tree_depth: Annotated[
        int, Field(ge=1, le=12, description="At most 2 to this power steps a draw.")
    ] = 10
    svi_steps: Annotated[int, Field(ge=10, description="Optimiser steps of SVI.")] = 1500
    svi_proposals: Annotated[
        int,
        Field(
            ge=0,
            description="Proposals of skills a worker, with which svi's bound is weighted by "
            "importance, so that it is the likelihood's and not that of Laplace's method; with 0 "
            "it is the latter, and a step takes half the time.",
        ),
    ] = 8
    batch_size: Annotated[
        int,
        Field(
            ge=0,
            description="Workers that a step of svi or simulated-mle looks at; 0 is all of them "
            "with svi, 64 with simulated-mle.",
        ),
    ] = 0
    simulation_draws: Annotated[
        int, Field(ge=1, description="Draws of skills and shocks a worker, of simulated-mle.")
    ] = 1000
    simulation_steps: Annotated[
        int, Field(ge=1, description="Optimiser steps of simulated-mle.")
    ] = 1000
    penalized: Annotated[
        bool,
        Field(
            description="Whether simulated-mle adds the log prior to the log likelihood; without, "
            "it is maximum likelihood, as in Freund and Mann (2025)."
        ),
    ] = False
    tolerance: Annotated[
        float,
        Field(
            ge=1e-9,
            le=1e-2,
            description="Largest numerical error wanted in the log probability of a choice; the "
            "quadrature is refined until a sample of workers is within it.",
        ),
    ] = 1e-4
    devices: Annotated[
        Literal["chains", "workers"],
        Field(
            description="What several devices share: 'chains', each its own, or the 'workers' of "
            "every chain, one chain after the other, for panels that one device is too slow for."
        ),
    ] = "chains"
    seed: Annotated[
        int, Field(ge=0, lt=2**32, description="Seed of every random number of the fit.")
    ] = 1
    precision: Annotated[
        Literal["float64", "float32"],
        Field(description="Floating-point precision of the fit; float32 is for GPUs and drafts."),
    ] = "float64"
