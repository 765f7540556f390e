"""Hold the published numbers against those of this run."""

from pathlib import Path

from calcohort.audit.build import write_claims
from calcohort.logs import script_log

with script_log(snakemake.log[0]):
    write_claims(
        Path(snakemake.output[0]).parents[1],
        snakemake.params.config,
        snakemake.input.claims,
        snakemake.input.mapping,
        analysis=snakemake.input.analysis,
    )
