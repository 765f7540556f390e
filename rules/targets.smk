# Targets by name, beside the rules whose own names are targets: imaging, scores, cohort, report, audit.
if DOOR == "imaging":

    rule segmentation:
        """All heart crops."""
        input:
            by_shard(rules.segment.output.crops),
            by_shard(rules.segment.output.outcomes),


rule statistics:
    """All tidy tables."""
    input:
        STATISTICS,


rule exhibits:
    """All tables and figures, in every format."""
    input:
        MANIFESTS,


if "development" in CONFIG:

    rule train:
        """A model of one's own."""
        input:
            rules.fit.output,


# A script's meaning and its environment's versions make results stale, as the library's code does; file times do not.
for made in workflow.rules:
    if made.script:
        made.set_params(
            script=source_digest(beside_rules(made.script)),
            versions=yaml_digest(beside_rules(made.conda_env)),
        )
