"""Write the second set of tables and the flow, which may leave the site."""

from pathlib import Path

from calcohort import tables
from calcohort.cohort.disclosure import merged_flow
from calcohort.cohort.public import SOURCES, public_frames
from calcohort.exhibits.exhibit import read_inputs
from calcohort.exhibits.public import TABLES, public_exhibit
from calcohort.exhibits.registry import EXHIBITS
from calcohort.exhibits.write import write
from calcohort.logs import script_log

with script_log(snakemake.log[0]):
    limit, folder = snakemake.params.min_cell, Path(snakemake.params.results)
    frames = public_frames(read_inputs(folder, SOURCES), limit)
    for name in TABLES:
        exhibit = public_exhibit(EXHIBITS[name], limit)
        inputs = {source: frames[source] for source in exhibit.sources if source in frames}
        write(name, exhibit, inputs, snakemake.params.meta, folder / "public")
    for flow in snakemake.input.flows:
        steps = merged_flow(tables.read_csv(flow), limit)
        tables.write_csv(steps, folder / "public/cohort" / Path(flow).name)
