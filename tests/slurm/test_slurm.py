"""A small study through a real Slurm: arrays, a GPU, a job without enough memory and a node that is lost."""

import re
import subprocess
import sys
import threading

import pytest
import yaml

from calcohort import tables
from tests.slurm.cluster import Cluster, missing, wait_for
from tests.workflow.conftest import Place, demo, environment, new_place, said

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing() or "-")]
NAME = "cluster"
# One job has too little memory at first: what Snakemake and a script need is 200 to 400 MB.
MEMORY = "registries:mem_mb=attempt*attempt*150"
HASTE = (
    *("--calcohort-slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "3"),
    *("--latency-wait", "5", "--jobs", "20", "--set-resources", "segment:gpu=1", MEMORY),
)


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Place:
    """The same study on this machine."""
    place = new_place(tmp_path_factory.mktemp("local"))
    study = demo(NAME, 6, 0)
    del study["development"], study["simulate"]["development"]
    study["imaging"]["shard_size"] = 4
    run = place.snakemake("cohort", "--configfile", place.config(study))
    assert run.returncode == 0, said(run)[-3000:]
    return place


def through_slurm(place: Place, local: Place) -> list[str]:
    """The command that runs the study of `local` here, by the profile of the repository."""
    study = yaml.safe_load((local / "study.yaml").read_text())
    del study["simulate"]
    text = yaml.safe_dump(study).replace(f"results/{NAME}/", f"{local / 'results'}/{NAME}/")
    profile = ("--workflow-profile", "profiles/slurm")
    config = place.config(yaml.safe_load(text))
    return [sys.executable, "-m", "snakemake", "cohort", *profile, *HASTE, "--configfile", config]


def lose_the_node(cluster: Cluster, seen: dict) -> None:
    """Kill the node's daemon while shards are segmented there, and start it again."""

    def segmenting() -> list[str]:
        return [job for job in cluster.queue() if "RUNNING" in job and "rule_segment" in job]

    wait_for(segmenting, 600, "no shard was ever segmented")
    seen["gpu"] = "gpu" in subprocess.run(["scontrol", "show", "job"], capture_output=True, text=True).stdout
    cluster.kill_node()
    cluster.start_node()
    seen["lost"] = True


def outlive_the_run(cluster: Cluster, place: Place, command: list[str]) -> None:
    """Kill Snakemake while its jobs are in the queue: the next run is refused until they are gone."""
    cluster.hold()
    run = subprocess.Popen(command, cwd=place.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(cluster.queue, 120, "nothing was ever submitted")
    run.kill()
    run.wait()
    words = said(subprocess.run(command, cwd=place.folder, text=True, capture_output=True, timeout=120))
    assert "calcohort: " in words and "jobs of an earlier run are still in Slurm's queue" in words, words
    (cure,) = re.findall(r"(scancel --me --name=\S+)", words)
    subprocess.run(cure.split(), check=True)
    wait_for(lambda: not cluster.queue(), 60, "the jobs did not end")
    cluster.release()


def test_a_study_survives_lost_nodes_and_short_memory(local, tmp_path):
    place, seen = new_place(tmp_path), {}
    command = through_slurm(place, local)
    (tmp_path / "slurm").mkdir()
    with Cluster(tmp_path / "slurm") as cluster:
        outlive_the_run(cluster, place, command)
        saboteur = threading.Thread(target=lose_the_node, args=(cluster, seen), daemon=True)
        saboteur.start()
        run = subprocess.run(
            command, cwd=place.folder, text=True, capture_output=True, timeout=900, env=environment(),
        )  # fmt: skip
        saboteur.join(timeout=60)
    assert run.returncode == 0, said(run)[-6000:]
    assert seen == {"gpu": True, "lost": True}
    words = said(run)
    # The shards of a stage that become ready together go out as one array; later stages may go one by one.
    assert re.search("Submitted [0-9]+ jobs of rule convert as array", words), words[-6000:]
    # The node segments two shards at a time: the third starts when the first one's volumes are gone.
    assert "Missing" not in words.replace("Missing output files", "")
    # One for its memory, the other for its node.
    failed = set(re.findall(r"Error in rule (\w+)", words))
    assert {"registries", "segment"} <= failed and words.count("Trying to restart job") >= 2
    compared = 0
    for folder in ("imaging", "scores", "cohort"):
        for path in sorted((place / f"results/{NAME}/{folder}").rglob("*.csv")):
            relative = str(path.relative_to(place.folder))
            assert path.read_bytes() == (local / relative).read_bytes(), relative
            compared += 1
    assert compared > 10
    assert len(tables.read_csv(place / f"results/{NAME}/cohort/flow.csv")) > 3
    assert missing() == ""
