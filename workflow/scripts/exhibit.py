"""Make one table or figure."""

from calcohort.exhibits.exhibit import read_inputs
from calcohort.exhibits.registry import EXHIBITS
from calcohort.exhibits.write import write
from calcohort.logs import script_log

with script_log(snakemake.log[0]):
    name, results = snakemake.wildcards.name, snakemake.params.results
    exhibit = EXHIBITS[name]
    write(name, exhibit, read_inputs(results, exhibit.sources), snakemake.params.meta, results)
