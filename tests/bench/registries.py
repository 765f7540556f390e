"""Registries to analysis table: reading, linking and deriving, at two sizes, with the memory they take."""

from pathlib import Path

import numpy as np
import pandas as pd

from calcohort.seeds import rng
from tests.bench.measure import Options, Row, in_process

PATIENTS = (100_000, 1_000_000)
EVENTS_A_PATIENT = 3
KINDS = ("myocardial_infarction", "unstable_angina", "pci", "cabg", "other")
NAMES = ("patients", "pet", "clinical_cac", "deaths", "events", "followup")
READ_AND_DERIVE = """
from pathlib import Path
from calcohort.cohort.analysis import build
from calcohort.cohort.settings import CohortSettings
from calcohort.registries.scores import read_scores
from calcohort.registries.sources import read_all
def work(folder, names):
    used = time.process_time()
    tables = read_all({name: {"path": f"{folder}/{name}.csv"} for name in names})
    scores = read_scores(f"{folder}/scores.csv")
    begun, derived = time.perf_counter(), time.process_time()
    result = build(tables, scores, CohortSettings.from_config({}))
    ended = time.process_time()
    return [time.perf_counter() - begun, ended - used, ended - derived, len(result.analysis)]
"""


def write_study(folder: Path, n: int) -> None:
    """Registries of `n` patients, `EVENTS_A_PATIENT` events each, and their scores, as CSV."""
    random = rng("bench registries", n)
    ids = np.char.add("P", np.arange(n).astype(str))
    scan = pd.Timestamp("2010-01-01") + pd.to_timedelta(random.integers(0, 3000, n), unit="D")

    def later(low: int, high: int, who: np.ndarray) -> pd.Index:
        return scan[who] + pd.to_timedelta(random.integers(low, high, len(who)), unit="D")

    everybody, many = np.arange(n), np.repeat(np.arange(n), EVENTS_A_PATIENT)
    dead = np.flatnonzero(random.random(n) < 0.25)
    sexes = np.where(random.random(n) < 0.5, "male", "female")
    kinds = random.choice(KINDS, len(many), p=(0.05, 0.05, 0.05, 0.02, 0.83))
    tables = {
        "patients": {"patient_id": ids, "sex": sexes, "age": random.integers(30, 90, n)},
        "pet": {"patient_id": ids, "scan_date": scan, "mfr": random.uniform(1, 4, n).round(2)},
        "clinical_cac": {"patient_id": ids, "scan_date": scan, "agatston": random.integers(0, 2000, n)},
        "deaths": {"patient_id": ids[dead], "death_date": later(1, 4000, dead)},
        "events": {"patient_id": ids[many], "event": kinds, "event_date": later(-2000, 4000, many)},
        "followup": {"patient_id": ids, "last_contact_date": later(0, 4000, everybody)},
        "scores": {"patient_id": ids, "scan_date": scan, "protocol": "ctac_stress",
                   "agatston": random.uniform(0, 2000, n)},
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        pd.DataFrame(table).to_csv(folder / f"{name}.csv", index=False)


def read_and_derive(options: Options) -> list[Row]:
    """Seconds from CSV files to the analysis table, those of linking and deriving alone, and peak memory."""
    rows = []
    for n in PATIENTS:
        folder = options.work / f"registries-{n}"
        write_study(folder, n)
        seconds, memory, (derived, used, used_derived, _) = in_process(READ_AND_DERIVE, str(folder), NAMES)
        what = f"{n} patients, {EVENTS_A_PATIENT * n} events"
        rows += [
            Row(f"{what}: CSV to analysis table", seconds, "s"),
            Row(f"{what}: link and derive alone", derived, "s"),
            Row(f"{what}: CSV to analysis table, processor time", used, "s"),
            Row(f"{what}: link and derive alone, processor time", used_derived, "s"),
            Row(f"{what}: peak memory", memory, "MiB"),
        ]
    return rows


MEASUREMENTS = [read_and_derive]
