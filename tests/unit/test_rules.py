"""Every rule tells a scheduler what it needs, and leaves a log and its time."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ON_GPU = {"segment", "internal_testing", "fit"}


def rules() -> dict[str, str]:
    """Text of each rule that runs a script."""
    found = {}
    for path in sorted((ROOT / "rules").glob("*.smk")):
        parts = re.split(r"^\s*(?:rule|checkpoint)\b", path.read_text(), flags=re.M)[1:]
        found |= {
            part.split(":")[0].strip() or path.stem: part for part in parts if "workflow/scripts/" in part
        }
    return found


RULES = rules()


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_rule_has_log_benchmark_environment_and_resources(name):
    text = RULES[name]
    for directive in ("log:", "benchmark:", "conda:", "runtime="):
        assert directive in text, directive
    # A job that ran out of memory asks for more when it is tried again.
    assert "mem_mb=memory(" in text
    assert ("gpu=" in text) == (name in ON_GPU)


def test_shards_go_out_as_arrays():
    profile = yaml.safe_load((ROOT / "profiles/slurm/profile.yaml").read_text())
    arrays = set(profile["calcohort-slurm-array-jobs"].split(","))
    assert arrays <= set(RULES)
    by_wildcard = {name for name, text in RULES.items() if re.search(r"\{\{(shard|batch|name)\}\}", text)}
    assert by_wildcard <= arrays
