"""What hospitals send: faults and oddities to plant into a series, each with what must come of it."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom import uid

from calcohort.simulate.dicom_variants import (
    as_bare_data_sets,
    as_enhanced,
    as_syntax,
    edit,
    feet_first,
    half_slope,
    overlay_bits,
    prone,
    put_stored,
    rescale_per_slice,
    series_files,
    signed,
    stored_values,
    transposed,
    without_meta,
)
from calcohort.simulate.dicom_writer import make_uid


@dataclass(frozen=True)
class Fault:
    """A fault and its outcome.

    Attributes
    ----------
    plant : callable
        Changes the files of a folder; takes the folder and a random generator.
    reason : str or None
        Code that the series must end with; None: the volume must come out as if nothing had happened.
    warnings : tuple of str
        Warnings that must be given.
    aside : str or None
        Code of files that must be left aside, listed, while the series goes on.
    alters : bool
        Whether an accepted volume differs from the one written (slices gone, pixels turned to air).
    """

    plant: Callable[[Path, np.random.Generator], None]
    reason: str | None = None
    warnings: tuple[str, ...] = ()
    aside: str | None = None
    alters: bool = False


def plant_fault(folder: str | Path, fault: str, seed: int) -> Fault:
    """Plant `fault`, a key of `FAULTS`, into the series in `folder` and return what must come of it."""
    outcome = FAULTS[fault]
    outcome.plant(Path(folder), np.random.default_rng(np.random.SeedSequence([seed])))
    return outcome


def _inner(folder: Path, rng: np.random.Generator) -> Path:
    """A slice that is neither the first nor the last two."""
    files = series_files(folder)
    return files[int(rng.integers(2, len(files) - 2))]


def _one(change: Callable[[pydicom.Dataset], None]) -> Callable:
    def plant(folder: Path, rng: np.random.Generator) -> None:
        edit(_inner(folder, rng), change)

    return plant


def _all(change: Callable[[pydicom.Dataset], None]) -> Callable:
    def plant(folder: Path, rng: np.random.Generator) -> None:
        for path in series_files(folder):
            edit(path, change)

    return plant


def _tag(**values) -> Callable[[pydicom.Dataset], None]:
    def change(dataset: pydicom.Dataset) -> None:
        for keyword, value in values.items():
            setattr(dataset, keyword, value)

    return change


def _without(*keywords: str) -> Callable[[pydicom.Dataset], None]:
    def change(dataset: pydicom.Dataset) -> None:
        for keyword in keywords:
            delattr(dataset, keyword)

    return change


def _move(*offset: float) -> Callable[[pydicom.Dataset], None]:
    def change(dataset: pydicom.Dataset) -> None:
        position = np.array(dataset.ImagePositionPatient, dtype=float) + offset
        dataset.ImagePositionPatient = [f"{value:.6f}" for value in position]

    return change


def _missing_middle_slice(folder, rng):
    _inner(folder, rng).unlink()


def _missing_end_slices(folder, rng):
    for path in series_files(folder)[:2]:
        path.unlink()


def _too_few_slices(folder, rng):
    for path in series_files(folder)[5:]:
        path.unlink()


def _jitter(folder, rng):
    for path in series_files(folder):
        edit(path, _move(*rng.uniform(-0.009, 0.009, 3)))


def _orientation_noise(folder, rng):
    for path in series_files(folder):
        values = np.array([1, 0, 0, 0, 1, 0]) + rng.uniform(-1e-6, 1e-6, 6)
        edit(path, _tag(ImageOrientationPatient=[f"{value:.9f}" for value in values]))


def _copy(folder: Path, path: Path, change: Callable[[pydicom.Dataset], None] | None = None) -> Path:
    copy = folder / f"{path.stem}_again.dcm"
    shutil.copyfile(path, copy)
    if change is not None:
        edit(copy, change)
    return copy


def _duplicate_file(folder, rng):
    _copy(folder, _inner(folder, rng))


def _duplicate_recoded(folder, rng):
    as_syntax(_copy(folder, _inner(folder, rng)), "explicit")


def _other_pixels(dataset: pydicom.Dataset) -> None:
    put_stored(dataset, stored_values(dataset) ^ 1)


def _duplicate_uid_conflict(folder, rng):
    _copy(folder, _inner(folder, rng), _other_pixels)


def _duplicate_position(folder, rng):
    def change(dataset):
        _other_pixels(dataset)
        _new_instance(dataset, "again")

    _copy(folder, _inner(folder, rng), change)


def _new_instance(dataset: pydicom.Dataset, *key: object) -> None:
    dataset.SOPInstanceUID = make_uid("instance", dataset.SOPInstanceUID, *key)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID


def _second_acquisition(offset_mm: float, share: float = 1.0) -> Callable:
    def plant(folder, rng):
        files = series_files(folder)
        for path in files[: int(len(files) * share)]:

            def change(dataset):
                _other_pixels(dataset)
                _new_instance(dataset, "second")
                _move(0, 0, offset_mm)(dataset)
                dataset.AcquisitionNumber += 1
                dataset.AcquisitionTime = "093000"

            _copy(folder, path, change)

    return plant


def _interleaved_by_time(folder, rng):
    for number, path in enumerate(series_files(folder)):
        edit(path, _tag(AcquisitionTime="090000" if number % 2 else "091500"))


def _step_and_shoot(folder, rng):
    for number, path in enumerate(series_files(folder)):
        block = number // 4
        edit(path, _tag(AcquisitionNumber=block + 1, AcquisitionTime=f"0900{4 * block:02d}"))


def _own_trigger_times(folder, rng):
    for number, path in enumerate(series_files(folder)):
        edit(path, _tag(TriggerTime=650 + 3 * (number % 4)))


def _numbered_steps(folder, rng):
    for number, path in enumerate(series_files(folder)):
        edit(path, _tag(AcquisitionNumber=number // 4 + 1, AcquisitionTime="090000"))


def _halves(folder, rng):
    files = series_files(folder)
    for path in files[len(files) // 2 :]:
        edit(path, lambda dataset: setattr(dataset, "AcquisitionNumber", dataset.AcquisitionNumber + 1))


def _gantry_tilt(folder, rng):
    angle = np.deg2rad(rng.uniform(3, 20))
    direction = [1, 0, 0, 0, float(np.cos(angle)), float(-np.sin(angle))]
    _all(_tag(ImageOrientationPatient=[f"{value:.9f}" for value in direction]))(folder, rng)


def _sheared_positions(folder, rng):
    step = np.tan(np.deg2rad(rng.uniform(1, 20)))
    first = None
    for path in series_files(folder):
        height = float(pydicom.dcmread(path, stop_before_pixels=True).ImagePositionPatient[2])
        first = height if first is None else first
        edit(path, _move(0, step * (height - first), 0))


def _coronal(folder, rng):
    for path in series_files(folder):

        def change(dataset):
            x, y, z = (float(value) for value in dataset.ImagePositionPatient)
            dataset.ImagePositionPatient = [x, z, y]
            dataset.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]

        edit(path, change)


def _padding(value: int, declared: bool) -> Callable:
    """Stored `value` in the corners outside a circle, in signed images with an intercept of -1024."""

    def plant(folder, rng):
        for path in series_files(folder):
            dataset = pydicom.dcmread(path)
            stored = stored_values(dataset)
            rows, columns = np.indices(stored.shape)
            radius = stored.shape[0] / 2
            outside = np.hypot(rows - radius + 0.5, columns - radius + 0.5) > radius
            is_signed = value < 0
            stored = stored.astype(np.int16 if is_signed else np.uint16)
            stored[outside] = value
            dataset.BitsStored, dataset.HighBit = 16, 15
            dataset.PixelRepresentation = int(is_signed)
            as_syntax(path, "explicit", dataset, stored)
            if declared:
                edit(
                    path,
                    lambda d, v=value, s=is_signed: d.add_new("PixelPaddingValue", "SS" if s else "US", v),
                )

    return plant


def _cut(share: float) -> Callable:
    def plant(folder, rng):
        path = _inner(folder, rng)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return plant


def _cut_native(folder, rng):
    path = _inner(folder, rng)
    as_syntax(path, "explicit")
    path.write_bytes(path.read_bytes()[:-1000])


def _other_matrix(folder, rng):
    path = _inner(folder, rng)
    dataset = pydicom.dcmread(path)
    stored = stored_values(dataset)[:-8, :-8]
    dataset.Rows, dataset.Columns = stored.shape
    as_syntax(path, "explicit", dataset, stored)


def _wrong_rows(folder, rng):
    path = _inner(folder, rng)
    as_syntax(path, "explicit")
    edit(path, lambda dataset: setattr(dataset, "Rows", dataset.Rows - 2))


def _beside(name: str, change: Callable[[pydicom.Dataset], None]) -> Callable:
    """A further image in the same series that is no slice of it."""

    def plant(folder, rng):
        path = folder / name
        shutil.copyfile(_inner(folder, rng), path)

        def changed(dataset):
            _new_instance(dataset, name)
            change(dataset)
            dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID

        edit(path, changed)

    return plant


def _localizer(dataset: pydicom.Dataset) -> None:
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]


def _capture(dataset: pydicom.Dataset) -> None:
    dataset.SOPClassUID = uid.SecondaryCaptureImageStorage
    dataset.ImageType = ["DERIVED", "SECONDARY", "SCREEN SAVE"]
    del dataset.ImagePositionPatient, dataset.ImageOrientationPatient


def _junk(folder, rng):
    (folder / "report.pdf").write_bytes(b"%PDF-1.4 " + rng.bytes(500))
    (folder / "empty.dcm").write_bytes(b"")
    (folder / "noise.dcm").write_bytes(rng.bytes(2000))
    (folder / "notes.txt").write_text("CT of the chest\n")
    (folder / "dangling.dcm").symlink_to(folder / "nowhere.dcm")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "preamble.dcm").write_bytes(b"\0" * 128 + b"DICM")


def _several_folders(folder, rng):
    for number, path in enumerate(series_files(folder)):
        place = folder / f"part{number % 3}" / "deep"
        place.mkdir(parents=True, exist_ok=True)
        path.rename(place / path.name)


def _scrambled_names(folder, rng):
    files = series_files(folder)
    for path, number in zip(files, rng.permutation(len(files)), strict=True):
        path.rename(folder / f"IM{number:05d}")


FAULTS: dict[str, Fault] = {
    "missing_middle_slice": Fault(_missing_middle_slice, "nonuniform_spacing"),
    "shifted_slice": Fault(_one(_move(0, 0, 1.0)), "nonuniform_spacing"),
    "shifted_sideways": Fault(_one(_move(1.0, 0, 0)), "nonuniform_spacing"),
    "missing_end_slices": Fault(_missing_end_slices, None, ("coverage",), alters=True),
    "too_few_slices": Fault(_too_few_slices, "too_few_slices"),
    "position_jitter": Fault(_jitter, alters=True),
    "orientation_noise": Fault(_orientation_noise),
    "duplicate_file": Fault(_duplicate_file, None, ("duplicate_file",), "duplicate_file"),
    "duplicate_recoded": Fault(_duplicate_recoded, None, ("duplicate_file",), "duplicate_file"),
    "duplicate_uid_conflict": Fault(_duplicate_uid_conflict, "duplicate_uid_conflict"),
    "duplicate_position": Fault(_duplicate_position, "duplicate_position"),
    "second_acquisition": Fault(_second_acquisition(0.0), "several_acquisitions"),
    "second_acquisition_between": Fault(_second_acquisition(2.0), "several_acquisitions"),
    "second_acquisition_partial": Fault(_second_acquisition(0.0, 0.5), "several_acquisitions"),
    "interleaved_by_time": Fault(_interleaved_by_time, "several_acquisitions"),
    "step_and_shoot": Fault(_step_and_shoot, None, ("acquisitions_joined",)),
    "numbered_steps": Fault(_numbered_steps, None, ("acquisitions_joined",)),
    "second_acquisition_below": Fault(_halves, "several_acquisitions"),
    "own_trigger_times": Fault(_own_trigger_times),
    "gantry_tilt": Fault(_gantry_tilt, "gantry_tilt"),
    "sheared_positions": Fault(_sheared_positions, "gantry_tilt"),
    "tilt_tag_alone": Fault(_all(_tag(GantryDetectorTilt=15))),
    "coronal": Fault(_coronal, "not_axial"),
    "thick_overlapping": Fault(_all(_tag(SliceThickness=8))),
    "thin_with_gaps": Fault(_all(_tag(SliceThickness=1)), None, ("slice_gap",)),
    "empty_thickness": Fault(_all(_tag(SliceThickness=None)), None, ("no_thickness",)),
    "rescale_per_slice": Fault(rescale_per_slice),
    "no_rescale": Fault(_all(_without("RescaleSlope", "RescaleIntercept")), "no_rescale"),
    "no_rescale_one_slice": Fault(_one(_without("RescaleIntercept")), "no_rescale"),
    "zero_slope": Fault(_one(_tag(RescaleSlope=0)), "no_rescale"),
    "not_hu": Fault(_all(_tag(RescaleType="MGML")), "not_hu"),
    "signed": Fault(signed),
    "half_slope": Fault(half_slope),
    "overlay_bits": Fault(overlay_bits),
    "padding_2000_declared": Fault(_padding(-2000, True), None, ("padding",), alters=True),
    "padding_2000": Fault(_padding(-2000, False), None, ("padding",), alters=True),
    "padding_3024": Fault(_padding(-3024, False), None, ("padding",), alters=True),
    "padding_65535": Fault(_padding(65535, False), None, ("padding",), alters=True),
    "padding_65535_declared": Fault(_padding(65535, True), None, ("padding",), alters=True),
    **{
        f"syntax_{name}": Fault(
            lambda folder, rng, name=name: [as_syntax(p, name) for p in series_files(folder)]
        )
        for name in ("rle", "jpegls", "jpeg2000", "deflated", "big_endian", "implicit", "explicit")
    },
    "lossy_tag": Fault(_all(_tag(LossyImageCompression="01")), "lossy"),
    "lossy_tag_one_slice": Fault(_one(_tag(LossyImageCompression="01")), "lossy"),
    "lossy_syntax": Fault(
        lambda folder, rng: [as_syntax(p, "jpegls_near") for p in series_files(folder)], "lossy"
    ),
    "bare_data_sets": Fault(as_bare_data_sets, None, ("no_meta_header",)),
    "no_meta": Fault(without_meta, None, ("no_meta_header",)),
    "truncated": Fault(_cut(0.9), "truncated"),
    "truncated_in_header": Fault(_cut(0.2), "truncated"),
    "truncated_native": Fault(_cut_native, "truncated"),
    "no_pixels": Fault(_one(_without("PixelData")), "no_pixels"),
    "other_matrix": Fault(_other_matrix, "matrix_mismatch"),
    "wrong_rows": Fault(_wrong_rows, "pixel_length"),
    "other_spacing": Fault(_one(_tag(PixelSpacing=[1.5, 1.5])), "spacing_mismatch"),
    "other_orientation": Fault(
        _one(_tag(ImageOrientationPatient=[-1, 0, 0, 0, -1, 0])), "orientation_mismatch"
    ),
    "no_position": Fault(_one(_without("ImagePositionPatient")), "no_geometry"),
    "no_spacing": Fault(_all(_without("PixelSpacing")), "no_geometry"),
    "localizer_beside": Fault(_beside("scout.dcm", _localizer), aside="localizer"),
    "capture_beside": Fault(_beside("dose.dcm", _capture), aside="secondary_capture"),
    "localizer": Fault(_all(_tag(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])), "localizer"),
    "derived": Fault(_all(_tag(ImageType=["DERIVED", "PRIMARY", "AXIAL"])), "derived_image"),
    "reformatted": Fault(_all(_tag(ImageType=["DERIVED", "SECONDARY", "REFORMATTED"])), "derived_image"),
    "secondary_capture": Fault(_all(_capture), "secondary_capture"),
    "dose_screen": Fault(_all(_tag(ImageType=["ORIGINAL", "SECONDARY", "SCREEN SAVE"])), "secondary_capture"),
    "pet": Fault(_all(_tag(SOPClassUID=uid.PositronEmissionTomographyImageStorage, Modality="PT")), "not_ct"),
    "mr": Fault(_all(_tag(SOPClassUID=uid.MRImageStorage, Modality="MR")), "not_ct"),
    "enhanced": Fault(as_enhanced),
    "multiframe_classic": Fault(_all(_tag(NumberOfFrames=2)), "multiframe_unsupported"),
    "mixed_patients": Fault(_one(_tag(PatientID="SOMEONE ELSE")), "mixed_patients"),
    "mixed_names": Fault(_one(_tag(PatientName="ELSE^SOMEONE")), "mixed_patients"),
    "mixed_studies": Fault(_one(_tag(StudyInstanceUID="2.25.1234567")), "mixed_studies"),
    "mixed_frames_of_reference": Fault(
        _one(_tag(FrameOfReferenceUID="2.25.7654321")), "mixed_frames_of_reference"
    ),
    "mixed_kernels": Fault(_one(_tag(ConvolutionKernel="B70f")), "mixed_reconstructions"),
    "several_folders": Fault(_several_folders),
    "scrambled_names": Fault(_scrambled_names),
    "junk": Fault(_junk, aside="not_dicom"),
    "prone": Fault(prone),
    "feet_first": Fault(feet_first),
    "transposed": Fault(transposed),
    "burned_in": Fault(_all(_tag(BurnedInAnnotation="YES")), "burned_in"),
    "no_date": Fault(_all(_tag(StudyDate="")), "no_date"),
    "contrast_agent": Fault(_all(_tag(ContrastBolusAgent="OMNIPAQUE 350"))),
}
