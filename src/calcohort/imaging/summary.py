"""How the scans of a study were made, by cohort, site and protocol: what Supplementary Table 1 is made of."""

import pandas as pd

NUMBERS = (
    "kvp", "mas", "rotation_time_s", "slice_thickness_mm", "increment_mm", "pixel_spacing_x_mm",
    "ctdi_vol_mgy", "dlp_mgy_cm", "n_slices",
)  # fmt: skip
LEVELS = ("scanner", "kernel")
COLUMNS = (
    "cohort", "site", "protocol", "variable", "level", "n", "missing", "count",
    "minimum", "q1", "median", "q3", "maximum",
)  # fmt: skip
EXTERNAL, DEVELOPMENT = "external", "development"
_ORDER = ("ctac_stress", "ctac_rest", "ctac", "cac_gated", "gated", "unknown")


def imaging_protocols(series: pd.DataFrame | None, development: pd.DataFrame | None) -> pd.DataFrame:
    """Facts of the headers in each cohort, site and protocol.

    Parameters
    ----------
    series : DataFrame or None
        imaging/series.csv: scans that the analysis uses are described.
    development : DataFrame or None
        development/imaging.csv.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row for the size of each group (variable ``n``), one for each number, and one for each
        level of scanner and kernel, the commonest first. A fact that no header tells has no row.
    """
    rows = []
    if series is not None:
        used = series[series["analysed"].astype(bool)]
        rows += _of_cohort(EXTERNAL, used, used["protocol"])
    if development is not None:
        rows += _of_cohort(DEVELOPMENT, development, development["scan_type"])
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _of_cohort(cohort: str, scans: pd.DataFrame, protocol: pd.Series) -> list[dict]:
    site = scans["site"].astype("string").fillna("") if "site" in scans else pd.Series("", index=scans.index)
    rank = protocol.map({name: place for place, name in enumerate(_ORDER)})
    rows = []
    for (place, _, name), group in scans.groupby([site, rank, protocol], sort=True):
        about = {"cohort": cohort, "site": place, "protocol": name}
        rows.append(about | {"variable": "n", "level": "", "n": len(group)})
        for variable in NUMBERS:
            rows += [about | row for row in _number(group, variable)]
        for variable in LEVELS:
            rows += [about | row for row in _levels(group, variable)]
    return rows


def _number(group: pd.DataFrame, variable: str) -> list[dict]:
    values = pd.to_numeric(group[variable], errors="coerce") if variable in group else pd.Series(dtype=float)
    known = values.dropna()
    if known.empty:
        return []
    q1, median, q3 = (known.quantile(share) for share in (0.25, 0.5, 0.75))
    row = {"variable": variable, "level": "", "n": len(known), "missing": len(group) - len(known)}
    return [row | {"minimum": known.min(), "q1": q1, "median": median, "q3": q3, "maximum": known.max()}]


def _levels(group: pd.DataFrame, variable: str) -> list[dict]:
    known = group[variable].dropna().astype(str) if variable in group else pd.Series(dtype=str)
    counts = known.value_counts()
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    row = {"variable": variable, "n": len(known), "missing": len(group) - len(known)}
    return [row | {"level": level, "count": int(count)} for level, count in ordered]
