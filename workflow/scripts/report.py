"""Write the report."""

from pathlib import Path

from calcohort.audit.build import write_tallies
from calcohort.audit.provenance import versions
from calcohort.logs import script_log
from calcohort.report.page import build_report
from calcohort.tables import whole_file

with script_log(snakemake.log[0]):
    results, meta = Path(snakemake.output[0]).parent, snakemake.params.meta
    meta |= {"rules": snakemake.params.makers, "code": snakemake.params.code, "versions": versions()}
    meta["model_card"] = "\n".join(Path(path).read_text(encoding="utf-8") for path in snakemake.input.card)
    write_tallies(results)
    page = build_report(results, snakemake.params.config, meta)
    with whole_file(snakemake.output[0]) as beside:
        beside.write_text(page, encoding="utf-8")
