# R's answers for every cohort in the folder (cohort_NAME.csv): lines "cohort quantity value value ...".
suppressMessages({library(survival); library(splines)})
options(warn = -1)
control <- coxph.control(eps = 1e-11, toler.chol = 1e-13, iter.max = 60)

fleiss <- function(tab, w) {            # Fleiss, Cohen and Everitt 1969, equations 9 and 12
  p <- tab / sum(tab); r <- rowSums(p); k <- colSums(p); n <- sum(tab)
  po <- sum(w * p); pe <- sum(w * outer(r, k)); wr <- as.vector(w %*% k); wc <- as.vector(r %*% w)
  ka <- (po - pe) / (1 - pe)
  inner <- w * (1 - pe) - outer(wr, wc, "+") * (1 - po)
  se <- sqrt((sum(p * inner^2) - (po * pe - 2 * pe + po)^2) / (n * (1 - pe)^4))
  c(ka, se, po, pe)
}

predictive <- function(event, a, b) {    # GEE score test of the stacked negatives (Leisenring, Alonzo, Pepe 2000)
  id <- c(which(a), which(b)); y <- 1 - event[id]; z <- c(rep(0, sum(a)), rep(1, sum(b)))
  u <- (z - mean(z)) * (y - mean(y)); s <- tapply(u, id, sum)
  p <- mean(y); c11 <- sum(a & b & event == 1); c00 <- sum(a & b & event == 0)
  n1 <- sum(a); n2 <- sum(b); cp <- (c11 * p^2 + c00 * (1 - p)^2) / (n1 + n2)     # Kosinski 2013
  d <- mean(1 - event[b]) - mean(1 - event[a])
  c(d, sum(u)^2 / sum(s^2), d^2 / ((p * (1 - p) - 2 * cp) * (1 / n1 + 1 / n2)))
}

reclassified <- function(t, e, up, down, h) {
  at <- function(who) { s <- survfit(Surv(t[who], e[who]) ~ 1); min(1, s$surv[s$time <= h]) }
  all <- rep(TRUE, length(t)); s <- at(all)
  p <- function(who) if (any(who)) c((1 - at(who)) * mean(who) / (1 - s), at(who) * mean(who) / s) else c(0, 0)
  km <- p(up) - p(down)
  g <- survfit(Surv(t, 1 - e) ~ 1)
  cens <- sapply(t, function(x) min(1, g$surv[g$time <= x]))
  w <- ifelse(e == 1 & t <= h, 1 / cens, 0)
  ipw <- c(sum(w[up]) - sum(w[down]), 0) / sum(w); late <- t > h
  ipw[2] <- mean(down[late]) - mean(up[late])
  c(km[1], -km[2], ipw)
}

answer <- function(name) {
  d <- read.csv(paste0("cohort_", name, ".csv")); d$t <- d$days / 365.25; d$f <- factor(d$cat, levels = 0:3)
  out <- function(key, ...) cat(name, key, formatC(as.numeric(c(...)), digits = 17, format = "g"), "\n")
  may <- function(expr) try(expr, silent = TRUE)
  y <- Surv(d$t, d$mace)
  for (k in sort(unique(d$cat))) {
    s <- survfit(Surv(t, mace) ~ 1, d[d$cat == k, ], conf.type = "log-log")
    out(paste0("km_time_", k), s$time); out(paste0("km_surv_", k), s$surv); out(paste0("km_risk_", k), s$n.risk)
    out(paste0("km_event_", k), s$n.event); out(paste0("km_censor_", k), s$n.censor)
    out(paste0("km_low_", k), s$lower); out(paste0("km_high_", k), s$upper)
    if (max(d$t[d$cat == k]) >= 5) {
      m <- survival:::survmean(survfit(Surv(t, mace) ~ 1, d[d$cat == k, ]), rmean = 5)$matrix
      out(paste0("rmst_", k), m[c("rmean", "se(rmean)")]) }
    n <- sum(d$cat == k); x <- n - sum(d$mace[d$cat == k])
    if (k == 0) out("wilson", x / n, prop.test(x, n, correct = FALSE)$conf.int)
  }
  out("reverse", quantile(survfit(Surv(t, 1 - mace) ~ 1, d), 0.5)$quantile)
  may({ z <- survdiff(Surv(t, mace) ~ cat, d); out("logrank", z$chisq, length(z$n) - 1) })
  for (i in 0:2) for (j in (i + 1):3) may({
    out(paste0("logrank_", i, j), survdiff(Surv(t, mace) ~ cat, d[d$cat %in% c(i, j), ])$chisq) })
  w <- d[complete.cases(d$mfr, d$sds), ]
  fits <- list(uni = function() coxph(Surv(t, mace) ~ f, d, control = control),
               adj = function() coxph(Surv(t, mace) ~ f + mfr + sds, w, control = control),
               base = function() coxph(Surv(t, mace) ~ mfr + sds, w, control = control))
  for (m in names(fits)) may({
    f <- fits[[m]](); out(paste0(m, "_coef"), coef(f)); out(paste0(m, "_se"), sqrt(diag(vcov(f))))
    out(paste0(m, "_loglik"), f$loglik)
    if (m != "base") out(paste0(m, "_zph"), cox.zph(f, transform = "km", terms = FALSE)$table[, "chisq"]) })
  cc <- concordance(y ~ d$cat, reverse = TRUE); out("c", coef(cc), sqrt(vcov(cc)))
  p <- d[!is.na(d$std), ]; py <- Surv(p$t, p$mace)
  if (nrow(p) > 1) {
    rank <- function(x) coxph(py ~ x, init = 1, control = coxph.control(iter.max = 0))
    both <- concordance(rank(p$cat), rank(p$std)); v <- vcov(both)
    out("c_pair", coef(both), sqrt(max(0, v[1, 1] + v[2, 2] - 2 * v[1, 2])))
    o <- concordance(I(-std) ~ cat, p); out("ordinal", 1 - coef(o), sqrt(vcov(o)))
    tab <- table(factor(p$std, 0:3), factor(p$cat, 0:3)); dist <- abs(outer(0:3, 0:3, "-"))
    out("kappa_none", fleiss(tab, 1 * (dist == 0))); out("kappa_linear", fleiss(tab, 1 - dist / 3))
    out("kappa_quadratic", fleiss(tab, 1 - dist^2 / 9))
    out("pv", predictive(p$mace, p$cat == 0, p$std == 0))
    for (h in c(1, 3, 5)) if (h <= max(p$t)) out(paste0("nri_", h),
      reclassified(p$t, p$mace, p$std > p$cat, p$std < p$cat, h))
    may(out("fisher_pair", fisher.test(tab[rowSums(tab) > 0, colSums(tab) > 0], workspace = 2e7)$p.value))
  }
  a <- survfit(Surv(t, factor(cause, 0:2)) ~ 1, d); at <- a$time[a$n.event[, 2] + a$n.event[, 3] > 0]
  if (length(at)) { z <- a$pstate[match(at, a$time), 2:3]; out("cif", z) }
  for (k in 1:2) may({ f <- coxph(Surv(t, cause == k) ~ f, d, control = control)
    out(paste0("cause_", k), coef(f), sqrt(diag(vcov(f)))) })
  may({ e <- coxph(Surv(pmin(t, 2), mace * (t <= 2)) ~ f, d, control = control); out("early", coef(e), sqrt(diag(vcov(e)))) })
  may({ e <- coxph(Surv(t, mace) ~ f, d[d$t > 2, ], control = control); out("late", coef(e), sqrt(diag(vcov(e)))) })
  may({ s <- d[!is.na(d$mfr), ]; s$l <- s$mfr >= 2
    a <- coxph(Surv(t, mace) ~ f + l, s, control = control); b <- coxph(Surv(t, mace) ~ f * l, s, control = control)
    df <- sum(!is.na(coef(b))) - sum(!is.na(coef(a)))
    if (df > 0) out("interaction_p", pchisq(2 * (b$loglik[2] - a$loglik[2]), df, lower.tail = FALSE)) })
  may({ f <- fits$adj(); out("risk5", 1 - summary(survfit(f, newdata = w), times = 5)$surv) })
  may(out("wilcoxon", wilcox.test(age ~ mace, d)$p.value)); may(out("kruskal", kruskal.test(age ~ cat, d)$p.value))
  g <- table(d$cat, d$mace); may(out("fisher", fisher.test(g, workspace = 2e7)$p.value))
}
for (file in list.files(".", "^cohort_.*csv$")) answer(sub("^cohort_(.*).csv$", "\\1", file))
