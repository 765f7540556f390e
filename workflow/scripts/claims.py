"""Hold the published numbers against those of this run."""

from calcohort.audit.build import write_claims
from calcohort.logs import script_log

with script_log(snakemake.log[0]):
    write_claims(
        snakemake.params.results,
        snakemake.params.config,
        snakemake.input.claims,
        snakemake.input.mapping,
        analysis=snakemake.input.analysis,
    )
