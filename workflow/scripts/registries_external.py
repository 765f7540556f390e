"""Write the registries of the simulated external cohort."""

import pandas as pd

from calcohort import tables
from calcohort.logs import script_log
from calcohort.simulate.registries import hospital_exports, write_options

with script_log(snakemake.log[0]):
    plan = tables.read_csv(snakemake.input.plan, parse_dates=["scan_date", "birth_date"])
    truth = pd.concat([tables.read_csv(path) for path in snakemake.input.truth], ignore_index=True)
    for name, table in hospital_exports(plan, truth, snakemake.params.seed).items():
        with tables.whole_file(snakemake.output[name]) as beside:
            table.to_csv(beside, **write_options(name))
