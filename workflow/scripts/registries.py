"""Read, check and pseudonymise the registries."""

import pandas as pd

from calcohort import tables
from calcohort.cohort.pseudonyms import pseudonymise, site_key
from calcohort.logs import script_log
from calcohort.registries.sources import read

with script_log(snakemake.log[0]):
    key = site_key(snakemake.params.private_dir) if snakemake.params.private_dir else None
    findings = []
    for (name, source), path in zip(
        snakemake.params.registries.items(), snakemake.output.tables, strict=True
    ):
        table = read(source, name)
        findings += table.attrs["findings"]
        if key:
            table["patient_id"] = pseudonymise(table["patient_id"], key)
        tables.write_parquet(table, path)
    columns = ["source", "rule", "severity", "count"]
    tables.write_csv(pd.DataFrame(findings, columns=columns), snakemake.output.findings)
