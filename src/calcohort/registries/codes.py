"""Cells and the codes of a config's `values` as text, so that 12, 12.0 and "12" agree."""

from datetime import date, datetime, time

# YAML reads an unquoted yes or no as a truth value.
YAML_TRUTH = {True: ("yes", "true", "True"), False: ("no", "false", "False")}


def as_text(cell) -> str:
    """Cell as text: whole numbers have no decimals, days no time of day."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        # What is no time at all (NaT) is not equal to itself.
        return cell.date().isoformat() if cell == cell and cell.time() == time() else str(cell)
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def code_words(code) -> tuple[str, ...]:
    """What a file may hold where the config has the code `code` (letter case does not matter)."""
    return YAML_TRUTH[code] if isinstance(code, bool) else (as_text(code).strip(),)
