"""Several identifier systems, withdrawn patients, and what changed since the last run."""

import pandas as pd
import pytest

from calcohort.registries.people import changes, fingerprints
from calcohort.registries.sources import read, read_all

WIDE = "study,mrn,nhs\nA,17,900\nB,18,\nB,19,901\n"
LONG = "patient_id,system,identifier\nA,mrn,17\nB,mrn,18\nB,mrn,19\nA,nhs,900\nB,nhs,901\n"
PATIENTS = "patient_id,sex,age\nA,male,70\nB,female,61\nC,male,50\n"


@pytest.fixture(params=[(WIDE, {"columns": {"patient_id": "study"}}), (LONG, {})], ids=["wide", "long"])
def crosswalk(request, source):
    text, options = request.param
    return source(text, "who.csv", **options)


class TestCrosswalk:
    def test_each_source_is_put_under_the_study_s_identifiers(self, source, crosswalk):
        tables = read_all(
            {
                "patients": source(PATIENTS),
                "deaths": [
                    source("patient_id,death_date\n 18 ,2015-01-02\n", "d.csv", identifier="mrn"),
                    source("patient_id,death_date\n900,2015-03-04\n", "e.csv", identifier="nhs"),
                    source("patient_id,death_date\nC,2015-05-06\n", "f.csv"),
                ],
                "crosswalk": crosswalk,
            }
        )
        assert list(tables) == ["patients", "deaths", "crosswalk"]
        assert tables["deaths"]["patient_id"].tolist() == ["B", "A", "C"]

    def test_an_identifier_that_it_lacks_is_nobody_s_and_counted(self, source, crosswalk):
        # 900 is no MRN of anybody, and A is a study identifier.
        text = "patient_id,death_date\n900,2015-01-02\nA,2015-01-02\n17,2015-01-02\n"
        table = read(source(text, identifier="mrn"), "deaths", crosswalk=read(crosswalk, "crosswalk"))
        assert table["patient_id"].tolist() == ["mrn:900", "mrn:A", "A"]
        found = {row["rule"]: row["count"] for row in table.attrs["findings"]}
        assert found["identifier_not_in_crosswalk"] == 2

    def test_two_identifiers_of_one_patient_are_two_rows_for_a_patient(self, source, crosswalk, refusal):
        text = "patient_id,sex,age\n18,male,70\n19,male,70\n"
        options = {"crosswalk": read(crosswalk, "crosswalk")}
        line = refusal(source(text, identifier="mrn"), "patients", **options)
        assert "patient_id more than once in 2 rows (2, 3)" in line

    def test_an_identifier_of_two_patients_is_refused(self, source, refusal):
        line = refusal(source("patient_id,mrn\nA,17\nB,17\n"), "crosswalk")
        assert "system and identifier more than once in 2 rows (2, 3)" in line

    def test_the_same_line_twice_is_no_mistake(self, source):
        assert len(read(source("patient_id,mrn\nA,17\nA,17\n"), "crosswalk")) == 1

    def test_what_is_missing_is_said(self, source, crosswalk, refusal):
        text = "patient_id,death_date\n17,2015-01-02\n"
        assert "needs a crosswalk" in refusal(source(text, identifier="mrn"), "deaths")
        options = {"crosswalk": read(crosswalk, "crosswalk")}
        assert "use one of mrn, nhs" in refusal(source(text, identifier="ssn"), "deaths", **options)
        assert "not a crosswalk" in refusal(source("patient_id\nA\n"), "crosswalk")


def test_a_withdrawn_patient_leaves_every_table(source):
    tables = read_all(
        {
            "patients": source(PATIENTS),
            "deaths": source("patient_id,death_date\nB,2015-01-02\nC,2015-01-02\n", "d.csv"),
            "withdrawn": [source("patient_id\nB\n", "w.csv"), source("patient_id\nZ\n", "v.csv")],
        }
    )
    assert tables["patients"]["patient_id"].tolist() == ["A", "C"]
    assert tables["deaths"]["patient_id"].tolist() == ["C"]
    found = {row["rule"]: row["count"] for row in tables["withdrawn"].attrs["findings"]}
    assert found["patients_removed"] == 1


def test_errors_can_name_the_source_instead_of_its_path(source, refusal):
    bad = source("patient_id,death_date\nA,soon\n", "Mercy-Hospital.csv")
    assert refusal(bad, "deaths").startswith("Mercy-Hospital.csv: ")
    assert refusal(bad, "deaths", hide_paths=True).startswith("registries.deaths: column death_date")
    assert refusal([bad, bad], "deaths", hide_paths=True).startswith("registries.deaths[1]: ")


class TestChanges:
    """Added, changed and withdrawn patients are noticed."""

    BEFORE = {
        "patients": pd.DataFrame({"patient_id": ["A", "B", "C"], "age": [1.0, 2.0, None]}),
        "events": pd.DataFrame({"patient_id": ["A", "A"], "event": ["pci", "cabg"]}),
        "withdrawn": pd.DataFrame({"patient_id": ["Z"]}),
    }

    def noticed(self, **tables):
        return tuple(changes(fingerprints(self.BEFORE), fingerprints(self.BEFORE | tables)).values())

    def test_nothing(self):
        assert self.noticed() == (0, 0, 0)

    def test_the_order_of_rows_is_no_change(self):
        assert self.noticed(events=self.BEFORE["events"][::-1]) == (0, 0, 0)

    def test_a_patient_more_one_other_and_one_less(self):
        patients = pd.DataFrame({"patient_id": ["A", "B", "D"], "age": [1.0, 2.5, 4.0]})
        assert self.noticed(patients=patients) == (1, 1, 1)

    def test_an_event_more(self):
        events = pd.DataFrame({"patient_id": ["A", "A", "C"], "event": ["pci", "cabg", "pci"]})
        assert self.noticed(events=events) == (0, 1, 0)
