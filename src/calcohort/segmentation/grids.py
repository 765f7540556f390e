"""The coarser grids that the networks work on, and the way between them and a scan's own grid."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

AIR = -1000
# The networks' strides multiply to 8.
STRIDE = 8
HEART_PIXELS, LESION_PIXELS = 128, 192
# Slices thinner than this are averaged in groups: they add noise and time, not anatomy.
THIN_HEART_MM, THIN_LESION_MM = 2.6, 2.0
GROUP_HEART_MM, GROUP_LESION_MM = 4.0, 2.5


@dataclass(frozen=True)
class Frame:
    """A grid of (z, y, x) cells over a box of native voxels, which may reach beyond the scan.

    Attributes
    ----------
    box : tuple (z0, z1, y0, y1, x0, x1)
        Native voxels covered, half open.
    shape_zyx : tuple of int
        Number of cells.
    spacing_zyx_mm : tuple of float
        Size of a cell.
    """

    box: tuple[int, int, int, int, int, int]
    shape_zyx: tuple[int, int, int]
    spacing_zyx_mm: tuple[float, float, float]

    def cells(self, axis: int, native: np.ndarray) -> np.ndarray:
        """Fractional cell index of native voxel indices along one axis (0 is z)."""
        start, stop = self.box[2 * axis], self.box[2 * axis + 1]
        return (np.asarray(native) - start + 0.5) * (self.shape_zyx[axis] / (stop - start)) - 0.5

    def native(self, axis: int, cell: float) -> float:
        """Fractional native voxel index of a cell index along one axis."""
        start, stop = self.box[2 * axis], self.box[2 * axis + 1]
        return (cell + 0.5) * ((stop - start) / self.shape_zyx[axis]) - 0.5 + start


def heart_frame(shape_zyx, spacing_zyx_mm, pixel_mm: float = 4.0) -> Frame:
    """Grid over the whole scan for the heart network."""
    dz, dy, dx = spacing_zyx_mm
    group = _group(dz, THIN_HEART_MM, GROUP_HEART_MM)
    depth = -(-shape_zyx[0] // group)
    height, width = (max(1, round(n * d / pixel_mm)) for n, d in ((shape_zyx[1], dy), (shape_zyx[2], dx)))
    box = (0, depth * group, 0, shape_zyx[1], 0, shape_zyx[2])
    spacing = (dz * group, shape_zyx[1] * dy / height, shape_zyx[2] * dx / width)
    return Frame(box, (depth, height, width), spacing)


def lesion_frame(heart_box, spacing_zyx_mm, pixel_mm: float = 0.9, pixels: int = LESION_PIXELS) -> Frame:
    """Square crop around the heart for the lesion network; its pixels grow where the heart would not fit.

    Parameters
    ----------
    heart_box : tuple (z0, z1, y0, y1, x0, x1)
        Native box of the heart region, half open.
    """
    dz, dy, dx = spacing_zyx_mm
    z0, z1, y0, y1, x0, x1 = heart_box
    side_mm = max(pixels * pixel_mm, 1.02 * max((y1 - y0) * dy, (x1 - x0) * dx))
    rows, columns = max(1, round(side_mm / dy)), max(1, round(side_mm / dx))
    top, left = (y0 + y1 - rows) // 2, (x0 + x1 - columns) // 2
    group = _group(dz, THIN_LESION_MM, GROUP_LESION_MM)
    depth = -(-(z1 - z0) // group)
    box = (z0, z0 + depth * group, top, top + rows, left, left + columns)
    return Frame(box, (depth, pixels, pixels), (dz * group, rows * dy / pixels, columns * dx / pixels))


def resample_hu(hu: np.ndarray, frame: Frame) -> np.ndarray:
    """HU of the frame's cells, float32: means of slices, area-weighted in the plane; air outside."""
    stack = torch.from_numpy(np.ascontiguousarray(_cut(hu, frame.box, AIR))).float()
    stack = stack.clamp_(min=AIR)
    depth, height, width = frame.shape_zyx
    if len(stack) != depth:
        stack = stack.unflatten(0, (depth, -1)).mean(dim=1)
    if stack.shape[1:] != (height, width):
        stack = F.interpolate(
            stack[None], (height, width), mode="bilinear", align_corners=False, antialias=True
        )[0]
    return stack.numpy()


def resample_mask(mask: np.ndarray, frame: Frame, *, fraction: bool = False) -> np.ndarray:
    """Whether any of a cell's voxels is set, or with `fraction` the share of them."""
    stack = torch.from_numpy(_cut(mask, frame.box, 0).astype(np.float32))
    depth, height, width = frame.shape_zyx
    pool, join = (F.adaptive_avg_pool2d, torch.mean) if fraction else (F.adaptive_max_pool2d, torch.amax)
    stack = join(stack.unflatten(0, (depth, -1)), dim=1)
    stack = pool(stack[None], (height, width))[0].numpy()
    return stack if fraction else stack > 0


def interpolate(field: np.ndarray, frame: Frame, box) -> np.ndarray:
    """Trilinear values of a frame's field at every native voxel of `box`; float32, edges held."""
    for axis in range(3):
        native = np.arange(box[2 * axis], box[2 * axis + 1])
        field = resample_axis(field, frame.cells(axis, native), axis)
    return np.ascontiguousarray(field)


def resample_axis(field: np.ndarray, cells: np.ndarray, axis: int) -> np.ndarray:
    """Linear values of a field at fractional indices along one axis; float32, ends held."""
    weights = _weights(cells, field.shape[axis])
    return np.moveaxis(np.tensordot(weights, field.astype(np.float32, copy=False), ([1], [axis])), 0, axis)


def interpolate_at(fields: np.ndarray, frame: Frame, voxels: np.ndarray) -> np.ndarray:
    """Trilinear values (classes, n) of fields (classes, z, y, x) at n native voxels (n, 3)."""
    total = np.zeros((len(fields), len(voxels)), dtype=np.float32)
    corners = []
    for axis in range(3):
        size = frame.shape_zyx[axis]
        cell = np.clip(frame.cells(axis, voxels[:, axis]), 0, size - 1)
        low = np.minimum(cell.astype(np.intp), max(size - 2, 0))
        high = np.minimum(low + 1, size - 1)
        part = (cell - low).astype(np.float32)
        corners.append(((low, 1 - part), (high, part)))
    for z, wz in corners[0]:
        for y, wy in corners[1]:
            for x, wx in corners[2]:
                total += fields[:, z, y, x] * (wz * wy * wx)
    return total


def on_canvas(stack: np.ndarray, value: float, *, cut: bool = False) -> tuple[np.ndarray, tuple[int, int]]:
    """Put a stack in the middle of the heart network's canvas, 128 x 128 cells.

    A network must see small images as in training: what it computes outside an image reaches into it.

    Parameters
    ----------
    stack : ndarray (z, y, x)
    value : float
        What lies around the stack.
    cut : bool
        Cut what is larger; otherwise the canvas grows to the next size that the network's strides divide.

    Returns
    -------
    ndarray
        (z, rows, columns)
    tuple of int
        Row and column at which the stack starts; negative where it was cut.
    """
    first = []
    for axis in (1, 2):
        size = stack.shape[axis]
        wanted = HEART_PIXELS if cut else max(HEART_PIXELS, size + -size % STRIDE)
        before = (wanted - size) // 2
        if before < 0 or wanted < size:
            before = -((size - wanted) // 2)
            stack = np.take(stack, np.arange(-before, -before + wanted), axis=axis)
        else:
            pads = [(0, 0)] * 3
            pads[axis] = (before, wanted - size - before)
            stack = np.pad(stack, pads, constant_values=value)
        first.append(before)
    return np.ascontiguousarray(stack), tuple(first)


def _group(spacing_mm: float, thin_mm: float, target_mm: float) -> int:
    return max(1, round(target_mm / spacing_mm)) if spacing_mm < thin_mm else 1


def _cut(array: np.ndarray, box, value) -> np.ndarray:
    """Voxels of a box that may reach beyond the array: end slices repeated, rows and columns filled."""
    z0, z1, *plane = box
    if z0 < 0 or z1 > len(array):
        array = array[np.clip(np.arange(z0, z1), 0, len(array) - 1)]
    else:
        array = array[z0:z1]
    inside, pads = [slice(None)], [(0, 0)]
    for size, start, stop in zip(array.shape[1:], plane[::2], plane[1::2], strict=True):
        low, high = (min(max(edge, 0), size) for edge in (start, stop))
        before = min(max(-start, 0), stop - start)
        inside.append(slice(low, high))
        pads.append((before, stop - start - before - (high - low)))
    part = array[tuple(inside)]
    return np.pad(part, pads, constant_values=value) if any(map(any, pads)) else part


def _weights(cells: np.ndarray, size: int) -> np.ndarray:
    """Matrix (n, size) of linear interpolation at fractional cell indices, ends held."""
    cells = np.clip(cells, 0, size - 1)
    low = np.minimum(cells.astype(int), max(size - 2, 0))
    part = cells - low
    weights = np.zeros((len(cells), size), dtype=np.float32)
    rows = np.arange(len(cells))
    weights[rows, low] += 1 - part
    weights[rows, np.minimum(low + 1, size - 1)] += part
    return weights
