"""Derive the endpoint, the exclusions and the analysis table."""

from pathlib import Path

import pandas as pd

from calcohort import tables
from calcohort.cohort.analysis import build
from calcohort.cohort.pseudonyms import pseudonymise, site_key
from calcohort.cohort.settings import CohortSettings
from calcohort.logs import script_log
from calcohort.registries.scores import read_scores

with script_log(snakemake.log[0]):
    registries = {Path(path).stem: pd.read_parquet(path) for path in snakemake.input.registries}
    scores = read_scores(snakemake.input.scores)
    private_dir = snakemake.params.private_dir
    if private_dir and snakemake.params.door == "scores":
        # The scores of this run's own images are pseudonymous already.
        scores["patient_id"] = pseudonymise(scores["patient_id"], site_key(private_dir))
    settings = CohortSettings.from_config(snakemake.params.settings, private=bool(private_dir))
    cohort = build(registries, scores, settings)
    for name in ("analysis", "endpoints", "excluded", "flow", "quality"):
        tables.write_csv(getattr(cohort, name), snakemake.output[name])
