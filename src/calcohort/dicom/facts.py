"""What a series says about itself: protocol, scanner, dose; one value a series."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from statistics import median

from calcohort.dicom.header import FileHeader

FACT_COLUMNS = {
    "SeriesDescription": "series_description",
    "ProtocolName": "protocol_name",
    "StudyDescription": "study_description",
    "ImageType": "image_type",
    "ScanOptions": "scan_options",
    "Manufacturer": "manufacturer",
    "ManufacturerModelName": "scanner",
    "SoftwareVersions": "software",
    "BodyPartExamined": "body_part",
    "PatientPosition": "patient_position",
    "ConvolutionKernel": "kernel",
    "ContrastBolusAgent": "contrast_agent",
}
NUMBER_COLUMNS = {
    "KVP": "kvp",
    "RevolutionTime": "rotation_time_s",
    "SpiralPitchFactor": "pitch",
    "TotalCollimationWidth": "collimation_mm",
    "CTDIvol": "ctdi_vol_mgy",
    "ReconstructionDiameter": "reconstruction_diameter_mm",
}


def series_key(uid: str) -> str:
    """First 16 hexadecimal digits of SHA-256 of a SeriesInstanceUID."""
    return hashlib.sha256(uid.encode()).hexdigest()[:16]


def content_key(path: str) -> str:
    """Key of a file without a series: first 16 hexadecimal digits of SHA-256 of its bytes."""
    try:
        with open(path, "rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()[:16]
    except OSError:
        return ""


def series_facts(headers: Sequence[FileHeader], extra_keywords: Sequence[str] = ()) -> dict:
    """Facts of one series from the headers of its files.

    What differs between slices is the commonest or the median. Identity (`patient_id`, `study_date`) is given
    only where all files agree.
    """
    spoken = [header for header in headers if header.facts]
    used = [header for header in spoken if header.frames and header.reason is None] or spoken
    frames = [frame for header in used for frame in header.frames]
    facts = {
        "patient_id": _only(header.patient[0] for header in spoken),
        "study_date": _only(header.study_date for header in spoken),
        "study": _study_key(spoken),
        "sop_class": _commonest(header.sop_class for header in used),
        "modality": _commonest(header.facts["Modality"] for header in used),
    }
    for keyword, column in FACT_COLUMNS.items():
        facts[column] = _commonest(header.facts[keyword] for header in used)
    for keyword, column in NUMBER_COLUMNS.items():
        facts[column] = _median(_float(header.facts[keyword]) for header in used)
    # Only a dose report tells it, which stands beside the series.
    facts["dlp_mgy_cm"] = None
    facts["mas"] = _median(frame.mas for frame in frames)
    facts["slice_thickness_mm"] = _median(frame.thickness for frame in frames)
    for keyword in extra_keywords:
        facts[keyword] = _commonest(header.facts[keyword] for header in used)
    return facts


def _study_key(headers: Sequence[FileHeader]) -> str | None:
    uid = _only(header.study_uid for header in headers)
    return series_key(uid) if uid else None


def _only(values) -> str | None:
    distinct = set(values)
    return distinct.pop() or None if len(distinct) == 1 else None


def _commonest(values) -> str | None:
    counts = Counter(values)
    # Ties go to the smaller text, so that the order of files does not matter.
    return min(counts, key=lambda value: (-counts[value], value)) or None if counts else None


def _median(values) -> float | None:
    present = [value for value in values if value is not None]
    return float(median(present)) if present else None


def _float(text: str) -> float | None:
    try:
        return float(text.split("\\")[0])
    except ValueError:
        return None
