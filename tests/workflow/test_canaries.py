"""A private study with canaries in every header field, file name and registry column: none may come out."""

import base64
import binascii
import contextlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pydicom
import pytest
import sqlalchemy
from pydicom.datadict import dictionary_VR
from pydicom.uid import UID

from calcohort.simulate.plan import external_plan
from calcohort.simulate.scans import scan_patient
from tests.workflow.conftest import Place, new_place, said

pytestmark = pytest.mark.slow

NAME, NUMBER, HOSPITAL, FOLDER = "Zebrafink", "ZQ4711", "Quexley", "Wombat"
PASSWORD, UID_ROOT = "hunter-otter", "1.2.826.0.1.47114711"
WORDS = (NAME, NUMBER, HOSPITAL, FOLDER, PASSWORD, UID_ROOT)
# What the results show of a header by design, and the unit without which a scan cannot be read.
SHOWN = ("Manufacturer", "ManufacturerModelName", "ConvolutionKernel", "RescaleType")
TEXT = {"LO", "SH", "ST", "LT", "UT", "PN", "UC"}
ADDED = (
    *("PatientName", "OtherPatientNames", "PatientAddress", "PatientComments", "PatientTelephoneNumbers"),
    *("ReferringPhysicianName", "PerformingPhysicianName", "OperatorsName", "NameOfPhysiciansReadingStudy"),
    *("InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName", "StationName"),
    *("AccessionNumber", "StudyID", "DeviceSerialNumber", "StudyDescription", "SeriesDescription"),
    *("ProtocolName", "ImageComments", "RequestedProcedureDescription", "AdmissionID", "EthnicGroup"),
    *("AdditionalPatientHistory", "Occupation", "CurrentPatientLocation", "ContentCreatorName"),
)
DATES = (
    "StudyDate",
    "SeriesDate",
    "AcquisitionDate",
    "ContentDate",
    "PatientBirthDate",
    "InstanceCreationDate",
)
PEOPLE = 4
SCANS = [f"2013-03-{17 + n}" for n in range(PEOPLE)]
BORN = [f"1931-07-{17 + n}" for n in range(PEOPLE)]
LATER = [f"2016-09-{17 + n}" for n in range(PEOPLE)]


def date_words() -> list[str]:
    days = pd.to_datetime([*SCANS, *BORN, *LATER])
    return [day.strftime(style) for day in days for style in ("%Y-%m-%d", "%d.%m.%Y", "%Y%m%d", "%m/%d/%Y")]


def plant_in_header(path: Path, person: int) -> None:
    """Rewrite one DICOM file with canaries in every text, date and identifier of it."""
    data = pydicom.dcmread(path)
    words = f"{HOSPITAL} {NAME} {NUMBER}"
    protocol = "CTAC STRESS"
    for keyword in ADDED:
        setattr(data, keyword, f"{NAME}^{NUMBER}" if dictionary_VR(keyword) == "PN" else words[:16])
    for element in data:
        if element.VR in TEXT and element.keyword not in SHOWN and element.keyword:
            element.value = f"{NAME}^{NUMBER}" if element.VR == "PN" else words[:16]
    for keyword in DATES:
        setattr(data, keyword, (BORN if keyword == "PatientBirthDate" else SCANS)[person].replace("-", ""))
    data.PatientID = f"{NUMBER}-{person}"
    data.SeriesDescription = data.ProtocolName = f"{protocol} {NAME} {HOSPITAL}"
    data.StudyInstanceUID, data.SeriesInstanceUID = (
        UID(f"{UID_ROOT}.1.{person}"),
        UID(f"{UID_ROOT}.2.{person}"),
    )
    data.SOPInstanceUID = UID(f"{UID_ROOT}.3.{person}.{data.InstanceNumber}")
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.private_block(0x0099, f"{HOSPITAL}", create=True).add_new(1, "LO", words)
    path.unlink()
    data.save_as(path.with_name(f"{NAME}_{path.name}"))


def write_registries(folder: Path) -> dict:
    """Registries with canaries in every column and file name; deaths in a database whose URL is a canary."""
    ids = [f"{NUMBER}-{n}" for n in range(PEOPLE)]
    about = {"name": [f"{NAME} {n}" for n in range(PEOPLE)], "hospital": HOSPITAL, "born": BORN}
    tables = {
        "patients": {"patient_id": ids, "sex": "male", "birth_date": BORN, **about},
        "pet": {"patient_id": ids, "scan_date": SCANS, "mfr": 2.0, "sds": 1, **about},
        "clinical_cac": {"patient_id": ids, "scan_date": SCANS, "agatston": range(PEOPLE), **about},
        "events": {"patient_id": ids, "event": "other", "event_date": LATER, **about},
        "followup": {"patient_id": ids, "last_contact_date": LATER, **about},
    }
    sources = {}
    for name, table in tables.items():
        path = folder / f"{HOSPITAL}-{name}.csv"
        pd.DataFrame(table).to_csv(path, index=False)
        sources[name] = {"path": str(path)}
    url = f"sqlite:///{folder / (HOSPITAL + '.db')}"
    engine = sqlalchemy.create_engine(url)
    pd.DataFrame({"patient_id": ids[:2], "death_date": LATER[:2]}).to_sql("d", engine, index=False)
    engine.dispose()
    sources["deaths"] = {"url": url, "query": f"SELECT *, '{NAME}' AS note FROM d"}
    return sources


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> tuple[Place, dict]:
    """A working directory with scans and registries full of canaries, and its config."""
    place = new_place(tmp_path_factory.mktemp("canaries"))
    plan = external_plan(5, PEOPLE).assign(fault=pd.NA, has_stress=True, has_rest=False, has_gated=False)
    dicom = place / FOLDER / NAME
    for person, patient in enumerate(plan.itertuples()):
        scan_patient(patient, place / "scans", 5)
        made = place / "scans" / patient.patient_id / "ctac_stress"
        folder = dicom / f"{NUMBER}-{person}"
        folder.parent.mkdir(parents=True, exist_ok=True)
        made.rename(folder)
        for path in sorted(folder.iterdir()):
            plant_in_header(path, person)
    (dicom / f"{NAME}.txt").write_text(f"{NAME} {NUMBER}")
    broken = sorted((dicom / f"{NUMBER}-0").iterdir())[0]
    (dicom / f"{NAME}-cut.dcm").write_bytes(broken.read_bytes()[:3000])
    registries = place / f"{FOLDER}-registries"
    registries.mkdir()
    config = {
        "name": "s",
        "private_dir": "vault",
        "imaging": {"dicom": str(dicom)},
        "registries": write_registries(registries),
        "statistics": {"bootstrap_replicates": 10},
    }
    return place, config


@pytest.fixture(scope="module")
def finished_study(study) -> tuple[Place, dict, str]:
    """The study after a run of the whole DAG, and what the run printed."""
    place, config = study
    run = place.snakemake("--configfile", place.config(config))
    assert run.returncode == 0, said(run)[-3000:]
    return place, config, said(run)


def texts(path: Path) -> Iterator[bytes]:
    """What a file holds, packed things unpacked, and its name, also where Snakemake encodes it."""
    content = path.read_bytes()
    yield path.name.encode()
    yield content
    with contextlib.suppress(binascii.Error, ValueError):
        yield base64.b64decode(path.name + "==", validate=False)
    if path.suffix == ".parquet":
        table = pd.read_parquet(path)
        assert not any(pd.api.types.is_datetime64_any_dtype(kind) for kind in table.dtypes), path
        yield table.to_csv().encode() + str(table.attrs).encode()
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield member.encode() + archive.read(member)
    if path.suffix in (".pdf", ".gz"):
        for start in re.finditer(rb"stream\r?\n", content):
            try:
                yield zlib.decompressobj().decompress(content[start.end() :])
            except zlib.error:
                continue
        if path.suffix == ".gz":
            yield zlib.decompress(content, 31)


def leaks(place: Place, printed: str) -> list[str]:
    """Where a canary stands outside the private side: file and word."""
    words = [word.encode() for word in (*WORDS, *date_words())]
    found = [f"printed: {word.decode()}" for word in words if word in printed.encode()]
    for folder in ("results", ".snakemake"):
        for path in sorted((place / folder).rglob("*")):
            if path.is_file():
                seen = {word for text in texts(path) for word in words if word in text}
                found += [f"{path.relative_to(place.folder)}: {word.decode()}" for word in seen]
    return found


def test_no_canary_comes_out_of_a_whole_run(finished_study):
    place, _, printed = finished_study
    assert len(pd.read_csv(place / "results/s/cohort/analysis.csv")) >= PEOPLE - 1
    assert leaks(place, printed) == []
    assert (place / "vault").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("pet", ",2.0,", f",{NAME} {NUMBER},"),
        ("pet", SCANS[1], f"{LATER[1]} {NAME}"),
        ("followup", LATER[2], "17.09.2016"),
        ("clinical_cac", "patient_id,scan_date", f"{NUMBER},{LATER[0]}"),
        ("patients", f"{NUMBER}-1,", f"{NUMBER}-2,"),
    ],
    ids=["text as number", "text as date", "another date format", "no header", "a patient twice"],
)
def test_no_canary_comes_out_when_a_registry_is_wrong(finished_study, name, old, new):
    place, config, _ = finished_study
    path = Path(config["registries"][name]["path"])
    right = path.read_text()
    path.write_text(right.replace(old, new))
    try:
        run = place.snakemake("registries", "--configfile", place.config(config), "--show-failed-logs")
    finally:
        path.write_text(right)
    assert run.returncode != 0
    assert f"registries.{name}: " in said(run)
    assert leaks(place, said(run)) == []


def test_no_canary_comes_out_when_a_database_does_not_answer(finished_study):
    place, config, _ = finished_study
    url = f"postgresql://{NAME}:{PASSWORD}@127.0.0.1:9/{HOSPITAL}"
    deaths = {"url": url, "query": f"SELECT * FROM {NAME}"}
    wrong = config | {"registries": config["registries"] | {"deaths": deaths}}
    run = place.snakemake("registries", "--configfile", place.config(wrong), "--show-failed-logs")
    assert run.returncode != 0
    assert "registries.deaths: the query failed" in said(run)
    assert leaks(place, said(run)) == []


def test_no_canary_comes_out_of_a_defect_that_quotes_the_data(finished_study):
    place, config, _ = finished_study
    again = place.snakemake("registries", "--configfile", place.config(config))
    assert again.returncode == 0, said(again)[-3000:]
    path = place / "vault/s/registries/patients.parquet"
    right = path.read_bytes()
    table = pd.read_parquet(path)
    table.assign(smoking=f"{NAME} {SCANS[0]}").to_parquet(path)
    try:
        run = place.snakemake("cohort", "--configfile", place.config(config), "--show-failed-logs")
    finally:
        path.write_bytes(right)
    assert run.returncode != 0
    assert "its message is in the log on the private side" in said(run)
    assert NAME in (place / "vault/s/logs/cohort.log").read_text()
    assert leaks(place, said(run)) == []


def test_a_withdrawn_patient_leaves_every_output(finished_study):
    place, config, _ = finished_study
    targets = ("cohort", "convention_effect", "imaging")
    before = place.snakemake(*targets, "--configfile", place.config(config))
    assert before.returncode == 0, said(before)[-3000:]
    known = set(pd.read_csv(place / "results/s/cohort/analysis.csv")["patient_id"])
    gone = place / f"{FOLDER}-registries/withdrawn.csv"
    gone.write_text(f"patient_id\n{NUMBER}-3\n")
    wanted = config | {"registries": config["registries"] | {"withdrawn": {"path": str(gone)}}}
    run = place.snakemake(*targets, "--configfile", place.config(wanted))
    assert run.returncode == 0, said(run)[-3000:]
    left = set(pd.read_csv(place / "results/s/cohort/analysis.csv")["patient_id"])
    assert len(known - left) == 1
    (withdrawn,) = known - left
    said_of = (place / "results/s/logs/registries.log").read_text()
    assert "patients since the last run: 0 added, 0 changed, 1 no longer there" in said_of
    for folder in ("cohort", "scores", "imaging", "segmentation"):
        for path in (place / f"results/s/{folder}").rglob("*"):
            if path.is_file():
                assert not any(withdrawn.encode() in text for text in texts(path)), path
    assert leaks(place, said(run)) == []
