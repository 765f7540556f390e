"""How numbers are printed: the rounding rules of gtsummary, one function for each kind of number.

`FORMATS` maps a key, which travels with every printed number, to a function of the value alone, so that
anybody who has the value and the key gets the same text again (`calcohort verify` does this).

Sources: gtsummary 2.0 (`style_percent`, `style_pvalue`, `style_ratio`, `style_sigfig`, `style_number`, and
the digits that `tbl_summary` chooses by spread); cards `round5` for halves.
"""

import math
from collections.abc import Callable

MISSING = "–"
MINUS = "−"
# R's round5 adds this much, so that a half that binary fractions store a hair too low still counts as a half.
_HALF_TOLERANCE = math.sqrt(2.0**-52)


def round_half_away(value: float, digits: int = 0) -> float:
    """Round to `digits` decimals; a half goes away from zero (0.125 -> 0.13, -2.5 -> -3)."""
    scaled = abs(value) * 10.0**digits
    if not math.isfinite(scaled):
        return value
    return math.copysign(math.floor(scaled + 0.5 + _HALF_TOLERANCE) / 10.0**digits, value)


def fixed(value: float, digits: int) -> str:
    """Number with `digits` decimals, thousands separated by commas and a true minus sign."""
    if is_missing(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    rounded = round_half_away(float(value), digits)
    text = f"{abs(rounded):,.{digits}f}"
    return f"{MINUS}{text}" if rounded < 0 else text


def percent(fraction: float) -> str:
    """Fraction as a percentage without its sign: one decimal below 10, none from there, 0 stays 0."""
    if is_missing(fraction):
        return MISSING
    value = 100.0 * float(fraction)
    if round_half_away(abs(value), 1) >= 10:
        return fixed(value, 0)
    if abs(value) >= 0.1:
        return fixed(value, 1)
    return "0" if value == 0 else "<0.1"


def pvalue(p: float) -> str:
    """P-value: >0.9, then one, two or three decimals as it gets smaller, then <0.001."""
    if is_missing(p) or not -1e-15 <= p <= 1 + 1e-15:
        return MISSING
    if p > 0.9:
        return ">0.9"
    if p < 0.001:
        return "<0.001"
    if round_half_away(p, 1) >= 0.2:
        return fixed(p, 1)
    return fixed(p, 2) if round_half_away(p, 2) >= 0.1 else fixed(p, 3)


def significant(value: float, digits: int = 2) -> str:
    """About `digits` significant figures, never more decimals than `digits` (0.123 -> 0.12, 12.3 -> 12)."""
    if is_missing(value) or math.isinf(value):
        return fixed(value, 0)
    for decimals in range(digits, 0, -1):
        if abs(value) < 10.0 ** (digits - decimals) - 0.5 * 10.0**-decimals:
            return fixed(value, decimals)
    return fixed(value, 0)


def ratio(value: float) -> str:
    """Hazard ratio: two decimals below 1, three significant figures from there (0.87, 3.19, 12.3, 123)."""
    if is_missing(value) or math.isinf(value):
        return fixed(value, 0)
    if round_half_away(abs(value), 2) < 1:
        return fixed(value, 2)
    # As gtsummary's pmax: what rounds to 1 is printed like 1, never as 0.999.
    return significant(max(1.0, value) if value > 0 else value, 3)


def median_format(spread: float, whole_numbers: bool = False) -> str:
    """Format key of a median and its quartiles, chosen by the variable's 5th to 95th percentile distance.

    Parameters
    ----------
    spread : float
        p95 - p05 of the variable over all groups, in its own unit.
    whole_numbers : bool
        The variable can only be an integer.
    """
    if whole_numbers or is_missing(spread):
        return "fixed0"
    for limit, digits in ((0.01, 4), (0.1, 3), (10.0, 2), (20.0, 1)):
        if spread < limit:
            return f"fixed{digits}"
    return "fixed0"


def is_missing(value) -> bool:
    """None, NaN or pandas' NA."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and math.isnan(value)


def _text(value) -> str:
    return MISSING if is_missing(value) else str(value)


def _percent_with(digits: int) -> Callable[[float], str]:
    return lambda value: MISSING if is_missing(value) else fixed(100.0 * float(value), digits)


FORMATS: dict[str, Callable[[float], str]] = {
    "count": lambda value: fixed(value, 0),
    "fixed0": lambda value: fixed(value, 0),
    "fixed1": lambda value: fixed(value, 1),
    "fixed2": lambda value: fixed(value, 2),
    "fixed3": lambda value: fixed(value, 3),
    "fixed4": lambda value: fixed(value, 4),
    "percent": percent,
    "percent0": _percent_with(0),
    "percent1": _percent_with(1),
    "pvalue": pvalue,
    "hr": ratio,
    "kappa": lambda value: fixed(value, 2),
    "nri": lambda value: fixed(value, 3),
    "c_index": lambda value: fixed(value, 3),
    "years": lambda value: fixed(value, 1),
    "score": lambda value: fixed(value, 0),
    "seconds": lambda value: fixed(value, 1),
    "statistic": lambda value: significant(value, 3),
    "yes_no": lambda value: MISSING if is_missing(value) else "yes" if float(value) == 1 else "no",
    "text": _text,
}


def show(value, format: str) -> str:
    """Text of `value` in the format of that key; missing is an en dash."""
    return FORMATS[format](value)
