"""What each source must hold: one pandera schema per source, and nowhere else.

They drive the parsing of cells (:mod:`calcohort.registries.cells`), the checks and the data dictionary.
"""

from dataclasses import dataclass

import pandas as pd
import pandera.pandas as pa

from calcohort.errors import InputError

EVENTS = ("myocardial_infarction", "unstable_angina", "pci", "cabg", "other")
SEXES = ("male", "female")
DATE, NUMBER, FLAG, TEXT = "datetime64[ns]", "float64", "Int8", "string[python]"
ROWS_NAMED = 5


def _identifier(description: str = "the study's identifier of the patient") -> pa.Column:
    return pa.Column(TEXT, description=description, metadata={"cure": "give every row its patient_id"})


def _date(description: str, *, nullable: bool = False, required: bool = True) -> pa.Column:
    cure = "fill in the date, or take the row out (rows with nothing but patient_id: set skip_empty: true)"
    return pa.Column(
        DATE, nullable=nullable, required=required, description=description, metadata={"cure": cure}
    )


def _number(description: str, low: float, high: float, *, nullable: bool = True, required: bool = False):
    return pa.Column(
        NUMBER,
        pa.Check.in_range(low, high, error=f"between {low:g} and {high:g}"),
        nullable=nullable,
        required=required,
        description=description,
        metadata={"cure": "correct the values, or leave the fields empty if they are not known"},
    )


def _flag(description: str) -> pa.Column:
    return pa.Column(
        FLAG,
        pa.Check.isin([0, 1], error="0 or 1"),
        nullable=True,
        required=False,
        description=description,
        metadata={"cure": "write 0, 1 or nothing, or map the codes under `values`"},
    )


def _choice(description: str, allowed: tuple[str, ...], *, required: bool = True, nullable: bool = False):
    return pa.Column(
        TEXT,
        pa.Check.isin(allowed, error=f"one of {', '.join(allowed)}"),
        nullable=nullable,
        required=required,
        description=description,
        metadata={
            "allowed": allowed,
            "cure": "map the file's codes under `values`",
            "empty": "fill it in, or take the row out",
        },
    )


def _word(description: str, cure: str) -> pa.Column:
    return pa.Column(TEXT, description=description, metadata={"cure": cure})


def _sex_elsewhere() -> pa.Column:
    return _choice("sex as this source has it; compared with patients", SEXES, required=False, nullable=True)


SCHEMAS: dict[str, pa.DataFrameSchema] = {
    "patients": pa.DataFrameSchema(
        {
            "patient_id": _identifier(),
            "sex": _choice("sex", SEXES, nullable=True),
            "birth_date": _date("date of birth; age is in completed years at the scan", nullable=True,
                                required=False),
            "age": _number("age in years at the scan; used where it is given", 0, 120),
            "bmi": _number("body mass index, kg/m2", 5, 150),
            "hypercholesterolemia": _flag("hypercholesterolemia"),
            "smoking": _flag("current smoker"),
            "hypertension": _flag("hypertension"),
            "diabetes": _flag("diabetes"),
            "prior_pci": _flag("PCI before the scan, beside what events tell"),
            "prior_cabg": _flag("CABG before the scan, beside what events tell"),
            "prior_mi": _flag("myocardial infarction before the scan, beside what events tell"),
            "history_of_cad": _flag("PCI, CABG or infarction before the scan, where the kind is not known"),
        },
        unique=["patient_id"],
        metadata={"either": ("age", "birth_date"), "cure": "keep one row for each patient"},
    ),
    "pet": pa.DataFrameSchema(
        {
            "patient_id": _identifier(),
            "scan_date": _date("date of the PET-CT scan, day 0; of several the first counts"),
            "mfr": _number("myocardial flow reserve", 0, 20),
            "sds": _number("summed difference score, 17 segments", -68, 68),
            "sex": _sex_elsewhere(),
        }
    ),
    "clinical_cac": pa.DataFrameSchema(
        {
            "patient_id": _identifier(),
            "scan_date": _date("date of the gated scan"),
            "agatston": _number("an expert's Agatston score of the gated scan", 0, 100_000, required=True),
            "sex": _sex_elsewhere(),
        },
        unique=["patient_id", "scan_date"],
        metadata={"cure": "keep the one score that counts for each patient and day"},
    ),
    "deaths": pa.DataFrameSchema(
        {
            "patient_id": _identifier(),
            "death_date": _date("date of death"),
            "sex": _sex_elsewhere(),
        }
    ),
    "events": pa.DataFrameSchema(
        {
            "patient_id": _identifier(),
            "event": _choice("kind of event; other: any other contact with the hospital", EVENTS),
            "event_date": _date("date of the event, or of the admission"),
            "sex": _sex_elsewhere(),
        }
    ),
    "followup": pa.DataFrameSchema(
        {
            "patient_id": _identifier(),
            "last_contact_date": _date("last date the patient was known to be alive", nullable=True),
            "sex": _sex_elsewhere(),
        }
    ),
    "crosswalk": pa.DataFrameSchema(
        {
            "patient_id": _identifier(),
            "system": _word("identifier system; a source names it as `identifier`", "name the system"),
            "identifier": _word("the patient's identifier in that system", "fill it in, or take the row out"),
        },
        unique=["system", "identifier"],
        metadata={"cure": "give each identifier to one patient"},
    ),
    "withdrawn": pa.DataFrameSchema({"patient_id": _identifier("patient who leaves every output")}),
}  # fmt: skip

SEVERAL = ("deaths", "events", "followup", "withdrawn")


@dataclass(frozen=True)
class Violation:
    """One broken rule of one source, without the values that broke it."""

    rule: str
    rows: tuple[int, ...]
    cure: str
    column: str = ""

    def as_error(self, where: str) -> InputError:
        """The violation as the one line that a user reads."""
        return InputError(f"{self.rule} {name_rows(self.rows)}".rstrip(), where=where, cure=self.cure)


def name_rows(rows) -> str:
    """Row numbers in words, at most five of them: ``in 7 rows (2, 5, 9, 12, 40, ...)``."""
    rows = sorted({int(row) for row in rows})
    if not rows:
        return ""
    named = ", ".join(map(str, rows[:ROWS_NAMED])) + (", ..." if len(rows) > ROWS_NAMED else "")
    return f"in row {named}" if len(rows) == 1 else f"in {len(rows)} rows ({named})"


def violations(table: pd.DataFrame, name: str) -> list[Violation]:
    """Every rule of source `name` that `table` breaks.

    Parameters
    ----------
    table : DataFrame
        Parsed columns under calcohort's names; the index holds the row numbers of the file.
    name : str
        A key of ``SCHEMAS``.
    """
    try:
        SCHEMAS[name].validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        # pandera's own message and its failure_case column quote the values: neither leaves this function.
        return _redact(error.failure_cases, SCHEMAS[name])
    return []


def _redact(cases: pd.DataFrame, schema: pa.DataFrameSchema) -> list[Violation]:
    found = []
    for (context, column, check), rows in cases.groupby(
        ["schema_context", "column", "check"], sort=False, dropna=False
    ):
        numbers = tuple(sorted(set(rows["index"].dropna().astype(int))))
        if context == "DataFrameSchema":
            found.append(_table_rule(str(check), numbers, schema))
        elif check == "not_nullable":
            about = schema.columns[column].metadata
            cure = about.get("empty", about["cure"])
            found.append(Violation(f"column {column} is empty", numbers, cure, column))
        else:
            cure = schema.columns[column].metadata["cure"]
            found.append(Violation(f"column {column} is not {check}", numbers, cure, column))
    # A rule over several columns is reported once per column.
    return list(dict.fromkeys(found))


def _table_rule(check: str, numbers: tuple[int, ...], schema: pa.DataFrameSchema) -> Violation:
    rule = f"{' and '.join(schema.unique)} more than once" if "uniqueness" in check else f"not {check}"
    return Violation(rule, numbers, schema.metadata["cure"])


def data_dictionary() -> pd.DataFrame:
    """Every column of every source: source, column, type, required, may_be_empty, allowed, description."""
    kinds = {DATE: "date", NUMBER: "number", FLAG: "0 or 1", TEXT: "text"}
    rows = []
    for name, schema in SCHEMAS.items():
        either = (schema.metadata or {}).get("either", ())
        for column, rule in schema.columns.items():
            needed = "one of " + ", ".join(either) if column in either else "yes" if rule.required else "no"
            allowed = "; ".join(check.error for check in rule.checks if check.error)
            rows.append(
                {
                    "source": name,
                    "column": column,
                    "type": kinds[str(rule.dtype)],
                    "required": needed,
                    "may_be_empty": "yes" if rule.nullable else "no",
                    "allowed": allowed,
                    "description": rule.description,
                }
            )
    return pd.DataFrame(rows)
