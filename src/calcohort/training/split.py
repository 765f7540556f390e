"""One split by patient into training, validation and test, stratified and stable."""

import hashlib

import numpy as np
import pandas as pd

from calcohort.categories import CATEGORIES
from calcohort.errors import InputError

SPLITS = ("train", "validation", "test")
GOLDEN = 0.6180339887498949


def split_patients(
    scans: pd.DataFrame,
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1),
    seed: int = 1,
    previous: pd.Series | None = None,
) -> pd.Series:
    """Split of every patient.

    Within each stratum (site, scan types, highest category) patients stand in the order of a hash of their
    name; a low-discrepancy sequence, begun anew in each stratum, deals them out. So a new patient moves no
    patient of another stratum, and none at all when the earlier split is given.

    Parameters
    ----------
    scans : DataFrame
        patient_id, site, scan_type, category.
    fractions : tuple of float
        Shares of training, validation and test.
    previous : Series, optional
        Split by patient that stays as it is.

    Returns
    -------
    Series
        "train", "validation" or "test", indexed by patient_id (sorted).

    Raises
    ------
    InputError
        If the shares are no shares, or columns are missing.
    """
    missing = {"patient_id", "site", "scan_type", "category"} - set(scans.columns)
    if missing:
        raise InputError(f"no column {', '.join(sorted(missing))}", where="development scans", cure="add it")
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise InputError("the shares must add up to 1", where="split.fractions", cure="mend them")
    limits = (fractions[0], fractions[0] + fractions[1])
    known = {} if previous is None else dict(previous)
    result = {}
    for stratum, patients in _strata(scans).items():
        start = _fraction(seed, "stratum", stratum)
        for position, patient in enumerate(sorted(patients, key=lambda name: (_fraction(seed, name), name))):
            place = (start + position * GOLDEN) % 1.0
            drawn = SPLITS[sum(place >= limit for limit in limits)]
            result[patient] = known.get(patient, drawn)
    series = pd.Series(result, dtype=object).sort_index()
    return series.rename_axis("patient_id").rename("split")


def split_balanced(
    scans: pd.DataFrame,
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1),
    seed: int = 1,
    previous: pd.Series | None = None,
) -> pd.Series:
    """Split with as many scans of each category in validation and in test, the rest for training.

    A quarter of the share of all scans comes from each category: 239 of each in the study (956 of 9,543).
    Patients with scans of several categories count to their highest, and take all their scans along. Within
    a category patients are taken in the order of a hash of their name.

    Parameters and returned Series are those of :func:`split_patients`.

    Raises
    ------
    InputError
        If a category has too few scans to leave half of them for training.
    """
    known = {} if previous is None else dict(previous)
    rank = {name: position for position, name in enumerate(CATEGORIES)}
    order = scans["category"].astype(str).map(rank)
    highest = order.groupby(scans["patient_id"].astype(str)).max()
    sizes = scans.groupby(scans["patient_id"].astype(str)).size()
    wanted = {part: round(share * len(scans) / 4) for part, share in zip(SPLITS, fractions, strict=True)}
    result = dict.fromkeys(highest.index, "train") | {p: known[p] for p in highest.index if p in known}
    for position, category in enumerate(CATEGORIES):
        names = highest.index[highest == position]
        if 2 * (wanted["validation"] + wanted["test"]) > sizes[names].sum():
            raise InputError(
                f"too few scans of category {category} for a balanced split", where="development.split",
                cure="lower the shares of validation and test, or leave out balance",
            )  # fmt: skip
        free = sorted((n for n in names if n not in known), key=lambda n: (_fraction(seed, "balanced", n), n))
        for part in ("test", "validation"):
            held = sum(sizes[n] for n in names if result[n] == part)
            while free and held < wanted[part]:
                result[free[0]] = part
                held += sizes[free.pop(0)]
    return pd.Series(result, dtype=object).sort_index().rename_axis("patient_id").rename("split")


def hold_out(patients, count: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Positions to train on and about `count` positions to validate on, no patient on both sides.

    Parameters
    ----------
    patients : sequence of str, shape (n,)
        Patient of each sample.
    """
    patients = np.asarray(patients, dtype=str)
    names, first = np.unique(patients, return_index=True)
    order = sorted(names[np.argsort(first)], key=lambda name: (_fraction(seed, "held out", name), name))
    sizes = np.cumsum([np.sum(patients == name) for name in order[: count + 1]])
    # Never more than half: small sets still have something to learn from.
    taken = min(int(np.searchsorted(sizes, count, side="right")), len(order) // 2)
    held = np.isin(patients, order[:taken])
    return np.flatnonzero(~held), np.flatnonzero(held)


def _strata(scans: pd.DataFrame) -> dict[str, list[str]]:
    strata: dict[str, list[str]] = {}
    # The category's order is the alphabet's but for ">400", which sorts last as it should.
    rank = {"0": 0, "1-100": 1, "101-400": 2, ">400": 3}
    for patient, own in scans.groupby(scans["patient_id"].astype(str), sort=True):
        highest = max(own["category"].astype(str), key=lambda name: rank.get(name, -1))
        site = sorted(own["site"].astype(str))[0]
        kinds = "+".join(sorted(set(own["scan_type"].astype(str))))
        strata.setdefault(f"{site}|{kinds}|{highest}", []).append(patient)
    return strata


def _fraction(*key) -> float:
    digest = hashlib.sha256("|".join(map(str, key)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
