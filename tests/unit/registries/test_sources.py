"""Registries in: what is read, what is repaired and counted, and what is refused with a cure."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
import sqlalchemy

from calcohort.errors import InputError
from calcohort.registries.sources import check, read

PATIENTS = "patient_id,sex,age,bmi,smoking\nA,male,70,25.5,1\nB,female,61,,0\n"


def repairs(table: pd.DataFrame) -> dict:
    return {row["rule"]: row["count"] for row in table.attrs["findings"]}


def test_a_plain_file_needs_no_options(source):
    table = read(source(PATIENTS), "patients")
    assert table["patient_id"].tolist() == ["A", "B"]
    assert table["age"].tolist() == [70.0, 61.0]
    assert np.isnan(table["bmi"][1])
    assert table["smoking"].tolist() == [1, 0]


def test_columns_values_dates_separator_and_decimal_are_mapped(source):
    text = "MRN;Geschlecht;Geb;BMI;Raucher\n A1;W;03.02.1950;25,5;ja\nA2;M;14.12.1941;31,0;nein\n"
    options = {
        "columns": {"patient_id": "MRN", "sex": "Geschlecht", "birth_date": "Geb", "bmi": "BMI",
                    "smoking": "Raucher"},
        "values": {"sex": {"W": "female", "M": "male"}, "smoking": {"ja": 1, "nein": 0}},
        "date_format": "%d.%m.%Y", "sep": ";", "decimal": ",", "encoding": "cp1252",
    }  # fmt: skip
    table = read(source(text, written="cp1252", **options), "patients")
    assert table["sex"].tolist() == ["female", "male"]
    assert table["birth_date"].tolist() == [pd.Timestamp("1950-02-03"), pd.Timestamp("1941-12-14")]
    assert table["bmi"].tolist() == [25.5, 31.0]
    assert table["smoking"].tolist() == [1, 0]


def test_codes_that_yaml_reads_as_truth_values_are_meant_as_yes_and_no(source):
    text = PATIENTS.replace(",1\n", ",yes\n").replace(",0\n", ",No\n")
    table = read(source(text, values={"smoking": {True: 1, False: 0}}), "patients")
    assert table["smoking"].tolist() == [1, 0]


def test_a_code_can_be_recoded_to_nothing(source):
    table = read(source(PATIENTS.replace("25.5", "-9"), values={"bmi": {-9: None}}), "patients")
    assert table["bmi"].isna().all()


def test_a_code_is_found_when_the_file_writes_it_with_decimals(source):
    # A column of whole numbers with empty fields is often exported as 1.0 and -9.0.
    text = "patient_id;sex;age;bmi;smoking\nA;1,0;70;-9,0;1,0\nB;2,0;61;25,5;0,0\nC;2;50;;\n"
    values = {"sex": {1: "male", 2: "female"}, "bmi": {-9: None}}
    table = read(source(text, sep=";", decimal=",", values=values), "patients")
    assert table["sex"].tolist() == ["male", "female", "female"]
    assert table["bmi"].isna().tolist() == [True, False, True]
    assert table["smoking"].tolist() == [1, 0, pd.NA]
    table = read(source(PATIENTS.replace(",1\n", ",1.0\n").replace(",0\n", ",0.0\n")), "patients")
    assert table["smoking"].tolist() == [1, 0]


def test_a_code_is_found_in_any_letter_case_unless_two_codes_differ_by_it(source, refusal):
    text = PATIENTS.replace("A,male", "A,m ").replace("female", "F")
    table = read(source(text, values={"sex": {"M": "male", "F": "female"}}), "patients")
    assert table["sex"].tolist() == ["male", "female"]
    assert repairs(table)["case_ignored_sex"] == 1
    both = {"sex": {"F": "female", "Mm": "male", "mM": "female"}}
    line = refusal(source(text.replace("A,m ", "A,mm"), values=both), "patients")
    assert "column sex is not one of male, female in row 2" in line
    text = "patient_id,event,event_date\nA,other,2015-01-02\n"
    values = {"event": {"Other": "unstable_angina"}}
    assert read(source(text, values=values), "events")["event"].tolist() == ["other"]


@pytest.mark.parametrize(
    ("cell", "date_format"),
    [
        ("2015-02-03 23:59:59.9", "%Y-%m-%d"),
        ("2015-02-03T00:00", "%Y-%m-%d"),
        ("03.02.2015 9:05", "%d.%m.%Y"),
        ("03.02.2015 19:05", "%d.%m.%Y %H:%M"),
        ("02/03/2015 11:30 PM", "%m/%d/%Y"),
        ("02/03/2015 11:30 PM", "%m/%d/%Y %I:%M %p"),
        ("42038.75", "excel"),
        ("42038,0", "excel"),
    ],
)
def test_the_time_of_day_does_not_count(source, cell, date_format):
    text = f"patient_id;scan_date;agatston\nA;{cell};1\n"
    table = read(source(text, sep=";", date_format=date_format), "clinical_cac")
    assert table["scan_date"].tolist() == [pd.Timestamp("2015-02-03")]


@pytest.mark.parametrize("separator", ["\t", "\\t", "tab"])
def test_a_tab_can_be_written_in_three_ways(source, separator):
    assert len(read(source(PATIENTS.replace(",", "\t"), sep=separator), "patients")) == 2


def test_several_sources_keep_their_order_of_trust(source):
    first = source("patient_id,death_date\nA,2015-01-02\n", "one.csv")
    second = source("id|dod\nB|20150203\n", "two.csv", sep="|", date_format="%Y%m%d")
    second["columns"] = {"patient_id": "id", "death_date": "dod"}
    table = read([first, second], "deaths")
    assert table[["patient_id", "source_rank"]].to_numpy().tolist() == [["A", 0], ["B", 1]]


def test_only_the_columns_of_the_schema_are_kept(source):
    table = read(source(PATIENTS.replace("smoking", "name")), "patients")
    assert "name" not in table


@pytest.mark.parametrize("date_format", ["%d/%m/%Y", {"event_date": "%d/%m/%Y"}])
def test_the_date_format_can_be_given_for_one_column(source, date_format):
    table = read(source("patient_id,event,event_date\nA,pci,03/02/2015\n", date_format=date_format), "events")
    assert table["event_date"][0] == pd.Timestamp("2015-02-03")


class TestRepairs:
    """Read in the one way that is possible, and counted."""

    def test_blanks_around_values(self, source):
        table = read(source(PATIENTS.replace("A,male", " A ,male\u00a0")), "patients")
        assert table["patient_id"][0] == "A"
        assert table["sex"][0] == "male"
        assert repairs(table)["blanks_removed_patient_id"] == 1
        assert repairs(table)["blanks_removed_sex"] == 1

    def test_mixed_case_sex(self, source):
        table = read(source(PATIENTS.replace(",male", ",MALE").replace("female", "Female")), "patients")
        assert table["sex"].tolist() == ["male", "female"]
        assert repairs(table)["case_ignored_sex"] == 2

    @pytest.mark.parametrize("word", ["N/A", "NA", "nan", "NULL", "."])
    def test_words_for_missing(self, source, word):
        table = read(source(PATIENTS.replace("25.5", word)), "patients")
        assert table["bmi"].isna().all()
        assert repairs(table)["word_for_missing_bmi"] == 1

    def test_lines_without_any_value_are_skipped(self, source):
        assert len(read(source(PATIENTS + ",,,,\n\n"), "patients")) == 2

    def test_a_byte_order_mark_is_no_part_of_the_first_name(self, source):
        assert len(read(source(PATIENTS, written="utf-8-sig"), "patients")) == 2

    def test_a_column_that_is_not_there_but_may_be_missing_is_noted(self, source):
        assert repairs(read(source(PATIENTS), "patients"))["no_column_diabetes"] == 1


class TestRefusals:
    """One line: file, rule, row and cure."""

    def test_semicolons(self, source, refusal):
        line = refusal(source(PATIENTS.replace(",", ";")), "patients")
        assert line == 'export.csv: the columns are not separated as said; set sep: ";"'

    def test_decimal_commas(self, source, refusal):
        line = refusal(source(PATIENTS.replace(",", ";").replace("25.5", "25,5"), sep=";"), "patients")
        assert line == 'export.csv: column bmi has decimal commas in row 2; set decimal: ","'

    def test_decimal_commas_between_commas(self, source, refusal):
        line = refusal(source(PATIENTS.replace("25.5", "25,5")), "patients")
        assert "not as many fields as the header's 5 in row 2" in line
        assert "set `sep`" in line

    @pytest.mark.parametrize("number", ["1,234", "1,234,567"])
    def test_a_comma_that_may_separate_thousands_is_not_guessed(self, source, number, refusal):
        text = f'patient_id;scan_date;agatston\nA;2015-01-02;"{number}"\n'
        assert "commas that may be decimal" in refusal(source(text, sep=";"), "clinical_cac")

    def test_a_point_among_decimal_commas_is_not_guessed(self, source, refusal):
        text = "patient_id;scan_date;agatston\nA;2015-01-02;1.234\n"
        assert "has points" in refusal(source(text, sep=";", decimal=","), "clinical_cac")

    def test_a_score_typed_as_text(self, source, refusal):
        text = "patient_id,scan_date,agatston\nA,2015-01-02,120\nB,2015-01-03,>1000\nC,2015-01-03,12 AU\n"
        line = refusal(source(text), "clinical_cac")
        assert "column agatston is text where a number belongs in 2 rows (3, 4)" in line

    @pytest.mark.parametrize("number", ["inf", "1e999", "-5"])
    def test_a_score_must_be_a_finite_number_of_at_least_0(self, source, number, refusal):
        line = refusal(source(f"patient_id,scan_date,agatston\nA,2015-01-02,{number}\n"), "clinical_cac")
        assert "column agatston" in line

    def test_excel_serial_dates(self, source, refusal):
        text = "patient_id,death_date\nA,42006\nB,42007.5\n"
        line = refusal(source(text), "deaths")
        assert "column death_date holds Excel serial days in 2 rows (2, 3)" in line
        assert "date_format: excel" in line
        table = read(source(text, date_format="excel"), "deaths")
        assert table["death_date"][0] == pd.Timestamp("2015-01-02")

    def test_another_date_format(self, source, refusal):
        line = refusal(source("patient_id,death_date\nA,31.12.2014\nB,\n"), "deaths")
        assert 'set date_format: "%d.%m.%Y"' in line

    def test_a_date_format_that_cannot_be_told_says_so(self, source, refusal):
        line = refusal(source("patient_id,death_date\nA,05/06/2014\n"), "deaths")
        assert '"%d/%m/%Y"' in line and '"%m/%d/%Y"' in line

    def test_two_date_formats_in_one_column(self, source, refusal):
        text = "patient_id,death_date\nA,2014-12-31\nB,2014-12-30\nC,31.12.2014\n"
        line = refusal(source(text), "deaths")
        assert "has dates in two formats, %Y-%m-%d and another in row 4" in line
        text = "patient_id,death_date\nA,12/31/2014\nB,05/06/2014\nC,31/12/2014\n"
        assert "two formats" in refusal(source(text, date_format="%m/%d/%Y"), "deaths")

    @pytest.mark.parametrize("written", ["2014-02-30", "0214-12-31", "soon", "2014"])
    def test_a_date_that_is_none(self, source, written, refusal):
        line = refusal(source(f"patient_id,death_date\nA,2014-12-31\nB,{written}\n"), "deaths")
        assert "in row 3" in line and written not in line.replace("%Y-%m-%d", "")

    def test_two_rows_for_a_patient(self, source, refusal):
        line = refusal(source(PATIENTS + "A,male,70,25.5,1\n"), "patients")
        assert line == (
            "export.csv: patient_id more than once in 2 rows (2, 4); keep one row for each patient"
        )

    def test_two_scores_for_a_patient_and_day(self, source, refusal):
        text = "patient_id,scan_date,agatston\nA,2015-01-02,1\nA,2015-01-02,2\nA,2015-01-03,3\n"
        assert "in 2 rows (2, 3)" in refusal(source(text), "clinical_cac")

    def test_the_same_score_twice_is_one(self, source):
        text = "patient_id,scan_date,agatston\nA,2015-01-02,1\nA,2015-01-02,1.0\n"
        table = read(source(text), "clinical_cac")
        assert len(table) == 1
        assert repairs(table)["same_row_twice_counted_once"] == 1

    def test_an_event_without_a_date(self, source, refusal):
        line = refusal(source("patient_id,event,event_date\nA,pci,2015-01-02\nB,cabg,\n"), "events")
        assert line.startswith("export.csv: column event_date is empty in row 3; ")

    def test_a_followup_without_a_date_is_no_mistake(self, source):
        table = read(source("patient_id,last_contact_date\nA,\n"), "followup")
        assert table["last_contact_date"].isna().all()

    def test_a_row_without_an_identifier(self, source, refusal):
        for identifier in ("", "N/A"):
            line = refusal(source(PATIENTS.replace("B,", f"{identifier},")), "patients")
            assert "column patient_id is empty in row 3" in line

    def test_an_event_of_an_unknown_kind(self, source, refusal):
        line = refusal(source("patient_id,event,event_date\nA,stroke,2015-01-02\n"), "events")
        assert "is not one of myocardial_infarction, unstable_angina, pci, cabg, other in row 2" in line

    def test_a_code_of_sex_that_is_not_mapped(self, source, refusal):
        assert "under `values`" in refusal(source(PATIENTS.replace(",male", ",M")), "patients")

    def test_a_flag_that_is_not_0_or_1(self, source, refusal):
        line = refusal(source(PATIENTS.replace(",1\n", ",2\n")), "patients")
        assert "column smoking is not 0 or 1 in row 2" in line

    def test_a_missing_column_says_which_are_there(self, source, refusal):
        line = refusal(source("patient_id,event,date\nA,pci,2015-01-02\n"), "events")
        assert line == (
            "export.csv: no column event_date; name it under `columns`; "
            "the columns there are patient_id, event, date"
        )

    def test_a_mapped_column_that_is_missing(self, source, refusal):
        line = refusal(source(PATIENTS, columns={"diabetes": "DM"}), "patients")
        assert "no column DM" in line

    def test_neither_age_nor_birth_date(self, source, refusal):
        line = refusal(source(PATIENTS.replace("age", "years")), "patients")
        assert "no column age or birth_date" in line

    def test_a_file_without_a_header_is_not_quoted(self, source, refusal):
        line = refusal(source("4711,Zebra,1931-07-09\n4712,Lion,1932-08-10\n"), "deaths")
        assert "none of the columns is there" in line and "row 1 holds the names" in line
        assert not any(word in line for word in ("4711", "Zebra", "1931"))

    @pytest.mark.parametrize("option", ["columns", "values", "date_format"])
    def test_a_mapping_of_an_unknown_column(self, source, option, refusal):
        line = refusal(source(PATIENTS, **{option: {"weight": {"a": "b"}}}), "patients")
        assert f"`{option}` names weight" in line

    def test_a_column_that_stands_there_twice(self, source, refusal):
        assert "bmi stands there twice" in refusal(source(PATIENTS.replace("smoking", "bmi")), "patients")

    def test_a_missing_file(self, tmp_path, refusal):
        line = refusal({"path": str(tmp_path / "gone.csv")}, "deaths")
        assert line.startswith("gone.csv: no such file; ")

    @pytest.mark.parametrize("name", ["empty.csv", "book.xlsx", "table.parquet"])
    def test_an_empty_file(self, source, name, refusal):
        assert name in refusal(source("", name), "deaths")

    @pytest.mark.parametrize("name", ["book.xls", "sheet.ods", "table.csv.gz"])
    def test_a_file_that_is_no_text(self, tmp_path, name, refusal):
        path = tmp_path / name
        path.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
        assert refusal({"path": str(path)}, "deaths").startswith(f"{name}: not a text file; give CSV")

    def test_utf_16(self, source, refusal):
        assert refusal(source(PATIENTS, written="utf-16"), "patients").endswith("set encoding: utf-16")
        assert len(read(source(PATIENTS, written="utf-16", encoding="utf-16"), "patients")) == 2

    def test_an_event_without_a_kind(self, source, refusal):
        line = refusal(source("patient_id,event,event_date\nA,,2015-01-02\n"), "events")
        assert line.endswith("column event is empty in row 2; fill it in, or take the row out")

    def test_another_encoding(self, source, refusal):
        line = refusal(source(PATIENTS.replace("male", "m\u00e4nnlich", 1), written="cp1252"), "patients")
        assert "encoding: cp1252" in line

    def test_a_list_where_one_source_belongs(self, source, refusal):
        assert "more than one source" in refusal([source(PATIENTS), source(PATIENTS)], "patients")

    def test_a_source_that_does_not_exist(self, source, refusal):
        assert "no such source" in refusal(source(PATIENTS), "labs")

    def test_a_cell_is_named_once_for_what_is_wrong_with_it(self, source):
        _, errors = check(source("patient_id,death_date\nA,\nB,soon\n"), "deaths")
        assert [str(error).split(";")[0].split(": ")[1] for error in errors] == [
            "column death_date is not a date in the format %Y-%m-%d in row 3",
            "column death_date is empty in row 2",
        ]
        table, _ = check(source("patient_id,death_date\nA,\nB,soon\n", skip_empty=True), "deaths")
        assert table is None

    def test_check_gives_every_violation_of_every_file(self, source):
        bad = source("patient_id,event,event_date\nA,stroke,\n,pci,31.12.2014\n", "bad.csv")
        table, errors = check([bad, {"path": "gone.csv"}], "events")
        assert table is None
        assert len(errors) == 5
        assert all(isinstance(error, InputError) for error in errors)

    def test_no_message_holds_an_identifier_or_a_date(self, source):
        text = (
            "patient_id,event,event_date\n"
            "CANARY1,CANARY2,19991231CANARY\nCANARY1,pci,1888-13-45\nCANARY1,,CANARY3\n"
        )
        _, errors = check(source(text), "events")
        messages = " ".join(map(str, errors))
        assert "CANARY" not in messages and "1999" not in messages and "1888" not in messages


class TestFormats:
    """The same study in every format gives the same table."""

    EVENTS = pd.DataFrame(
        {
            "patient_id": ["7", "8", "9"],
            "event": ["pci", "cabg", "other"],
            "event_date": pd.to_datetime(["2015-01-02", "2016-02-29", "2017-12-31"]),
        }
    )
    SCORES = pd.DataFrame(
        {
            "patient_id": [7, 8, 9],
            "scan_date": pd.to_datetime(["2015-01-02", "2016-02-29", "2017-12-31"]),
            "agatston": [1 / 3, 123.456, np.nan],
        }
    )

    @pytest.mark.parametrize("kind", ["parquet", "excel", "sqlite", "sqlite text"])
    @pytest.mark.parametrize(("name", "table"), [("events", EVENTS), ("clinical_cac", SCORES)])
    def test_every_format_gives_the_same_table(self, tmp_path, name, table, kind):
        table.to_csv(tmp_path / "t.csv", index=False)
        expected = read({"path": str(tmp_path / "t.csv")}, name)
        if kind == "parquet":
            table.to_parquet(tmp_path / "t.parquet")
            found = read({"path": str(tmp_path / "t.parquet")}, name)
        elif kind == "excel":
            with pd.ExcelWriter(tmp_path / "t.xlsx") as book:
                pd.DataFrame({"note": ["not this one"]}).to_excel(book, sheet_name="cover", index=False)
                table.to_excel(book, sheet_name="data", index=False)
            found = read({"path": str(tmp_path / "t.xlsx"), "sheet": "data"}, name)
        else:
            url = f"sqlite:///{tmp_path / 't.db'}"
            stored = table.astype(str).replace("nan", None) if kind == "sqlite text" else table
            engine = sqlalchemy.create_engine(url)
            stored.to_sql("t", engine, index=False)
            engine.dispose()
            found = read({"url": url, "query": "SELECT * FROM t ORDER BY patient_id"}, name)
        pd.testing.assert_frame_equal(found, expected, check_exact=True)

    def test_an_index_of_a_parquet_file_is_a_column(self, tmp_path):
        self.EVENTS.set_index("patient_id").to_parquet(tmp_path / "t.parquet")
        assert read({"path": str(tmp_path / "t.parquet")}, "events")["patient_id"].tolist() == ["7", "8", "9"]

    @pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx"])
    def test_a_date_that_stands_for_none_is_named_and_can_be_mapped(self, tmp_path, kind, refusal):
        day = date(9999, 12, 31)
        table = pd.DataFrame({"patient_id": ["A", "B"], "last_contact_date": [date(2015, 1, 2), day]})
        path = tmp_path / f"t.{kind}"
        {"csv": table.to_csv, "parquet": table.to_parquet, "xlsx": table.to_excel}[kind](path, index=False)
        assert "has years before 1800 or after 2200 in row" in refusal({"path": str(path)}, "followup")
        values = {"last_contact_date": {"9999-12-31": None}}
        found = read({"path": str(path), "values": values}, "followup")["last_contact_date"]
        assert found.isna().tolist() == [False, True]
        found = read({"path": str(path), "values": values, "skip_empty": True}, "followup")
        assert found["patient_id"].tolist() == ["A"]

    @pytest.mark.parametrize("sheet", [1, -1])
    def test_a_number_of_no_sheet(self, tmp_path, sheet, refusal):
        self.EVENTS.to_excel(tmp_path / "t.xlsx", sheet_name="data", index=False)
        line = refusal({"path": str(tmp_path / "t.xlsx"), "sheet": sheet}, "events")
        assert "no such sheet" in line and "data" in line

    def test_a_sheet_that_is_not_there(self, tmp_path, refusal):
        self.EVENTS.to_excel(tmp_path / "t.xlsx", sheet_name="data", index=False)
        line = refusal({"path": str(tmp_path / "t.xlsx"), "sheet": "events"}, "events")
        assert "no such sheet" in line and "data" in line

    def test_rows_of_a_spreadsheet_are_numbered_as_it_shows_them(self, tmp_path, refusal):
        broken = self.EVENTS.assign(event=["pci", "stroke", "other"])
        broken.to_excel(tmp_path / "t.xlsx", index=False)
        assert "in row 3" in refusal({"path": str(tmp_path / "t.xlsx")}, "events")

    def test_a_query_that_fails_tells_nothing_of_the_database(self, tmp_path, refusal):
        url = f"sqlite:///{tmp_path / 'secret.db'}"
        (tmp_path / "secret.db").touch()
        line = refusal({"url": url, "query": "SELECT * FROM nothing"}, "events")
        assert line.startswith("registries.events: the query failed")
        assert "secret" not in line

    def test_a_database_that_is_not_there_is_not_made(self, tmp_path, refusal):
        url = f"sqlite:///{tmp_path / 'secret.db'}"
        line = refusal({"url": url, "query": "SELECT * FROM nothing"}, "events")
        assert line.startswith("registries.events: no such database file; correct `url`")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("source", "words"),
        [
            ({"url": "no url", "query": "SELECT 1"}, "not an SQLAlchemy URL"),
            ({"url": "sqlite://"}, "`url` without `query`"),
            ({"url": "oracle+oracledb://u:p@h/d", "query": "SELECT 1"}, "driver is not installed"),
            ({"sep": ";"}, "neither `path` nor `url`"),
        ],
    )
    def test_sources_that_say_too_little(self, source, words, refusal):
        assert words in refusal(source, "events")


def test_a_header_that_holds_values_is_not_quoted(source, refusal):
    line = refusal(source("ZQ4711,2016-09-17,agatston,note\nA,2015-01-02,3,x\n"), "clinical_cac")
    assert line.endswith("the columns there are agatston, note and 2 that look like values")
