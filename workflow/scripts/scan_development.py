"""Scan and annotate the simulated development patients of one site."""

import torch

from calcohort import tables
from calcohort.logs import script_log
from calcohort.simulate.plan import development_plan
from calcohort.simulate.scans import scan_annotated

with script_log(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    plan = development_plan(snakemake.params.seed, snakemake.params.scans)
    site = plan[plan["site"] == snakemake.wildcards.site].reset_index(drop=True)
    made = [
        scan_annotated(patient, snakemake.output.scans, snakemake.params.seed)
        for patient in site.itertuples()
    ]
    for column in ("image", "annotation", "heart"):
        site[column] = [paths[column] for paths in made]
    site = site.drop(columns=["protocol", "phantom_seed", "burden"])
    tables.write_csv(site, snakemake.output.table)
