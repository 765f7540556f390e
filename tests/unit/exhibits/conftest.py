"""A run folder made up for these tests: the contract's files, small, with numbers that are plausible but invented."""

import numpy as np
import pandas as pd
import pytest

from calcohort.categories import CATEGORIES, categorise
from calcohort.seeds import rng
from calcohort.tables import write_csv

POPULATIONS = ("all", "no_cad", "paired", "paired_no_cad")
META = {"name": "made_up", "simulated": True, "simulated_note": "Simulated data: no patient is real."}


def make_analysis(n: int = 500, seed: int = 1) -> pd.DataFrame:
    """cohort/analysis.csv of `n` patients whose risk follows their calcium."""
    draw = rng("exhibits", seed)
    code = draw.choice(4, n, p=[0.25, 0.2, 0.2, 0.35])
    bounds = np.array([[0, 0], [1, 100], [101, 400], [401, 3000]])[code]
    standard = draw.uniform(bounds[:, 0], bounds[:, 1])
    dl = np.where(draw.random(n) < 0.7, standard * draw.uniform(0.7, 1.2, n), draw.permutation(standard)).round(1)
    risk = 0.05 * np.exp(0.4 * code)
    event, censor = draw.exponential(1 / risk), draw.uniform(0.5, 9.0, n)
    kinds = ["death", "late_revascularization", "myocardial_infarction", "unstable_angina"]
    cad = draw.random(n) < 0.33
    table = pd.DataFrame(
        {
            "patient_id": [f"p{i:04d}" for i in range(n)],
            "age": draw.normal(70, 10, n).round(),
            "sex": draw.choice(["male", "female"], n),
            "bmi": draw.normal(28, 5, n).round(1),
            "hypercholesterolemia": (draw.random(n) < 0.67).astype(float),
            "smoking": (draw.random(n) < 0.07).astype(float),
            "hypertension": (draw.random(n) < 0.78).astype(float),
            "diabetes": (draw.random(n) < 0.33).astype(float),
            "prior_pci": (cad & (draw.random(n) < 0.7)).astype(int),
            "prior_cabg": (cad & (draw.random(n) < 0.3)).astype(int),
            "prior_mi": 0,
            "history_of_cad": cad.astype(int),
            "mfr": draw.lognormal(0.85, 0.35, n).round(2),
            "sds": draw.poisson(1.0, n),
            "cac_standard": np.where(draw.random(n) < 0.63, standard.round(), np.nan),
            "cac_dl": dl,
            "cac_dl_rest_preferred": (dl * draw.uniform(0.8, 1.2, n)).round(1),
            "cac_dl_gated": (standard * draw.uniform(0.9, 1.1, n)).round(1),
            "cac_dl_protocol": draw.choice(["ctac_stress", "ctac_rest"], n, p=[0.95, 0.05]),
            "followup_days": np.ceil(365.25 * np.minimum(event, censor)),
            "mace": (event <= censor).astype(int),
        }
    )
    table.loc[draw.random(n) < 0.05, "bmi"] = np.nan
    table["event_type"] = np.where(table["mace"] == 1, draw.choice(kinds, n, p=[0.7, 0.15, 0.08, 0.07]), None)
    table["death"] = (table["event_type"] == "death").astype(int)
    table["death_days"] = table["followup_days"]
    return table


def members(analysis: pd.DataFrame, population: str) -> pd.DataFrame:
    """Patients of one population."""
    keep = pd.Series(True, index=analysis.index)
    if "paired" in population:
        keep &= analysis["cac_standard"].notna()
    if "no_cad" in population:
        keep &= analysis["history_of_cad"] == 0
    return analysis[keep]


def make_scans(n: int = 90, seed: int = 2) -> pd.DataFrame:
    """development/scans.csv."""
    draw = rng("exhibits", seed)
    expert = np.where(draw.random(n) < 0.3, 0.0, draw.lognormal(4.5, 1.8, n)).round(1)
    return pd.DataFrame(
        {
            "patient_id": [f"d{i:03d}" for i in range(n)],
            "site": draw.choice(["A", "B", "C"], n),
            "scan_type": draw.choice(["ctac", "gated"], n, p=[0.75, 0.25]),
            "split": draw.choice(["train", "validation", "test"], n, p=[0.6, 0.2, 0.2]),
            "age": draw.normal(65, 11, n).round(),
            "sex": draw.choice(["male", "female"], n),
            "bmi": draw.normal(29, 5, n).round(1),
            "hypertension": (draw.random(n) < 0.65).astype(int),
            "diabetes": (draw.random(n) < 0.27).astype(int),
            "prior_pci": (draw.random(n) < 0.1).astype(int),
            "history_of_cad": (draw.random(n) < 0.13).astype(int),
            "agatston_expert": expert,
            "agatston_dl": (expert * draw.uniform(0.7, 1.2, n)).round(1),
        }
    )


def make_flow(n: int) -> pd.DataFrame:
    """cohort/flow.csv."""
    steps = [
        ("screened", n + 60, 0, None, n + 60),
        ("death_before_scan", n + 60, 2, "death on or before the scan day", n + 58),
        ("missing_followup", n + 58, 5, "no contact after the scan day", n + 53),
        ("early_revascularization", n + 53, 44, "revascularization within 90 days", n + 9),
        ("missing_ctac", n + 9, 6, "no CTAC scan", n + 3),
        ("corrupt_ctac", n + 3, 3, "CTAC scan not readable", n),
    ]
    return pd.DataFrame(steps, columns=["step", "n_in", "excluded", "reason", "n_out"])


def make_series(n: int = 60, seed: int = 3) -> pd.DataFrame:
    """imaging/series.csv."""
    draw = rng("exhibits", seed)
    protocol = draw.choice(["ctac_stress", "ctac_rest", "cac_gated", "unknown"], n, p=[0.6, 0.1, 0.25, 0.05])
    gated = protocol == "cac_gated"
    return pd.DataFrame(
        {
            "series": [f"{i:016x}" for i in range(n)],
            "accepted": (draw.random(n) < 0.93).astype(bool),
            "protocol": protocol,
            "kvp": np.where(gated, 120.0, 100.0),
            "slice_thickness_mm": np.where(gated, 3.0, draw.choice([2.5, 5.0], n)),
            "increment_mm": np.where(gated, 3.0, draw.choice([2.5, 4.0], n)),
            "pixel_spacing_x_mm": np.where(gated, 0.4, 0.98),
            "n_slices": np.where(gated, 48, 60),
        }
    )


def kaplan_meier(years, event) -> pd.DataFrame:
    """Rows of km.csv for one group."""
    times = np.unique(years)
    at_risk = np.array([(years >= t).sum() for t in times])
    events = np.array([((years == t) & (event == 1)).sum() for t in times])
    survival = np.cumprod(1 - events / at_risk)
    error = survival * np.sqrt(np.cumsum(events / (at_risk * np.maximum(at_risk - events, 1))))
    columns = {
        "time_years": times,
        "n_at_risk": at_risk,
        "n_events": events,
        "n_censored": np.array([((years == t) & (event == 0)).sum() for t in times]),
        "survival": survival,
        "ci_low": np.clip(survival - 1.96 * error, 0, 1),
        "ci_high": np.clip(survival + 1.96 * error, 0, 1),
    }
    return pd.DataFrame(columns)


def make_survival(analysis: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """km, logrank, cox and what hangs on them; the hazard ratios and p-values are invented."""
    draw = rng("exhibits", "survival")
    km, logrank, cox, hazards = [], [], [], []
    for population in POPULATIONS:
        group = members(analysis, population)
        for score in ("dl_ctac", "standard") if "paired" in population else ("dl_ctac",):
            base = {"population": population, "endpoint": "mace", "score": score}
            code = categorise(group["cac_dl" if score == "dl_ctac" else "cac_standard"]).codes
            for i, category in enumerate(CATEGORIES):
                some = group[code == i]
                curve = kaplan_meier(some["followup_days"].to_numpy() / 365.25, some["mace"].to_numpy())
                km.append(curve.assign(**base, category=category))
            pairs = [f"{a} vs {b}" for i, a in enumerate(CATEGORIES) for b in CATEGORIES[i + 1 :]]
            for words in ["overall", *pairs]:
                p = float(draw.random() ** 6)
                tested = {"comparison": words, "statistic": 5.0, "df": 1, "p": p, "p_holm": min(1.0, 3 * p)}
                logrank.append(base | tested)
            for model, terms in (("univariable", ()), ("adjusted", ("mfr", "sds"))):
                for i, term in enumerate((*CATEGORIES[1:], *terms), start=1):
                    log_hr, se = 0.35 * i if i < 4 else -0.1, 0.14
                    effect = {"estimate": np.exp(log_hr), "log_hr": log_hr, "se": se, "z": log_hr / se, "p": 0.01 / i}
                    effect |= {"ci_low": np.exp(log_hr - 1.96 * se), "ci_high": np.exp(log_hr + 1.96 * se)}
                    size = {"n": len(group), "n_events": int(group["mace"].sum()), "note": None}
                    cox.append(base | {"model": model, "term": term} | effect | size)
                for term in (*CATEGORIES[1:], *terms, "GLOBAL"):
                    test = {"statistic": 1.5, "df": 1, "p": float(draw.random()), "method": "cox.zph score test (km)"}
                    hazards.append(base | {"model": model, "term": term} | test)
    return {
        "km": pd.concat(km, ignore_index=True),
        "logrank": pd.DataFrame(logrank),
        "cox": pd.DataFrame(cox),
        "proportional_hazards": pd.DataFrame(hazards),
    }
