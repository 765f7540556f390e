"""A manuscript's numbers against its data: ``calcohort claims compare FILE results/NAME``."""

import json
from pathlib import Path

from calcohort.audit.claims import compare, own_mapping, read_claims, read_mapping, summary
from calcohort.errors import InputError
from calcohort.report.run import Run
from calcohort.tables import whole_file, write_csv

_PROVENANCE = "audit/provenance.json"


def run(file: str | Path, results: str | Path, mapping: str | Path | None = None, out=None) -> int:
    """Print every claim that differs from the run, or is not what the run gives at the printed digits.

    Returns
    -------
    int
        1 if there is such a claim, else 0.

    Raises
    ------
    InputError
        If there is no run, no claims file, or nothing says where the run holds the numbers.
    """
    root = Path(results)
    if not root.is_dir():
        raise InputError("there is no such run", where=str(results), cure="give a folder results/NAME")
    claims = read_claims(file)
    places = own_mapping(claims)
    beside = Path(mapping) if mapping else Path(file).with_name("claims.yaml")
    if mapping or beside.is_file():
        places = read_mapping(beside) | places
    if not places:
        cure = "add columns kind, file, where, column, or give --mapping (see config/paper/claims.yaml)"
        raise InputError("nothing says where a run holds these numbers", where=str(file), cure=cure)
    config = _config(root)
    settings = config.get("statistics", {})
    compared = compare(
        claims,
        places,
        Run(root).table,
        calibrated="cohort" in config.get("simulate", {}),
        seed=settings.get("seed", 1),
        replicates=settings.get("bootstrap_replicates", 2000),
    )
    if out:
        with whole_file(out) as path:
            write_csv(compared, path)
    for row in compared.itertuples():
        if row.verdict == "differs" or row.as_printed == "no":
            print(f"{row.id}: printed {_printed(row)}, the run gives {_found(row)} ({row.verdict})")
    print("; ".join(f"{row.verdict}: {row.count}" for row in summary(compared).itertuples()))
    unlike = (compared["verdict"] == "differs") | (compared["as_printed"] == "no")
    print(f"{file}: {int(unlike.sum())} numbers are not those of {results}")
    return int(unlike.any())


def _config(root: Path) -> dict:
    record = root / _PROVENANCE
    return json.loads(record.read_text(encoding="utf-8")).get("config", {}) if record.is_file() else {}


def _printed(row) -> str:
    span = f" ({row.published_low}, {row.published_high})" if row.published_low else ""
    p = f" p {row.published_p}" if row.published_p else ""
    return f"{row.published}{span}{p}".strip()


def _found(row) -> str:
    # An empty cell of the table is None or not a number.
    def known(value) -> bool:
        return value is not None and value == value

    value = f"{row.value:.6g}" if known(row.value) else ""
    span = f" ({row.ci_low:.6g}, {row.ci_high:.6g})" if known(row.ci_low) and known(row.ci_high) else ""
    p = f" p {row.p:.3g}" if known(row.p) else ""
    return f"{value}{span}{p}".strip()
