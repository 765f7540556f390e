"""Fill the reporting checklists from the run."""

from pathlib import Path

from calcohort.audit.build import write_checklists
from calcohort.logs import script_log

with script_log(snakemake.log[0]):
    write_checklists(Path(snakemake.output[0]).parents[1], snakemake.params.meta)
