"""The split is by patient, near its shares, and stays where it was."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calcohort.categories import CATEGORIES
from calcohort.errors import InputError
from calcohort.training.split import hold_out, split_balanced, split_patients


def scans(count, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "patient_id": [f"p{index // 2}" for index in range(count)],
            "site": rng.choice(["north", "south"], count),
            "scan_type": rng.choice(["ctac_stress", "cac_gated"], count),
            "category": rng.choice(CATEGORIES, count),
        }
    )


def test_shares_are_near_what_was_asked_for():
    share = split_patients(scans(2000)).value_counts(normalize=True)
    assert abs(share["train"] - 0.8) < 0.03
    assert abs(share["validation"] - 0.1) < 0.03
    assert abs(share["test"] - 0.1) < 0.03


def test_every_stratum_is_dealt_out_alike():
    table = scans(4000)
    table["patient_id"] = [f"p{index}" for index in range(len(table))]
    split = split_patients(table)
    table["split"] = table["patient_id"].map(split)
    for _, part in table.groupby(["site", "scan_type", "category"]):
        assert abs((part["split"] == "train").mean() - 0.8) < 0.02


@given(st.integers(2, 60), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_order_of_the_rows_does_not_matter(count, seed):
    table = scans(count, seed)
    mixed = table.sample(frac=1, random_state=seed)
    pd.testing.assert_series_equal(split_patients(table), split_patients(mixed))


def test_an_earlier_split_stays_when_scans_are_added():
    table = scans(400)
    first = split_patients(table)
    more = scans(600)
    second = split_patients(more, previous=first)
    pd.testing.assert_series_equal(second[first.index], first)
    assert set(second.index) == set(more["patient_id"])


def test_a_new_patient_moves_nobody_of_another_stratum():
    table = scans(400).drop_duplicates("patient_id")
    new = pd.DataFrame([{"patient_id": "new", "site": "north", "scan_type": "cac_gated", "category": ">400"}])
    first, second = split_patients(table), split_patients(pd.concat([table, new]))
    same = (
        table[["site", "scan_type", "category"]]
        .eq(new.iloc[0][["site", "scan_type", "category"]])
        .all(axis=1)
    )
    others = table.loc[~same, "patient_id"]
    assert (first[others] == second[others]).all()


def test_wrong_shares_and_missing_columns_are_named():
    with pytest.raises(InputError, match="add up"):
        split_patients(scans(4), fractions=(0.8, 0.1, 0.2))
    with pytest.raises(InputError, match="site"):
        split_patients(scans(4).drop(columns="site"))


@given(st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=40), st.integers(1, 10))
@settings(deadline=None)
def test_held_out_patients_are_on_one_side_only(patients, count):
    train, validation = hold_out(patients, count)
    names = np.array(patients)
    assert not set(names[train]) & set(names[validation])
    assert len(train) + len(validation) == len(patients)
    assert len(validation) <= count
    assert len(train) > 0


def test_a_balanced_split_holds_out_as_many_of_each_category():
    rng = np.random.default_rng(3)
    table = scans(9543)
    table["patient_id"] = [f"p{index}" for index in range(len(table))]
    table["category"] = rng.choice(CATEGORIES, len(table), p=(0.34, 0.22, 0.17, 0.27))
    table["split"] = table["patient_id"].map(split_balanced(table))
    counts = table.groupby(["split", "category"]).size().unstack()
    assert (counts.loc[["validation", "test"]] == 239).all(axis=None)


def test_a_balanced_split_keeps_an_earlier_one_and_refuses_too_few():
    more = scans(1000)
    more["patient_id"] = [f"p{index}" for index in range(len(more))]
    table = more[:800]
    first = split_balanced(table)
    second = split_balanced(more, previous=first)
    assert (second[first.index] == first).all()
    few = table[table["category"] != ">400"]
    with pytest.raises(InputError, match=">400"):
        split_balanced(few)
