"""Score the readers' annotations of the development scans; leave out with a reason what cannot be used."""

from calcohort import tables
from calcohort.cohort.pseudonyms import pseudonymise, site_key
from calcohort.config import development_tables
from calcohort.development import annotate, public, read_tables
from calcohort.logs import script_log
from calcohort.scoring.conventions import Conventions

with script_log(snakemake.log[0]) as say:
    listed = read_tables(development_tables(snakemake.config))
    made = annotate(listed, Conventions(**snakemake.params.conventions), say)
    scans = made.scans
    if snakemake.params.private_dir:
        scans["patient_id"] = pseudonymise(scans["patient_id"], site_key(snakemake.params.private_dir))
    tables.write_csv(public(scans), snakemake.output.scans)
    tables.write_csv(made.rejected, snakemake.output.rejected)
    tables.write_csv(made.imaging, snakemake.output.imaging)
    tables.write_csv(made.flow, snakemake.output.flow)
