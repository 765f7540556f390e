# Imaging: every file and series gets a reason or a place; scans are linked to patients and converted in shards.
IMAGING = CONFIG["imaging"]
DICOM = dicom_roots(CONFIG)
# Registries that say under which names scans are known, and of whom none may be kept.
NAMES_OF_PEOPLE = ("crosswalk", "withdrawn")
# Tables that the study writes by hand, where it has them.
VOLUMES = [IMAGING["volumes"]] if "volumes" in IMAGING else []
OVERRIDES = [IMAGING["overrides"]] if "overrides" in IMAGING else []


rule index:
    """Read the header of every file; group files into series."""
    input:
        dicom_folders,
        people=[table for table in rules.registries.output.tables if Path(table).stem in NAMES_OF_PEOPLE],
        # A registry that is wrong is told before any scan is read.
        registries=after(rules.registries.output.tables),
        volumes=named(VOLUMES),
    output:
        files=f"{PRIVATE}/index/files.parquet",
        series=f"{PRIVATE}/index/series.parquet",
        # Kept between runs, so that a file is read to its end once.
        contents=update(f"{PRIVATE}/index/contents.parquet"),
        tree=f"{PRIVATE}/index/tree.json",
    log:
        f"{LOGS}/index.log",
    benchmark:
        f"{TIMES}/index.tsv"
    conda:
        "../envs/imaging.yaml"
    threads: 2
    resources:
        mem_mb=memory(4000),
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        tree=lambda _: dicom_tree(),
        link=IMAGING["link"],
        protocols=IMAGING["protocols"],
        allow_lossy=IMAGING["allow_lossy"],
        minimum_extent_mm=IMAGING["minimum_extent_mm"],
        listed=followed(VOLUMES),
        identifier=IMAGING["identifier"],
        private_dir=CONFIG.get("private_dir", ""),
        code=code(
            *("dicom.index", "imaging.contents", "imaging.identity", "imaging.user_tables"),
            *("imaging.volume_files", "cohort.pseudonyms", "registries.people"),
        ),
    script:
        "../workflow/scripts/index.py"


checkpoint link:
    """Choose the scans of each patient: the day of the PET scan, the protocol, one series each."""
    input:
        series=rules.index.output.series,
        files=rules.index.output.files,
        pet=f"{PRIVATE}/registries/pet.parquet",
        overrides=named(OVERRIDES),
    output:
        scans=result("imaging/scans.csv"),
        members=f"{PRIVATE}/index/members.parquet",
        choices=result("imaging/choices.csv"),
        rejected=result("imaging/rejected.csv"),
    log:
        f"{LOGS}/link.log",
    benchmark:
        f"{TIMES}/link.tsv"
    conda:
        "../envs/imaging.yaml"
    resources:
        mem_mb=memory(3000),
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        protocols=IMAGING["protocols"],
        choice=IMAGING["choice"],
        decisions=followed(OVERRIDES),
        shard_size=IMAGING["shard_size"],
        private_dir=CONFIG.get("private_dir", ""),
        code=code(
            *("imaging.link", "imaging.shards", "imaging.identity", "imaging.user_tables"),
            "cohort.pseudonyms",
        ),
    script:
        "../workflow/scripts/link.py"


rule convert:
    """Decode the scans of a shard into volumes in HU; a scan that cannot be trusted gets a reason."""
    input:
        # What `scans_of` waits for, also where a scheduler's job plans anew.
        scans=after(rules.link.output.scans),
        members=after(rules.link.output.members),
    output:
        volumes=temp(directory(result("imaging/volumes/{shard}"))),
        outcomes=result("imaging/shards/{shard}.csv"),
    log:
        f"{LOGS}/convert/{{shard}}.log",
    benchmark:
        f"{TIMES}/convert/{{shard}}.tsv"
    conda:
        "../envs/imaging.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        scans=scans_of,
        allow_lossy=IMAGING["allow_lossy"],
        minimum_extent_mm=IMAGING["minimum_extent_mm"],
        code=code("imaging.convert", "imaging.outcomes", "isolate"),
    script:
        "../workflow/scripts/convert.py"


rule imaging:
    """List every series and every file with its reason."""
    input:
        files=rules.index.output.files,
        series=rules.index.output.series,
        choices=rules.link.output.choices,
        outcomes=by_shard(rules.convert.output.outcomes),
    output:
        series=result("imaging/series.csv"),
        files=result("imaging/files.parquet"),
    log:
        f"{LOGS}/imaging.log",
    benchmark:
        f"{TIMES}/imaging.tsv"
    conda:
        "../envs/imaging.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=15,
    params:
        private_dir=CONFIG.get("private_dir", ""),
        code=code("imaging.listing", "imaging.outcomes", "cohort.pseudonyms"),
    script:
        "../workflow/scripts/imaging.py"
