"""List every series and every file with its reason."""

import pandas as pd

from calcohort import tables
from calcohort.cohort.pseudonyms import site_key
from calcohort.imaging import outcomes
from calcohort.imaging.listing import files_table, series_table
from calcohort.logs import script_log

with script_log(snakemake.log[0]):
    parts = [tables.read_csv(path) for path in snakemake.input.outcomes]
    converted = pd.concat(parts, ignore_index=True) if parts else outcomes.table([])
    series = pd.read_parquet(snakemake.input.series)
    listing = series_table(series, tables.read_csv(snakemake.input.choices), converted)
    tables.write_csv(listing, snakemake.output.series)
    private_dir = snakemake.params.private_dir
    key = site_key(private_dir) if private_dir else b""
    tables.write_parquet(files_table(pd.read_parquet(snakemake.input.files), key), snakemake.output.files)
