"""Describe how the scans were made, by cohort, site and protocol."""

from calcohort import tables
from calcohort.imaging.summary import imaging_protocols
from calcohort.logs import script_log

with script_log(snakemake.log[0]):
    series, development = (
        tables.read_csv(path, dtype={"site": "string"}) if path else None
        for path in (snakemake.input.series, snakemake.input.development)
    )
    tables.write_csv(imaging_protocols(series, development), snakemake.output[0])
