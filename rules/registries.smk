# Registries: read, renamed, recoded and checked before any long work starts.
REGISTRIES = list(CONFIG["registries"])


rule registries:
    """Read and check every registry; identifiers become pseudonyms under the site key when there is one."""
    input:
        registry_files,
    output:
        tables=expand("{private}/registries/{name}.parquet", private=PRIVATE, name=REGISTRIES),
    log:
        f"{LOGS}/registries.log",
    benchmark:
        f"{TIMES}/registries.tsv"
    conda:
        "../envs/statistics.yaml"
    resources:
        mem_mb=4000,
        runtime=15,
    params:
        registries=CONFIG["registries"],
        private_dir=CONFIG.get("private_dir", ""),
        code=code("registries.sources", "cohort.pseudonyms"),
    script:
        "../workflow/scripts/registries.py"
