"""A simulated hospital whose exports are read back through a config, as the demo does it."""

import pandas as pd
import pytest

from calcohort.cohort.analysis import build
from calcohort.cohort.settings import CohortSettings
from calcohort.registries.sources import read
from calcohort.simulate.plan import external_plan
from calcohort.simulate.registries import FILES, hospital_exports, write_options

TYPICAL = {"0": 0.0, "1-100": 40.0, "101-400": 220.0, ">400": 900.0}
YES_NO = {"yes": 1, "no": 0}
FLAGS = {"hypercholesterolemia": "Hyperlipidemia", "smoking": "CurrentSmoker", "hypertension": "Hypertension",
         "diabetes": "Diabetes", "prior_mi": "PriorMI"}  # fmt: skip
CONFIG = {
    "patients": {
        "path": "patients.csv", "sep": ";", "decimal": ",", "date_format": "%d.%m.%Y",
        "columns": {"patient_id": "MRN", "sex": "Sex", "birth_date": "DOB", "bmi": "BMI"} | FLAGS,
        "values": {"sex": {"M": "male", "F": "female"}} | dict.fromkeys(FLAGS, YES_NO),
    },
    "pet": {"path": "pet.csv", "columns": {"scan_date": "exam_date", "mfr": "global_mfr"}},
    "clinical_cac": {"path": "clinical_cac.csv"},
    "deaths": [
        {"path": "deaths_hospital.csv"},
        {"path": "deaths_index.csv", "sep": "|", "date_format": "%Y%m%d",
         "columns": {"patient_id": "id", "death_date": "dod"}},
        {"path": "deaths_state.csv", "date_format": "%d-%b-%Y", "columns": {"death_date": "DateOfDeath"}},
    ],
    "events": {
        "path": "events.csv", "date_format": "%m/%d/%Y",
        "columns": {"patient_id": "mrn", "event": "code", "event_date": "admitted"},
        "values": {"event": {"I21.4": "myocardial_infarction", "I20.0": "unstable_angina", 92928: "pci",
                             33533: "cabg", "Z09": "other"}},
    },
    "followup": {"path": "followup.csv", "columns": {"last_contact_date": "last_seen"}},
}  # fmt: skip


def _truth(plan: pd.DataFrame) -> pd.DataFrame:
    scans = {"ctac_stress": "has_stress", "ctac_rest": "has_rest", "cac_gated": "has_gated"}
    parts = [
        plan.loc[plan[has], ["patient_id", "scan_date", "burden", "fault"]].assign(protocol=protocol)
        for protocol, has in scans.items()
    ]
    table = pd.concat(parts, ignore_index=True)
    return table.assign(agatston=table["burden"].map(TYPICAL))


@pytest.fixture
def hospital(tmp_path):
    """Plan, exports, and the cohort derived from the files: a function of the seed and the size."""

    def derive(seed: int, n: int):
        plan = external_plan(seed, n)
        truth = _truth(plan)
        exports = hospital_exports(plan, truth[["patient_id", "protocol", "agatston"]], seed)
        for name, table in exports.items():
            table.to_csv(tmp_path / FILES[name][0], **write_options(name))

        def located(source):
            return source | {"path": str(tmp_path / source["path"])}

        registries = {
            name: read(
                [located(one) for one in source] if isinstance(source, list) else located(source), name
            )
            for name, source in CONFIG.items()
        }
        faulty = truth["fault"].notna() & (truth["protocol"] != "cac_gated")
        scores = truth.assign(accepted=~faulty, agatston=truth["agatston"].mask(faulty))
        return plan, exports, build(registries, scores, CohortSettings.from_config({}))

    return derive
