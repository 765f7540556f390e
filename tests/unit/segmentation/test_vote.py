"""The vote: components decide together, unsure ones are background, mixed ones are divided."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from calcohort.segmentation import vote

SPACING = (3.0, 0.7, 0.7)
# Whether a part is hollow is another file's matter: voxels drawn at random are.
RULES = vote.Rules(hollow_share=1.0)


def classify(voxels, members, odds, hu, rules=RULES):
    """Class of every voxel; around them lies nothing."""
    image = np.zeros(voxels.max(axis=0, initial=0) + 1)
    image[tuple(voxels.T)] = hu
    parts = vote.find_parts(voxels, members, odds, image, SPACING, rules)
    return vote.decide(parts, rules)[parts.members]


def random_case(seed, density=0.2):
    rng = np.random.default_rng(seed)
    mask = rng.random((5, 12, 12)) < density
    odds = rng.dirichlet((0.6, 0.6, 0.6), int(mask.sum())).T
    hu = rng.integers(130, 900, int(mask.sum()))
    return mask, np.argwhere(mask), vote.components(mask), odds, hu


@given(st.integers(0, 2**31), st.floats(0.01, 0.6))
@settings(max_examples=40, deadline=None)
def test_parts_never_reach_across_components(seed, density):
    mask, voxels, members, odds, _ = random_case(seed, density)
    if len(voxels) == 0:
        return
    parts = vote.divide(voxels, members, odds, SPACING, vote.Rules())
    assert len(parts) == mask.sum()
    assert set(parts) == set(range(parts.max() + 1))
    for part in range(parts.max() + 1):
        assert len(set(members[parts == part])) == 1


@given(st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_voxels_does_not_matter(seed):
    _, voxels, members, odds, hu = random_case(seed)
    order = np.random.default_rng(seed).permutation(len(voxels))
    straight = classify(voxels, members, odds, hu)
    mixed = classify(voxels[order], members[order], odds[:, order], hu[order])
    assert np.array_equal(straight[order], mixed)


@given(st.integers(0, 2**31), st.floats(0.05, 0.95), st.floats(0.0, 0.3))
@settings(max_examples=40, deadline=None)
def test_a_stricter_threshold_never_adds_coronary_calcium(seed, threshold, more):
    _, voxels, members, odds, hu = random_case(seed)
    loose, strict = (
        classify(voxels, members, odds, hu, replace(RULES, coronary_threshold=value))
        for value in (threshold, threshold + more)
    )
    assert not np.any((strict == vote.CORONARY) & (loose != vote.CORONARY))
    assert np.array_equal(strict == vote.OTHER, loose == vote.OTHER)


@given(st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_a_component_of_one_mind_has_one_class(seed):
    _, voxels, members, odds, hu = random_case(seed)
    found = classify(voxels, members, odds, hu, replace(RULES, split_share=1.1))
    for member in set(members):
        assert len(set(found[members == member])) == 1


def test_nothing_is_classified_where_nothing_is():
    none = np.empty(0, int)
    found = classify(np.empty((0, 3), int), none, np.empty((3, 0)), none)
    assert found.shape == (0,)


def line(first, second, length=20):
    """A bar whose halves are seen as two classes."""
    mask = np.zeros((3, 3, length), dtype=bool)
    mask[1, 1] = True
    odds = np.full((3, length), 0.05)
    odds[first, : length // 2] = 0.9
    odds[second, length // 2 :] = 0.9
    return np.argwhere(mask), vote.components(mask), odds, np.full(length, 400)


def test_a_lesion_that_touches_the_aortic_wall_keeps_its_own_half():
    voxels, members, odds, hu = line(vote.CORONARY, vote.OTHER)
    found = classify(voxels, members, odds, hu)
    assert list(found) == [vote.CORONARY] * 10 + [vote.OTHER] * 10


def test_a_few_doubtful_voxels_do_not_divide_a_lesion():
    voxels, members, odds, hu = line(vote.CORONARY, vote.CORONARY)
    odds[:, 9:12] = [[0.1], [0.3], [0.6]]
    found = classify(voxels, members, odds, hu)
    assert set(found) == {vote.CORONARY}


def test_unsure_coronary_calcium_is_background():
    voxels, members, odds, hu = line(vote.CORONARY, vote.CORONARY)
    odds[:] = np.array([[0.3], [0.45], [0.25]])
    assert set(classify(voxels, members, odds, hu)) == {vote.BACKGROUND}
    lenient = replace(RULES, coronary_threshold=0.4)
    assert set(classify(voxels, members, odds, hu, lenient)) == {vote.CORONARY}


def test_the_rim_of_a_lesion_does_not_outvote_its_core():
    voxels, members, odds, hu = line(vote.CORONARY, vote.CORONARY)
    rim = np.arange(len(hu)) % 4 == 0
    odds[:, rim] = [[0.6], [0.3], [0.1]]
    undivided = replace(RULES, coronary_threshold=0.8, split_share=1.1)
    assert set(classify(voxels, members, odds, hu, undivided)) == {vote.BACKGROUND}
    hu[rim] = 140
    assert set(classify(voxels, members, odds, hu, undivided)) == {vote.CORONARY}


def test_what_is_blurred_onto_a_lesion_leaves_it_as_it_is():
    """One voxel in eight is surely something else, as where the diaphragm meets a low right artery."""
    voxels, members, odds, hu = line(vote.CORONARY, vote.CORONARY, length=32)
    odds[:, :4] = [[0.9], [0.05], [0.05]]
    found = classify(voxels, members, odds, hu, replace(RULES, coronary_threshold=0.85))
    assert list(found) == [vote.BACKGROUND] * 4 + [vote.CORONARY] * 28


def test_small_parts_must_be_surer_than_large_ones():
    voxels, members, odds, hu = line(vote.CORONARY, vote.CORONARY)
    odds[:] = np.array([[0.06], [0.9], [0.04]])
    volume = len(voxels) * float(np.prod(SPACING))
    strict = {"coronary_threshold": 0.7, "small_threshold": 0.95}
    large = replace(RULES, **strict, small_mm3=volume)
    small = replace(RULES, **strict, small_mm3=volume + 0.1)
    assert set(classify(voxels, members, odds, hu, large)) == {vote.CORONARY}
    assert set(classify(voxels, members, odds, hu, small)) == {vote.BACKGROUND}
    odds[:] = np.array([[0.02], [0.96], [0.02]])
    assert set(classify(voxels, members, odds, hu, small)) == {vote.CORONARY}
    # A threshold of small parts below the others' changes nothing.
    lenient = replace(RULES, coronary_threshold=0.97, small_threshold=0.5, small_mm3=1e9)
    assert set(classify(voxels, members, odds, hu, lenient)) == {vote.BACKGROUND}


def test_lesions_that_touch_by_a_corner_across_slices_are_one_component():
    mask = np.zeros((2, 2, 2), dtype=bool)
    mask[0, 0, 0] = mask[1, 1, 1] = True
    assert list(vote.components(mask)) == [0, 0]


def test_candidates_are_bright_and_near_the_heart():
    hu = np.array([[[129.0, 130.0, 500.0, 500.0]]])
    distance = np.array([[[5.0, 5.0, -5.9, -6.0]]])
    assert vote.candidates(hu, distance, vote.Rules()).tolist() == [[[False, True, True, False]]]


def test_metal_is_no_calcium_whatever_the_network_says():
    mask = np.zeros((3, 8, 8), bool)
    mask[1, 1:3, 1:3] = mask[1, 5:7, 5:7] = True
    voxels, odds = np.argwhere(mask), np.tile([[0.05], [0.9], [0.05]], int(mask.sum()))
    hu = np.where(voxels[:, 1] < 4, 600, 1200)
    hu[-1] = 2600
    found = classify(voxels, vote.components(mask), odds, hu)
    assert set(found[voxels[:, 1] < 4]) == {vote.CORONARY}
    assert set(found[voxels[:, 1] > 4]) == {vote.BACKGROUND}


def test_a_vote_in_two_dimensions_stays_in_its_slice():
    mask = np.zeros((3, 4, 4), bool)
    mask[:, 1:3, 1:3] = True
    assert len(set(vote.components(mask, 3))) == 1
    members = vote.components(mask, 2)
    assert len(set(members)) == 3
    assert all(len(set(members[np.argwhere(mask)[:, 0] == z])) == 1 for z in range(3))
