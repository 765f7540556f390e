"""One study in three formats and two databases gives, byte for byte, the cohort of the same study in CSV."""

import pandas as pd
import pytest
import sqlalchemy

from calcohort import tables
from calcohort.cohort.analysis import build
from calcohort.cohort.settings import CohortSettings
from calcohort.errors import InputError
from calcohort.registries.scores import read_scores
from calcohort.registries.sources import read, read_all
from calcohort.simulate.cohort import paper_cohort
from tests.unit.registries.postgres import PASSWORD, server

FILES = ("analysis", "endpoints", "excluded", "flow", "scan_flow")


@pytest.fixture(scope="module")
def study():
    return paper_cohort(11, 400)


@pytest.fixture
def plain(study, tmp_path):
    """The cohort's files, in bytes, of the study in plain CSV."""
    scores, registries = study
    for name, table in registries.items():
        tables.write_csv(table, tmp_path / f"{name}.csv")
    return cohort({name: {"path": str(tmp_path / f"{name}.csv")} for name in registries}, scores, tmp_path)


def cohort(sources: dict, scores: pd.DataFrame, folder) -> dict[str, bytes]:
    tables.write_csv(scores, folder / "scores.csv")
    result = build(read_all(sources), read_scores(folder / "scores.csv"), CohortSettings.from_config({}))
    for name in FILES:
        tables.write_csv(getattr(result, name), folder / f"out-{name}.csv")
    return {name: (folder / f"out-{name}.csv").read_bytes() for name in FILES}


def stored(table: pd.DataFrame, url: str, name: str) -> dict:
    """Put a table into a database and give the source that reads it."""
    engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    table.sample(frac=1, random_state=1).to_sql(name, engine, index=False)
    engine.dispose()
    return {"url": url, "query": f"SELECT * FROM {name}"}


def elsewhere(registries: dict, folder, urls: tuple[str, str]) -> dict:
    """The same registries: patients in Excel, pet in Parquet, scores in German CSV, the rest in databases."""
    registries["patients"].to_excel(folder / "p.xlsx", sheet_name="Patienten", index=False)
    registries["pet"].iloc[::-1].to_parquet(folder / "e.parquet")
    clinical = registries["clinical_cac"]
    clinical = clinical.assign(scan_date=pd.to_datetime(clinical["scan_date"]).dt.strftime("%d.%m.%Y"))
    clinical.to_csv(folder / "c.csv", sep=";", decimal=",", index=False, encoding="cp1252")
    german = {"sep": ";", "decimal": ",", "date_format": "%d.%m.%Y", "encoding": "cp1252"}
    return {
        "patients": {"path": str(folder / "p.xlsx"), "sheet": "Patienten"},
        "pet": {"path": str(folder / "e.parquet")},
        "clinical_cac": {"path": str(folder / "c.csv"), **german},
        "deaths": stored(registries["deaths"], urls[0], "deaths"),
        "events": stored(registries["events"], urls[1], "events"),
        "followup": stored(registries["followup"], urls[0], "followup"),
    }


def test_three_formats_and_two_databases_give_the_bytes_of_plain_csv(study, plain, tmp_path):
    scores, registries = study
    urls = f"sqlite:///{tmp_path / 'one.db'}", f"sqlite:///{tmp_path / 'two.db'}"
    found = cohort(elsewhere(registries, tmp_path, urls), scores, tmp_path)
    assert len(plain["analysis"].splitlines()) > 300
    assert found == plain


@pytest.mark.slow
def test_three_formats_sqlite_and_postgresql_give_the_bytes_of_plain_csv(study, plain, tmp_path):
    scores, registries = study
    with server() as url:
        sources = elsewhere(registries, tmp_path, (url, f"sqlite:///{tmp_path / 'two.db'}"))
        assert cohort(sources, scores, tmp_path) == plain
        for wrong in ({"query": "SELECT * FROM nothing"}, {"url": url.replace("study:", "other:")}):
            with pytest.raises(InputError) as caught:
                read(sources["deaths"] | wrong, "deaths")
            assert PASSWORD not in str(caught.value) and "127.0.0.1" not in str(caught.value)
