"""The simulated patient: reproducible, varied, and anatomically in order."""

import numpy as np
import pytest

from calcohort.errors import InputError
from calcohort.phantom import draw_anatomy, heart_grid
from calcohort.phantom.anatomy import agatston_of
from calcohort.phantom.heart import exit_radius
from calcohort.phantom.solids import Ellipsoid, Tube, field_at

SEEDS = range(40, 46)


@pytest.fixture(scope="module", params=["training", "demo", "shifted"])
def patients(request):
    return [draw_anatomy(seed, population=request.param) for seed in SEEDS]


def test_the_same_seed_draws_the_same_patient():
    first, second = draw_anatomy((3, 4)), draw_anatomy((3, 4))
    assert first.confounders == second.confounders
    assert dict(first.tissues) == dict(second.tissues)
    for a, b in zip(first.lesions, second.lesions, strict=True):
        np.testing.assert_array_equal(a.tube.points, b.tube.points)
    for a, b in zip(first.arteries, second.arteries, strict=True):
        np.testing.assert_array_equal(a.points, b.points)


def test_populations_and_seeds_are_different_patients():
    points = [
        draw_anatomy(seed, population=p).heart.origin
        for seed, p in ((1, "demo"), (2, "demo"), (1, "training"))
    ]
    assert not np.allclose(points[0], points[1])
    assert not np.allclose(points[0], points[2])


def test_coronary_arteries_lie_inside_the_heart_region_and_on_the_muscle(patients):
    for anatomy in patients:
        for artery in anatomy.arteries:
            assert np.all(np.isfinite(artery.points))
            within = field_at(anatomy.heart.envelope, artery.points) < 1.0
            assert within.mean() > 0.97, (anatomy.seed, artery.name, within.mean())


def test_ostia_lie_on_the_wall_of_the_root(patients):
    for anatomy in patients:
        root = anatomy.heart.vessels["root"]
        for name in ("LM", "RCA"):
            start = next(a.points[0] for a in anatomy.arteries if a.name == name)
            assert abs(field_at(root, start)) < 3.0


def test_arteries_are_where_anatomy_has_them(patients):
    for anatomy in patients:
        end = {a.name: a.points[-1] for a in anatomy.arteries}
        middle = {a.name: a.points[len(a.points) // 2] for a in anatomy.arteries}
        root = anatomy.heart.vessels["root"].points[1]
        assert middle["RCA"][0] < root[0] < middle["LCX"][0]
        assert middle["LAD"][1] < middle["LCX"][1]
        # The posterior descending artery runs along the underside of the heart.
        assert end["PDA"][2] < root[2] - 20
        assert end["LAD"][2] < root[2] - 15


def test_heart_volumes_are_plausible(patients):
    for anatomy in patients:
        grid = heart_grid(anatomy, (40, 45, 50), (4.0, 4.0, 4.0))
        z, y, x = np.indices(grid.shape_zyx)
        points = np.stack([x, y, z], -1) * 4.0 + np.array(grid.origin_lps_mm)
        volume = (field_at(anatomy.heart.envelope, points) < 0).sum() * 0.064
        low, high = (380, 1150) if anatomy.population == "demo" else (300, 1500)
        assert low < volume < high, (anatomy.seed, volume)


def test_burden_zero_has_no_coronary_calcium():
    anatomy = draw_anatomy(8, burden="0", population="training")
    assert not [lesion for lesion in anatomy.lesions if lesion.label == 1]


@pytest.mark.parametrize(
    ("burden", "low", "high"), [("1-100", 0, 100), ("101-400", 100, 400), (">400", 400, 6000)]
)
def test_planted_lesions_add_up_to_the_burden(burden, low, high):
    anatomy = draw_anatomy(9, burden=burden)
    total = sum(agatston_of(lesion) for lesion in anatomy.lesions if lesion.label == 1)
    assert low < total <= high


def test_only_beyond_training_does_calcium_surround_a_lumen():
    around = {}
    for population in ("demo", "training", "shifted"):
        patients = [draw_anatomy(seed, burden=">400", population=population) for seed in SEEDS]
        around[population] = sum(
            surrounds(lesion, artery)
            for anatomy in patients
            for lesion in anatomy.lesions
            for artery in anatomy.arteries
            if lesion.label == 1
        )
    assert around["demo"] == around["training"] == 0
    assert around["shifted"] > 5


def surrounds(lesion, artery):
    """Whether a lesion's pieces lie on the wall of an artery, on all sides of it, and leave it open."""
    away = np.linalg.norm(artery.points[:, None] - lesion.tube.points, axis=2)
    nearest = away.argmin(axis=0)
    outwards = (lesion.tube.points - artery.points[nearest]) / artery.radii[nearest][:, None]
    on_wall = np.abs(np.linalg.norm(outwards, axis=1) - 1) < 0.2
    open_mm = 2 * (artery.radii[nearest].mean() - lesion.tube.radii.max())
    return bool(on_wall.all() and np.linalg.norm(outwards.mean(axis=0)) < 0.3 and open_mm > 0.8)


def test_training_is_rich_in_calcium_and_confounders():
    patients = [draw_anatomy((77, i), population="training") for i in range(12)]
    assert np.mean([a.burden != "0" for a in patients]) > 0.6
    assert np.median([len(a.confounders) for a in patients]) >= 2


@pytest.mark.parametrize("wrong", [{"burden": "some"}, {"population": "mars"}])
def test_wrong_names_are_told(wrong):
    with pytest.raises(InputError, match="unknown"):
        draw_anatomy(1, **wrong)


def test_tube_and_ellipsoid_fields_are_distances():
    tube = Tube(np.array([[0.0, 0, 0], [10, 0, 0]]), np.array([2.0, 2.0]))
    np.testing.assert_allclose(field_at(tube, [[5, 5, 0], [5, 0, 0], [13, 0, 0]]), [3, -2, 1], atol=1e-6)
    ball = Ellipsoid(np.zeros(3), np.full(3, 4.0))
    np.testing.assert_allclose(field_at(ball, [[0, 6, 0], [0, 0, 1]]), [2, -3], atol=1e-6)
    assert exit_radius(ball, np.zeros((1, 3)), np.array([[0.0, 0, 1]]))[0] == pytest.approx(3.0, abs=1.0)
