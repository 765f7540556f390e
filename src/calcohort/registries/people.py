"""Who is who between the sources: a crosswalk of identifier systems, and patients who withdrew."""

import hashlib

import pandas as pd

from calcohort.errors import InputError
from calcohort.registries.cells import as_text

CROSSWALK, WITHDRAWN = "crosswalk", "withdrawn"


def long_crosswalk(raw: pd.DataFrame, patient_id: str, where: str) -> pd.DataFrame:
    """A crosswalk with one column for each identifier system, as rows of patient_id, system, identifier.

    Parameters
    ----------
    raw : DataFrame
        One row a patient, or several where a patient has several identifiers of one system; or the three
        columns already. The index holds the row numbers, and the result keeps them.
    patient_id : str
        The column of the study's own identifier.
    """
    if {"system", "identifier"} <= set(raw.columns):
        return raw
    systems = [name for name in raw.columns if name != patient_id]
    if patient_id not in raw or not systems:
        cure = "give a column of the study's identifiers (map it to patient_id) and one for each other system"
        raise InputError("not a crosswalk", where=where, cure=cure)
    long = raw.melt(id_vars=[patient_id], var_name="system", value_name="identifier", ignore_index=False)
    filled = long["identifier"].notna() & long["identifier"].map(as_text).str.strip().ne("")
    return long[filled].drop_duplicates()


def translate(ids: pd.Series, crosswalk: pd.DataFrame, system: str) -> pd.Series:
    """Identifiers of `system` as those of the study.

    One that the crosswalk does not have becomes ``system:identifier``, so that it is never taken for a
    patient whose study identifier happens to read the same.
    """
    rows = crosswalk[crosswalk["system"] == system]
    known = rows.set_index("identifier")["patient_id"]
    stripped = ids.astype("string[python]").str.strip()
    return stripped.map(known).astype("string[python]").fillna(system + ":" + stripped)


def without(tables: dict[str, pd.DataFrame], withdrawn: pd.Series) -> dict[str, pd.DataFrame]:
    """The tables without every row of the patients in `withdrawn`."""
    return {name: table[~table["patient_id"].isin(withdrawn)] for name, table in tables.items()}


def fingerprints(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """A digest of all rows of each patient (columns patient_id, digest), to notice who changed."""
    parts = []
    for name, table in tables.items():
        if name in (CROSSWALK, WITHDRAWN):
            continue
        rows = pd.util.hash_pandas_object(table.drop(columns=["patient_id"]), index=False)
        parts.append(pd.DataFrame({"patient_id": table["patient_id"], "row": name + rows.astype(str)}))
    every = pd.concat(parts).dropna().sort_values(["patient_id", "row"])
    digests = every.groupby("patient_id")["row"].agg(
        lambda rows: hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]
    )
    return digests.rename("digest").reset_index()


def changes(before: pd.DataFrame, now: pd.DataFrame) -> dict[str, int]:
    """How many patients were added, changed or are no longer there between two :func:`fingerprints`."""
    both = before.merge(now, on="patient_id", how="outer", suffixes=("_before", "_now"), indicator=True)
    where = both["_merge"]
    differs = (where == "both") & (both["digest_before"] != both["digest_now"])
    return {
        "added": int((where == "right_only").sum()),
        "changed": int(differs.sum()),
        "no longer there": int((where == "left_only").sum()),
    }
