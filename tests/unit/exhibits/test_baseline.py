"""Characteristics by group: what is counted, what is tested, what is left out."""

import numpy as np
import pandas as pd
import pytest

from calcohort.exhibits.baseline import COLUMNS, baseline
from tests.unit.exhibits.conftest import make_analysis, make_scans


def at(rows, **wanted):
    keep = pd.Series(True, index=rows.index)
    for column, value in wanted.items():
        keep &= rows[column] == value
    assert keep.sum() == 1
    return rows[keep].iloc[0]


@pytest.fixture(scope="module")
def table():
    return baseline(make_analysis(), make_scans())


def test_counts_are_those_of_the_patients(table):
    analysis = make_analysis()
    scanned = analysis["cac_standard"].notna()
    row = at(table, table="table2", variable="male", level="", group="scan")
    assert row["count"] == (scanned & (analysis["sex"] == "male")).sum()
    assert row["fraction"] == row["count"] / scanned.sum()
    assert at(table, table="table2", variable="n", group="no_scan")["n"] == (~scanned).sum()


def test_quartiles_are_of_type_two():
    analysis = make_analysis().head(8).assign(mfr=[1.0, 2, 3, 4, 5, 6, 7, 8], mace=1)
    row = at(baseline(analysis), table="tableS4", variable="mfr", level="", group="overall")
    assert (row["q1"], row["median"], row["q3"]) == (2.5, 4.5, 6.5)


def test_missing_values_get_a_row_and_do_not_count_in_percentages(table):
    missing = int(make_analysis()["bmi"].isna().sum())
    assert (
        missing
        and at(table, table="table2", variable="bmi", level="missing", group="overall")["count"] == missing
    )
    assert not len(table.query("table == 'table2' and variable == 'age' and level == 'missing'"))


def test_no_test_where_a_group_has_no_observation(table):
    assert np.isnan(at(table, table="table2", variable="cac_standard", level="", group="overall")["p"])
    assert 0 <= at(table, table="table2", variable="cac_dl", level="", group="overall")["p"] <= 1


def test_categories_of_a_score_add_up(table):
    rows = table.query(
        "table == 'table2' and variable == 'cac_dl_category' and group == 'overall' and level != ''"
    )
    assert rows["count"].sum() == len(make_analysis())
    assert rows["fraction"].sum() == pytest.approx(1)


def test_nothing_in_nothing_out():
    empty = baseline(None)
    assert list(empty.columns) == COLUMNS and empty.empty
    bare = make_analysis()[["patient_id", "cac_dl", "followup_days", "mace"]]
    assert set(baseline(bare)["table"]) == {"tableS4"}
