"""The files of audit/, each by one call, for the rules of the workflow and for their tests."""

import json
from collections.abc import Mapping
from pathlib import Path

from calcohort.audit import claims, timing
from calcohort.audit.checklist import CHECKLISTS, fill
from calcohort.audit.checksums import CHECKSUMS, checksums
from calcohort.audit.provenance import provenance
from calcohort.report.data import CLAIMS, CLAIMS_SUMMARY
from calcohort.report.run import Run
from calcohort.report.tallies import TALLIES, tallies
from calcohort.tables import read_csv, whole_file, write_csv

ANALYSIS = "cohort/analysis.csv"
TIMING, TIMING_PAGE, PROVENANCE = "audit/timing.csv", "audit/timing.html", "audit/provenance.json"


def write_claims(
    run_dir: str | Path,
    config: Mapping,
    claims_file: str | Path,
    mapping: str | Path | None,
    analysis: str | Path | None = None,
) -> None:
    """audit/claims.csv and audit/claims_summary.csv: published numbers beside those of the run.

    `analysis` is the analysis table where it is not the run's own cohort/analysis.csv.
    """
    run, table = Run(Path(run_dir)), claims.read_claims(claims_file)
    places = (claims.read_mapping(mapping) if mapping else {}) | claims.own_mapping(table)
    elsewhere = {ANALYSIS: read_csv(analysis)} if analysis else {}
    compared = claims.compare(
        table,
        places,
        lambda file: elsewhere[file] if file in elsewhere else run.table(file),
        calibrated="cohort" in config.get("simulate", {}),
        seed=config["statistics"]["seed"],
        replicates=config["statistics"]["bootstrap_replicates"],
    )
    write_csv(compared, run.root / CLAIMS)
    write_csv(claims.summary(compared), run.root / CLAIMS_SUMMARY)


def write_tallies(run_dir: str | Path) -> None:
    """audit/tallies.csv: how often each reason code, flag and protocol occurs."""
    run = Run(Path(run_dir))
    write_csv(tallies(run), run.root / TALLIES)


def write_checklists(run_dir: str | Path, meta: Mapping) -> None:
    """audit/checklist_*.csv: the items of each checklist, filled from the run."""
    run = Run(Path(run_dir))
    facts = {"simulated": bool(meta.get("simulated")), "networks": bool(meta.get("model"))}
    for checklist in CHECKLISTS:
        table = fill(checklist, lambda file: _has_content(run, file), facts)
        write_csv(table, run.root / checklist.file)


def write_checksums(run_dir: str | Path) -> None:
    """audit/checksums.csv, to be written when every other output is there."""
    write_csv(checksums(run_dir), Path(run_dir) / CHECKSUMS)


def write_timing(
    run_dir: str | Path, benchmark_dir: str | Path, reading_times: str | Path | None = None
) -> None:
    """audit/timing.csv and audit/timing.html from Snakemake's benchmark files; timing.svg, pdf, png of scans.

    `reading_times` is a table of what readers took, shown beside the seconds per scan of the run.
    """
    root = Path(run_dir)
    table = timing.collect(benchmark_dir, _scans_of_shards(root))
    write_csv(table, root / TIMING)
    groups = []
    per_scan = timing.seconds_per_scan(table)
    if len(per_scan):
        groups.append(("This run", per_scan["seconds"].tolist(), per_scan["scans"].astype(int).tolist()))
    if reading_times:
        seconds = timing.reading_times(reading_times)
        groups.append(("Readers", seconds, [1] * len(seconds)))
    picture = _timing_picture(root, groups) if groups else ""
    words = "End to end, from files to score, with the start of the programs; each shard counts by its scans."
    if not len(per_scan):
        words = "This run read no scans itself, or found them scored."
    if not reading_times:
        words += " The config names no reading times to hold beside it."
    with whole_file(root / TIMING_PAGE) as path:
        path.write_text(timing.render(table, picture, words), encoding="utf-8")


def _scans_of_shards(root: Path) -> dict[str, int]:
    return {
        path.stem: int(read_csv(path)["accepted"].astype(bool).sum())
        for path in sorted((root / "scores/shards").glob("*.csv"))
    }


def _timing_picture(root: Path, groups) -> str:
    """Draw the times in every format; the SVG as text without its XML head."""
    from calcohort.exhibits import style
    from calcohort.exhibits.figures_timing import times

    with style.house():
        figure = times(groups)
        for suffix in ("pdf", "svg", "png"):
            with whole_file(root / f"audit/timing.{suffix}") as path:
                figure.savefig(path, format=suffix, dpi=300)
    svg = (root / "audit/timing.svg").read_text(encoding="utf-8")
    return svg[svg.index("<svg") :]


def write_provenance(run_dir: str | Path, config: Mapping, **options) -> None:
    """audit/provenance.json; `options` as of :func:`calcohort.audit.provenance.provenance`."""
    record = provenance(run_dir, dict(config), **options)
    with whole_file(Path(run_dir) / PROVENANCE) as path:
        path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _has_content(run: Run, file: str) -> bool:
    # A card with the reason stands in the files of an exhibit that could not be made.
    if file.startswith(("figures/", "tables/")):
        facts = run.json(f"exhibits/{Path(file).stem}.json")
        return bool(facts and facts.get("made"))
    if file.endswith(".csv"):
        table = run.table(file)
        return table is not None and not table.empty
    return (run.root / file).is_file()
