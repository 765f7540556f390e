"""Draw figures as wide as a journal's column."""

from pathlib import Path

from calcohort.exhibits.exhibit import read_inputs
from calcohort.exhibits.registry import EXHIBITS
from calcohort.exhibits.write import write_column
from calcohort.logs import script_log

with script_log(snakemake.log[0]):
    results = Path(snakemake.output[0]).parents[2]
    for name in snakemake.params.names:
        exhibit = EXHIBITS[name]
        write_column(name, exhibit, read_inputs(results, exhibit.sources), snakemake.params.meta, results)
