"""What became of each scan on its way: one row a scan, passed from conversion to segmentation to scoring."""

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from calcohort.dicom.series import LoadedSeries

COLUMNS = (
    "patient_id", "series", "protocol", "scan_date", "source", "accepted", "reason", "warnings", "kvp",
    "shape_zyx", "spacing_xyz_mm",
)  # fmt: skip


def converted(scan, loaded: "LoadedSeries") -> dict:
    """Row of a scan after conversion.

    Parameters
    ----------
    scan : namedtuple
        A row of imaging/scans.csv: patient_id, series, protocol, scan_date, source, and kvp, which stands in
        where the files do not tell it.
    loaded : LoadedSeries
    """
    row = dict.fromkeys(COLUMNS) | {
        name: getattr(scan, name) for name in ("patient_id", "series", "protocol", "scan_date", "source")
    }
    row |= {"accepted": loaded.volume is not None, "reason": loaded.reason}
    row |= {"warnings": ";".join(loaded.warnings), "kvp": loaded.facts.get("kvp", scan.kvp)}
    if loaded.volume is not None:
        row["shape_zyx"] = "x".join(map(str, loaded.volume.shape_zyx))
        row["spacing_xyz_mm"] = "x".join(map(repr, map(float, loaded.volume.spacing_xyz_mm)))
    return row


def table(rows: list[dict]) -> pd.DataFrame:
    """Rows as a table, also when there are none."""
    return pd.DataFrame(rows, columns=list(COLUMNS))


def numbers(text, kind=float) -> list | None:
    """The numbers of a field like ``50x512x512``; None of an empty one."""
    return None if pd.isna(text) else [kind(part) for part in str(text).split("x")]
