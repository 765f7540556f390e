"""Index the imaging folders: every file and every series, by their headers."""

from pathlib import Path

import pandas as pd

from calcohort import tables
from calcohort.cohort.pseudonyms import pseudonymise, site_key
from calcohort.config import dicom_roots
from calcohort.dicom import scan_folder
from calcohort.imaging.contents import content_digests, contents, settle
from calcohort.imaging.identity import identify
from calcohort.imaging.protocol import rule_keywords
from calcohort.imaging.user_tables import read_volume_table
from calcohort.imaging.volume_files import volume_series, with_volumes
from calcohort.logs import script_log
from calcohort.registries.people import CROSSWALK, WITHDRAWN, translate, without

with script_log(snakemake.log[0]):
    link, volumes_table = snakemake.params.link, snakemake.config["imaging"].get("volumes")
    registries = {Path(path).stem: path for path in snakemake.input.people}
    listed = read_volume_table(volumes_table) if volumes_table else None
    index = scan_folder(
        dicom_roots(snakemake.config),
        workers=snakemake.threads,
        allow_lossy=snakemake.params.allow_lossy,
        minimum_extent_mm=snakemake.params.minimum_extent_mm,
        extra_keywords=sorted({*rule_keywords(snakemake.params.protocols), *link.values()}),
    )
    files, volumes = volume_series(index.files, index.roots, listed)
    series = with_volumes(identify(index.series, **link), volumes)
    # Only what may become a scan is read to its last byte, and once.
    scans = files["series"].isin(series.loc[series["accepted"], "series"])
    place = Path(snakemake.output.contents)
    before = pd.read_parquet(place) if place.exists() else None
    # More readers than cores: they wait for disks.
    held = contents(files, index.roots, before, workers=4 * snakemake.threads, whole=scans)
    digests = content_digests(files[scans], held["digest"][scans.to_numpy()])
    series["content"] = series["series"].map(digests)
    known = pd.Series(False, index=series.index)
    if snakemake.params.identifier:
        crosswalk = pd.read_parquet(registries[CROSSWALK])
        series["patient_id"] = translate(series["patient_id"], crosswalk, snakemake.params.identifier)
        # The crosswalk has pseudonyms already.
        known = series["patient_id"].isin(crosswalk["patient_id"])
    if snakemake.params.private_dir:
        named = pseudonymise(series["patient_id"], site_key(snakemake.params.private_dir))
        series["patient_id"] = series["patient_id"].where(known, named)
    if WITHDRAWN in registries:
        withdrawn = pd.read_parquet(registries[WITHDRAWN])["patient_id"]
        gone = series.loc[series["patient_id"].isin(withdrawn), "series"]
        held = held[~files["series"].isin(gone).to_numpy()]
        files = files[~files["series"].isin(gone)]
        series = without({"series": series}, withdrawn)["series"].reset_index(drop=True)
    tables.write_parquet(held, snakemake.output.contents)
    tables.write_parquet(files, snakemake.output.files)
    tables.write_parquet(series, snakemake.output.series)
    settle(snakemake.output.tree, snakemake.params.tree, snakemake.params.tree)
