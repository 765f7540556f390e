"""Score the calcium of one shard's scans."""

from pathlib import Path

from calcohort import tables
from calcohort.imaging.outcomes import numbers
from calcohort.logs import script_log
from calcohort.scoring.conventions import Conventions
from calcohort.scoring.effect import scans_table
from calcohort.scoring.rows import lesions_table, rejected_row, scores_table
from calcohort.scoring.shard import score_scan
from calcohort.segmentation import store

with script_log(snakemake.log[0]):
    conventions = Conventions(**snakemake.params.conventions)
    rows, effects = [], []
    for scan in tables.read_csv(snakemake.input.outcomes, dtype={"warnings": "string"}).itertuples():
        about = {
            "source": scan.source,
            "series": scan.series,
            "protocol": scan.protocol,
            "kvp": scan.kvp,
            "warnings": str(scan.warnings).split(";") if isinstance(scan.warnings, str) else (),
        }
        patient = {"patient_id": scan.patient_id, "scan_date": scan.scan_date}
        if scan.accepted:
            crop = store.load(Path(snakemake.input.crops) / f"{scan.series}.npz")
            row, effect = score_scan(crop, patient, about, conventions, snakemake.params.heart_cut_share)
            effects += effect
        else:
            shape, spacing = numbers(scan.shape_zyx, int), numbers(scan.spacing_xyz_mm)
            row = patient | rejected_row(reason=scan.reason, shape_zyx=shape, spacing_xyz_mm=spacing, **about)
        rows.append(row)
    tables.write_csv(scores_table(rows), snakemake.output.scores)
    tables.write_csv(lesions_table(rows), snakemake.output.lesions)
    tables.write_csv(scans_table(effects), snakemake.output.effects)
