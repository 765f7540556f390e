"""Split the development scans by patient."""

from calcohort import tables
from calcohort.logs import script_log
from calcohort.training.split import split_balanced, split_patients

with script_log(snakemake.log[0]):
    text = dict.fromkeys(["site", "category", "pixels", "content"], "string")
    scans = tables.read_csv(snakemake.input[0], dtype=text)
    wanted = snakemake.params.split
    fractions = (1 - wanted["validation"] - wanted["test"], wanted["validation"], wanted["test"])
    previous = None
    if wanted["previous"]:
        previous = tables.read_csv(wanted["previous"]).drop_duplicates("patient_id")
        previous = previous.set_index("patient_id")["split"]
    divide = split_balanced if wanted["balance"] == "category" else split_patients
    scans["split"] = scans["patient_id"].map(divide(scans, fractions, wanted["seed"], previous))
    tables.write_csv(scans, snakemake.output[0])
