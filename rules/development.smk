# Development: annotated scans are split by patient, train the networks, and test them.
DEVELOPMENT = CONFIG["development"]
DEVELOPMENT_TABLES = development_tables(CONFIG)


localrules:
    split,


checkpoint annotate:
    """Score the readers' annotations: the reference of training and internal testing."""
    input:
        development_folders,
        tables=named(DEVELOPMENT_TABLES),
    output:
        scans=result("development/annotated.csv"),
        rejected=result("development/rejected.csv"),
        imaging=result("development/imaging.csv"),
        flow=result("development/flow.csv"),
    log:
        f"{LOGS}/annotate.log",
    benchmark:
        f"{TIMES}/annotate.tsv"
    conda:
        "../envs/network.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=60,
    params:
        conventions=CONFIG["scoring"],
        private_dir=CONFIG.get("private_dir", ""),
        files=followed(DEVELOPMENT_TABLES),
        named=lambda _: development_files(),
        code=code("development", "cohort.pseudonyms", "segmentation.store"),
    script:
        "../workflow/scripts/annotate.py"


if DOOR == "imaging":

    rule separate:
        """Stop where a patient or a scan is both in the development and in the external cohort."""
        input:
            annotated=after(rules.annotate.output.scans),
            judged_after=annotated,
            scans=after(rules.link.output.scans),
            outcomes=by_shard(result("segmentation/outcomes/{shard}.csv")),
        output:
            result("development/separate.csv"),
        log:
            f"{LOGS}/separate.log",
        benchmark:
            f"{TIMES}/separate.tsv"
        conda:
            "../envs/network.yaml"
        resources:
            mem_mb=memory(1000),
            runtime=5,
        params:
            development=annotated_scans,
            external=linked_scans,
            code=code("development"),
        script:
            "../workflow/scripts/separate.py"


rule split:
    """Split the annotated scans by patient into training, validation and test."""
    input:
        # Followed by `scans`: a file that was touched makes them anew, but with the same content.
        after(rules.annotate.output.scans),
        judged_after=annotated,
        previous=named([DEVELOPMENT["split"]["previous"]]) if DEVELOPMENT["split"]["previous"] else [],
    output:
        result("development/split.csv"),
    log:
        f"{LOGS}/split.log",
    benchmark:
        f"{TIMES}/split.tsv"
    conda:
        "../envs/network.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        scans=annotated_scans,
        split=DEVELOPMENT["split"],
        code=code("training.split"),
    script:
        "../workflow/scripts/split.py"


rule internal_testing:
    """Score the internal test scans with the model of the study."""
    input:
        development_folders,
        annotated=after(rules.annotate.output.scans),
        judged_after=annotated,
        split=rules.split.output[0],
        tables=named(DEVELOPMENT_TABLES),
        weights=MODEL_FILES,
    output:
        scans=result("development/scans.csv"),
        agreement=result("development/agreement.csv"),
    log:
        f"{LOGS}/internal_testing.log",
    benchmark:
        f"{TIMES}/internal_testing.tsv"
    conda:
        "../envs/network.yaml"
    threads: 2
    resources:
        mem_mb=memory(3000),
        runtime=120,
        gpu=GPUS,
    params:
        scans=annotated_scans,
        split=DEVELOPMENT["split"],
        subset=DEVELOPMENT["internal_test"],
        device=CONFIG["segmentation"]["device"],
        conventions=CONFIG["scoring"],
        files=followed(DEVELOPMENT_TABLES),
        code=code(
            "training.split",
            "development",
            "scoring.rows",
            "segmentation.shard",
            "segmentation.store",
            "training.evaluate",
        ),
    script:
        "../workflow/scripts/internal_testing.py"


rule samples:
    """Cut the training and validation samples of both networks from the annotated scans."""
    input:
        development_folders,
        annotated=after(rules.annotate.output.scans),
        judged_after=annotated,
        split=rules.split.output[0],
        tables=named(DEVELOPMENT_TABLES),
    output:
        directory(result("development/samples")),
    log:
        f"{LOGS}/samples.log",
    benchmark:
        f"{TIMES}/samples.tsv"
    conda:
        "../envs/network.yaml"
    resources:
        mem_mb=memory(3000),
        runtime=240,
    params:
        scans=annotated_scans,
        split=DEVELOPMENT["split"],
        files=followed(DEVELOPMENT_TABLES),
        code=code("development", "training.split", "training.prepare"),
    script:
        "../workflow/scripts/samples.py"


rule fit:
    """Train the heart and the lesion network; a run that was cut off goes on from its checkpoint."""
    input:
        samples=rules.samples.output[0],
        first=model_files(DEVELOPMENT["training"]["start_from"]),
    output:
        model=directory(result("development/model")),
    log:
        f"{LOGS}/fit.log",
    benchmark:
        f"{TIMES}/fit.tsv"
    conda:
        "../envs/network.yaml"
    threads: 16
    resources:
        mem_mb=memory(8000),
        runtime=1440,
        gpu=GPUS,
    params:
        training=DEVELOPMENT["training"],
        device=CONFIG["segmentation"]["device"],
        checkpoints=result("development/checkpoints"),
        simulated="development" in CONFIG.get("simulate", {}),
        code=code("training.fit"),
    script:
        "../workflow/scripts/fit.py"
