"""Score the readers' annotations of the development scans; leave out with a reason what cannot be used."""

from calcohort import tables
from calcohort.cohort.pseudonyms import pseudonymise, site_key
from calcohort.config import development_tables
from calcohort.development import annotate, public, read_tables
from calcohort.logs import script_log
from calcohort.scoring.conventions import Conventions

with script_log(snakemake.log[0]) as say:
    listed = read_tables(development_tables(snakemake.config))
    key = site_key(snakemake.params.private_dir) if snakemake.params.private_dir else b""
    made = annotate(listed, Conventions(**snakemake.params.conventions), say, key)
    scans = made.scans
    if key:
        scans["patient_id"] = pseudonymise(scans["patient_id"], key)
    tables.write_csv(public(scans), snakemake.output.scans)
    tables.write_csv(made.rejected, snakemake.output.rejected)
    tables.write_csv(made.imaging, snakemake.output.imaging)
    tables.write_csv(made.flow, snakemake.output.flow)
