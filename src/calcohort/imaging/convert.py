"""One scan into a volume on disk, whatever kind of files it came in."""

from collections.abc import Sequence
from pathlib import Path

from calcohort import dicom
from calcohort.dicom import LoadedSeries
from calcohort.dicom.geometry import MINIMUM_EXTENT_MM
from calcohort.dicom.volume_headers import is_volume_file
from calcohort.nrrd import write_volume


def convert_scan(
    paths: Sequence[Path],
    into: str | Path,
    *,
    allow_lossy: bool = False,
    minimum_extent_mm: float = MINIMUM_EXTENT_MM,
) -> LoadedSeries:
    """The scan that a series' files make, a volume file or slices, written to an NRRD file of HU."""
    volumes = [path for path in paths if is_volume_file(path)]
    if not volumes:
        return dicom.load_series(
            paths, allow_lossy=allow_lossy, minimum_extent_mm=minimum_extent_mm, into=into
        )
    loaded = dicom.load_volume_file(volumes[0], minimum_extent_mm=minimum_extent_mm)
    if loaded.volume is not None:
        write_volume(loaded.volume, into)
    return loaded
