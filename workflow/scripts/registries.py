"""Read, check and pseudonymise the registries; notice who was added, changed or withdrawn."""

from pathlib import Path

import pandas as pd

from calcohort import tables
from calcohort.cohort.pseudonyms import pseudonymise_tables, site_key
from calcohort.config import complete
from calcohort.logs import script_log
from calcohort.registries.people import changes, fingerprints
from calcohort.registries.sources import read_all

with script_log(snakemake.log[0]) as say:
    private_dir = snakemake.params.private_dir
    sources = complete(snakemake.config)["registries"]
    registries = read_all(sources, hide_paths=bool(private_dir))
    if private_dir:
        registries = pseudonymise_tables(registries, site_key(private_dir))
    seen = fingerprints(registries)
    if Path(snakemake.output.seen).exists():
        changed = changes(pd.read_parquet(snakemake.output.seen), seen)
        say("patients since the last run: " + ", ".join(f"{n} {what}" for what, n in changed.items()))
    for table, path in zip(registries.values(), snakemake.output.tables, strict=True):
        tables.write_parquet(table, path)
    tables.write_parquet(seen, snakemake.output.seen)
