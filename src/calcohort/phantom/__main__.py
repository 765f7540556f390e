"""Picture of simulated hearts, beside a real scan if one is given: ``python -m calcohort.phantom --help``."""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from calcohort.errors import InputError
from calcohort.phantom import acquire, draw_anatomy, heart_grid
from calcohort.tables import whole_file

COLUMNS, ROWS_MM, COLUMNS_MM = 6, 160.0, 180.0
# The pixel of most PET/CT scans.
SPACING_MM = (0.98, 0.98, 3.0)


def phantom_row(seed: int, population: str, protocol: str) -> tuple[str, list[np.ndarray]]:
    """Name of a simulated scan, and its slices from the bottom of the heart to its top."""
    anatomy = draw_anatomy(seed, population=population)
    low, high = anatomy.heart.envelope.bounds()
    shape = (int((high[2] - low[2]) / SPACING_MM[2]) + 4, round(ROWS_MM / 0.98), round(COLUMNS_MM / 0.98))
    phantom = acquire(anatomy, protocol, seed, grid=heart_grid(anatomy, shape, SPACING_MM))
    levels = np.linspace(0.24, 0.8, COLUMNS) * (shape[0] - 1)
    return f"phantom {seed}: {phantom.agatston:.0f}", [phantom.volume.hu[round(z)] for z in levels]


def real_row(path: str, box: list[int]) -> tuple[str, list[np.ndarray]]:
    """Slices of a real scan between the slices and around the centre (x, y) that `box` gives."""
    from calcohort.dicom import load_series

    loaded = load_series(path)
    if loaded.volume is None:
        raise InputError(f"the scan cannot be used: {loaded.reason}", where="--real")
    (first, last, x, y), volume = box, loaded.volume
    half_y, half_x = (
        round(0.5 * mm / s) for mm, s in zip((ROWS_MM, COLUMNS_MM), volume.spacing_xyz_mm[1::-1], strict=True)
    )
    area = (slice(max(0, y - half_y), y + half_y), slice(max(0, x - half_x), x + half_x))
    return "real", [volume.hu[round(z)][area] for z in np.linspace(first, last, COLUMNS)]


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(prog="python -m calcohort.phantom", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[2, 4, 6])
    parser.add_argument("--population", default="training")
    parser.add_argument("--protocol", default="chest_ct")
    parser.add_argument("--real", help="folder of DICOM")
    parser.add_argument("--box", type=int, nargs=4, metavar=("FIRST", "LAST", "X", "Y"),
                        help="lowest and highest slice and centre (pixels) of the real heart")  # fmt: skip
    options = parser.parse_args()
    rows = [phantom_row(seed, options.population, options.protocol) for seed in options.seeds]
    if options.real:
        rows.insert(0, real_row(options.real, options.box))
    figure = Figure(figsize=(2.2 * COLUMNS, 2.1 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (name, slices) in zip(figure.subplots(len(rows), COLUMNS, squeeze=False), rows, strict=True):
        for axis, image in zip(axes, slices, strict=True):
            axis.imshow(image, cmap="gray", vmin=-150, vmax=300)
            axis.set_axis_off()
        axes[0].set_title(name, fontsize=8, loc="left")
    with whole_file(options.out) as beside:
        figure.savefig(beside, dpi=70, format="png", metadata={"Software": None})


if __name__ == "__main__":
    main()
