"""Decode the scans of one shard into volumes in HU."""

from pathlib import Path

import pandas as pd

from calcohort import tables
from calcohort.config import dicom_roots
from calcohort.dicom import save_volume, series_paths
from calcohort.imaging import outcomes
from calcohort.imaging.volume_files import load_scan
from calcohort.logs import script_log

with script_log(snakemake.log[0]):
    scans = tables.read_csv(snakemake.input.scans)
    files = pd.read_parquet(snakemake.input.files)
    roots, folder = dicom_roots(snakemake.config), Path(snakemake.output.volumes)
    folder.mkdir(parents=True)
    rows = []
    for scan in scans[scans["shard"] == snakemake.wildcards.shard].itertuples():
        paths = series_paths(files, roots, scan.series)
        loaded = load_scan(paths, allow_lossy=snakemake.params.allow_lossy)
        rows.append(outcomes.converted(scan, loaded))
        if loaded.volume is not None:
            # Compressing would take longer than all else, and the volume is gone in a minute.
            save_volume(loaded.volume, folder / f"{scan.series}.nii")
    tables.write_csv(outcomes.table(rows), snakemake.output.outcomes)
