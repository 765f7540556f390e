# Scoring: Agatston, volume and mass on the native grid; one row per scan, one per lesion.
rule score:
    """Score the calcium of a shard's scans."""
    input:
        crops=rules.segment.output.crops,
        outcomes=rules.segment.output.outcomes,
    output:
        scores=result("scores/shards/{shard}.csv"),
        lesions=result("scores/lesions/{shard}.csv"),
        effects=result("scores/conventions/{shard}.csv"),
    log:
        f"{LOGS}/score/{{shard}}.log",
    benchmark:
        f"{TIMES}/score/{{shard}}.tsv"
    conda:
        "../envs/imaging.yaml"
    resources:
        mem_mb=memory(1500),
        runtime=15,
    params:
        conventions=CONFIG["scoring"],
        heart_cut_share=IMAGING["heart_cut_share"],
        code=code("scoring.shard", "scoring.effect", "segmentation.store", "imaging.outcomes"),
    script:
        "../workflow/scripts/score.py"


rule scores:
    """Gather the scores of all shards."""
    input:
        scores=by_shard(rules.score.output.scores),
        rejected=rules.link.output.rejected,
        listing=rules.imaging.output.series,
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
        mem_mb=memory(2000),
        runtime=15,
    params:
        code=code("tables", "scoring.rows"),
    script:
        "../workflow/scripts/scores.py"


SCORES = rules.scores.output.scores


rule convention_effect:
    """Tell how much the rules of counting move the scores, scan by scan and in sum."""
    input:
        by_shard(rules.score.output.effects),
    output:
        scans=result("scores/conventions.csv"),
        effect=result("scores/convention_effect.csv"),
    log:
        f"{LOGS}/convention_effect.log",
    benchmark:
        f"{TIMES}/convention_effect.tsv"
    conda:
        "../envs/imaging.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=15,
    params:
        code=code("tables", "scoring.effect"),
    script:
        "../workflow/scripts/convention_effect.py"


rule gallery:
    """Draw the scans most worth a look, with their lesions outlined."""
    input:
        scores=rules.scores.output.scores,
        crops=by_shard(rules.segment.output.crops),
        analysis=result("cohort/analysis.csv"),
    output:
        directory(result("gallery")),
    log:
        f"{LOGS}/gallery.log",
    benchmark:
        f"{TIMES}/gallery.tsv"
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=30,
    params:
        scans=CONFIG["gallery"]["scans"],
        conventions=CONFIG["scoring"],
        meta=META,
        code=code("pictures.run"),
    script:
        "../workflow/scripts/gallery.py"


rule examples:
    """Cut the slices of example patients for the figures, chosen by rule."""
    input:
        analysis=result("cohort/analysis.csv"),
        scores=rules.scores.output.scores,
        crops=by_shard(rules.segment.output.crops),
    output:
        result("segmentation/examples.npz"),
    log:
        f"{LOGS}/examples.log",
    benchmark:
        f"{TIMES}/examples.tsv"
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=15,
    params:
        code=code("exhibits.examples"),
    script:
        "../workflow/scripts/examples.py"
