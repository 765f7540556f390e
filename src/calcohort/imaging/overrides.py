"""Decisions of the study's table of overrides: scans to take or to leave, each with its reason in words."""

import pandas as pd

from calcohort.errors import InputError

EXCLUDED = "excluded"
# Of these, the analysis takes one.
_ALTERNATIVES = {"ctac_stress": "ctac_rest", "ctac_rest": "ctac_stress"}


def apply(scans: pd.DataFrame, overrides: pd.DataFrame) -> None:
    """Carry out each row on the series it names, in place.

    Sets `protocol` and `rule` where a row names the protocol of its series, `reason` to ``excluded`` and
    `choice` to the row's words, `wanted` where a series is to be taken.

    Parameters
    ----------
    scans : DataFrame
        series, patient_id, protocol, rule, reason, choice, wanted.
    overrides : DataFrame
        From :func:`calcohort.imaging.user_tables.read_overrides`; the index is the row number.

    Raises
    ------
    InputError
        If a row names no series, or two rows want different series of one patient, day and protocol.
    """
    for number, row in overrides.iterrows():
        by_series = not pd.isna(row["series"])
        own = scans["series"] == row["series"] if by_series else scans["patient_id"] == row["patient_id"]
        if not own.any():
            raise _nothing_named(number, by_series)
        said = f"imaging.overrides row {number}: {row['reason']}"
        if row["action"] == "choose" and by_series:
            _want(scans, own, row, said)
        elif row["action"] == "choose":
            other = _ALTERNATIVES.get(row["protocol"])
            _exclude(scans, own & (scans["protocol"] == other), said)
        else:
            named = pd.isna(row["protocol"]) or by_series
            _exclude(scans, own if named else own & (scans["protocol"] == row["protocol"]), said)


def wanted(group: pd.DataFrame) -> tuple[object, str]:
    """Index of the series that a row wants among those of one patient, day and protocol, and its words.

    Raises
    ------
    InputError
        If rows want several of them.
    """
    chosen = group[group["wanted"]]
    if len(chosen) > 1:
        raise InputError(
            "two rows choose different series of one patient, day and protocol",
            where="imaging.overrides",
            cure="keep one of them: " + "; ".join(text.partition(":")[0] for text in chosen["choice"]),
        )
    return chosen.index[0], chosen["choice"].iloc[0]


def tell_unmet(scans: pd.DataFrame) -> None:
    """Say beside a series that is wanted and cannot be taken that it was; in place."""
    unmet = scans["wanted"] & ~scans["chosen"] & scans["reason"].notna()
    scans.loc[unmet, "choice"] = "asked for but not usable: " + scans.loc[unmet, "choice"]


def _nothing_named(number: int, by_series: bool) -> InputError:
    where = f"imaging.overrides row {number}"
    if by_series:
        return InputError("no series has this key", where=where, cure="take the key from imaging/choices.csv")
    return InputError("no scan is of this patient", where=where, cure="write patient_id as the scans have it")


def _want(scans: pd.DataFrame, own: pd.Series, row: pd.Series, said: str) -> None:
    scans.loc[own, "wanted"], scans.loc[own, "choice"] = True, said
    if not pd.isna(row["protocol"]):
        scans.loc[own, "protocol"] = row["protocol"]
        scans.loc[own, "rule"] = said.partition(":")[0]


def _exclude(scans: pd.DataFrame, own: pd.Series, said: str) -> None:
    good = own & scans["reason"].isna()
    scans.loc[good, "reason"], scans.loc[good, "choice"] = EXCLUDED, said
