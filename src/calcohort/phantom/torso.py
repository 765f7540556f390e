"""Soft tissues of the thorax: body wall, lungs with vessels and airways, mediastinum, upper abdomen."""

from dataclasses import dataclass

import numpy as np

from calcohort.phantom.draws import Draw
from calcohort.phantom.heart import Heart, exit_radius
from calcohort.phantom.organs import abdomen, lung_disease, lung_tree
from calcohort.phantom.paint import Layer
from calcohort.phantom.solids import Blend, Column, Common, Ellipsoid, Gradient, Tube


@dataclass(frozen=True, eq=False)
class Torso:
    """Shape of the chest: skin, muscle wall and the cavity inside the ribs; course of spine and aorta.

    The arch joins the heart and is there once the heart is (`aortic_arch`).
    """

    skin: Column
    muscle: Column
    cavity: Column
    spine: np.ndarray
    descending: Tube
    arch: Tube | None = None

    def spine_y(self, z: float) -> float:
        """Anteroposterior position of the vertebral bodies' centres at a height."""
        return float(np.interp(z, self.spine[:, 2], self.spine[:, 1]))

    def spine_x(self, z: float) -> float:
        """Sideways position of the vertebral bodies' centres at a height."""
        return float(np.interp(z, self.spine[:, 2], self.spine[:, 0]))


def draw_torso(draw: Draw) -> tuple[Torso, float]:
    """Draw the chest; returns it with the depth (y) of the cavity's front wall at the heart."""
    width, depth = draw.span(117, 145), draw.span(86, 108)
    flank = draw.span(0.98, 1.08)
    levels = np.array([-230.0, -120, -60, 0, 60, 100, 130, 155, 175, 300])
    wide = width * np.array([flank, 1.02, 1.02, 1.0, 0.92, 0.80, 0.62, 0.4, 0.1, 0.05])
    deep = depth * np.array([1.0, 1.04, 1.02, 1.0, 0.95, 0.84, 0.66, 0.45, 0.15, 0.08])
    back = np.array([0, 0, 0, 0, 2, 8, 14, 18, 22, 24.0])
    cavity = Column(np.stack([levels, wide, deep, 0 * levels, back], 1), wobble=draw.wobble(1.5, 60, 120))
    wall = draw.span(13, 19)
    fat = draw.span(5, 30, 2.5) if draw.chance(0.75) else draw.span(25, 42)
    rear = draw.span(12, 20)
    upper = np.array([0, 0, 0, 0, 10, 26, 58, 75, 45, 30.0])
    muscle_wide = wide + wall + upper
    muscle_deep = np.maximum(deep + wall * 0.6 + rear * 0.5, 60.0)
    muscle = Column(np.stack([levels, muscle_wide, muscle_deep, 0 * levels, back + rear * 0.5], 1),
                    wobble=draw.wobble(2.5, 50, 110))  # fmt: skip
    belly = fat * np.array([1.5, 1.25, 1.1, 1, 1, 0.9, 0.8, 0.7, 0.6, 0.5])
    front = fat * np.array([0.5, 0.3, 0.15, 0, 0, 0, 0, 0, 0, 0])
    skin = Column(np.stack([levels, muscle_wide + belly, muscle_deep + belly * 0.85, 0 * levels,
                            back + rear * 0.5 - front], 1), wobble=draw.wobble(2.0, 60, 120))  # fmt: skip
    spine = _spine_course(draw, depth)
    front_wall = -depth + float(np.interp(0, levels, back))
    return Torso(skin, muscle, cavity, spine, _descending_aorta(draw, spine)), front_wall


def _spine_course(draw: Draw, depth: float) -> np.ndarray:
    z = np.linspace(-240, 240, 25)
    kyphosis = draw.span(6, 16)
    scoliosis = draw.span(-5, 5)
    y = depth - draw.span(24, 34) - kyphosis * ((z - 25) / 140) ** 2
    return np.stack([scoliosis * np.sin(z / 60), y, z], 1)


def _descending_aorta(draw: Draw, spine: np.ndarray) -> Tube:
    """Descending aorta, in front of the spine and to its left."""
    radius = draw.span(10.5, 14.5)
    z = np.array([-240.0, -160, -80, -30, 20, 60, 84])
    x = np.interp(z, [-240, -80, 84], [8, draw.span(10, 18), draw.span(18, 26)])
    y = np.interp(z, spine[:, 2], spine[:, 1]) - draw.span(28, 33)
    points = np.stack([x + np.interp(z, spine[:, 2], spine[:, 0]), y, z], 1)
    return Tube(points, np.full(len(z), radius) * np.linspace(0.9, 1.06, len(z)))


def aortic_arch(draw: Draw, heart: Heart, descending: Tube) -> Tube:
    """Arch from the ascending to the descending aorta."""
    start, end = heart.vessels["ascending"].points[-1], descending.points[-1]
    top = max(start[2], end[2]) + draw.span(14, 26)
    fractions = np.array([0.0, 0.18, 0.42, 0.68, 0.88, 1.0])
    height = np.array([0.0, 0.62, 0.95, 0.9, 0.5, 0.0])
    points = start + fractions[:, None] * (end - start)
    base = points[:, 2]
    points[:, 2] = base + (top - base) * height
    radii = np.linspace(heart.vessels["ascending"].radii[-1], descending.radii[-1], len(points))
    return Tube(points, radii)


def chest_layers(draw: Draw, torso: Torso, heart: Heart) -> list[Layer]:
    """Body wall, lungs, abdomen and mediastinum, in painting order."""
    layers = [
        Layer(torso.skin, "skin", core=(2.0, "fat")),
        Layer(torso.muscle, "muscle"),
        # A sheet of fat parts the outer muscles from those of the ribs.
        Layer(torso.muscle.shrunk(draw.span(6, 10)), "fat", core=(draw.span(0.8, 2.6), "muscle")),
        *_muscle_fat(draw, torso),
        Layer(torso.cavity, "lung", texture=Gradient(draw.span(0.1, 0.9, 0.0))),
        *lung_tree(draw, torso, heart),
        *lung_disease(draw, torso),
    ]
    layers += abdomen(draw, torso, heart)
    layers += _mediastinum(draw, torso, heart)
    return layers


def _muscle_fat(draw: Draw, torso: Torso) -> list[Layer]:
    """Fat planes between muscles: streaks that follow the wall; and breasts on some chests."""
    layers = []
    for side in (-1, 1):
        for _ in range(draw.integer(3, 6)):
            z0 = draw.uniform(-140, 100)
            angle = draw.uniform(-1.3, 1.4)
            line = []
            for step in np.linspace(0, 1, 6):
                z = z0 + 90 * step
                a, b, cx, cy = torso.muscle.section(z)
                t = angle + 0.35 * step
                line.append([cx + side * (a - 7) * np.cos(t), cy + (b - 7) * np.sin(t), z])
            line = np.array(line)
            normals = line - np.array([0, line[:, 1].mean() * 0.3, 0]) * [1, 1, 0]
            normals[:, 2] = 0
            normals /= np.linalg.norm(normals, axis=1, keepdims=True)
            layers.append(
                Layer(Tube(line, np.full(6, draw.uniform(8, 16)), flat=6.0, normals=normals), "fat")
            )
    return layers


def breasts(draw: Draw, torso: Torso) -> tuple[list[Layer], bool]:
    """Breasts, now and then with implants; to be painted before the muscle wall. Second: implants present."""
    size, implants, layers = draw.span(28, 52), draw.chance(0.05, 0.08), []
    for side in (-1, 1):
        z = draw.uniform(-20, 5)
        a, b, _, cy = torso.muscle.section(z)
        centre = np.array([side * a * 0.5, cy - b * 0.88, z])
        semi = np.array([size * 1.25, size * 0.9, size * 1.2])
        layers.append(Layer(Ellipsoid(centre, semi, wobble=draw.wobble(2)), "skin", core=(2.0, "fat")))
        gland = Ellipsoid(centre + [0, -size * 0.2, 0], semi * 0.45, wobble=draw.wobble(4, 15, 30))
        layers.append(Layer(gland, "gland"))
        if implants:
            layers.append(Layer(Ellipsoid(centre, semi * 0.62), 60.0, core=(1.5, "implant")))
    return layers, implants


def _mediastinum(draw: Draw, torso: Torso, heart: Heart) -> list[Layer]:
    """Mediastinal fat with great vessels, veins, airways, oesophagus and the heart's surroundings."""
    spine_front = np.array([[torso.spine_x(z), torso.spine_y(z), z] for z in range(-240, 241, 40)], float)
    column = Tube(spine_front, np.full(len(spine_front), 22.0))
    carina_z = heart.bifurcation_z + draw.span(10, 18)
    carina = np.array([draw.span(-4, 4), torso.spine_y(carina_z) - draw.span(47, 56), carina_z])
    trachea_top = np.array([carina[0], carina[1] - 8, 240.0])
    oesophagus_y = [(z, torso.spine_y(z) - draw.span(26, 31)) for z in (-100, -40, 0, 40, 90, 200)]
    oesophagus = Tube(
        np.array([[-3 + 0.03 * abs(z), y, z] for z, y in oesophagus_y]),
        np.full(6, draw.span(7, 10)),
        1.7,
        np.tile([0.0, 1, 0], (6, 1)),
    )
    ascending = heart.vessels["ascending"].points[-1]
    thymus = []
    for z in (40, 90, 140):
        _, b, _, cy = torso.cavity.section(z)
        thymus.append([0.4 * ascending[0], 0.6 * (cy - b) + 0.4 * (ascending[1] - 10), z])
    retrosternal = Tube(
        np.array(thymus), draw.span(0.7, 1.3) * np.array([13, 15, 18.0]), 2.0, np.tile([1.0, 0, 0], (3, 1))
    )
    centre = Tube(
        np.stack([carina - [0, 8, 45], carina, 0.5 * (carina + trachea_top)]), np.array([20, 26, 26.0])
    )
    arch = torso.arch
    pieces = (column, torso.descending, arch, oesophagus, centre, retrosternal, heart.vessels["ascending"])
    heart_top = heart.vessels["ascending"].points[-1]
    between = Ellipsoid(0.5 * (heart_top + carina) - [0, 0, 8], np.array([24.0, 36, 34]))
    fat = Blend((*pieces, between), smooth=22, grow=3.0)
    cavity = torso.cavity.shrunk(-6)
    layers = [Layer(Common((fat, cavity)), "mediastinal_fat")]
    layers += _paracardial_fat(draw, heart, cavity)
    sac = Layer(
        Common((heart.fat, cavity)),
        "pericardium",
        core=(draw.span(0.5, 1.3, 0.3), "mediastinal_fat"),
        group="heart",
    )
    layers.append(sac)
    layers += _great_vessels(draw, torso, heart, carina)
    layers.append(Layer(oesophagus, "muscle", core=(2.5, "oesophagus")))
    trachea = Tube(
        np.stack([carina, 0.5 * (carina + trachea_top), trachea_top]), np.full(3, draw.span(8, 10.5))
    )
    layers.append(Layer(trachea, "airway_wall", core=(1.6, "gas")))
    for side in (-1, 1):
        root = carina + np.array([side * 24.0, 3, -15 - 6 * (side > 0)])
        out = root + np.array([side * 24.0, draw.uniform(0, 8), -18 - draw.uniform(0, 10)])
        low = out + np.array([side * 14.0, 14, -28.0])
        bronchus = Tube(np.stack([carina, root, out, low]), np.array([7.5, 6.5, 4.8, 3.2]))
        layers.append(Layer(bronchus, "airway_wall", core=(1.3, "gas"), detail="medium"))
    return layers


def _paracardial_fat(draw: Draw, heart: Heart, cavity: Column) -> list[Layer]:
    """Fat outside the pericardium, in the angles between heart, diaphragm and chest wall."""
    layers = []
    low = heart.envelope.bounds()[0]
    for side, chance in ((1, 0.75), (-1, 0.6)):
        if not draw.chance(chance):
            continue
        towards = np.array([side * 0.75, -draw.uniform(0.35, 0.8), -draw.uniform(0.3, 0.7)])
        towards /= np.linalg.norm(towards)
        reach = exit_radius(heart.envelope, heart.origin[None], towards[None])[0]
        centre = heart.origin + (reach + draw.uniform(0, 8)) * towards
        semi = np.array([draw.span(14, 28), draw.span(12, 22), draw.span(16, 32)])
        pad = Ellipsoid(centre, semi, wobble=draw.wobble(4, 30, 70))
        layers.append(Layer(Common((pad, cavity)), "mediastinal_fat", group="heart"))
    if draw.chance(0.6):
        front = np.array([heart.origin[0] + draw.uniform(-10, 25), low[1] + 4, low[2] + draw.uniform(20, 60)])
        semi = np.array([draw.span(26, 50), draw.span(6, 12), draw.span(25, 50)])
        layers.append(Layer(Common((Ellipsoid(front, semi), cavity)), "mediastinal_fat", group="heart"))
    return layers


def _great_vessels(draw: Draw, torso: Torso, heart: Heart, carina) -> list[Layer]:
    """Pulmonary arteries and veins, caval veins, arch with branches, descending aorta."""
    end = heart.vessels["pulmonary_trunk"].points[-1]
    la, ra = heart.chambers["LA"].centre, heart.chambers["RA"].centre
    hilum_z = heart.bifurcation_z
    right = np.stack(
        [end, [-6, end[1] + 14, hilum_z], [-46, end[1] + 18, hilum_z - 6], [-66, end[1] + 22, hilum_z - 24]]
    )
    left = np.stack(
        [end, [40, end[1] + 16, hilum_z + 6], [52, end[1] + 34, hilum_z - 2], [56, end[1] + 38, hilum_z - 30]]
    )
    pieces = [
        (Tube(right, np.array([12, 11, 9, 6.0])), "static"),
        (Tube(left, np.array([12, 11, 9, 6.0])), "static"),
    ]
    for side in (-1, 1):
        for dz in (-10, 16):
            mouth = la + np.array([side * 14.0, 8, dz * 0.5])
            tip = la + np.array([side * draw.uniform(46, 60), draw.uniform(10, 28), dz + draw.uniform(-8, 8)])
            bend = 0.5 * (mouth + tip) + [0, draw.uniform(-5, 3), 0]
            pieces.append((Tube(np.stack([mouth, bend, tip]), np.array([9.0, 6.5, 4.0])), "heart"))
    asc = heart.vessels["ascending"].points
    svc_x = asc[-1][0] - heart.vessels["ascending"].radii[-1] - draw.span(10, 14)
    svc = np.stack(
        [ra + [4, 2, 18], [svc_x, asc[-1][1] + 10, asc[-1][2]], [svc_x - 2, asc[-1][1] + 4, asc[-1][2] + 60]]
    )
    pieces.append((Tube(svc, np.array([10, 9.5, 9])), "static"))
    ivc = np.stack([ra + [4, 8, -12], ra + [8, 14, -40], ra + [14, 22, -140]])
    pieces.append((Tube(ivc, np.full(3, draw.span(9, 13))), "static"))
    layers = [Layer(t, "blood", group=g) for t, g in pieces]
    layers += [
        Layer(torso.descending, "aorta_wall", core=(1.3, "blood")),
        Layer(torso.arch, "aorta_wall", core=(1.3, "blood")),
    ]
    crown = torso.arch.points
    for fraction, x in ((1, -14), (2, 4), (3, 18)):
        top = np.array([x * 1.6, crown[fraction][1] - 6, crown[fraction][2] + 70])
        layers.append(Layer(Tube(np.stack([crown[fraction], top]), np.array([6, 4.5])), "blood"))
    return layers


def heart_layers(heart: Heart) -> list[Layer]:
    """Root, trunk and chambers with blood inside muscle, moving together."""
    layers = [Layer(heart.epicardium, "myocardium", group="heart")]
    walls = {
        "LV": 9.0,
        "RV": 3.0,
        "RVOT": 2.5,
        "LA": 2.0,
        "RA": 2.0,
        "LA appendage": 2.0,
        "RA appendage": 2.0,
    }
    for name in ("LA", "RA", "LA appendage", "RA appendage", "RV", "RVOT", "LV"):
        layers.append(Layer(heart.chambers[name], "myocardium", core=(walls[name], "blood"), group="heart"))
    for name in ("pulmonary_trunk", "root", "ascending"):
        layers.append(Layer(heart.vessels[name], "aorta_wall", core=(1.3, "blood"), group="heart"))
    return layers
