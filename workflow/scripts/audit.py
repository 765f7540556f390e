"""Checksums, timing and provenance of a finished run."""

from pathlib import Path

from calcohort.audit.build import write_checksums, write_provenance, write_timing
from calcohort.logs import script_log

with script_log(snakemake.log[0]):
    results = Path(snakemake.output.checksums).parents[1]
    write_checksums(results)
    write_timing(results, snakemake.params.benchmarks, snakemake.params.reading_times)
    write_provenance(results, snakemake.params.config, model_dir=snakemake.params.model)
