# Statistics: one rule per family, one tidy table per question, full double precision.
from calcohort.statistics.families import FAMILIES

ANALYSIS = rules.cohort.output.analysis if DOOR != "analysis" else CONFIG["analysis"]


def statistics_inputs():
    """The analysis table, with the sensitivity endpoints and the development scans where the study has them."""
    inputs = {"analysis": ANALYSIS}
    if DOOR != "analysis":
        inputs["endpoints"] = rules.cohort.output.endpoints
    if "development" in CONFIG:
        inputs["development"] = rules.internal_testing.output.scans
    return inputs


for family, tables in FAMILIES.items():

    rule:
        name:
            f"statistics_{family}"
        input:
            **statistics_inputs(),
        output:
            expand(result("statistics/{table}.csv"), table=tables),
        log:
            f"{LOGS}/statistics/{family}.log",
        benchmark:
            f"{TIMES}/statistics/{family}.tsv"
        resources:
            mem_mb=3000,
            runtime=60,
        params:
            family=family,
            settings=CONFIG["statistics"],
            code=code(f"statistics.{family}"),
        script:
            "../workflow/scripts/statistics.py"
