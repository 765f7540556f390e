"""Make one table or figure."""

from pathlib import Path

from calcohort.exhibits.exhibit import read_inputs
from calcohort.exhibits.registry import EXHIBITS
from calcohort.exhibits.write import write
from calcohort.logs import script_log

with script_log(snakemake.log[0]):
    name, results = snakemake.wildcards.name, Path(snakemake.output.manifest).parents[1]
    exhibit = EXHIBITS[name]
    write(name, exhibit, read_inputs(results, exhibit.sources), snakemake.params.meta, results)
