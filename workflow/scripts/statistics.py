"""One family of statistics of the analysis table."""

from pathlib import Path

from calcohort import tables
from calcohort.logs import script_log
from calcohort.statistics.run import FAMILIES

with script_log(snakemake.log[0]):
    inputs = {name: tables.read_csv(path) for name, path in snakemake.input.items()}
    made = FAMILIES[snakemake.params.family](
        inputs["analysis"],
        inputs.get("endpoints"),
        snakemake.params.settings,
        scans=inputs.get("development"),
    )
    for path in snakemake.output:
        tables.write_csv(made[Path(path).stem], path)
