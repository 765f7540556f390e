"""Describe patients, development scans and imaging protocols by group."""

from calcohort import tables
from calcohort.exhibits.baseline import baseline
from calcohort.logs import script_log

with script_log(snakemake.log[0]):
    scans, series = (
        tables.read_csv(path, dtype={"site": "string"}) if path else None
        for path in (snakemake.input.scans, snakemake.input.series)
    )
    made = baseline(tables.read_csv(snakemake.input.analysis), scans, series)
    tables.write_csv(made, snakemake.output[0])
