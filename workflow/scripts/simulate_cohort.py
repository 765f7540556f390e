"""Draw a cohort of scores and registries shaped like the published study."""

from calcohort import tables
from calcohort.logs import script_log
from calcohort.simulate.cohort import paper_cohort

with script_log(snakemake.log[0]):
    scores, registries = paper_cohort(snakemake.params.seed, snakemake.params.screened)
    tables.write_csv(scores, snakemake.output.scores)
    for name, table in registries.items():
        tables.write_csv(table, snakemake.output[name])
