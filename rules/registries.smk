# Registries: read, renamed, recoded and checked before any long work starts.
REGISTRIES = list(CONFIG["registries"])


rule registries:
    """Read and check every registry; identifiers become pseudonyms under the site key when there is one."""
    input:
        named(REGISTRY_FILES),
    output:
        tables=expand("{private}/registries/{name}.parquet", private=PRIVATE, name=REGISTRIES),
        # Kept between runs, so that added, changed and withdrawn patients are noticed.
        seen=update(f"{PRIVATE}/registries/seen.parquet"),
    log:
        f"{LOGS}/registries.log",
    benchmark:
        f"{TIMES}/registries.tsv"
    conda:
        "../envs/statistics.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=15,
    params:
        # The script reads the sources from the config: passwords and places stay out of Snakemake's records.
        sources=sources_digest(CONFIG),
        files=followed(REGISTRY_FILES),
        private_dir=CONFIG.get("private_dir", ""),
        code=code("registries.sources", "registries.people", "cohort.pseudonyms"),
    script:
        "../workflow/scripts/registries.py"
