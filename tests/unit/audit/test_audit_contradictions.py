"""Numbers that cannot be true together: one small case a rule, then the misprints of the study."""

import pandas as pd
import pytest

from calcohort.audit.claims import CLAIM_COLUMNS
from calcohort.audit.contradictions import check_file, contradictions, read_relations
from calcohort.cli import main
from calcohort.errors import InputError


def check(*rows, relations=()):
    table = pd.DataFrame(
        [{"id": i, "quantity": q} | facts for i, q, facts in rows], columns=list(CLAIM_COLUMNS)
    )
    found = contradictions(table.fillna(""), list(relations))
    return list(zip(found["rule"], found["ids"], found["certain"], strict=True))


def number(identifier, value, quantity="n", **facts):
    return identifier, quantity, {"value": str(value)} | facts


def test_a_percentage_follows_from_its_count():
    assert check(number("x.n", 210, n="1354"), number("x.pct", 16)) == []
    assert check(number("x.n", 210, n="1354"), number("x.pct", 15))[0][2] is True


def test_a_percentage_that_missing_values_explain_is_only_possible():
    assert check(number("x.n", 119, n="956"), number("x.pct", 13))[0][2] is False
    assert check(number("x.n", 208, n="1594"), number("x.pct", 76))[0][2] is True


def test_a_count_stays_within_its_total():
    assert [rule for rule, *_ in check(number("x.n", 1076, n="956"))] == ["count within its total"]


TABLE = (number("t.N.all", 30), number("t.N.a", 10), number("t.N.b", 20))


def test_a_whole_is_the_sum_of_its_parts():
    parts = number("t.male.a.n", 4), number("t.male.b.n", 5)
    assert check(*TABLE, number("t.male.all.n", 9), *parts) == []
    assert [rule for rule, *_ in check(*TABLE, number("t.male.all.n", 10), *parts)] == [
        "whole from its parts"
    ]


def test_categories_add_up_to_their_column():
    assert check(*TABLE, number("t.cac0.a.n", 4), number("t.cac1.a.n", 6)) == []
    found = check(*TABLE, number("t.cac0.a.n", 4), number("t.cac1.a.n", 5))
    assert [rule for rule, *_ in found] == ["categories sum to the total"]


def test_an_overall_median_lies_between_those_of_the_groups():
    groups = number("t.age.a", 60), number("t.age.b", 70)
    assert check(*TABLE, number("t.age.all", 66), *groups) == []
    assert [rule for rule, *_ in check(*TABLE, number("t.age.all", 75), *groups)] == [
        "overall between the groups"
    ]


def test_a_test_needs_two_groups_with_data():
    found = check(*TABLE, number("t.cac.all", 5, p="<0.001"), number("t.cac.b", 5))
    assert [rule for rule, *_ in found] == ["a test needs two groups"]


@pytest.mark.parametrize(
    "value, low, high, rule",
    [("0.1", "-0.02", "0.16", ["interval even around the estimate"]), ("-0.11", "-0.15", "-0.07", []),
     ("0.9", "1.0", "1.2", ["estimate within its interval"])],
)  # fmt: skip
def test_an_interval_lies_around_its_estimate(value, low, high, rule):
    found = check(number("nri", value, "NRI", ci_low=low, ci_high=high))
    assert [one for one, *_ in found] == rule


def test_a_hazard_ratio_is_even_on_the_logarithm():
    assert check(number("hr", "3.2", "HR", ci_low="2.7", ci_high="3.79")) == []
    assert check(number("hr", "3.2", "HR", ci_low="2.6", ci_high="3.8")) == []
    assert check(number("hr", "3.2", "HR", ci_low="1.0", ci_high="3.5")) != []


def test_p_follows_from_the_interval():
    good = {"ci_low": "1.01", "ci_high": "1.56", "p": "0.043"}
    assert check(number("hr", "1.25", "HR", **good)) == []
    assert [rule for rule, *_ in check(number("hr", "1.25", "HR", **good | {"p": "0.43"}))] == [
        "p from the interval"
    ]
    assert [rule for rule, *_ in check(number("hr", "1.25", "HR", **good | {"p": "<0.001"}))] == [
        "p from the interval"
    ]


def test_relations_between_places():
    rows = number("a", 956), number("b", 744), number("c", 212), number("d", 184)
    assert (
        check(*rows, relations=[{"total": "a", "parts": ["b", "c"]}, {"total": "c", "parts": ["a", "-b"]}])
        == []
    )
    assert len(check(*rows, relations=[{"total": "a", "parts": ["b", "d"]}, {"equal": ["c", "d"]}])) == 2
    assert check(*rows, relations=[{"equal": ["a", "not_there"]}]) == []


# What the published study gets wrong, each found by the rule that it breaks.
MISPRINTS = [
    ("percentage from count", "res.revasc_n"),
    ("percentage from count", "t2.cad.noscan.n"),
    ("percentage from count", "t1.smoking.train.n"),
    ("percentage from count", "t2.cac0.all.n"),
    ("count within its total", "t1.smoking.val.n"),
    ("whole from its parts", "t2.cad.noscan.n"),
    ("categories sum to the total", "t2.cac0.all.n"),
    ("overall between the groups", "t2.cac.all"),
    ("a test needs two groups", "t2.cac.all"),
    ("interval even around the estimate", "res.nri_ev"),
    ("one quantity, one number", "abs.train_scans"),
    ("one quantity, one number", "res.int_gated"),
    ("total from its parts", "res.int_gated"),
    ("total from its parts", "res.int_ctac"),
]


@pytest.mark.parametrize("rule, identifier", MISPRINTS)
def test_the_misprints_of_the_study_are_found(paper, rule, identifier):
    found = check_file(paper / "targets.csv")
    assert (
        (found["rule"] == rule)
        & found["ids"].str.split().map(lambda ids: identifier in ids)
        & found["certain"]
    ).any()


def test_sound_numbers_of_the_study_are_left_alone(paper):
    found = check_file(paper / "targets.csv")
    named = {identifier for ids in found.loc[found["certain"], "ids"] for identifier in ids.split()}
    assert (
        not {"res.hr_adj_1", "t3.std.1", "t3.dl.1", "res.kappa_ext", "res.nri", "res.first_death_n"} & named
    )
    assert len(found[found["certain"]]) == 19


def test_the_command_lists_them_and_fails(paper, capsys):
    assert main(["claims", "check", str(paper / "targets.csv")]) == 1
    assert "1076 of 956 is more than all" in capsys.readouterr().out


def test_a_relation_that_says_nothing_is_refused(tmp_path):
    (tmp_path / "relations.yaml").write_text("- {sum: [a, b]}\n")
    with pytest.raises(InputError, match="neither equal nor total"):
        read_relations(tmp_path / "relations.yaml")


def test_quartiles_of_a_whole_lie_between_those_of_its_groups():
    iqr = {"quantity": "Score, median (IQR)"}
    groups = [
        number("t.s.a", 60, ci_low="1", ci_high="100", **iqr),
        number("t.s.b", 70, ci_low="2", ci_high="120", **iqr),
    ]
    assert check(*TABLE, number("t.s.all", 66, ci_low="1.5", ci_high="110", **iqr), *groups) == []
    found = check(*TABLE, number("t.s.all", 66, ci_low="1.5", ci_high="150", **iqr), *groups)
    assert [rule for rule, *_ in found] == ["overall between the groups"]


def test_parts_that_were_rounded_may_miss_their_total_by_their_rounding():
    parts = number("e", "0.10"), number("n", "-0.11")
    link = {"total": "all", "parts": ["e", "n"]}
    assert check(number("all", "-0.017"), *parts, relations=[link]) == []
    assert len(check(number("all", "-0.027"), *parts, relations=[link])) == 1
    assert len(check(number("all", 31), number("e", 10), number("n", 20), relations=[link])) == 1


@pytest.mark.parametrize(
    ("facts", "rules"),
    [
        ({"value": "2.0", "ci_low": "1.9", "ci_high": "2.1", "p": "P < .001"}, []),
        ({"value": "1.05", "ci_low": "1.01", "ci_high": "1.10", "p": "p = 0.6"}, ["p from the interval"]),
        ({"value": "1.5", "ci_low": "1.8", "ci_high": "1.2", "p": "0.04"}, ["estimate within its interval"]),
        ({"value": "0.5", "ci_low": "-0.1", "ci_high": "0.9", "p": "0.03"}, ["a ratio is positive"]),
        ({"value": "0", "ci_low": "0", "ci_high": "1", "p": "NS"}, []),
        ({"value": "−0.5", "ci_low": "−0.9", "ci_high": "−0.1", "p": ""}, ["a ratio is positive"]),
    ],
)
def test_numbers_as_people_print_them(facts, rules):
    value = facts.pop("value")
    assert [rule for rule, *_ in check(number("x", value, quantity="HR for death", **facts))] == rules


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_needs_id_and_value_alone(tmp_path):
    file = write(tmp_path / "draft.csv", 'id,value,n\nmen.n,"1,210","4,331"\nmen.pct,53%,\n')
    (found,) = check_file(file).itertuples()
    assert found.rule == "percentage from count" and "printed 53%;" in found.message
    with pytest.raises(InputError, match="no column value"):
        check_file(write(tmp_path / "none.csv", "id,n\nx,1\n"))


def test_semicolons_come_with_decimal_commas(tmp_path):
    file = write(tmp_path / "de.csv", "\ufeffid;quantity;value;ci_low;ci_high;p\nx;HR;1,2;1,0;1,1;0,05\n")
    assert list(check_file(file)["message"])[0] == "1.2 (1.0, 1.1)"


@pytest.mark.parametrize("text", ["", "x: 1", "- 3", "- {foo: 1}"])
def test_a_relations_file_that_is_none_is_one_line(tmp_path, text):
    with pytest.raises(InputError, match="relation"):
        read_relations(write(tmp_path / "relations.yaml", text))
