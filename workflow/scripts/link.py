"""Link series to patients, choose the scans, and deal them to shards."""

from pathlib import Path

import pandas as pd

from calcohort import tables
from calcohort.cohort.pseudonyms import pseudonymise, site_key
from calcohort.imaging.identity import first_exams
from calcohort.imaging.link import link_scans, rejected_scans
from calcohort.imaging.shards import assign, members, remove_others
from calcohort.imaging.user_tables import read_overrides
from calcohort.logs import script_log

ABOUT = ["content", "source", "kvp"]
# Some shards of a study: a job that wants one of them reads little more.
GROUP_ROWS = 20_000

with script_log(snakemake.log[0]):
    private_dir = snakemake.params.private_dir
    series = pd.read_parquet(snakemake.input.series)
    pet = first_exams(pd.read_parquet(snakemake.input.pet))
    overrides_table = snakemake.config["imaging"].get("overrides")
    overrides = read_overrides(overrides_table) if overrides_table else None
    if overrides is not None and private_dir:
        overrides["patient_id"] = pseudonymise(overrides["patient_id"], site_key(private_dir))
    choices = link_scans(series, pet, snakemake.params.protocols, snakemake.params.choice, overrides)
    rejected = rejected_scans(choices, series, pet).merge(series[["series", "source"]], on="series")
    if private_dir:
        # Linked means made on the day of the PET scan: day 0.
        choices["scan_date"] = choices["scan_date"].where(~choices["chosen"], 0).where(choices["chosen"])
        rejected["scan_date"] = 0
    scans = choices.loc[
        choices["chosen"], ["series", "patient_id", "protocol", "scan_date", "rule", "choice"]
    ]
    scans = scans.merge(series[["series", *ABOUT]], on="series", validate="one_to_one")
    shards = assign(scans["series"], snakemake.params.shard_size)
    remove_others(Path(snakemake.output.scans).parents[1], set(shards.values()))
    scans.insert(0, "shard", scans["series"].map(shards))
    tables.write_csv(scans.sort_values(["shard", "series"]), snakemake.output.scans)
    # As every other reader of the table has them.
    scans = tables.read_csv(snakemake.output.scans)
    files = pd.read_parquet(snakemake.input.files, columns=["series", "root", "path"])
    tables.write_parquet(members(scans, files), snakemake.output.members, GROUP_ROWS)
    tables.write_csv(rejected, snakemake.output.rejected)
    tables.write_csv(choices, snakemake.output.choices)
