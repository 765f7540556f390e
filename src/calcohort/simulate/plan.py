"""Who is in the simulated cohorts, and which scans they have: one row a patient or scan."""

import numpy as np
import pandas as pd

from calcohort.categories import CATEGORIES
from calcohort.seeds import rng
from calcohort.simulate import people

# Faults of calcohort.simulate.dicom_faults; `no_ctac` needs no file at all.
FAULTS = ("missing_middle_slice", "no_ctac", "truncated")
FAULT_SHARE = 0.04
ONLY_REST_SHARE = 0.06
ALSO_REST_SHARE = 0.3
END_OF_FOLLOWUP = pd.Timestamp("2020-12-31")
FIRST_SCAN, LAST_SCAN = pd.Timestamp("2010-01-04"), pd.Timestamp("2018-12-28")
SEED_LIMIT = 2**31


def external_plan(seed: int, patients: int, faults: tuple[str, ...] = FAULTS) -> pd.DataFrame:
    """Plan of the external cohort.

    Parameters
    ----------
    seed : int
        Seed of the study.
    patients : int
        How many have a PET-CT exam.
    faults : tuple of str
        Faults of the DICOM writer, dealt in turn to 4 % of the patients; the fault hits the only CTAC of
        its patient.

    Returns
    -------
    DataFrame
        patient_id, phantom_seed, burden (category aimed for), prior_cad, has_stress, has_rest, has_gated
        (bool), fault (or missing), scan_date, age, birth_date, sex, bmi, hypercholesterolemia, smoking,
        hypertension, diabetes, prior_pci, prior_cabg, prior_mi, mfr, sds. Rows are in the order of
        patient_id, which tells nothing of the risk.
    """
    random = rng("external plan", seed)
    stratum, burden = _strata(patients, random)
    gated = np.array([people.STRATA[i].startswith("scan") for i in stratum], dtype=bool)
    prior_cad = np.array([people.STRATA[i].endswith("_cad") for i in stratum], dtype=bool)
    table = pd.DataFrame({"patient_id": _names("P", patients)})
    table["phantom_seed"] = random.integers(SEED_LIMIT, size=patients)
    table["burden"] = np.take(CATEGORIES, burden)
    table["prior_cad"] = prior_cad
    only_rest = people.exactly(ONLY_REST_SHARE, patients, random)
    table["has_stress"] = ~only_rest
    table["has_rest"] = only_rest | people.exactly(ALSO_REST_SHARE, patients, random)
    table["has_gated"] = gated
    table["fault"] = _deal_faults(patients, faults, random)
    faulty = table["fault"].notna()
    table.loc[faulty, "has_rest"] = False
    table.loc[faulty, "has_stress"] = table["fault"] != "no_ctac"
    table["scan_date"] = _scan_dates(patients, random)
    table = table.join(people.demographics(random, gated, prior_cad))
    years = table["age"] + random.uniform(0.01, 0.98, patients)
    lived = pd.to_timedelta(np.round(years * people.DAYS_PER_YEAR), unit="D")
    table["birth_date"] = table["scan_date"] - lived
    return table.join(people.perfusion(random, gated, prior_cad, burden))


def _strata(n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Stratum and calcium category of each patient, by the study's joint proportions, in random order."""
    law = people.calibration()
    joint = {name: np.array(table, float) for name, table in law["joint_standard_rows_by_dl_columns"].items()}
    together = sum(joint.values())
    weights = []
    for name in people.STRATA:
        # Without a gated scan, the true category is taken from those who have one and the same CTAC category.
        table = joint.get(name, together / together.sum(axis=0) * np.array(law["dl_category_counts"][name]))
        weights += list(table.sum(axis=1) / table.sum() * law["strata"][name])
    cells = random.permutation(np.repeat(np.arange(len(weights)), people.quotas(weights, n)))
    return cells // len(CATEGORIES), cells % len(CATEGORIES)


def _names(letter: str, n: int) -> list[str]:
    return [f"{letter}{number:0{max(4, len(str(n)))}d}" for number in range(1, n + 1)]


def _deal_faults(n: int, faults: tuple[str, ...], random: np.random.Generator) -> pd.Series:
    dealt = pd.Series(pd.NA, index=range(n), dtype="string[python]")
    hit = random.permutation(n)[: round(FAULT_SHARE * n)] if faults else []
    for turn, row in enumerate(hit):
        dealt[row] = faults[turn % len(faults)]
    return dealt


def _scan_dates(n: int, random: np.random.Generator) -> pd.Series:
    """Working days of the recruitment, so that the follow-up is as long as the study's."""
    days = np.round(people.observed_years(random, n) * people.DAYS_PER_YEAR)
    dates = pd.Series(END_OF_FOLLOWUP - pd.to_timedelta(days, unit="D")).clip(lower=FIRST_SCAN)
    in_last_year = LAST_SCAN - pd.to_timedelta(random.integers(0, 365, n), unit="D")
    dates = dates.mask(dates > LAST_SCAN, pd.Series(in_last_year))
    # Saturday and Sunday become the Friday before.
    return dates - pd.to_timedelta((dates.dt.weekday - 4).clip(lower=0), unit="D")


def development_plan(seed: int, scans: int) -> pd.DataFrame:
    """Plan of the development cohort: three sites, CTAC and gated scans.

    Returns
    -------
    DataFrame
        patient_id, site, scan_type (ctac|gated), protocol (of the phantom), phantom_seed, burden, age, sex,
        bmi, hypercholesterolemia, smoking, hypertension, diabetes, prior_pci, prior_cabg, prior_mi,
        history_of_cad.
    """
    law, random = people.calibration()["development"], rng("development plan", seed)
    n = scans

    def deal(names, weights) -> np.ndarray:
        return random.permutation(np.repeat(names, people.quotas(weights, n)))

    table = pd.DataFrame({"patient_id": _names("D", n)})
    table["site"] = deal(list(law["sites"]), list(law["sites"].values()))
    gated = people.exactly(law["gated"], n, random)
    rest = people.exactly(0.3, n, random)
    table["scan_type"] = np.where(gated, "gated", "ctac")
    table["protocol"] = np.where(gated, "cac_gated", np.where(rest, "ctac_rest", "ctac_stress"))
    table["phantom_seed"] = random.integers(SEED_LIMIT, size=n)
    table["burden"] = deal(CATEGORIES, law["categories"])
    table["age"] = np.clip(np.round(random.normal(law["age"], law["age_sd"], n)), 25, 100).astype(int)
    table["sex"] = np.where(people.exactly(law["male"], n, random), "male", "female")
    table["bmi"] = np.round(law["bmi"] * np.exp(law["bmi_log_sd"] * random.normal(size=n)), 1).clip(14, 70)
    for name in ("hypercholesterolemia", "smoking", "hypertension", "diabetes"):
        table[name] = people.exactly(law[name], n, random).astype(int)
    cad = people.exactly(law["cad"], n, random)
    table = table.join(people.history(random, cad, law["pci_given_cad"], law["cabg_given_cad"]))
    return table.assign(history_of_cad=cad.astype(int))
