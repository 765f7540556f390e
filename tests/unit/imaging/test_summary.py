"""Imaging protocols of Supplementary Table 1, by cohort, site and protocol."""

import pandas as pd

from calcohort.exhibits.cells import Table
from calcohort.exhibits.tables_imaging import table_s1
from calcohort.imaging.summary import COLUMNS, imaging_protocols


def _series():
    rows = [
        ("ctac_stress", True, "One", "B30f", 11.0, 0.36, None),
        ("ctac_stress", True, "One", "B30f", 13.0, 0.40, 12.0),
        ("ctac_stress", True, "Two", "B31f", 12.0, 0.38, 14.0),
        ("cac_gated", True, "Two", "B35f", 45.0, None, None),
        ("cac_gated", False, "Two", "B70f", 99.0, None, None),
    ]
    names = ["protocol", "analysed", "scanner", "kernel", "mas", "ctdi_vol_mgy", "dlp_mgy_cm"]
    return pd.DataFrame(rows, columns=names)


def _table(made) -> Table:
    return table_s1({"statistics/imaging_protocols.csv": made}, {})


def test_used_scans_are_described_and_what_no_header_tells_is_a_dash():
    made = imaging_protocols(_series(), None)
    assert tuple(made.columns) == COLUMNS
    table = _table(made.replace("", None))
    heads = [cell.text for cell in table.columns]
    stress, gated = ({h: c.text for h, c in zip(heads, row, strict=True)} for row in table.rows[1:])
    assert (stress["n"], gated["n"]) == ("3", "1")
    assert stress["Scanner"] == "One (2), Two (1)" and gated["Scanner"] == "Two"
    assert stress["Current-time product, mAs"] == "12 (11–13)" and gated["Current-time product, mAs"] == "45"
    assert stress["DLP, mGy cm"] == "13.0 (12.0–14.0)" and gated["DLP, mGy cm"] == "–"
    assert "B70f" not in gated["Kernel"]


def test_development_sites_have_rows_of_their_own():
    development = _series().drop(columns=["analysed", "protocol"]).assign(site=["A", "A", "B", "B", "B"])
    development["scan_type"] = ["ctac", "gated", "ctac", "ctac", "ctac"]
    labels = [row[0].text for row in _table(imaging_protocols(None, development).replace("", None)).rows]
    assert labels == [
        "Training and internal testing",
        *("Site A, CTAC", "Site A, ECG-gated CAC", "Site B, CTAC"),
    ]


def test_no_scans_no_rows():
    assert imaging_protocols(None, None).empty
