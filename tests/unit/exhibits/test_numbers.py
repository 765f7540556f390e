"""Numbers are printed as gtsummary prints them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcohort.exhibits.numbers import FORMATS, median_format, percent, pvalue, ratio, round_half_away, show


@pytest.mark.parametrize(
    ("p", "text"),
    [
        # The examples of gtsummary's help page for style_pvalue.
        *zip(
            (1, 0.999, 0.5, 0.25, 0.2, 0.197, 0.12, 0.10, 0.0999, 0.06, 0.03, 0.002, 0.001, 0.00099, 0.0002),
            (">0.9", ">0.9", "0.5", "0.3", "0.2", "0.2", "0.12", "0.10", "0.10", "0.060", "0.030", "0.002",
             "0.001", "<0.001", "<0.001"),
            strict=True,
        ),
        (1.5, "–"),
        (-1, "–"),
    ],
)  # fmt: skip
def test_p_values(p, text):
    assert pvalue(p) == text


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(0, "0"), (0.0001, "<0.1"), (0.005, "0.5"), (0.01, "1.0"), (0.1, "10"), (0.45356, "45"), (1, "100")],
)
def test_percentages(fraction, text):
    assert percent(fraction) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.867, "0.87"), (1.0, "1.00"), (1.255, "1.26"), (3.19, "3.19"), (12.34, "12.3"), (123.4, "123")],
)
def test_hazard_ratios(value, text):
    assert ratio(value) == text


def test_halves_go_away_from_zero_even_where_binary_fractions_fall_short():
    assert round_half_away(2.675, 2) == 2.68
    assert round_half_away(-2.5) == -3
    assert round_half_away(0.5) == 1


def test_minus_zero_and_missing():
    assert show(-0.001, "fixed2") == "0.00"
    assert show(-1.5, "fixed1") == "−1.5"
    assert show(float("nan"), "hr") == "–"
    assert show(None, "count") == "–"
    assert show(float("inf"), "hr") == "∞"


@pytest.mark.parametrize(
    ("spread", "whole", "key"),
    [(0.005, False, "fixed4"), (2.9, False, "fixed2"), (12, False, "fixed1"), (40, False, "fixed0"),
     (3, True, "fixed0"), (math.nan, False, "fixed0")],
)  # fmt: skip
def test_digits_of_a_median_follow_its_spread(spread, whole, key):
    assert median_format(spread, whole) == key


@given(st.floats(-1e9, 1e9), st.sampled_from(["fixed0", "fixed1", "fixed2", "fixed3", "fixed4"]))
def test_fixed_numbers_read_back_within_half_a_unit(value, key):
    digits = int(key[-1])
    read = float(show(value, key).replace(",", "").replace("−", "-"))
    assert abs(read - value) <= 0.5 * 10**-digits + 1e-6


@given(st.sampled_from(sorted(FORMATS)), st.one_of(st.none(), st.floats(), st.integers(-(10**9), 10**9)))
def test_every_format_takes_every_number(key, value):
    assert show(value, key)
