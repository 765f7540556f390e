"""Cut the training and validation samples of both networks from the annotated scans."""

from pathlib import Path

from calcohort import tables
from calcohort.check import require_columns
from calcohort.config import development_tables
from calcohort.development import read_image, read_tables, training_labels
from calcohort.logs import script_log
from calcohort.training.prepare import heart_of, heart_sample, lesion_sample
from calcohort.training.samples import write_samples

with script_log(snakemake.log[0]):
    sources = development_tables(snakemake.config)
    split = tables.read_csv(snakemake.input.split, dtype={"site": "string"})
    folder = Path(snakemake.output[0])
    for path in sources:
        require_columns(tables.read_csv(path, nrows=0), ("heart",), str(path))
    listed = read_tables(sources)
    for scan, known in zip(listed.loc[split["scan"]].itertuples(), split.itertuples(), strict=True):
        if known.split == "test":
            continue
        name = f"scan-{scan.Index:05d}"
        volume = read_image(scan.image, scan.place)
        labels = training_labels(volume, scan.annotation, scan.heart)
        about = {"sample": name, "patient": known.patient_id, "site": scan.site, "scan_type": scan.scan_type}
        about["agatston"] = known.agatston_expert
        heart = heart_of(labels)
        write_samples(folder / "heart" / known.split / f"{name}.npz", [heart_sample(volume, heart, about)])
        sample = lesion_sample(volume, labels, heart, about)
        write_samples(folder / "lesion" / known.split / f"{name}.npz", [sample])
