"""What a study's config says of its scans, checked before anything runs."""

from collections.abc import Mapping
from pathlib import Path

from calcohort.errors import InputError
from calcohort.imaging.choice import check_choice
from calcohort.imaging.protocol import check_rules
from calcohort.imaging.user_tables import read_overrides, read_volume_table


def check_imaging(imaging: Mapping) -> list[str]:
    """Check rules, choice and tables of the section ``imaging`` of a complete config.

    Returns
    -------
    list of str
        A line for each table that was found right.

    Raises
    ------
    InputError
        For the first thing that is wrong.
    """
    check_rules(imaging["protocols"])
    check_choice(imaging["choice"])
    lines = []
    if "volumes" in imaging:
        table = read_volume_table(imaging["volumes"])
        dicom = imaging["dicom"]
        folders = [Path(folder) for folder in (dicom if isinstance(dicom, list) else [dicom])]
        for number, file in table["file"].items():
            if not any((folder / file).is_file() for folder in folders) and not Path(file).is_file():
                cure = "write its path relative to a folder of imaging.dicom"
                raise InputError("the file is not there", where=f"imaging.volumes row {number}", cure=cure)
        lines.append(f"imaging.volumes: {len(table)} rows")
    if "overrides" in imaging:
        lines.append(f"imaging.overrides: {len(read_overrides(imaging['overrides']))} rows")
    return lines
