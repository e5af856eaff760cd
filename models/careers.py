"""The distribution of careers: wages and occupations, given skills.

``sample`` draws every shock and lets the worker choose; ``log_prob`` is exact, with no simulation
in it (model.md, section 3).
"""

from __future__ import annotations

from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Int
from numpyro.distributions import Distribution, constraints

from taskroy.models.choice_expansion import curvature_along, expand_choice_of_careers
from taskroy.models.choice_grid import Grid, log_choice_of_careers, node_range
from taskroy.models.continuation import continuation
from taskroy.models.experience import Bonus, Experience

_LOG_SQRT_2PI = 0.9189385332046727


class Careers(Distribution):  # type: ignore[misc]
    """Log wages and occupations of workers over years, given their potential wages.

    Batch shape (N,), event shape (T, 2): the log wage, and the index of the occupation held.
    Cells that are not observed count for nothing.

    Parameters
    ----------
    potential
        m_io, mean potential log wages, (N, O).
    common
        x_it·β, what covariates add to the log wage in every occupation, (N, T).
    amenity
        κ_o, (O,).
    wage_shock_scale, taste_scale
        ϱ and ν.
    experience_return
        Δ, what the log wage gains in the occupation held when last seen; None where there is no
        state dependence.
    observed
        True where the worker is seen, (N, T).
    shock
        ``"occupation"`` or ``"worker"``.
    grid
        Sizes of the quadrature of the choice factor.
    discount
        β, how much next year's experience counts in a choice (:mod:`taskroy.models.continuation`).
    """

    arg_constraints = {
        "wage_shock_scale": constraints.positive,
        "taste_scale": constraints.positive,
    }
    support = constraints.real_matrix
    pytree_data_fields = (
        "potential",
        "common",
        "amenity",
        "wage_shock_scale",
        "taste_scale",
        "experience_return",
        "observed",
    )
    pytree_aux_fields = ("shock", "grid", "discount")

    @classmethod
    def gather_pytree_data_fields(cls) -> tuple[str, ...]:
        """Return the fields that are arrays, in one order.

        NumPyro's is that of a set, which Python shuffles anew in each process: no process would
        find the programs that another one compiled.
        """
        return cls.pytree_data_fields

    def __init__(
        self,
        potential: Float[Array, "N O"],
        common: Float[Array, "N T"],
        amenity: Float[Array, " O"],
        wage_shock_scale: Float[Array, ""],
        taste_scale: Float[Array, ""],
        *,
        experience_return: Float[Array, ""] | None = None,
        observed: Bool[Array, "N T"],
        shock: Literal["occupation", "worker"] = "occupation",
        grid: Grid = Grid(),  # noqa: B008  (frozen)
        discount: float = 0.0,
    ) -> None:
        self.potential, self.common, self.amenity = potential, common, amenity
        self.wage_shock_scale, self.taste_scale = wage_shock_scale, taste_scale
        self.experience_return = experience_return
        self.observed, self.shock, self.grid = observed, shock, grid
        self.discount = discount
        workers, years = jnp.shape(common)
        super().__init__(batch_shape=(workers,), event_shape=(years, 2), validate_args=False)

    def sample(self, key: Any, sample_shape: tuple[int, ...] = ()) -> Float[Array, "... N T 2"]:
        """Draw shocks, choices and wages."""
        wage_key, taste_key = jax.random.split(key)
        occupations = self.potential.shape[-1]
        shape = (*sample_shape, *jnp.shape(self.common), occupations)
        shocks = shape if self.shock == "occupation" else (*shape[:-1], 1)
        wage = (
            self.potential[:, None, :]
            + self.common[..., None]
            + self.wage_shock_scale * jax.random.normal(wage_key, shocks)
        )
        taste = self.taste_scale * jax.random.gumbel(taste_key, shape)
        beyond = self.beyond_wage[:, None, :]
        taste = taste + beyond
        if self.experience_return is not None:
            career = self._year_by_year(wage, taste, self.experience_return)
            # Of what is not a number the first is the largest: that would pass for a choice.
            return jnp.where(jnp.isfinite(beyond).all(-1, keepdims=True), career, jnp.nan)
        held = jnp.argmax(wage + taste, axis=-1)
        paid = jnp.take_along_axis(wage, held[..., None], axis=-1)[..., 0]
        return jnp.stack([paid, held.astype(paid.dtype)], axis=-1)

    def _year_by_year(self, wage: Array, taste: Array, gain: Array) -> Float[Array, "... N T 2"]:
        """Let workers choose in the order of years, with the return to where they were before."""

        def year(last: Array, now: tuple[Array, Array, Array]) -> tuple[Array, Array]:
            wage, taste, observed = now
            wage = wage + gain * (jnp.arange(wage.shape[-1]) == last[..., None])
            held = jnp.argmax(wage + taste, axis=-1)
            paid = jnp.take_along_axis(wage, held[..., None], axis=-1)[..., 0]
            career = jnp.stack([paid, held.astype(paid.dtype)], axis=-1)
            return jnp.where(observed, held, last), career

        years = jnp.moveaxis(wage, -2, 0), jnp.moveaxis(taste, -2, 0), jnp.asarray(self.observed).T
        nowhere = jnp.full(wage.shape[:-2], -1)
        return jnp.moveaxis(jax.lax.scan(year, nowhere, years)[1], 0, -2)

    @property
    def beyond_wage(self) -> Float[Array, "N O"]:
        """What counts in a choice besides the wage: amenities and the years to come, (N, O)."""
        amenity = jnp.broadcast_to(self.amenity, self.potential.shape)
        if self.experience_return is None or self.discount == 0:
            return amenity
        nu = self.taste_scale
        ratio = None if self.shock == "worker" else self.wage_shock_scale / nu
        worth = (self.potential + self.amenity) / nu
        later = continuation(worth, ratio, self.experience_return / nu, self.discount, self.grid)
        return amenity + nu * later

    def log_prob(self, value: Float[Array, "N T 2"]) -> Float[Array, " N"]:
        """Return each worker's log density: wage factor plus choice factor, over his years."""
        wage_factor, choice_factor = self.factors(value)
        return (wage_factor + choice_factor).sum(-1)

    def factors(
        self, value: Float[Array, "N T 2"]
    ) -> tuple[Float[Array, "N T"], Float[Array, "N T"]]:
        """Return the log wage factor and the log choice factor of each worker-year."""
        held = value[..., 1].astype(jnp.int32)
        net = value[..., 0] - self.common
        mean = jnp.take_along_axis(self.potential, held, axis=1) + self._gained(held)
        z = (net - mean) / self.wage_shock_scale
        wage_factor = -0.5 * z**2 - jnp.log(self.wage_shock_scale) - _LOG_SQRT_2PI
        if self.shock == "worker":
            choice = self._log_logit(held)
            choice = jnp.broadcast_to(choice, (*held.shape, choice.shape[-1]))
            choice_factor = jnp.take_along_axis(choice, held[..., None], axis=-1)[..., 0]
        else:
            units, bonus = self._in_taste_units(value)
            choice_factor = log_choice_of_careers(*units, self.grid, bonus)
        seen = self.observed
        return jnp.where(seen, wage_factor, 0.0), jnp.where(seen, choice_factor, 0.0)

    def replace(self, **changes: Any) -> Careers:
        """Return the same distribution with some of its parameters changed."""
        names = (*self.pytree_data_fields, *self.pytree_aux_fields)
        return Careers(**{name: getattr(self, name) for name in names} | changes)

    def expand_choice(
        self, value: Float[Array, "N T 2"], task_weights: Float[Array, "O K"]
    ) -> tuple[Float[Array, "N K"], Float[Array, "N K K"]]:
        """Return gradient and minus the Hessian in skills of each worker's log choice factors.

        As if what occupations are worth from next year on did not depend on skills.
        """
        # ν is taken out: a derivative through constant weights is twice as cheap.
        nu = self.taste_scale
        if self.shock == "occupation":
            units, bonus = self._in_taste_units(value)
            gradient, curvature = expand_choice_of_careers(*units, task_weights, self.grid, bonus)
            return gradient / nu, curvature / nu**2
        held = value[..., 1].astype(jnp.int32)
        chance, a = jnp.exp(self._log_logit(held)), task_weights
        seen = self.observed.astype(chance.dtype)
        years = seen if chance.shape[1] > 1 else seen.sum(1, keepdims=True)
        mean = chance @ a
        spread = jnp.einsum("nto,ok,ol->nkl", chance * years[..., None], a, a)
        spread = spread - (mean * years[..., None]).mT @ mean
        gradient = (a[held] * seen[..., None]).sum(1) - (mean * years[..., None]).sum(1)
        return gradient / nu, spread / nu**2

    def choice_curvature_along(
        self,
        value: Float[Array, "N T 2"],
        task_weights: Float[Array, "O K"],
        metric: Float[Array, "N K K"],
    ) -> Float[Array, " N"]:
        """Return tr(W_i·C_i), C_i minus the Hessian of `expand_choice` and W_i a metric."""
        if self.shock == "occupation":
            units, bonus = self._in_taste_units(value)
            along = curvature_along(*units, task_weights, metric, self.grid, bonus)
            return along / self.taste_scale**2
        return (self.expand_choice(value, task_weights)[1] * metric).sum((-2, -1))

    def _log_logit(self, held: Int[Array, "N T"]) -> Float[Array, "N _ O"]:
        """Log choice probabilities when the shock is the worker's; of all years one, if alike."""
        worth = (self.potential + self.beyond_wage)[:, None]
        if self.experience_return is not None:
            past = Experience.of(held, self.observed)
            here = jnp.arange(worth.shape[-1]) == past.last[..., None]
            worth = worth + self.experience_return * (here & past.known[..., None])
        return jax.nn.log_softmax(worth / self.taste_scale, axis=-1)

    def _gained(self, held: Int[Array, "N T"]) -> Array | float:
        """Return what experience adds to the wage that was seen, (N, T)."""
        if self.experience_return is None:
            return 0.0
        return self.experience_return * Experience.of(held, self.observed).stays

    def node_width(self, value: Float[Array, "N T 2"]) -> Float[Array, ""]:
        """Return the width of the widest worker's choice integrand, which sizes the grid."""
        units, bonus = self._in_taste_units(value)
        left, right = node_range(*units, bonus)
        return jnp.max(right - left)

    def _in_taste_units(
        self, value: Array
    ) -> tuple[tuple[Array, Array, Array, Array, Array], Bonus | None]:
        """Return worths, wages, occupations, who is observed, and ϱ/ν; and what experience adds."""
        held = value[..., 1].astype(jnp.int32)
        beyond = self.beyond_wage
        worth = (self.potential + beyond) / self.taste_scale
        wage = value[..., 0] - self.common + jnp.take_along_axis(beyond, held, axis=1)
        wage = wage / self.taste_scale
        bonus = None
        if self.experience_return is not None:
            past = Experience.of(held, self.observed)
            elsewhere = past.known & ~past.stays
            bonus = Bonus(past.last, elsewhere * (self.experience_return / self.taste_scale))
        # Without the barrier XLA computes these again wherever they are used, at twice the time.
        ratio = self.wage_shock_scale / self.taste_scale
        units = worth, wage, held, self.observed, ratio
        return jax.lax.optimization_barrier((units, bonus))
