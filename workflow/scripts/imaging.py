"""List every series and every file with its reason."""

import pandas as pd

from calcohort import tables
from calcohort.imaging.listing import files_table, series_table
from calcohort.logs import script_log

with script_log(snakemake.log[0]):
    outcomes = pd.concat([tables.read_csv(path) for path in snakemake.input.outcomes], ignore_index=True)
    series = pd.read_parquet(snakemake.input.series)
    listing = series_table(series, tables.read_csv(snakemake.input.choices), outcomes)
    tables.write_csv(listing, snakemake.output.series)
    tables.write_parquet(files_table(pd.read_parquet(snakemake.input.files)), snakemake.output.files)
