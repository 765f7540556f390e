"""Statistics that may leave the site: small counts withheld, with all from which they could be computed.

The tables are built from these frames as from the whole ones; a withheld number prints as a dash.
"""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from calcohort.cohort.disclosure import Relation, is_small, withheld

BASELINE, FOLLOWUP = "statistics/baseline.csv", "statistics/followup.csv"
COX, NPV, NPV_COMPARISON = "statistics/cox.csv", "statistics/npv.csv", "statistics/npv_comparison.csv"
AGREEMENT, CONCORDANCE = "statistics/agreement.csv", "statistics/concordance_index.csv"
NRI = "statistics/nri.csv"
SOURCES = (BASELINE, FOLLOWUP, COX, NPV, NPV_COMPARISON, AGREEMENT, CONCORDANCE, NRI)
NOTE = (
    "–: fewer than {limit} patients or scans, or withheld so that such a number cannot be computed; "
    "p-values of such rows are withheld as well."
)
INTERVAL = ["estimate", "ci_low", "ci_high"]
# Populations from the largest set that may be shown together down to none.
SETS = (
    ("all", "no_cad", "paired", "paired_no_cad"),
    ("all", "no_cad", "paired"),
    ("all", "no_cad"),
    ("all", "paired"),
    ("all",),
    (),
)
INSIDE = {"no_cad": ("all",), "paired": ("all",), "paired_no_cad": ("all", "no_cad", "paired")}


def public_frames(frames: Mapping[str, pd.DataFrame], limit: int) -> dict[str, pd.DataFrame]:
    """The statistics behind the tables, with small counts withheld.

    Parameters
    ----------
    frames : mapping
        Of ``SOURCES``, those that the run has.
    limit : int
        ``privacy.min_cell``.
    """
    frames = {name: _primary(frame) for name, frame in frames.items() if name in SOURCES}
    made, hidden = {}, set()
    if BASELINE in frames:
        counts, relations = baseline_cells(frames[BASELINE])
        hidden = withheld(counts, relations, limit)
        made[BASELINE] = _blank_baseline(frames[BASELINE], hidden)
    if FOLLOWUP not in frames:
        return made
    kept = _kept_populations(frames[FOLLOWUP], hidden, limit)
    for name in set(frames) - {BASELINE}:
        made[name] = frames[name][_may_stay(frames[name]["population"], kept)].copy()
    for name, rule in ((COX, _cox), (AGREEMENT, _agreement), (NRI, _nri)):
        if name in made:
            made[name] = rule(made[name], limit)
    if NPV in made:
        made[NPV], lost = _npv(made[NPV], hidden, limit)
        if NPV_COMPARISON in made:
            versus = made[NPV_COMPARISON]
            columns = ["difference", "ci_low", "ci_high", "statistic", "p"]
            versus.loc[versus["population"].isin(lost), columns] = np.nan
    return made


def _primary(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of the primary endpoint: the tables show no other, and each one more would tell differences."""
    return (frame[frame["endpoint"] == "mace"] if "endpoint" in frame else frame).reset_index(drop=True)


def baseline_cells(frame: pd.DataFrame) -> tuple[dict, list[Relation]]:
    """Every count of statistics/baseline.csv, and what ties them together.

    Keys are (variable, what, table, group) with what = size, known, missing, yes, no or a level.
    """
    counts, relations, sizes = {}, [], {}
    for table, rows in frame.groupby("table", sort=False):
        of = {g: int(n) for g, n in rows.loc[rows["variable"] == "n", ["group", "n"]].itertuples(index=False)}
        sizes[table] = of
        for (variable, group), cells in rows[rows["variable"] != "n"].groupby(
            ["variable", "group"], sort=False
        ):
            for values in _variable_cells(variable, cells, of[group]):
                keys = [_key(*part, table, group, sizes) for part in values]
                counts |= {key: int(values[part]) for key, part in zip(keys, values, strict=True)}
                relations.append(Relation(keys[0], tuple(keys[1:])))
        for group, size in of.items():
            counts[_key("n", "size", table, group, sizes)] = size
        parts = [group for group in of if group != "overall"]
        if parts and sum(of[group] for group in parts) == of["overall"]:
            for variable, what in {key[:2] for key in counts if key[2:] == (table, parts[0])}:
                keys = [_key(variable, what, table, group, sizes) for group in ("overall", *parts)]
                relations += [Relation(keys[0], tuple(keys[1:]))] if set(keys) <= set(counts) else []
    return counts, list(dict.fromkeys(relations))


def _variable_cells(variable: str, cells: pd.DataFrame, size: int) -> Iterator[dict]:
    """Sums that hold within one variable and group: {(variable, what): count}, the total first."""
    main = cells[cells["level"].fillna("") == ""].iloc[0]
    known = {(variable, "known"): main["n"]}
    yield {("n", "size"): size} | known | {(variable, "missing"): size - main["n"]}
    if main["kind"] == "dichotomous":
        yes = main["count"] if pd.notna(main["count"]) else 0
        yield known | {(variable, "yes"): yes, (variable, "no"): main["n"] - yes}
    levels = cells[~cells["level"].fillna("").isin(["", "missing"])]
    if len(levels):
        yield known | {(variable, str(row.level)): row.count_ for row in _named(levels)}


def _named(rows: pd.DataFrame):
    # `count` is a method of a named tuple.
    return rows.rename(columns={"count": "count_"}).itertuples()


def _key(variable: str, what: str, table: str, group: str, sizes: Mapping) -> tuple:
    """One key for a number that several tables show."""
    if table == "tableS4" and group == "overall" and "table2" in sizes:
        table = "table2"
    if table == "tableS3" and group == "overall" and "table1" in sizes:
        same = [g for g in ("overall", "test") if sizes["table1"].get(g) == sizes["tableS3"]["overall"]]
        table, group = ("table1", same[0]) if same else (table, group)
    return variable, what, table, group


def _blank_baseline(frame: pd.DataFrame, hidden: set) -> pd.DataFrame:
    frame = frame.copy()
    sizes = {
        table: dict(rows.loc[rows["variable"] == "n", ["group", "n"]].itertuples(index=False))
        for table, rows in frame.groupby("table", sort=False)
    }
    touched = set()
    for row in frame.itertuples():
        level = "" if pd.isna(row.level) else str(row.level)
        whats = {"": ["known", "missing", "yes", "no"], "missing": ["known", "missing"]}.get(
            level, ["known", level]
        )
        keys = {_key(row.variable, what, row.table, row.group, sizes) for what in whats}
        if row.variable == "n":
            keys = {_key("n", "size", row.table, row.group, sizes)}
        if keys & hidden:
            touched.add((row.table, row.variable))
            columns = ["n", "missing", "count", "fraction"]
            if _key(row.variable, "known", row.table, row.group, sizes) in hidden:
                columns += ["median", "q1", "q3"]
            frame.loc[row.Index, columns] = np.nan
    blank = [pair in touched for pair in zip(frame["table"], frame["variable"], strict=True)]
    frame.loc[blank, ["statistic", "p", "test"]] = np.nan
    return frame


def _kept_populations(followup: pd.DataFrame, hidden: set, limit: int) -> tuple[str, ...]:
    sizes = followup.drop_duplicates("population").set_index("population")
    rows = {name: (int(row.n), int(row.n_events), int(row.n - row.n_events)) for name, row in _indexed(sizes)}
    lost = {
        name
        for name, cells in {
            "all": [("n", "size", "table2", "overall"), ("n", "size", "tableS4", "event")],
            "paired": [("n", "size", "table2", "scan"), ("cac_standard", "known", "tableS4", "event")],
            "no_cad": [
                ("history_of_cad", "no", *place) for place in (("table2", "overall"), ("tableS4", "event"))
            ],
            "paired_no_cad": [("history_of_cad", "no", "table2", "scan")],
        }.items()
        if hidden & set(cells)
    }
    return _largest(rows, lost, limit)


def _indexed(table: pd.DataFrame):
    return ((row.Index, row) for row in table.itertuples())


def _largest(rows: Mapping[str, tuple[int, ...]], lost: set, limit: int) -> tuple[str, ...]:
    """The largest set of populations whose numbers and differences are all 0 or large enough.

    Parameters
    ----------
    rows : mapping of str to tuple of int
        Numbers of each population that a reader would see.
    lost : set of str
        Populations that are out already.
    """
    for names in SETS:
        names = tuple(name for name in names if name in rows)
        if not lost & set(names) and not any(is_small(count, limit) for count in _seen(rows, names)):
            return names
    return ()


def _seen(rows: Mapping, names: tuple[str, ...]) -> Iterable[int]:
    """Every count that these populations together tell: of each, of who is in one only, of who is in none."""
    values = {name: np.array(rows[name]) for name in names}
    for name in names:
        yield from values[name]
        for outer in INSIDE.get(name, ()):
            if outer in values:
                yield from values[outer] - values[name]
    if len(names) == 4:
        yield from values["all"] - values["no_cad"] - values["paired"] + values["paired_no_cad"]


def _may_stay(population: pd.Series, kept: tuple[str, ...]) -> pd.Series:
    return population.isin(kept) | population.str.startswith("internal")


def _cox(frame: pd.DataFrame, limit: int) -> pd.DataFrame:
    """Adjusted models leave out who lacks a covariate: their number must not follow from the two sizes."""
    keys = ["population", "score", *(["endpoint"] if "endpoint" in frame else [])]
    whole = frame[frame["model"] == "univariable"].groupby(keys)[["n", "n_events"]].max()
    beside = frame[keys].join(whole, on=keys)[["n", "n_events"]].to_numpy(float)
    own = frame[["n", "n_events"]].to_numpy(float)
    parts = np.column_stack([own, own[:, :1] - own[:, 1:], beside - own, np.diff(own - beside)])
    frame.loc[_any_small(parts, limit), ["n", "n_events"]] = np.nan
    return frame


def _any_small(parts: np.ndarray, limit: int) -> np.ndarray:
    return ((parts > 0) & (parts < limit)).any(axis=1)


def _agreement(frame: pd.DataFrame, limit: int) -> pd.DataFrame:
    """Unweighted agreement tells how many disagree; comparisons of one population how many lack a score."""
    keys = ["population", "comparison"]
    exact = frame[frame["weights"] == "none"].drop_duplicates(keys).set_index(keys)
    disagree = (exact["n"] * (1 - exact["observed"])).round()
    most = exact.groupby("population")["n"].transform("max")
    numbers = pd.concat([exact["n"], disagree, exact["n"] - disagree, most - exact["n"]], axis=1)
    bad = exact.index[_any_small(numbers.to_numpy(float), limit)]
    lost = frame.set_index(keys).index.isin(bad) | _internal_small(frame, limit)
    return frame[~lost]


def _internal_small(frame: pd.DataFrame, limit: int) -> np.ndarray:
    """Parts of the internal testing, all of them where one is small: the rest would tell its size."""
    parts = frame["population"].str.match("internal_")
    few = frame.loc[parts, "n"].map(lambda count: is_small(count, limit)).any()
    return (parts & few).to_numpy()


def _nri(frame: pd.DataFrame, limit: int) -> pd.DataFrame:
    few = frame["n_events"].map(lambda count: is_small(count, limit))
    frame.loc[few, [*INTERVAL, "n_events"]] = np.nan
    return frame


def _npv(frame: pd.DataFrame, hidden: set, limit: int) -> tuple[pd.DataFrame, set[str]]:
    """Predictive values tell how many with a score of 0 had the event; also: which populations lost one."""
    lost: set[str] = set()
    events = (frame["n_negative"] * (1 - frame["estimate"])).round()
    crude = frame["method"] == "crude"
    for score, rows in frame[crude].groupby("score"):
        numbers = {
            row.population: (
                int(row.n_negative),
                int(events[row.Index]),
                int(row.n_negative - events[row.Index]),
            )
            for row in rows.itertuples()
            if pd.notna(row.estimate)
        }
        kept = _largest(numbers, _hidden_zeros(score, hidden), limit)
        gone = (frame["score"] == score) & ~frame["population"].isin(kept)
        frame.loc[gone, [*INTERVAL, "n_negative"]] = np.nan
        lost |= set(frame.loc[gone, "population"])
    few = events.map(lambda count: is_small(count, limit))
    frame.loc[few, INTERVAL] = np.nan
    return frame, lost | set(frame.loc[few, "population"])


def _hidden_zeros(score: str, hidden: set) -> set[str]:
    column = {"dl_ctac": "cac_dl_category", "standard": "cac_standard_category"}[score]
    places = {
        "all": (("table2", "overall"), ("tableS4", "event"), ("tableS4", "no_event")),
        "paired": (("table2", "scan"),),
    }
    return {name for name, groups in places.items() if hidden & {(column, "0", *group) for group in groups}}
