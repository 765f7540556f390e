# Privacy: a second set of tables and flow, in which no small count can be seen or computed.
from calcohort.exhibits.public import TABLES as PUBLIC_TABLES

FLOWS = [rules.cohort.output.flow, rules.cohort.output.scan_flow] if DOOR != "analysis" else []


rule public:
    """Withhold small counts, and those from which they could be computed."""
    input:
        STATISTICS,
        flows=FLOWS,
    output:
        expand(result("public/tables/{name}.{suffix}"), name=PUBLIC_TABLES, suffix=["csv", "html", "docx"]),
        expand(result("public/exhibits/{name}.json"), name=PUBLIC_TABLES),
        [path.replace(RESULTS, result("public")) for path in FLOWS],
    log:
        f"{LOGS}/public.log",
    benchmark:
        f"{TIMES}/public.tsv"
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=15,
    params:
        min_cell=CONFIG["privacy"]["min_cell"],
        results=RESULTS,
        meta=META,
        code=code("cohort.public", "exhibits.public", "exhibits.registry", "exhibits.write"),
    script:
        "../workflow/scripts/public.py"
