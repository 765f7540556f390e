"""`calcohort check`: every input read, nothing run, each problem one line with its cure."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from calcohort.check import check_study
from calcohort.errors import InputError

MODEL = Path(__file__).parents[2] / "models/clstm-fast"
ANALYSIS = pd.DataFrame({"patient_id": ["a"], "cac_dl": [1.0], "followup_days": [10], "mace": [0]})


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Write files and a config beside them, and check the config."""
    monkeypatch.chdir(tmp_path)

    def check(config: dict, **files) -> list[str]:
        for name, content in files.items():
            if isinstance(content, pd.DataFrame):
                content.to_excel(tmp_path / f"{name}.xlsx", index=False)
            else:
                (tmp_path / f"{name}.csv").write_text(content)
        (tmp_path / "c.yaml").write_text(yaml.safe_dump({"name": "s"} | config))
        return check_study("c.yaml")

    return check


PATIENTS = "patient_id,sex,age\nA,male,70\n"
SCORES = "patient_id,scan_date,protocol,agatston\nA,2015-01-02,ctac_stress,12\n"


def test_a_study_that_is_right_is_told_so_source_by_source(study):
    config = {"scores": "s.csv", "registries": {"patients": {"path": "p.csv"}}}
    lines = study(config, s=SCORES, p=PATIENTS.replace("male", "Male"))
    assert "scores: 1 rows" in lines and "registries.patients: 1 rows" in lines
    assert "registries.patients: case_ignored_sex (1)" in lines


def test_an_excel_analysis_table_is_told_to_be_saved_as_csv(study):
    with pytest.raises(InputError, match=r"a\.xlsx: is a workbook.*save the sheet as CSV"):
        study({"analysis": "a.xlsx"}, a=ANALYSIS)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("mace", "event", "no column mace"),
        (",0\n", ",2\n", "column mace holds other values than 0 and 1"),
        ("1.0", "12 AU", "column cac_dl holds something that is not a number"),
    ],
)
def test_an_analysis_table_is_read_as_the_run_will_read_it(study, old, new, words):
    text = ANALYSIS.to_csv(index=False).replace(old, new)
    with pytest.raises(InputError, match=words):
        study({"analysis": "a.csv"}, a=text)


def test_an_excel_scores_table_is_read(study):
    scores = pd.DataFrame([["A", "2015-01-02", "ctac_stress", 12]])
    scores.columns = ["patient_id", "scan_date", "protocol", "agatston"]
    config = {"scores": "s.xlsx", "registries": {"patients": {"path": "p.csv"}}}
    assert "scores: 1 rows" in study(config, s=scores, p=PATIENTS)


def test_every_problem_is_listed(study):
    config = {"scores": "s.csv", "registries": {"patients": {"path": "p.csv"}}}
    with pytest.raises(InputError) as caught:
        study(config, s=SCORES.replace("12", "a lot"), p=PATIENTS + "A,F,\nB,male,190\n")
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert not any("a lot" in line or "190" in line for line in lines)


def test_a_misspelt_attribute_of_the_link_is_named_with_the_right_one(study, tmp_path):
    (tmp_path / "dicom").mkdir()
    registries = {"patients": {"path": "p.csv"}, "pet": {"path": "e.csv"}}
    imaging = {"dicom": "dicom", "link": {"patient_id": "PatientId", "scan_date": "StudyDate"}}
    config = {"imaging": imaging, "registries": registries, "segmentation": {"model": str(MODEL)}}
    with pytest.raises(InputError) as caught:
        study(config, p=PATIENTS, e="patient_id,scan_date\nA,2015-01-02\n")
    assert str(caught.value) == (
        "imaging.link.patient_id: PatientId is no DICOM attribute; did you mean PatientID?"
    )


def test_sources_of_another_identifier_system_are_read_through_the_crosswalk(study):
    deaths = {"path": "d.csv", "identifier": "mrn"}
    registries = {"deaths": deaths, "patients": {"path": "p.csv"}, "crosswalk": {"path": "w.csv"}}
    files = {"p": PATIENTS, "d": "patient_id,death_date\n17,2015-01-02\n", "w": "patient_id,mrn\nA,17\n"}
    lines = study({"scores": "s.csv", "registries": registries}, s=SCORES, **files)
    assert "registries.deaths: 1 rows" in lines


def test_rows_of_nobody_are_told(study):
    config = {"registries": {"deaths": {"path": "d.csv"}, "patients": {"path": "p.csv"}}, "scores": "s.csv"}
    deaths = "patient_id,death_date\n00A,2015-02-03\nA,2015-02-03\n"
    lines = study(config, s=SCORES, p=PATIENTS, d=deaths)
    assert "registries.deaths: 2 rows, 1 of them of nobody in patients" in lines
    assert "registries.patients: 1 rows" in lines


def test_scores_in_days_need_the_exams(study):
    config = {"scores": "s.csv", "registries": {"patients": {"path": "p.csv"}}}
    with pytest.raises(InputError, match=r"add registries\.pet"):
        study(config, s=SCORES.replace("2015-01-02", "0"), p=PATIENTS)


def test_an_analysis_table_without_a_header_is_not_quoted(study):
    with pytest.raises(InputError, match="none of the columns is there; write the names") as caught:
        study({"analysis": "a.csv"}, a="Smith,12,100,1\nJones,13,200,0\n")
    assert "Smith" not in str(caught.value)


def test_the_private_side_is_a_folder(study):
    config = {"scores": "s.csv", "registries": {"patients": {"path": "p.csv"}}, "private_dir": "p.csv"}
    with pytest.raises(InputError, match="private_dir: is a file; name a folder"):
        study(config, s=SCORES, p=PATIENTS)


def test_no_path_of_a_private_study_is_printed(study):
    registries = {"patients": {"path": "Mercy.csv"}, "deaths": {"path": "Mercy-dead.csv"}}
    config = {"scores": "Mercy-scores.csv", "registries": registries, "private_dir": "vault"}
    files = {"Mercy": PATIENTS + "A,F,\n", "Mercy-scores": SCORES.replace("12", "many")}
    with pytest.raises(InputError, match=r"registries\.deaths\.path: no such file or folder; mend") as caught:
        study(config, **files)
    assert "Mercy" not in str(caught.value)
    with pytest.raises(InputError, match=r"scores: column agatston(.|\n)*registries\.patients: ") as caught:
        study(config, **files, **{"Mercy-dead": "patient_id,death_date\nA,soon\n"})
    assert "Mercy" not in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"segmentation": {"model": "dicom"}}, "segmentation.model: holds no model; name a folder with"),
        ({"imaging": {"dicom": "."}}, "c.yaml: imaging.dicom: a run writes into it; name a folder that"),
        ({"private_dir": "dicom/private"}, "c.yaml: imaging.dicom: a run writes into it; name a folder that"),
        ({"registries": {"patients": {"path": "dicom"}}}, "registries.patients.path: is a folder; name the"),
    ],
)
def test_folders_that_are_not_what_they_should_be(changed, line, study, tmp_path):
    (tmp_path / "dicom").mkdir()
    registries = {"patients": {"path": "p.csv"}, "pet": {"path": "e.csv"}}
    model = {"model": str(MODEL)}
    config = {"imaging": {"dicom": "dicom"}, "registries": registries, "segmentation": model} | changed
    if "patients" in changed.get("registries", {}):
        config["registries"] = registries | changed["registries"]
    with pytest.raises(InputError) as caught:
        study(config, p=PATIENTS, e="patient_id,scan_date\nA,2015-01-02\n")
    assert str(caught.value).startswith(line)


def test_an_analysis_that_is_a_folder(study, tmp_path):
    (tmp_path / "a").mkdir()
    for path in ("a", "."):
        with pytest.raises(InputError, match="^analysis: is a folder; name the file$"):
            study({"analysis": path})
