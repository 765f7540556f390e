"""Link series to patients, choose the scans, and deal them to shards."""

import pandas as pd

from calcohort import tables
from calcohort.imaging.identity import first_exams
from calcohort.imaging.link import link_scans, rejected_scans
from calcohort.imaging.protocol import DEFAULT_RULES
from calcohort.imaging.shards import assign
from calcohort.logs import script_log

with script_log(snakemake.log[0]):
    series = pd.read_parquet(snakemake.input.series)
    pet = first_exams(pd.read_parquet(snakemake.input.pet))
    choices = link_scans(series, pet, snakemake.params.protocols or DEFAULT_RULES)
    rejected = rejected_scans(choices, series, pet)
    if snakemake.params.private:
        # Linked means made on the day of the PET scan: day 0.
        choices["scan_date"] = choices["scan_date"].where(~choices["chosen"], 0).where(choices["chosen"])
        rejected["scan_date"] = 0
    scans = choices.loc[choices["chosen"], ["series", "patient_id", "protocol", "scan_date"]]
    scans["content"] = scans["series"].map(series.set_index("series")["content"])
    shards = assign(scans["series"], snakemake.params.shard_size)
    scans.insert(0, "shard", scans["series"].map(shards))
    tables.write_csv(scans.sort_values(["shard", "series"]), snakemake.output.scans)
    tables.write_csv(rejected, snakemake.output.rejected)
    tables.write_csv(choices, snakemake.output.choices)
