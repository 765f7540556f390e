"""Every exhibit by name: its name, its sources, its maker. Light: the workflow reads it."""

from dataclasses import dataclass

TABLE_FORMATS, FIGURE_FORMATS = ("csv", "html", "docx"), ("pdf", "svg", "png")

BASELINE = "statistics/baseline.csv"
IMAGING_PROTOCOLS = "statistics/imaging_protocols.csv"
CONVENTION_EFFECT = "scores/convention_effect.csv"
_COX = "statistics/cox.csv"
_SURVIVAL = ("statistics/km.csv", "statistics/logrank.csv", _COX)
_MATRICES = ("statistics/concordance_matrix.csv", "statistics/agreement.csv")
_EXAMPLES = ("segmentation/examples.npz",)
_OUTLINES = "Outlines by the network: red, coronary calcium; blue and dashed, other calcification."
_CURVES = (
    "Top: Kaplan–Meier curves of MACE-free survival with pointwise 95% confidence intervals (log-log), "
    "numbers at risk and log-rank tests, unadjusted and, in brackets, after Holm's correction. Bottom: "
    "univariable Cox models. Curves end where fewer than 5% of the patients are followed."
)
_MATRIX = (
    "Counts and shares of each row; rows are the reference. Kappa with linear weights over four categories."
)


@dataclass(frozen=True)
class Entry:
    """One exhibit without its code.

    Attributes
    ----------
    kind : "table" or "figure"
    sources : tuple of str
        Files relative to results/NAME.
    module, builder : str
        Where its function is: a module of calcohort ("exhibits.tables_outcome") and a name in it.
    column_parts : tuple of str
        What is drawn as wide as a column as well: all panels ("") or each by itself ("A", "B").
    """

    kind: str
    title: str
    caption: str
    sources: tuple[str, ...]
    module: str
    builder: str
    column_parts: tuple[str, ...] = ()


def _table(title: str, caption: str, sources: tuple[str, ...], place: str) -> Entry:
    return Entry("table", title, caption, sources, *_split(place))


def _figure(
    title: str, caption: str, sources: tuple[str, ...], place: str, column_parts: tuple[str, ...] = ()
) -> Entry:
    return Entry("figure", title, caption, sources, *_split(place), column_parts)


def _split(place: str) -> tuple[str, str]:
    module, builder = place.split(":")
    return f"exhibits.{module}", builder


CATALOGUE: dict[str, Entry] = {
    "central": _figure(
        "Central illustration. Outcome by standard and by DL-CTAC calcium scores",
        "Left, grey: expert's standard score of the gated scan. Right, blue: deep learning on the CTAC "
        "scan of the same patients. Curves: MACE-free survival; below: univariable hazard ratios.",
        (*_SURVIVAL, "statistics/agreement.csv", "statistics/nri.csv", "statistics/npv.csv"),
        "figures_survival:central",
    ),
    "figure1": _figure(
        "Figure 1. Overview of development and evaluation",
        "Steps of automatic scoring, patients and scans that went in or were excluded, and how it was "
        "evaluated.",
        (
            "cohort/flow.csv",
            "development/scans.csv",
            "statistics/followup.csv",
            "statistics/agreement.csv",
            _COX,
            "statistics/npv.csv",
        ),
        "figures_flow:figure1",
    ),
    "figure2": _figure(
        "Figure 2. Internal testing: agreement with the expert reader",
        f"Scans that were not used in training or validation. {_MATRIX}",
        _MATRICES,
        "figures_agreement:figure2",
        ("",),
    ),
    "figure3": _figure(
        "Figure 3. Outcome by DL-CTAC score: all patients (A) and no history of CAD (B)",
        _CURVES,
        _SURVIVAL,
        "figures_survival:figure3",
        ("A", "B"),
    ),
    "figure4": _figure(
        "Figure 4. Outcome by standard score (A, grey) and by DL-CTAC score (B, blue)",
        f"Patients with a same-day standard score. {_CURVES}",
        _SURVIVAL,
        "figures_survival:figure4",
        ("A", "B"),
    ),
    "figure5": _figure(
        "Figure 5. Outcome by standard score (A, grey) and by DL-CTAC score (B, blue), no history of CAD",
        f"Patients with a same-day standard score and no history of CAD. {_CURVES}",
        _SURVIVAL,
        "figures_survival:figure5",
        ("A", "B"),
    ),
    "figure6": _figure(
        "Figure 6. Paired ECG-gated and CTAC scans",
        "Patients whose two scores fall into one category, with most of such calcium on both scans; arteries "
        "and aorta are told apart by where in the heart's box the calcium lies, not by tracing vessels. "
        f"{_OUTLINES}",
        _EXAMPLES,
        "figures_images:figure6",
    ),
    "figureS1": _figure(
        "Supplementary Figure 1. Flow of the development scans",
        "Split by patient. Categories by the expert's annotation.",
        ("development/scans.csv",),
        "figures_flow:figure_s1",
    ),
    "figureS2": _figure(
        "Supplementary Figure 2. The networks",
        "Drawn from the model that was used: each part in the order in which it runs, at the size of its "
        "output relative to the input; the number above is its channels. Dark: context across slices "
        "(ConvLSTM).",
        (),
        "figures_network:figure_s2",
    ),
    "figureS3": _figure(
        "Supplementary Figure 3. Difficult cases",
        "The CTAC scan with most noise among those of the right category; metal near the heart; the patient "
        "with a history of PCI whose DL-CTAC score exceeds the standard score most, where a stent may have "
        f"been scored; the largest disagreement of two scores above 0. {_OUTLINES}",
        _EXAMPLES,
        "figures_images:figure_s3",
    ),
    "figureS4": _figure(
        "Supplementary Figure 4. Stents, metal and other bright structures that were not scored",
        "One CTAC slice without (left) and with (right) outlines. Above: the largest bright structures in "
        "the heart that were not marked, patients with a history of PCI or metal first. Below: the most "
        f"other calcification inside the heart of patients with a score of 0. {_OUTLINES} Yellow, dotted: "
        "bright and not marked.",
        _EXAMPLES,
        "figures_images:figure_s4",
    ),
    "figureS5": _figure(
        "Supplementary Figure 5. Agreement of DL-CTAC with standard scores",
        f"Patients with a same-day standard score. {_MATRIX}",
        _MATRICES,
        "figures_agreement:figure_s5",
        ("",),
    ),
    "figureS6": _figure(
        "Supplementary Figure 6. DL-CTAC against standard scores",
        "Each point is a patient; both axes show log(score + 1); dashed: identity; thin lines: limits of "
        "categories.",
        ("cohort/analysis.csv",),
        "figures_agreement:figure_s6",
        ("",),
    ),
    "figureS7": _figure(
        "Supplementary Figure 7. False negatives and false positives",
        "Patients with a score of zero by one method alone and the largest score by the other one. Below each"
        f" pair the apparent cause, from what both scans show at that place in the heart. {_OUTLINES}",
        _EXAMPLES,
        "figures_images:figure_s7",
    ),
    "figure_decision_curve": _figure(
        "Decision curves",
        "Net benefit of treating patients whose predicted risk exceeds the threshold (Vickers 2006); "
        "apparent performance of Cox models.",
        ("statistics/decision_curve.csv",),
        "figures_checks:decision_curve",
        ("",),
    ),
    "figure_calibration": _figure(
        "Calibration of predicted risk",
        "Mean predicted against observed risk (1 − Kaplan–Meier, 95% CI) by category and by groups of "
        "predicted risk; apparent performance.",
        ("statistics/calibration.csv",),
        "figures_checks:calibration",
        ("",),
    ),
    "figure_schoenfeld": _figure(
        "Hazard ratios over time (scaled Schoenfeld residuals)",
        "All patients, DL-CTAC score adjusted for MFR and SDS: smoothed scaled Schoenfeld residuals with "
        "pointwise 95% intervals. A level curve is a hazard ratio that stays; dashed: that of the Cox model.",
        ("statistics/schoenfeld.csv", "statistics/proportional_hazards.csv"),
        "figures_checks:schoenfeld",
        ("",),
    ),
    "figure_proportional_hazards": _figure(
        "Tests of proportional hazards",
        "One row per Cox model, one column per term; shaded where p < 0.05.",
        ("statistics/proportional_hazards.csv",),
        "figures_checks:proportional_hazards",
    ),
    "table1": _table(
        "Table 1. Characteristics of the development scans",
        "Training, internal validation and internal testing.",
        (BASELINE,),
        "tables_baseline:table1",
    ),
    "table2": _table(
        "Table 2. Characteristics of the external cohort",
        "By availability of a same-day standard CAC score.",
        (BASELINE,),
        "tables_baseline:table2",
    ),
    "table3": _table(
        "Table 3. Hazard ratios for MACE adjusted for flow reserve and perfusion, no history of CAD",
        "Standard and DL-CTAC scores in the same patients.",
        (_COX,),
        "tables_outcome:table3",
    ),
    "tableS1": _table(
        "Supplementary Table 1. Imaging protocols",
        "How the analysed scans were made, by cohort, site and protocol.",
        (IMAGING_PROTOCOLS,),
        "tables_imaging:table_s1",
    ),
    "tableS2": _table(
        "Supplementary Table 2. Agreement in calcium score categories: Cohen's kappa",
        "Linear, quadratic and no weights.",
        ("statistics/agreement.csv",),
        "tables_agreement:table_s2",
    ),
    "tableS3": _table(
        "Supplementary Table 3. Characteristics of the internal testing scans",
        "By type of scan.",
        (BASELINE,),
        "tables_baseline:table_s3",
    ),
    "tableS4": _table(
        "Supplementary Table 4. Characteristics of the external cohort by outcome",
        "Patients with and without a major adverse cardiac event during follow-up.",
        (BASELINE,),
        "tables_baseline:table_s4",
    ),
    "tableS5": _table(
        "Supplementary Table 5. Univariable and multivariable models of MACE",
        "Every term, score and population.",
        (_COX,),
        "tables_outcome:table_s5",
    ),
    "tableS5_prime": _table(
        "Supplementary Table 5 (PRIME). Checklist of the PRIME requirements",
        "The study cites its Supplementary Table 5 for this checklist and for the multivariable models: both "
        "are here.",
        ("audit/checklist_prime.csv",),
        "tables_checklists:table_prime",
    ),
    "table_tripod_ai": _table(
        "TRIPOD+AI checklist",
        "Filled from the run; what only the authors can answer says so.",
        ("audit/checklist_tripod_ai.csv",),
        "tables_checklists:table_tripod_ai",
    ),
    "table_conventions": _table(
        "Effect of the rules of counting on the Agatston score",
        "Each rule changed alone. Standard: 8 neighbours in the slice, lesions from 1 mm², scaled to 3 mm "
        "of increment.",
        (CONVENTION_EFFECT,),
        "tables_imaging:table_conventions",
    ),
    "table_nri": _table(
        "Net reclassification of standard CAC scores over DL-CTAC scores",
        "Events and non-events apart; by three methods.",
        ("statistics/nri.csv",),
        "tables_outcome:table_nri",
    ),
    "table_npv": _table(
        "Negative predictive value of a calcium score of zero",
        "Both scores, and their difference in the same patients.",
        ("statistics/npv.csv", "statistics/npv_comparison.csv"),
        "tables_outcome:table_npv",
    ),
    "table_agreement": _table(
        "Agreement of calcium score categories",
        "Exact agreement, linear kappa and concordance index.",
        ("statistics/agreement.csv", "statistics/concordance_index.csv"),
        "tables_agreement:table_agreement",
    ),
}


def column_files(name: str) -> list[str]:
    """Files of that figure as wide as a column, relative to results/NAME."""
    parts = CATALOGUE[name].column_parts
    return [f"figures/column/{name}{part}.{suffix}" for part in parts for suffix in FIGURE_FORMATS]
