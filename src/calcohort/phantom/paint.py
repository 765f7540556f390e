"""Painting of implicit solids on a CT grid with partial volume, each inside its own bounding box only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from calcohort.phantom.solids import Solid, Tube


@dataclass(frozen=True)
class Grid:
    """Region to acquire: voxel counts (z, y, x), spacing (x, y, z) and centre of voxel [0, 0, 0], mm."""

    shape_zyx: tuple[int, int, int]
    spacing_xyz_mm: tuple[float, float, float]
    origin_lps_mm: tuple[float, float, float]

    def padded(self, pixels: int) -> "Grid":
        """The same grid with `pixels` more on each side in the plane."""
        nz, ny, nx = self.shape_zyx
        (dx, dy, _), (ox, oy, oz) = self.spacing_xyz_mm, self.origin_lps_mm
        return Grid(
            (nz, ny + 2 * pixels, nx + 2 * pixels),
            self.spacing_xyz_mm,
            (ox - pixels * dx, oy - pixels * dy, oz),
        )


@dataclass(frozen=True, eq=False)
class Layer:
    """A solid with its tissue, how it moves and how finely it must be sampled.

    Attributes
    ----------
    tissue : str or float
        Name in the HU table, or the HU itself.
    core : tuple of (float, str) or None
        Depth (mm) from the surface at which another tissue begins (cortex and marrow).
    group : str
        Motion group: "static", "breath" or "heart".
    detail : str
        "smooth" (large, evaluated coarsely), "medium" or "fine" (supersampled in all directions).
    texture : callable of (x, y, z), optional
        HU added to the innermost tissue.
    """

    solid: Solid
    tissue: str | float
    core: tuple[float, str] | None = None
    group: str = "static"
    detail: str = "smooth"
    texture: Callable | None = None


@dataclass(frozen=True)
class _Lattice:
    """Sampling points of a box: broadcastable coordinates, and their nominal values along each axis."""

    x: Tensor
    y: Tensor
    z: Tensor
    axes_xyz: tuple[np.ndarray, np.ndarray, np.ndarray]

    def sub(self, sz: slice, sy: slice, sx: slice) -> tuple[Tensor, Tensor, Tensor]:
        return self.x[sz, :, sx], self.y[sz, sy, :], self.z[sz]


@dataclass(frozen=True)
class _Coarse:
    """In-plane lattice with `step` voxels between samples, and the box (y, x) that it covers."""

    step: int
    counts: tuple[int, int]
    size: tuple[int, int]

    def upsample(self, values: Tensor) -> Tensor:
        if self.step == 1:
            return values[:, : self.size[0], : self.size[1]]
        full = [(n - 1) * self.step + 1 for n in self.counts]
        values = F.interpolate(values[:, None], size=full, mode="bilinear", align_corners=True)
        return values[:, 0, : self.size[0], : self.size[1]]


def _size(box) -> tuple[int, ...]:
    return tuple(s.stop - s.start for s in box)


class Canvas:
    """HU volume under construction.

    Parameters
    ----------
    grid : Grid
    thickness_mm : float
        Slice thickness over which a voxel averages.
    motion : mapping of str to ndarray (z, 3)
        Displacement (mm) of each motion group in each slice.
    """

    def __init__(self, grid: Grid, thickness_mm: float, *, device="cpu", motion: Mapping | None = None):
        self.grid, self.thickness, self.device = grid, float(thickness_mm), torch.device(device)
        self.hu = torch.full(grid.shape_zyx, -1000.0, dtype=torch.float32, device=self.device)
        self._axes = tuple(
            o + s * np.arange(n)
            for o, s, n in zip(grid.origin_lps_mm, grid.spacing_xyz_mm, grid.shape_zyx[::-1], strict=True)
        )
        still = np.zeros((grid.shape_zyx[0], 3))
        self._motion = {"static": still} | dict(motion or {})

    def box(self, solid: Solid, group: str) -> tuple[slice, slice, slice] | None:
        """Index box (z, y, x) that a solid can touch, or None."""
        lo, hi = solid.bounds()
        moved = self._motion.get(group, self._motion["static"])
        lo, hi = lo + moved.min(0), hi + moved.max(0)
        margin = np.array([*self.grid.spacing_xyz_mm[:2], 0.5 * self.thickness])
        slices = []
        for axis in (2, 1, 0):
            line = self._axes[axis]
            first = int(np.searchsorted(line, lo[axis] - margin[axis]))
            last = int(np.searchsorted(line, hi[axis] + margin[axis]))
            if last <= first:
                return None
            slices.append(slice(first, last))
        return tuple(slices)

    def _lattice(self, box, group, xs, ys, z_sub) -> _Lattice:
        """Points at `xs`, `ys` in `z_sub` planes per slice, in the frame of a motion group."""
        moved = self._motion.get(group, self._motion["static"])[box[0]]
        offsets = ((np.arange(z_sub) + 0.5) / z_sub - 0.5) * self.thickness
        zs = (self._axes[2][box[0]][:, None] + offsets).reshape(-1)
        moved = np.repeat(moved, z_sub, axis=0)
        to = lambda a: torch.as_tensor(a, dtype=torch.float32, device=self.device)  # noqa: E731
        return _Lattice(
            to(xs[None, None, :] - moved[:, 0, None, None]),
            to(ys[None, :, None] - moved[:, 1, None, None]),
            to((zs - moved[:, 2])[:, None, None]),
            (xs, ys, zs),
        )

    def coverage(self, layer: Layer, depth: float = 0.0) -> tuple[tuple, Tensor] | None:
        """Index box of a layer and the fraction of each of its voxels that the solid fills."""
        box = self.box(layer.solid, layer.group)
        if box is None:
            return None
        return box, self._fraction(self._field(layer, box), depth).expand(_size(box))

    def paint(self, layer: Layer, table: Mapping[str, float]) -> None:
        """Replace what was there by the layer's tissue, in proportion to the filled fraction."""
        for box in self._boxes(layer):
            self._paint_box(layer, table, self._field(layer, box))

    def _paint_box(self, layer: Layer, table, found) -> None:
        target = self.hu[found[0]]
        coats = ((0.0, layer.tissue), *((layer.core,) if layer.core else ()))
        for depth, tissue in coats:
            value = float(table[tissue] if isinstance(tissue, str) else tissue)
            value = torch.tensor(value, device=self.device)
            if layer.texture is not None and depth == coats[-1][0]:
                box = found[0]
                points = self._lattice(box, layer.group, self._axes[0][box[2]], self._axes[1][box[1]], 1)
                value = value + layer.texture(points.x, points.y, points.z)
            target.lerp_(value, self._fraction(found, depth))

    def _boxes(self, layer: Layer) -> list[tuple]:
        """Boxes to paint one by one: a long slanting tube on fine pixels goes slab by slab."""
        whole = self.box(layer.solid, layer.group)
        if whole is None:
            return []
        tube = layer.solid
        slanting = isinstance(tube, Tube) and len(tube.points) > 8 and self.grid.spacing_xyz_mm[0] < 0.7
        if not slanting or layer.group != "static":
            return [whole]
        boxes, slices, reach = [], 3, np.asarray(tube.radii).max() + 0.5 * self.thickness
        for first in range(whole[0].start, whole[0].stop, slices):
            last = min(first + slices, whole[0].stop)
            low, high = self._axes[2][first] - reach, self._axes[2][last - 1] + reach
            z = tube.points[:, 2]
            near = (np.maximum(z[:-1], z[1:]) > low) & (np.minimum(z[:-1], z[1:]) < high)
            if not near.any():
                continue
            keep = np.r_[near, False] | np.r_[False, near]
            part = Tube(tube.points[keep], tube.radii[keep])
            box = self.box(part, layer.group)
            if box is not None:
                boxes.append((slice(first, last), box[1], box[2]))
        return boxes

    def _field(self, layer: Layer, box):
        if layer.detail == "smooth":
            return self._smooth_field(layer, box)
        return self._sampled_field(layer, box)

    def _smooth_field(self, layer: Layer, box):
        """Field in units of voxels along its gradient, from a coarse lattice, brought to the full box."""
        sizes = [s.stop - s.start for s in box]
        # Smooth organs bend over centimetres: about 2.5 mm between samples loses nothing.
        step = max(1, int(2.5 / self.grid.spacing_xyz_mm[0]))
        counts = [-(-(n - 1) // step) + 1 for n in sizes[1:]]
        counts = [max(2, n) for n in counts]
        dx, dy, _ = self.grid.spacing_xyz_mm
        xs = self._axes[0][box[2].start] + dx * step * np.arange(counts[1])
        ys = self._axes[1][box[1].start] + dy * step * np.arange(counts[0])
        lattice = self._lattice(box, layer.group, xs, ys, 2)
        f = layer.solid.field(lattice.x, lattice.y, lattice.z)
        pair = f.reshape(sizes[0], 2, *f.shape[1:])
        middle = pair.mean(1)
        slope = (pair[:, 1] - pair[:, 0]).square_() * 4.0
        slope[:, :, 1:] += (torch.diff(middle, dim=2) / step).square_()
        slope[:, 1:, :] += (torch.diff(middle, dim=1) / step).square_()
        slope[:, :, 0], slope[:, 0, :] = slope[:, :, 1], slope[:, 1, :]
        width = slope.sqrt_().clamp_(min=1e-3)
        return box, middle, width, _Coarse(step, tuple(counts), tuple(sizes[1:]))

    def _sampled_field(self, layer: Layer, box):
        """Field on sub-voxels: a tube is evaluated piece by piece in the box of each piece."""
        fine = layer.detail == "fine"
        plane = 2 if fine else 1
        planes = int(np.clip(np.ceil(self.thickness / (0.8 if fine else 1.6)), 2 if fine else 1, 6))
        dx, dy, _ = self.grid.spacing_xyz_mm
        step = 1 if fine else max(1, int(0.9 / dx))
        sizes = [s.stop - s.start for s in box]
        counts = [max(2, -(-(n - 1) // step) + 1) if step > 1 else n * plane for n in sizes[1:]]
        offset = 0.5 / plane - 0.5
        xs = self._axes[0][box[2].start] + dx * (offset + np.arange(counts[1]) * step / plane)
        ys = self._axes[1][box[1].start] + dy * (offset + np.arange(counts[0]) * step / plane)
        lattice = self._lattice(box, layer.group, xs, ys, planes)
        if isinstance(layer.solid, Tube):
            f = self._tube_field(layer.solid, lattice, self._motion.get(layer.group, self._motion["static"]))
        else:
            f = layer.solid.field(lattice.x, lattice.y, lattice.z)
        if step > 1:
            f = _Coarse(step, tuple(counts), tuple(sizes[1:])).upsample(f)
        width = max(dx / plane, 0.6 * self.thickness / planes)
        return box, f, width, (planes, plane)

    @staticmethod
    def _tube_field(tube: Tube, lattice: _Lattice, moved: np.ndarray) -> Tensor:
        xs, ys, zs = lattice.axes_xyz
        f = torch.full((len(zs), len(ys), len(xs)), 50.0, device=lattice.x.device)
        low, high = moved.min(0), moved.max(0)
        for segment in tube.segments():
            a, b, ra, rb, _ = segment
            reach = max(ra, rb) + 2.5
            lo, hi = np.minimum(a, b) - reach + low, np.maximum(a, b) + reach + high
            cut = tuple(
                slice(int(np.searchsorted(line, lo[i])), int(np.searchsorted(line, hi[i])))
                for i, line in ((2, zs), (1, ys), (0, xs))
            )
            if any(s.stop <= s.start for s in cut):
                continue
            value = tube.segment_field(segment, *lattice.sub(*cut))
            f[cut] = torch.minimum(f[cut], value)
        return f

    @staticmethod
    def _fraction(found, depth: float) -> Tensor:
        """Filled fraction of each voxel of the box, `depth` mm below the surface."""
        _, f, width, how = found
        ratio = (f + depth) / width
        if isinstance(how, _Coarse):
            # A narrow field of view often lies wholly inside a large organ.
            if ratio.numel() > 10_000 and float(ratio.max()) < -2.0 * how.step:
                return torch.ones((), device=f.device)
            return how.upsample(ratio).neg_().add_(0.5).clamp_(0.0, 1.0)
        planes, plane = how
        part = ratio.neg_().add_(0.5).clamp_(0.0, 1.0)
        if planes > 1:
            part = part.reshape(-1, planes, *part.shape[1:]).mean(1)
        return F.avg_pool2d(part[:, None], plane)[:, 0] if plane > 1 else part
