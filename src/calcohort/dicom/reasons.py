"""Every code that a file, a series or a volume can carry: what it means and what to do about it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """One code. `level`: "file" leaves a file aside, "series" rejects the series, "warning" does neither."""

    code: str
    level: str
    meaning: str
    cure: str


class Rejected(Exception):
    """Carries the code of what cannot become a volume; never leaves the package."""

    def __init__(self, code: str):
        if code not in REASONS:
            raise KeyError(code)
        self.code = code
        super().__init__(code)


_TABLE = (
    # Files that are no slices: left aside, the series goes on without them.
    ("not_dicom", "file", "not a DICOM file, a DICOMDIR or a broken link", "nothing to do"),
    ("unreadable", "file", "the file cannot be opened", "check the file's permissions and the disk"),
    ("duplicate_file", "file", "the same image is there a second time", "nothing to do: it is used once"),
    ("localizer", "file", "localizer (scout, topogram)", "nothing to do"),
    ("secondary_capture", "file", "screen capture, dose sheet or other secondary capture", "nothing to do"),
    ("derived_image", "file", "derived or reformatted image", "send the original axial series"),
    ("not_ct", "file", "not a CT image", "nothing to do"),
    # Series that do not become a volume.
    (
        "no_series_uid",
        "series",
        "DICOM file without the unique identifiers of its series or image",
        "export the study again",
    ),
    (
        "nonuniform_spacing",
        "series",
        "slices are missing or shifted: the increment is not uniform",
        "send all slices",
    ),
    ("coverage", "series", "the scan ends inside the heart", "send the whole scan"),
    ("too_few_slices", "series", "too short to hold a heart", "send the whole scan"),
    (
        "duplicate_uid_conflict",
        "series",
        "two different images share one SOP Instance UID",
        "export the series again",
    ),
    (
        "duplicate_position",
        "series",
        "two different images lie at one position",
        "send one image per position",
    ),
    (
        "duplicate_series",
        "series",
        "the same pixels came in before under other UIDs",
        "nothing to do: it is used once",
    ),
    (
        "several_acquisitions",
        "series",
        "several acquisitions in one series",
        "split them into series of their own",
    ),
    ("several_series", "series", "the paths hold more than one series", "give one series at a time"),
    (
        "mixed_reconstructions",
        "series",
        "scanner, voltage, kernel, thickness, agent or position change within the series",
        "send one reconstruction",
    ),
    (
        "mixed_patients",
        "series",
        "slices of different patients in one series",
        "mend the patient tags at the source",
    ),
    (
        "mixed_studies",
        "series",
        "slices of different studies or days in one series",
        "export the study again",
    ),
    (
        "mixed_frames_of_reference",
        "series",
        "positions refer to different frames of reference",
        "export the series again",
    ),
    ("gantry_tilt", "series", "slices were taken with a tilted gantry", "send an untilted reconstruction"),
    ("not_axial", "series", "slices are not axial", "send the axial series"),
    (
        "no_geometry",
        "series",
        "position, orientation or pixel spacing is absent or malformed",
        "export with full headers",
    ),
    ("orientation_mismatch", "series", "one slice has another orientation", "export the series again"),
    ("matrix_mismatch", "series", "one slice has another matrix", "export the series again"),
    ("spacing_mismatch", "series", "one slice has another pixel spacing", "export the series again"),
    ("no_rescale", "series", "rescale slope or intercept is absent or malformed", "export with full headers"),
    ("not_hu", "series", "values are not Hounsfield units", "send the series in Hounsfield units"),
    (
        "implausible_hu",
        "series",
        "values are not those of a CT",
        "check how the file was converted",
    ),
    ("lossy", "series", "compressed with loss", "send a lossless copy, or allow lossy images in the config"),
    ("truncated", "series", "a file ends early", "copy the series again"),
    ("no_pixels", "series", "a file holds no pixel data", "copy the series again"),
    ("pixel_length", "series", "more pixel data than the header describes", "export the series again"),
    (
        "too_large",
        "series",
        "more voxels than a chest CT has",
        "send a reconstruction of the heart, or with a matrix of 512",
    ),
    (
        "undecodable",
        "series",
        "the pixel data cannot be decoded, or its decoders disagree",
        "send the series uncompressed",
    ),
    ("unsupported_pixels", "series", "pixel format that no CT scan uses", "send the original CT images"),
    ("unsupported_syntax", "series", "transfer syntax without a decoder", "send the series uncompressed"),
    (
        "multiframe_unsupported",
        "series",
        "multi-frame object that is not one stack of CT slices",
        "send single-frame CT images",
    ),
    ("burned_in", "series", "annotation is burned into the pixels", "send images without annotation"),
    ("no_date", "series", "no study date", "keep (shifted) dates when pseudonymising"),
    ("malformed", "series", "the file violates DICOM beyond repair", "export the series again"),
    (
        "oblique",
        "series",
        "the volume's axes are not parallel to the patient's",
        "send the original axial volume",
    ),
    (
        "not_3d",
        "series",
        "not one three-dimensional volume of single numbers",
        "give one 3-D volume per file",
    ),
    # Linking.
    (
        "unlinked",
        "series",
        "no PET row with this patient and date",
        "check patient_id and scan_date of the pet table",
    ),
    (
        "not_chosen",
        "series",
        "another series of the same patient and protocol was chosen",
        "see the choice beside it",
    ),
    # The volume is right, but the reader should know.
    ("padding", "warning", "padding outside the reconstruction was set to air", "nothing to do"),
    ("unusual_hu", "warning", "no air or lung in the whole scan", "check that it is in Hounsfield units"),
    ("no_thickness", "warning", "slice thickness is empty", "nothing to do: spacing comes from positions"),
    ("position_jitter", "warning", "positions are rounded by up to 0.05 mm", "nothing to do"),
    (
        "slice_gap",
        "warning",
        "slices lie further apart than they are thick",
        "calcium between slices is not seen",
    ),
    (
        "acquisitions_joined",
        "warning",
        "consecutive table positions (step and shoot) were joined",
        "nothing to do",
    ),
    ("no_meta_header", "warning", "files without DICOM preamble or file meta information", "nothing to do"),
    ("no_patient_id", "warning", "no patient identifier", "the series cannot be linked to a registry"),
    (
        "no_image_type",
        "warning",
        "image type is empty: original axial images are assumed",
        "check that they are",
    ),
    (
        "broken_file_beside",
        "warning",
        "a DICOM file too broken to name its series lies in the same folder",
        "copy the folder again",
    ),
    (
        "lossy_allowed",
        "warning",
        "lossy images were allowed by the config",
        "scores of lossy images are less reliable",
    ),
)

REASONS = {code: Reason(code, level, meaning, cure) for code, level, meaning, cure in _TABLE}


def explain(code: str) -> str:
    """One line for people: meaning and cure of a code."""
    reason = REASONS[code]
    return f"{reason.meaning}; {reason.cure}"
