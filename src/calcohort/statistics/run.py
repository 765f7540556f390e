"""Families of statistics by name: one callable each, for one job of the workflow."""

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module

import pandas as pd

from calcohort.statistics import families
from calcohort.statistics.populations import Settings, endpoint_frames
from calcohort.statistics.study import Study, Tables


def run_family(
    name: str,
    analysis: pd.DataFrame,
    endpoints: pd.DataFrame | None = None,
    settings: Mapping | Settings | None = None,
    scans: pd.DataFrame | None = None,
) -> Tables:
    """Tables of one family, by file stem.

    Parameters
    ----------
    name : str
        A key of FAMILIES.
    analysis : DataFrame
        cohort/analysis.csv, or a table as the `analysis:` door takes it.
    endpoints : DataFrame or None
        cohort/endpoints.csv: sensitivity endpoints, for km, logrank, cox and npv.
    settings : mapping, Settings or None
        seed, bootstrap_replicates, horizons_years and what else Settings has.
    scans : DataFrame or None
        development/scans.csv, for the populations of internal testing.

    Raises
    ------
    InputError
        If the table lacks a required column or holds an impossible value.
    """
    study = Study(endpoint_frames(analysis, endpoints), scans, Settings.of(settings))
    # By name: a job's code is that of its own family, and a change elsewhere does not make it stale.
    return import_module(f"{families.__name__}.{name}").build(study)


FAMILIES: dict[str, Callable[..., Tables]] = {name: partial(run_family, name) for name in families.FILES}
