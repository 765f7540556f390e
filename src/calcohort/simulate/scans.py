"""Scans of planned patients: phantoms written as DICOM, with the calcium that was planted."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from calcohort.dicom.facts import series_key
from calcohort.phantom import Phantom, acquire, draw_anatomy
from calcohort.scoring.annotations import OTHER
from calcohort.scoring.label_maps import write_image
from calcohort.segmentation.vote import CORONARY
from calcohort.segmentation.vote import OTHER as OTHER_CALCIUM
from calcohort.simulate.dicom_faults import plant_fault
from calcohort.simulate.dicom_writer import make_uid, write_series
from calcohort.training.prepare import heart_of

# A day for scans whose date means nothing.
DEVELOPMENT_DATE = "2015-06-01"
CTAC = ("ctac_stress", "ctac_rest")
LAD = 2
TRUTH_COLUMNS = ["patient_id", "protocol", "series", "agatston", "fault"]


def scan_patient(patient, folder: str | Path, seed: int) -> list[dict]:
    """Make every scan of one patient of the external plan.

    Parameters
    ----------
    patient : namedtuple
        A row of :func:`calcohort.simulate.plan.external_plan`.
    folder : path
        The patient's series lie in folders of their own below it.
    seed : int
        Seed of the study.

    Returns
    -------
    list of dict
        ``TRUTH_COLUMNS`` for each scan that was made, with the score of the planted calcium.
    """
    anatomy = draw_anatomy((seed, patient.phantom_seed), burden=str(patient.burden), population="demo")
    rows = []
    for number, protocol in enumerate(_protocols(patient)):
        phantom = acquire(anatomy, protocol, number)
        fault = patient.fault if protocol in CTAC and not pd.isna(patient.fault) else ""
        place = Path(folder) / patient.patient_id / protocol
        uid = make_uid("simulated series", seed, patient.patient_id, protocol)
        write_series(
            phantom.volume,
            place,
            patient_id=patient.patient_id,
            study_date=str(patient.scan_date)[:10],
            protocol=protocol,
            sex=patient.sex,
            age_years=patient.age,
            series_uid=uid,
        )
        if fault:
            plant_fault(place, fault, seed)
        truth = (patient.patient_id, protocol, series_key(uid), phantom.agatston, fault)
        rows.append(dict(zip(TRUTH_COLUMNS, truth, strict=True)))
    return rows


def scan_annotated(patient, folder: str | Path, seed: int) -> dict:
    """Make the scan of one development patient, with a reader's annotation as a label map.

    Returns
    -------
    dict
        image (DICOM folder), annotation (coronary and other calcification) and heart (mask), as paths.
    """
    anatomy = draw_anatomy((seed, patient.phantom_seed), burden=str(patient.burden), population="demo")
    phantom = acquire(anatomy, patient.protocol, 0)
    place = Path(folder) / patient.patient_id
    write_series(
        phantom.volume,
        place / "dicom",
        patient_id=patient.patient_id,
        study_date=DEVELOPMENT_DATE,
        protocol=patient.protocol,
        sex=patient.sex,
        age_years=patient.age,
        series_uid=make_uid("simulated development series", seed, patient.patient_id),
    )
    write_image(place / "annotation.nrrd", _read(phantom), phantom.volume)
    write_image(place / "heart.nrrd", heart_of(phantom.labels).astype(np.uint8), phantom.volume)
    return {
        "image": str(place / "dicom"),
        "annotation": str(place / "annotation.nrrd"),
        "heart": str(place / "heart.nrrd"),
    }


def _read(phantom: Phantom) -> np.ndarray:
    """Map of vessels that a reader draws; branches between two vessels count as the anterior descending."""
    vessels = np.where(phantom.vessels > 0, phantom.vessels, LAD)
    others = np.where(phantom.labels == OTHER_CALCIUM, OTHER, 0)
    return np.where(phantom.labels == CORONARY, vessels, others).astype(np.uint8)


def _protocols(patient) -> Iterator[str]:
    if patient.has_stress:
        yield "ctac_stress"
    if patient.has_rest:
        yield "ctac_rest"
    if patient.has_gated:
        yield "cac_gated"
