"""Radiation dose of CT acquisitions from dose reports (DICOM PS3.16, TID 10011 and 10013)."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from calcohort.dicom.tags import Malformed, Tags

_ACQUISITION, _EVENT, _MEAN_CTDI, _DLP = "113819", "113769", "113830", "113838"
_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Dose:
    """One irradiation event by its key: CTDIvol in mGy and DLP in mGy cm."""

    event: str
    ctdi_vol_mgy: float | None
    dlp_mgy_cm: float | None


def event_key(uid: str) -> str:
    """Key of an identifier, to compare, never to show."""
    return hashlib.sha256(uid.encode()).hexdigest()[:12] if uid else ""


def read_doses(report: Tags) -> Iterator[Dose]:
    """Doses of the CT acquisitions in a structured report; none in a report of another kind."""
    for acquisition in _named(report, _ACQUISITION, _DEEPEST):
        event = next((item.text("UID") for item in _named(acquisition, _EVENT, 2)), "")
        ctdi, dlp = (_measured(acquisition, code) for code in (_MEAN_CTDI, _DLP))
        if event and (ctdi is not None or dlp is not None):
            yield Dose(event_key(event), ctdi, dlp)


def series_dose(
    events: Iterable[str], ctdi_vol_mgy: float | None, by_event: Mapping[str, Dose]
) -> tuple[float | None, float | None]:
    """CTDIvol and DLP of a series.

    Parameters
    ----------
    events : iterable of str
        Keys of the irradiation events of its images.
    ctdi_vol_mgy : float or None
        What its images say, which comes first.
    by_event : mapping
        Doses of the reports.

    Returns
    -------
    CTDIvol (mGy): of the images, else of the event with the largest. DLP (mGy cm): the sum over all its
    events, None unless every one is reported.
    """
    doses = [by_event.get(event) for event in sorted(set(events))]
    if not doses or None in doses:
        return ctdi_vol_mgy, None
    reported = [dose.ctdi_vol_mgy for dose in doses if dose.ctdi_vol_mgy is not None]
    parts = [dose.dlp_mgy_cm for dose in doses]
    ctdi = ctdi_vol_mgy if ctdi_vol_mgy is not None else max(reported, default=None)
    return ctdi, None if None in parts else round(sum(parts), 6)


def _named(item: Tags, code: str, depth: int) -> Iterator[Tags]:
    """Items below `item` whose concept has this code of the DICOM terminology."""
    for child in item.items("ContentSequence") if depth else ():
        names = child.items("ConceptNameCodeSequence")
        if names and (names[0].text("CodeValue"), names[0].text("CodingSchemeDesignator")) == (code, "DCM"):
            yield child
        else:
            yield from _named(child, code, depth - 1)


def _measured(acquisition: Tags, code: str) -> float | None:
    for item in _named(acquisition, code, 3):
        for value in item.items("MeasuredValueSequence"):
            number = _positive(value)
            if number is not None:
                return number
    return None


def _positive(value: Tags) -> float | None:
    try:
        number = value.number("NumericValue")
    except Malformed:
        return None
    return number if number is not None and number >= 0 else None
