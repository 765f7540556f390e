"""An annotated scan becomes stacks in which calcium, heart and surroundings are where they were."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calcohort.errors import InputError
from calcohort.phantom.truth import METAL
from calcohort.training.prepare import heart_of, heart_sample, lesion_sample
from calcohort.training.samples import find_samples, pack, read_samples, unpack, write_samples
from calcohort.volume import Volume

ABOUT = {"sample": "s", "patient": "p", "site": "here", "scan_type": "cac_gated", "agatston": 12.5}


def scan(pixel=0.5, slice_mm=3.0, depth=20, side=400):
    z, y, x = np.ogrid[:depth, :side, :side]
    away = ((y - 200) * pixel) ** 2 + ((x - 220) * pixel) ** 2 + ((z - depth / 2) * slice_mm) ** 2
    labels = np.where(away < 27.0**2, 3, 0).astype(np.uint8)
    hu = np.where(labels == 3, 45, -100).astype(np.int16)
    labels[8:10, 180:186, 240:248] = 1
    labels[8:10, 200:206, 200:206] = 2
    labels[8:10, 220:226, 210:216] = METAL
    hu[np.isin(labels, (1, 2, METAL))] = 400
    return Volume(hu, (pixel, pixel, slice_mm), (-100.0, -100.0, 0.0)), labels


@given(st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_packing_loses_nothing(seed):
    labels = np.random.default_rng(seed).integers(0, 4, (3, 4, 8)).astype(np.uint8)
    packed = pack(labels)
    assert packed.size * 4 == labels.size
    assert np.array_equal(unpack(packed), labels)


def test_files_of_samples_come_back_in_the_order_of_their_names(tmp_path, toy):
    written = [toy["lesion"].sample(index) for index in range(3)]
    write_samples(tmp_path / "b" / "2.npz", written[2:])
    write_samples(tmp_path / "b" / "1.npz", written[:2], compress=False)
    # In memory, joined in files, and from these files.
    for mapped in (None, tmp_path / "mapped", tmp_path / "mapped"):
        back = read_samples(find_samples(tmp_path / "b"), mapped)
        assert list(back.about["sample"]) == ["toy-0", "toy-1", "toy-2"]
        for index, sample in enumerate(written):
            again = back.sample(index)
            for name in ("hu", "labels", "distance"):
                assert np.array_equal(getattr(again, name), getattr(sample, name))
        assert isinstance(back.hu, np.memmap) == (mapped is not None)
    with pytest.raises(InputError, match="no training samples"):
        read_samples([])


def test_samples_that_change_are_joined_anew(tmp_path, toy):
    for index in (0, 1):
        write_samples(tmp_path / "b" / "1.npz", [toy["lesion"].sample(index)])
        back = read_samples(find_samples(tmp_path / "b"), tmp_path / "mapped")
        assert np.array_equal(back.hu, toy["lesion"].sample(index).hu)


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"not a zip file")
    with pytest.raises(InputError, match="x.npz"):
        read_samples([tmp_path / "x.npz"])


def test_a_heart_holds_the_calcium_and_metal_inside_it_and_not_the_calcium_beside_it():
    _, labels = scan()
    labels[8:10, 20:30, 20:30] = 2
    heart = heart_of(labels)
    assert heart[8:10, 180:186, 240:248].all() and heart[labels == METAL].all()
    assert not heart[:, 20:30, 20:30].any()


@pytest.mark.parametrize(("pixel", "slice_mm"), [(0.5, 3.0), (0.98, 5.0), (0.7, 1.25)])
def test_a_lesion_sample_keeps_size_place_and_class(pixel, slice_mm):
    volume, labels = scan(pixel, slice_mm)
    sample = lesion_sample(volume, labels, heart_of(labels), ABOUT)
    about = sample.about
    cell = about.spacing_x_mm * about.spacing_y_mm * about.spacing_z_mm
    assert sample.hu.shape[1:] == (192, 192)
    assert about.spacing_z_mm >= 2.0
    for kind in (1, 2):
        planted = (labels == kind).sum() * volume.voxel_volume_mm3
        kept = ((sample.labels == kind) & (sample.hu >= 130)).sum() * cell
        assert kept == pytest.approx(planted, rel=0.6)
    inside = (sample.labels == 3).sum() * cell
    assert inside == pytest.approx((labels == 3).sum() * volume.voxel_volume_mm3, rel=0.12)
    step = 192 // sample.distance.shape[-1]
    deep = sample.distance.repeat(step, 1).repeat(step, 2) > 6
    assert (sample.labels[deep] > 0).all()


def test_a_heart_sample_keeps_the_heart():
    volume, labels = scan()
    heart = heart_of(labels)
    sample = heart_sample(volume, heart, ABOUT)
    about = sample.about
    assert sample.hu.shape[1:] == (128, 128)
    cell = about.spacing_x_mm * about.spacing_y_mm * about.spacing_z_mm
    assert sample.labels.sum() * cell == pytest.approx(heart.sum() * volume.voxel_volume_mm3, rel=0.05)
    # What lies outside the image is air.
    assert sample.hu[:, 0, 0].max() == -1000


def test_an_annotation_without_a_heart_is_refused():
    volume, labels = scan()
    with pytest.raises(InputError, match="no heart"):
        lesion_sample(volume, labels, np.zeros(labels.shape, dtype=bool), ABOUT)
