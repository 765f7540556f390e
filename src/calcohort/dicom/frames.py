"""Slices of a file: one of a classic CT image, many of an enhanced multi-frame CT."""

import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from calcohort.dicom import kinds
from calcohort.dicom.reasons import Rejected
from calcohort.dicom.tags import Malformed, Tags

_IDENTITY_RESCALE_TYPES = {"", "HU", "US"}
# Phases of the heart cycle that are nearer to each other are one: it is never hit exactly.
_SAME_PHASE_MS, _SAME_PHASE_PERCENT = 50.0, 5.0
# Beyond any scanner: such numbers come from damage, and their squares from overflow.
_LARGEST_POSITION_MM, SPACINGS_MM = 1e5, (0.01, 20.0)

_FRACTION = re.compile(r"\.\d+")


@dataclass(frozen=True, slots=True)
class Frame:
    """Place, scale and acquisition of one slice.

    Attributes
    ----------
    index : int
        Number of the frame within its file, from 0.
    position, orientation : tuple of float
        Image Position and Orientation (Patient), mm and direction cosines.
    spacing : tuple of 2 float
        Pixel Spacing as DICOM gives it: between rows (y), then between columns (x), mm.
    acquisition : str
        Acquisition number and temporal position, to tell acquisitions apart.
    trigger_ms : float or None
        Time after the heart's R wave; each table position of one scan has its own.
    phase_percent : float or None
        Phase of the heart cycle for which the slice was made, the same in all of one reconstruction.
    seconds : float or None
        Time of acquisition within its day.
    """

    index: int
    position: tuple[float, float, float]
    orientation: tuple[float, float, float, float, float, float]
    spacing: tuple[float, float]
    slope: float
    intercept: float
    thickness: float | None
    instance: int | None
    acquisition: str
    trigger_ms: float | None
    phase_percent: float | None
    seconds: float | None
    mas: float | None
    date: str
    kvp: float | None
    kernel: str  # in an enhanced object with the algorithm


def single_frame(tags: Tags) -> Frame:
    """The slice of a classic single-frame CT image."""
    position, orientation, spacing = _geometry(tags, tags, tags)
    slope, intercept = _rescale(tags)
    acquisition = f"{_whole(tags, 'AcquisitionNumber')}|{_whole(tags, 'TemporalPositionIdentifier')}"
    instance = tags.number_or_none("InstanceNumber")
    return Frame(
        0,
        position,
        orientation,
        spacing,
        slope,
        intercept,
        tags.number_or_none("SliceThickness"),
        None if instance is None else int(instance),
        acquisition,
        tags.number_or_none("TriggerTime"),
        tags.double("NominalPercentageOfCardiacPhase"),
        clock_seconds(tags.text("AcquisitionTime") or tags.text("AcquisitionDateTime")[8:]),
        _mas(tags),
        tags.text("AcquisitionDate") or tags.text("AcquisitionDateTime")[:8],
        tags.number_or_none("KVP"),
        tags.text("ConvolutionKernel"),
    )


def enhanced_frames(tags: Tags, n_frames: int) -> tuple[Frame, ...]:
    """The slices of an Enhanced CT object, from its shared and per-frame functional groups."""
    shared = (tags.items("SharedFunctionalGroupsSequence") or [None])[0]
    per_frame = tags.items("PerFrameFunctionalGroupsSequence")
    if len(per_frame) != n_frames:
        raise Rejected("multiframe_unsupported")
    return tuple(_enhanced_frame(shared, own, index) for index, own in enumerate(per_frame))


def trigger_groups(frames: Sequence[Frame]) -> list[int | str]:
    """Number of each frame's time after the R wave, from 0 with the earliest; "" where it tells none."""
    return _groups([frame.trigger_ms for frame in frames], _SAME_PHASE_MS)


def n_phases(frames: Sequence[Frame]) -> int:
    """How many phases of the heart cycle the frames name."""
    return len(set(_groups([frame.phase_percent for frame in frames], _SAME_PHASE_PERCENT)) - {""})


def _groups(values: Sequence[float | None], same: float) -> list[int | str]:
    """Groups of values parted by gaps of `same` or more, numbered in ascending order."""
    known = sorted({value for value in values if value is not None})
    starts = [after for before, after in pairwise(known) if after - before >= same]
    return ["" if value is None else bisect_right(starts, value) for value in values]


def _macro(shared: Tags | None, own: Tags, keyword: str) -> Tags | None:
    """A functional group of one frame, its own or that of all."""
    found = own.items(keyword) or (shared.items(keyword) if shared else [])
    return found[0] if found else None


def _enhanced_frame(shared: Tags | None, own: Tags, index: int) -> Frame:
    macro = partial(_macro, shared, own)
    place, turn, measures = (
        macro(name) for name in ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")
    )
    if place is None or turn is None or measures is None:
        raise Rejected("no_geometry")
    transform = macro("PixelValueTransformationSequence")
    if transform is None:
        raise Rejected("no_rescale")
    kind = macro("CTImageFrameTypeSequence")
    frame_type = kind.text("FrameType").upper().split("\\") if kind else []
    if "LOCALIZER" in frame_type:
        raise Rejected("localizer")
    technique = kind.text("VolumeBasedCalculationTechnique").upper() if kind else ""
    properties = kind.text("VolumetricProperties").upper() if kind else ""
    # As the standard has it, a volume was neither projected nor bent.
    is_volume = technique in ("", "NONE") and properties in ("", "VOLUME")
    if "DERIVED" in frame_type or kinds.is_computed(frame_type) or not is_volume:
        raise Rejected("derived_image")
    position, orientation, spacing = _geometry(place, turn, measures)
    slope, intercept = _rescale(transform)
    content = macro("FrameContentSequence")
    exposure, cardiac = macro("CTExposureSequence"), macro("CardiacSynchronizationSequence")
    agent = macro("ContrastBolusUsageSequence")
    beam, reconstruction = macro("CTXRayDetailsSequence"), macro("CTReconstructionSequence")
    acquisition = "|".join(
        (
            str(content.word("FrameAcquisitionNumber") or "") if content else "",
            content.text("StackID") if content else "",
            str(content.word("TemporalPositionIndex") or "") if content else "",
            agent.text("ContrastBolusAgentAdministered") if agent else "",
        )
    )
    moment = content.text("FrameAcquisitionDateTime") if content else ""
    return Frame(
        index,
        position,
        orientation,
        spacing,
        slope,
        intercept,
        measures.number_or_none("SliceThickness"),
        index + 1,
        acquisition,
        cardiac.double("NominalCardiacTriggerDelayTime") if cardiac else None,
        cardiac.double("NominalPercentageOfCardiacPhase") if cardiac else None,
        clock_seconds(moment[8:]),
        exposure.double("ExposureInmAs") if exposure else None,
        moment[:8],
        beam.number_or_none("KVP") if beam else None,
        " ".join(map(reconstruction.text, ("ConvolutionKernel", "ReconstructionAlgorithm"))).strip()
        if reconstruction
        else "",
    )


def _geometry(place: Tags, turn: Tags, measures: Tags):
    try:
        position = place.numbers("ImagePositionPatient", 3)
        orientation = turn.numbers("ImageOrientationPatient", 6)
        spacing = measures.numbers("PixelSpacing", 2)
    except Malformed:
        raise Rejected("no_geometry") from None
    if not (position and orientation and spacing):
        raise Rejected("no_geometry")
    if min(spacing) < SPACINGS_MM[0] or max(spacing) > SPACINGS_MM[1]:
        raise Rejected("no_geometry")
    if max(map(abs, position)) > _LARGEST_POSITION_MM or max(map(abs, orientation)) > 2:
        raise Rejected("no_geometry")
    row, column = orientation[:3], orientation[3:]
    dot = sum(a * b for a, b in zip(row, column, strict=True))
    if abs(math.hypot(*row) - 1) > 1e-2 or abs(math.hypot(*column) - 1) > 1e-2 or abs(dot) > 1e-2:
        raise Rejected("no_geometry")
    return position, orientation, spacing


def _rescale(tags: Tags) -> tuple[float, float]:
    try:
        slope, intercept = tags.numbers("RescaleSlope", 1), tags.numbers("RescaleIntercept", 1)
    except Malformed:
        raise Rejected("no_rescale") from None
    # A negative slope would turn bone into air.
    if not slope or not intercept or slope[0] <= 0:
        raise Rejected("no_rescale")
    if tags.items("ModalityLUTSequence"):
        raise Rejected("not_hu")
    # "US" is the standard's word for unspecified, which older exporters write for Hounsfield units.
    if not {tags.text("RescaleType").upper(), tags.text("Units").upper()} <= _IDENTITY_RESCALE_TYPES:
        raise Rejected("not_hu")
    return slope[0], intercept[0]


def _whole(tags: Tags, keyword: str) -> str:
    """An integer as text, however many zeros and signs it is written with."""
    number = tags.number_or_none(keyword)
    return tags.text(keyword) if number is None or not number.is_integer() else str(int(number))


def _mas(tags: Tags) -> float | None:
    exposure = tags.number_or_none("Exposure")
    if exposure is not None:
        return exposure
    current, milliseconds = tags.number_or_none("XRayTubeCurrent"), tags.number_or_none("ExposureTime")
    return None if current is None or milliseconds is None else current * milliseconds / 1000


def clock_seconds(text: str) -> float | None:
    """Seconds since midnight of a DICOM time, ``HHMMSS.ffffff``, ``HHMM`` or ``HH``, or None."""
    digits = text.replace(":", "")[:13]
    if len(digits) in (2, 4) and digits.isdigit():
        digits = digits.ljust(6, "0")
    if len(digits) < 6 or not digits[:6].isdigit():
        return None
    # A date with a time may end with its distance from Greenwich.
    fraction = _FRACTION.match(digits, 6)
    part = float(f"0{fraction[0]}") if fraction else 0.0
    return int(digits[:2]) * 3600 + int(digits[2:4]) * 60 + int(digits[4:6]) + part
