"""Coronary arteries as curves from true ostia along the grooves of the heart's surface."""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from calcohort.phantom.draws import Draw
from calcohort.phantom.heart import Heart, exit_radius
from calcohort.phantom.paint import Layer
from calcohort.phantom.solids import Tube

LM, LAD, LCX, RCA = 1, 2, 3, 4


@dataclass(frozen=True, eq=False)
class Artery:
    """One coronary artery or branch: centre line every millimetre, with lumen radius (mm).

    Attributes
    ----------
    name : str
        LM, LAD, LCX, RCA, D1, OM1, PDA, ...
    territory : int
        1 LM, 2 LAD, 3 LCX, 4 RCA, the artery to which its calcium is counted.
    """

    name: str
    territory: int
    points: np.ndarray
    radii: np.ndarray

    def tube(self, every: int = 3) -> Tube:
        """Lumen as a solid, with a point each `every` mm."""
        keep = np.unique(np.r_[np.arange(0, len(self.points), every), len(self.points) - 1])
        return Tube(self.points[keep], self.radii[keep])


def spline(points: np.ndarray, step: float = 1.0) -> np.ndarray:
    """Smooth curve through control points, resampled every `step` mm."""
    chord = np.r_[0.0, np.cumsum(np.maximum(np.linalg.norm(np.diff(points, axis=0), axis=1), 0.5))]
    curve = CubicSpline(chord, points)
    dense = curve(np.linspace(0, chord[-1], max(8, int(chord[-1] * 3))))
    length = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(dense, axis=0), axis=1))]
    where = np.arange(0.0, length[-1], step)
    return np.stack([np.interp(where, length, dense[:, i]) for i in range(3)], axis=1)


def draw_arteries(draw: Draw, heart: Heart) -> tuple[Artery, ...]:
    """LM, LAD, LCX and RCA with diagonal, marginal and posterior descending branches."""
    size = heart.scale * draw.span(0.85, 1.15)
    # The arteries run in the fat under the pericardium, however thin it is.
    lift = min(draw.span(1.2, 2.6, 0.8), heart.fat.grow - 1.0)
    right_ostium, left_ostium = ostia(draw, heart)
    right_dominant = draw.chance(0.82)
    fork = _av_groove(heart, np.radians([draw.uniform(100, 112)]), lift)[0]
    # The left main stem passes behind the pulmonary trunk, from the root's left sinus.
    fork = 0.6 * fork + 0.4 * left_ostium + np.array([3.0, -1.0, 0.0])
    stem = spline(np.stack([left_ostium, 0.5 * (left_ostium + fork) + np.array([0, -1.0, 1.5]), fork]))
    arteries = [_artery("LM", LM, stem, 2.3 * size, 2.1 * size)]

    apexward = np.linspace(14, 66, 7) * heart.scale
    anterior = _ventricular_groove(heart, apexward, np.radians(np.linspace(35, 110, 26)), lift)
    lad = spline(np.vstack([fork, anterior]))
    arteries.append(_artery("LAD", LAD, lad, 1.9 * size, 0.9 * size))
    last = 262 if right_dominant else 285
    lateral = _av_groove(heart, np.radians(np.linspace(128, draw.uniform(last - 50, last - 5), 6)), lift)
    lcx = spline(np.vstack([fork, lateral]))
    arteries.append(_artery("LCX", LCX, lcx, 1.7 * size, 0.9 * size))
    end = -100 if right_dominant else -60
    right = _av_groove(heart, np.radians(np.linspace(32, end, 8)), lift)
    outward = right_ostium + 6 * _unit(right_ostium - heart.vessels["root"].points[2])
    rca = spline(np.vstack([right_ostium, outward, right]))
    arteries.append(_artery("RCA", RCA, rca, 1.9 * size, 1.2 * size))
    arteries += _branches(draw, heart, arteries, lift, size, right_dominant)
    return tuple(arteries)


def groove_fat(draw: Draw, arteries: tuple[Artery, ...]) -> list[Layer]:
    """Fat that beds the main arteries in their grooves, down into the cleft between the chambers."""
    layers, depth = [], draw.span(2.5, 6.5, 1.5)
    for artery in arteries:
        share = {"LM": 0.8, "RCA": 1.0, "LCX": 1.0, "LAD": 0.8}.get(artery.name, 0.55)
        # The first centimetre runs along the root, where there is little room.
        points = artery.points[6 if artery.name in ("RCA", "LM") else 0 :: 5]
        if len(points) < 2:
            continue
        grow = np.linspace(1.0, 0.75, len(points)) * np.array([draw.uniform(0.8, 1.2) for _ in points])
        tube = Tube(points, artery.radii[0] * 0.6 + depth * share * grow)
        layers.append(Layer(tube, "mediastinal_fat", group="heart", detail="medium"))
    return layers


def ostia(draw: Draw, heart: Heart) -> tuple[np.ndarray, np.ndarray]:
    """Points on the root's wall where the right and the left coronary artery leave."""
    root = heart.vessels["root"]
    axis = _unit(root.points[-1] - root.points[0])

    def ostium(azimuth):
        outward = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
        outward = _unit(outward - (outward @ axis) * axis)
        height = draw.span(9, 15)
        radius = np.interp(height, [0, 9, 18, 26], root.radii[1:])
        return root.points[1] + axis * height + outward * (radius - 0.5)

    # Azimuth in the axial plane: 0 to the patient's left, -90 to the front.
    right = ostium(np.radians(draw.span(-125, -85)))
    left = ostium(np.radians(draw.span(-10, 35)))
    return right, left


def _branches(draw, heart, arteries, lift, size, right_dominant) -> list[Artery]:
    by_name = {a.name: a.points for a in arteries}
    out = []
    apexward = np.linspace(6, 60, 6) * heart.scale
    trunk = by_name["RCA"] if right_dominant else by_name["LCX"]
    territory = RCA if right_dominant else LCX
    inferior = _ventricular_groove(heart, apexward, np.radians(np.linspace(-125, -60, 24)), lift)
    pda = spline(np.vstack([trunk[-1], inferior]))
    out.append(_artery("PDA", territory, pda, 1.2 * size, 0.7 * size))
    for i in range(draw.integer(1, 2)):
        start = by_name["LAD"][int(len(by_name["LAD"]) * draw.uniform(0.2, 0.45))]
        p = (start - heart.origin) @ heart.frame[0]
        angles = np.radians(np.linspace(108, draw.uniform(135, 160), 4))
        along = p + np.linspace(8, 34, 4) * heart.scale
        out.append(_artery(f"D{i + 1}", LAD, spline(np.vstack([start, _wall(heart, along, angles, lift)])),
                           1.1 * size, 0.6 * size))  # fmt: skip
    for i in range(draw.integer(1, 2)):
        k = int(len(by_name["LCX"]) * draw.uniform(0.3, 0.6))
        start = by_name["LCX"][k]
        rel = (start - heart.origin) @ heart.frame.T
        angle = np.arctan2(rel[2], rel[1])
        along = rel[0] + np.linspace(10, 42, 4) * heart.scale
        angles = angle + np.radians(np.linspace(2, 12, 4))
        out.append(_artery(f"OM{i + 1}", LCX, spline(np.vstack([start, _wall(heart, along, angles, lift)])),
                           1.2 * size, 0.7 * size))  # fmt: skip
    return out


def _artery(name, territory, points, first, last) -> Artery:
    return Artery(name, territory, points, np.linspace(first, last, len(points)))


def _directions(heart: Heart, angles: np.ndarray) -> np.ndarray:
    """Unit vectors of the short-axis plane at angles from septal (0) to anterior (90 degrees)."""
    return np.cos(angles)[..., None] * heart.frame[1] + np.sin(angles)[..., None] * heart.frame[2]


def _wall(heart: Heart, along: np.ndarray, angles: np.ndarray, lift: float) -> np.ndarray:
    """Points on the muscle's surface at heights `along` the long axis and given angles."""
    origins = heart.origin + along[:, None] * heart.frame[0]
    directions = _directions(heart, angles)
    reach = exit_radius(heart.epicardium, origins, directions) + lift
    return origins + reach[:, None] * directions


def _av_groove(heart: Heart, angles: np.ndarray, lift: float) -> np.ndarray:
    """Points in the atrioventricular groove: at each angle, the height at which the surface is deepest."""
    heights = np.linspace(-22, 8, 31) * heart.scale
    origins = heart.origin + heights[None, :, None] * heart.frame[0]
    directions = np.broadcast_to(_directions(heart, angles)[:, None], (len(angles), len(heights), 3))
    return _deepest(heart, np.broadcast_to(origins, directions.shape), directions, heights, lift, -8.0)


def _ventricular_groove(heart: Heart, along: np.ndarray, angles: np.ndarray, lift: float) -> np.ndarray:
    """Points in an interventricular groove: at each height, the angle at which the surface is deepest."""
    origins = heart.origin + along[:, None, None] * heart.frame[0]
    directions = np.broadcast_to(_directions(heart, angles), (len(along), len(angles), 3))
    origins = np.broadcast_to(origins, directions.shape)
    return _deepest(heart, origins, directions, np.degrees(angles), lift, float(np.degrees(angles).mean()))


def _deepest(heart, origins, directions, scale, lift, middle) -> np.ndarray:
    reach = exit_radius(heart.epicardium, origins, directions)
    # A weak pull to the middle keeps the course steady where there is no clear cleft.
    cost = reach + 0.002 * (scale - middle) ** 2
    best = np.argmin(cost, axis=1)
    rows = np.arange(len(reach))
    # Neighbouring choices are averaged: a groove does not zigzag.
    best = np.round(np.convolve(np.pad(best, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")).astype(int)
    return origins[rows, best] + (reach[rows, best] + lift)[:, None] * directions[rows, best]


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v)
