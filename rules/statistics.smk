# Statistics: one rule per family, one tidy table per question, full double precision.
from calcohort.statistics.families import FILES

ANALYSIS = rules.cohort.output.analysis if DOOR != "analysis" else CONFIG["analysis"]


for family, tables in FILES.items():

    rule:
        name:
            f"statistics_{family}"
        input:
            unpack(statistics_inputs),
        output:
            expand(result("statistics/{table}.csv"), table=tables),
        log:
            f"{LOGS}/statistics/{family}.log",
        benchmark:
            f"{TIMES}/statistics/{family}.tsv"
        conda:
            "../envs/statistics.yaml"
        resources:
            mem_mb=memory(3000),
            runtime=60,
        params:
            family=family,
            settings=CONFIG["statistics"],
            code=code("statistics.run", f"statistics.families.{family}"),
        script:
            "../workflow/scripts/statistics.py"


rule baseline:
    """Describe patients, development scans and imaging protocols by group."""
    input:
        analysis=ANALYSIS,
        scans=rules.internal_testing.output.scans if "development" in CONFIG else [],
        series=rules.imaging.output.series if DOOR == "imaging" else [],
    output:
        result("statistics/baseline.csv"),
    log:
        f"{LOGS}/statistics/baseline.log",
    benchmark:
        f"{TIMES}/statistics/baseline.tsv"
    conda:
        "../envs/statistics.yaml"
    resources:
        mem_mb=memory(3000),
        runtime=30,
    params:
        code=code("exhibits.baseline"),
    script:
        "../workflow/scripts/baseline.py"


STATISTICS = [
    *(result(f"statistics/{table}.csv") for tables in FILES.values() for table in tables),
    rules.baseline.output[0],
]
