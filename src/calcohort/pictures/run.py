"""Pictures of a run on disk: one PNG per scan, and the page and the list that show them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from calcohort.pictures.gallery import Card, gallery
from calcohort.pictures.overlay import overlay
from calcohort.pictures.png import png_bytes
from calcohort.scoring.conventions import STANDARD, Conventions
from calcohort.tables import whole_file, write_csv

if TYPE_CHECKING:
    from calcohort.segmentation.store import HeartCrop

PICTURE_BYTES = 60_000


def worth_seeing(scores: pd.DataFrame, standard: Mapping[str, float], count: int) -> pd.DataFrame:
    """At most `count` accepted scans: in turn by disagreement with the standard score, by flags, by score.

    Parameters
    ----------
    scores : DataFrame
        scores.csv of the run.
    standard : mapping
        Expert's score by patient_id.
    """
    accepted = scores[scores["accepted"]].sort_values("series", ignore_index=True)
    gap = (accepted["patient_id"].map(standard).astype(float) - accepted["agatston"]).abs()
    flags = accepted["warnings"].map(lambda codes: len(_flags({"warnings": codes})))
    orders = [
        worth.sort_values(ascending=False, kind="stable").index.tolist()
        for worth in (gap.fillna(-1), flags, accepted["agatston"])
    ]
    turns = [row for turn in zip(*orders, strict=True) for row in turn]
    return accepted.loc[list(dict.fromkeys(turns))[:count]]


def write_pictures(
    scores: pd.DataFrame,
    load_crop: Callable[[str], "HeartCrop"],
    folder: str | Path,
    conventions: Conventions = STANDARD,
) -> list[Path]:
    """Write ``SERIES.png`` for each accepted scan, at most 60 kB each.

    Parameters
    ----------
    scores : DataFrame
        Rows of scores.csv, e.g. those of one shard.
    load_crop : callable
        From a series to its crop.
    folder : path
    conventions : Conventions
        As the scores were made with.
    """
    written = []
    for row in scores[scores["accepted"]].to_dict("records"):
        title = f"{row['patient_id']}   {row['protocol']}" if _present(row["patient_id"]) else row["protocol"]
        figure = overlay(
            load_crop(row["series"]), title=title, flags=_flags(row), conventions=conventions, kvp=row["kvp"]
        )
        written.append(Path(folder) / f"{row['series']}.png")
        with whole_file(written[-1]) as beside:
            beside.write_bytes(png_bytes(figure, PICTURE_BYTES))
    return written


def write_gallery(
    scores: pd.DataFrame,
    pictures: str | Path,
    folder: str | Path,
    *,
    title: str,
    note: str = "",
    standard: Mapping[str, float] | None = None,
) -> None:
    """Write ``index.html`` with every scan, and ``gallery.csv`` (file, caption) of the pictures, best first.

    Parameters
    ----------
    scores : DataFrame
        scores.csv of the run.
    pictures : path
        Folder with what :func:`write_pictures` wrote.
    folder : path
    title, note : str
        Head of the page; the note says where the scans and the weights are from.
    standard : mapping, optional
        Expert's score by patient_id.
    """
    cards, listed = [], []
    for row in scores.to_dict("records"):
        png = Path(pictures) / f"{row['series']}.png"
        card = _card(row, png.read_bytes() if png.is_file() else None, standard or {})
        cards.append(card)
        if card.png is not None:
            listed.append({"file": png.name, "caption": _caption(card), "agatston": card.agatston})
    table = pd.DataFrame(listed, columns=["file", "caption", "agatston"])
    table = table.sort_values(["agatston", "file"], ascending=[False, True], ignore_index=True)
    write_csv(table[["file", "caption"]], Path(folder) / "gallery.csv")
    with whole_file(Path(folder) / "index.html") as beside:
        beside.write_text(gallery(cards, title=title, note=note), encoding="utf-8")


def _card(row: Mapping, png: bytes | None, standard: Mapping[str, float]) -> Card:
    named = _present(row["patient_id"])
    reason = (row["reason"],) if _present(row["reason"]) else ()
    expert = standard.get(row["patient_id"]) if named else None
    return Card(
        name=str(row["patient_id"]) if named else str(row["series"]),
        png=png,
        agatston=float(row["agatston"]) if _present(row["agatston"]) else None,
        category=str(row["category"]) if _present(row["category"]) else "",
        protocol=str(row["protocol"]),
        flags=reason + _flags(row),
        standard=float(expert) if _present(expert) else None,
    )


def _caption(card: Card) -> str:
    parts = [card.name, card.protocol.replace("_", " "), f"Agatston {card.agatston:.0f} ({card.category})"]
    if card.standard is not None:
        parts.append(f"standard {card.standard:.0f}")
    return ", ".join((*parts, *(flag.replace("_", " ") for flag in card.flags)))


def _flags(row: Mapping) -> tuple[str, ...]:
    return tuple(row["warnings"].split(";")) if _present(row["warnings"]) else ()


def _present(value) -> bool:
    return not pd.isna(value) and value != ""
