"""The limits of contrast and metal, held against phantoms of every protocol."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

from calcohort.phantom import acquire, devices, draw_anatomy, heart_grid
from calcohort.phantom.draws import Draw
from calcohort.scoring.quality import assess
from calcohort.seeds import rng
from calcohort.segmentation.store import HeartCrop

pytestmark = pytest.mark.slow
DEVICES = ("stent", "lead", "wires", "clip")
GRIDS = {
    "ctac_stress": ((48, 220, 220), (0.977, 0.977, 3.27)),
    "cac_gated": ((44, 440, 440), (0.4, 0.4, 3.0)),
    "chest_ct": ((80, 240, 240), (0.8, 0.8, 1.5)),
}


@pytest.fixture(scope="module")
def anatomy():
    """A patient with heavy calcium and no metal."""
    drawn = draw_anatomy((77, 5), burden=">400")
    return replace(drawn, lesions=tuple(one for one in drawn.lesions if one.kind not in DEVICES))


def _flags(anatomy, protocol):
    phantom = acquire(anatomy, protocol, 0, grid=heart_grid(anatomy, *GRIDS[protocol]))
    inside = np.argwhere(phantom.labels == 3)
    margin = np.ceil(10 / np.array(phantom.volume.spacing_zyx_mm)).astype(int)
    low = np.maximum(inside.min(axis=0) - margin, 0)
    high = np.minimum(inside.max(axis=0) + 1 + margin, phantom.labels.shape)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    part = phantom.volume.crop(tuple(int(n) for pair in zip(low, high, strict=True) for n in pair))
    shape = phantom.volume.shape_zyx
    crop = HeartCrop(
        part.hu, phantom.labels[box], tuple(low), shape, part.spacing_xyz_mm, part.origin_lps_mm, 600.0
    )
    return set(assess(crop).flags) & {"metal", "contrast"}


@pytest.mark.parametrize("protocol", GRIDS)
def test_heavy_calcium_is_neither_metal_nor_contrast(anatomy, protocol):
    assert _flags(anatomy, protocol) == set()


@pytest.mark.parametrize("protocol", GRIDS)
def test_leads_are_metal(anatomy, protocol):
    leads = devices.leads(Draw(rng("cal", 5), "demo"), anatomy.heart)
    assert _flags(replace(anatomy, lesions=(*anatomy.lesions, *leads)), protocol) == {"metal"}


def test_clips_are_metal_where_pixels_are_fine(anatomy):
    clips = devices.clips(Draw(rng("cal", 5), "demo"), anatomy.heart, anatomy.arteries)
    assert _flags(replace(anatomy, lesions=(*anatomy.lesions, *clips)), "cac_gated") == {"metal"}


@pytest.mark.parametrize("protocol", GRIDS)
def test_blood_with_contrast_agent_is_contrast(anatomy, protocol):
    tissues = dict(anatomy.tissues) | {"blood": 110.0, "myocardium": 75.0, "aorta_wall": 110.0}
    assert _flags(replace(anatomy, tissues=MappingProxyType(tissues)), protocol) == {"contrast"}
