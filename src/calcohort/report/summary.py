"""The first section: what was asked, what was found, how sure one can be."""

from markupsafe import Markup

from calcohort.report.prose import interval, missing, name_of, paragraph, text
from calcohort.report.run import Row, Run

AGREEMENT = "statistics/agreement.csv"
COX = "statistics/cox.csv"
FOLLOWUP = "statistics/followup.csv"
NONINFERIORITY = "statistics/noninferiority.csv"
NPV = "statistics/npv.csv"
NRI = "statistics/nri.csv"


def asked() -> Markup:
    """The question of the study."""
    return paragraph(
        "Can the calcium score that a network takes from the attenuation-correction CT of a PET/CT "
        "examination (DL-CTAC) tell a patient’s risk of death or another major adverse cardiac event (MACE), "
        "and how does it compare with the standard score that an expert takes from a dedicated gated scan?"
    )


def found(run: Run) -> Markup:
    """The main results, each with its interval and the patients behind it."""
    lines = [line for line in (_followup(run), _hazard(run), _agreement(run), _npv(run), _nri(run)) if line]
    if not lines:
        return missing("This run has no statistics yet: no file of results was found.")
    items = Markup("").join(text("<li>{line}</li>", line=line) for line in lines)
    return Markup('<ul class="findings">') + items + Markup("</ul>")


def certainty(run: Run, meta: dict) -> Markup:
    """What limits these results."""
    notes = []
    if meta.get("simulated"):
        notes.append(
            text(
                "<strong>{note}</strong> This run shows that the analysis works, and nothing about patients.",
                note=_sentence(meta.get("simulated_note") or "The cohort of this run is simulated."),
            )
        )
    if meta.get("weights_simulated"):
        notes.append(
            "The network was trained on simulated scans: on real scans its scores are not validated."
        )
    notes += [_noninferiority(run), _events(run), _proportionality(run)]
    notes.append(
        "A p-value above 0.05 is not read as equality anywhere in this report: two scores are compared by "
        "the interval of their difference, held against a margin where the config sets one."
    )
    items = Markup("").join(text("<li>{note}</li>", note=note) for note in notes if note)
    return Markup('<ul class="findings">') + items + Markup("</ul>")


def agreement_first(run: Run) -> Markup:
    """Agreement with the user's own expert scores: what stands first for real scans."""
    rows = [row for row in run.rows(AGREEMENT, weights="linear") if row.has("kappa")]
    if not rows:
        return missing(run.why_not(AGREEMENT))
    sentences = [
        text(
            "<li>In {who} (n = {n}) the linearly weighted kappa is {kappa}; {observed}% weighted agreement "
            "was observed and {expected}% expected by chance.</li>",
            who=name_of(row.value("population")),
            n=row.tag("n", "count"),
            kappa=interval(row, "kappa", "kappa"),
            observed=row.tag("observed", "percent"),
            expected=row.tag("expected", "percent"),
        )
        for row in rows
    ]
    return Markup('<ul class="findings">') + Markup("").join(sentences) + Markup("</ul>")


def _followup(run: Run) -> Markup | None:
    row = run.row(FOLLOWUP, population="all")
    if row is None:
        return None
    return text(
        "{n} patients were analysed; {events} had MACE during a median follow-up of {median} years "
        "(quartiles {q1} and {q3}).",
        n=row.tag("n", "count"),
        events=row.tag("n_events", "count"),
        median=row.tag("median_years", "years"),
        q1=row.tag("q1_years", "years"),
        q3=row.tag("q3_years", "years"),
    )


def _hazard(run: Run) -> Markup | None:
    row = run.row(COX, population="all", score="dl_ctac", model="univariable", term=">400")
    if row is None or not row.has("estimate"):
        return None
    adjusted = run.row(COX, population="all", score="dl_ctac", model="adjusted", term=">400")
    more = ""
    if adjusted is not None and adjusted.has("estimate"):
        more = text("; adjusted for flow reserve and ischemia, {hr}", hr=interval(adjusted, "estimate", "hr"))
    return text(
        "Patients with a DL-CTAC score above 400 had MACE at {hr} times the rate of those with a score of 0"
        "{more}.",
        hr=interval(row, "estimate", "hr"),
        more=more,
    )


def _agreement(run: Run) -> Markup | None:
    row = run.row(AGREEMENT, population="paired", weights="linear")
    if row is None or not row.has("kappa"):
        return None
    return text(
        "DL-CTAC and standard categories agreed with a linearly weighted kappa of {kappa} in {n} patients.",
        kappa=interval(row, "kappa", "kappa"),
        n=row.tag("n", "count"),
    )


def _npv(run: Run) -> Markup | None:
    parts = []
    for score, words in (("standard", "a standard score of 0"), ("dl_ctac", "a DL-CTAC score of 0")):
        rows = [r for r in run.rows(NPV, population="paired", score=score, method="km") if r.has("estimate")]
        if rows:
            row = rows[-1]
            parts.append(
                text(
                    "{share} of those with {words}",
                    share=interval(row, "estimate", "percent1", unit="%"),
                    words=words,
                )
            )
            horizon = years(row)
    if not parts:
        return None
    both = Markup(" and ").join(parts)
    return text("Free of MACE at {years} by Kaplan-Meier were {both}.", years=horizon, both=both)


def _nri(run: Run) -> Markup | None:
    pieces = {}
    for component in ("event", "nonevent", "overall"):
        rows = run.rows(NRI, population="paired", method="km", component=component)
        rows = [row for row in rows if row.has("estimate")]
        if not rows:
            return None
        pieces[component] = interval(rows[-1], "estimate", "nri")
    return text(
        "The net reclassification index of standard over DL-CTAC categories is {event} in patients with "
        "events and {nonevent} in those without; their sum is {overall}.",
        **pieces,
    )


def _noninferiority(run: Run) -> Markup | None:
    rows = [r for r in run.rows(NONINFERIORITY, population="paired") if r.has("difference", "noninferior")]
    # Of the horizons the longest; the others are among the reviewer's questions.
    last = {str(row.value("measure")): row for row in rows}
    if not last:
        return None
    parts = []
    for measure, row in last.items():
        holds = str(row.value("noninferior")).lower() in ("1", "1.0", "true", "yes")
        parts.append(
            text(
                "for {measure}{years} the difference (standard − DL-CTAC) is {difference}, "
                "which {verdict} a loss of {margin}",
                measure=_MEASURES.get(measure, measure.replace("_", " ")),
                years=text(" at {y}", y=years(row)) if row.has("horizon_years") else "",
                difference=interval(row, "difference", "fixed3"),
                verdict="excludes" if holds else "does not exclude",
                margin=row.tag("margin", "fixed3"),
            )
        )
    return text("Held against a margin: {parts}.", parts=Markup("; ").join(parts))


_MEASURES = {
    "c": "the C index",
    "npv_crude": "the crude predictive value of a score of 0",
    "npv_km": "the predictive value of a score of 0 by Kaplan-Meier",
}


def years(row: Row) -> Markup:
    """ "5 years", "1 year": the horizon of a row."""
    unit = " year" if row.value("horizon_years") == 1 else " years"
    return row.tag("horizon_years", "fixed0") + unit


def _events(run: Run) -> Markup | None:
    row = run.row(FOLLOWUP, population="paired")
    if row is None:
        return None
    return text(
        "Every comparison of the two scores rests on {events} events in {n} patients who have both.",
        events=row.tag("n_events", "count"),
        n=row.tag("n", "count"),
    )


def _proportionality(run: Run) -> Markup | None:
    row = run.row(
        "statistics/proportional_hazards.csv",
        population="all",
        score="dl_ctac",
        model="univariable",
        term="GLOBAL",
    )
    if row is None or not row.has("p"):
        return None
    words = (
        "which speaks against one hazard ratio for the whole follow-up"
        if float(row.value("p")) < 0.05
        else "which gives no sign against proportional hazards, though a test cannot prove them"
    )
    return text(
        "The test of proportional hazards gives p = {p}, {words}.", p=row.tag("p", "pvalue"), words=words
    )


def _sentence(note: str) -> str:
    return note if note.rstrip().endswith(".") else f"{note.rstrip()}."
