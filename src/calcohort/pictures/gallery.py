"""One page with a picture of every scan of a run, to be put in order by what one is looking for."""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

from calcohort.imaging.codes import CODES

_PAGE = Path(__file__).with_name("gallery.html")


@dataclass(frozen=True)
class Card:
    """A scan in the gallery.

    Attributes
    ----------
    name : str
        Pseudonym or series; never an identifier.
    png : bytes or None
        Its picture; None for a scan that has none.
    agatston : float or None
    category, protocol : str
    flags : tuple of str
        Codes of warnings, or of the reason why there is no score.
    standard : float or None
        An expert's score of the same patient.
    """

    name: str
    png: bytes | None
    agatston: float | None
    category: str = ""
    protocol: str = ""
    flags: tuple[str, ...] = ()
    standard: float | None = None

    @property
    def disagreement(self) -> float | None:
        """Size of the difference from the standard score; None without both."""
        if self.agatston is None or self.standard is None:
            return None
        return abs(self.standard - self.agatston)


def gallery(cards: Iterable[Card], *, title: str, note: str = "") -> str:
    """A self-contained HTML page of all cards, the highest score first.

    Buttons order them by score, by number of flags or by disagreement with the standard score; a list leaves
    only the cards of one flag. Without JavaScript the page shows all of them by score.
    """
    cards = sorted(cards, key=lambda card: (-_or_less(card.agatston), card.name))
    flags = sorted({flag for card in cards for flag in card.flags})
    options = "".join(f'<option value="{escape(flag)}">{escape(flag)}</option>' for flag in flags)
    return Template(_PAGE.read_text(encoding="utf-8")).substitute(
        title=escape(title), note=escape(note), options=options, cards="\n".join(map(_card, cards))
    )


def _card(card: Card) -> str:
    facts = [f"<b>{escape(card.name)}</b>"]
    if card.agatston is None:
        facts.append("no score")
    else:
        facts.append(f"Agatston {card.agatston:.0f} ({escape(card.category)})")
    if card.standard is not None:
        facts.append(f"standard {card.standard:.0f}")
    facts += [escape(card.protocol)] * bool(card.protocol)
    for flag in card.flags:
        meaning = escape(CODES[flag].meaning if flag in CODES else flag)
        facts.append(f'<i title="{meaning}">{escape(flag)}</i>')
    why = CODES[card.flags[0]].meaning if card.flags and card.flags[0] in CODES else "no picture"
    picture = f'<div class="none">{escape(why)}</div>'
    if card.png is not None:
        data = b64encode(card.png).decode("ascii")
        alt = f"Heart slices of {escape(card.name)} with calcium outlined"
        picture = f'<img alt="{alt}" src="data:image/png;base64,{data}">'
    return (
        f'<figure data-score="{_or_less(card.agatston)!r}" data-flag="{len(card.flags)}" '
        f'data-difference="{_or_less(card.disagreement)!r}" data-flags="{escape(" ".join(card.flags))}">'
        f"{picture}<figcaption>{' &middot; '.join(facts)}</figcaption></figure>"
    )


def _or_less(value: float | None) -> float:
    """A number to order by, what is missing last."""
    return -1.0 if value is None else float(value)
