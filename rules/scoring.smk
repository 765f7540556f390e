# Scoring: Agatston, volume and mass on the native grid; one row per scan, one per lesion.
rule score:
    """Score the calcium of a shard's scans."""
    input:
        crops=rules.segment.output.crops,
        outcomes=rules.segment.output.outcomes,
    output:
        scores=result("scores/shards/{shard}.csv"),
        lesions=result("scores/lesions/{shard}.csv"),
    log:
        f"{LOGS}/score/{{shard}}.log",
    benchmark:
        f"{TIMES}/score/{{shard}}.tsv"
    conda:
        "../envs/imaging.yaml"
    resources:
        mem_mb=1500,
        runtime=15,
    params:
        conventions=CONFIG["scoring"],
        code=code("scoring.agatston", "scoring.quality", "segmentation.store"),
    script:
        "../workflow/scripts/score.py"


rule scores:
    """Gather the scores of all shards."""
    input:
        scores=by_shard(rules.score.output.scores),
        lesions=by_shard(rules.score.output.lesions),
    output:
        scores=result("scores/scores.csv"),
        parquet=result("scores/scores.parquet"),
        lesions=result("scores/lesions.csv"),
    log:
        f"{LOGS}/scores.log",
    benchmark:
        f"{TIMES}/scores.tsv"
    conda:
        "../envs/imaging.yaml"
    resources:
        mem_mb=2000,
        runtime=15,
    params:
        code=code("tables"),
    script:
        "../workflow/scripts/scores.py"


SCORES = rules.scores.output.scores
