"""Score the readers' annotations of the development scans."""

from calcohort import tables
from calcohort.cohort.pseudonyms import pseudonymise, site_key
from calcohort.config import development_tables
from calcohort.development import expert_score, public, read_image, read_tables
from calcohort.logs import script_log
from calcohort.scoring.conventions import Conventions

with script_log(snakemake.log[0]):
    sources = development_tables(snakemake.config)
    scans = read_tables(sources)
    conventions = Conventions(**snakemake.params.conventions)
    scans["agatston_expert"] = [
        expert_score(read_image(scan.image, f"row {scan.Index + 1}"), scan.annotation, conventions)
        for scan in scans.itertuples()
    ]
    if snakemake.params.private_dir:
        scans["patient_id"] = pseudonymise(scans["patient_id"], site_key(snakemake.params.private_dir))
    tables.write_csv(public(scans), snakemake.output[0])
