"""Cut the slices of example patients for the figures."""

from pathlib import Path

from calcohort import tables
from calcohort.exhibits.examples import choose, cut, patients, save
from calcohort.logs import script_log
from calcohort.segmentation import store

with script_log(snakemake.log[0]):
    table = patients(tables.read_csv(snakemake.input.analysis), tables.read_csv(snakemake.input.scores))
    crops = {path.stem: path for folder in snakemake.input.crops for path in Path(folder).glob("*.npz")}

    def crop_of(series):
        """Heart of a scan, None where there is none."""
        return store.load(crops[series]) if series in crops else None

    save(snakemake.output[0], cut(choose(table, crop_of), crop_of))
