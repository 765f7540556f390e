"""R itself, where it is installed, on cohorts that no stored number was computed for."""

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from calcohort.categories import CATEGORIES, categorise
from calcohort.statistics.calibration import predicted_risk
from calcohort.statistics.competing_risks import cumulative_incidence
from calcohort.statistics.cox import set_model
from calcohort.statistics.group_tests import compare
from calcohort.statistics.populations import analysis_sets, prepare
from calcohort.statistics.rmst import restricted_mean
from calcohort.statistics.run import FAMILIES
from calcohort.statistics.splines import basis, knots

pytestmark = pytest.mark.slow

SCRIPT = r"""
suppressMessages(library(survival)); library(splines)
d <- read.csv("cohort.csv"); d$cat <- factor(d$cat, levels = 0:3); d$t <- d$days / 365.25
num <- function(x) formatC(as.numeric(x), digits = 17, format = "g")
out <- function(name, x) cat(name, num(x), "\n", sep = " ")
s <- survfit(Surv(t, mace) ~ cat, d, conf.type = "log-log")
out("km_surv", s$surv); out("km_low", s$lower); out("km_high", s$upper); out("km_risk", s$n.risk)
out("logrank", survdiff(Surv(t, mace) ~ cat, d)$chisq)
pair <- c(); for (i in 0:2) for (j in (i+1):3) pair <- c(pair, pchisq(survdiff(Surv(t, mace) ~ cat,
  d[d$cat %in% c(i, j), ])$chisq, 1, lower.tail = FALSE))
out("holm", p.adjust(pair, "holm"))
control <- coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 50)
uni <- coxph(Surv(t, mace) ~ cat, d, control = control)
adj <- coxph(Surv(t, mace) ~ cat + mfr + sds, d, control = control)
base <- coxph(Surv(t, mace) ~ mfr + sds, d[!is.na(d$mfr), ], control = control)
for (m in c("uni", "adj")) {
  f <- get(m); out(paste0(m, "_coef"), coef(f)); out(paste0(m, "_se"), sqrt(diag(vcov(f))))
  z <- cox.zph(f, transform = "km", terms = FALSE)$table; out(paste0(m, "_zph"), z[, "chisq"]) }
out("lrt", 2 * (adj$loglik[2] - base$loglik[2]))
k <- d[!is.na(d$mfr), ]; k$l1 <- predict(base, k, "lp"); k$l2 <- predict(adj, k, "lp")
ctwo <- function(data, a, b) {
  y <- Surv(data$t, data$mace)
  one <- lapply(list(a, b), function(x) concordance(y ~ x, reverse = TRUE, influence = 1))
  list(c = sapply(one, coef), se = sqrt(sum((one[[2]]$dfbeta - one[[1]]$dfbeta)^2)))
}
cc <- ctwo(k, k$l1, k$l2); out("c", cc$c); out("c_diff_se", cc$se)
p <- d[!is.na(d$std), ]
cp <- ctwo(p, as.numeric(as.character(p$cat)), p$std); out("c_pair", cp$c); out("c_pair_se", cp$se)
out("risk5", 1 - summary(survfit(adj, newdata = k), times = 5)$surv)
x <- log1p(d$cac); kn <- scan("knots.txt", quiet = TRUE)
curved <- coxph(Surv(t, mace) ~ ns(x, knots = kn[2:3], Boundary.knots = kn[c(1, 4)]), d, control = control)
out("spline", diff(curved$loglik))
cif <- survfit(Surv(t, factor(cause, 0:2)) ~ 1, d); out("cif5", summary(cif, times = 5)$pstate[2:3])
out("wilcoxon", wilcox.test(age ~ mace, d)$p.value)
out("wilcoxon_small", wilcox.test(c(1.5, 2.5, 9, 11), c(3, 4, 5, 6, 7))$p.value)
out("kruskal", kruskal.test(age ~ cat, d)$p.value)
out("fisher", fisher.test(table(d$cat, d$mace), workspace = 2e7)$p.value)
mean5 <- survival:::survmean(survfit(Surv(t, mace) ~ 1, d[d$cat == 3, ]), rmean = 5)$matrix
out("rmst", mean5[c("rmean", "se(rmean)")])
"""


@pytest.fixture(scope="module", params=[(800, 11), (4331, 12)], ids=["800", "4331"])
def case(request, simulate, tmp_path_factory):
    rscript = shutil.which("Rscript")
    if rscript is None:
        pytest.skip("Rscript is not installed (Debian: r-base-core, r-cran-survival)")
    if subprocess.run([rscript, "-e", "library(survival)"], capture_output=True).returncode:
        pytest.skip("R has no package survival (Debian: r-cran-survival)")
    frame = simulate(*request.param)
    folder = tmp_path_factory.mktemp("r")
    fatal = frame["event_type"] == "death"
    data = pd.DataFrame(
        {
            "days": frame["followup_days"],
            "mace": frame["mace"],
            "cat": categorise(frame["cac_dl"]).codes,
            "std": pd.Series(categorise(frame["cac_standard"]).codes).replace(-1, np.nan),
            "cac": frame["cac_dl"],
            "mfr": frame["mfr"],
            "sds": frame["sds"],
            "age": frame["age"],
            "cause": np.where(frame["mace"] == 1, np.where(fatal, 2, 1), 0),
        }
    )
    data.to_csv(folder / "cohort.csv", index=False, na_rep="NA")
    np.savetxt(folder / "knots.txt", knots(frame["cac_dl"].to_numpy()), fmt="%.17g")
    (folder / "script.R").write_text(SCRIPT)
    done = subprocess.run([rscript, "script.R"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    r = {}
    for line in done.stdout.splitlines():
        name, *values = line.split()
        r[name] = np.array([np.nan if value in ("NA", "NaN") else float(value) for value in values])
    return frame, data, r


def family(frame, name, quick):
    table = FAMILIES[name](frame, None, quick)[name]
    table = table[table["population"] == "all"]
    return table[table["score"] == "dl_ctac"] if "score" in table else table


def close(ours, theirs, tolerance=1e-9):
    np.testing.assert_allclose(np.asarray(ours, dtype=float), theirs, rtol=0, atol=tolerance)


def test_kaplan_meier_and_logrank(case, quick):
    frame, _, r = case
    km = family(frame, "km", quick).query("time_years > 0")
    close(km["survival"], r["km_surv"])
    close(km["ci_low"], r["km_low"])
    close(km["ci_high"], r["km_high"])
    close(km["n_at_risk"], r["km_risk"], 0)
    tests = family(frame, "logrank", quick)
    assert tests["statistic"].iloc[0] == pytest.approx(r["logrank"][0], rel=1e-9)
    close(tests["p_holm"].iloc[1:], r["holm"])


@pytest.mark.parametrize(("model", "short"), [("univariable", "uni"), ("adjusted", "adj")])
def test_cox_and_proportional_hazards(case, quick, model, short):
    frame, _, r = case
    cox = family(frame, "cox", quick).query("model == @model")
    close(cox["log_hr"], r[f"{short}_coef"])
    close(cox["se"], r[f"{short}_se"])
    zph = family(frame, "proportional_hazards", quick).query("model == @model")
    np.testing.assert_allclose(zph["statistic"].astype(float), r[f"{short}_zph"], rtol=1e-7)


def test_added_value_and_concordance(case, quick):
    frame, _, r = case
    row = family(frame, "added_value", quick).iloc[0]
    assert row["lrt_statistic"] == pytest.approx(r["lrt"][0], abs=1e-8)
    close([row["c_base"], row["c_full"]], r["c"])
    assert (row["ci_high"] - row["c_difference"]) / 1.959963984540054 == pytest.approx(
        r["c_diff_se"][0], abs=1e-9
    )
    row = FAMILIES["c_comparison"](frame, None, quick)["c_comparison"].iloc[0]
    close([row["c_dl_ctac"], row["c_standard"]], r["c_pair"])
    assert (row["ci_high"] - row["difference"]) / 1.959963984540054 == pytest.approx(
        r["c_pair_se"][0], abs=1e-9
    )


def test_predicted_risk_spline_and_competing_risks(case, quick):
    frame, data, r = case
    part = next(analysis_sets(prepare(frame)))
    risk = predicted_risk(set_model(part, "adjusted"), 5.0)
    close(np.sort(risk), np.sort(r["risk5"]))
    tests = family_tests(frame, quick)
    assert tests.loc["overall", "statistic"] == pytest.approx(2 * r["spline"][0], abs=1e-7)
    x = basis(np.array([0.0, 1.0]), np.array([0.5, 1, 2, 3]))
    assert x.shape == (2, 3)
    times, incidence, _ = cumulative_incidence(data["days"].to_numpy() / 365.25, data["cause"].to_numpy())
    close(incidence[:, np.searchsorted(times, 5.0, side="right") - 1], r["cif5"])


def family_tests(frame, quick):
    table = FAMILIES["splines"](frame, None, quick)["spline_tests"]
    return table.query("population == 'all'").set_index("test")


def test_tests_of_the_tables_and_rmst(case):
    frame, data, r = case
    assert compare(data["age"], data["mace"])["p"] == pytest.approx(r["wilcoxon"][0], rel=1e-8)
    values, groups = [1.5, 2.5, 9, 11, 3, 4, 5, 6, 7], [0] * 4 + [1] * 5
    assert compare(pd.Series(values), pd.Series(groups))["p"] == pytest.approx(
        r["wilcoxon_small"][0], rel=1e-9
    )
    assert compare(data["age"], data["cat"])["p"] == pytest.approx(r["kruskal"][0], rel=1e-8)
    assert compare(data["cat"], data["mace"], "categorical")["p"] == pytest.approx(r["fisher"][0], rel=1e-6)
    high = data[data["cat"] == CATEGORIES.index(">400")]
    mean, se = restricted_mean(high["days"].to_numpy() / 365.25, high["mace"].to_numpy(), 5.0)
    close([mean, se], r["rmst"])
