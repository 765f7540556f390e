"""What is packed comes back bit by bit, and the same image gives the same bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from calcohort.segmentation.packing import pack, unpack

IMAGES = st.sampled_from([np.int16, np.uint8]).flatmap(
    lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=3, max_dims=3, max_side=9))
)


@given(IMAGES)
def test_every_image_comes_back(image):
    packed = pack(image)
    back = unpack(packed, image.shape, image.dtype)
    assert back.dtype == image.dtype and back.shape == image.shape
    np.testing.assert_array_equal(back, image)
    np.testing.assert_array_equal(packed, pack(np.asfortranarray(image)))


def test_steps_over_the_whole_range_wrap_and_come_back():
    image = np.array([[[-32768, 32767, -32768, 0, 32767]]], dtype=np.int16)
    np.testing.assert_array_equal(unpack(pack(image), image.shape, np.int16), image)


def test_smooth_images_become_small():
    x = np.linspace(0, 20, 200)
    image = np.rint(500 * np.sin(x)[None, None] * np.ones((20, 200, 1))).astype(np.int16)
    assert len(pack(image)) < image.nbytes / 20


def test_other_bytes_are_refused():
    with pytest.raises((OSError, ValueError)):
        unpack(np.arange(50, dtype=np.uint8), (2, 3, 4), np.int16)
