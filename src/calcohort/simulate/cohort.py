"""Cohorts shaped like the study's: scores and registries for the `scores:` door, or an analysis table."""

import numpy as np
import pandas as pd

from calcohort.seeds import rng
from calcohort.simulate import people
from calcohort.simulate.plan import END_OF_FOLLOWUP

STUDY_SIZE = 4761


def paper_cohort(seed: int, screened: int = STUDY_SIZE) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Scores and registries of a simulated cohort.

    Numbers of the strata, of the categories in each and of the exclusions are the study's, scaled to
    `screened`; persons, scores and times are drawn. Deriving the cohort with ``censoring: registry_end``
    gives the study's flow, follow-up and effects as far as calibration.yaml could recover them.

    Parameters
    ----------
    seed : int
        Two cohorts with different seeds have nothing in common.
    screened : int
        Patients with a PET exam, before any exclusion.

    Returns
    -------
    scores : DataFrame
        patient_id, scan_date, protocol, agatston; empty for a CTAC that could not be scored.
    registries : dict of DataFrame
        patients, pet, clinical_cac, deaths, events, followup under calcohort's own names.
    """
    random = rng("paper cohort", seed)
    counts = people.calibration()["screened"]
    n_early, n_bad = (
        round(counts[k] * screened / STUDY_SIZE) for k in ("early_revascularization", "bad_ctac")
    )
    cells = _cells(screened - n_early - n_bad, random)
    # Who leaves the cohort is drawn from the same proportions.
    leaving = cells.sample(n_early + n_bad, replace=True, random_state=random)
    table = pd.concat([cells, leaving], ignore_index=True)
    table["role"] = np.repeat(["analysed", "early", "bad"], [len(cells), n_early, n_bad])
    table = table.iloc[random.permutation(len(table))].reset_index(drop=True)
    table.insert(0, "patient_id", [f"S{i:06d}" for i in range(1, len(table) + 1)])
    table = _persons(table, random)
    table = _courses(table, random)
    return _scores(table), {
        "patients": _patients(table),
        "pet": table[["patient_id", "scan_date", "mfr", "sds"]].copy(),
        "clinical_cac": _clinical(table),
        "deaths": _dated(table, "death", "death_date"),
        "events": _events(table, random),
        "followup": _dated(table, "last_contact", "last_contact_date"),
    }


def _cells(n: int, random: np.random.Generator) -> pd.DataFrame:
    """Stratum and both categories of each patient who stays, in the study's numbers."""
    law = people.calibration()
    joint = {name: np.array(table, float) for name, table in law["joint_standard_rows_by_dl_columns"].items()}
    together = sum(joint.values())
    labels, weights = [], []
    for name in people.STRATA:
        if name in joint:
            labels += [(name, i, j) for i in range(4) for j in range(4)]
            weights += list(joint[name].ravel())
        else:
            labels += [(name, -1, j) for j in range(4)]
            weights += law["dl_category_counts"][name]
    cells = pd.DataFrame(labels, columns=["stratum", "standard", "dl"])
    table = cells.loc[np.repeat(cells.index, people.quotas(weights, n))].reset_index(drop=True)
    # Without a gated scan the true category still drives the risk: taken from those who have one and the same
    # CTAC category.
    profiles = together / together.sum(axis=0)
    latent = (random.random((len(table), 1)) > profiles.cumsum(axis=0).T[table["dl"]][:, :-1]).sum(axis=1)
    return table.assign(latent=np.where(table["standard"] < 0, latent, table["standard"]))


def _persons(table: pd.DataFrame, random: np.random.Generator, perfused_as=None) -> pd.DataFrame:
    scan = table["stratum"].str.startswith("scan").to_numpy(bool)
    cad = table["stratum"].str.endswith("_cad").to_numpy(bool)
    dl, latent = table["dl"].to_numpy(), table["latent"].to_numpy()
    table = table.assign(scan=scan, cad=cad)
    table = table.join(people.demographics(random, scan, cad))
    table = table.join(people.perfusion(random, scan, cad, dl if perfused_as is None else perfused_as))
    first = random.normal(size=len(table))
    rho = people.calibration()["scores"]["log_correlation"]
    second = np.where(dl == latent, rho, 0) * first
    second += np.where(dl == latent, np.sqrt(1 - rho**2), 1) * random.normal(size=len(table))
    # An expert's score is a whole number, and above a limit by one at least.
    table["agatston_expert"] = np.ceil(people.scores_in_category(random, latent, first))
    table["agatston_dl"] = np.round(people.scores_in_category(random, dl, second), 2)
    return table


def _courses(table: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Dates of the scan, the first event, death and the last contact."""
    n = len(table)
    predictor = people.log_hazard(
        table["latent"].to_numpy(),
        table["dl"].to_numpy(),
        table["cad"].to_numpy(),
        table["scan"].to_numpy(),
        table["mfr"].to_numpy(),
        table["sds"].to_numpy(),
    )
    days, kind = people.first_events(random, predictor)
    end = np.round(people.observed_years(random, n) * people.DAYS_PER_YEAR)
    later = random.exponential(people.calibration()["years_to_death_after_event"], n) * people.DAYS_PER_YEAR
    death = np.where(kind == "death", days, days + np.round(later) + 1)
    contact = np.maximum(np.minimum(end, death - 1) - np.round(random.exponential(120, n)), 1)
    # The registries end where the search ended: what came later is not in them.
    table = table.assign(
        scan_date=END_OF_FOLLOWUP - pd.to_timedelta(end, unit="D"),
        kind=kind,
        first=np.where(days <= end, days, np.nan),
        death=np.where(death <= end, death, np.nan),
        last_contact=np.minimum(contact, end),
    )
    return table


def _scores(table: pd.DataFrame) -> pd.DataFrame:
    bad = table["role"] == "bad"
    # Of the unusable ones every other has no CTAC at all; the rest have one that could not be scored.
    absent = bad & (bad.cumsum() % 2 == 0)
    scores = pd.DataFrame(
        {
            "patient_id": table["patient_id"],
            "scan_date": table["scan_date"],
            "protocol": "ctac_stress",
            "agatston": table["agatston_dl"].mask(bad),
        }
    )
    return scores[~absent].reset_index(drop=True)


def _patients(table: pd.DataFrame) -> pd.DataFrame:
    columns = [
        "patient_id",
        "sex",
        "age",
        "bmi",
        "hypercholesterolemia",
        "smoking",
        "hypertension",
        "diabetes",
    ]
    return table[[*columns, "prior_pci", "prior_cabg", "prior_mi"]].copy()


def _clinical(table: pd.DataFrame) -> pd.DataFrame:
    rows = table.loc[table["scan"], ["patient_id", "scan_date", "agatston_expert"]]
    return rows.rename(columns={"agatston_expert": "agatston"}).reset_index(drop=True)


def _dated(table: pd.DataFrame, days: str, date: str) -> pd.DataFrame:
    rows = table[table[days].notna()]
    dates = rows["scan_date"] + pd.to_timedelta(rows[days], unit="D")
    return pd.DataFrame({"patient_id": rows["patient_id"], date: dates}).reset_index(drop=True)


def _events(table: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    procedure = np.where(random.random(len(table)) < 0.8, "pci", "cabg")
    kind = table["kind"].mask(table["kind"] == "late_revascularization", pd.Series(procedure))
    later = table[["patient_id", "scan_date"]].assign(event=kind, day=table["first"])
    later = later[(table["kind"] != "death") & table["first"].notna()]
    early = table.loc[table["role"] == "early", ["patient_id", "scan_date", "death"]]
    # Only the living are revascularized, and within the registries' time.
    limit = early["death"].fillna(np.inf)
    limit = np.minimum(limit, (END_OF_FOLLOWUP - early["scan_date"]).dt.days).clip(upper=90).astype(int)
    early = early.assign(event="pci", day=(random.random(len(early)) * (limit + 1)).astype(int))
    rows = pd.concat([later, early.drop(columns="death")], ignore_index=True)
    rows["event_date"] = rows["scan_date"] + pd.to_timedelta(rows["day"], unit="D")
    return rows[["patient_id", "event", "event_date"]]


# Versions of the law in which the hypothesis of a test holds: what they set among the hazard's coefficients.
_NOTHING = {"standard_category": [0, 0, 0, 0], "dl_category": [0, 0, 0, 0], "prior_cad": 0, "no_scan": 0}
LAWS: dict[str, dict] = {
    "study": {},
    "no_effect": {**_NOTHING, "mfr": 0, "sds": 0},
    "no_added_value": _NOTHING,
    "proportional": {**_NOTHING, "dl_category": [0, 0.27, 0.57, 1.01]},
    "exchangeable": {"standard_category": [0, 0.135, 0.285, 0.505], "dl_category": [0, 0.135, 0.285, 0.505]},
}


def analysis_table(random: np.random.Generator, n: int, law: str = "study") -> pd.DataFrame:
    """Analysis table of `n` patients, all that is in it drawn: strata and categories are multinomial.

    Parameters
    ----------
    random : Generator
    n : int
        Patients, nobody excluded.
    law : str
        study: as calibration.yaml has it. no_effect: nobody's risk differs. no_added_value: flow reserve and
        ischaemia alone drive it. proportional: these and the CTAC category do, so that the adjusted Cox model
        is the truth. exchangeable: both scores have one joint law with risk and perfusion, so that neither is
        better.

    Returns
    -------
    DataFrame
        Columns of cohort/analysis.csv that statistics read, `latent` (true category), and `event_days` and
        `event_kind`: the first event were nobody censored.
    """
    changed = LAWS[law]
    hazard = {**people.calibration()["hazard"], **changed}
    stratum, standard, dl, latent = _drawn_cells(random, n, symmetric=law == "exchangeable")
    table = pd.DataFrame({"stratum": np.take(people.STRATA, stratum), "standard": standard, "dl": dl})
    table["latent"] = latent
    # Perfusion that follows one of the scores would tell them apart.
    table = _persons(table, random, perfused_as=np.zeros_like(dl) if law == "exchangeable" else None)
    predictor = people.log_hazard(
        latent, dl, table["cad"].to_numpy(), table["scan"].to_numpy(), table["mfr"], table["sds"], hazard
    )
    days, kind = people.first_events(random, np.asarray(predictor))
    end = np.round(people.observed_years(random, n) * people.DAYS_PER_YEAR)
    table = table.rename(columns={"agatston_expert": "cac_standard", "agatston_dl": "cac_dl"})
    return table.assign(
        patient_id=np.arange(n),
        history_of_cad=table["cad"].astype(int),
        cac_standard=table["cac_standard"].where(table["scan"]),
        followup_days=np.minimum(days, end),
        mace=(days <= end).astype(int),
        event_type=np.where(days <= end, kind, None),
        event_days=days,
        event_kind=kind,
    )


def _drawn_cells(random: np.random.Generator, n: int, symmetric: bool) -> tuple[np.ndarray, ...]:
    """Stratum, standard category (-1 without a scan), CTAC category and true category, each (n,)."""
    law = people.calibration()
    joint = {name: np.array(t, float) for name, t in law["joint_standard_rows_by_dl_columns"].items()}
    if symmetric:
        joint = {name: (t + t.T) / 2 for name, t in joint.items()}
    together = sum(joint.values())
    cells, weights = [], []
    for s, name in enumerate(people.STRATA):
        # Without a gated scan the true category still drives the risk.
        counts = np.array(law["dl_category_counts"][name], float)
        table = joint.get(name, together / together.sum(axis=0) * counts)
        table = table / table.sum() * law["strata"][name]
        cells += [(s, i if name in joint else -1, j, i) for i in range(4) for j in range(4)]
        weights += list(table.ravel())
    drawn = random.choice(len(cells), size=n, p=np.array(weights) / np.sum(weights))
    return tuple(np.array(cells)[drawn].T)
