# Registries: read, renamed, recoded and checked before any long work starts.
from calcohort.config import sources

REGISTRIES = list(CONFIG["registries"])


def registry_files(_):
    """Files that the registries are read from; databases have none."""
    return [source["path"] for _, _, source in sources(CONFIG) if "path" in source]


rule registries:
    """Read and check every registry; identifiers become pseudonyms under the site key when there is one."""
    input:
        registry_files,
    output:
        tables=expand("{private}/registries/{name}.parquet", private=PRIVATE, name=REGISTRIES),
        findings=result("cohort/registry_findings.csv"),
    log:
        f"{LOGS}/registries.log",
    benchmark:
        f"{TIMES}/registries.tsv"
    resources:
        mem_mb=4000,
        runtime=15,
    params:
        registries=CONFIG["registries"],
        private_dir=CONFIG.get("private_dir", ""),
        code=code("registries.sources", "cohort.pseudonyms"),
    script:
        "../workflow/scripts/registries.py"
