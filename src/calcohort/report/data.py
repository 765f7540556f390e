"""Who and what is in the data: flow, exclusions, findings, scans and their flags, claims, checklist."""

from collections.abc import Sequence

from markupsafe import Markup

from calcohort.audit.checklist import Checklist
from calcohort.audit.verdicts import decimals
from calcohort.imaging.codes import CODES
from calcohort.report.prose import Column, frame, missing, paragraph, table_of, text
from calcohort.report.run import Run
from calcohort.report.tallies import TALLIES

CLAIMS = "audit/claims.csv"
CLAIMS_SUMMARY = "audit/claims_summary.csv"
FLOW = "cohort/flow.csv"
QUALITY = "cohort/quality.csv"

PATIENT_REASONS = {
    "no_pet_exam": "no PET examination in the registry",
    "death_before_scan": "recorded as dead on or before the day of the scan",
    "missing_followup": "no contact, event or death recorded after the day of the scan",
    "early_revascularization": "PCI or CABG within the days after the scan that count as early",
    "missing_ctac": "no attenuation-correction CT was found",
    "corrupt_ctac": "the attenuation-correction CT could not be read or scored",
    "no_heart": "no heart was found in the scan",
}
PROTOCOLS = {
    "ctac_stress": "attenuation-correction CT at stress",
    "ctac_rest": "attenuation-correction CT at rest",
    "cac_gated": "ECG-gated calcium scan",
    "unknown": "no rule of the config names it",
}
_TOPICS = {
    "series": "Series that were not used",
    "file": "Files that were not used",
    "scan": "Scans without a score",
    "flag": "Warnings and quality flags of scored scans",
    "protocol": "Protocols of the accepted series",
    "development": "Development scans that were left out",
    "development flag": "Warnings and quality flags of the tested development scans",
}


def flow(run: Run) -> Markup:
    """The steps from screened to analysed."""
    rows = run.rows(FLOW)
    if not rows:
        return missing(run.why_not(FLOW))
    lines = Markup("").join(
        text(
            "<tr><th scope='row'>{why}</th><td class='num'>{n_in}</td><td class='num'>{out}</td>"
            "<td class='num'>{left}</td></tr>",
            why=_meaning(row.value("reason")) or "all",
            n_in=row.tag("n_in", "count"),
            out=row.tag("excluded", "count"),
            left=row.tag("n_out", "count"),
        )
        for row in rows
    )
    return frame("One reason a patient, in this order", ["Reason", "Before", "Excluded", "Left"], lines)


def quality(run: Run) -> Markup:
    """Every data-quality finding of the registries and their linkage."""
    columns = (
        Column("Source", "source"),
        Column("Finding", "rule"),
        Column("Severity", "severity"),
        Column("Count", "count", "count"),
    )
    found = table_of(run, QUALITY, columns, "Findings of the linkage and derivation (cohort/quality.csv)")
    return _match_rates(run) + found


def _match_rates(run: Run) -> Markup:
    """Rows of each source, and how many of them belong to somebody of the study."""
    lines = Markup("").join(
        text(
            "<tr><th scope='row'>{source}</th><td class='num'>{n}</td><td class='num'>{linked}</td>"
            "<td class='num'>{share}%</td></tr>",
            source=str(row.value("code")).replace("_", " "),
            n=row.tag("of", "count"),
            linked=row.tag("count", "count"),
            share=row.tag("share", "percent1"),
        )
        for row in run.rows(TALLIES, topic="linked")
    )
    caption = "Match rate: rows of each source that belong to somebody of the study"
    return frame(caption, ["Source", "Rows", "Linked", "Share"], lines) if lines else Markup("")


def scans(run: Run) -> Markup:
    """What was not used, with the meaning of each code, and the flags of what was."""
    if not _headings(run):
        return missing("This run did not start from images, or every scan was used without a remark.")
    blocks = Markup("")
    for topic, heading in _headings(run):
        rows = run.rows(TALLIES, topic=topic)
        lines = Markup("").join(
            text(
                "<tr><th scope='row'><code>{code}</code></th><td>{meaning}</td><td class='num'>{count}</td>"
                "<td class='num'>{of}</td></tr>",
                code=row.value("code"),
                meaning=_meaning(row.value("code"), fallback=""),
                count=row.tag("count", "count"),
                of=row.tag("of", "count"),
            )
            for row in rows
        )
        blocks += frame(heading, ["Code", "Meaning", "Count", "Of"], lines)
    return blocks


def _headings(run: Run) -> list[tuple[str, str]]:
    """Topics that the run has, in the order of the page; those of a site after their like."""
    there = list(dict.fromkeys(row.value("topic") for row in run.rows(TALLIES)))
    ordered = []
    for topic, heading in _TOPICS.items():
        ordered += [(topic, heading)] * (topic in there)
        sites = sorted(name for name in there if name.startswith(f"{topic}, site "))
        ordered += [(name, f"{heading}: {name.partition(', ')[2]}") for name in sites]
    return ordered


def claims(run: Run) -> Markup:
    """The published numbers beside this run's, with verdicts."""
    rows = run.rows(CLAIMS)
    if not rows:
        return missing(run.why_not(CLAIMS))
    counts = [
        text("{verdict}: {count}", verdict=row.value("verdict"), count=row.tag("count", "count"))
        for row in run.rows(CLAIMS_SUMMARY)
    ]
    shown = [row for row in rows if row.value("verdict") != "not computable"]
    html = paragraph(
        "Each verdict holds one published number against this run’s by the test of their difference and the "
        "widths of their intervals; what the cohort was made to have (by construction) supports nothing."
    ) + paragraph(Markup("; ").join(counts) + "." if counts else "")
    if not shown:
        return html + missing("No published number could be computed in this run; audit/claims.csv says why.")
    lines = Markup("").join(_claim(row) for row in shown)
    headings = ["Quantity", "Where, and in whom", "Published", "This run", "95% interval", "Verdict"]
    caption = "What could be computed; the rest and its reasons are in audit/claims.csv"
    table = frame(caption, headings, lines, kind="plain claims")
    return html + text("<details><summary>Show every number</summary>{table}</details>", table=table)


def checklist(run: Run, published: Checklist) -> Markup:
    """A checklist as filled from the run, with links to the sections."""
    rows = run.rows(published.file)
    if not rows:
        return missing(run.why_not(published.file))
    lines = Markup("").join(
        text(
            "<tr class='{kind}'><th scope='row'>{item}</th><td>{asks}</td><td>{status}</td><td>{answer}"
            "{where}</td></tr>",
            kind=str(row.value("status")).replace(" ", "-"),
            item=row.value("item"),
            asks=row.value("asks"),
            status=STATUS_WORDS[str(row.value("status"))],
            answer=row.value("answer") or "",
            where=_where(row.value("where")),
        )
        for row in rows
    )
    table = frame(published.name, ["Item", "Asks for", "Status", "Answer"], lines, kind="plain prose")
    note = unchecked([str(row.value("item")) for row in rows if _is_false(row.value("wording_checked"))])
    return paragraph(f"{published.source}. Items in short words.") + paragraph(note) + table


def unchecked(items: Sequence[str]) -> str:
    """Sentence on the items whose wording was not held against the published text; empty without any."""
    if not items:
        return ""
    return (
        f"The wording of items {items[0]} to {items[-1]} could not be compared with the published table: "
        "hold it against the paper before submission."
    )


def _is_false(value) -> bool:
    return str(value).lower() == "false"


STATUS_WORDS = {
    "answered": "answered",
    "in part": "in part; a person must add the rest",
    "person": "needs a person",
    "missing": "not in this run",
}
# Claims are printed to the digits that were published, as far as a format has them.
_BY_DECIMALS = {0: "fixed0", 1: "fixed1", 2: "fixed2", 3: "fixed3"}


def _claim(row) -> Markup:
    published = str(row.value("published") or "")
    printed = [published, str(row.value("published_low") or ""), str(row.value("published_high") or "")]
    format = _BY_DECIMALS.get(max(decimals(one) for one in printed), "fixed3")
    ends = ""
    if row.has("ci_low", "ci_high"):
        ends = text("{low} to {high}", low=row.tag("ci_low", format), high=row.tag("ci_high", format))
    value = row.tag("value", format) if row.has("value") else text("p {p}", p=row.tag("p", "pvalue"))
    has_span = row.value("published_low") is not None
    span = ""
    if has_span:
        ends_text = {key: row.tag(f"published_{key}", "text") for key in ("low", "high")}
        span = text(" ({low}, {high})", **ends_text)
    return text(
        "<tr class='{kind}'><th scope='row'>{quantity}</th><td>{population}</td><td>{published}{span}</td>"
        "<td>{value}{source}</td><td class='num'>{ends}</td><td>{verdict}{reason}</td></tr>",
        kind=str(row.value("verdict")).replace(" ", "-"),
        quantity=_with_note(row),
        population=", ".join(str(row.value(key)) for key in ("section", "population") if row.has(key)),
        published=row.tag("published", "text")
        if published
        else text("p {p}", p=row.tag("published_p", "text")),
        span=span,
        value=value,
        source=_source(row),
        ends=ends,
        reason=_why(row),
        verdict=row.value("verdict"),
    )


def _source(row) -> Markup:
    """The file behind a run's number, and its row where it is one."""
    place = f"{row.value('file')}, row {int(row.value('row'))}" if row.has("row") else row.value("file")
    return text("<span class='why'>{place}</span>", place=place or "")


def _why(row) -> Markup:
    """Why a verdict is not the plain one: seen, printed and read aloud, unlike a tooltip."""
    if row.value("verdict") in ("compatible and precise", "by construction") or not row.has("reason"):
        return Markup("")
    return text("<span class='why'>{reason}</span>", reason=row.value("reason"))


def _with_note(row) -> Markup:
    note = text("<span class='why'>{note}</span>", note=row.value("note")) if row.has("note") else ""
    return text("{quantity}{note}", quantity=row.value("quantity") or row.value("id"), note=note)


def _where(value) -> Markup:
    if value is None:
        return Markup("")
    places = [place.strip() for place in str(value).split(";")]
    links = [
        text('<a href="{p}">{name}</a>', p=place, name=place.lstrip("#"))
        if place.startswith("#")
        else text("<code>{p}</code>", p=place)
        for place in places
    ]
    return Markup(" <span class='where'>") + Markup(", ").join(links) + Markup("</span>")


def _meaning(code, fallback: str | None = None) -> str:
    if code is None:
        return ""
    if code in PATIENT_REASONS:
        return PATIENT_REASONS[code]
    if code in PROTOCOLS:
        return PROTOCOLS[code]
    if code in CODES:
        return CODES[code].meaning
    return str(code).replace("_", " ") if fallback is None else fallback
