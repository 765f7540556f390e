"""The outcome registries of a simulated hospital, written as hospitals write them."""

import numpy as np
import pandas as pd

from calcohort.categories import CATEGORIES, categorise
from calcohort.seeds import rng
from calcohort.simulate import people
from calcohort.simulate.plan import END_OF_FOLLOWUP

EARLY_REVASCULARIZATION_SHARE = 417 / 4761
# Share of the deaths that each source knows of; every death is in one source at least.
DEATH_SOURCES = {"deaths_hospital": 0.55, "deaths_index": 0.85, "deaths_state": 0.6}
DATE_ERROR_SHARE = 0.05
LOST_SHARE = 0.02
READER_LOG_SD = 0.05
REGISTRY_END = END_OF_FOLLOWUP + pd.Timedelta(days=120)
# The hospital's own codes: ICD-10 for admissions, CPT for procedures.
CODES = {
    "myocardial_infarction": "I21.4",
    "unstable_angina": "I20.0",
    "pci": "92928",
    "cabg": "33533",
    "other": "Z09",
}
# How each file is written: file name and field separator, decimal mark.
FILES = {
    "patients": ("patients.csv", ";", ","),
    "pet": ("pet.csv", ",", "."),
    "clinical_cac": ("clinical_cac.csv", ",", "."),
    "deaths_hospital": ("deaths_hospital.csv", ",", "."),
    "deaths_index": ("deaths_index.csv", "|", "."),
    "deaths_state": ("deaths_state.csv", ",", "."),
    "events": ("events.csv", ",", "."),
    "followup": ("followup.csv", ",", "."),
}


def hospital_exports(plan: pd.DataFrame, truth: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
    """Registries around a plan and the calcium that was planted.

    Parameters
    ----------
    plan : DataFrame
        From :func:`calcohort.simulate.plan.external_plan`.
    truth : DataFrame
        patient_id, protocol, agatston: the true score of each simulated scan.
    seed : int
        Seed of the study.

    Returns
    -------
    dict of DataFrame
        Keys as in ``FILES``; column names, codes and dates are the hospital's own.
    """
    random = rng("hospital", seed)
    # A plan that was read from a file may hold the category "0" as a number.
    plan = plan.assign(burden=plan["burden"].astype(str))
    true = truth.pivot_table(index="patient_id", columns="protocol", values="agatston", aggfunc="first")
    true = true.reindex(index=plan["patient_id"], columns=["ctac_stress", "ctac_rest", "cac_gated"])
    outcome = _outcomes(plan, true, random)
    early = _early_revascularizations(plan, random)
    return {
        "patients": _patients(plan, random),
        "pet": _pet(plan, random),
        "clinical_cac": _clinical_cac(plan, true["cac_gated"].to_numpy(), random),
        **_deaths(outcome, random),
        "events": _events(plan, outcome, early, random),
        "followup": _followup(plan, outcome, early, random),
    }


def write_options(name: str) -> dict:
    """Options of DataFrame.to_csv for one export."""
    _, sep, decimal = FILES[name]
    return {"index": False, "sep": sep, "decimal": decimal, "lineterminator": "\n"}


def _category(scores: pd.Series, plan: pd.DataFrame) -> np.ndarray:
    codes = categorise(scores.to_numpy()).codes.astype(int)
    aimed = plan["burden"].map({name: code for code, name in enumerate(CATEGORIES)}).to_numpy(int)
    return np.where(codes < 0, aimed, codes)


def _outcomes(plan: pd.DataFrame, true: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """First event and death of each patient, as dates, up to the day of the export."""
    ctac = true["ctac_stress"].fillna(true["ctac_rest"])
    predictor = people.log_hazard(
        _category(true["cac_gated"].fillna(ctac), plan),
        _category(ctac.fillna(true["cac_gated"]), plan),
        plan["prior_cad"].to_numpy(bool),
        plan["has_gated"].to_numpy(bool),
        plan["mfr"].to_numpy(),
        plan["sds"].to_numpy(),
    )
    days, kind = people.first_events(random, predictor)
    later = random.exponential(people.calibration()["years_to_death_after_event"], len(plan))
    death = np.where(kind == "death", days, days + np.round(later * people.DAYS_PER_YEAR) + 1)
    # Dates a century ahead would not fit: nobody is followed for longer than this.
    days, death = np.minimum(days, 30_000), np.minimum(death, 30_000)
    table = plan[["patient_id", "scan_date"]].assign(kind=kind)
    table["first"] = plan["scan_date"] + pd.to_timedelta(days, unit="D")
    table["death"] = plan["scan_date"] + pd.to_timedelta(death, unit="D")
    table["first"] = table["first"].where(table["first"] <= REGISTRY_END)
    table["death"] = table["death"].where(table["death"] <= REGISTRY_END)
    return table


def _early_revascularizations(plan: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """PCI or CABG on days 0 to 90, more often where there is much calcium."""
    n = len(plan)
    weight = plan["burden"].map(dict(zip(CATEGORIES, (1.0, 2.0, 4.0, 6.0), strict=True))).to_numpy()
    count = round(EARLY_REVASCULARIZATION_SHARE * n)
    rows = random.choice(n, size=count, replace=False, p=weight / weight.sum())
    table = plan.iloc[np.sort(rows)][["patient_id", "scan_date"]].reset_index(drop=True)
    table["event"] = np.where(random.random(count) < 0.8, "pci", "cabg")
    table["date"] = table["scan_date"] + pd.to_timedelta(random.integers(0, 91, count), unit="D")
    return table


def _patients(plan: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    yes_no = {1: "yes", 0: "no"}
    bmi = plan["bmi"].mask(random.random(len(plan)) < 0.01)
    return pd.DataFrame(
        {
            "MRN": plan["patient_id"],
            "Sex": plan["sex"].map({"male": "M", "female": "F"}),
            "DOB": plan["birth_date"].dt.strftime("%d.%m.%Y"),
            "BMI": bmi,
            "Hyperlipidemia": plan["hypercholesterolemia"].map(yes_no),
            "CurrentSmoker": plan["smoking"].map(yes_no),
            "Hypertension": plan["hypertension"].map(yes_no),
            "Diabetes": plan["diabetes"].map(yes_no),
            "PriorMI": plan["prior_mi"].map(yes_no),
        }
    )


def _pet(plan: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    first = plan[["patient_id", "scan_date", "mfr", "sds"]].copy()
    first["mfr"] = first["mfr"].mask(random.random(len(plan)) < 0.01)
    # A few come back for a second exam, which does not count.
    again = first[random.random(len(plan)) < 0.03].copy()
    again["scan_date"] += pd.to_timedelta(random.integers(200, 900, len(again)), unit="D")
    again = again[again["scan_date"] <= END_OF_FOLLOWUP]
    table = pd.concat([first, again]).sort_values(["patient_id", "scan_date"], kind="stable")
    return pd.DataFrame(
        {
            "patient_id": table["patient_id"],
            "exam_date": table["scan_date"].dt.strftime("%Y-%m-%d"),
            "global_mfr": table["mfr"],
            "sds": table["sds"].astype("Int64"),
        }
    ).reset_index(drop=True)


def _clinical_cac(plan: pd.DataFrame, gated: np.ndarray, random: np.random.Generator) -> pd.DataFrame:
    """The expert's score: the planted one with a reader's small error; zero stays mostly zero."""
    n = len(plan)
    read = gated * np.exp(READER_LOG_SD * random.normal(size=n))
    overlooked = (gated > 0) & (gated < 5) & (random.random(n) < 0.1)
    imagined = (gated == 0) & (random.random(n) < 0.02)
    read = np.where(overlooked, 0.0, np.where(imagined, random.uniform(1, 4, n), read))
    # A reader reports whole numbers, and never zero for calcium that was seen.
    read = np.where(read > 0, np.maximum(np.round(read), 1), read)
    table = pd.DataFrame(
        {
            "patient_id": plan["patient_id"],
            "scan_date": plan["scan_date"].dt.strftime("%Y-%m-%d"),
            "agatston": pd.Series(read).astype("Int64"),
        }
    )
    return table[plan["has_gated"] & ~np.isnan(gated)].reset_index(drop=True)


def _deaths(outcome: pd.DataFrame, random: np.random.Generator) -> dict[str, pd.DataFrame]:
    dead = outcome[outcome["death"].notna()].reset_index(drop=True)
    n = len(dead)
    knows = np.column_stack([random.random(n) < share for share in DEATH_SOURCES.values()])
    knows[~knows.any(axis=1), 1] = True
    error = np.where(random.random(n) < DATE_ERROR_SHARE, random.integers(1, 4, n), 0)
    formats = ("%Y-%m-%d", "%Y%m%d", "%d-%b-%Y")
    columns = (("patient_id", "death_date"), ("id", "dod"), ("patient_id", "DateOfDeath"))
    exports = {}
    for i, name in enumerate(DEATH_SOURCES):
        # The state's file is the one with the late or mistyped days.
        date = dead["death"] + pd.to_timedelta(error if name == "deaths_state" else 0, unit="D")
        table = pd.DataFrame({columns[i][0]: dead["patient_id"], columns[i][1]: date.dt.strftime(formats[i])})
        exports[name] = table[knows[:, i]].reset_index(drop=True)
    return exports


def _events(plan, outcome, early, random: np.random.Generator) -> pd.DataFrame:
    """Admissions and procedures: before the scan, soon after it, later, and plain visits."""
    n = len(plan)
    parts = [early[["patient_id", "event", "date"]]]
    for column, event in (("prior_pci", "pci"), ("prior_cabg", "cabg")):
        had = plan[column] == 1
        date = plan["scan_date"] - pd.to_timedelta(random.integers(30, 3000, n), unit="D")
        parts.append(pd.DataFrame({"patient_id": plan["patient_id"], "event": event, "date": date})[had])
    procedure = np.where(random.random(n) < 0.75, "pci", "cabg")
    kind = np.where(outcome["kind"] == "late_revascularization", procedure, outcome["kind"])
    first = pd.DataFrame({"patient_id": plan["patient_id"], "event": kind, "date": outcome["first"]})
    parts.append(first[(outcome["kind"] != "death") & outcome["first"].notna()])
    visit = plan["scan_date"] + pd.to_timedelta(random.integers(100, 900, n), unit="D")
    seen = (random.random(n) < 0.3) & ~(visit > outcome["death"]) & (visit <= REGISTRY_END)
    parts.append(pd.DataFrame({"patient_id": plan["patient_id"], "event": "other", "date": visit})[seen])
    table = pd.concat(parts).merge(outcome[["patient_id", "death"]], on="patient_id")
    table = table[~(table["date"] > table["death"])]
    table = table.sort_values(["date", "patient_id", "event"], kind="stable")
    return pd.DataFrame(
        {
            "mrn": table["patient_id"],
            "code": table["event"].map(CODES),
            "admitted": table["date"].dt.strftime("%m/%d/%Y"),
        }
    ).reset_index(drop=True)


def _followup(plan, outcome, early, random: np.random.Generator) -> pd.DataFrame:
    """Last date each patient was seen alive; a few were never seen again."""
    n = len(plan)
    alive_until = outcome["death"].fillna(END_OF_FOLLOWUP)
    gap = pd.to_timedelta(np.round(random.exponential(150, n)), unit="D")
    contact = np.maximum(alive_until - gap, plan["scan_date"] + pd.Timedelta(days=1))
    contact = pd.Series(np.minimum(contact, alive_until), index=plan.index)
    eventless = outcome["death"].isna() & outcome["first"].isna()
    eventless &= ~plan["patient_id"].isin(early["patient_id"]) & plan["fault"].isna()
    lost = np.flatnonzero(eventless)[: round(LOST_SHARE * n)]
    contact.iloc[lost] = pd.NaT
    table = pd.DataFrame({"patient_id": plan["patient_id"], "last_seen": contact.dt.strftime("%Y-%m-%d")})
    return table
