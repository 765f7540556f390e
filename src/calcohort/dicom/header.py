"""One file's header: what it is, where its slices lie, where its pixels begin. No pixel is read."""

import errno
import hashlib
import os
import re
import stat
import warnings
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import pydicom
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement

from calcohort.dicom import kinds
from calcohort.dicom.bounded import Bounded, Budget, inflated
from calcohort.dicom.damaged import damaged_slice, says_twice
from calcohort.dicom.dose import Dose, event_key, read_doses
from calcohort.dicom.frames import Frame, enhanced_frames, single_frame
from calcohort.dicom.pixels import PixelLayout, locate_pixels
from calcohort.dicom.plain import read_plain
from calcohort.dicom.reasons import Rejected
from calcohort.dicom.tags import Malformed, Tags

# Facts about the protocol: text as the header has it. A config's rules may match on any of them.
FACT_KEYWORDS = (
    "Modality", "ImageType", "SeriesDescription", "ProtocolName", "StudyDescription", "SeriesNumber",
    "Manufacturer", "ManufacturerModelName", "SoftwareVersions", "BodyPartExamined", "ScanOptions",
    "PatientPosition", "KVP", "ConvolutionKernel", "FilterType", "SliceThickness", "SpacingBetweenSlices",
    "ReconstructionDiameter", "GantryDetectorTilt", "ContrastBolusAgent", "AcquisitionType",
    "LossyImageCompression", "LossyImageCompressionMethod", "BurnedInAnnotation", "RescaleType",
    "ImagesInAcquisition", "AcquisitionDateTime", "AcquisitionUID",
)  # fmt: skip
# Binary doubles by the standard.
DOUBLE_KEYWORDS = ("RevolutionTime", "SpiralPitchFactor", "TotalCollimationWidth", "CTDIvol")

_OTHER_KEYWORDS = (
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID",
    "StudyDate", "AcquisitionDate", "AcquisitionTime", "AcquisitionNumber",
    "InstanceNumber", "PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "PatientSex",
    "DeviceSerialNumber", "LossyImageCompressionRatio", "Units",
    "Exposure", "ExposureTime", "XRayTubeCurrent",
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope", "RescaleIntercept",
    "ModalityLUTSequence", "IrradiationEventUID", "ContentSequence",
    "TemporalPositionIdentifier", "TriggerTime", "NominalPercentageOfCardiacPhase",
    "InConcatenationTotalNumber",
    "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel",
    "PhotometricInterpretation", "NumberOfFrames", "PixelPaddingValue", "PixelPaddingRangeLimit",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
)  # fmt: skip
# Several values of 64 characters; longer ones are damage.
_LONGEST_FACT = 512
_AIR_BELOW_HU = -300
# What a data set may begin with, in group 8.
_FIRST_ELEMENTS = b"\x00\x01\x05\x08\x12\x13\x14\x16\x18"
_SERIES_UID = tag_for_keyword("SeriesInstanceUID")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class FileHeader:
    """What one file says about itself.

    `reason` is None for usable CT slices; a file with a reason may still carry its identity. `patient` holds
    the identifier and digests of its issuer, name, birth date and sex, `scanner` the digest of a serial
    number: to compare, never to show. `events` are keys of the irradiation events of an image,
    `doses` those that a dose report tells of.
    """

    path: str
    reason: str | None
    sop_class: str = ""
    sop_uid: str = ""
    series_uid: str = ""
    study_uid: str = ""
    frame_of_reference: str = ""
    patient: tuple[str, str, str, str, str] = ("", "", "", "", "")
    scanner: str = ""
    study_date: str = ""
    transfer_syntax: str = ""
    facts: dict[str, str] | None = None
    frames: tuple[Frame, ...] = ()
    pixels: PixelLayout | None = None
    warnings: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    doses: tuple[Dose, ...] = ()


def read_header(
    path: str | Path, extra_keywords: tuple[str, ...] = (), allow_lossy: bool = False
) -> FileHeader:
    """Read one file's header; whatever is wrong with it becomes its reason code."""
    path = os.fspath(path)
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            return FileHeader(path, "unreadable" if stat.S_ISDIR(status.st_mode) else "not_dicom")
        with open(path, "rb") as handle:
            return _parse(path, handle, Budget(status.st_size), extra_keywords, allow_lossy)
    except FileNotFoundError:
        return FileHeader(path, "not_dicom")
    except OSError as error:
        # A ring of links leads nowhere.
        return FileHeader(path, "not_dicom" if error.errno == errno.ELOOP else "unreadable")


def _parse(
    path: str, handle: BinaryIO, budget: Budget, extra: tuple[str, ...], allow_lossy: bool
) -> FileHeader:
    has_preamble = _looks_like_dicom(handle)
    if has_preamble is None:
        return _unread(path, handle, "not_dicom")
    wanted = _wanted(extra)
    try:
        # pydicom's warnings quote header values, which may be identifiers.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            handle = inflated(handle)
            dataset = read_plain(handle, wanted)
            if dataset is None:
                stream = Bounded(handle, budget)
                dataset = pydicom.dcmread(
                    stream, stop_before_pixels=True, force=True, specific_tags=list(wanted)
                )
                _mend_encoding(dataset)
                enhanced = "SharedFunctionalGroupsSequence" in dataset
                if not enhanced and says_twice(handle, *dataset.original_encoding, budget):
                    raise Rejected("malformed")
            return _describe(path, handle, dataset, budget, extra, allow_lossy, has_preamble)
    except Rejected as rejected:
        return _unread(path, handle, rejected.code)
    except Exception:
        # pydicom raises many kinds of exception on broken files; none of them may end the run.
        return _unread(path, handle, "malformed" if has_preamble else "not_dicom")


def _mend_encoding(dataset: pydicom.FileDataset) -> None:
    """Elements are believed about their encoding, not the transfer syntax, which some exporters get wrong."""
    for element in dataset.values():
        if isinstance(element, RawDataElement):
            dataset.set_original_encoding(element.is_implicit_VR, element.is_little_endian)
            return


@lru_cache
def _wanted(extra: tuple[str, ...]) -> frozenset[int]:
    keywords = FACT_KEYWORDS + DOUBLE_KEYWORDS + _OTHER_KEYWORDS + extra
    return frozenset(tag_for_keyword(keyword) for keyword in keywords)


def _unread(path: str, handle: BinaryIO, reason: str) -> FileHeader:
    """A file that is no DICOM, unless its bytes show that it was a CT slice before it was damaged."""
    series_uid = damaged_slice(handle)
    if series_uid is None:
        return FileHeader(path, reason)
    reason = "malformed" if reason == "not_dicom" else reason
    return FileHeader(path, reason, sop_class=kinds.CT_IMAGE, series_uid=series_uid)


def _looks_like_dicom(handle: BinaryIO) -> bool | None:
    """True with a preamble, False for a bare data set, None for anything else, media directories included."""
    start = handle.read(1024)
    handle.seek(0)
    if start[128:132] == b"DICM":
        return None if kinds.MEDIA_DIRECTORY.encode() in start else True
    if len(start) < 16:
        return None
    bare = start[:2] == b"\x08\x00" and start[2] in _FIRST_ELEMENTS and not start[3]
    bare = bare or start[:2] == b"\x02\x00" or start[:3] == b"\x00\x08\x00"
    return False if bare else None


def _describe(path, handle, dataset, budget, extra, allow_lossy, has_preamble) -> FileHeader:
    tags, meta = Tags(dataset, budget), Tags(dataset.file_meta)
    header = FileHeader(
        path,
        None,
        sop_class=_whole(tags.text("SOPClassUID"), meta.text("MediaStorageSOPClassUID")),
        sop_uid=tags.text("SOPInstanceUID"),
        series_uid=tags.text("SeriesInstanceUID"),
        study_uid=tags.text("StudyInstanceUID"),
        frame_of_reference=tags.text("FrameOfReferenceUID"),
        patient=_patient(tags),
        scanner=_digest(tags.text("DeviceSerialNumber")),
        study_date=iso_date(tags.text("StudyDate")),
        transfer_syntax=meta.text("TransferSyntaxUID"),
        facts=_facts(tags, extra),
        events=tuple(filter(None, map(event_key, tags.text("IrradiationEventUID").split("\\")))),
    )
    if header.sop_class == kinds.MEDIA_DIRECTORY or not (header.sop_class or has_preamble):
        return FileHeader(path, "not_dicom")
    # A file that is cut within the identifier of its series seems to have another one.
    is_cut = tags.last <= _SERIES_UID or not header.sop_uid
    if is_cut and _ends_early(handle):
        return replace(header, series_uid="", reason="truncated")
    if not header.series_uid or not header.sop_uid:
        return replace(header, reason="no_series_uid")
    if "\\" in header.series_uid + header.sop_uid:
        return replace(header, reason="malformed")
    flag, method = header.facts["LossyImageCompression"], header.facts["LossyImageCompressionMethod"]
    ratio = tags.number_or_none("LossyImageCompressionRatio")
    lossy = kinds.is_lossy(header.transfer_syntax, flag, method, ratio)
    reason = kinds.aside(header.sop_class, header.facts, lossy)
    if reason:
        return _left_aside(header, reason, tags)
    try:
        return _slices(header, handle, dataset, tags, lossy, allow_lossy, has_preamble)
    except Rejected as rejected:
        return replace(header, reason=rejected.code)
    except (Malformed, ValueError, KeyError, IndexError, TypeError):
        return replace(header, reason="malformed")


def _left_aside(header: FileHeader, reason: str, tags: Tags) -> FileHeader:
    """A file that is no slice: its doses if it reports them, its place if it claims one."""
    if header.sop_class in kinds.DOSE_REPORTS:
        return replace(header, reason=reason, doses=tuple(read_doses(tags)))
    if "ImagePositionPatient" not in tags:
        return replace(header, reason=reason)
    try:
        return replace(header, reason=reason, frames=(single_frame(tags),))
    except (Rejected, Malformed):
        # A CT image by its class, of another modality and without a place that can be read: a damaged slice.
        damaged = reason == "not_ct" and header.sop_class in kinds.CT_CLASSES
        return replace(header, reason="malformed" if damaged else reason)


def _ends_early(handle: BinaryIO) -> bool:
    """Whether the header that was read ran into the end of the file, or beyond it."""
    return handle.tell() >= handle.seek(0, os.SEEK_END)


def _slices(header, handle, dataset, tags, lossy, allow_lossy, has_preamble) -> FileHeader:
    if not header.study_date:
        raise Rejected("no_date")
    if header.facts["BurnedInAnnotation"].upper() == "YES":
        raise Rejected("burned_in")
    notes = [] if has_preamble and header.transfer_syntax else ["no_meta_header"]
    if not header.facts["ImageType"]:
        notes.append("no_image_type")
    if lossy and not allow_lossy:
        raise Rejected("lossy")
    pixels = locate_pixels(handle, dataset, tags)
    if pixels.lossy and not allow_lossy:
        raise Rejected("lossy")
    if lossy or pixels.lossy:
        notes.append("lossy_allowed")
    enhanced = header.sop_class in kinds.ENHANCED_CT
    if not enhanced and pixels.n_frames != 1:
        raise Rejected("multiframe_unsupported")
    frames = enhanced_frames(tags, pixels.n_frames) if enhanced else (single_frame(tags),)
    # A scale that cannot express air is none of Hounsfield units: its intercept was lost on the way.
    if any(pixels.lowest * frame.slope + frame.intercept > _AIR_BELOW_HU for frame in frames):
        raise Rejected("implausible_hu")
    return replace(header, frames=frames, pixels=pixels, warnings=tuple(notes))


def _patient(tags: Tags) -> tuple[str, str, str, str, str]:
    name = "".join(tags.text("PatientName").upper().replace("^", " ").replace("=", " ").split())
    return (
        tags.text("PatientID"),
        _digest(tags.text("IssuerOfPatientID")),
        _digest(name),
        _digest(tags.text("PatientBirthDate")),
        tags.text("PatientSex").upper(),
    )


def _whole(name: str, other: str) -> str:
    """A name, or the other where the name is absent or its beginning alone."""
    return other if other.startswith(name) else name


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else ""


def _fact(tags: Tags, keyword: str) -> str:
    """Text for a table: one line, of a length that the standard allows."""
    try:
        text = tags.text(keyword)
        return (text if text.isprintable() else _CONTROL.sub(" ", text))[:_LONGEST_FACT]
    except Malformed:
        return ""


def _facts(tags: Tags, extra: tuple[str, ...]) -> dict[str, str]:
    facts = {keyword: _fact(tags, keyword) for keyword in (*FACT_KEYWORDS, *extra)}
    facts["InConcatenationTotalNumber"] = str(tags.word("InConcatenationTotalNumber") or "")
    doubles = ((keyword, tags.double(keyword)) for keyword in DOUBLE_KEYWORDS)
    facts |= {keyword: "" if value is None else repr(value) for keyword, value in doubles}
    # Enhanced CT keeps its protocol in the functional groups that all frames share.
    for shared in tags.items("SharedFunctionalGroupsSequence"):
        for nested in shared.nested():
            for keyword in (*FACT_KEYWORDS, *extra):
                facts[keyword] = facts[keyword] or _fact(nested, keyword)
            for keyword in DOUBLE_KEYWORDS:
                value = None if facts[keyword] else nested.double(keyword)
                facts[keyword] = facts[keyword] if value is None else repr(value)
    return facts


def iso_date(text: str) -> str:
    """``20080918`` or the retired ``2008.09.18`` as ``2008-09-18``; anything else is no date."""
    digits = text.replace(".", "") if len(text) == 10 else text
    if len(digits) != 8 or not (digits.isascii() and digits.isdigit()):
        return ""
    # Shifted dates may lie centuries back; data frames begin in 1678.
    year, month, day = digits[:4], digits[4:6], digits[6:]
    try:
        return date(int(year), int(month), int(day)).isoformat() if year >= "1700" else ""
    except ValueError:
        return ""
