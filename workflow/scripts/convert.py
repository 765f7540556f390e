"""Decode the scans of one shard into volumes in HU."""

from pathlib import Path

import pandas as pd

from calcohort import tables
from calcohort.dicom import load_series, save_volume, series_paths
from calcohort.imaging import outcomes
from calcohort.logs import script_log

with script_log(snakemake.log[0]):
    scans = tables.read_csv(snakemake.input.scans)
    files = pd.read_parquet(snakemake.input.files)
    folder = Path(snakemake.output.volumes)
    folder.mkdir(parents=True)
    rows = []
    for scan in scans[scans["shard"] == snakemake.wildcards.shard].itertuples():
        paths = series_paths(files, snakemake.params.dicom, scan.series)
        loaded = load_series(paths, allow_lossy=snakemake.params.allow_lossy)
        rows.append(outcomes.converted(scan, loaded))
        if loaded.volume is not None:
            # Compressing would take longer than all else, and the volume is gone in a minute.
            save_volume(loaded.volume, folder / f"{scan.series}.nii")
    tables.write_csv(outcomes.table(rows), snakemake.output.outcomes)
