"""Draw the plan of the simulated external cohort."""

from calcohort import tables
from calcohort.logs import script_log
from calcohort.simulate.plan import external_plan

with script_log(snakemake.log[0]):
    plan = external_plan(snakemake.params.seed, snakemake.params.patients)
    tables.write_csv(plan, snakemake.output[0])
