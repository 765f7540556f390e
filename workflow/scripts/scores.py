"""Gather the scores and lesions of all shards."""

import pandas as pd

from calcohort import tables
from calcohort.logs import script_log

with script_log(snakemake.log[0]):
    scores = pd.concat([tables.read_csv(path) for path in snakemake.input.scores], ignore_index=True)
    scores = scores.sort_values(["patient_id", "protocol", "series"], ignore_index=True)
    lesions = pd.concat([tables.read_csv(path) for path in snakemake.input.lesions], ignore_index=True)
    lesions = lesions.sort_values(["patient_id", "series", "label"], ignore_index=True)
    tables.write_csv(scores, snakemake.output.scores)
    tables.write_parquet(scores, snakemake.output.parquet)
    tables.write_csv(lesions, snakemake.output.lesions)
