"""What kind of object a file is, from its SOP class, transfer syntax and image type."""

from collections.abc import Iterable

from pydicom import uid

CT_IMAGE = str(uid.CTImageStorage)
ENHANCED_CT = frozenset(
    {str(uid.EnhancedCTImageStorage), str(uid.LegacyConvertedEnhancedCTImageStorage)},
)
CT_CLASSES = ENHANCED_CT | {CT_IMAGE}
MEDIA_DIRECTORY = str(uid.MediaStorageDirectoryStorage)
# Radiation doses come as a report class of their own, or in the general classes of older scanners.
DOSE_REPORTS = frozenset(
    {str(uid.XRayRadiationDoseSRStorage), str(uid.EnhancedSRStorage), str(uid.ComprehensiveSRStorage)}
)
SECONDARY_CAPTURE = str(uid.SecondaryCaptureImageStorage)

_LOSSY = frozenset(
    str(syntax)
    for syntax in (
        uid.JPEGBaseline8Bit,
        uid.JPEGExtended12Bit,
        uid.JPEGLSNearLossless,
        uid.JPEG2000,
        uid.HTJ2K,
    )
)
_LOCALIZER = {"LOCALIZER", "SCOUT", "TOPOGRAM", "SCANOGRAM", "SURVIEW"}
_CAPTURE = {"SCREEN SAVE", "SCREEN SAVE_FS", "DOSE_INFO", "DOSE REPORT", "CT_SOM5 PROT", "CT_SOM7 PROT"}
_DERIVED = {
    "REFORMATTED", "MPR", "CURVED_MPR", "MIP", "MAX_IP", "MINIP", "MIN_IP", "PROJECTION IMAGE",
    "VOLUME_RENDERED", "VOLUME_RENDER", "SURFACE_RENDER", "SUBTRACTION", "DIFFERENCE",
}  # fmt: skip
# Maps of two energies (DICOM PS3.3, C.8.15.3.1.4): calcium is not as dense in them, or is taken out.
_MAPS = {
    "MAT_SPECIFIC", "MAT_REMOVED", "MAT_FRACTIONAL", "MAT_MODIFIED", "MAT_VALUE_BASED",
    "EFF_ATOMIC_NUM", "ELECTRON_DENSITY",
}  # fmt: skip


def aside(sop_class: str, facts: dict[str, str], lossy: bool = False) -> str | None:
    """Code of a file that is no original CT slice, None for one that may be.

    An image that was compressed with loss must call itself derived (DICOM PS3.3, C.7.6.1.1.2): that word
    alone tells nothing of `lossy` ones.
    """
    if sop_class == SECONDARY_CAPTURE or sop_class.startswith(SECONDARY_CAPTURE + "."):
        return "secondary_capture"
    if sop_class not in CT_CLASSES:
        return "not_ct"
    if facts["Modality"].upper() not in ("CT", ""):
        return "not_ct"
    values = [value.strip().upper() for value in facts["ImageType"].split("\\")]
    if _LOCALIZER.intersection(values):
        return "localizer"
    if _CAPTURE.intersection(values):
        return "secondary_capture"
    if (values[0] == "DERIVED" and not lossy) or is_computed(values):
        return "derived_image"
    # An axial image made after the examination is a later reconstruction.
    if len(values) > 1 and values[1] == "SECONDARY" and "AXIAL" not in values:
        return "secondary_capture"
    return None


def is_computed(image_type: Iterable[str]) -> bool:
    """Whether the values of an image or frame type name a reformat, a projection or a map of two energies."""
    return bool((_DERIVED | _MAPS).intersection(image_type))


def is_lossy(transfer_syntax: str, flag: str = "", method: str = "", ratio: float | None = None) -> bool:
    """Whether the transfer syntax may lose information, or the header says that some step did."""
    # Some exporters name the method or the ratio and forget the flag.
    told = bool(method) or (ratio or 0) > 1
    return transfer_syntax in _LOSSY or flag.lstrip("0") == "1" or (told and not flag)
