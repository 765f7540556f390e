# Report and audit: what was found, and how a reviewer checks it.
TABLE_FILES = expand(result("tables/{name}.{suffix}"), name=TABLES, suffix=TABLE_FORMATS)
FIGURE_FILES = expand(result("figures/{name}.{suffix}"), name=FIGURES, suffix=FIGURE_FORMATS)
# What makes the page beside code: its words, style and questions.
REPORT_TEMPLATES = sorted(
    str(path)
    for pattern in ("report/templates/*.*", "report/*.yaml", "audit/*.yaml")
    for path in Path(LIBRARY, "calcohort").glob(pattern)
    if path.suffix != ".py"
)
# Which rule made a file: shown beside every number of the report.
MAKERS = {str(path).removeprefix(f"{RESULTS}/"): rule.name for rule in workflow.rules for path in rule.output}


localrules:
    claims,


rule claims:
    """Hold the published numbers against those of this run."""
    input:
        STATISTICS,
        analysis=ANALYSIS,
        claims=CONFIG["claims"]["file"],
        mapping=CONFIG["claims"]["mapping"] or [],
    output:
        result("audit/claims.csv"),
        result("audit/claims_summary.csv"),
    log:
        f"{LOGS}/claims.log",
    benchmark:
        f"{TIMES}/claims.tsv"
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=15,
    params:
        config=SHOWN,
        code=code("audit.claims", "audit.build"),
    script:
        "../workflow/scripts/claims.py"


rule report:
    """Write the report: one page that opens offline, every number with its address."""
    input:
        STATISTICS,
        MANIFESTS,
        TABLE_FILES,
        FIGURE_FILES,
        rules.claims.output,
        rules.gallery.output if DOOR == "imaging" else [],
        OTHER_FILES,
        rules.checklists.output,
        # No report of a study whose patients are in both cohorts.
        rules.separate.output if "development" in CONFIG and DOOR == "imaging" else [],
        card=model_card(MODEL),
    output:
        report(result("report.html"), category="Report", caption="../workflow/report/report.rst"),
        result("audit/tallies.csv"),
    log:
        f"{LOGS}/report.log",
    benchmark:
        f"{TIMES}/report.tsv"
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=15,
    params:
        config=SHOWN,
        meta=META,
        makers=MAKERS,
        templates=text_digest(*map(file_digest, REPORT_TEMPLATES)),
        code=code("report.page", "audit.build"),
    script:
        "../workflow/scripts/report.py"


rule audit:
    """Write down checksums, provenance and timing, when every other output is there."""
    input:
        rules.report.output,
        COLUMN_FILES,
        rules.public.output if "min_cell" in CONFIG["privacy"] else [],
        reading_times=named([CONFIG["reading_times"]]) if CONFIG["reading_times"] else [],
    output:
        checksums=result("audit/checksums.csv"),
        provenance=result("audit/provenance.json"),
        timing=result("audit/timing.csv"),
        page=result("audit/timing.html"),
    log:
        f"{LOGS}/audit.log",
    benchmark:
        f"{TIMES}/audit.tsv"
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=memory(2000),
        # It reads every crop.
        runtime=lambda wildcards, attempt: 120 * attempt,
    params:
        config=SHOWN,
        benchmarks=TIMES,
        reading_times=CONFIG["reading_times"],
        model=MODEL,
        code=code("audit.build"),
    script:
        "../workflow/scripts/audit.py"
