"""The choice factor by simulation, in plain JAX: what the exact one is compared with.

    P(ω | w, s) ≈ mean over draws of exp((w + κ_ω)/ν) / Σ_o exp((w_o + κ_o)/ν),

w_ω = w as seen, and the other wages w_o = m_o + ϱ·z_o drawn. Two ways: draws of its own for each
worker-year, as a program that follows the equation has; and the same draws for everybody, which
turns the sum over occupations into one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int

#: Worker-years × draws × occupations that are in work at once; more do not fit the caches.
BLOCK_ELEMENTS = 1_000_000


class Theta(NamedTuple):
    """What the choice factor depends on besides skills."""

    mean_potential: Float[Array, " O"]
    amenity: Float[Array, " O"]
    coefficient: Float[Array, " P"]
    wage_shock_scale: Float[Array, ""]
    taste_scale: Float[Array, ""]


class Block(NamedTuple):
    """Some workers: skills, and what is seen of them in each year."""

    skills: Float[Array, "B K"]
    log_wage: Float[Array, "B Y"]
    occupation: Int[Array, "B Y"]
    design: Float[Array, "B Y P"]

    @property
    def by_year(self) -> Block:
        """The same with each worker-year as a worker of his own."""
        workers, years = self.log_wage.shape
        return Block(
            jnp.repeat(self.skills, years, axis=0),
            *(x.reshape(workers * years, 1, *x.shape[2:]) for x in self[1:]),
        )


type LogChoice = Callable[[Theta, Block], Float[Array, "B Y"]]


def with_own_draws(task_weights: Float[Array, "O K"], z: Float[Array, "B Y R O"]) -> LogChoice:
    """Return log P by simulation, each worker-year with standard normal draws `z` of its own."""

    def log_choice(theta: Theta, block: Block) -> Array:
        paid = block.log_wage - block.design @ theta.coefficient
        potential = theta.mean_potential + block.skills @ task_weights.T
        offered = potential[:, None, None] + theta.wage_shock_scale * z
        held = jnp.arange(z.shape[-1]) == block.occupation[..., None, None]
        worth = jnp.where(held, paid[..., None, None], offered) + theta.amenity
        own = (paid + theta.amenity[block.occupation]) / theta.taste_scale
        log_p = own[..., None] - jax.nn.logsumexp(worth / theta.taste_scale, axis=-1)
        return jax.nn.logsumexp(log_p, axis=-1) - jnp.log(z.shape[-2])

    return log_choice


def with_shared_draws(task_weights: Float[Array, "O K"], z: Float[Array, "O R"]) -> LogChoice:
    """Return log P by simulation, all worker-years with the same draws `z`."""

    def log_choice(theta: Theta, block: Block) -> Array:
        nu = theta.taste_scale
        paid = block.log_wage - block.design @ theta.coefficient
        potential = theta.mean_potential + block.skills @ task_weights.T
        worth, shock = (
            jnp.exp((potential + theta.amenity) / nu),
            jnp.exp(theta.wage_shock_scale / nu * z),
        )
        held = jnp.take_along_axis(worth, block.occupation, axis=1)[..., None]
        others = (worth @ shock)[:, None] - held * shock[block.occupation]
        own = jnp.exp((paid + theta.amenity[block.occupation]) / nu)[..., None]
        return jnp.log((own / (own + others)).mean(-1))

    return log_choice


def in_blocks(function: Callable[[Block], Any], everybody: Block, size: int) -> Any:
    """Map over blocks of `size` workers, which divides their number; results are stacked."""
    blocks = jax.tree.map(lambda x: x.reshape(-1, size, *x.shape[1:]), everybody)
    return jax.lax.map(function, blocks)


def value_and_gradient(
    log_choice: LogChoice, everybody: Block, size: int
) -> Callable[[tuple[Theta, Array]], tuple[Array, tuple[Theta, Array]]]:
    """Return Σ log P and its gradient in θ and skills, block by block, as a function of both.

    Each block's gradient is taken at once, so nothing is computed twice and memory is that of one
    block.
    """

    def evaluate(point: tuple[Theta, Array]) -> tuple[Array, tuple[Theta, Array]]:
        theta, skills = point

        def one(block: Block) -> Any:
            def total(theta: Theta, skills: Array) -> Array:
                return log_choice(theta, block._replace(skills=skills)).sum()

            return jax.value_and_grad(total, argnums=(0, 1))(theta, block.skills)

        value, (by_theta, by_skills) = in_blocks(one, everybody._replace(skills=skills), size)
        return value.sum(), (
            jax.tree.map(lambda x: x.sum(0), by_theta),
            by_skills.reshape(skills.shape),
        )

    return evaluate


def block_size(units: int, elements: int) -> int:
    """Return how many of `units`, each of so many elements, are worked on at once."""
    most = max(1, BLOCK_ELEMENTS // elements)
    return next(size for size in range(min(most, units), 0, -1) if units % size == 0)
