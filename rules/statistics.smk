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
    """Describe patients and development scans by group."""
    input:
        analysis=ANALYSIS,
        scans=rules.internal_testing.output.scans if "development" in CONFIG else [],
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


if DOOR == "imaging" or "development" in CONFIG:

    rule imaging_protocols:
        """Describe how the scans were made, by cohort, site and protocol."""
        input:
            series=rules.imaging.output.series if DOOR == "imaging" else [],
            development=rules.annotate.output.imaging if "development" in CONFIG else [],
        output:
            result("statistics/imaging_protocols.csv"),
        log:
            f"{LOGS}/statistics/imaging_protocols.log",
        benchmark:
            f"{TIMES}/statistics/imaging_protocols.tsv"
        conda:
            "../envs/statistics.yaml"
        resources:
            mem_mb=memory(1000),
            runtime=5,
        params:
            code=code("imaging.summary"),
        script:
            "../workflow/scripts/imaging_protocols.py"


STATISTICS = [
    *(result(f"statistics/{table}.csv") for tables in FILES.values() for table in tables),
    rules.baseline.output[0],
]
