"""Stop where a patient or a scan is both in the development and in the external cohort."""

import pandas as pd

from calcohort import tables
from calcohort.development import check_separate
from calcohort.logs import script_log

with script_log(snakemake.log[0]):
    text = {"patient_id": "string", "pixels": "string"}
    annotated, scans = (tables.read_csv(snakemake.input[name], dtype=text) for name in ("annotated", "scans"))
    parts = [tables.read_csv(path, dtype=text) for path in snakemake.input.outcomes]
    shared = check_separate(annotated, scans, pd.concat([*parts, pd.DataFrame(columns=["pixels"])]))
    tables.write_csv(shared, snakemake.output[0])
