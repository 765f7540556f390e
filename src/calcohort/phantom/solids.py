"""Implicit solids: a field that is negative inside, roughly in millimetres, and a bounding box.

Coordinates are LPS millimetres of the phantom's own frame: x to the patient's left, y to posterior,
z to superior.
Fields are elementwise on broadcastable tensors, so that a lattice costs one pass per dimension it really has.
"""

from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

FAR = 1e3


class Solid(Protocol):
    """What the painter asks of a solid."""

    def field(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """Signed field (mm, negative inside) at broadcastable coordinates."""

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper corner (x, y, z) of the solid."""


@dataclass(frozen=True)
class Wobble:
    """Smooth unevenness of a surface: a product of sines, cheap because it is separable."""

    amplitude: float
    wavelength: tuple[float, float, float]
    phase: tuple[float, float, float]

    def __call__(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """Displacement (mm) of the surface at the coordinates."""
        waves = [
            torch.sin(c * (2 * np.pi / w) + p)
            for c, w, p in zip((x, y, z), self.wavelength, self.phase, strict=True)
        ]
        return waves[0] * (waves[2] * waves[1] * self.amplitude)


@dataclass(frozen=True)
class Gradient:
    """HU that rises along y: lungs are denser behind, where their weight lies."""

    per_mm: float

    def __call__(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """HU to add at the coordinates."""
        return y * self.per_mm


@dataclass(frozen=True, eq=False)
class Ellipsoid:
    """Ellipsoid with orthonormal axes `frame` (rows) and semi-axes `semi` (mm) around `centre`."""

    centre: np.ndarray
    semi: np.ndarray
    frame: np.ndarray = field(default_factory=lambda: np.eye(3))
    wobble: Wobble | None = None

    def field(self, x, y, z):
        rows = np.asarray(self.frame) / np.asarray(self.semi)[:, None]
        total = None
        for row in rows:
            plane = float(row @ self.centre)
            part = x * float(row[0]) + (y * float(row[1]) + (z * float(row[2]) - plane))
            total = part.square_() if total is None else total.addcmul_(part, part)
        value = (total.sqrt_() - 1.0) * float(np.min(self.semi))
        return value if self.wobble is None else value + self.wobble(x, y, z)

    def bounds(self):
        slack = self.wobble.amplitude * 3 if self.wobble else 0.0
        half = np.sqrt(((np.asarray(self.frame) * np.asarray(self.semi)[:, None]) ** 2).sum(0)) + slack
        return np.asarray(self.centre) - half, np.asarray(self.centre) + half


@dataclass(frozen=True, eq=False)
class Tube:
    """Polyline `points` (n, 3) with `radii` (n,); flattened by `flat` > 1 along `normals` (n, 3), if given.

    With `flat` the radius is the half-width and radius / flat the half-thickness along the normal.
    """

    points: np.ndarray
    radii: np.ndarray
    flat: float = 1.0
    normals: np.ndarray | None = None

    def segments(self):
        """(a, b, ra, rb, normal) of every piece of the polyline."""
        for i in range(len(self.points) - 1):
            normal = None
            if self.normals is not None:
                normal = self.normals[i] + self.normals[i + 1]
                normal = normal / max(np.linalg.norm(normal), 1e-9)
            yield self.points[i], self.points[i + 1], self.radii[i], self.radii[i + 1], normal

    def segment_field(self, segment, x, y, z):
        """Field of one piece alone."""
        a, b, ra, rb, normal = segment
        d = b - a
        length2 = float(d @ d) + 1e-9
        px, py, pz = x - float(a[0]), y - float(a[1]), z - float(a[2])
        t = px * float(d[0] / length2) + (py * float(d[1] / length2) + pz * float(d[2] / length2))
        t = t.clamp_(0.0, 1.0)
        vx, vy, vz = px - t * float(d[0]), py - t * float(d[1]), pz - t * float(d[2])
        distance2 = vx.square() + vy.square() + vz.square()
        scale = 1.0
        if normal is not None and self.flat > 1:
            along = vx * float(normal[0]) + vy * float(normal[1]) + vz * float(normal[2])
            distance2 = distance2 + along.square_() * (self.flat**2 - 1)
            # The stretched distance grows `flat` times faster across the plate.
            scale = 1.0 / self.flat**0.5
        return (distance2.sqrt_() - (t * float(rb - ra) + float(ra))) * scale

    def field(self, x, y, z):
        best = None
        for segment in self.segments():
            value = self.segment_field(segment, x, y, z)
            best = value if best is None else torch.minimum(best, value)
        return best

    def bounds(self):
        r = np.asarray(self.radii)[:, None]
        return (self.points - r).min(0), (self.points + r).max(0)


@dataclass(frozen=True, eq=False)
class Column:
    """Body-like column: superellipse sections whose half-axes and centre follow knots along z.

    `knots` is (n, 5): z, half-width, half-depth, centre x, centre y; `exponent` 2 is an ellipse.
    """

    knots: np.ndarray
    inset: float = 0.0
    wobble: Wobble | None = None

    def _at(self, z: Tensor):
        knots = self.knots
        where = z.detach().cpu().numpy()
        columns = [np.interp(where, knots[:, 0], knots[:, i]) for i in range(1, 5)]
        return [torch.as_tensor(c, dtype=z.dtype, device=z.device) for c in columns]

    def section(self, z: float) -> tuple[float, float, float, float]:
        """Half-width, half-depth, centre x and centre y at one height."""
        return tuple(float(np.interp(z, self.knots[:, 0], self.knots[:, i])) for i in range(1, 5))

    def field(self, x, y, z):
        a, b, cx, cy = self._at(z)
        u, v = ((x - cx) / a).square(), ((y - cy) / b).square()
        # Exponent 2.5: u^1.25 = u * sqrt(sqrt(u)), without the cost of pow on the full lattice.
        u, v = u * u.sqrt().sqrt(), v * v.sqrt().sqrt()
        value = ((u + v).pow(0.4) - 1.0) * torch.minimum(a, b) + self.inset
        return value if self.wobble is None else value + self.wobble(x, y, z)

    def bounds(self):
        k, s = self.knots, 4.0
        lo = [(k[:, 3] - k[:, 1]).min() - s, (k[:, 4] - k[:, 2]).min() - s, k[0, 0]]
        hi = [(k[:, 3] + k[:, 1]).max() + s, (k[:, 4] + k[:, 2]).max() + s, k[-1, 0]]
        return np.array(lo), np.array(hi)

    def shrunk(self, inset: float) -> "Column":
        """The same column, `inset` mm smaller all round."""
        return replace(self, inset=self.inset + inset)


@dataclass(frozen=True, eq=False)
class Drum:
    """Elliptic drum along `axis`, as a vertebral body: half-axes `semi` (x, y), half-height, waist."""

    centre: np.ndarray
    semi: tuple[float, float]
    half_height: float
    waist: float = 0.0

    def field(self, x, y, z):
        dz = z - float(self.centre[2])
        # The waist narrows the middle of a vertebra.
        grow = 1.0 - self.waist * (1.0 - (dz / self.half_height).square().clamp(0, 1))
        u = (x - float(self.centre[0])) / (grow * self.semi[0])
        v = (y - float(self.centre[1])) / (grow * self.semi[1])
        side = ((u.square() + v.square()).sqrt() - 1.0) * min(self.semi)
        return torch.maximum(side, dz.abs() - self.half_height)

    def bounds(self):
        half = np.array([*self.semi, self.half_height])
        return np.asarray(self.centre) - half, np.asarray(self.centre) + half


@dataclass(frozen=True, eq=False)
class Blend:
    """Union whose creases are filled over `smooth` mm, then grown by `grow` mm."""

    parts: tuple
    smooth: float
    grow: float = 0.0
    wobble: Wobble | None = None

    def field(self, x, y, z):
        best = None
        for part in self.parts:
            value = part.field(x, y, z)
            best = value if best is None else smooth_minimum(best, value, self.smooth)
        best = best - self.grow
        return best if self.wobble is None else best + self.wobble(x, y, z)

    def bounds(self):
        lows, highs = zip(*(part.bounds() for part in self.parts), strict=True)
        slack = self.grow + self.smooth / 3
        return np.min(lows, axis=0) - slack, np.max(highs, axis=0) + slack


@dataclass(frozen=True, eq=False)
class Common:
    """Intersection of solids."""

    parts: tuple

    def field(self, x, y, z):
        best = self.parts[0].field(x, y, z)
        for part in self.parts[1:]:
            best = torch.maximum(best, part.field(x, y, z))
        return best

    def bounds(self):
        lows, highs = zip(*(part.bounds() for part in self.parts), strict=True)
        return np.max(lows, axis=0), np.min(highs, axis=0)


@dataclass(frozen=True, eq=False)
class Pressed:
    """A solid pressed flat against a plane; the edge is rounded over `smooth` mm."""

    solid: Solid
    plane: "HalfSpace"
    smooth: float

    @property
    def centre(self) -> np.ndarray:
        """Centre of the solid before it was pressed."""
        return self.solid.centre

    def field(self, x, y, z):
        return -smooth_minimum(-self.solid.field(x, y, z), -self.plane.field(x, y, z), self.smooth)

    def bounds(self):
        return self.solid.bounds()


@dataclass(frozen=True, eq=False)
class Sheet:
    """Bent plate, as a table top: `thickness` mm around y = top - bend x^2, `half_width` to each side."""

    top: float
    bend: float
    half_width: float
    thickness: float

    def field(self, x, y, z):
        middle = self.top - self.bend * x.square()
        plate = (y - middle).abs() - 0.5 * self.thickness
        return torch.maximum(plate, x.abs() - self.half_width) + 0.0 * z

    def bounds(self):
        deepest = self.top - self.bend * self.half_width**2
        return (
            np.array([-self.half_width, min(self.top, deepest) - self.thickness, -FAR]),
            np.array([self.half_width, max(self.top, deepest) + self.thickness, FAR]),
        )


@dataclass(frozen=True, eq=False)
class HalfSpace:
    """All points with (p - point) . normal < 0."""

    point: np.ndarray
    normal: np.ndarray

    def field(self, x, y, z):
        n = np.asarray(self.normal, dtype=float)
        return x * float(n[0]) + (y * float(n[1]) + (z * float(n[2]) - float(n @ self.point)))

    def bounds(self):
        return np.full(3, -FAR), np.full(3, FAR)


def smooth_minimum(a: Tensor, b: Tensor, k: float) -> Tensor:
    """Minimum of two fields with the crease between them filled over `k` mm (quadratic blend)."""
    h = (k - (a - b).abs()).clamp_(min=0.0)
    return torch.minimum(a, b) - h.square_() * (0.25 / k)


def field_at(solid: Solid, points: np.ndarray) -> np.ndarray:
    """Field of a solid at points (..., 3)."""
    p = torch.as_tensor(np.asarray(points), dtype=torch.float64)
    return solid.field(p[..., 0].clone(), p[..., 1].clone(), p[..., 2].clone()).numpy()
