"""Score the internal test scans with the model of the study."""

from pathlib import Path

import torch

from calcohort import tables
from calcohort.config import development_tables
from calcohort.development import read_image, read_tables
from calcohort.logs import script_log
from calcohort.scoring.agatston import score
from calcohort.scoring.conventions import Conventions
from calcohort.segmentation import NoHeart, Segmenter
from calcohort.segmentation.vote import CORONARY

with script_log(snakemake.log[0]):
    sources = development_tables(snakemake.config)
    torch.set_num_threads(snakemake.threads)
    segmenter = Segmenter.load(Path(snakemake.input.weights[0]).parent, snakemake.params.device)
    conventions = Conventions(**snakemake.params.conventions)
    scans = tables.read_csv(snakemake.input.split, dtype={"site": "string"}).drop(columns="category")
    images = read_tables(sources)["image"]
    scans["tested"] = ((scans["split"] == "test") | (snakemake.params.subset == "all")).astype(int)
    scans["agatston_dl"] = float("nan")
    for row in scans.index[scans["tested"] == 1]:
        volume = read_image(images[row], f"row {row + 1}")
        try:
            calcium = segmenter(volume).labels == CORONARY
        except NoHeart:
            continue
        scans.loc[row, "agatston_dl"] = score(volume, calcium, conventions).agatston
    tables.write_csv(scans, snakemake.output.scans)
