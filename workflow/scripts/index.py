"""Index the DICOM tree: every file and every series, by their headers."""

from calcohort import tables
from calcohort.cohort.pseudonyms import pseudonymise, site_key
from calcohort.dicom import scan_folder
from calcohort.imaging.identity import content_digests, identify
from calcohort.imaging.protocol import DEFAULT_RULES, rule_keywords
from calcohort.logs import script_log

with script_log(snakemake.log[0]):
    link = snakemake.params.link
    rules = snakemake.params.protocols or DEFAULT_RULES
    index = scan_folder(
        snakemake.params.dicom,
        workers=snakemake.threads,
        allow_lossy=snakemake.params.allow_lossy,
        extra_keywords=sorted({*rule_keywords(rules), *link.values()}),
    )
    series = identify(index.series, link["patient_id"], link["scan_date"])
    series["content"] = series["series"].map(content_digests(index.files, index.roots))
    if snakemake.params.private_dir:
        series["patient_id"] = pseudonymise(series["patient_id"], site_key(snakemake.params.private_dir))
    tables.write_parquet(index.files, snakemake.output.files)
    tables.write_parquet(series, snakemake.output.series)
