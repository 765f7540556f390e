"""Public tables: an attacker with totals and percentages cannot compute a count that was withheld."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from calcohort.cohort.public import SOURCES, public_frames
from calcohort.exhibits.baseline import baseline
from calcohort.exhibits.exhibit import read_inputs
from calcohort.exhibits.public import TABLES, public_exhibit
from calcohort.exhibits.registry import EXHIBITS
from calcohort.exhibits.write import write
from calcohort.simulate.cohort import analysis_table
from calcohort.statistics.run import FAMILIES
from calcohort.tables import write_csv

pytestmark = pytest.mark.slow

LIMIT = 11
COUNT = re.compile(r"^([\d,]+)")
SHARE = re.compile(r"^([\d,]+) \(([\d.]+)%\)$")


def study(n: int, seed: int, rare: float) -> pd.DataFrame:
    """An analysis table in which some things are rare."""
    random = np.random.default_rng(seed)
    table = analysis_table(random, n).drop(columns=["latent"], errors="ignore")
    for column in ("hypercholesterolemia", "smoking", "hypertension", "diabetes", "prior_pci", "prior_cabg"):
        table[column] = (random.random(n) < rare).astype(float)
        table.loc[random.random(n) < rare / 4, column] = np.nan
    table["sex"] = np.where(random.random(n) < 0.5, "male", "female")
    return table


def frames_of(table: pd.DataFrame, *families: str) -> dict[str, pd.DataFrame]:
    settings = {"bootstrap_replicates": 10, "optimism_replicates": 2}
    frames = {"statistics/baseline.csv": baseline(table)}
    for family in families:
        for name, frame in FAMILIES[family](table, settings=settings).items():
            frames[f"statistics/{name}.csv"] = frame
    return {name: frame for name, frame in frames.items() if name in SOURCES}


@pytest.fixture(scope="module", params=[(300, 1, 0.03), (900, 3, 0.01)], ids=str)
def printed(request, tmp_path_factory):
    """The statistics of a study, and its public tables as printed: {table: [[cell, ...], ...]}."""
    folder = tmp_path_factory.mktemp("public")
    families = ("followup", "cox", "npv", "npv_comparison", "agreement", "concordance_index")
    frames = frames_of(study(*request.param), *(families if request.param[0] == 300 else ("followup",)))
    for name, frame in frames.items():
        write_csv(frame, folder / "whole" / name)
    frames = read_inputs(folder / "whole", SOURCES)
    public = public_frames(frames, LIMIT)
    tables = {}
    for name in TABLES:
        exhibit = public_exhibit(EXHIBITS[name], LIMIT)
        write(name, exhibit, {s: public[s] for s in exhibit.sources if s in public}, {}, folder)
        cells = pd.read_csv(folder / f"tables/{name}.csv", dtype=str, keep_default_na=False)
        if "row" in cells:
            tables[name] = cells
    return frames, tables, folder


def test_no_printed_count_is_small(printed):
    _, tables, _ = printed
    assert {"table2", "tableS4"} <= set(tables)
    for name in ("table2", "tableS4"):
        for text in tables[name]["text"]:
            found = SHARE.match(text)
            assert not found or not 0 < int(found[1].replace(",", "")) < LIMIT, (name, text)
        for head in tables[name]["column"].unique():
            size = re.search(r"N = ([\d,]+)", head)
            assert not size or int(size[1].replace(",", "")) >= LIMIT


def test_no_withheld_count_follows_from_totals_and_percentages(printed):
    """The attack knows both tables as printed, and that groups add up to the whole."""
    frames, tables, _ = printed
    baseline_rows = frames["statistics/baseline.csv"]
    known, small = as_printed(baseline_rows, tables)
    assert small
    for cell in sorted(small):
        low, high = attack(cell, known)
        assert high - low >= LIMIT - 1 - 1e-6, (cell, low, high)


GROUPS = {"table2": ("overall", "no_scan", "scan"), "tableS4": ("overall", "no_event", "event")}


def as_printed(rows: pd.DataFrame, tables: dict) -> tuple[dict, set]:
    """Counts that can be read off the printed tables, and those small ones that stand there as dashes."""
    known, small = {}, set()
    for table, groups in GROUPS.items():
        cells = tables[table]
        columns = list(dict.fromkeys(cells["column"]))[1:4]
        for group, column in zip(groups, columns, strict=True):
            key = "overall" if group == "overall" else f"{table}/{group}"
            size = re.search(r"N = ([\d,]+)", column)
            if size:
                known["n", key] = int(size[1].replace(",", ""))
            whole = rows[
                (rows["table"] == table) & (rows["group"] == group) & (rows["kind"] == "dichotomous")
            ]
            for row in whole[whole["level"].fillna("") == ""].itertuples():
                label = LABELS.get(row.variable)
                if label is None:
                    continue
                text = cells.loc[(cells["label"] == label) & (cells["column"] == column), "text"]
                found = SHARE.match(text.iloc[0]) if len(text) else None
                count = int(rows.at[row.Index, "count"])
                if found:
                    known[row.variable, key] = int(found[1].replace(",", ""))
                    assert known[row.variable, key] == count
                elif 0 < count < LIMIT:
                    small.add((row.variable, key))
    return known, small


LABELS = {
    "hypercholesterolemia": "Hypercholesterolemia", "smoking": "Smoking", "hypertension": "Hypertension",
    "diabetes": "Diabetes", "prior_pci": "Post-PCI", "prior_cabg": "Post-CABG",
}  # fmt: skip


def attack(cell: tuple[str, str], known: dict) -> tuple[float, float]:
    """Least and greatest value of a count, with overall = its groups, and no count above its group."""
    variable = cell[0]
    keys = ["overall", *(f"{t}/{g}" for t, groups in GROUPS.items() for g in groups[1:])]
    rows = [[1, -1, -1, 0, 0], [1, 0, 0, -1, -1]]
    bounds = [
        (known[variable, key],) * 2 if (variable, key) in known else (0, known.get(("n", key)))
        for key in keys
    ]
    goal = np.array([float(key == cell[1]) for key in keys])
    ends = [linprog(sign * goal, A_eq=rows, b_eq=[0, 0], bounds=bounds) for sign in (1, -1)]
    return tuple(sign * end.fun if end.success else np.inf for sign, end in zip((1, -1), ends, strict=True))


def test_public_tables_hold_no_full_values_and_no_addresses(printed):
    _, _, folder = printed
    for path in Path(folder / "tables").iterdir():
        if path.suffix in (".html", ".csv"):
            text = path.read_text()
            assert "data-file" not in text and ".csv," not in text, path
    assert "fewer than 11" in (folder / "tables/table2.html").read_text()


def test_a_study_without_small_counts_is_shown_whole():
    table = study(2000, 5, 0.5)
    frames = frames_of(table)
    whole, public = frames["statistics/baseline.csv"], public_frames(frames, LIMIT)["statistics/baseline.csv"]
    counts = whole["count"].fillna(0)
    if not ((counts > 0) & (counts < LIMIT)).any():
        pd.testing.assert_series_equal(public["count"], whole["count"])
    shown = public["count"].notna() == whole["count"].notna()
    assert shown.mean() > 0.8
