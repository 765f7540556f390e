"""Shards follow the keys alone: one scan more touches one shard."""

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcohort import tables
from calcohort.imaging.shards import assign, members, remove_others

KEYS = st.sets(st.text("0123456789abcdef", min_size=1, max_size=16), max_size=60)
SIZES = st.integers(1, 12)


def _members(shards):
    return {name: {key for key, shard in shards.items() if shard == name} for name in set(shards.values())}


@given(KEYS, SIZES)
def test_every_key_once_and_no_shard_too_large(keys, size):
    shards = assign(keys, size)
    assert set(shards) == keys
    assert all(len(members) <= size for members in _members(shards).values())


@given(KEYS, SIZES, st.randoms())
def test_order_and_repetition_do_not_matter(keys, size, random):
    listed = sorted(keys) * 2
    random.shuffle(listed)
    assert assign(listed, size) == assign(sorted(keys), size)


@given(KEYS, st.text("0123456789abcdef", min_size=1, max_size=16), SIZES)
def test_one_key_more_touches_one_shard(keys, new, size):
    before, after = _members(assign(keys, size)), _members(assign(keys | {new}, size))
    gone = {name for name in before if before[name] != after.get(name)}
    fresh = {name for name in after if after[name] != before.get(name)}
    assert len(gone) <= 1
    home = assign(keys | {new}, size)[new]
    old = gone.pop() if gone else home
    # Whatever changed lies in the branch that the new key belongs to.
    assert all(name.startswith(old) for name in fresh)


def test_few_keys_share_one_shard():
    assert set(assign(["a", "b", "c"], 3).values()) == {"s"}


def test_size_must_be_positive():
    with pytest.raises(ValueError, match="shard_size"):
        assign(["a"], 0)


def test_shards_that_are_no_more_leave_nothing_behind(tmp_path):
    for name in ("s0", "s10", "s11"):
        (tmp_path / "segmentation/shards" / name).mkdir(parents=True)
        (tmp_path / "segmentation/shards" / name / "a.npz").touch()
        (tmp_path / "scores/shards").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"scores/shards/{name}.csv").touch()
    (tmp_path / "scores/shards/summary.csv").touch()
    remove_others(tmp_path, {"s0", "s11"})
    left = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["a.npz", "a.npz", "s0.csv", "s11.csv", "summary.csv"]


def test_a_shard_finds_its_files_without_the_others(tmp_path):
    keys = [f"{n:04x}" for n in range(200)]
    shards = assign(keys, 8)
    scans = pd.DataFrame({"shard": list(shards.values()), "series": list(shards), "kvp": 100.0})
    files = pd.DataFrame({"series": [*keys, None] * 3, "root": 0, "path": [f"p{n}" for n in range(603)]})
    table = members(scans, files)
    assert len(table) == 600
    tables.write_parquet(table, tmp_path / "members.parquet", 50)
    parts = pq.ParquetFile(tmp_path / "members.parquet").metadata
    place = parts.schema.names.index("shard")
    for shard in sorted(set(shards.values())):
        found = pd.read_parquet(tmp_path / "members.parquet", filters=[("shard", "==", shard)])
        own = [key for key, name in shards.items() if name == shard]
        expected = files[files["series"].isin(own)].sort_values("series", kind="stable")
        assert list(found["path"]) == list(expected["path"])
        ranges = [parts.row_group(n).column(place).statistics for n in range(parts.num_row_groups)]
        assert sum(one.min <= shard <= one.max for one in ranges) <= 2
