"""A radiation dose report of CT acquisitions, as scanners send it beside the images."""

from collections.abc import Iterable
from pathlib import Path

from pydicom import uid
from pydicom.dataset import Dataset

from calcohort.simulate.dicom_writer import make_uid, save


def write_dose_report(
    path: str | Path,
    *,
    patient_id: str,
    study_date: str,
    study_uid: str,
    acquisitions: Iterable[tuple[str, float, float]],
) -> Path:
    """Write an X-Ray Radiation Dose SR (DICOM PS3.16, TID 10011).

    Parameters
    ----------
    study_date : str
        ``YYYY-MM-DD``.
    acquisitions : iterable of tuple
        Irradiation Event UID, mean CTDIvol (mGy), DLP (mGy cm).
    """
    report = Dataset()
    report.SOPClassUID = uid.XRayRadiationDoseSRStorage
    report.SOPInstanceUID = make_uid("dose report", study_uid)
    report.StudyInstanceUID, report.SeriesInstanceUID = study_uid, make_uid("dose series", study_uid)
    report.Modality, report.PatientID, report.PatientName = "SR", patient_id, f"SIMULATED^{patient_id}"
    report.StudyDate = study_date.replace("-", "")
    report.ValueType, report.ContinuityOfContent = "CONTAINER", "SEPARATE"
    report.ConceptNameCodeSequence = [_code("113701", "X-Ray Radiation Dose Report")]
    report.ContentSequence = [_acquisition(*acquisition) for acquisition in acquisitions]
    save(report, Path(path), "explicit")
    return Path(path)


def _acquisition(event_uid: str, ctdi_vol_mgy: float, dlp_mgy_cm: float) -> Dataset:
    event = _content("UIDREF", _code("113769", "Irradiation Event UID"))
    event.UID = event_uid
    dose = _content("CONTAINER", _code("113829", "CT Dose"))
    dose.ContentSequence = [
        _number(_code("113830", "Mean CTDIvol"), ctdi_vol_mgy, "mGy"),
        _number(_code("113838", "DLP"), dlp_mgy_cm, "mGy.cm"),
    ]
    acquisition = _content("CONTAINER", _code("113819", "CT Acquisition"))
    acquisition.ContentSequence = [event, dose]
    return acquisition


def _content(kind: str, name: Dataset) -> Dataset:
    item = Dataset()
    item.RelationshipType, item.ValueType, item.ConceptNameCodeSequence = "CONTAINS", kind, [name]
    return item


def _number(name: Dataset, value: float, unit: str) -> Dataset:
    measured = Dataset()
    measured.NumericValue = str(value)
    measured.MeasurementUnitsCodeSequence = [_code(unit, unit, "UCUM")]
    item = _content("NUM", name)
    item.MeasuredValueSequence = [measured]
    return item


def _code(value: str, meaning: str, scheme: str = "DCM") -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item
