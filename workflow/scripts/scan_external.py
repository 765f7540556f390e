"""Scan one batch of the simulated external cohort."""

from pathlib import Path

import pandas as pd
import torch

from calcohort import tables
from calcohort.logs import script_log
from calcohort.simulate.scans import TRUTH_COLUMNS, scan_patient

with script_log(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    first = int(snakemake.wildcards.batch) * snakemake.params.batch_size
    plan = tables.read_csv(snakemake.input.plan)[first : first + snakemake.params.batch_size]
    folder = Path(snakemake.output.dicom)
    folder.mkdir(parents=True)
    rows = []
    for patient in plan.itertuples():
        rows += scan_patient(patient, folder, snakemake.params.seed)
    tables.write_csv(pd.DataFrame(rows, columns=TRUTH_COLUMNS), snakemake.output.truth)
