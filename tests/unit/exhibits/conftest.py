"""A run folder for these tests: invented patients and scans, and what the library makes of them."""

import numpy as np
import pandas as pd
import pytest

from calcohort.audit.checklist import CHECKLISTS, fill
from calcohort.exhibits import examples
from calcohort.exhibits.baseline import baseline
from calcohort.exhibits.exhibit import read_inputs
from calcohort.exhibits.registry import EXHIBITS
from calcohort.imaging.summary import imaging_protocols
from calcohort.scoring.effect import EFFECT_COLUMNS
from calcohort.seeds import rng
from calcohort.segmentation.store import HeartCrop
from calcohort.statistics.run import FAMILIES
from calcohort.tables import write_csv

RECIPE = {
    "network": "clstm-fast",
    "config": {"width": 8, "hidden": 4},
    "inputs": {"pixel_mm": 0.9, "windows": [[-200, 600]], "distance": True},
}
META = {
    "name": "made_up",
    "simulated": True,
    "simulated_note": "Simulated data: no patient is real.",
    "model": {"heart": RECIPE, "lesion": RECIPE},
}
SETTINGS = {"bootstrap_replicates": 20, "optimism_replicates": 2, "horizons_years": [1, 5]}
# The families that exhibits read.
FAMILIES_READ = (
    "km", "logrank", "cox", "proportional_hazards", "nri", "npv", "npv_comparison", "agreement",
    "concordance_index", "followup", "decision_curve", "calibration",
)  # fmt: skip


def make_analysis(n: int = 500, seed: int = 1) -> pd.DataFrame:
    """cohort/analysis.csv of `n` patients whose risk follows their calcium."""
    draw = rng("exhibits", seed)
    code = draw.choice(4, n, p=[0.25, 0.2, 0.2, 0.35])
    bounds = np.array([[0, 0], [1, 100], [101, 400], [401, 3000]])[code]
    standard = draw.uniform(bounds[:, 0], bounds[:, 1])
    dl = np.where(
        draw.random(n) < 0.7, standard * draw.uniform(0.7, 1.2, n), draw.permutation(standard)
    ).round(1)
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
    excluded = {
        "no_pet_exam": 0,
        "death_before_scan": 2,
        "missing_followup": 5,
        "early_revascularization": 44,
    }
    excluded |= {"missing_ctac": 6, "corrupt_ctac": 3}
    left = n + sum(excluded.values()) - np.cumsum(list(excluded.values()))
    columns = {"step": range(1, 7), "n_in": left + list(excluded.values()), "excluded": excluded.values()}
    return pd.DataFrame(columns | {"reason": excluded.keys(), "n_out": left})


def make_series(n: int = 60, seed: int = 3) -> pd.DataFrame:
    """imaging/series.csv."""
    draw = rng("exhibits", seed)
    protocol = draw.choice(["ctac_stress", "ctac_rest", "cac_gated", "unknown"], n, p=[0.6, 0.1, 0.25, 0.05])
    gated = protocol == "cac_gated"
    return pd.DataFrame(
        {
            "series": [f"{i:016x}" for i in range(n)],
            "analysed": (draw.random(n) < 0.93).astype(bool),
            "protocol": protocol,
            "scanner": np.where(gated, "Scanner two", "Scanner one"),
            "kvp": np.where(gated, 120.0, 100.0),
            "slice_thickness_mm": np.where(gated, 3.0, draw.choice([2.5, 5.0], n)),
            "increment_mm": np.where(gated, 3.0, draw.choice([2.5, 4.0], n)),
            "pixel_spacing_x_mm": np.where(gated, 0.4, 0.98),
            "n_slices": np.where(gated, 48, 60),
        }
    )


def make_effect() -> pd.DataFrame:
    """scores/convention_effect.csv."""
    rows = [
        ("ctac_stress", "study", 40, 25, 200.0, 200.0, 0.0, 0.0, 0, 0),
        ("ctac_stress", "connectivity_4", 40, 25, 200.0, 194.0, -0.03, -12.5, 0, 1),
        ("cac_gated", "study", 9, 0, 0.0, 0.0, None, 0.0, 0, 0),
    ]
    return pd.DataFrame(rows, columns=list(EFFECT_COLUMNS))


def make_crop(seed: int, gated: bool, spots=(), noise: float = 15.0) -> HeartCrop:
    """A ball of heart, finer on the gated scan.

    `spots` are (label, x, y, z, hu): calcium of that label at that place of the heart's box, 0 to 1 from
    right to left, front to back and bottom to top; label 3 is bright and not marked.
    """
    step, pixel = 3.0, 0.8 if gated else 1.6
    size = int(96 / pixel)
    hu = rng("exhibits", "crop", seed).normal(40, noise, (20, size, size)).astype(np.int16)
    labels = np.full(hu.shape, 3, dtype=np.uint8)
    width = 4 if gated else 2
    for label, x, y, z, brightness in spots:
        corner = (int(z * 17), int(y * (size - width)), int(x * (size - width)))
        box = tuple(slice(low, low + n) for low, n in zip(corner, (3, width, width), strict=True))
        hu[box], labels[box] = brightness, label
    spacing = (pixel, pixel, step)
    return HeartCrop(hu, labels, (0, 0, 0), hu.shape, spacing, (-48.0, -48.0, 0.0), 600.0)


LM, RCA = (1, 0.6, 0.45, 0.75, 500), (1, 0.25, 0.4, 0.4, 500)
AORTA, MITRAL = (2, 0.45, 0.45, 0.8, 500), (2, 0.6, 0.75, 0.4, 500)
STENT = (3, 0.65, 0.3, 0.65, 900)
# Patients by what their scans show: on the gated scan, on the CTAC, standard score, DL-CTAC score, prior PCI.
CASES = {
    "left": ((LM, AORTA), (LM, AORTA), 310.0, 286.0, 0),
    "right": ((RCA, AORTA), (RCA, AORTA), 250.0, 220.0, 0),
    "small": ((RCA,), (RCA,), 60.0, 44.0, 0),
    "ring": ((MITRAL,), (MITRAL,), 0.0, 0.0, 0),
    "stented": ((LM, STENT), (LM, RCA), 90.0, 600.0, 1),
    "spared": ((LM, STENT), (LM, STENT), 500.0, 450.0, 1),
    "missed": ((LM,), (), 80.0, 0.0, 0),
    "misnamed": ((LM,), ((2, *LM[1:]),), 60.0, 0.0, 0),
    "invented": ((AORTA,), ((1, *AORTA[1:]),), 0.0, 40.0, 0),
    "noisy": ((), ((1, 0.6, 0.45, 0.75, 140),), 0.0, 25.0, 0),
}


def make_cases() -> tuple[pd.DataFrame, pd.DataFrame]:
    """cohort/analysis.csv and scores/scores.csv of `CASES`."""
    rows = [(name, *case[2:]) for name, case in CASES.items()]
    analysis = pd.DataFrame(rows, columns=["patient_id", "cac_standard", "cac_dl", "prior_pci"])
    analysis["cac_dl_protocol"] = "ctac_stress"
    scores = [
        {"patient_id": name, "series": f"{name}-{kind}", "protocol": kind, "accepted": True, "noise_hu": 15.0}
        for name in CASES
        for kind in ("cac_gated", "ctac_stress", "ctac_rest")
    ]
    scores = pd.DataFrame(scores)
    scores["noise_hu"] = np.where(scores["patient_id"] == "noisy", 40.0, 15.0)
    scores["warnings"] = np.where(scores["series"] == "spared-ctac_stress", "noise;metal", None)
    return analysis, scores


def crop_of(series: str) -> HeartCrop:
    """The crop of a series of `CASES`."""
    name, kind = series.split("-")
    gated = kind == "cac_gated"
    return make_crop(sorted(CASES).index(name), gated, CASES[name][0 if gated else 1])


def make_examples() -> dict[str, np.ndarray]:
    """What the workflow stores for the pictures."""
    return examples.cut(examples.choose(examples.patients(*make_cases()), crop_of), crop_of)


def write_run(folder, analysis, scans=None, series=None, families=FAMILIES_READ) -> None:
    """Write the files of a run that exhibits read, with the statistics of `analysis`."""
    write_csv(analysis, folder / "cohort/analysis.csv")
    write_csv(make_flow(len(analysis)), folder / "cohort/flow.csv")
    write_csv(baseline(analysis, scans), folder / "statistics/baseline.csv")
    if series is not None:
        write_csv(imaging_protocols(series, None), folder / "statistics/imaging_protocols.csv")
        write_csv(make_effect(), folder / "scores/convention_effect.csv")
    for checklist in CHECKLISTS:
        write_csv(fill(checklist, lambda file: file.startswith("statistics/"), {}), folder / checklist.file)
    if scans is not None:
        write_csv(scans, folder / "development/scans.csv")
    for family in families:
        for stem, table in FAMILIES[family](analysis, None, SETTINGS, scans=scans).items():
            write_csv(table, folder / f"statistics/{stem}.csv")


def inputs_of(folder, name: str) -> dict:
    """What the workflow hands to an exhibit's builder."""
    return read_inputs(folder, EXHIBITS[name].sources)


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """Folder of a whole run."""
    folder = tmp_path_factory.mktemp("run")
    write_run(folder, make_analysis(), make_scans(), make_series())
    examples.save(folder / "segmentation/examples.npz", make_examples())
    return folder
