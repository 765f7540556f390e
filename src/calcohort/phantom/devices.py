"""Metal and other foreign bodies: never calcium, often as bright."""

import numpy as np

from calcohort.phantom.draws import Draw
from calcohort.phantom.heart import Heart
from calcohort.phantom.lesions import Lesion
from calcohort.phantom.solids import Tube
from calcohort.phantom.torso import Torso
from calcohort.phantom.vessels import Artery, spline


def stent(draw: Draw, arteries: tuple[Artery, ...]) -> list[Lesion]:
    """A coil of struts in the wall of a proximal artery."""
    named = {a.name: a for a in arteries}
    artery = named[str(draw.generator.choice(["LAD", "LCX", "RCA"]))]
    length = draw.uniform(9, 26)
    start = draw.uniform(3, max(4.0, 0.45 * len(artery.points)))
    index = np.arange(int(start), min(int(start + length), len(artery.points) - 1))
    turns = np.linspace(0, 2 * np.pi * len(index) / 2.2, 10 * len(index))
    where = np.linspace(0, len(index) - 1, len(turns))
    centre = np.stack([np.interp(where, np.arange(len(index)), artery.points[index, i]) for i in range(3)], 1)
    tangent = np.gradient(centre, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9
    side = np.cross(tangent, [0.3, 0.5, 0.81])
    side /= np.linalg.norm(side, axis=1, keepdims=True) + 1e-9
    ring = np.cos(turns)[:, None] * side + np.sin(turns)[:, None] * np.cross(tangent, side)
    points = (centre + ring * draw.uniform(1.3, 1.8))[::2]
    return [
        Lesion(
            "stent", 0, artery.territory, Tube(points, np.full(len(points), 0.2)), draw.uniform(3500, 7000)
        )
    ]


def leads(draw: Draw, heart: Heart) -> list[Lesion]:
    """Pacemaker or defibrillator leads, through the superior caval vein to the right heart."""
    ra, ascending = heart.chambers["RA"].centre, heart.vessels["ascending"]
    svc = ascending.points[-1] - [ascending.radii[-1] + 12, -8, 0]
    entry = [svc + [-6, -10, 90], svc + [0, 0, 45], svc]
    tip = heart.point(58, 12, -18)
    path = spline(np.array([*entry, ra + [4, 2, 12], ra + [6, 0, -8], heart.point(0, 22, -14), tip]), 3.0)
    hu = draw.uniform(4000, 9000)
    out = [Lesion("lead", 0, 0, Tube(path, np.full(len(path), draw.uniform(0.7, 1.1))), hu)]
    if draw.chance(0.4):
        coil = path[-12:-2]
        out.append(Lesion("lead", 0, 0, Tube(coil, np.full(len(coil), 1.5)), hu))
    if draw.chance(0.5):
        atrial = spline(np.array([*entry, ra + [2, 0, 10], ra + [8, -16, 14]]), 3.0)
        out.append(Lesion("lead", 0, 0, Tube(atrial + [1.5, 1, 0], np.full(len(atrial), 0.9)), hu))
    return out


def sternal_wires(draw: Draw, torso: Torso) -> list[Lesion]:
    """Wire loops around the sternum after bypass surgery."""
    out = []
    for z in np.linspace(18, 104, draw.integer(5, 7)):
        w, d, _, cy = torso.cavity.section(z)
        centre = np.array([draw.uniform(-2, 2), cy - d - 5, z + draw.uniform(-3, 3)])
        angles = np.linspace(0, 2 * np.pi, 15)
        loop = np.stack(
            [19 * np.cos(angles), 8.5 * np.sin(angles), 2 * np.sin(angles + draw.uniform(0, 6))], 1
        )
        out.append(
            Lesion("wires", 0, 0, Tube(centre + loop, np.full(15, 0.5)), draw.uniform(5000, 9000), "static")
        )
    return out


def clips(draw: Draw, heart: Heart, arteries: tuple[Artery, ...]) -> list[Lesion]:
    """Surgical clips along a bypass from the chest wall to the anterior descending artery."""
    lad = next(a for a in arteries if a.name == "LAD")
    top = heart.vessels["pulmonary_trunk"].points[-1] + [12.0, -50, 30]
    path = spline(
        np.stack([top, 0.5 * (top + lad.points[20]) + [6, -8, 8], lad.points[min(45, len(lad.points) - 1)]])
    )
    out = []
    for _ in range(draw.integer(4, 12)):
        at = path[draw.integer(0, len(path) - 1)] + draw.vector(2)
        tube = Tube(np.stack([at, at + draw.vector(1.6)]), np.full(2, draw.uniform(0.4, 0.7)))
        out.append(Lesion("clip", 0, 0, tube, draw.uniform(4000, 8000)))
    return out
