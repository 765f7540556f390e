"""Skeleton of the thorax: vertebrae, ribs with cartilage, sternum, clavicles, scapulae, arms."""

import numpy as np

from calcohort.phantom.draws import Draw
from calcohort.phantom.paint import Layer
from calcohort.phantom.solids import Blend, Drum, Ellipsoid, Tube
from calcohort.phantom.torso import Torso

LEVEL_MM = 23.0
# Muscle behind and beside the spine: x, y from the vertebral centre, radius.
COLUMNS = ((0, 38, 18), (-19, 42, 14), (19, 42, 14), (-12, 8, 11), (12, 8, 11))


def skeleton(draw: Draw, torso: Torso, raised: bool) -> tuple[list[Layer], list[Tube]]:
    """All bones in painting order, with arms `raised` or not; and the costal cartilages."""
    spacing = LEVEL_MM * draw.span(0.93, 1.07)
    first = 8.3 + draw.span(-0.8, 0.8)
    layers = _spine(draw, torso, spacing, first)
    ribs, cartilages = _ribs(draw, torso, spacing, first)
    layers += ribs
    layers += _sternum(draw, torso)
    layers += _shoulders(draw, torso, raised)
    return layers, cartilages


def _spine(draw: Draw, torso: Torso, spacing: float, first: float) -> list[Layer]:
    layers, thick = [], draw.span(0.9, 1.5)
    course = np.array([[torso.spine_x(z), torso.spine_y(z), z] for z in np.arange(-230, 231, 20.0)])
    layers.append(Layer(Tube(course, np.full(len(course), 14.0)), "disc"))
    columns = [Tube(course + [x, y, 0], np.full(len(course), r)) for x, y, r in COLUMNS]
    layers.insert(0, Layer(Blend(tuple(columns), smooth=14), "muscle"))
    for level in range(1, 16):
        z = (first - level) * spacing
        grow = 1.0 + 0.02 * (level - 8)
        centre = np.array([torso.spine_x(z), torso.spine_y(z), z])
        body = Drum(centre, (16.0 * grow, 13.5 * grow), spacing * 0.41, 0.1)
        grain = draw.wobble(60, 7, 16)
        layers.append(Layer(body, "cortex", core=(thick, "trabecular"), texture=grain))
        layers += _vertebral_arch(draw, centre, grow)
        if draw.chance(0.2, 0.3):
            # Osteophyte: a bright beak at the rim of the disc, most often on the right.
            angle = draw.uniform(-2.9, -0.8)
            rim = centre + np.array([16 * grow * np.cos(angle), 13.5 * grow * np.sin(angle), spacing * 0.4])
            layers.append(Layer(Ellipsoid(rim, np.array([5, 4, 4.0]) * draw.uniform(0.7, 1.4)), "cortex"))
    canal = course + [0, 21.5, 0]
    layers.append(Layer(Tube(canal, np.full(len(course), 8.0)), "canal", detail="smooth"))
    return layers


def _vertebral_arch(draw: Draw, c: np.ndarray, grow: float) -> list[Layer]:
    def bone(points, radii, flat=1.0):
        points = c + np.array(points, float) * grow
        normals = np.tile([1.0, 0, 0], (len(points), 1)) if flat > 1 else None
        tube = Tube(points, np.array(radii, float) * grow, flat, normals)
        return Layer(tube, "cortex", core=(1.2, "trabecular"), detail="medium")

    layers = [bone([[0, 31, -4], [0, 42, -14], [0, 50, -22]], [7, 7, 5.5], flat=2.2)]
    for side in (-1, 1):
        layers.append(
            bone([[side * 10, 10, 4], [side * 12, 19, 2], [side * 8, 28, -3], [0, 32, -5]], [5, 5, 4.5, 5])
        )
        layers.append(bone([[side * 12, 19, 2], [side * 30, 25, 3]], [5, 5]))
    return layers


def _ribs(draw: Draw, torso: Torso, spacing, first) -> tuple[list[Layer], list[Tube]]:
    layers, cartilages = [], []
    half, flat, drop = draw.span(5.6, 7.2), draw.span(1.45, 1.9), draw.span(85, 120)
    cortex, gap = draw.span(0.9, 1.5), draw.span(3.5, 5.5)
    for level in range(1, 13):
        z0 = (first - level) * spacing + 6
        fall = drop * (0.35 if level == 1 else 0.7 if level == 2 else 1.0)
        last = np.radians(np.interp(level, [1, 4, 7, 9, 12], [150, 158, 148, 128, 70]))
        for side in (-1, 1):
            angles = np.linspace(np.radians(14), last, 26)
            tilt = draw.uniform(-3, 3)
            points = np.array([_rib_point(torso, a, side, z0 + tilt, fall, gap) for a in angles])
            # The neck of the rib joins the vertebra.
            joint = [[torso.spine_x(z0) + side * 17, torso.spine_y(z0) + 10, z0 - 3],
                     [torso.spine_x(z0) + side * 32, torso.spine_y(z0) + 19, z0]]  # fmt: skip
            keep = np.abs(points[:, 0] - torso.spine_x(z0)) > 38
            points = np.vstack([joint, points[keep]])
            normals = points * [1.0, 1.0, 0] - [0, 8.0, 0]
            normals /= np.linalg.norm(normals, axis=1, keepdims=True)
            radii = np.full(len(points), half) * np.r_[0.7, 0.8, np.ones(len(points) - 2)]
            tube = Tube(points, radii, flat, normals)
            layers.append(Layer(tube, "cortex", core=(cortex, "marrow"), detail="medium"))
            if 1 <= level <= 9:
                cartilages.append(_cartilage(draw, torso, points[-2:], side, level, half, flat))
    layers += [Layer(c, "cartilage", core=(1.0, "cartilage_core"), detail="medium") for c in cartilages]
    return layers, cartilages


def _rib_point(torso: Torso, angle: float, side: int, z0: float, fall: float, gap: float) -> list[float]:
    """Point of a rib at an angle from the back (0) to the front (pi), sinking as it goes."""
    z = z0 + 5 * np.sin(angle) - fall * (1 - np.cos(angle)) / 2
    a, b, cx, cy = torso.cavity.section(z)
    # The cavity is a superellipse of exponent 2.5; 0.8 = 2 / 2.5.
    s, c = np.sin(angle), np.cos(angle)
    return [cx + side * (a + gap) * s**0.8, cy + (b + gap) * np.sign(c) * abs(c) ** 0.8, z]


def _cartilage(draw, torso, ends, side, level, half, flat) -> Tube:
    start = ends[-1]
    # Ribs 1-7 reach the sternum, 8-9 join the arch of the seventh.
    target_z = np.interp(level, [1, 2, 3, 4, 5, 6, 7, 9], [112, 96, 75, 55, 38, 24, 12, -20])
    target_z = max(target_z, start[2] - 5)
    reach = 16.0 if level <= 7 else 40.0
    middle_z = 0.6 * start[2] + 0.4 * target_z - 4
    front = [torso.cavity.section(z) for z in (middle_z, target_z)]
    middle = [0.5 * (start[0] + side * reach), 0, middle_z]
    middle[1] = front[0][3] - (front[0][1] + 5) * max(0.0, 1 - (abs(middle[0]) / front[0][0]) ** 2.5) ** 0.4
    end = [side * reach, front[1][3] - front[1][1] - 5, target_z]
    points = np.array([start, middle, end])
    normals = np.array([[side * 0.3, -1, 0]] * 3) / np.hypot(1, 0.3)
    return Tube(points, np.full(3, half * draw.uniform(1.0, 1.15)), flat * 0.75, normals)


def _sternum(draw: Draw, torso: Torso) -> list[Layer]:
    z = np.array([draw.span(0, 12), 30.0, 60.0, 84.0, 90.0, 112.0])
    y = np.array([torso.cavity.section(v)[3] - torso.cavity.section(v)[1] - 5 for v in z])
    points = np.stack([0 * z, y, z], 1)
    wide = draw.span(0.85, 1.15) * np.array([9, 17, 16, 14, 20, 27.0])
    body = Tube(points, wide, 2.6, np.tile([0, -1.0, 0], (len(z), 1)))
    layers = [Layer(body, "cortex", core=(draw.span(0.8, 1.4), "marrow"), detail="medium")]
    xiphoid = np.stack([points[0], points[0] + [draw.uniform(-3, 3), draw.uniform(0, 8), -28]])
    tissue = "cortex" if draw.chance(0.3) else "cartilage"
    layers.append(Layer(Tube(xiphoid, np.array([6.0, 3.0])), tissue, core=(1.0, "marrow"), detail="medium"))
    return layers


def _shoulders(draw: Draw, torso: Torso, raised: bool) -> list[Layer]:
    layers = []
    for side in (-1, 1):
        a, b, _, cy = torso.cavity.section(95.0)
        front = cy - b
        clavicle = np.array([[18, front + 2, 116], [60, front + 8, 130], [120, 5, 142 + 15 * raised]]) * [
            side,
            1,
            1,
        ]
        layers.append(
            Layer(Tube(clavicle, np.array([9, 6.5, 7])), "cortex", core=(1.6, "marrow"), detail="medium")
        )
        blade = np.array(
            [[0.84 * a + 8, 72, 10 + 20 * raised], [a + 10, 62, 60], [a + 32, 40, 112 + 10 * raised]]
        )
        blade = blade * [side, 1, 1] + [0, draw.uniform(0, 8), 0]
        normals = np.array([[side * 0.55, 0.83, 0.1]] * 3)
        plate = Tube(blade, np.array([14.0, 42, 24]), 11.0, normals)
        layers.append(Layer(plate, "cortex", core=(1.4, "marrow"), detail="medium"))
        head = np.array([side * (a + 62), 22.0, 138 + 20 * raised])
        layers.append(Layer(Ellipsoid(head, np.array([22, 22, 22.0])), "cortex", core=(1.5, "marrow")))
        if raised:
            shaft = np.stack([head, head + [side * 20.0, -10, 90.0]])
            layers.append(Layer(Tube(shaft, np.array([12, 11.0])), "cortex", core=(4.0, "marrow")))
    return layers


def arms_down(draw: Draw, torso: Torso) -> list[Layer]:
    """Arms beside the chest, to be painted before the body."""
    layers = []
    for side in (-1, 1):
        a = torso.skin.section(0.0)[0]
        radius = draw.span(38, 50)
        x = side * (a + radius + draw.uniform(-6, 10))
        y = draw.uniform(0, 35)
        line = np.array([[x * 0.95, y, 150], [x, y, 40], [x * 1.02, y + 8, -140.0], [x, y, -240]])
        layers.append(Layer(Tube(line, np.full(4, radius)), "skin", core=(2.0, "fat")))
        layers.append(Layer(Tube(line, np.full(4, radius * 0.82)), "muscle"))
        layers.append(Layer(Tube(line, np.full(4, 11.5)), "cortex", core=(4.0, "marrow")))
    return layers
