"""report.html: one self-contained page, a function of the run's files, the config and the code."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup

import calcohort
from calcohort.audit.checklist import CHECKLISTS
from calcohort.report import data, pictures, reviewer, summary
from calcohort.report.methods import methods
from calcohort.report.prose import text
from calcohort.report.run import Run
from calcohort.report.templates import environment, inlined


@dataclass(frozen=True)
class Block:
    """A part of a section with a heading of its own."""

    id: str
    title: str
    html: Markup


@dataclass(frozen=True)
class Section:
    """A section of the page: its own text, then its blocks."""

    id: str
    title: str
    html: Markup = Markup("")
    blocks: tuple[Block, ...] = field(default=())


def build_report(run_dir: str | Path, config: Mapping, meta: Mapping) -> str:
    """The whole page as text.

    Parameters
    ----------
    run_dir : path
        results/NAME with everything but the report and the checksums.
    config : mapping
        The complete config of the run.
    meta : mapping
        simulated (bool), simulated_note (str), weights_simulated (bool), code (digest of the code that ran),
        rules (mapping file -> rule that writes it), model (heart and lesion of its config.json), versions
        (mapping package -> version), model_card (str, the text of the card); each may be left out.

    Returns
    -------
    str
        HTML without any reference to another file or host.
    """
    run = Run(Path(run_dir))
    sections = [section for section in _sections(run, config, meta) if section is not None]
    return (
        environment()
        .get_template("report.html")
        .render(
            title=config.get("title", "Coronary calcium and adverse cardiac events"),
            name=config.get("name", ""),
            sections=sections,
            banner=_banner(meta),
            code=meta.get("code", ""),
            rules=dict(sorted((meta.get("rules") or {}).items())),
            version=calcohort.__version__,
            css=Markup(inlined("report.css")),
            script=Markup(inlined("report.js")),
        )
    )


def _sections(run: Run, config: Mapping, meta: Mapping) -> list[Section | None]:
    shown = pictures.exhibits(run)
    return [
        Section(
            "summary",
            "Summary",
            blocks=(
                Block("asked", "What was asked", summary.asked()),
                Block("found", "What was found", summary.found(run)),
                Block("sure", "How sure one can be", summary.certainty(run, dict(meta))),
            ),
        ),
        _agreement(run, meta),
        Section("flow", "Patients", data.flow(run)),
        _exhibits("exhibits", "Tables and figures", [one for one in shown if not _supplementary(one)]),
        _exhibits("supplement", "Supplementary exhibits", [one for one in shown if _supplementary(one)]),
        Section(
            "reviewer",
            "What a reviewer would ask",
            blocks=tuple(Block(q.id, q.title, reviewer.answer(run, q)) for q in reviewer.questions()),
        ),
        Section("quality", "Data quality", data.quality(run)),
        Section("scans", "Scans: what was left out, and flags", data.scans(run)),
        Section("gallery", "Scan gallery", pictures.gallery(run)),
        Section("claims", "Published numbers beside this run’s", data.claims(run)),
        Section("methods", "Methods", methods(config, meta.get("model"))),
        Section("software", "Software and model", _software(meta)),
        Section(
            "checklists",
            "Checklists",
            blocks=tuple(
                Block(f"checklist-{one.items.stem}", one.name, data.checklist(run, one)) for one in CHECKLISTS
            ),
        ),
    ]


def _agreement(run: Run, meta: Mapping) -> Section | None:
    """Agreement stands before everything else where the scans are real and have expert scores."""
    if meta.get("simulated") or not run.rows(summary.AGREEMENT, weights="linear"):
        return None
    return Section("agreement", "Agreement with your expert scores", summary.agreement_first(run))


def _exhibits(id: str, title: str, shown: list[pictures.Shown]) -> Section | None:
    if not shown:
        if id == "supplement":
            return None
        return Section(id, title, text('<p class="absent">{why}</p>', why="This run made no exhibits."))
    return Section(id, title, blocks=tuple(Block(one.name, one.title, one.html) for one in shown))


def _supplementary(exhibit: pictures.Shown) -> bool:
    return exhibit.name != "central" and re.fullmatch(r"(table|figure)\d+", exhibit.name) is None


def _banner(meta: Mapping) -> list[str]:
    lines = []
    if meta.get("simulated"):
        lines.append(meta.get("simulated_note") or "The data of this run are simulated.")
    if meta.get("weights_simulated"):
        lines.append(
            "The network’s weights were trained on simulated scans and are not validated on real ones."
        )
    return lines


def _software(meta: Mapping) -> Markup:
    versions = meta.get("versions") or {}
    rows = Markup("").join(
        text("<tr><th scope='row'>{name}</th><td>{version}</td></tr>", name=name, version=version)
        for name, version in sorted(versions.items())
    )
    html = text(
        "<p>calcohort {version}{code}. Dates, commit and machine are in audit/provenance.json.</p>",
        version=calcohort.__version__,
        code=f" (code {meta['code']})" if meta.get("code") else "",
    )
    if rows:
        html += text(
            '<table class="plain narrow"><caption>Packages</caption><thead><tr><th scope="col">Package</th>'
            '<th scope="col">Version</th></tr></thead><tbody>{rows}</tbody></table>',
            rows=rows,
        )
    if meta.get("model_card"):
        html += text(
            "<details><summary>Model card</summary><pre>{card}</pre></details>", card=meta["model_card"]
        )
    return html
