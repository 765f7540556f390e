"""Families of statistics, a module each, and the files of each: what the workflow knows without computing."""

FILES: dict[str, tuple[str, ...]] = {
    "km": ("km",),
    "logrank": ("logrank",),
    "cox": ("cox",),
    "added_value": ("added_value",),
    "c_comparison": ("c_comparison",),
    "proportional_hazards": ("proportional_hazards", "schoenfeld", "rmst", "split_hazard_ratios"),
    "nri": ("nri",),
    "npv": ("npv",),
    "npv_comparison": ("npv_comparison",),
    "agreement": ("agreement", "concordance_matrix"),
    "concordance_index": ("concordance_index",),
    "competing_risks": ("competing_risks", "competing_risks_cox"),
    "followup": ("followup", "event_types"),
    "decision_curve": ("decision_curve",),
    "calibration": ("calibration",),
    "subgroups": ("subgroups",),
    "splines": ("splines", "spline_tests"),
    "noninferiority": ("noninferiority",),
}
