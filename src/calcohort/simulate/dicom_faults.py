"""What hospitals send: faults and oddities to plant into a series, each with what must come of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import uid

from calcohort.simulate.dicom_plants import (
    beside,
    blank,
    bright_declared_padding,
    capture,
    coronal,
    cut,
    cut_at,
    cut_native,
    duplicate_file,
    duplicate_position,
    duplicate_recoded,
    duplicate_uid_conflict,
    end_called_localizer,
    end_dangling,
    end_of_another_class,
    end_spoiled,
    every,
    every_second,
    foreign_name,
    gantry_tilt,
    halves,
    interleaved_by_time,
    jitter,
    junk,
    localizer,
    long_pause,
    lossy_stream,
    missing_end_slices,
    missing_middle_slice,
    move,
    numbered_alike,
    numbered_slices,
    numbered_steps,
    numbered_twice,
    one,
    orientation_noise,
    other_matrix,
    own_trigger_times,
    padding,
    saturated_air,
    scrambled_names,
    second_acquisition,
    several_folders,
    sheared_positions,
    step_and_shoot,
    swapped_bytes,
    tag,
    take_turns,
    too_few_slices,
    without,
    wrong_rows,
)
from calcohort.simulate.dicom_variants import (
    as_bare_data_sets,
    as_enhanced,
    as_enhanced_phases,
    as_syntax,
    feet_first,
    half_slope,
    overlay_bits,
    prone,
    rescale_per_slice,
    series_files,
    signed,
    transposed,
    without_meta,
)


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
    in_pixels : bool
        Whether the headers look sound, so that only decoding brings the reason to light.
    """

    plant: Callable[[Path, np.random.Generator], None]
    reason: str | None = None
    warnings: tuple[str, ...] = ()
    aside: str | None = None
    alters: bool = False
    in_pixels: bool = False


def plant_fault(folder: str | Path, fault: str, seed: int) -> Fault:
    """Plant `fault`, a key of `FAULTS`, into the series in `folder` and return what must come of it."""
    outcome = FAULTS[fault]
    outcome.plant(Path(folder), np.random.default_rng(np.random.SeedSequence([seed])))
    return outcome


FAULTS: dict[str, Fault] = {
    "missing_middle_slice": Fault(missing_middle_slice, "nonuniform_spacing"),
    "shifted_slice": Fault(one(move(0, 0, 1.0)), "nonuniform_spacing"),
    "shifted_sideways": Fault(one(move(1.0, 0, 0)), "nonuniform_spacing"),
    "missing_end_slices": Fault(missing_end_slices, None, ("coverage",), alters=True),
    "too_few_slices": Fault(too_few_slices, "too_few_slices"),
    "position_jitter": Fault(jitter, alters=True),
    "orientation_noise": Fault(orientation_noise),
    "duplicate_file": Fault(duplicate_file, None, ("duplicate_file",), "duplicate_file"),
    "duplicate_recoded": Fault(duplicate_recoded, None, ("duplicate_file",), "duplicate_file"),
    "duplicate_uid_conflict": Fault(duplicate_uid_conflict, "duplicate_uid_conflict"),
    "duplicate_position": Fault(duplicate_position, "duplicate_position"),
    "second_acquisition": Fault(second_acquisition(0.0), "several_acquisitions"),
    "second_acquisition_between": Fault(second_acquisition(2.0), "several_acquisitions"),
    "second_acquisition_partial": Fault(second_acquisition(0.0, 0.5), "several_acquisitions"),
    "interleaved_by_time": Fault(interleaved_by_time, "several_acquisitions"),
    "step_and_shoot": Fault(step_and_shoot, None, ("acquisitions_joined",)),
    "numbered_steps": Fault(numbered_steps, None, ("acquisitions_joined",)),
    "second_acquisition_below": Fault(halves, "several_acquisitions"),
    "numbered_slices": Fault(numbered_slices, None, ("acquisitions_joined",)),
    "numbered_alike": Fault(numbered_alike, "several_acquisitions"),
    "long_pause": Fault(long_pause, "several_acquisitions"),
    "own_trigger_times": Fault(own_trigger_times),
    "gantry_tilt": Fault(gantry_tilt, "gantry_tilt"),
    "sheared_positions": Fault(sheared_positions, "gantry_tilt"),
    "tilt_tag_alone": Fault(every(tag(GantryDetectorTilt=15))),
    "coronal": Fault(coronal, "not_axial"),
    "thick_overlapping": Fault(every(tag(SliceThickness=8))),
    "thin_with_gaps": Fault(every(tag(SliceThickness=1)), None, ("slice_gap",)),
    "empty_thickness": Fault(every(tag(SliceThickness=None)), None, ("no_thickness",)),
    "rescale_per_slice": Fault(rescale_per_slice),
    "no_rescale": Fault(every(without("RescaleSlope", "RescaleIntercept")), "no_rescale"),
    "no_rescale_one_slice": Fault(one(without("RescaleIntercept")), "no_rescale"),
    "zero_slope": Fault(one(tag(RescaleSlope=0)), "no_rescale"),
    "not_hu": Fault(every(tag(RescaleType="MGML")), "not_hu"),
    "signed": Fault(signed),
    "half_slope": Fault(half_slope),
    "overlay_bits": Fault(overlay_bits),
    "padding_2000_declared": Fault(padding(-2000, True), None, ("padding",), alters=True),
    "padding_2000": Fault(padding(-2000, False), None, ("padding",), alters=True),
    "padding_3024": Fault(padding(-3024, False), None, ("padding",), alters=True),
    "padding_65535": Fault(padding(65535, False), None, ("padding",), alters=True),
    "saturated_air": Fault(saturated_air, None, ("padding",), alters=True),
    "padding_65535_declared": Fault(padding(65535, True), None, ("padding",), alters=True),
    **{
        f"syntax_{name}": Fault(
            lambda folder, rng, name=name: [as_syntax(p, name) for p in series_files(folder)]
        )
        for name in ("rle", "jpegls", "jpeg2000", "deflated", "big_endian", "implicit", "explicit")
    },
    "lossy_tag": Fault(every(tag(LossyImageCompression="01")), "lossy"),
    "lossy_tag_one_slice": Fault(one(tag(LossyImageCompression="01")), "lossy"),
    "lossy_called_derived": Fault(
        every(tag(LossyImageCompression="01", ImageType=["DERIVED", "PRIMARY", "AXIAL"])), "lossy"
    ),
    "lossy_syntax": Fault(
        lambda folder, rng: [as_syntax(p, "jpegls_near") for p in series_files(folder)], "lossy"
    ),
    "bare_data_sets": Fault(as_bare_data_sets, None, ("no_meta_header",)),
    "no_meta": Fault(without_meta, None, ("no_meta_header",)),
    "truncated": Fault(cut(0.9), "truncated"),
    "truncated_in_header": Fault(cut(0.2), "truncated"),
    "truncated_in_position": Fault(cut_at("ImagePositionPatient", 20), "truncated"),
    "truncated_behind_position": Fault(cut_at("ImageOrientationPatient", 0), "truncated"),
    "truncated_in_series_uid": Fault(cut_at("SeriesInstanceUID", 28), "truncated"),
    "truncated_native": Fault(cut_native, "truncated"),
    "no_pixels": Fault(one(without("PixelData")), "no_pixels"),
    "other_matrix": Fault(other_matrix, "matrix_mismatch"),
    "wrong_rows": Fault(wrong_rows, "pixel_length"),
    "other_spacing": Fault(one(tag(PixelSpacing=[1.5, 1.5])), "spacing_mismatch"),
    "other_orientation": Fault(
        one(tag(ImageOrientationPatient=[-1, 0, 0, 0, -1, 0])), "orientation_mismatch"
    ),
    "no_position": Fault(one(without("ImagePositionPatient")), "no_geometry"),
    "no_spacing": Fault(every(without("PixelSpacing")), "no_geometry"),
    "localizer_beside": Fault(beside("scout.dcm", localizer), aside="localizer"),
    "capture_beside": Fault(beside("dose.dcm", capture), aside="secondary_capture"),
    "localizer": Fault(every(tag(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])), "localizer"),
    "derived": Fault(every(tag(ImageType=["DERIVED", "PRIMARY", "AXIAL"])), "derived_image"),
    "reformatted": Fault(every(tag(ImageType=["DERIVED", "SECONDARY", "REFORMATTED"])), "derived_image"),
    "secondary_capture": Fault(every(capture), "secondary_capture"),
    "dose_screen": Fault(every(tag(ImageType=["ORIGINAL", "SECONDARY", "SCREEN SAVE"])), "secondary_capture"),
    "pet": Fault(every(tag(SOPClassUID=uid.PositronEmissionTomographyImageStorage, Modality="PT")), "not_ct"),
    "mr": Fault(every(tag(SOPClassUID=uid.MRImageStorage, Modality="MR")), "not_ct"),
    "enhanced": Fault(as_enhanced),
    "enhanced_one_phase": Fault(as_enhanced_phases(74.0, 76.0)),
    "enhanced_two_phases": Fault(as_enhanced_phases(40.0, 75.0), "several_acquisitions"),
    "multiframe_classic": Fault(every(tag(NumberOfFrames=2)), "multiframe_unsupported"),
    "mixed_patients": Fault(one(tag(PatientID="SOMEONE ELSE")), "mixed_patients"),
    "mixed_names": Fault(one(tag(PatientName="ELSE^SOMEONE")), "mixed_patients"),
    "mixed_studies": Fault(one(tag(StudyInstanceUID="2.25.1234567")), "mixed_studies"),
    "mixed_frames_of_reference": Fault(
        one(tag(FrameOfReferenceUID="2.25.7654321")), "mixed_frames_of_reference"
    ),
    "mixed_kernels": Fault(one(tag(ConvolutionKernel="B70f")), "mixed_reconstructions"),
    "several_folders": Fault(several_folders),
    "scrambled_names": Fault(scrambled_names),
    "junk": Fault(junk, aside="not_dicom"),
    "prone": Fault(prone),
    "feet_first": Fault(feet_first),
    "transposed": Fault(transposed),
    "burned_in": Fault(every(tag(BurnedInAnnotation="YES")), "burned_in"),
    "no_date": Fault(every(tag(StudyDate="")), "no_date"),
    "contrast_agent": Fault(every(tag(ContrastBolusAgent="OMNIPAQUE 350"))),
    "every_second_slice_missing": Fault(every_second, "nonuniform_spacing"),
    "end_slice_spoiled": Fault(end_spoiled(128, 40), "malformed"),
    "end_slice_dangling": Fault(end_dangling, None, ("broken_file_beside",), "not_dicom", alters=True),
    "end_slice_called_localizer": Fault(end_called_localizer, None, ("coverage",), "localizer", alters=True),
    "numbered_twice": Fault(numbered_twice, "several_acquisitions"),
    **{
        f"turns_{name}": Fault(take_turns(keyword, values), reason)
        for name, keyword, values, reason in (
            ("moment", "AcquisitionDateTime", ("20150304090000", "20150304090100"), "several_acquisitions"),
            ("phase", "TriggerTime", (350, 700), "several_acquisitions"),
            ("uid", "AcquisitionUID", ("2.25.11", "2.25.12"), "several_acquisitions"),
            ("description", "SeriesDescription", ("A", "B"), "mixed_reconstructions"),
            ("filter", "FilterType", ("WEDGE_1", "WEDGE_2"), "mixed_reconstructions"),
            ("voltage", "KVP", (80, 140), "mixed_reconstructions"),
        )
    },
    "negative_slope": Fault(every(tag(RescaleSlope=-1)), "no_rescale"),
    "two_slopes": Fault(one(tag(RescaleSlope=[1, 2])), "no_rescale"),
    "lost_intercept": Fault(every(tag(RescaleIntercept=0)), "implausible_hu"),
    "swapped_bytes": Fault(swapped_bytes, "implausible_hu", in_pixels=True),
    "blank": Fault(blank, "implausible_hu", in_pixels=True),
    "padding_4095_declared": Fault(bright_declared_padding, None, ("padding",), alters=True),
    "lossy_stream": Fault(lossy_stream, "lossy"),
    "lossy_method": Fault(every(tag(LossyImageCompressionMethod="ISO_10918_1")), "lossy"),
    "huge_pixels": Fault(every(tag(PixelSpacing=[5500, 5500])), "no_geometry"),
    "foreign_name": Fault(foreign_name),
    "end_slice_of_another_class": Fault(end_of_another_class, None, ("coverage",), "not_ct", alters=True),
}
