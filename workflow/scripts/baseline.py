"""Describe patients and development scans by group."""

from calcohort import tables
from calcohort.exhibits.baseline import baseline
from calcohort.logs import script_log

with script_log(snakemake.log[0]):
    path = snakemake.input.scans
    scans = tables.read_csv(path, dtype={"site": "string"}) if path else None
    made = baseline(tables.read_csv(snakemake.input.analysis), scans)
    tables.write_csv(made, snakemake.output[0])
