"""What is asked of this machine."""

from calcohort import machine


def test_a_gpu_is_known_by_the_driver_s_folder_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_GPUS", tmp_path / "gpus")
    assert not machine.has_gpu()
    (tmp_path / "gpus").mkdir()
    assert not machine.has_gpu()
    (tmp_path / "gpus/0000:01:00.0").mkdir()
    assert machine.has_gpu()


def test_memory_is_what_the_machine_has_or_less(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_LIMIT", tmp_path / "absent")
    whole = machine.memory_mb()
    (tmp_path / "limit").write_text("500000000\n")
    monkeypatch.setattr(machine, "_LIMIT", tmp_path / "limit")
    assert machine.memory_mb() == 500 < whole
    (tmp_path / "limit").write_text("max\n")
    assert machine.memory_mb() == whole
