"""Dose of a series: CTDIvol of its images, DLP of the dose report that lies in the folder."""

import pydicom
import pytest

from calcohort.dicom import scan_folder
from calcohort.simulate.dicom_dose import write_dose_report
from calcohort.simulate.dicom_variants import edit, series_files

EVENTS = ("2.25.101", "2.25.102", "2.25.103")


def _with_report(folder, acquisitions, events=EVENTS[:1], keep_ctdi=True):
    paths = series_files(folder)
    for number, path in enumerate(paths):

        def change(dataset, number=number):
            # One event after the other along the table.
            dataset.IrradiationEventUID = events[number * len(events) // len(paths)]
            if not keep_ctdi:
                del dataset.CTDIvol

        edit(path, change)
    study = pydicom.dcmread(series_files(folder)[0]).StudyInstanceUID
    write_dose_report(
        folder / "dose.dcm",
        patient_id="P001",
        study_date="2015-03-04",
        study_uid=study,
        acquisitions=acquisitions,
    )
    series = scan_folder(folder).series
    return series[series["accepted"]].iloc[0], series[~series["accepted"]].iloc[0]


def test_dlp_by_irradiation_event(folder):
    scan, report = _with_report(folder, [(EVENTS[0], 0.4, 11.5), (EVENTS[1], 3.0, 80.0)])
    assert (scan["ctdi_vol_mgy"], scan["dlp_mgy_cm"]) == (0.36, 11.5)
    assert report["reason"] == "not_ct"


def test_report_gives_what_the_images_leave_out(folder):
    scan, _ = _with_report(folder, [(EVENTS[0], 0.4, 11.5)], keep_ctdi=False)
    assert (scan["ctdi_vol_mgy"], scan["dlp_mgy_cm"]) == (0.4, 11.5)


def test_several_events_add_up(folder):
    reported = [(EVENTS[0], 0.4, 11.5), (EVENTS[1], 0.5, 2.25)]
    scan, _ = _with_report(folder, reported, EVENTS[:2])
    assert scan["dlp_mgy_cm"] == pytest.approx(13.75)


def test_an_event_without_report_leaves_dlp_empty(folder):
    scan, _ = _with_report(folder, [(EVENTS[0], 0.4, 11.5)], EVENTS[:2])
    assert scan["dlp_mgy_cm"] is None and scan["ctdi_vol_mgy"] == 0.36


def test_without_report_dlp_is_empty(written):
    assert scan_folder(written).series["dlp_mgy_cm"].isna().all()
