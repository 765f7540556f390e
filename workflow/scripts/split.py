"""Split the development scans by patient."""

from calcohort import tables
from calcohort.logs import script_log
from calcohort.training.split import split_patients

with script_log(snakemake.log[0]):
    scans = tables.read_csv(snakemake.input[0], dtype={"site": "string", "category": "string"})
    validation, test = snakemake.params.split["validation"], snakemake.params.split["test"]
    fractions = (1 - validation - test, validation, test)
    scans["split"] = scans["patient_id"].map(
        split_patients(scans, fractions, seed=snakemake.params.split["seed"])
    )
    tables.write_csv(scans, snakemake.output[0])
