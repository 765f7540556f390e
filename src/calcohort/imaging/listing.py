"""Every series and every file of a study with its reason: imaging/series.csv and imaging/files.parquet."""

import hmac

import pandas as pd

# Facts of the headers that tell nobody's identity.
FACTS = (
    "source", "site", "modality", "scanner", "manufacturer", "kvp", "mas", "rotation_time_s", "pitch",
    "ctdi_vol_mgy", "dlp_mgy_cm", "kernel",
    "slice_thickness_mm", "increment_mm", "pixel_spacing_x_mm", "pixel_spacing_y_mm", "rows", "columns",
    "n_files", "n_slices", "extent_mm", "reconstruction_diameter_mm",
)  # fmt: skip


def series_table(series: pd.DataFrame, choices: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """One row per series seen: the judgement of its headers, the choice, and what its pixels said.

    Parameters
    ----------
    series : DataFrame
        `FolderIndex.series`.
    choices : DataFrame
        From :func:`calcohort.imaging.link.link_scans`.
    outcomes : DataFrame
        Rows of conversion, for the scans that were converted.
    """
    linked = choices.set_index("series")
    seen = outcomes.set_index("series")
    table = pd.DataFrame({"series": series["series"], "patient_id": series["patient_id"]})
    for column in ("protocol", "rule", "chosen", "reason", "choice"):
        table[column] = table["series"].map(linked[column])
    table["warnings"] = series["warnings"].str.replace(" ", ";")
    converted = table["series"].isin(seen.index)
    for column in ("reason", "warnings"):
        table[column] = table[column].mask(converted, table["series"].map(seen[column]))
    # What stands aside because another series of the patient serves is none the worse for it.
    table["accepted"] = series["accepted"].astype(bool) & (
        ~converted | table["series"].map(seen["accepted"]).fillna(False).astype(bool)
    )
    table["analysed"] = converted & table["accepted"]
    # Accepted is not scored: what segmentation and scoring made of a scan stands there.
    table["outcome_in"] = table["analysed"].map({True: "scores/scores.csv", False: None})
    for column in FACTS:
        table[column] = series.get(column)
    return table.sort_values("series", ignore_index=True)


def files_table(files: pd.DataFrame, key: bytes = b"") -> pd.DataFrame:
    """One row per file seen, under a hash of its path: series and reason, no names.

    With `key` (the site key) the hash is an HMAC: a path that holds a name cannot be found by trying names.
    """
    keys = [
        hmac.digest(key, f"{root}/{path}".encode(errors="surrogateescape"), "sha256").hex()[:16]
        for root, path in zip(files["root"], files["path"], strict=True)
    ]
    table = pd.DataFrame({"file": keys, "series": files["series"], "reason": files["reason"]})
    return table.sort_values("file", ignore_index=True)
