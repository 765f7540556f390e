# Exhibits: every table and figure of the study, in the formats of a manuscript.
from calcohort.exhibits.catalogue import CATALOGUE

TABLES = [name for name, entry in CATALOGUE.items() if entry.kind == "table"]
FIGURES = [name for name, entry in CATALOGUE.items() if entry.kind == "figure"]
# What a run of this config makes; an exhibit whose sources are not among them says so in its place.
MADE = {str(path) for rule in workflow.rules for path in rule.output}


rule table:
    """Make a table as CSV, HTML and DOCX."""
    input:
        sources_of,
    output:
        report(
            result("tables/{name}.html"),
            category="Tables",
            labels={"table": "{name}"},
            caption="../workflow/report/exhibit.rst",
        ),
        result("tables/{name}.csv"),
        result("tables/{name}.docx"),
        manifest=result("exhibits/{name}.json"),
    log:
        f"{LOGS}/exhibits/{{name}}.log",
    benchmark:
        f"{TIMES}/exhibits/{{name}}.tsv"
    wildcard_constraints:
        name="|".join(TABLES),
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=15,
    params:
        meta=META,
        caption=lambda wildcards: CATALOGUE[wildcards.name].caption,
        code=lambda wildcards: code(CATALOGUE[wildcards.name].module, "exhibits.write", "exhibits.registry"),
    script:
        "../workflow/scripts/exhibit.py"


rule figure:
    """Draw a figure as PDF, SVG and PNG."""
    input:
        sources_of,
    output:
        report(
            result("figures/{name}.png"),
            category="Figures",
            labels={"figure": "{name}"},
            caption="../workflow/report/exhibit.rst",
        ),
        result("figures/{name}.svg"),
        result("figures/{name}.pdf"),
        manifest=result("exhibits/{name}.json"),
    log:
        f"{LOGS}/exhibits/{{name}}.log",
    benchmark:
        f"{TIMES}/exhibits/{{name}}.tsv"
    wildcard_constraints:
        name="|".join(FIGURES),
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=15,
    params:
        meta=META,
        caption=lambda wildcards: CATALOGUE[wildcards.name].caption,
        code=lambda wildcards: code(CATALOGUE[wildcards.name].module, "exhibits.write", "exhibits.registry"),
    script:
        "../workflow/scripts/exhibit.py"
