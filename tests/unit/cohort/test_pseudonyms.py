"""Pseudonyms: stable under one key, unlinkable without it."""

import hashlib
import hmac
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from calcohort.cohort.pseudonyms import KEY_FILE, pseudonymise, pseudonymise_tables, site_key
from calcohort.errors import InputError


def test_the_key_is_made_for_its_owner_alone_and_kept(tmp_path):
    folder = tmp_path / "private"
    key = site_key(folder)
    assert len(key) == 32
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert site_key(folder) == key
    assert site_key(tmp_path / "other") != key


def test_a_key_that_others_can_read_is_refused(tmp_path):
    site_key(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o640)
    with pytest.raises(InputError, match="chmod 600"):
        site_key(tmp_path)


@pytest.mark.parametrize("content", ["", "abc\n", "zz" * 32, "00" * 31])
def test_a_damaged_key_is_refused(tmp_path, content):
    path = tmp_path / KEY_FILE
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(InputError, match="not a site key"):
        site_key(tmp_path)


def test_a_pseudonym_is_the_hmac_of_the_identifier():
    expected = hmac.new(b"k" * 32, b"MRN-7", hashlib.sha256).hexdigest()[:16]
    found = pseudonymise(pd.Series(["MRN-7", " MRN-7 ", None, "MRN-8"]), b"k" * 32)
    assert found.tolist()[:2] == [expected, expected]
    assert found.isna().tolist() == [False, False, True, False]
    assert found[3] != expected
    assert pseudonymise(pd.Series(["MRN-7"]), b"l" * 32)[0] != expected


def test_tables_are_pseudonymised_alike():
    one, two = pd.DataFrame({"patient_id": ["a", "b"], "x": 1}), pd.DataFrame({"patient_id": ["b"]})
    tables = pseudonymise_tables({"one": one, "two": two}, b"k" * 32)
    assert tables["one"]["patient_id"][1] == tables["two"]["patient_id"][0] != "b"
    assert tables["one"]["x"].tolist() == [1, 1]


def test_jobs_that_make_the_key_at_once_get_the_same_one(tmp_path):
    for attempt in range(10):
        folder = tmp_path / str(attempt)
        start = threading.Barrier(8)

        def make(folder=folder, start=start):
            start.wait()
            return site_key(folder)

        with ThreadPoolExecutor(8) as jobs:
            keys = {job.result() for job in [jobs.submit(make) for _ in range(8)]}
        assert len(keys) == 1
        assert [path.name for path in folder.iterdir()] == [KEY_FILE]


def test_a_folder_that_others_can_enter_is_closed(tmp_path):
    tmp_path.chmod(0o755)
    site_key(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
