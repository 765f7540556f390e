# calcohort: from CT scans and outcome registries to a complete, auditable cohort analysis.
#
# Reads the config, checks it, and includes one file of rules per stage, in the order the data flows:
#   simulate -> registries, imaging -> segmentation -> scoring -> cohort -> statistics -> exhibits -> report


# Snakemake merges config files, so the demo's is named only when the user gave none.
if not workflow.configfiles:

    configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


# Every rule in one image, where `--sdm apptainer` asks for it; built beforehand, see docs/cluster.md.
container: "envs/calcohort.sif"


include: "rules/common.smk"


if "simulate" in CONFIG:

    include: "rules/simulate.smk"


if "registries" in CONFIG:

    include: "rules/registries.smk"


if "imaging" in CONFIG:

    include: "rules/imaging.smk"
    include: "rules/segmentation.smk"
    include: "rules/scoring.smk"


if DOOR != "analysis":

    include: "rules/cohort.smk"


if "development" in CONFIG:

    include: "rules/development.smk"


include: "rules/statistics.smk"
include: "rules/exhibits.smk"


if "min_cell" in CONFIG["privacy"]:

    include: "rules/privacy.smk"


include: "rules/report.smk"
include: "rules/targets.smk"


# Files that the contract names are made again where they are gone, also those that no other result is made from.
FOLDERS = tuple(result(folder, "") for folder in ("imaging", "scores", "cohort", "audit"))
NAMED = [
    path for made in workflow.rules for path in made.output if path.startswith(FOLDERS) and "{" not in path
]


rule all:
    """Everything: the report and its audit."""
    default_target: True
    input:
        NAMED,
        STATISTICS,
        MANIFESTS,
        TABLE_FILES,
        FIGURE_FILES,
        COLUMN_FILES,
        rules.report.output,
        rules.audit.output,


onstart:
    checked(claim, RESULTS)
    checked(no_earlier_jobs, CONFIG["name"])


onsuccess:
    for line in closing(RESULTS, time.monotonic() - BEGUN, workflow.scheduler.finished_jobs):
        logger.info(line)
