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


def write_timing(run_dir: str | Path, benchmark_dir: str | Path) -> None:
    """audit/timing.csv and audit/timing.html from Snakemake's benchmark files."""
    table = timing.collect(benchmark_dir)
    write_csv(table, Path(run_dir) / TIMING)
    with whole_file(Path(run_dir) / TIMING_PAGE) as path:
        path.write_text(timing.render(table), encoding="utf-8")


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
