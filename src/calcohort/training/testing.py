"""The test of a model on a simulated cohort: whole scans, known truth, every failure with its cause."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from calcohort.categories import categorise
from calcohort.digest import file_digest, text_digest
from calcohort.errors import InputError
from calcohort.networks.files import CONFIG_FILE
from calcohort.segmentation import Segmenter, vote
from calcohort.tables import read_csv, whole_file, write_csv
from calcohort.training.evaluate import compare, kappa_interval
from calcohort.training.measure import measure
from calcohort.training.trial import MANY, Trial

CHUNK = 10
# Calcium at the root of the aorta and at the valves: what is most easily taken for coronary.
NEAR_CORONARY = ("aortic_root", "valve", "mitral")
CAUSES = {
    "agatston_false_other": "other calcification called coronary",
    "agatston_false_metal": "metal called coronary",
    "agatston_false_noise": "noise or soft tissue called coronary",
    "agatston_missed_outside": "calcium outside the heart region",
    "agatston_missed_other": "coronary called other",
    "agatston_missed_none": "coronary called background",
}


def test_model(
    segmenter: Segmenter, model: str, trial: Trial, out_dir: str | Path, keep: str | Path | None = None
) -> pd.DataFrame:
    """Score the phantoms of a trial; rows already written stay, so that a test cut off goes on.

    Parameters
    ----------
    segmenter : Segmenter
    model : str
        Digest of weights and rules: scans of another model are not mixed with these.
    trial : Trial
    out_dir : path
        Gets scans.csv, metrics.csv, failures.csv, trial.json and a picture of each failure.
    keep : path, optional
        Folder that keeps the phantoms for the next model.
    """
    out_dir = Path(out_dir)
    plan = {"model": model} | {k: v for k, v in asdict(trial).items() if k != "count"}
    _same_plan(out_dir / "trial.json", plan)
    path = out_dir / "scans.csv"
    rows = read_csv(path).to_dict("records") if path.exists() else []
    done = {int(row["seed"]) for row in rows}
    seeds = [seed for seed in trial.seeds() if seed not in done]
    for position, seed in enumerate(tqdm(seeds, desc=f"test, {trial.population}", mininterval=5), start=1):
        phantom = trial.phantom(seed, str(segmenter.device), keep)
        row, labels = measure(segmenter, phantom)
        rows.append({"seed": seed, "site": trial.population} | row)
        if failed(row):
            picture(out_dir / "failures" / f"{seed:05d}.png", phantom, labels, row)
        if position % CHUNK == 0 or position == len(seeds):
            write_csv(with_categories(pd.DataFrame(rows).sort_values("seed")), path)
    scans = read_csv(path)
    scans = scans[scans["seed"].isin(trial.seeds())].reset_index(drop=True)
    write_csv(metrics(scans), out_dir / "metrics.csv")
    write_csv(failures(scans), out_dir / "failures.csv")
    return scans


test_model.__test__ = False


def model_digest(folder: str | Path, rules: dict) -> str:
    """Digest of a model's weights and of the rules that follow them."""
    files = [Path(folder) / name for name in ("heart.safetensors", "lesion.safetensors", CONFIG_FILE)]
    return text_digest(*(file_digest(path) for path in files), json.dumps(rules, sort_keys=True))


def with_categories(scans: pd.DataFrame) -> pd.DataFrame:
    """Scans with the categories of both scores; a scan without a heart has scored nothing."""
    scans = scans.assign(agatston_dl=scans["agatston_dl"].fillna(0.0)) if "agatston_dl" in scans else scans
    names = [name for name in ("expert", "dl") if f"agatston_{name}" in scans]
    return scans.assign(**{f"category_{n}": categorise(scans[f"agatston_{n}"]).astype(str) for n in names})


def metrics(scans: pd.DataFrame) -> pd.DataFrame:
    """Agreement of all scans, by protocol, by confounders, and beside heavy calcium of root and valves.

    Returns
    -------
    DataFrame
        Rows of :func:`calcohort.training.evaluate.compare`, with lesion_sensitivity (per lesion),
        false_lesions_per_scan, false_agatston (median of what was wrongly called coronary, all scans),
        calcium_in_region (share of the planted calcium's voxels, mean over scans) and seconds (median).
    """
    kinds = scans["confounders"].fillna("").str.split()
    protocol = scans["scan_type"].map(lambda name: "gated" if name == "cac_gated" else "ctac")
    near = kinds.map(lambda names: len(set(names) & set(NEAR_CORONARY)) >= 2)
    many = kinds.str.len() >= MANY
    groups = {"all": many | ~many}
    groups |= {name: protocol == name for name in sorted(set(protocol))}
    groups |= {"three_confounders": many, "fewer_confounders": ~many}
    groups |= {f"{name}_root_and_valves": near & (protocol == name) for name in sorted(set(protocol))}
    rows = []
    for name, chosen in groups.items():
        part = scans[chosen]
        if len(part):
            agreed = compare(part).iloc[0].to_dict() | {"population": name}
            low, high = kappa_interval(part["agatston_expert"], part["agatston_dl"])
            rows.append(agreed | {"kappa_low": low, "kappa_high": high} | _of_lesions(part))
    return pd.DataFrame(rows)


def failures(scans: pd.DataFrame) -> pd.DataFrame:
    """Scans in the wrong category, each with its main cause: what adds most to the error of the score."""
    wrong = scans[scans.apply(failed, axis=1).to_numpy(dtype=bool)] if len(scans) else scans
    columns = ["seed", "scan_type", "confounders", "agatston_expert", "agatston_dl"]
    return wrong[columns].assign(cause=[cause(row) for _, row in wrong.iterrows()])


def failed(row) -> bool:
    """Whether a scan's category is wrong."""
    estimate = row.get("agatston_dl", np.nan)
    pair = [row["agatston_expert"], 0.0 if pd.isna(estimate) else estimate]
    return bool(np.diff(np.asarray(categorise(np.array(pair)).codes, dtype=int))[0] != 0)


def cause(row) -> str:
    """Main cause of a failure."""
    if "no_heart" in str(row.get("warnings", "")):
        return "no heart found"
    missed = row["agatston_dl"] < row["agatston_expert"]
    names = [name for name in CAUSES if ("missed" in name) == missed]
    largest = max(names, key=lambda name: row[name])
    return CAUSES[largest] if row[largest] > 0 else "pieces of lesions"


def picture(path: Path, phantom, labels: np.ndarray | None, row: dict) -> None:
    """The slice of the largest error: the scan, the truth and the prediction."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    found = np.zeros_like(phantom.labels) if labels is None else labels
    wrong = (phantom.labels == vote.CORONARY) != (found == vote.CORONARY)
    level = int(wrong.sum(axis=(1, 2)).argmax())
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    for axis, mask, title in zip(
        figure.subplots(1, 3),
        (None, phantom.labels, found),
        ("scan", f"planted: {row['agatston_expert']:.0f}", f"found: {row.get('agatston_dl', 0):.0f}"),
        strict=True,
    ):
        axis.imshow(phantom.volume.hu[level], cmap="gray", vmin=-150, vmax=350)
        if mask is not None:
            for kind, colour in ((vote.CORONARY, "red"), (vote.OTHER, "gold")):
                if (mask[level] == kind).any():
                    axis.contour(mask[level] == kind, [0.5], colors=colour, linewidths=0.6)
        axis.set_title(title, fontsize=8)
        axis.set_axis_off()
    with whole_file(path) as beside:
        figure.savefig(beside, dpi=110, format="png", metadata={"Software": None})


def _of_lesions(part: pd.DataFrame) -> dict:
    total = part["lesions"].sum()
    return {
        "lesion_sensitivity": float(part["lesions_found"].sum() / total) if total else float("nan"),
        "false_lesions_per_scan": float(part["lesions_false"].mean()),
        "false_agatston": float(part["agatston_false"].median()),
        "calcium_in_region": float(part["in_box"].mean()),
        "no_heart": int(part["warnings"].fillna("").str.contains("no_heart").sum()),
        "seconds": float(part["seconds"].median()),
    }


def _same_plan(path: Path, plan: dict) -> None:
    text = json.dumps(plan, indent=1, sort_keys=True) + "\n"
    if path.exists() and path.read_text() != text:
        raise InputError(
            "the folder holds the test of another model or cohort",
            where=str(path.parent),
            cure="name another one",
        )
    with whole_file(path) as beside:
        beside.write_text(text)
