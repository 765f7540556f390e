"""Segment the heart and its calcium in every volume of one shard."""

from pathlib import Path

import torch

from calcohort import tables
from calcohort.cohort.pseudonyms import site_key
from calcohort.dicom.nrrd import open_volume
from calcohort.logs import script_log
from calcohort.segmentation import NoHeart, Segmenter, store

with script_log(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    segmenter = Segmenter.load(Path(snakemake.input.weights[0]).parent, snakemake.params.device)
    outcomes = tables.read_csv(snakemake.input.outcomes)
    private_dir = snakemake.params.private_dir
    key = site_key(private_dir) if private_dir else b""
    outcomes["pixels"] = None
    folder = Path(snakemake.output.crops)
    folder.mkdir(parents=True)
    for row in outcomes.index[outcomes["accepted"]]:
        series = outcomes.loc[row, "series"]
        volume = open_volume(Path(snakemake.input.volumes) / f"{series}.nrrd")
        outcomes.loc[row, "pixels"] = store.pixel_hash(volume, key)
        try:
            store.save(folder / f"{series}.npz", store.crop(volume, segmenter(volume)))
        except NoHeart as missing:
            outcomes.loc[row, ["accepted", "reason"]] = [False, missing.reason]
    tables.write_csv(outcomes, snakemake.output.outcomes)
