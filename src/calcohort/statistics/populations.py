"""Who is analysed: checks of the analysis table, the populations and scores, and the endpoints."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from calcohort.categories import categorise
from calcohort.errors import InputError

DAYS_PER_YEAR = 365.25
SCORES = {"dl_ctac": "cac_dl", "standard": "cac_standard"}
POPULATIONS = ("all", "no_cad", "paired", "paired_no_cad")
REQUIRED = ("patient_id", "cac_dl", "followup_days", "mace")
PRIOR = ("prior_pci", "prior_cabg", "prior_mi")
BINARY = ("hypercholesterolemia", "smoking", "hypertension", "diabetes", *PRIOR, "history_of_cad", "death")
CONTINUOUS = ("age", "bmi", "mfr", "sds")
SCORE_COLUMNS = ("cac_dl", "cac_standard", "cac_dl_rest_preferred", "cac_dl_gated")
# R's timefix: the square root of the machine's precision.
_ROUNDING = float(np.sqrt(np.finfo(float).eps))
TEXT = ("sex", "event_type", "cac_dl_protocol")
# Other words would be counted as nobody's.
VOCABULARY = {
    "sex": ("female", "male"),
    "event_type": ("death", "late_revascularization", "myocardial_infarction", "unstable_angina"),
}


# Settings that are no whole numbers.
_NUMBERS = dict.fromkeys(("primary_horizon_years", "split_years", "margin_c", "margin_npv"), float)


@dataclass(frozen=True)
class Settings:
    """What a study's config may set about statistics."""

    seed: int = 1
    bootstrap_replicates: int = 2000
    optimism_replicates: int = 40
    horizons_years: tuple[float, ...] = (1.0, 3.0, 5.0)
    primary_horizon_years: float = 5.0
    split_years: float = 2.0
    margin_c: float = 0.05
    margin_npv: float = 0.05

    @classmethod
    def of(cls, given: Mapping | None) -> "Settings":
        """Settings from a mapping; what it leaves out keeps its default.

        Raises
        ------
        InputError
            If a key is unknown or a number makes no sense.
        """
        if isinstance(given, cls):
            return given
        given = dict(given or {})
        unknown = sorted(set(given) - set(cls.__dataclass_fields__))
        if unknown:
            raise InputError(
                f"unknown key {unknown[0]!r}",
                where="statistics",
                cure=f"use one of {', '.join(cls.__dataclass_fields__)}",
            )
        try:
            for name, value in given.items():
                several = name == "horizons_years"
                given[name] = tuple(map(float, value)) if several else _NUMBERS.get(name, int)(value)
        except (TypeError, ValueError) as error:
            kind = "a list of numbers" if several else "a number"
            raise InputError(f"not {kind}", where=f"statistics.{name}", cure=f"give {kind}") from error
        settings = cls(**given)
        horizons = (*settings.horizons_years, settings.primary_horizon_years, settings.split_years)
        if not all(0 < years < np.inf for years in horizons):
            raise InputError("a horizon must be more than 0 years", where="statistics.horizons_years")
        if settings.bootstrap_replicates < 1 or settings.optimism_replicates < 1:
            raise InputError("at least one replicate is needed", where="statistics.bootstrap_replicates")
        if not (settings.margin_c > 0 and settings.margin_npv > 0):
            raise InputError("a margin must be more than 0", where="statistics.margin_c")
        return settings


@dataclass(frozen=True)
class AnalysisSet:
    """One population with one score: arrays of the patients that have it, ordered by time."""

    population: str
    score: str
    frame: pd.DataFrame

    @property
    def years(self) -> np.ndarray:
        """Follow-up in years, shape (n,)."""
        return self.frame["years"].to_numpy()

    @property
    def event(self) -> np.ndarray:
        """1 where the endpoint happened, shape (n,)."""
        return self.frame["event"].to_numpy()

    @property
    def category(self) -> np.ndarray:
        """Index into CATEGORIES, shape (n,)."""
        return self.frame[self.score].to_numpy()


def prepare(analysis: pd.DataFrame) -> pd.DataFrame:
    """Check the analysis table and put it into the form that every family works on.

    Adds `years` (followup_days / 365.25), `event` (mace), `dl_ctac` and `standard` (index of the category, -1
    where the score is missing) and, where only its parts are there, `history_of_cad`. Rows are put into an
    order that depends on their content alone, so that neither the order of a file nor the type of its
    identifiers changes a number.

    Raises
    ------
    InputError
        If a required column is absent, or a value is impossible.
    """
    _require(analysis, REQUIRED, "analysis table")
    if not analysis.columns.is_unique:
        twice = analysis.columns[analysis.columns.duplicated()][0]
        raise InputError(f"column {twice} is there twice", where="analysis table", cure="keep one of them")
    patients = analysis["patient_id"].astype(str).str.strip()
    if (analysis["patient_id"].isna() | (patients == "")).any():
        raise InputError("a row without patient_id", where="analysis table", cure="name its patient")
    if patients.duplicated().any():
        raise InputError("a patient has two rows", where="analysis table", cure="give one row a patient")
    frame = pd.DataFrame({"patient_id": patients.to_numpy()})
    for column in ("followup_days", "mace", *SCORE_COLUMNS, *CONTINUOUS, *BINARY, "death_days"):
        if column in analysis:
            frame[column] = _numbers(analysis[column])
    for column in TEXT:
        if column in analysis:
            known = analysis[column].notna() & (analysis[column].astype(object) != "")
            frame[column] = analysis[column].astype(object).where(known, None).to_numpy()
    _check(frame)
    frame["years"] = tied(frame["followup_days"].to_numpy() / DAYS_PER_YEAR)
    frame["event"] = frame["mace"].astype(int)
    for score, column in SCORES.items():
        if column in frame:
            frame[score] = categorise(frame[column]).codes.astype(int)
    told = "history_of_cad" in frame and frame["history_of_cad"].notna().any()
    if not told and all(column in frame for column in PRIOR):
        # Unknown stays unknown: a missing history counts neither as present nor as absent.
        frame["history_of_cad"] = frame[list(PRIOR)].max(axis=1, skipna=False)
    content = [column for column in frame if column != "patient_id"]
    ordered = frame.sort_values(
        ["years", "event", *(c for c in content if c not in ("years", "event"))],
        kind="stable",
        ignore_index=True,
        key=lambda values: values.fillna("") if values.dtype == object else values,
    )
    return ordered


def tied(time: np.ndarray) -> np.ndarray:
    """Times (n,) in which those that differ by rounding errors alone are equal, as R's survival (aeqSurv)."""
    distinct = np.unique(time)
    if len(distinct) < 2:
        return time
    gaps = np.diff(distinct)
    same = (gaps <= _ROUNDING) | (gaps <= _ROUNDING * np.abs(distinct).mean())
    first = distinct[np.concatenate([[True], ~same])]
    return first[np.searchsorted(first, time, side="right") - 1]


def _require(table: pd.DataFrame, columns: tuple[str, ...], where: str) -> None:
    for column in columns:
        if column not in table:
            raise InputError(f"column {column} is absent", where=where, cure="add it")


def _numbers(values: pd.Series) -> np.ndarray:
    if values.dtype.kind in "mMc":
        raise InputError(
            f"column {values.name} holds dates, spans of time or complex numbers",
            where="analysis table",
            cure="give numbers",
        )
    if values.dtype == object or isinstance(values.dtype, pd.StringDtype):
        values = values.astype(object).where(values != "", None)
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    if (numbers.isna() & values.notna()).any():
        raise InputError(
            f"column {values.name} holds something that is not a number",
            where="analysis table",
            cure="leave a missing value empty",
        )
    return numbers.to_numpy()


def _check(frame: pd.DataFrame) -> None:
    where = "analysis table"
    for column in ("followup_days", "mace"):
        if frame[column].isna().any():
            raise InputError(
                f"{frame[column].isna().sum()} rows without {column}", where=where, cure="remove them"
            )
    for column in ("followup_days", "death_days"):
        if column in frame and (frame[column] < 0).any():
            count = int((frame[column] < 0).sum())
            raise InputError(
                f"{count} rows with negative {column}", where=where, cure="count days from the scan"
            )
    if np.isinf(frame.select_dtypes("number").to_numpy()).any():
        raise InputError("an infinite number", where=where, cure="leave a missing value empty")
    for column in ("mace", *BINARY):
        if column in frame and not frame[column].dropna().isin([0, 1]).all():
            raise InputError(f"column {column} holds other values than 0 and 1", where=where)
    for column in SCORE_COLUMNS:
        if column in frame and (frame[column] < 0).any():
            raise InputError(f"column {column} holds a negative score", where=where)
    for column, words in VOCABULARY.items():
        if column in frame and not frame[column].dropna().isin(words).all():
            raise InputError(
                f"column {column} holds other words than {', '.join(words)}",
                where=where,
                cure="use these, and leave a missing value empty",
            )


def population(frame: pd.DataFrame, name: str) -> pd.DataFrame | None:
    """Patients of the population `name` in a prepared table; None where its columns are absent."""
    keep = (frame["dl_ctac"] >= 0).to_numpy()
    if name.startswith("paired"):
        if "standard" not in frame:
            return None
        keep &= (frame["standard"] >= 0).to_numpy()
    if name.endswith("no_cad"):
        if "history_of_cad" not in frame:
            return None
        keep &= (frame["history_of_cad"] == 0).to_numpy()
    return frame[keep].reset_index(drop=True)


def populations(
    frame: pd.DataFrame, names: tuple[str, ...] = POPULATIONS
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Name and patients of each population that has any."""
    for name in names:
        members = population(frame, name)
        if members is not None and len(members):
            yield name, members


def analysis_sets(frame: pd.DataFrame) -> Iterator[AnalysisSet]:
    """Populations with their scores: dl_ctac in all of them, standard in the paired ones."""
    for name, members in populations(frame):
        yield AnalysisSet(name, "dl_ctac", members)
        if name.startswith("paired"):
            yield AnalysisSet(name, "standard", members)


def endpoint_frames(analysis: pd.DataFrame, endpoints: pd.DataFrame | None) -> dict[str, pd.DataFrame]:
    """Prepared table for mace, and for each sensitivity endpoint with its own times and events.

    Parameters
    ----------
    endpoints : DataFrame or None
        patient_id, endpoint, included (0/1), followup_days, event (0/1), event_type, and the covariates of
        the patient; where these are not there they are those of the analysis table. Rows of "mace" repeat the
        analysis table and are not read. An endpoint may hold patients whom the analysis table excludes.

    Raises
    ------
    InputError
        If a table is not one that prepare() takes, or a patient has no covariates.
    """
    frames = {"mace": prepare(analysis)}
    if endpoints is None or not len(endpoints):
        return frames
    _require(endpoints, ("patient_id", "endpoint", "included", "followup_days", "event"), "endpoints")
    for name, rows in endpoints.groupby("endpoint", sort=True):
        rows = rows[rows["included"] == 1]
        if name == "mace" or not len(rows):
            continue
        rows = rows.drop(columns=["endpoint", "included"]).rename(columns={"event": "mace"})
        rows = rows.assign(patient_id=rows["patient_id"].astype(str))
        if "cac_dl" not in rows:
            outcome = [c for c in ("followup_days", "mace", "event_type") if c in analysis]
            covariates = analysis.drop(columns=outcome).assign(patient_id=analysis["patient_id"].astype(str))
            unknown = int((~rows["patient_id"].isin(covariates["patient_id"])).sum())
            if unknown:
                raise InputError(
                    f"{unknown} patients of {name} are not in the analysis table",
                    where="endpoints",
                    cure="give the endpoints their covariates",
                )
            rows = covariates.merge(rows, on="patient_id", validate="one_to_one")
        if len(rows):
            frames[str(name)] = prepare(rows)
    return frames
