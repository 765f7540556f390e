"""Gather the scores and lesions of all shards."""

import pandas as pd

from calcohort import tables
from calcohort.errors import InputError
from calcohort.logs import script_log
from calcohort.scoring.rows import rejected_row, scores_table

with script_log(snakemake.log[0]):
    rejected = [
        {"patient_id": scan.patient_id, "scan_date": scan.scan_date}
        | rejected_row(source=scan.source, series=scan.series, protocol=scan.protocol, reason=scan.reason)
        for scan in tables.read_csv(snakemake.input.rejected).itertuples()
    ]
    parts = [tables.read_csv(path) for path in snakemake.input.scores]
    if not parts:
        cure = "see imaging/series.csv of the run, columns protocol and reason"
        raise InputError("no scan could be linked to a patient", where="imaging", cure=cure)
    scores = pd.concat([*parts, scores_table(rejected)] if rejected else parts, ignore_index=True)
    scores = scores.sort_values(["patient_id", "protocol", "series"], ignore_index=True)
    lesions = pd.concat([tables.read_csv(path) for path in snakemake.input.lesions], ignore_index=True)
    lesions = lesions.sort_values(["patient_id", "series", "label"], ignore_index=True)
    tables.write_csv(scores, snakemake.output.scores)
    tables.write_parquet(scores, snakemake.output.parquet)
    tables.write_csv(lesions, snakemake.output.lesions)
