"""Tables as they lie in files and databases: cells untouched, row numbers as a spreadsheet shows them."""

import csv
import re
from pathlib import Path

import pandas as pd

from calcohort.errors import InputError

# A tab as it arrives from YAML without double quotes.
TABS = {"\\t": "\t", "tab": "\t"}
BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")
FORMATS = "CSV (.csv, .tsv, .txt), Parquet (.parquet) or Excel (.xlsx)"


def load(source: dict, where: str) -> pd.DataFrame:
    """Raw table of one source.

    Parameters
    ----------
    source : dict
        ``path`` (CSV, Parquet, Excel), or ``url`` (SQLAlchemy) and ``query``; ``sep``, ``encoding``,
        ``sheet``.
    where : str
        What errors call the source.

    Returns
    -------
    DataFrame
        Text cells from CSV, typed cells from the other formats. The index is the row number: in files the
        header is row 1, in Parquet files and databases the first row of data is row 1.
    """
    if "url" in source:
        return _numbered(_query(source, where), 1)
    if "path" not in source:
        raise InputError(
            "neither `path` nor `url` is given", where=where, cure="name a file, or a database and a query"
        )
    path = Path(source["path"])
    if not path.is_file():
        raise InputError("no such file", where=where, cure=_near(path))
    reader = {".parquet": _parquet, ".xlsx": _excel, ".xlsm": _excel}.get(path.suffix.lower(), _csv)
    try:
        return reader(path, source, where)
    except PermissionError:
        raise InputError(
            "the file may not be read", where=where, cure="ask for its read permission"
        ) from None


def names_there(raw: pd.DataFrame) -> str:
    """The columns of a table in words; what looks like a value (a number, a date) is counted, not quoted."""
    names = [str(name) for name in raw.columns]
    shown = [name for name in names if not re.search(r"\d{3}|\d\D\d", name)]
    hidden = f" and {len(names) - len(shown)} that look like values" if len(shown) < len(names) else ""
    return f"the columns there are {', '.join(shown)}{hidden}"


def _near(path: Path) -> str:
    if not path.parent.is_dir():
        return "the folder is not there either; paths are relative to the working directory"
    return "correct `path`; paths are relative to the working directory"


def _csv(path: Path, source: dict, where: str) -> pd.DataFrame:
    separator = TABS.get(source.get("sep", ","), source.get("sep", ","))
    _check_text(path, source, where)
    try:
        with open(path, encoding=source.get("encoding", "utf-8-sig"), newline="") as handle:
            rows = list(csv.reader(handle, delimiter=separator))
    except UnicodeDecodeError:
        cure = "set `encoding`, for instance encoding: cp1252"
        raise InputError("the text is not in this encoding", where=where, cure=cure) from None
    except LookupError:
        raise InputError("no such encoding", where=where, cure="correct `encoding`") from None
    except (csv.Error, TypeError):
        cure = f"give a file in one of {FORMATS}, and `sep` as one character"
        raise InputError("the file is not separated text", where=where, cure=cure) from None
    if not rows or not any(rows[0]):
        raise InputError("the file has no header", where=where, cure="give the names of the columns in row 1")
    header = [name.strip() for name in rows[0]]
    _check_separator(header, separator, where)
    kept = {number: row for number, row in enumerate(rows[1:], start=2) if "".join(row).strip()}
    odd = [number for number, row in kept.items() if len(row) != len(header)]
    if odd:
        from calcohort.registries.schemas import name_rows

        cure = "set `sep`, or put quotes around fields that hold it (decimal commas need another `sep`)"
        raise InputError(
            f"not as many fields as the header's {len(header)} {name_rows(odd)}", where=where, cure=cure
        )
    return pd.DataFrame(
        list(kept.values()), index=pd.Index(list(kept), dtype="int64"), columns=header, dtype=object
    )


def _check_text(path: Path, source: dict, where: str) -> None:
    """Workbooks of other kinds, archives and UTF-16 would be read as text in a wrong encoding."""
    with open(path, "rb") as handle:
        begin = handle.read(4096)
    if b"\0" not in begin or source.get("encoding", "utf-8").lower().startswith(("utf-16", "utf-32")):
        return
    if begin.startswith(BYTE_ORDER_MARKS):
        raise InputError("the text is not in this encoding", where=where, cure="set encoding: utf-16")
    raise InputError("not a text file", where=where, cure=f"give {FORMATS}")


def _check_separator(header: list[str], separator: str, where: str) -> None:
    if len(header) > 1:
        return
    for other, word in ((";", '";"'), ("\t", '"\\t"'), (",", '","'), ("|", '"|"')):
        if other != separator and other in header[0]:
            raise InputError("the columns are not separated as said", where=where, cure=f"set sep: {word}")


def _parquet(path: Path, source: dict, where: str) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path)
    except (ValueError, OSError):
        raise InputError("not a Parquet file", where=where, cure=f"give {FORMATS}") from None
    # pandas stores an index, often the patient's identifier, apart from the columns.
    named = [name for name in table.index.names if name is not None]
    return _numbered(table.reset_index(named) if named else table, 1)


def _excel(path: Path, source: dict, where: str) -> pd.DataFrame:
    import zipfile

    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            sheet, names = source.get("sheet", 0), book.sheet_names
            if sheet not in (names if isinstance(sheet, str) else range(len(names))):
                cure = f"set `sheet` to one of: {', '.join(names)}"
                raise InputError("no such sheet", where=where, cure=cure)
            table = book.parse(sheet, dtype=object, keep_default_na=False, na_values=[""])
    except (zipfile.BadZipFile, KeyError, OSError):
        raise InputError("not an Excel file (.xlsx)", where=where, cure=f"give {FORMATS}") from None
    table.columns = [str(name).strip() for name in table.columns]
    return _numbered(table, 2).dropna(how="all")


def _query(source: dict, where: str) -> pd.DataFrame:
    import sqlalchemy

    if "query" not in source:
        raise InputError(
            "`url` without `query`", where=where, cure="give the SQL query that selects the table"
        )
    try:
        url = sqlalchemy.make_url(source["url"])
        # The driver that is installed with calcohort, where the URL names none.
        url = url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url
        _check_sqlite(url, where)
        engine = sqlalchemy.create_engine(url)
        with engine.connect() as connection:
            return pd.read_sql_query(sqlalchemy.text(source["query"]), connection)
    # Their messages hold the URL with its password, and sometimes values of the table.
    except ImportError as error:
        cure = f"install the database's driver ({error.name})"
        raise InputError("the database's driver is not installed", where=where, cure=cure) from None
    except sqlalchemy.exc.ArgumentError:
        raise InputError(
            "`url` is not an SQLAlchemy URL", where=where, cure="see docs.sqlalchemy.org"
        ) from None
    except sqlalchemy.exc.SQLAlchemyError as error:
        cure = "check that the database answers and that the query runs in it"
        raise InputError(f"the query failed ({type(error).__name__})", where=where, cure=cure) from None
    finally:
        if "engine" in locals():
            engine.dispose()


def _check_sqlite(url, where: str) -> None:
    """SQLite would make an empty database in the place of one that is not there."""
    file = url.database or ":memory:"
    if (
        url.get_backend_name() == "sqlite"
        and not file.startswith((":", "file:"))
        and not Path(file).is_file()
    ):
        cure = "correct `url`: sqlite:///F for a path from the working directory, sqlite:////F from the root"
        raise InputError("no such database file", where=where, cure=cure)


def _numbered(table: pd.DataFrame, first: int) -> pd.DataFrame:
    table.index = pd.RangeIndex(first, first + len(table))
    table.columns = [str(name) for name in table.columns]
    return table
