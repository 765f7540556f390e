"""A volume as a CT series of valid single-frame DICOM files, the same bytes every time."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import jpeg_ls
import numpy as np
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import get_encoder

from calcohort.volume import Volume

TRANSFER_SYNTAXES = {
    "jpegls": uid.JPEGLSLossless,
    "rle": uid.RLELossless,
    "jpeg2000": uid.JPEG2000Lossless,
    "explicit": uid.ExplicitVRLittleEndian,
    "implicit": uid.ImplicitVRLittleEndian,
    "deflated": uid.DeflatedExplicitVRLittleEndian,
    "big_endian": uid.ExplicitVRBigEndian,
}
_INTERCEPT = -1024
# Any fixed number will do: readers use it to tell programs apart.
_IMPLEMENTATION_UID = "2.25.301886270398473611470917153720480271917"


@dataclass(frozen=True)
class ScanProtocol:
    """What the header says about how a scan was made."""

    series_description: str
    protocol_name: str
    series_number: int
    kvp: float
    mas: float
    rotation_time_s: float
    pitch: float
    slice_thickness_mm: float
    kernel: str
    ctdivol_mgy: float
    scan_options: str
    collimation_mm: float


SCAN_PROTOCOLS: dict[str, ScanProtocol] = {
    "ctac_stress": ScanProtocol(
        "CTAC STRESS", "Cardiac PET Rb-82", 4, 100, 11, 0.5, 1.5, 3.0, "B30f", 0.36, "HELICAL MODE", 38.4
    ),
    "ctac_rest": ScanProtocol(
        "CTAC REST", "Cardiac PET Rb-82", 2, 100, 11, 0.5, 1.5, 3.0, "B30f", 0.36, "HELICAL MODE", 38.4
    ),
    "cac_gated": ScanProtocol(
        "CaScore ECG-gated 3.0", "CaScSeq", 6, 120, 45, 0.33, 0.0, 3.0, "B35f", 2.1, "AXIAL MODE", 19.2
    ),
    "chest_ct": ScanProtocol(
        "Chest 3.0", "Thorax routine", 8, 120, 90, 0.5, 1.2, 3.0, "B30f", 6.1, "HELICAL MODE", 38.4
    ),
}


def make_uid(*key: object) -> str:
    """Unique identifier under the root for UUIDs (2.25), a function of `key` alone."""
    digest = hashlib.sha256("\0".join(str(part) for part in key).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"


def write_series(
    volume: Volume,
    folder: str | Path,
    *,
    patient_id: str,
    study_date: str,
    protocol: str,
    sex: str = "",
    birth_date: str = "",
    age_years: float | None = None,
    weight_kg: float | None = None,
    study_uid: str | None = None,
    series_uid: str | None = None,
    study_time: str = "090000",
    manufacturer: str = "calcohort",
    scanner: str = "Simulated PET-CT",
    site: str = "",
    transfer_syntax: str = "jpegls",
    overrides: Mapping[str, object] | None = None,
) -> list[Path]:
    """Write one CT Image Storage file per slice, inferior slice first.

    Parameters
    ----------
    volume : Volume
        Whole Hounsfield units from -1024; the increment becomes the slice thickness as well.
    folder : path
        Made where it is missing; files are ``0001.dcm`` and so on.
    study_date, birth_date : str
        ``YYYY-MM-DD``.
    protocol : str
        Key of `SCAN_PROTOCOLS`.
    transfer_syntax : str
        Key of `TRANSFER_SYNTAXES`, all lossless.
    overrides : mapping, optional
        DICOM keyword to value, for every file: another kernel, tube voltage, scanner.

    Returns
    -------
    list of Path
    """
    if transfer_syntax not in TRANSFER_SYNTAXES:
        raise ValueError(f"transfer_syntax must be one of {', '.join(TRANSFER_SYNTAXES)}")
    stored, bits_stored = _stored(volume)
    study_uid = study_uid or make_uid("study", patient_id, study_date)
    series_uid = series_uid or make_uid("series", study_uid, protocol)
    dataset = Dataset()
    _patient_and_study(dataset, patient_id, sex, birth_date, age_years, weight_kg, study_date, study_time)
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study_uid, series_uid
    dataset.FrameOfReferenceUID = make_uid("frame of reference", study_uid)
    _scan(dataset, SCAN_PROTOCOLS[protocol], volume)
    dataset.Manufacturer, dataset.ManufacturerModelName = manufacturer, scanner
    dataset.InstitutionName = site
    _image(dataset, volume, bits_stored)
    for keyword, value in (overrides or {}).items():
        setattr(dataset, keyword, value)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return [_write_slice(dataset, folder, volume, stored, z, transfer_syntax) for z in range(len(stored))]


def _stored(volume: Volume) -> tuple[np.ndarray, int]:
    hu = np.asarray(volume.hu)
    if hu.min() < _INTERCEPT or hu.max() > 0xFFFF + _INTERCEPT - 1 or not np.array_equal(hu, np.rint(hu)):
        raise ValueError("a series holds whole Hounsfield units from -1024 to 64510")
    stored = (hu.astype(np.int32) - _INTERCEPT).astype(np.uint16)
    return stored, 12 if stored.max() < 4096 else 16


def _patient_and_study(dataset, patient_id, sex, birth_date, age_years, weight_kg, study_date, study_time):
    dataset.PatientID, dataset.PatientName = patient_id, f"SIMULATED^{patient_id}"
    dataset.PatientSex = sex[:1].upper() if sex else ""
    dataset.PatientBirthDate = birth_date.replace("-", "")
    if age_years is not None:
        dataset.PatientAge = f"{int(age_years):03d}Y"
    if weight_kg is not None:
        dataset.PatientWeight = round(float(weight_kg), 1)
    day = study_date.replace("-", "")
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = day
    dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = study_time
    dataset.AccessionNumber = dataset.ReferringPhysicianName = ""
    dataset.StudyID = "1"
    dataset.StudyDescription = "Cardiac PET-CT"


def _scan(dataset: Dataset, protocol: ScanProtocol, volume: Volume) -> None:
    dataset.SOPClassUID = uid.CTImageStorage
    dataset.Modality = "CT"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.SeriesDescription, dataset.ProtocolName = protocol.series_description, protocol.protocol_name
    dataset.SeriesNumber, dataset.AcquisitionNumber = protocol.series_number, 1
    dataset.BodyPartExamined, dataset.PatientPosition = "CHEST", "HFS"
    dataset.ScanOptions = protocol.scan_options
    dataset.KVP = protocol.kvp
    dataset.ExposureTime = round(protocol.rotation_time_s * 1000)
    dataset.XRayTubeCurrent = round(protocol.mas / protocol.rotation_time_s)
    dataset.Exposure = round(protocol.mas)
    dataset.RevolutionTime = protocol.rotation_time_s
    dataset.TotalCollimationWidth = protocol.collimation_mm
    if protocol.pitch:
        dataset.SpiralPitchFactor = protocol.pitch
    dataset.CTDIvol = protocol.ctdivol_mgy
    phantom = Dataset()
    phantom.CodeValue, phantom.CodingSchemeDesignator = "113691", "DCM"
    phantom.CodeMeaning = "IEC Body Dosimetry Phantom"
    dataset.CTDIPhantomTypeCodeSequence = [phantom]
    dataset.ConvolutionKernel = protocol.kernel
    dataset.SliceThickness = _decimal(volume.spacing_xyz_mm[2])
    dataset.ReconstructionDiameter = _decimal(volume.shape_zyx[2] * volume.spacing_xyz_mm[0])
    dataset.SoftwareVersions = "calcohort"


def _image(dataset: Dataset, volume: Volume, bits_stored: int) -> None:
    x, y, _ = volume.spacing_xyz_mm
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PositionReferenceIndicator = ""
    dataset.PixelSpacing = [_decimal(y), _decimal(x)]
    dataset.Rows, dataset.Columns = volume.shape_zyx[1:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, bits_stored, bits_stored - 1
    dataset.PixelRepresentation = 0
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = _INTERCEPT, 1, "HU"
    dataset.WindowCenter, dataset.WindowWidth = 40, 400


def _decimal(value: float) -> str:
    """Decimal string of at most 16 characters, as exact as those allow."""
    for digits in range(16, 5, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 16:
            return text
    return f"{value:.6g}"


def _write_slice(dataset: Dataset, folder: Path, volume: Volume, stored, z: int, syntax: str) -> Path:
    position = volume.point_lps_mm((z, 0, 0))
    dataset.SOPInstanceUID = make_uid("image", dataset.SeriesInstanceUID, z)
    dataset.InstanceNumber = z + 1
    dataset.ImagePositionPatient = [_decimal(value) for value in position]
    dataset.SliceLocation = _decimal(position[2])
    set_pixels(dataset, stored[z], syntax)
    path = folder / f"{z + 1:04d}.dcm"
    save(dataset, path, syntax)
    return path


def set_pixels(dataset: Dataset, stored: np.ndarray, syntax: str) -> None:
    """Put one slice of stored values (uint16 or int16) into the data set, encoded."""
    encoding = TRANSFER_SYNTAXES[syntax]
    if syntax in _ENCODERS:
        little = np.ascontiguousarray(stored, dtype=stored.dtype.newbyteorder("<"))
        dataset.PixelData = encapsulate([bytes(_ENCODERS[syntax](little, dataset))])
    else:
        order = ">" if syntax == "big_endian" else "<"
        dataset.PixelData = stored.astype(stored.dtype.newbyteorder(order)).tobytes()
    dataset["PixelData"].VR = "OB" if encoding.is_encapsulated else "OW"
    dataset["PixelData"].is_undefined_length = encoding.is_encapsulated


def _jpegls(stored: np.ndarray, dataset: Dataset) -> bytes:
    return jpeg_ls.encode_pixel_data(
        stored.tobytes(),
        rows=dataset.Rows,
        columns=dataset.Columns,
        samples_per_pixel=1,
        bits_stored=dataset.BitsStored,
        bits_allocated=16,
        photometric_interpretation="MONOCHROME2",
        planar_configuration=0,
    )


def _jpeg2000(stored: np.ndarray, dataset: Dataset) -> bytes:
    return imagecodecs.jpeg2k_encode(
        stored, level=0, codecformat="j2k", reversible=True, bitspersample=dataset.BitsStored
    )


def _run_length(stored: np.ndarray, dataset: Dataset) -> bytes:
    return get_encoder(uid.RLELossless).encode(
        stored.tobytes(),
        encoding_plugin="pydicom",
        rows=dataset.Rows,
        columns=dataset.Columns,
        number_of_frames=1,
        samples_per_pixel=1,
        bits_allocated=16,
        bits_stored=dataset.BitsStored,
        pixel_representation=dataset.PixelRepresentation,
        photometric_interpretation="MONOCHROME2",
    )


_ENCODERS = {"jpegls": _jpegls, "jpeg2000": _jpeg2000, "rle": _run_length}


def save(dataset: Dataset, path: Path, syntax: str) -> None:
    """Write the data set with its file meta information."""
    encoding = TRANSFER_SYNTAXES[syntax]
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = encoding
    meta.ImplementationClassUID = _IMPLEMENTATION_UID
    meta.ImplementationVersionName = "CALCOHORT"
    dataset.file_meta = meta
    dataset.save_as(
        path,
        enforce_file_format=True,
        overwrite=True,
        implicit_vr=encoding.is_implicit_VR,
        little_endian=encoding.is_little_endian,
    )
