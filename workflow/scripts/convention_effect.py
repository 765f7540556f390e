"""Gather how much the rules of counting move the scores."""

import pandas as pd

from calcohort import tables
from calcohort.logs import script_log
from calcohort.scoring.effect import effect_table

with script_log(snakemake.log[0]):
    parts = [tables.read_csv(path, dtype={"category": "string"}) for path in snakemake.input]
    scans = pd.concat(parts, ignore_index=True).sort_values(["series", "protocol"], kind="stable")
    tables.write_csv(scans, snakemake.output.scans)
    tables.write_csv(effect_table(scans), snakemake.output.effect)
