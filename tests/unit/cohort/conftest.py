"""One-patient studies: everything in days from the scan."""

import pandas as pd
import pytest

from calcohort.cohort.analysis import CohortResult, build
from calcohort.cohort.settings import CohortSettings

SCAN = pd.Timestamp("2012-03-01")
LAST_DAY = 3000


def _dates(days):
    return SCAN + pd.to_timedelta(list(days), unit="D")


def _table(rows: dict, dates: str) -> pd.DataFrame:
    table = pd.DataFrame(rows)
    return table.assign(
        **{dates: pd.to_datetime(table[dates]), "patient_id": table["patient_id"].astype("string")}
    )


@pytest.fixture
def one():
    """Derive the cohort of patient A, who has a scored stress CTAC and was seen on day 2900.

    deaths, contacts: days, or a list of lists of days for several sources; events: (event, day) pairs.
    """

    def derive(
        deaths=(),
        events=(),
        contacts=(2900,),
        *,
        scores=(("ctac_stress", 0, 12.5),),
        clinical=(),
        exams=((0, 2.0, 1.0),),
        patient=None,
        without=(),
        tables=None,
        private=False,
        **settings,
    ) -> CohortResult:
        patients = pd.DataFrame([{"patient_id": "A", "sex": "male", "age": 70.0} | (patient or {})])
        sources = deaths if deaths and isinstance(deaths[0], list | tuple) else [deaths]
        ranked = [(rank, day) for rank, days in enumerate(sources) for day in days]
        ids = {n: ["A"] * n for n in range(20)}
        registries = {
            "patients": patients.astype({"patient_id": "string", "sex": "string"}),
            "pet": _table(
                {
                    "patient_id": ids[len(exams)],
                    "scan_date": _dates(day for day, _, _ in exams),
                    "mfr": [mfr for _, mfr, _ in exams],
                    "sds": [sds for _, _, sds in exams],
                },
                "scan_date",
            ),
            "deaths": _table(
                {
                    "patient_id": ids[len(ranked)],
                    "death_date": _dates(day for _, day in ranked),
                    "source_rank": [rank for rank, _ in ranked],
                },
                "death_date",
            ),
            "events": _table(
                {
                    "patient_id": ids[len(events)],
                    "event": pd.array([event for event, _ in events], dtype="string"),
                    "event_date": _dates(day for _, day in events),
                },
                "event_date",
            ),
            "followup": _table(
                {"patient_id": ids[len(contacts)], "last_contact_date": _dates(contacts)},
                "last_contact_date",
            ),
            "clinical_cac": _table(
                {
                    "patient_id": ids[len(clinical)],
                    "scan_date": _dates(day for day, _ in clinical),
                    "agatston": [float(score) for _, score in clinical],
                },
                "scan_date",
            ),
        }
        registries |= tables or {}
        for name in without:
            del registries[name]
        table = _table(
            {
                "patient_id": ids[len(scores)],
                "scan_date": _dates(day for _, day, _ in scores),
                "protocol": [protocol for protocol, _, _ in scores],
                "agatston": pd.array([score for _, _, score in scores], dtype="float64"),
            },
            "scan_date",
        )
        end = (SCAN + pd.Timedelta(days=LAST_DAY)).date().isoformat()
        chosen = CohortSettings.from_config({"end_of_followup": end} | settings, private=private)
        return build(registries, table, chosen)

    return derive


@pytest.fixture
def row(one):
    """The analysis row of the one patient, who must be in it."""

    def derive(*arguments, **options) -> dict:
        result = one(*arguments, **options)
        assert len(result.analysis) == 1, result.excluded["reason"].tolist()
        values = result.analysis.iloc[0].to_dict()
        return {key: None if pd.isna(value) else value for key, value in values.items()}

    return derive


@pytest.fixture
def reason(one):
    """Why the one patient was excluded."""

    def derive(*arguments, **options) -> str:
        result = one(*arguments, **options)
        assert result.analysis.empty
        return result.excluded["reason"].item()

    return derive


@pytest.fixture
def endpoint(one):
    """One endpoint of the one patient: (included, followup_days, event, event_type)."""

    def derive(name: str, *arguments, **options) -> tuple:
        table = one(*arguments, **options).endpoints
        found = table.loc[table["endpoint"] == name].iloc[0]
        columns = ["included", "followup_days", "event", "event_type"]
        return tuple(None if pd.isna(found[column]) else found[column] for column in columns)

    return derive


@pytest.fixture
def count(one):
    """How often a rule of cohort/quality.csv was applied; 0 where it is not in it."""

    def derive(source: str, rule: str, *arguments, **options) -> int:
        quality = one(*arguments, **options).quality
        found = quality[(quality["source"] == source) & (quality["rule"] == rule)]
        return int(found["count"].sum())

    return derive
