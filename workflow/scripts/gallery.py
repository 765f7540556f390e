"""Draw the scans most worth a look, with their lesions outlined."""

from pathlib import Path

import pandas as pd

from calcohort import tables
from calcohort.logs import script_log
from calcohort.pictures.run import worth_seeing, write_gallery, write_pictures
from calcohort.scoring.conventions import Conventions
from calcohort.segmentation import store

with script_log(snakemake.log[0]):
    scores = tables.read_csv(snakemake.input.scores, dtype={"warnings": "string"})
    analysis = tables.read_csv(snakemake.input.analysis)
    standard = analysis.set_index("patient_id")["cac_standard"].dropna().to_dict()
    crops = {path.stem: path for folder in snakemake.input.crops for path in Path(folder).glob("*.npz")}
    shown = worth_seeing(scores, standard, snakemake.params.scans)
    folder = Path(snakemake.output[0])
    conventions = Conventions(**snakemake.params.conventions)
    write_pictures(shown, lambda series: store.load(crops[series]), folder, conventions)
    meta = snakemake.params.meta
    note = meta["simulated_note"] if meta["simulated"] else ""
    # What has no score has no picture, but a place with its reason.
    shown = pd.concat([shown, scores[~scores["accepted"].astype(bool)]], ignore_index=True)
    write_gallery(shown, folder, folder, title=f"Scans of {meta['name']}", note=note, standard=standard)
