"""Segment the heart and its calcium in every volume of one shard."""

from pathlib import Path

import torch

from calcohort import tables
from calcohort.cohort.pseudonyms import site_key
from calcohort.logs import script_log
from calcohort.nrrd import open_volume
from calcohort.segmentation import Segmenter, store
from calcohort.segmentation.shard import Clock, Frugal, segment_all

with script_log(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    model = Path(snakemake.input.weights[0]).parent
    segmenter = Frugal(lambda device: Segmenter.load(model, device), snakemake.params.device)
    private_dir = snakemake.params.private_dir
    key = site_key(private_dir) if private_dir else b""
    folder = Path(snakemake.output.crops)
    folder.mkdir(parents=True)

    def read(series):
        """Volume of a scan, and the hash of its voxels."""
        volume = open_volume(Path(snakemake.input.volumes) / f"{series}.nrrd")
        return volume, store.pixel_hash(volume, key)

    def write(series, volume, segmentation):
        """Keep the heart of a scan."""
        store.save(folder / f"{series}.npz", store.crop(volume, segmentation))

    outcomes = tables.read_csv(snakemake.input.outcomes)
    outcomes["pixels"] = None
    accepted, clock = outcomes.loc[outcomes["accepted"], "series"], Clock()
    for row, outcome in zip(
        accepted.index, segment_all(accepted, read, segmenter, write, clock), strict=True
    ):
        outcomes.loc[row, "pixels"] = outcome.note
        if outcome.reason:
            outcomes.loc[row, ["accepted", "reason"]] = [False, outcome.reason]
    tables.write_csv(outcomes, snakemake.output.outcomes)
    print(f"{len(accepted)} scans; the networks worked {clock.busy:.1f} of {clock.total:.1f} s")
