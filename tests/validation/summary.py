"""Coverage, size and bias from the chunks of a validation run: docs/validation/summary.csv and the page."""

from pathlib import Path

import numpy as np
import pandas as pd

from calcohort.simulate.cohort import LAWS
from tests.validation.estimates import GROUPS

FINDINGS = Path(__file__).with_name("findings.md")
KEY = ["law", "statistic", "detail"]
LIMITS = (0.93, 0.97)
LEVEL = 0.05
TITLES = {
    "km": "Kaplan-Meier survival at 1, 3 and 5 years, log-log interval",
    "npv": "NPV of a score of zero: crude (Wilson) and by Kaplan-Meier",
    "npv_comparison": "difference of NPVs: crude (sandwich), by Kaplan-Meier (bootstrap)",
    "cox": "log hazard ratio, Wald interval",
    "competing_risks_cox": "cause-specific log hazard ratio, Wald interval",
    "split_hazard_ratios": "log hazard ratio before and after 2 years, Wald interval",
    "competing_risks": "cumulative incidence at 5 years, log-log interval",
    "rmst": "restricted mean survival at 5 years, normal interval",
    "rmst difference": "difference of restricted means, normal interval",
    "added_value": "gain in C by the score, apparent, infinitesimal jackknife",
    "concordance_index": "C, infinitesimal jackknife",
    "c_comparison": "difference of C of both scores, infinitesimal jackknife",
    "agreement": "kappa, Fleiss-Cohen-Everitt interval",
    "nri": "NRI (KM, IPW, binary), bootstrap percentiles",
    "logrank": "log-rank, overall, by pairs, and the family of pairs by Holm",
    "proportional_hazards": "score test of proportional hazards",
    "spline_tests": "likelihood-ratio tests of the spline",
    "subgroups": "log hazard ratio in subgroups, Wald interval",
    "splines": "log hazard ratio along the score (spline), Wald interval",
    "calibration": "observed risk in groups of predicted risk, log-log interval",
    "baseline": "tests of the tables of characteristics",
    "followup": "follow-up, observed and reverse Kaplan-Meier",
}


def _read(work: Path, pattern: str) -> pd.DataFrame:
    parts = []
    for path in sorted(work.glob(pattern)):
        name = path.name.split(".")[0]
        parts.append(pd.read_csv(path, float_precision="round_trip").assign(law=GROUPS[name].law))
    return pd.concat(parts, ignore_index=True)


def _exact() -> pd.DataFrame:
    """What is true of the null versions without simulating it."""
    effects = dict(zip(("1-100", "101-400", ">400"), LAWS["proportional"]["dl_category"][1:], strict=True))
    effects |= {"mfr": -0.41, "sds": 0.03}
    rows = [("proportional", "cox", f"all, dl_ctac, adjusted, {term}", b) for term, b in effects.items()]
    rows.append(("no_added_value", "added_value", "all, dl_ctac, gain in C", 0.0))
    return pd.DataFrame(rows, columns=[*KEY, "truth"])


def summary(work: Path) -> pd.DataFrame:
    """One row a statistic: truth, mean, bias, coverage and size, each with its Monte Carlo error."""
    cohorts, parts = _read(work, "*.[0-9]*.csv"), _read(work, "*.truth.*.csv")
    truth = parts.groupby(KEY)["estimate"].agg(truth="mean", truth_se="sem").reset_index()
    truth = pd.concat([truth, _exact().assign(truth_se=0.0)])
    cohorts = cohorts.merge(truth, on=KEY, how="left")
    # Both scores are the same there: every difference is 0.
    same = cohorts["law"] == "exchangeable"
    cohorts.loc[same, ["truth", "truth_se"]] = 0.0
    rows = [dict(zip(KEY, key, strict=True)) | _row(part) for key, part in cohorts.groupby(KEY, sort=False)]
    return pd.DataFrame(rows)


def _row(part: pd.DataFrame) -> dict:
    estimate, truth = part["estimate"].dropna(), part["truth"].iloc[0]
    row = {"cohorts": part["cohort"].nunique()}
    if len(estimate) and np.isfinite(truth):
        bias_se = np.hypot(estimate.sem(), part["truth_se"].iloc[0])
        row |= {"truth": truth, "truth_se": part["truth_se"].iloc[0], "mean": estimate.mean()}
        row |= {"sd": estimate.std(), "bias": estimate.mean() - truth, "bias_se": bias_se}
    bounded = part.dropna(subset=["ci_low", "ci_high", "truth"])
    if len(bounded):
        above, below = (bounded["ci_low"] > truth).mean(), (bounded["ci_high"] < truth).mean()
        # Counted, so that 93 of 100 is not a hair less.
        covered = ((bounded["ci_low"] <= truth) & (bounded["ci_high"] >= truth)).mean()
        row |= {
            "intervals": len(bounded),
            "coverage": covered,
            "interval_above": above,
            "interval_below": below,
        }
        row["coverage_se"] = np.sqrt(covered * (1 - covered) / len(bounded))
    tested = part["p"].dropna()
    if len(tested) and part["law"].iloc[0] != "study" and not row.get("truth"):
        size = (tested < LEVEL).mean()
        row |= {"tests": len(tested), "size": size, "size_se": np.sqrt(size * (1 - size) / len(tested))}
    return row


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _coverage(table: pd.DataFrame) -> str:
    rows = []
    for (law, statistic), part in table.dropna(subset=["coverage"]).groupby(["law", "statistic"], sort=False):
        c = part["coverage"]
        rows.append(
            [
                TITLES[statistic],
                law,
                " - ".join(map(str, sorted({part["cohorts"].min(), part["cohorts"].max()}))),
                str(len(part)),
                f"{_percent(c.min())} - {_percent(c.max())}",
                _percent(c.mean()),
                _percent(part["coverage_se"].max()),
                str(int((~c.between(*LIMITS)).sum())),
            ]
        )
    header = [
        "Interval",
        "Law",
        "Cohorts",
        "Intervals",
        "Lowest - highest %",
        "Mean %",
        "MC error",
        "Outside 93-97",
    ]
    return _table(header, rows)


def _outside(table: pd.DataFrame) -> str:
    known = table.dropna(subset=["coverage"])
    rows = [
        [
            row.statistic,
            row.law,
            row.detail,
            f"{_percent(row.coverage)} ({_percent(row.coverage_se)})",
            _percent(row.interval_above),
            _percent(row.interval_below),
            f"{row.bias:.4f} ({row.bias_se:.4f})",
        ]
        for row in known[~known["coverage"].between(*LIMITS)].itertuples()
    ]
    if not rows:
        return "None."
    header = [
        "Statistic",
        "Law",
        "Of",
        "Coverage % (MC error)",
        "Above the truth %",
        "Below it %",
        "Bias (MC error)",
    ]
    return _table(header, rows)


def _below(table: pd.DataFrame, statistic: str, method: str = "") -> str:
    """Lowest and highest share of a statistic's intervals that lie below the truth, in per cent."""
    of = (table["statistic"] == statistic) & table["detail"].str.contains(method)
    share = table.loc[of, "interval_below"].dropna()
    return f"{_percent(share.min())} to {_percent(share.max())}"


def _sizes(table: pd.DataFrame) -> str:
    known = table.dropna(subset=["size"])
    columns = (known[name] for name in ("law", "statistic", "detail", "tests", "size", "size_se"))
    rows = [
        [law, statistic, detail, f"{tests:.0f}", f"{_percent(size)} ({_percent(error)})"]
        for law, statistic, detail, tests, size, error in zip(*columns, strict=True)
    ]
    return _table(["Null version", "Statistic", "Of", "Tests", "Rejected at 5 % (MC error)"], rows)


def _biases(table: pd.DataFrame) -> str:
    rows = []
    for (law, statistic), part in table.dropna(subset=["bias"]).groupby(["law", "statistic"], sort=False):
        share = (part["bias"] / part["sd"]).abs()
        worst = part.loc[share.idxmax()]
        rows.append(
            [
                statistic,
                law,
                str(len(part)),
                f"{worst['bias']:.5f} ({worst['bias_se']:.5f})",
                f"{share.max():.2f}",
                worst["detail"],
            ]
        )
    header = ["Statistic", "Law", "Estimates", "Worst bias (MC error)", "In standard deviations", "Of"]
    return _table(header, rows)


def summarise(work: Path, docs: Path, keep: bool = False) -> None:
    """Write docs/validation/summary.csv and docs/validation.md from the chunks in `work`.

    keep: what the summary there says of statistics that have no chunk in `work` stays.
    """
    table = summary(work)
    if keep:
        before = pd.read_csv(docs / "validation" / "summary.csv")
        new = pd.MultiIndex.from_frame(table[KEY])
        table = pd.concat([before[~pd.MultiIndex.from_frame(before[KEY]).isin(new)], table])
    (docs / "validation").mkdir(parents=True, exist_ok=True)
    table.to_csv(docs / "validation" / "summary.csv", index=False, float_format="%.6g")
    patients = 250_000 * max(len(list(work.glob(f"{name}.truth.*.csv"))) for name in GROUPS)
    text = FINDINGS.read_text(encoding="utf-8").format(
        cohorts=int(table["cohorts"].max()),
        resampled=int(table.loc[table["statistic"] == "nri", "cohorts"].max()),
        patients=f"{patients:,}",
        coverage=_coverage(table),
        outside=_outside(table),
        sizes=_sizes(table),
        biases=_biases(table),
        below_c=_below(table, "c_comparison"),
        below_npv=_below(table, "npv_comparison", "leisenring"),
        below_km=_below(table, "npv_comparison", "km"),
    )
    (docs / "validation.md").write_text(text, encoding="utf-8")
