"""Derive the endpoint, the exclusions and the analysis table."""

from pathlib import Path

import pandas as pd

from calcohort import tables
from calcohort.cohort.analysis import build
from calcohort.cohort.settings import CohortSettings
from calcohort.logs import script_log
from calcohort.registries.scores import read_scores

with script_log(snakemake.log[0]):
    registries = {Path(path).stem: pd.read_parquet(path) for path in snakemake.input.registries}
    settings = CohortSettings.from_config(snakemake.params.settings, private=snakemake.params.private)
    result = build(registries, read_scores(snakemake.input.scores), settings)
    quality = pd.concat([tables.read_csv(snakemake.input.findings), result.quality], ignore_index=True)
    tables.write_csv(result.analysis, snakemake.output.analysis)
    tables.write_csv(result.endpoints, snakemake.output.endpoints)
    tables.write_csv(result.excluded, snakemake.output.excluded)
    tables.write_csv(result.flow, snakemake.output.flow)
    tables.write_csv(quality, snakemake.output.quality)
