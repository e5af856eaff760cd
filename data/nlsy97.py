"""Preset for a worker panel made from the public-use NLSY97 (Bureau of Labor Statistics).

The table has one row a worker-year with ``id``, ``year``, ``age``, ``soc_minor`` (SOC minor
group), ``job_wage`` (nominal dollars an hour: year effects take inflation out) and ``weight``
(sampling weight).
"""

from __future__ import annotations

from taskroy.data.design import Covariates

COLUMNS = {"worker": "id", "occupation": "soc_minor", "wage": "job_wage"}
DEFAULT_COVARIATES = Covariates(year_effects=True, experience="age", experience_degree=2)
