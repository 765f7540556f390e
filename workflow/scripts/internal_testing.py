"""Score the internal test scans with the model of the study."""

from pathlib import Path

import torch

from calcohort import tables
from calcohort.categories import CATEGORIES
from calcohort.config import development_tables
from calcohort.development import read_image, read_tables
from calcohort.logs import script_log
from calcohort.scoring.conventions import Conventions
from calcohort.scoring.rows import score_row
from calcohort.segmentation import Segmenter, store
from calcohort.segmentation.shard import Frugal, segment_all
from calcohort.training.evaluate import compare

with script_log(snakemake.log[0]) as say:
    sources = development_tables(snakemake.config)
    torch.set_num_threads(snakemake.threads)
    model = Path(snakemake.input.weights[0]).parent
    segmenter = Frugal(lambda device: Segmenter.load(model, device), snakemake.params.device)
    conventions = Conventions(**snakemake.params.conventions)
    scans = tables.read_csv(snakemake.input.split, dtype={"site": "string", "category": "string"})
    # Kappa depends on the margins: balanced test sets are weighted back to what all scans are like.
    natural = scans["category"].value_counts(normalize=True).reindex(CATEGORIES, fill_value=0.0)
    scans = scans.drop(columns=["category", "pixels", "content"])
    listed = read_tables(sources).loc[scans["scan"]].reset_index(drop=True)
    scans["tested"] = ((scans["split"] == "test") | (snakemake.params.subset == "all")).astype(int)
    scans["agatston_dl"] = float("nan")
    scans["reason"], scans["warnings"] = None, None
    scored = {}

    def read(row):
        """Volume of a scan, and no note."""
        return read_image(listed.loc[row, "image"], listed.loc[row, "place"]), None

    def write(row, volume, segmentation):
        """Score a scan."""
        crop = store.crop(volume, segmentation)
        scored[row] = score_row(crop, source="development", series="", conventions=conventions)

    for outcome in segment_all(scans.index[scans["tested"] == 1], read, segmenter, write):
        row = outcome.key
        if outcome.reason:
            scans.loc[row, "reason"] = outcome.reason
            say(f"{listed.loc[row, 'place']}: {outcome.reason}")
            continue
        scans.loc[row, ["agatston_dl", "reason"]] = scored[row]["agatston"], scored[row]["reason"]
        scans.loc[row, "warnings"] = ";".join(scored[row]["warnings"]) or None
    tables.write_csv(scans.drop(columns="scan"), snakemake.output.scans)
    tested = scans[(scans["tested"] == 1) & scans["agatston_dl"].notna()]
    tables.write_csv(compare(tested, natural.to_numpy()), snakemake.output.agreement)
