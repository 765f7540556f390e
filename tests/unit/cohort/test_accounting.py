"""Nobody is lost: the counts add up on any registries, and the tables have the contract's columns."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calcohort.cohort.analysis import build
from calcohort.cohort.flow import NO_PET, REASONS
from calcohort.cohort.settings import CENSORING, CohortSettings

CONTRACT = [
    "patient_id", "age", "sex", "bmi", "hypercholesterolemia", "smoking", "hypertension", "diabetes",
    "prior_pci", "prior_cabg", "prior_mi", "history_of_cad", "mfr", "sds", "cac_standard", "cac_dl",
    "cac_dl_rest_preferred", "cac_dl_gated", "cac_dl_protocol", "followup_days", "mace", "event_type",
    "death", "death_days",
]  # fmt: skip
PEOPLE = st.sampled_from(list("ABCDEF"))
DAYS = st.integers(-200, 1200)
START = pd.Timestamp("2015-06-01")
KINDS = st.sampled_from(["pci", "cabg", "myocardial_infarction", "unstable_angina", "other"])
PROTOCOLS = st.sampled_from(["ctac_stress", "ctac_rest", "cac_gated", "unknown"])


def frame(rows, columns, date=None) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=columns).astype({"patient_id": "string"})
    if date:
        table[date] = START + pd.to_timedelta(table[date].astype("int64"), unit="D")
    return table


@st.composite
def studies(draw):
    scores = st.tuples(PEOPLE, st.integers(0, 1), PROTOCOLS, st.one_of(st.none(), st.floats(0, 5000)))
    registries = {
        "patients": frame(
            [(name, "male", 60.0) for name in draw(st.sets(PEOPLE))], ["patient_id", "sex", "age"]
        ).astype({"age": float}),
        "pet": frame(
            draw(st.lists(st.tuples(PEOPLE, st.integers(0, 3)))), ["patient_id", "scan_date"], "scan_date"
        ),
        "deaths": frame(
            draw(st.lists(st.tuples(PEOPLE, DAYS, st.integers(0, 2)))),
            ["patient_id", "death_date", "source_rank"],
            "death_date",
        ),
        "events": frame(
            draw(st.lists(st.tuples(PEOPLE, KINDS, DAYS))),
            ["patient_id", "event", "event_date"],
            "event_date",
        ),
        "followup": frame(
            draw(st.lists(st.tuples(PEOPLE, DAYS))), ["patient_id", "last_contact_date"], "last_contact_date"
        ),
    }
    for name in draw(st.sets(st.sampled_from(["deaths", "events"]))):
        del registries[name]
    table = frame(
        draw(st.lists(scores)), ["patient_id", "scan_date", "protocol", "agatston"], "scan_date"
    ).astype({"agatston": float})
    return registries, table, draw(st.sampled_from(CENSORING))


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(studies())
def test_the_counts_add_up_on_any_input(study):
    registries, scores, censoring = study
    chosen = CohortSettings.from_config({"end_of_followup": "2018-01-01", "censoring": censoring})
    result = build(registries, scores, chosen)
    everybody = set(registries["patients"]["patient_id"]) | set(registries["pet"]["patient_id"])
    analysed, excluded = result.analysis["patient_id"].tolist(), result.excluded["patient_id"].tolist()
    assert sorted(analysed + excluded) == sorted(everybody)
    flow = result.flow
    check_steps(flow, len(everybody), len(analysed))
    assert flow["reason"].tolist() == [NO_PET, *REASONS]
    reasons = result.excluded["reason"].value_counts()
    assert all(reasons.get(row.reason, 0) == row.excluded for row in flow.itertuples())
    assert result.analysis.columns.tolist() == CONTRACT
    check_outcomes(result)
    used = result.analysis[["cac_dl", "cac_dl_gated"]].notna().sum().sum()
    with_both = (result.analysis["cac_dl"] != result.analysis["cac_dl_rest_preferred"]).sum()
    check_steps(result.scan_flow, len(scores), result.scan_flow["n_out"].iloc[-1])
    assert used + with_both <= result.scan_flow["n_out"].iloc[-1] <= 3 * len(analysed)


def check_steps(flow, first: int, last: int):
    assert flow["n_in"].iloc[0] == first
    assert flow["n_out"].iloc[-1] == last
    assert (flow["excluded"] >= 0).all()
    assert (flow["n_in"] - flow["excluded"] == flow["n_out"]).all()
    assert flow["n_in"].iloc[1:].tolist() == flow["n_out"].iloc[:-1].tolist()
    assert flow["step"].tolist() == list(range(1, len(flow) + 1))


def check_outcomes(result):
    analysis, endpoints = result.analysis, result.endpoints
    assert (analysis["followup_days"] > 0).all()
    assert analysis["cac_dl"].notna().all()
    assert ((analysis["mace"] == 1) == analysis["event_type"].notna()).all()
    assert (analysis["followup_days"] <= analysis["death_days"]).all()
    assert (analysis.loc[analysis["event_type"] == "death", "death"] == 1).all()
    for _, rows in endpoints.groupby("endpoint"):
        assert rows["patient_id"].is_unique
        inside = rows[rows["included"] == 1]
        assert (inside["followup_days"] > 0).all()
        assert rows.loc[rows["included"] == 0, ["followup_days", "event", "event_type"]].isna().all().all()
    primary = endpoints[(endpoints["endpoint"] == "mace") & (endpoints["included"] == 1)]
    assert primary["patient_id"].tolist() == analysis["patient_id"].tolist()
    assert primary["followup_days"].tolist() == analysis["followup_days"].tolist()
    assert primary["event"].tolist() == analysis["mace"].tolist()


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(studies(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(study, random):
    registries, scores, censoring = study
    chosen = CohortSettings.from_config({"end_of_followup": "2018-01-01", "censoring": censoring})
    # Two rows of one exam or one scan are the one case where the first row counts.
    scores = scores.drop_duplicates(["patient_id", "scan_date", "protocol"])

    def shuffled(table):
        return table.iloc[random.sample(range(len(table)), len(table))].reset_index(drop=True)

    first = build(registries, scores, chosen)
    second = build({name: shuffled(table) for name, table in registries.items()}, shuffled(scores), chosen)
    for name in ("analysis", "endpoints", "excluded", "flow", "scan_flow", "quality"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(second, name))
