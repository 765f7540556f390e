# Cohort: patients, scores and outcomes become one row per patient; nobody leaves without a reason.
rule cohort:
    """Derive the endpoint, the exclusions and the analysis table."""
    input:
        scores=rules.scores.output.parquet if DOOR == "imaging" else named([CONFIG["scores"]]),
        registries=rules.registries.output.tables,
    output:
        analysis=result("cohort/analysis.csv"),
        endpoints=result("cohort/endpoints.csv"),
        excluded=result("cohort/excluded.csv"),
        flow=result("cohort/flow.csv"),
        scan_flow=result("cohort/scan_flow.csv"),
        quality=result("cohort/quality.csv"),
    log:
        f"{LOGS}/cohort.log",
    benchmark:
        f"{TIMES}/cohort.tsv"
    conda:
        "../envs/statistics.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=15,
    params:
        settings=CONFIG["cohort"],
        files=followed([CONFIG["scores"]]) if DOOR == "scores" else "",
        private_dir=CONFIG.get("private_dir", ""),
        code=code("cohort.analysis", "cohort.pseudonyms", "registries.people", "registries.scores"),
    script:
        "../workflow/scripts/cohort.py"
