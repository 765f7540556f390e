"""The picture shows each lesion where it is, says the score, and stays small."""

import io
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from calcohort.exhibits.style import CORONARY, OTHER_CALCIUM
from calcohort.pictures import overlay, png_bytes
from calcohort.scoring import score


def texts(figure):
    return [text.get_text() for holder in (figure, *figure.axes) for text in holder.texts if text.get_text()]


def outlined(figure, colour):
    """Corners (x, y) of all outlines of a colour, by the slice that the tile names."""
    found = {}
    for axis in figure.axes:
        for lines in axis.collections:
            if np.allclose(lines.get_colors()[0][:3], to_rgb(colour)):
                (name,) = (t.get_text() for t in axis.texts if t.get_text().startswith("slice"))
                found[int(name.split()[1])] = np.concatenate(lines.get_segments())
    return found


def test_header_tells_score_category_lesions_and_flags(crop):
    result = score(crop.volume(), crop.labels == 1)
    shown = texts(overlay(crop, title="patient 12"))
    assert f"Agatston {result.agatston:.0f}   category {result.category}" in shown
    assert "patient 12" in shown and "noise" in shown
    assert any(text.startswith("lesions  1: 128   2: 54   3: 8") for text in shown)


def test_each_lesion_is_outlined_on_its_slices_along_pixel_edges(crop):
    figure = overlay(crop)
    red = outlined(figure, CORONARY)
    assert sorted(red) == [105, 106, 112, 113, 120, 121]
    np.testing.assert_allclose(
        [red[112].min(axis=0), red[112].max(axis=0)], [[59.5, 39.5], [63.5, 43.5]], atol=0.13
    )
    assert sorted(outlined(figure, OTHER_CALCIUM)) == [125]


def test_slices_run_from_above_to_below_and_name_their_share(crop):
    figure = overlay(crop)
    slices = [int(text.split()[1]) for text in texts(figure) if text.startswith("slice")]
    assert slices == sorted(slices, reverse=True) and len(slices) == 12
    (tile,) = (a for a in figure.axes if any(t.get_text() == "slice 112" for t in a.texts))
    assert {text.get_text() for text in tile.texts} == {"slice 112", "1", "64"}


def test_few_tiles_still_show_every_large_lesion(crop):
    red = outlined(overlay(crop, tiles=6), CORONARY)
    assert all({z, z + 1} & set(red) for z in (105, 112, 120))


def test_lesions_too_small_to_count_are_not_outlined(crop):
    labels, hu = crop.labels.copy(), crop.hu.copy()
    hu[8, 50, 50], labels[8, 50, 50] = 700, 1
    small = replace(crop, hu=hu, labels=labels, spacing_xyz_mm=(0.9, 0.9, 3.0))
    assert 108 not in outlined(overlay(small, tiles=30), CORONARY)


def test_a_heart_without_calcium_has_a_picture_too(empty):
    figure = overlay(empty)
    assert "no coronary lesion" in texts(figure) and not outlined(figure, CORONARY)
    bare = replace(empty, labels=np.zeros_like(empty.labels))
    assert png_bytes(overlay(bare))


def test_png_is_small_the_same_each_time_and_in_colour(crop):
    first, again = (png_bytes(overlay(crop, title="a")) for _ in range(2))
    assert first == again and len(first) <= 60_000
    pixels = np.asarray(Image.open(io.BytesIO(first)).convert("RGB")).reshape(-1, 3)
    for colour in (CORONARY, OTHER_CALCIUM):
        assert np.any(np.abs(pixels - np.rint(255 * np.array(to_rgb(colour)))).max(axis=1) <= 1)


def test_png_keeps_its_limit_or_says_so(crop):
    figure = overlay(crop)
    assert len(png_bytes(figure, 20_000)) <= 20_000
    with pytest.raises(ValueError, match="does not fit"):
        png_bytes(figure, 500)
