"""Small counts are withheld with enough others that nobody can compute them back."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from calcohort.cohort.disclosure import Relation, merged_flow, withheld
from calcohort.cohort.flow import REASONS, flow

LIMIT = 11


def crosstab(cells: np.ndarray) -> tuple[dict, list[Relation]]:
    """Counts of a table with its margins, and what the margins say."""
    whole = np.zeros(np.array(cells.shape) + 1, dtype=int)
    whole[1:, 1:] = cells
    whole[0, 1:], whole[1:, 0] = cells.sum(axis=0), cells.sum(axis=1)
    whole[0, 0] = cells.sum()
    counts = {place: int(whole[place]) for place in np.ndindex(whole.shape)}
    rows, columns = whole.shape
    relations = [Relation((i, 0), tuple((i, j) for j in range(1, columns))) for i in range(rows)]
    relations += [Relation((0, j), tuple((i, j) for i in range(1, rows))) for j in range(columns)]
    return counts, relations


def attack(cell, counts, relations, hidden) -> tuple[float, float]:
    """What an attacker finds for a withheld count: every relation at once, nothing below 0."""
    cells = sorted(counts)
    rows, right = [], []
    for relation in relations:
        rows.append([(c in relation.parts) * 1.0 - (c == relation.total) * 1.0 for c in cells])
        right.append(0.0)
    bounds = [(0, None) if c in hidden else (counts[c], counts[c]) for c in cells]
    goal = np.array([float(c == cell) for c in cells])
    ends = [linprog(s * goal, A_eq=rows, b_eq=right, bounds=bounds) for s in (1, -1)]
    return tuple(s * end.fun if end.success else np.inf for s, end in zip((1, -1), ends, strict=True))


TABLES = st.integers(2, 4).flatmap(
    lambda columns: st.lists(
        st.lists(st.integers(0, 60), min_size=columns, max_size=columns), min_size=2, max_size=4
    )
)


@settings(max_examples=12, deadline=None)
@given(TABLES)
def test_no_small_count_can_be_computed_from_totals(rows):
    counts, relations = crosstab(np.array(rows))
    hidden = withheld(counts, relations, LIMIT)
    small = {cell for cell, count in counts.items() if 0 < count < LIMIT}
    assert small <= hidden
    published = [counts[c] for c in counts if c not in hidden]
    for cell in small:
        low, high = attack(cell, counts, relations, hidden)
        # Either the attacker has eleven or more values to choose from, or nothing of the table is published.
        assert high - low >= LIMIT - 1 - 1e-6 or not any(published)


def test_without_small_counts_nothing_is_withheld():
    counts, relations = crosstab(np.array([[11, 0], [40, 12]]))
    assert withheld(counts, relations, LIMIT) == set()


def test_the_limit_itself_may_be_shown_and_one_less_may_not():
    assert withheld({"a": 11}, [], LIMIT) == set()
    assert withheld({"a": 10}, [], LIMIT) == {"a"}
    assert withheld({"a": 1}, [], LIMIT) == {"a"}
    assert withheld({"a": 0}, [], LIMIT) == set()


def test_one_small_count_takes_another_with_it_in_every_direction():
    counts, relations = crosstab(np.array([[3, 50, 60], [70, 80, 90], [75, 85, 95]]))
    hidden = withheld(counts, relations, LIMIT)
    assert (1, 1) in hidden
    assert len(hidden) >= 4


def steps(**excluded) -> pd.DataFrame:
    reasons = [name for name, count in excluded.items() for _ in range(count)]
    return flow(pd.Series([*reasons, *[None] * 500], dtype="string"), 40)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=5, max_size=5), st.integers(0, 40), st.integers(0, 40))
def test_no_step_of_the_public_flow_is_small(excluded, analysed, no_pet):
    reasons = [name for name, count in zip(REASONS, excluded, strict=True) for _ in range(count)]
    whole = flow(pd.Series([*reasons, *[None] * analysed], dtype="string"), no_pet)
    public = merged_flow(whole, LIMIT)
    numbers = public[["n_in", "excluded", "n_out"]]
    assert not numbers.map(lambda n: pd.notna(n) and 0 < n < LIMIT).any(axis=None)
    if numbers.notna().all(axis=None):
        assert public["n_in"].iloc[0] == whole["n_in"].iloc[0]
        assert public["n_out"].iloc[-1] == whole["n_out"].iloc[-1]
        assert public["excluded"].sum() == whole["excluded"].sum()
    else:
        assert numbers.notna().to_numpy().sum() <= 1


def test_small_steps_of_the_flow_are_put_together():
    public = merged_flow(steps(missing_followup=30, missing_ctac=4, corrupt_ctac=9), LIMIT)
    assert public["excluded"].tolist() == [40, 0, 30, 0, 13]
    assert public["reason"].iloc[-1] == "missing_ctac or corrupt_ctac"


@pytest.mark.parametrize("few", [1, 10])
def test_a_flow_with_few_exclusions_in_all_shows_one_number(few):
    public = merged_flow(flow(pd.Series(["missing_ctac"] * few + [None] * 500, dtype="string"), 0), LIMIT)
    assert public["n_in"].tolist() == [500 + few]
    assert public[["excluded", "n_out"]].isna().all(axis=None)
