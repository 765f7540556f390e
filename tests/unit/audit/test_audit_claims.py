"""Verdicts on published numbers, and where a run's numbers come from."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcohort.audit import claims
from calcohort.audit.quantities import Unavailable, from_data, from_row
from calcohort.audit.verdicts import (
    VERDICTS,
    Estimate,
    Published,
    as_printed,
    judge,
    parse_published,
    side,
    wilson,
)
from calcohort.cli import main
from calcohort.errors import InputError

HR = Published(value=3.2, low=2.7, high=3.79, p="<0.001", n=4331, decimals=2)


def verdict(estimate, kind="ratio", published=HR):
    return judge(published, estimate, kind)[0]


def test_same_number_and_narrow_interval_is_compatible_and_precise():
    assert verdict(Estimate(3.1, 2.6, 3.7)) == "compatible and precise"


def test_same_number_with_a_wide_interval_is_imprecise():
    assert verdict(Estimate(3.1, 1.4, 6.9)) == "compatible but imprecise"


def test_the_limit_of_precision_is_one_and_a_half_published_widths():
    kappa = Published(0.62, 0.60, 0.64, "", 2737, 2)
    assert verdict(Estimate(0.62, 0.591, 0.649), "difference", kappa) == "compatible and precise"
    assert verdict(Estimate(0.62, 0.589, 0.651), "difference", kappa) == "compatible but imprecise"


def test_a_difference_beyond_both_intervals_differs():
    assert verdict(Estimate(1.5, 1.3, 1.7)) == "differs"


def test_rounding_of_the_published_number_is_no_difference():
    nri = Published(-0.02, -0.0201, -0.0199, "", 2737, 2)
    assert verdict(Estimate(-0.017, -0.01702, -0.01698), "difference", nri).startswith("compatible")


@pytest.mark.parametrize(
    "published, p, expected",
    [("0.043", 0.02, "compatible and precise"), ("<0.001", 0.2, "differs"),
     (">0.9", 0.2, "compatible and precise"),
     ("", 0.2, "not computable"), ("0.19", float("nan"), "not computable")],
)  # fmt: skip
def test_p_values_are_compared_by_their_side_of_005(published, p, expected):
    assert verdict(Estimate(None, p=p), "p", Published(None, None, None, published, 100, 0)) == expected


def test_percentages_without_an_interval_get_wilsons():
    published = Published(31.0, None, None, "", 4331, 0)
    assert verdict(Estimate(31.4, 30.0, 32.8), "percent", published) == "compatible and precise"
    assert verdict(Estimate(40.0, 38.5, 41.5), "percent", published) == "differs"
    assert verdict(Estimate(30.0, 21.0, 40.0), "percent", published) == "compatible but imprecise"


def test_counts_are_compared_as_shares_of_their_own_totals():
    published = Published(1354, None, None, "", 4331, 0)
    low, high = wilson(31, 100)
    assert (
        verdict(Estimate(31, 100 * low, 100 * high, n=100), "count", published) == "compatible but imprecise"
    )
    low, high = wilson(60, 100)
    assert verdict(Estimate(60, 100 * low, 100 * high, n=100), "count", published) == "differs"
    assert verdict(Estimate(60, 50, 70), "count", published) == "not computable"


def test_medians_take_the_published_precision_from_the_quartiles():
    age = Published(71, 64, 79, "", 4331, 0)
    assert verdict(Estimate(71, 70.8, 71.2), "median", age) == "compatible and precise"
    assert verdict(Estimate(65, 64, 66), "median", age) == "differs"


def test_a_bound_is_kept_or_not():
    bound = Published(6.0, None, None, "", None, 0, bound="<")
    assert verdict(Estimate(3.0), "difference", bound) == "compatible and precise"
    assert verdict(Estimate(9.0), "difference", bound) == "differs"


def test_a_sample_size_is_no_estimate():
    assert verdict(Estimate(100), "size", Published(4331, None, None, "", 4331, 0)) == "not computable"


@given(st.integers(0, 200), st.integers(1, 200))
def test_wilson_holds_the_share_and_stays_inside_0_and_1(count, n):
    count = min(count, n)
    low, high = wilson(count, n)
    assert -1e-12 <= low <= count / n + 1e-12 and count / n - 1e-12 <= high <= 1 + 1e-12


def test_wilson_agrees_with_statsmodels():
    from statsmodels.stats.proportion import proportion_confint

    assert wilson(30, 131) == pytest.approx(proportion_confint(30, 131, method="wilson"), abs=1e-12)


def test_published_texts_become_numbers():
    claim = {"value": "<6", "ci_low": "", "ci_high": "", "p": "", "n": ""}
    assert parse_published(claim).bound == "<" and parse_published(claim).value == 6.0
    assert parse_published(claim | {"value": "2-7"}).value is None
    assert parse_published(claim | {"value": "3.2", "ci_high": "3.79"}).decimals == 2
    assert side("0.05") == "above" and side("<0.05") == "below" and side("<0.5") == ""


COX = pd.DataFrame(
    {"population": ["all", "all"], "endpoint": ["death", "mace"], "term": [">400", ">400"],
     "estimate": [9.0, 3.1],
     "ci_low": [8.0, 2.6], "ci_high": [10.0, 3.7], "p": [0.1, 0.001], "n": [100, 100]}
)  # fmt: skip
ROW = {"file": "statistics/cox.csv", "row": {"population": "all", "term": ">400"}, "column": "estimate",
       "low": "ci_low", "high": "ci_high", "p": "p", "n": "n"}  # fmt: skip


def test_a_row_is_of_the_primary_endpoint_unless_another_is_asked_for():
    found = from_row(COX, ROW)
    assert (found.value, found.low, found.row, found.file) == (3.1, 2.6, 1, "statistics/cox.csv")
    assert from_row(COX, ROW | {"row": {"endpoint": "death"}}).value == 9.0


def test_what_is_not_there_is_named():
    with pytest.raises(Unavailable, match="no row with population paired"):
        from_row(COX, ROW | {"row": {"population": "paired"}})
    with pytest.raises(Unavailable, match="no column score"):
        from_row(COX, ROW | {"row": {"score": "x"}})
    with pytest.raises(Unavailable, match="no column sds"):
        from_data(PATIENTS, {"file": "f", "median": "sds"}, key=("k",), replicates=10)


PATIENTS = pd.DataFrame(
    {
        "sex": ["male", "male", "female", None],
        "age": [50.0, 60.0, 70.0, 80.0],
        "cac_standard": [0, 50, np.nan, 500],
    }
)


def test_counts_and_shares_leave_missing_values_out():
    count = from_data(PATIENTS, {"file": "f", "count": {"sex": "male"}}, key=("k",), replicates=10)
    assert (count.value, count.n) == (2, 3)
    share = from_data(PATIENTS, {"file": "f", "percent": {"sex": "male"}}, key=("k",), replicates=10)
    assert share.value == pytest.approx(200 / 3) and share.low < share.value < share.high
    zero = from_data(PATIENTS, {"file": "f", "count": {"standard_category": "0"}}, key=("k",), replicates=10)
    assert (zero.value, zero.n) == (1, 3)
    scans = from_data(
        PATIENTS, {"file": "f", "count": {"cac_standard": "present"}}, key=("k",), replicates=10
    )
    assert (scans.value, scans.n) == (3, 4)


def test_medians_have_a_seeded_bootstrap_interval():
    spec = {"file": "f", "median": "age", "within": {"sex": ["male", "female"]}}
    first = from_data(PATIENTS, spec, key=("claims", 1, "x"), replicates=200)
    assert (first.value, first.n, first.interval) == (60.0, 3, "bootstrap")
    assert first == from_data(PATIENTS, spec, key=("claims", 1, "x"), replicates=200)


def test_the_mapping_of_the_study_covers_every_published_number_once(paper):
    published = claims.read_claims(paper / "targets.csv")
    mapping = claims.read_mapping(paper / "claims.yaml")
    assert set(mapping) == set(published["id"])


def test_every_claim_of_a_run_gets_one_of_the_five_verdicts_and_a_source(full_run):
    table = pd.read_csv(full_run / "audit/claims.csv", keep_default_na=False)
    assert len(table) == 291 and set(table["verdict"]) <= set(VERDICTS)
    computed = table[table["verdict"] != "not computable"]
    assert len(computed) > 50 and (computed["file"] != "").all()
    assert (table.loc[table["verdict"] == "not computable", "reason"] != "").all()
    counts = pd.read_csv(full_run / "audit/claims_summary.csv")
    assert counts["count"].sum() == 291


def test_what_a_cohort_was_made_to_have_never_supports_anything():
    published = pd.DataFrame(
        [["a", "s", "HR", "3.2", "2.7", "3.79", "", "4331", "", ""],
         ["b", "s", "HR", "3.2", "2.7", "3.79", "", "4331", "", ""]],
        columns=list(claims.CLAIM_COLUMNS),
    )  # fmt: skip
    spec = ROW | {"kind": "ratio"}
    mapping = {"a": spec | {"calibrated": True}, "b": spec}
    simulated = claims.compare(published, mapping, lambda file: COX, calibrated=True)
    assert list(simulated["verdict"]) == ["by construction", "compatible and precise"]
    real = claims.compare(published, mapping, lambda file: COX, calibrated=False)
    assert list(real["verdict"]) == ["compatible and precise"] * 2


def test_a_claims_file_that_cannot_be_used_is_refused_in_one_line(tmp_path):
    path = tmp_path / "claims.csv"
    path.write_text("id,section\na,1\n")
    with pytest.raises(InputError, match="has no column value"):
        claims.read_claims(path)
    row = "a,s,q,1,,,,,,\n"
    path.write_text(",".join(claims.CLAIM_COLUMNS) + "\n" + row + row)
    with pytest.raises(InputError, match="a is there twice"):
        claims.read_claims(path)


def claim_of(**facts):
    return dict.fromkeys(claims.CLAIM_COLUMNS, "") | {"id": "x", "quantity": "HR"} | facts


def test_the_test_of_the_difference_by_hand():
    """HR 3.2 (2.7, 3.79) beside 2.77 (2.35, 3.27): z = 1.18, p = 0.24; beside 2.2 (1.9, 2.55): z = 3.2."""
    assert verdict(Estimate(2.77, 2.35, 3.27)) == "compatible and precise"
    assert verdict(Estimate(2.2, 1.9, 2.55)) == "differs"
    # kappa 0.62 (0.60, 0.64): SE 0.0102 each; a difference of 0.035 has z = 2.08 beyond half a printed unit.
    kappa = Published(0.62, 0.60, 0.64, "", 2737, 2)
    assert verdict(Estimate(0.655, 0.635, 0.675), "difference", kappa) == "differs"
    assert verdict(Estimate(0.645, 0.625, 0.665), "difference", kappa) == "compatible and precise"


@pytest.mark.parametrize(
    ("facts", "estimate", "kind", "same"),
    [
        (
            {"value": "2.77", "ci_low": "2.35", "ci_high": "3.27"},
            Estimate(2.7651, 2.3451, 3.2749),
            "ratio",
            True,
        ),
        (
            {"value": "2.97", "ci_low": "2.35", "ci_high": "3.27"},
            Estimate(2.7651, 2.3451, 3.2749),
            "ratio",
            False,
        ),
        ({"value": "2.77", "p": "p < 0.001"}, Estimate(2.7651, p=0.0004), "ratio", True),
        ({"value": "2.77", "p": "0.043"}, Estimate(2.7651, p=0.0434), "ratio", True),
        ({"value": "2.77", "p": "0.043"}, Estimate(2.7651, p=0.0437), "ratio", False),
        ({"value": "71", "ci_low": "64", "ci_high": "79"}, Estimate(71.0, 70.5, 71.5), "median", True),
        ({"value": "1,356"}, Estimate(1356.0), "count", True),
        ({"value": "-0.5"}, Estimate(-0.45), "difference", True),
        ({"value": ""}, Estimate(1.0), "ratio", None),
    ],
)
def test_a_slip_of_the_pen_is_found_though_no_test_would_find_it(facts, estimate, kind, same):
    assert as_printed(claim_of(**facts), estimate, kind) is same


def npv_table():
    return pd.DataFrame(
        {
            "population": ["paired", "paired"],
            "score": ["standard", "dl_ctac"],
            "estimate": [0.85, 0.83],
            "ci_low": [0.82, 0.80],
            "ci_high": [0.875, 0.855],
            "n_negative": [685, 878],
            "n": [2737, 2737],
        }
    )


def test_a_percentage_of_a_part_takes_the_part_as_its_total():
    spec = {"kind": "percent", "file": "npv.csv", "row": {"score": "standard"}, "column": "estimate"}
    spec |= {"low": "ci_low", "high": "ci_high", "n": "n_negative", "scale": 100}
    table = pd.DataFrame([claim_of(value="85", n="2737")])
    whole = claims.compare(table, {"x": spec}, lambda file: npv_table())
    assert whole["verdict"][0] == "compatible but imprecise"
    part = claims.compare(table, {"x": spec | {"share_of": "n"}}, lambda file: npv_table())
    assert part["verdict"][0] == "compatible and precise"


def test_a_published_total_may_be_another_claim():
    table = pd.DataFrame([claim_of(value="685", n="4331"), claim_of(id="all", value="2737")])
    spec = {"kind": "count", "file": "a.csv", "within": {"s": "present"}, "count": {"s": 0}}
    data = pd.DataFrame({"s": [0.0] * 685 + [1.0] * 2052 + [np.nan] * 1594})
    size = {"kind": "size", "file": "a.csv", "count": {"s": "present"}}
    found = claims.compare(table, {"x": spec, "all": size}, lambda file: data)
    assert found["verdict"][0] == "differs"
    found = claims.compare(table, {"x": spec | {"published_n": "all"}, "all": size}, lambda file: data)
    assert found["verdict"][0] == "compatible and precise"


def test_of_several_pairs_the_weakest_is_held_against_a_bound():
    tests = pd.DataFrame({"comparison": ["a", "b", "c"], "p": [1e-9, 0.2, np.nan]})
    spec = {"kind": "p", "file": "l.csv", "row": {"comparison": ["a", "b", "c"]}, "p": "p", "largest": "p"}
    found = claims.compare(pd.DataFrame([claim_of(p="<0.0001")]), {"x": spec}, lambda file: tests)
    assert found["verdict"][0] == "differs" and found["row"][0] == 1


def test_a_draft_is_held_against_its_run(tmp_path, capsys):
    (tmp_path / "run/statistics").mkdir(parents=True)
    npv_table().to_csv(tmp_path / "run/statistics/npv.csv", index=False)
    draft = tmp_path / "draft.csv"
    where = "kind,file,where,column\n"
    draft.write_text(
        f"id,value,ci_low,ci_high,n,{where}"
        "a,85,82,88,685,percent,statistics/npv.csv,population=paired; score=standard,estimate\n"
        "b,84,80,86,878,percent,statistics/npv.csv,population=paired; score=dl_ctac,estimate\n"
    )
    assert (
        main(["claims", "compare", str(draft), str(tmp_path / "run"), "--out", str(tmp_path / "o.csv")]) == 1
    )
    said = capsys.readouterr().out
    assert "b: printed 84 (80, 86), the run gives 83" in said and "a: printed" not in said
    assert list(pd.read_csv(tmp_path / "o.csv")["as_printed"]) == ["yes", "no"]
    draft.write_text(draft.read_text().replace("b,84", "b,83"))
    assert main(["claims", "compare", str(draft), str(tmp_path / "run")]) == 0


def test_a_draft_that_nobody_can_place_is_one_line(tmp_path, capsys):
    draft = tmp_path / "draft.csv"
    draft.write_text("id,value\na,1\n")
    assert main(["claims", "compare", str(draft), str(tmp_path)]) == 2
    assert "nothing says where a run holds these numbers" in capsys.readouterr().err
    assert main(["claims", "compare", str(draft), str(tmp_path / "none")]) == 2
    assert "there is no such run" in capsys.readouterr().err
