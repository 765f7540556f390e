"""Cut the slices of example patients for the figures."""

from pathlib import Path

from calcohort import tables
from calcohort.exhibits.examples import choose, cut, save
from calcohort.logs import script_log
from calcohort.segmentation import store

with script_log(snakemake.log[0]):
    choice = choose(tables.read_csv(snakemake.input.analysis), tables.read_csv(snakemake.input.scores))
    crops = {path.stem: path for folder in snakemake.input.crops for path in Path(folder).glob("*.npz")}
    slices = cut(choice, lambda series: store.load(crops[series]) if series in crops else None)
    save(snakemake.output[0], slices)
