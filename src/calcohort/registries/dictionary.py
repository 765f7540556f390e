"""The data dictionary of docs/registries.md: ``python -m calcohort.registries.dictionary`` prints it."""

from calcohort.registries.schemas import data_dictionary

HEADS = {
    "column": "column",
    "type": "type",
    "required": "required",
    "may_be_empty": "may be empty",
    "allowed": "allowed",
    "description": "meaning",
}


def as_markdown() -> str:
    """One Markdown table for each source."""
    parts = []
    for source, rows in data_dictionary().groupby("source", sort=False):
        lines = [f"### {source}", "", _line(HEADS.values()), _line("---" for _ in HEADS)]
        lines += [_line(row[key] for key in HEADS) for row in rows.to_dict("records")]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _line(cells) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    print(as_markdown(), end="")
