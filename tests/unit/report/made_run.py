"""A small made-up run in the shape of the contract, for the tests of the report and of its audit."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from calcohort.exhibits.cells import Table, number
from calcohort.exhibits.cells import text as plain
from calcohort.exhibits.write_table import write_table_html
from calcohort.statistics.tidy import COLUMNS
from calcohort.tables import write_csv

CONFIG = {
    "name": "small",
    "title": "Coronary calcium from PET/CT attenuation maps and adverse cardiac events",
    "imaging": {"dicom": "scans", "link": {"patient_id": "PatientID", "scan_date": "StudyDate"}},
    "registries": {"patients": {"path": "patients.csv"}, "pet": {"path": "pet.csv"}},
    "simulate": {"seed": 1},
}
META = {
    "simulated": True,
    "simulated_note": "Simulated data: every scan and patient of this run was made by the workflow.",
    "weights_simulated": True,
    "code": "0123456789abcdef",
    "versions": {"numpy": "2.4.6", "pandas": "2.3.3"},
    "model_card": "Trained on simulated scans only.",
}
POPULATIONS = ("all", "no_cad", "paired", "paired_no_cad")
CATEGORIES = ("0", "1-100", "101-400", ">400")


def complete_config() -> dict:
    """The config with its defaults."""
    from calcohort.config import complete

    return complete(CONFIG)


def write_run(root: Path, patients: int = 120, seed: int = 5) -> Path:
    """Write a full run below `root` and return it."""
    root.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    analysis = _analysis(rng, patients)
    write_csv(analysis, root / "cohort/analysis.csv")
    _cohort(root, patients)
    _imaging(root)
    _statistics(root, rng, patients)
    _exhibits(root)
    return root


def write_sparse_run(root: Path) -> Path:
    """A run that has headers and nothing else: no event, no expert score, no image."""
    for name, columns in COLUMNS.items():
        write_csv(pd.DataFrame(columns=list(columns)), root / f"statistics/{name}.csv")
    write_csv(pd.DataFrame(columns=["source", "rule", "severity", "count"]), root / "cohort/quality.csv")
    return root


def _analysis(rng, n: int) -> pd.DataFrame:
    days = rng.integers(30, 3000, n)
    mace = rng.integers(0, 2, n)
    standard = np.where(rng.random(n) < 0.6, np.round(rng.gamma(0.5, 400, n)), np.nan)
    return pd.DataFrame(
        {
            "patient_id": [f"p{i:04d}" for i in range(n)],
            "age": rng.integers(40, 90, n),
            "sex": rng.choice(["male", "female"], n),
            "smoking": rng.integers(0, 2, n),
            "history_of_cad": rng.integers(0, 2, n),
            "cac_standard": standard,
            "cac_dl": np.round(rng.gamma(0.5, 400, n), 1),
            "followup_days": days,
            "mace": mace,
            "event_type": np.where(mace == 1, rng.choice(["death", "unstable_angina"], n), None),
            "death": (mace & rng.integers(0, 2, n)),
            "death_days": days,
        }
    )


def _cohort(root: Path, n: int) -> None:
    flow = pd.DataFrame(
        {
            "step": [1, 2, 3],
            "n_in": [n + 30, n + 20, n + 5],
            "excluded": [10, 15, 5],
            "reason": ["no_pet_exam", "death_before_scan", "early_revascularization"],
            "n_out": [n + 20, n + 5, n],
        }
    )
    write_csv(flow, root / "cohort/flow.csv")
    quality = [
        ("patients", "birth date after the scan", "warning", 2),
        ("events", "exact duplicates", "note", 7),
        ("deaths", "rows", "note", 200),
        ("deaths", "rows_linked", "note", 150),
    ]
    write_csv(
        pd.DataFrame(quality, columns=["source", "rule", "severity", "count"]), root / "cohort/quality.csv"
    )


def _imaging(root: Path) -> None:
    series = pd.DataFrame(
        {
            "series": [f"{i:016x}" for i in range(6)],
            "accepted": [True, True, True, False, False, False],
            "reason": [None, None, None, "gantry_tilt", "truncated", "truncated"],
            "protocol": ["ctac_stress", "ctac_stress", "cac_gated", "unknown", "unknown", "unknown"],
        }
    )
    write_csv(series, root / "imaging/series.csv")
    scores = pd.DataFrame(
        {"patient_id": ["p0000", "p0001"], "warnings": ["padding", None], "agatston": [3.0, 0.0]}
    )
    write_csv(scores, root / "scores/scores.csv")
    (root / "gallery").mkdir(exist_ok=True)
    for i in range(3):
        picture = np.zeros((120, 160, 3), np.uint8)
        picture[30:90, 40:120] = 60 + 60 * i
        Image.fromarray(picture).save(root / f"gallery/scan_{i}.png")


def _statistics(root: Path, rng, n: int) -> None:
    def write(name: str, rows: list[dict]) -> None:
        frame = pd.DataFrame([{"endpoint": "mace"} | row for row in rows], columns=list(COLUMNS[name]))
        write_csv(frame, root / f"statistics/{name}.csv")

    def near(middle: float, half: float) -> dict:
        value = middle + rng.normal(0, half / 10)
        return {"estimate": value, "ci_low": value - half, "ci_high": value + half}

    scored = [(p, s) for p in POPULATIONS for s in ("dl_ctac", "standard") if s == "dl_ctac" or "paired" in p]
    write(
        "followup",
        [
            {"population": p, "median_years": 4.3 + 0.01 * i, "q1_years": 2.5, "q3_years": 6.6, "n": n - i,
             "n_events": 40 - i, "reverse_km_median_years": 5.1}
            for i, p in enumerate(POPULATIONS)
        ],
    )  # fmt: skip
    cox = [
        {"population": p, "endpoint": endpoint, "score": s, "model": model, "term": term, "p": 0.01, "n": n,
         "n_events": 40, **near(1.2 + 0.7 * k, 0.1)}
        for endpoint in ("mace", "death_or_mi")
        for p, s in scored
        for model in ("univariable", "adjusted")
        for k, term in enumerate(CATEGORIES[1:])
    ]  # fmt: skip
    write("cox", cox)
    write("npv", [
        {"population": p, "score": s, "method": m, "horizon_years": h, "n_negative": 30, "n": n,
         **near(0.84, 0.05)}
        for p, s in scored for m, h in (("crude", None), ("km", 1), ("km", 5))
    ])  # fmt: skip
    write("npv_comparison", [
        {"population": p, "method": "leisenring", "difference": 0.02, "ci_low": -0.03, "ci_high": 0.07,
         "statistic": 0.8, "df": 1, "p": 0.37, "n": n} for p in ("paired", "paired_no_cad")
    ])  # fmt: skip
    write("nri", [
        {"population": p, "method": m, "horizon_years": 5, "component": c, "n": n, "n_events": 40,
         "replicates": 2000, "seed": 1, **near(v, 0.09)}
        for p in ("paired", "paired_no_cad") for m in ("km", "binary", "ipw")
        for c, v in (("event", 0.1), ("nonevent", -0.11), ("overall", -0.017))
    ])  # fmt: skip
    write("agreement", [
        {"population": p, "comparison": "dl_ctac", "weights": "linear", "kappa": 0.62, "se": 0.01,
         "ci_low": 0.6,
         "ci_high": 0.64, "observed": 0.84, "expected": 0.58, "n": n} for p in ("paired", "internal")
    ])  # fmt: skip
    write("proportional_hazards", [
        {"population": "all", "score": "dl_ctac", "model": "univariable", "term": "GLOBAL", "statistic": 2.5,
         "df": 3, "p": 0.47, "method": "score test, Kaplan-Meier time"}
    ])  # fmt: skip
    write("noninferiority", [
        {"population": "paired", "measure": "c", "difference": 0.01, "ci_low": -0.02, "ci_high": 0.04,
         "margin": 0.05, "noninferior": 1, "n": n},
        {"population": "paired", "measure": "npv", "horizon_years": 5, "difference": 0.02, "ci_low": -0.03,
         "ci_high": 0.07, "margin": 0.05, "noninferior": 0, "n": n},
    ])  # fmt: skip
    write("decision_curve", [
        {"population": "paired", "model": m, "horizon_years": 5, "threshold": t / 100,
         "net_benefit": 0.2 - t / 400,
         "n": n}
        for m in ("treat all", "dl_ctac") for t in range(1, 41)
    ])  # fmt: skip


def _exhibits(root: Path) -> None:
    followup = pd.read_csv(root / "statistics/followup.csv")
    file = "statistics/followup.csv"
    table = Table(
        "Table 2. External cohort",
        (plain("Characteristic"), plain("n"), plain("Median follow-up")),
        tuple(
            (plain(str(row.population)), number(followup, file, i, "n", "count"),
             number(followup, file, i, "median_years", "years"))
            for i, row in enumerate(followup.itertuples())
        ),
        ("Median (quartiles).",),
    )  # fmt: skip
    (root / "tables").mkdir(exist_ok=True)
    write_table_html(table, root / "tables/table2.html", "table2")
    (root / "tables/table2.csv").write_text("label\nx\n")
    figure = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 150">'
        '<rect width="400" height="150" fill="#f5f6f8"/>'
        '<path d="M10 20H120V60H260V100H390" fill="none" stroke="#1f4e79" stroke-width="2"/></svg>'
    )
    (root / "figures").mkdir(exist_ok=True)
    (root / "figures/figure3.svg").write_text(figure)
    for name, kind, made, reason in (
        ("table2", "table", True, None),
        ("figure3", "figure", True, None),
        ("figure6", "figure", False, "There is no gated scan in this study."),
        ("figureS6", "figure", False, "Fewer than two patients have both scores."),
    ):
        facts = {
            "name": name, "kind": kind, "title": f"{name.capitalize()}. A title", "caption": "What it shows.",
            "made": made, "reason": reason, "sources": [file],
        }  # fmt: skip
        (root / "exhibits").mkdir(exist_ok=True)
        (root / f"exhibits/{name}.json").write_text(json.dumps(facts))
