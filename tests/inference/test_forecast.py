from __future__ import annotations

import time

import jax.numpy as jnp
import pytest

from taskroy.inference.forecast import bytes_of_draws, duration, seconds_a_call, size


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.0, "about 1 s"),
        (119.0, "about 119 s"),
        (120.0, "about 2 min"),
        (900.0, "about 15 min"),
        (9000.0, "about 2.5 h"),
    ],
)
def test_a_time_in_words(seconds, told):
    assert duration(seconds) == told


@pytest.mark.parametrize(
    ("number", "told"), [(10, "about 1 MB"), (3.4e8, "about 340 MB"), (9.34e9, "about 9.3 GB")]
)
def test_a_size_in_words(number, told):
    assert size(number) == told


def test_time_is_that_of_calls_after_the_first():
    waits = [0.5]  # as if it were compiled

    def call():
        time.sleep(waits.pop() if waits else 0.02)
        return jnp.zeros(1)

    assert 0.02 <= seconds_a_call(call) < 0.3


def test_memory_grows_with_the_draws():
    # 12,000 workers, 37 tasks, 2,400 draws: 8.5 GB a copy.
    assert bytes_of_draws(12_000 * 37 * 8, 2_400) >= 8.5e9
    assert bytes_of_draws(80, 20) == 2 * bytes_of_draws(80, 10)
