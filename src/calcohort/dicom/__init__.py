"""DICOM in: every file and every series ends in a volume that is right, or in a reason code."""

from calcohort.dicom.facts import series_key
from calcohort.dicom.found import file_path
from calcohort.dicom.index import FolderIndex, scan_folder, series_paths
from calcohort.dicom.reasons import REASONS, explain
from calcohort.dicom.series import LoadedSeries, load_series

__all__ = [
    "REASONS",
    "FolderIndex",
    "LoadedSeries",
    "explain",
    "file_path",
    "load_series",
    "load_volume_file",
    "save_volume",
    "scan_folder",
    "series_key",
    "series_paths",
]


def __getattr__(name: str):
    # SimpleITK loads as long as ten series are read: only who meets a volume file waits for it.
    if name in ("load_volume_file", "save_volume"):
        from calcohort.dicom import volumes

        return getattr(volumes, name)
    raise AttributeError(name)
