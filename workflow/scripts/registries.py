"""Read, check and pseudonymise the registries."""

from calcohort import tables
from calcohort.cohort.pseudonyms import pseudonymise_tables, site_key
from calcohort.logs import script_log
from calcohort.registries.sources import read

with script_log(snakemake.log[0]):
    registries = {name: read(source, name) for name, source in snakemake.params.registries.items()}
    if snakemake.params.private_dir:
        registries = pseudonymise_tables(registries, site_key(snakemake.params.private_dir))
    for table, path in zip(registries.values(), snakemake.output.tables, strict=True):
        tables.write_parquet(table, path)
