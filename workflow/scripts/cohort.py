"""Derive the endpoint, the exclusions and the analysis table."""

from pathlib import Path

import pandas as pd

from calcohort import tables
from calcohort.cohort.analysis import build
from calcohort.cohort.pseudonyms import pseudonymise, site_key
from calcohort.cohort.settings import CohortSettings
from calcohort.logs import script_log
from calcohort.registries.people import without
from calcohort.registries.scores import read_scores

with script_log(snakemake.log[0]):
    registries = {Path(path).stem: pd.read_parquet(path) for path in snakemake.input.registries}
    private_dir = snakemake.params.private_dir
    scores = read_scores(snakemake.input.scores or snakemake.config["scores"], hide_path=bool(private_dir))
    if private_dir:
        # Scores of images, of this run or another one under the same key, are pseudonymous already.
        known = scores["patient_id"].isin(registries["patients"]["patient_id"])
        named = pseudonymise(scores["patient_id"], site_key(private_dir))
        scores["patient_id"] = scores["patient_id"].where(known, named)
    if "withdrawn" in registries:
        scores = without({"scores": scores}, registries["withdrawn"]["patient_id"])["scores"]
    settings = CohortSettings.from_config(snakemake.params.settings, private=bool(private_dir))
    cohort = build(registries, scores, settings)
    for name in ("analysis", "endpoints", "excluded", "flow", "scan_flow", "quality"):
        tables.write_csv(getattr(cohort, name), snakemake.output[name])
