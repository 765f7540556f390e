"""Calcified lesions: in the coronary arteries, aimed at an Agatston score, and elsewhere in the chest."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calcohort.phantom.draws import Draw
from calcohort.phantom.heart import Heart, exit_radius
from calcohort.phantom.solids import Tube
from calcohort.phantom.torso import Torso
from calcohort.phantom.vessels import Artery

# How often each artery is chosen for a lesion: the anterior descending artery calcifies first and most.
SHARE = {
    "LM": 0.09,
    "LAD": 0.34,
    "LCX": 0.15,
    "RCA": 0.27,
    "PDA": 0.07,
    "D1": 0.03,
    "D2": 0.01,
    "OM1": 0.03,
    "OM2": 0.01,
}
# How often a lesion lies anywhere in the further two thirds of the artery.
FAR_SHARE = {"RCA": 0.6, "LCX": 0.35}
# The share of plaques of at least this length that surrounds the lumen, where any do.
LONG_MM, AROUND_SHARE = 4.0, 0.5


@dataclass(frozen=True, eq=False)
class Lesion:
    """Dense material planted in the phantom.

    Attributes
    ----------
    kind : str
        What it is, e.g. "coronary", "aortic_wall", "stent".
    label : int
        1 coronary calcium, 2 other calcification, 0 anything else (metal).
    territory : int
        Coronary artery of a label-1 lesion (1 LM, 2 LAD, 3 LCX, 4 RCA), else 0.
    hu : float
        HU of the pure material at 120 kV.
    """

    kind: str
    label: int
    territory: int
    tube: Tube
    hu: float
    group: str = "heart"


def coronary_lesion(
    draw: Draw, artery: Artery, length: float, thickness: float, start: float | None = None
) -> Lesion:
    """A plaque along the wall of an artery; in the "shifted" population long ones often surround the lumen.

    Parameters
    ----------
    length, thickness : float
        Length along the vessel and radius of the plaque (mm).
    start : float, optional
        Distance from the vessel's beginning (mm); drawn if not given, more often proximal.
    """
    n = len(artery.points)
    if start is None:
        start = min(draw.generator.exponential(0.33 * n), n - 3.0)
        # The right artery calcifies along its whole course, the others at their beginning.
        if artery.name in ("RCA", "LCX") and draw.generator.random() < FAR_SHARE[artery.name]:
            start = draw.uniform(0.3 * n, n - 3.0)
    first = int(np.clip(start, 0, n - 3))
    last = int(np.clip(first + max(1, round(length)), first + 1, n - 1))
    index = np.unique(np.linspace(first, last, max(2, int((last - first) / 2.0) + 2)).round().astype(int))
    centre = artery.points[index]
    tangent = np.gradient(artery.points, axis=0)[index]
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9
    side = np.cross(tangent, [0.3, 0.5, 0.81])
    side /= np.linalg.norm(side, axis=1, keepdims=True) + 1e-9
    other = np.cross(tangent, side)
    angle = draw.uniform(0, 2 * np.pi) + np.linspace(0, draw.uniform(-1.2, 1.2), len(index))
    lumen = artery.radii[index]
    if length >= LONG_MM and draw.only_shifted(AROUND_SHARE):
        tube = _around(draw, centre, (side, other), angle, lumen, thickness)
    else:
        points = centre + _outwards((side, other), angle) * (lumen * draw.uniform(0.5, 1.0))[:, None]
        rough = np.array([draw.uniform(0.6, 1.25) for _ in index])
        if last - first <= 1 and length < 1:
            points = points[0] + (points - points[0]) * length
        tube = Tube(points, np.clip(thickness * rough, 0.35, 1.35 * lumen))
    return Lesion("coronary", 1, artery.territory, tube, _density(draw))


def _outwards(across, angle: np.ndarray) -> np.ndarray:
    """Directions (n, 3) from a vessel's centre to its wall, at angles (n,) between two vectors across it."""
    return np.cos(angle)[:, None] * across[0] + np.sin(angle)[:, None] * across[1]


def _around(draw: Draw, centre, across, angle, lumen, thickness: float) -> Tube:
    """Two or three strips of plaque about a lumen that stays open, joined at their ends: tram tracks."""
    strips = draw.integer(2, 3)
    points, radius = [], min(0.8 * thickness, 0.45 * float(lumen.mean()))
    for strip in range(strips):
        line = centre + _outwards(across, angle + 2 * np.pi * strip / strips) * lumen[:, None]
        points.append(line[::-1] if strip % 2 else line)
    points = np.concatenate(points)
    return Tube(points, np.full(len(points), radius))


def _density(draw: Draw) -> float:
    """HU of a plaque at 120 kV: many moderate, some as dense as cortical bone."""
    return float(np.clip(draw.generator.lognormal(np.log(620), 0.45), 200, 1500))


def aim_coronary(
    draw: Draw, arteries: tuple[Artery, ...], target: float, estimate: Callable[[Lesion], float]
) -> list[Lesion]:
    """Draw plaques until their estimated Agatston scores add up to about `target`."""
    lesions, left, refused = [], target, 0
    scale = 1.0
    while left > 0.06 * target and refused < 14 and len(lesions) < 90:
        lesion = _draw_plaque(draw, arteries, left, scale, lesions)
        score = estimate(lesion)
        if score > left * 1.08 or score == 0:
            refused += 1
            scale *= 0.8 if score else 1.25
            continue
        lesions.append(lesion)
        left -= score
        scale, refused = min(1.0, scale * 1.2), 0
    return lesions


def _draw_plaque(draw, arteries, left, scale, lesions) -> Lesion:
    by_name = {a.name: a for a in arteries}
    names = [n for n in SHARE if n in by_name]
    weights = np.array([SHARE[n] for n in names])
    # Plaques cluster: half the time the next one is in an artery that already has one.
    if lesions and draw.generator.random() < 0.4:
        taken = {lesion.territory for lesion in lesions}
        weights = weights * np.array([3.0 if by_name[n].territory in taken else 1.0 for n in names])
    artery = by_name[names[int(draw.generator.choice(len(names), p=weights / weights.sum()))]]
    # A large remaining score calls for long, thick plaques, but small ones always occur too.
    large = np.clip(np.log10(max(left, 1.0)) / 3.0, 0.15, 1.0)
    length = float(np.clip(draw.generator.lognormal(np.log(5.5 * large + 0.8), 0.7), 0.4, 28)) * scale
    thickness = (
        float(np.clip(draw.generator.lognormal(np.log(0.65 + 0.6 * large), 0.32), 0.4, 2.6)) * scale**0.6
    )
    return coronary_lesion(draw, artery, length, max(thickness, 0.4))


def ostial_pair(draw: Draw, artery: Artery, heart: Heart, coronary: bool) -> list[Lesion]:
    """Calcium on the root's side of an ostium and, if `coronary`, on the artery's side: matched controls."""
    root = heart.vessels["root"]
    ostium = artery.points[0]
    axis = _unit(root.points[-1] - root.points[0])
    outward = _unit((ostium - root.points[2]) - ((ostium - root.points[2]) @ axis) * axis)
    across = np.cross(axis, outward)
    out = []
    for _ in range(draw.integer(1, 3)):
        turn = draw.uniform(-0.9, 0.9)
        height = draw.uniform(-7, 10)
        centre = ostium - outward * np.linalg.norm(np.cross(axis, ostium - root.points[2])) + axis * height
        along = int(np.argmin(np.linalg.norm(root.points - centre, axis=1)))
        angles = turn + np.linspace(0, draw.uniform(0.05, 0.45), 4)
        ring = np.cos(angles)[:, None] * outward + np.sin(angles)[:, None] * across
        points = centre + ring * (root.radii[along] - 0.6)
        tube = Tube(points, np.full(4, draw.uniform(0.6, 1.8)))
        out.append(Lesion("aortic_root", 2, 0, tube, _density(draw)))
    if coronary:
        out.append(
            coronary_lesion(
                draw, artery, draw.uniform(1.5, 7), draw.uniform(0.6, 1.4), draw.uniform(1.0, 4.0)
            )
        )
    return out


def aortic_wall(draw: Draw, vessel: Tube, group: str, count: int) -> list[Lesion]:
    """Plates and spots in the wall of an aortic segment."""
    out = []
    for _ in range(count):
        t = draw.uniform(0.02, 0.98) * (len(vessel.points) - 1)
        k = min(int(t), len(vessel.points) - 2)
        tangent = _unit(vessel.points[k + 1] - vessel.points[k])
        side = _unit(np.cross(tangent, [0.31, 0.83, 0.46]))
        other = np.cross(tangent, side)
        extent, rise = draw.uniform(0.1, 1.1), draw.uniform(-9, 9)
        start = draw.uniform(0, 2 * np.pi)
        steps = np.linspace(0, 1, max(3, int(extent * 7)))
        points = []
        for s in steps:
            tt = np.clip(t, 0, len(vessel.points) - 1.001)
            j = int(tt)
            base = (
                vessel.points[j] + (tt - j) * (vessel.points[j + 1] - vessel.points[j]) + tangent * rise * s
            )
            radius = np.interp(tt, np.arange(len(vessel.radii)), vessel.radii)
            a = start + extent * s
            points.append(base + (np.cos(a) * side + np.sin(a) * other) * (radius - 0.6))
        points = np.array(points)
        normals = points - (points.mean(0) - _unit(np.cos(start) * side + np.sin(start) * other) * 15)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        half = np.full(len(points), draw.uniform(1.0, 4.5))
        out.append(
            Lesion(
                "aortic_wall",
                2,
                0,
                Tube(points, half, draw.uniform(1.3, 3.0), normals),
                _density(draw),
                group,
            )
        )
    return out


def valve(draw: Draw, heart: Heart) -> list[Lesion]:
    """Calcium on the leaflets and the ring of the aortic valve."""
    root = heart.vessels["root"]
    axis = _unit(root.points[-1] - root.points[0])
    side = _unit(np.cross(axis, [0.2, 0.9, 0.1]))
    other = np.cross(axis, side)
    out = []
    turn = draw.uniform(0, 2)
    for leaflet in range(3):
        for _ in range(draw.integer(0, 3)):
            angle = turn + leaflet * 2 * np.pi / 3 + draw.uniform(-0.7, 0.7)
            ring = np.cos(angle) * side + np.sin(angle) * other
            r0, r1 = sorted((draw.uniform(0.1, 0.95), draw.uniform(0.1, 0.95)))
            steps = np.linspace(r0, r1, 4)[:, None]
            base = root.points[1] + axis * (2 + 7 * (1 - steps))
            points = base + ring * steps * root.radii[1]
            out.append(
                Lesion("valve", 2, 0, Tube(points, np.full(4, draw.uniform(0.6, 2.2))), _density(draw))
            )
    for _ in range(draw.integer(0, 3)):
        angles = draw.uniform(0, 2 * np.pi) + np.linspace(0, draw.uniform(0.1, 0.9), 5)
        ring = np.cos(angles)[:, None] * side + np.sin(angles)[:, None] * other
        points = root.points[1] + ring * root.radii[1] + axis * draw.uniform(-4, 3)
        out.append(Lesion("valve", 2, 0, Tube(points, np.full(5, draw.uniform(0.6, 1.8))), _density(draw)))
    return out


def mitral(draw: Draw, heart: Heart) -> list[Lesion]:
    """C-shaped calcium of the posterior mitral annulus."""
    width, height = draw.span(17, 21), draw.span(14, 18)
    middle = np.radians(draw.uniform(190, 260))
    out = []
    for _ in range(draw.integer(1, 3)):
        extent = draw.uniform(0.15, 2.6)
        angles = (
            middle + draw.uniform(-0.9, 0.9) + np.linspace(-extent / 2, extent / 2, max(3, int(6 * extent)))
        )
        points = np.array(
            [
                heart.point(-9 + 2 * np.sin(2 * a), -16 + width * np.cos(a), 1 + height * np.sin(a))
                for a in angles
            ]
        )
        rough = np.array([draw.uniform(0.6, 1.3) for _ in angles])
        out.append(Lesion("mitral", 2, 0, Tube(points, rough * draw.uniform(0.8, 3.2)), _density(draw)))
    return out


def pericardial(draw: Draw, heart: Heart) -> list[Lesion]:
    """Plates on the pericardium or the pleura that covers it, most often along the left border."""
    out = []
    for _ in range(draw.integer(1, 4)):
        p0, angle = draw.uniform(-5, 45), draw.uniform(0, 2 * np.pi)
        if draw.generator.random() < 0.6:
            # From the front of the left ventricle round its side: the border with the left lung.
            angle = draw.uniform(np.radians(110), np.radians(215))
        angles = angle + np.linspace(0, draw.uniform(0.1, 0.8), 6)
        ring = np.cos(angles)[:, None] * heart.frame[1] + np.sin(angles)[:, None] * heart.frame[2]
        origins = heart.origin + (p0 + np.linspace(0, draw.uniform(-12, 12), 6))[:, None] * heart.frame[0]
        reach = exit_radius(heart.fat, origins, ring) + draw.uniform(-0.5, 3.0)
        points = origins + reach[:, None] * ring
        tube = Tube(points, np.full(6, draw.uniform(1.0, 6)), draw.uniform(1.5, 3), ring)
        out.append(Lesion("pericardial", 2, 0, tube, _density(draw)))
    return out


def pleural(draw: Draw, torso: Torso) -> list[Lesion]:
    """Plaques along the inner chest wall."""
    out = []
    for _ in range(draw.integer(1, 5)):
        side, z0 = draw.generator.choice([-1, 1]), draw.uniform(-70, 90)
        angles = draw.uniform(-1.3, 1.3) + np.linspace(0, draw.uniform(0.05, 0.35), 5)
        points, normals = [], []
        for i, a in enumerate(angles):
            w, d, cx, cy = torso.cavity.section(z0 + 3.0 * i)
            c, s = np.cos(a), np.sin(a)
            points.append(
                [
                    cx + side * (w - 1) * np.sign(c) * abs(c) ** 0.8,
                    cy + (d - 1) * np.sign(s) * abs(s) ** 0.8,
                    z0 + 3.0 * i,
                ]
            )
            normals.append([side * c, s, 0.0])
        tube = Tube(np.array(points), np.full(5, draw.uniform(2, 6)), draw.uniform(1.5, 3), np.array(normals))
        out.append(Lesion("pleural", 2, 0, tube, _density(draw), "static"))
    return out


def nodes(draw: Draw, heart: Heart, carina_z: float) -> list[Lesion]:
    """Calcified hilar and mediastinal lymph nodes."""
    out = []
    for _ in range(draw.integer(1, 5)):
        side = draw.generator.choice([-1, 1])
        centre = np.array([side * draw.uniform(8, 48), draw.uniform(5, 34), carina_z + draw.uniform(-34, 18)])
        points = centre + np.stack([draw.vector(2) for _ in range(3)])
        out.append(Lesion("node", 2, 0, Tube(points, np.array([draw.uniform(0.8, 3.2) for _ in range(3)])),
                          _density(draw), "static"))  # fmt: skip
    return out


def abdominal(draw: Draw, heart: Heart) -> list[Lesion]:
    """Bright things just under the diaphragm: contrast in the bowel, granulomas, calcified vessels."""
    out, bed = [], heart.bed
    for _ in range(draw.integer(1, 4)):
        aside = np.array([draw.uniform(-60, 80), draw.uniform(-40, 50), 0.0])
        aside -= (aside @ bed.normal) * bed.normal
        centre = bed.point + aside + (heart.fat.grow + draw.uniform(6, 30)) * bed.normal
        points = centre + np.stack([draw.vector(4) for _ in range(3)])
        radii = np.array([draw.uniform(0.6, 4.0) for _ in range(3)])
        out.append(Lesion("abdominal", 2, 0, Tube(points, radii), draw.uniform(200, 900), "breath"))
    return out


def cartilage(draw: Draw, cartilages: list[Tube]) -> list[Lesion]:
    """Flecks and rims of calcium in the costal cartilages."""
    out = []
    for tube in cartilages:
        if draw.generator.random() < 0.35:
            continue
        for _ in range(draw.integer(1, 4)):
            t0, t1 = sorted((draw.uniform(0, 1), draw.uniform(0, 1)))
            t = np.linspace(t0, min(t1, t0 + 0.4), 4) * (len(tube.points) - 1)
            line = np.stack(
                [np.interp(t, np.arange(len(tube.points)), tube.points[:, i]) for i in range(3)], 1
            )
            edge = np.array(
                [0, draw.uniform(-2.5, 2.5), draw.generator.choice([-1, 1]) * draw.uniform(1.5, 6)]
            )
            radii = np.array([draw.uniform(0.6, 2.0) for _ in range(4)])
            hu = draw.uniform(250, 700)
            out.append(Lesion("cartilage", 2, 0, Tube(line + edge, radii), hu, "static"))
    return out


def bronchi(draw: Draw, layers) -> list[Lesion]:
    """Calcium in the rings of the large airways."""
    airways = [layer.solid for layer in layers if layer.tissue == "airway_wall"]
    out = []
    for tube in airways:
        for _ in range(draw.integer(1, 4)):
            k = draw.integer(0, len(tube.points) - 2)
            base = tube.points[k] + draw.uniform(0, 1) * (tube.points[k + 1] - tube.points[k])
            tangent = _unit(tube.points[k + 1] - tube.points[k])
            side = _unit(np.cross(tangent, [0.31, 0.83, 0.46]))
            angles = draw.uniform(0, 6.3) + np.linspace(0, draw.uniform(0.2, 1.8), 6)
            ring = np.cos(angles)[:, None] * side + np.sin(angles)[:, None] * np.cross(tangent, side)
            points = base + ring * (tube.radii[k] - 0.8)
            out.append(Lesion("bronchus", 2, 0, Tube(points, np.full(6, draw.uniform(0.4, 1.0))),
                              draw.uniform(300, 700), "static"))  # fmt: skip
    return out


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v)
