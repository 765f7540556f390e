"""Decode the scans of one shard into volumes in HU."""

from pathlib import Path

import pandas as pd

from calcohort import tables
from calcohort.config import dicom_roots
from calcohort.dicom import LoadedSeries, series_paths
from calcohort.imaging import outcomes
from calcohort.imaging.convert import convert_scan
from calcohort.isolate import Lost, one_by_one
from calcohort.logs import script_log

# A scan of 2,000 slices is read in less than a minute; what takes longer is tried twice.
LONGEST_SECONDS = 300

with script_log(snakemake.log[0]):
    files = pd.read_parquet(snakemake.input.members, filters=[("shard", "==", snakemake.wildcards.shard)])
    roots, folder = dicom_roots(snakemake.config), Path(snakemake.output.volumes)
    folder.mkdir(parents=True)

    def convert(scan):
        """Row of a scan, whose volume is written."""
        paths = series_paths(files, roots, scan.series)
        # Compressing would take longer than all else, and the volume is gone in a minute.
        volume = folder / f"{scan.series}.nrrd"
        limits = {name: getattr(snakemake.params, name) for name in ("allow_lossy", "minimum_extent_mm")}
        loaded = convert_scan(paths, volume, **limits)
        return outcomes.converted(scan, loaded)

    found = list(files.drop_duplicates("series").itertuples())
    made = one_by_one(
        lambda number: convert(found[number]),
        range(len(found)),
        memory_mb=snakemake.resources.mem_mb,
        seconds=LONGEST_SECONDS,
    )
    rows = [
        outcomes.converted(scan, LoadedSeries(None, row.reason, (), {})) if isinstance(row, Lost) else row
        for scan, row in zip(found, made, strict=True)
    ]
    tables.write_csv(outcomes.table(rows), snakemake.output.outcomes)
