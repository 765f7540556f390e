# Segmentation: the heart, then the calcium inside it; a model is loaded once per shard.
rule segment:
    """Segment the heart and its calcium in every volume of a shard."""
    input:
        volumes=rules.convert.output.volumes,
        outcomes=rules.convert.output.outcomes,
        weights=MODEL_FILES,
    output:
        crops=directory(result("segmentation/shards/{shard}")),
        outcomes=result("segmentation/outcomes/{shard}.csv"),
    log:
        f"{LOGS}/segment/{{shard}}.log",
    benchmark:
        f"{TIMES}/segment/{{shard}}.tsv"
    conda:
        "../envs/network.yaml"
    threads: 2
    resources:
        mem_mb=memory(3000),
        runtime=60,
        gpu=GPUS,
    params:
        device=CONFIG["segmentation"]["device"],
        private_dir=CONFIG.get("private_dir", ""),
        code=code("segmentation.shard", "segmentation.store", "nrrd", "cohort.pseudonyms"),
    script:
        "../workflow/scripts/segment.py"
