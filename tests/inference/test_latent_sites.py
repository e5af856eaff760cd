"""Latent sites are found without running the model; its skeleton has them and no density."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from numpyro import handlers
from numpyro.infer.util import constrain_fn, log_density, potential_energy, unconstrain_fn

from taskroy.inference.latent_sites import latent_sites, prior_medians


def model(ran=None):
    scale = numpyro.sample("scale", dist.HalfNormal(2.0))
    level = numpyro.sample("level", dist.ZeroSumNormal(scale, (3,)))
    numpyro.sample("corr", dist.LKJCholesky(3, 2.0))
    with numpyro.plate("worker", 4):
        numpyro.sample("deviation", dist.Normal(0, scale).expand([2]).to_event(1))
    numpyro.deterministic("twice", 2 * scale)
    numpyro.factor("term", level[0])
    if ran is not None:
        ran.append(isinstance(scale, jax.core.Tracer))
    numpyro.sample("seen", dist.Normal(level, 1.0).to_event(1), obs=jnp.zeros(3))


def test_finds_them_in_order_without_running():
    ran = []
    sites = latent_sites(lambda: model(ran))
    assert ran == [True]
    assert list(sites.shapes.items()) == [
        ("scale", ()),
        ("level", (3,)),
        ("corr", (3, 3)),
        ("deviation", (4, 2)),
    ]
    assert sites.unconstrained_sizes() == {"scale": 1, "level": 2, "corr": 3, "deviation": 8}
    assert list(sites.of(["level"]).shapes) == ["level"]


def test_maps_are_those_of_the_model():
    sites = latent_sites(model)
    values = prior_medians(model, tuple(sites.shapes))
    reals = sites.unconstrained({**values, "another": jnp.ones(())})
    expected = unconstrain_fn(model, (), {}, values)
    assert reals.keys() == expected.keys()
    back, again = sites.constrained(reals), constrain_fn(model, (), {}, reals)
    for name in reals:
        np.testing.assert_array_equal(reals[name], expected[name])
        np.testing.assert_array_equal(back[name], again[name])
        np.testing.assert_allclose(back[name], values[name], atol=1e-6)


def test_skeleton_has_the_sites_and_no_density():
    sites = latent_sites(model)
    fixed = handlers.substitute(sites.skeleton, data=prior_medians(model, tuple(sites.shapes)))
    trace = handlers.trace(fixed).get_trace()
    assert list(trace) == list(sites.shapes)
    assert all(float(jnp.sum(v["fn"].log_prob(v["value"]))) == 0.0 for v in trace.values())


def test_a_guides_draws_have_the_density_of_the_reals():
    sites = latent_sites(model)
    flat = jnp.asarray(np.random.default_rng(0).normal(size=14))
    reals = sites.unflattened(flat)
    np.testing.assert_array_equal(sites.flattened(reals), flat)
    trace = handlers.trace(sites.sample_at).get_trace(reals)
    found = sum(float(v["fn"].log_prob(v["value"])) for v in trace.values())
    # The same point's density in reals less its own: the Jacobian.
    values = sites.constrained(reals)
    plain = {k: v["value"] for k, v in trace.items()}
    for name in values:
        np.testing.assert_array_equal(plain[name], values[name])
    own = float(log_density(model, (), {}, values)[0])
    expected = own + float(potential_energy(model, (), {}, reals))
    np.testing.assert_allclose(found, expected, rtol=1e-10)
