"""Make choice_references.json: log P(occupation | wage, skills) to 50 digits, without the package.

    python tests/models/make_choice_references.py        (some ten minutes)

With two or three occupations P is the plain mean of the logit probability over the unseen shocks,
by the trapezoid rule in one or two dimensions. With four, the mean factorises over occupations and
leaves one integral over the logarithm c of an exponential variable. All sums are in 50-digit
arithmetic on steps whose error is below e^-60 relative; each point is computed again on a smaller
step, and with three occupations by both routes where both are quick.
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from mpmath import mp, mpf

REFERENCES = Path(__file__).with_name("choice_references.json")
SEED = 20261122
# Points with each number of occupations.
POINTS = {2: 32, 3: 24, 4: 16}
_ACCURACY = 60
_REACH = mpf(16)


def worths(point: dict[str, Any]) -> tuple[list[Any], Any]:
    """Return (m_o + κ_o − w − κ_ω)/ν of the occupations not held, and ϱ/ν, exactly."""
    value = [
        mpf(m) + mpf(kappa) for m, kappa in zip(point["potential"], point["amenity"], strict=True)
    ]
    held, nu = point["occupation"], mpf(point["taste_scale"])
    offered = mpf(point["wage"]) + mpf(point["amenity"][held])
    unseen = [(v - offered) / nu for o, v in enumerate(value) if o != held]
    return unseen, mpf(point["wage_shock_scale"]) / nu


def direct(point: dict[str, Any], refine: int = 1) -> Any:
    """Return log of E[1/(1 + Σ exp(d_o + (ϱ/ν)·z_o))] over the unseen standard normal z."""
    with mp.workdps(50):
        unseen, ratio = worths(point)
        # The logistic function has its poles at imaginary part π/ratio.
        step = min(mpf("0.3"), 2 * mp.pi**2 / (ratio * _ACCURACY)) / refine
        count = int(_REACH / step)
        z = [step * k for k in range(-count, count + 1)]
        weight = [step * mp.npdf(x) for x in z]
        rivals = [[mp.exp(d + ratio * x) for x in z] for d in unseen]
        total = mpf(0)
        for cell in product(*(zip(weight, rival, strict=True) for rival in rivals)):
            density, odds = mpf(1), mpf(1)
            for w, rival in cell:
                density *= w
                odds += rival
            total += density / odds
        return mp.log(total)


def factorised(point: dict[str, Any], refine: int = 1) -> Any:
    """Return log of ∫ exp(c − e^c) Π_o E_z[exp(−exp(c + d_o + (ϱ/ν)·z))] dc."""
    with mp.workdps(50):
        unseen, ratio = worths(point)
        step = min(mpf("0.3"), mp.pi**2 / (ratio * _ACCURACY)) / refine
        count = int(_REACH / step)
        normal = [
            (step * mp.npdf(step * k), mp.exp(ratio * step * k)) for k in range(-count, count + 1)
        ]
        outer = mp.pi**2 / _ACCURACY / refine
        right = mpf("4.9")
        total, largest, k = mpf(0), mpf(0), 0
        while True:
            c = right - outer * k
            term = outer * mp.exp(c - mp.exp(c))
            for d in unseen:
                scale = mp.exp(c + d)
                mean = mpf(0)
                for weight, shock in normal:
                    v = scale * shock
                    if v > 320:  # what follows is smaller still
                        break
                    mean += weight * mp.exp(-v)
                term *= mean
            total += term
            largest = max(largest, term)
            if term < largest * mp.exp(-_ACCURACY) and c < -1:
                return mp.log(total)
            k += 1


def draw(rng: np.random.Generator, occupations: int, index: int) -> dict[str, Any]:
    """Draw a point: ordinary ones, extreme ϱ/ν, and choices as improbable as e^-60."""
    nu = float(np.exp(rng.uniform(np.log(0.05), np.log(1.5))))
    widest = {2: 24.0, 3: 2.5, 4: 6.0}[occupations]
    ratio = float(np.exp(rng.uniform(np.log(0.05), np.log(widest))))
    held = int(rng.integers(occupations))
    potential = rng.normal(2.0, 0.6, occupations)
    amenity = rng.normal(0.0, 0.2, occupations) * (index % 2)
    wage = potential[held] + ratio * nu * rng.normal()
    if index % 3 == 0:
        # Place the wage where the best rival alone would make the choice about e^-k probable.
        k = rng.uniform(4.0, 57.0)
        gap = k + ratio**2 / 2 if k > ratio**2 / 2 else ratio * np.sqrt(2 * k)
        rivals = np.delete(potential + amenity, held)
        wage = rivals.max() - amenity[held] - nu * gap
        lower = np.arange(occupations) != held
        lower[np.flatnonzero(lower)[np.argmax(rivals)]] = False
        potential[lower] -= nu * gap / 2
    return {
        "potential": [float(m) for m in potential],
        "amenity": [float(kappa) for kappa in amenity],
        "wage": float(wage),
        "occupation": held,
        "wage_shock_scale": ratio * nu,
        "taste_scale": nu,
    }


def reference(point: dict[str, Any]) -> Any:
    """Return log P by the route for its number of occupations, checked on a second step."""
    route = direct if len(point["potential"]) < 4 else factorised
    value = route(point)
    finer = route(point, 2) if len(point["potential"]) == 2 else route(point, mpf("1.3"))
    if abs(value - finer) > mpf("1e-20"):
        raise ArithmeticError(f"{value} is not {finer} at {point}")
    return finer


def main() -> None:
    """Write the file."""
    rng = np.random.default_rng(SEED)
    points = [draw(rng, o, i) for o, count in POINTS.items() for i in range(count)]
    rows = []
    for i, point in enumerate(points):
        value = reference(point)
        if len(point["potential"]) == 3 and i % 8 == 0:
            other = factorised(point)
            if abs(value - other) > mpf("1e-20"):
                raise ArithmeticError(f"{value} is not {other} at {point}")
        rows.append({**point, "log_probability": mp.nstr(value, 30)})
    REFERENCES.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
