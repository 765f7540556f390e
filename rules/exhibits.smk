# Exhibits: every table and figure of the study, in the formats of a manuscript.
from calcohort.exhibits.catalogue import CATALOGUE, FIGURE_FORMATS, TABLE_FORMATS, column_files

TABLES = [name for name, entry in CATALOGUE.items() if entry.kind == "table"]
FIGURES = [name for name, entry in CATALOGUE.items() if entry.kind == "figure"]
IN_COLUMNS = [name for name in FIGURES if CATALOGUE[name].column_parts]
COLUMN_FILES = [result(path) for name in IN_COLUMNS for path in column_files(name)]
MANIFESTS = expand(result("exhibits/{name}.json"), name=[*TABLES, *FIGURES])
# Checklists tell which of the other exhibits could be made.
CHECKLIST_TABLES = [name for name in TABLES if CATALOGUE[name].sources[0].startswith("audit/checklist_")]
# What checklists and report read beside statistics and exhibits, as far as this run makes it.
OTHER_FILES = [
    *("cohort/flow.csv", "cohort/excluded.csv", "cohort/quality.csv", "cohort/analysis.csv"),
    *("imaging/series.csv", "imaging/files.parquet", "scores/scores.csv", "development/scans.csv"),
    "development/flow.csv",
]
OTHER_FILES = [
    path for path in map(result, OTHER_FILES) if path in {str(p) for r in workflow.rules for p in r.output}
]


rule checklists:
    """Fill the reporting checklists from the run."""
    input:
        STATISTICS,
        expand(
            result("exhibits/{name}.json"),
            name=[n for n in [*TABLES, *FIGURES] if n not in CHECKLIST_TABLES],
        ),
        OTHER_FILES,
    output:
        sorted({result(CATALOGUE[name].sources[0]) for name in CHECKLIST_TABLES}),
    log:
        f"{LOGS}/checklists.log",
    benchmark:
        f"{TIMES}/checklists.tsv"
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=10,
    params:
        meta=META,
        wording=text_digest(
            *map(file_digest, sorted(map(str, Path(LIBRARY, "calcohort").glob("audit/*.yaml"))))
        ),
        code=code("audit.build", "audit.checklist"),
    script:
        "../workflow/scripts/checklists.py"


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


rule column_figures:
    """Draw the figures that fit into a column of a journal once more, 85 mm wide."""
    input:
        sorted({path for name in IN_COLUMNS for path in map(result, CATALOGUE[name].sources) if path in MADE}),
    output:
        COLUMN_FILES,
    log:
        f"{LOGS}/column_figures.log",
    benchmark:
        f"{TIMES}/column_figures.tsv"
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=15,
    params:
        names=IN_COLUMNS,
        meta=META,
        code=code(*{CATALOGUE[name].module for name in IN_COLUMNS}, "exhibits.write", "exhibits.registry"),
    script:
        "../workflow/scripts/column_figures.py"
