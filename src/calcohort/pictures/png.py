"""Figures as small PNG files."""

import io

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from calcohort.exhibits.style import CORONARY, OTHER_CALCIUM

_GREYS = 9
_LARGEST_DPI, _SMALLEST_DPI = 110, 36
# What is less colourful than this counts as grey, 0-255.
_COLOURFUL = 40


def png_bytes(figure: Figure, limit: int = 60_000) -> bytes:
    """The figure as a PNG of at most `limit` bytes, as sharp as that allows; the same figure, the same bytes.

    Raises
    ------
    ValueError
        If the figure does not fit into `limit` at any legible size.
    """
    usual = figure.get_dpi()
    try:
        dpi = _LARGEST_DPI
        while dpi >= _SMALLEST_DPI:
            figure.set_dpi(dpi)
            figure.canvas.draw()
            stream = io.BytesIO()
            _few_colours(np.asarray(figure.canvas.buffer_rgba())[..., :3]).save(stream, "PNG")
            if stream.tell() <= limit:
                return stream.getvalue()
            # The size goes with the area.
            dpi = int(0.97 * dpi * (limit / stream.tell()) ** 0.5)
    finally:
        figure.set_dpi(usual)
    raise ValueError(f"the figure does not fit into {limit} bytes")


def _few_colours(rgb: np.ndarray) -> Image.Image:
    """Sixteen colours: image noise compresses badly, and outlines must stay brighter than it."""
    rgb = rgb.astype(np.int16)
    outlines = [np.rint(255 * np.array(to_rgb(colour))) for colour in (CORONARY, OTHER_CALCIUM, "#ffb454")]
    dark = [outline // 2 for outline in outlines]
    greys = [np.full(3, round(255 * i / (_GREYS - 1))) for i in range(_GREYS)]
    palette = np.array(greys + outlines + dark, dtype=np.int16)
    index = np.rint(rgb.mean(axis=2) * (_GREYS - 1) / 255).astype(np.uint8)
    colourful = np.ptp(rgb, axis=2) > _COLOURFUL
    distance = ((rgb[colourful][:, None] - palette[_GREYS:].astype(np.int32)) ** 2).sum(axis=2)
    index[colourful] = _GREYS + distance.argmin(axis=1)
    image = Image.fromarray(index, "P")
    image.putpalette(palette.astype(np.uint8).tobytes())
    return image
