# Targets by name; without a name, everything.
localrules:
    all,
    scores,


rule all:
    """Everything: the report with its audit."""
    default_target: True
    input:
        rules.report.output,
        rules.audit.output,
