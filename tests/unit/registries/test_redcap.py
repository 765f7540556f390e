"""REDCap exports: one file for all instruments, repeating rows, checkbox groups."""

import pandas as pd
import pytest

from calcohort.registries.sources import read

# One project: patients on rows of their own, each event and each contact an instance of an instrument.
EXPORT = """record_id,redcap_repeat_instrument,redcap_repeat_instance,sex,age,comorbid___1,comorbid___2,dod,mace___1,mace___2,mace___9,mace_date,seen
101,,,1,70,1,0,,,,,,
101,mace,1,,,,,,1,0,0,2013-05-06,
101,mace,2,,,,,,1,1,0,2014-01-02,
101,contact,1,,,,,,,,,,2015-05-05
101,contact,2,,,,,,,,,,2016-06-06
102,,,2,61,0,0,2014-02-03,,,,,
"""  # noqa: E501
EVENTS = {
    "instrument": "mace",
    "columns": {"patient_id": "record_id", "event": "mace", "event_date": "mace_date"},
    "values": {"event": {1: "myocardial_infarction", 2: "pci", 9: "other"}},
}


def test_patients_are_the_rows_outside_repeating_instruments(source):
    columns = {"patient_id": "record_id", "hypertension": "comorbid___1", "diabetes": "comorbid___2"}
    options = {"columns": columns, "values": {"sex": {1: "male", 2: "female"}}}
    table = read(source(EXPORT, **options), "patients")
    assert table["patient_id"].tolist() == ["101", "102"]
    assert table["sex"].tolist() == ["male", "female"]
    assert table[["hypertension", "diabetes"]].to_numpy().tolist() == [[1, 0], [0, 0]]


def test_a_repeating_instrument_gives_its_own_rows(source):
    options = {
        "instrument": "contact",
        "columns": {"patient_id": "record_id", "last_contact_date": "seen"},
    }
    table = read(source(EXPORT, **options), "followup")
    assert table["last_contact_date"].dt.year.tolist() == [2015, 2016]


def test_a_checkbox_group_gives_a_row_for_each_box_that_is_checked(source):
    table = read(source(EXPORT, **EVENTS), "events")
    assert table[["event", "event_date"]].to_numpy().tolist() == [
        ["myocardial_infarction", pd.Timestamp("2013-05-06")],
        ["myocardial_infarction", pd.Timestamp("2014-01-02")],
        ["pci", pd.Timestamp("2014-01-02")],
    ]


def test_a_patient_of_whom_only_the_sex_is_known_is_no_empty_row(source):
    text = "record_id,redcap_repeat_instrument,sex,age\n101,,male,70\n102,,female,\n103,,,\n"
    table = read(source(text, columns={"patient_id": "record_id"}), "patients")
    assert table["patient_id"].tolist() == ["101", "102"]


def test_who_has_no_record_of_a_kind_is_skipped_and_counted(source):
    table = read(source(EXPORT, columns={"patient_id": "record_id", "death_date": "dod"}), "deaths")
    assert table["patient_id"].tolist() == ["102"]
    assert table.attrs["findings"] == [
        {"source": "deaths", "rule": "empty_rows_skipped", "severity": "note", "count": 1}
    ]


def test_an_event_with_no_box_checked_is_refused_with_its_row(source, refusal):
    broken = EXPORT.replace("1,0,0,2013", "0,0,0,2013")
    assert "column event is empty in row 3" in refusal(source(broken, **EVENTS), "events")


def test_a_date_that_is_wrong_is_named_once_however_many_boxes_are_checked(source, refusal):
    broken = EXPORT.replace("2014-01-02", "soon")
    assert "event_date is not a date in the format %Y-%m-%d in row 4" in refusal(
        source(broken, **EVENTS), "events"
    )


@pytest.mark.parametrize(("arm", "years"), [("baseline_arm_1", [2011]), ("later_arm_1", [2012])])
def test_an_event_of_a_longitudinal_project(source, arm, years):
    text = (
        "patient_id,redcap_event_name,scan_date\nA,baseline_arm_1,2011-01-01\nA,later_arm_1,2012-01-01\n"
        "A,empty_arm_1,\n"
    )
    assert read(source(text, event_name=arm), "pet")["scan_date"].dt.year.tolist() == years
    assert len(read(source(text), "pet")) == 2


def test_an_instrument_that_is_not_there_is_refused_with_those_that_are(source, refusal):
    line = refusal(source(EXPORT, **EVENTS | {"instrument": "maces"}), "events")
    assert line == "export.csv: no rows of instrument maces; those there are: contact, mace"
    line = refusal(source(EXPORT, **EVENTS | {"event_name": "arm_1"}), "events")
    assert "no column redcap_event_name" in line


def test_rows_with_nothing_but_an_identifier_are_skipped_in_any_file_that_asks_for_it(source, refusal):
    text = "patient_id,death_date\nA,2014-12-31\nB,\n"
    assert "skip_empty: true" in refusal(source(text), "deaths")
    assert read(source(text, skip_empty=True), "deaths")["patient_id"].tolist() == ["A"]
