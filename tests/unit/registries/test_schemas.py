"""The schemas describe every source, and the data dictionary says what they say."""

from pathlib import Path

from calcohort.registries.dictionary import as_markdown
from calcohort.registries.schemas import SCHEMAS, data_dictionary, name_rows

CONTRACT = {
    "patients": {"patient_id", "sex", "birth_date", "age", "bmi", "hypercholesterolemia", "smoking",
                 "hypertension", "diabetes", "prior_pci", "prior_cabg", "prior_mi"},
    "pet": {"patient_id", "scan_date", "mfr", "sds"},
    "clinical_cac": {"patient_id", "scan_date", "agatston"},
    "deaths": {"patient_id", "death_date"},
    "events": {"patient_id", "event", "event_date"},
    "followup": {"patient_id", "last_contact_date"},
    "crosswalk": {"patient_id", "system", "identifier"},
    "withdrawn": {"patient_id"},
}  # fmt: skip


def test_every_source_of_the_contract_has_its_columns():
    assert SCHEMAS.keys() == CONTRACT.keys()
    for name, columns in CONTRACT.items():
        assert columns <= SCHEMAS[name].columns.keys()


def test_the_data_dictionary_describes_every_column():
    table = data_dictionary().set_index(["source", "column"])
    assert len(table) == sum(len(schema.columns) for schema in SCHEMAS.values())
    assert (table["description"].str.len() > 0).all()
    assert table.loc[("patients", "age"), "required"] == "one of age, birth_date"
    assert table.loc[("events", "event"), "allowed"].startswith("one of myocardial_infarction")
    assert table.loc[("followup", "last_contact_date"), "may_be_empty"] == "yes"
    assert table.loc[("deaths", "death_date"), ["type", "required", "may_be_empty"]].tolist() == [
        "date", "yes", "no",
    ]  # fmt: skip


def test_rows_are_named_but_not_all_of_them():
    assert name_rows([4]) == "in row 4"
    assert name_rows([9, 2]) == "in 2 rows (2, 9)"
    assert name_rows(range(2, 9)) == "in 7 rows (2, 3, 4, 5, 6, ...)"


def test_the_data_dictionary_in_the_docs_is_that_of_the_schemas():
    page = (Path(__file__).resolve().parents[3] / "docs" / "registries.md").read_text(encoding="utf-8")
    assert page.endswith("## Data dictionary\n\n" + as_markdown())
