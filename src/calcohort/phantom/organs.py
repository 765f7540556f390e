"""Lungs with their vessels and diseases, and the organs of the upper abdomen."""

from typing import TYPE_CHECKING

import numpy as np

from calcohort.phantom.draws import Draw
from calcohort.phantom.heart import Heart
from calcohort.phantom.paint import Layer
from calcohort.phantom.solids import Blend, Common, Ellipsoid, HalfSpace, Tube

if TYPE_CHECKING:
    from calcohort.phantom.torso import Torso


def lung_tree(draw: Draw, torso: "Torso", heart: Heart) -> list[Layer]:
    """Pulmonary vessels: branching tubes from each hilum to the periphery."""
    layers = []
    for side in (-1, 1):
        hilum = np.array([side * 40.0, 14.0, heart.bifurcation_z - 6.0])
        # The lower lobe's artery descends behind the heart and gives off the basal branches.
        basal = hilum + np.array([side * draw.uniform(14, 22), draw.uniform(18, 30), -draw.uniform(55, 72)])
        line = np.stack([hilum, 0.5 * (hilum + basal) + [side * 4.0, -2, 0], basal])
        layers.append(Layer(Tube(line, np.array([8.0, 6, 3.8])), "vessel", group="breath", detail="medium"))
        for i in range(draw.integer(24, 32)):
            low = i % 5 < 3
            z = float(draw.uniform(-95, 10) if low else draw.uniform(0, 125))
            a, b, cx, cy = torso.cavity.section(z)
            angle = draw.uniform(-1.3, 1.5)
            target = np.array([cx + side * 0.92 * a * np.cos(angle), cy + 0.9 * b * np.sin(angle), z])
            start = hilum + (basal - hilum) * (draw.uniform(0.25, 1.0) if low else 0.0) + draw.vector(4)
            layers += _branch(draw, start, target, draw.uniform(2.0, 3.6), 3)
    return layers


def lung_disease(draw: Draw, torso: "Torso") -> list[Layer]:
    """Consolidations, nodules and pleural fluid, which border on the heart in many patients."""
    layers = []
    if draw.chance(0.25, 0.35):
        for _ in range(draw.integer(1, 3)):
            z = draw.uniform(-60, 90)
            a, b, cx, cy = torso.cavity.section(z)
            side, angle, out = (
                draw.generator.choice([-1, 1]),
                draw.uniform(-1.4, 1.4),
                draw.uniform(0.45, 0.95),
            )
            centre = [cx + side * a * out * np.cos(angle), cy + b * out * np.sin(angle), z]
            semi = draw.uniform(5, 26) * np.array([draw.uniform(0.6, 1.4) for _ in range(3)])
            blob = Ellipsoid(np.array(centre), semi, wobble=draw.wobble(7, 14, 40))
            layers.append(Layer(Common((blob, torso.cavity)), draw.uniform(-150, 55), group="breath"))
    if draw.chance(0.15, 0.2):
        side, depth = draw.generator.choice([-1, 1]), draw.uniform(12, 45)
        _, b, _, cy = torso.cavity.section(-30)
        surface = HalfSpace(np.array([0, cy + b - depth, -30.0]), np.array([0, -0.95, 0.3]))
        half = HalfSpace(np.array([side * 8.0, 0, 0]), np.array([-side, 0, 0.0]))
        layers.append(Layer(Common((torso.cavity, surface, half)), draw.uniform(-5, 30)))
    return layers


def _branch(draw: Draw, start, end, radius, depth) -> list[Layer]:
    middle = 0.5 * (start + end) + draw.vector(0.08 * float(np.linalg.norm(end - start)))
    points = np.stack([start, 0.5 * (start + middle) + draw.vector(2), middle])
    tube = Tube(points, np.array([radius, radius * 0.85, radius * 0.72]))
    layers = [Layer(tube, "vessel", group="breath", detail="medium")]
    if depth > 1:
        for _ in range(2):
            reach = float(np.linalg.norm(end - middle))
            tip = middle + (end - middle) * draw.uniform(0.7, 1.0) + draw.vector(0.3 * reach)
            layers += _branch(draw, middle, tip, radius * draw.uniform(0.58, 0.8), depth - 1)
    else:
        tail = Tube(np.stack([middle, end]), np.array([radius * 0.7, max(0.4, radius * 0.3)]))
        layers.append(Layer(tail, "vessel", group="breath", detail="medium"))
    return layers


def abdomen(draw: Draw, torso: "Torso", heart: Heart) -> list[Layer]:
    """Diaphragm domes with liver, stomach, spleen; everything below them is fat and organs."""
    a, b, _, cy = torso.cavity.section(-100.0)
    floor = float(_lowest(heart))
    right_top, left_top = floor + draw.span(10, 38), floor + draw.span(-6, 22)

    def dome(side, top, share):
        semi = np.array([a * share, b * 1.05, draw.span(85, 120)])
        centre = np.array([side * a * draw.uniform(0.42, 0.5), cy + draw.span(-6, 12), top - semi[2]])
        return Ellipsoid(centre, semi, wobble=draw.wobble(3, 90, 220))

    right, left = dome(-1, right_top, 0.66), dome(1, left_top, 0.62)
    bed = _bed(draw, heart)
    domes = Blend((right, left, bed), smooth=20)
    inside = torso.cavity.shrunk(1.5)
    layers = [
        Layer(Common((domes, inside)), "muscle", core=(2.5, "abdominal_fat"), group="breath"),
    ]
    lobe = Ellipsoid(
        np.array([draw.span(5, 25), cy - 32, floor - draw.span(46, 58)]),
        np.array([84, draw.span(44, 58), 62.0]),
        wobble=draw.wobble(3, 90, 220),
    )
    liver = Common((Blend((right, lobe), smooth=20, grow=-2.0), torso.cavity.shrunk(4.0)))
    layers.append(Layer(liver, "liver", group="breath"))
    centre = left.centre + np.array([0, 0, left.semi[2]])
    spleen = Ellipsoid(
        centre + np.array([draw.span(15, 28), draw.span(32, 45), -draw.span(45, 62)]),
        np.array([30, 44, 42.0]) * draw.span(0.8, 1.1), wobble=draw.wobble(3),
    )  # fmt: skip
    stomach = Ellipsoid(
        centre + np.array([draw.span(-20, 5), draw.span(-38, -15), -draw.span(42, 62)]),
        np.array([40, 38, 43.0]) * draw.span(0.75, 1.1), wobble=draw.wobble(4),
    )  # fmt: skip
    layers.append(Layer(Common((spleen, inside.shrunk(3))), "spleen", group="breath"))
    layers.append(Layer(Common((stomach, inside.shrunk(3))), "muscle", core=(4.0, "stomach"), group="breath"))
    gas = Ellipsoid(stomach.centre + np.array([0, -12, 8]), np.asarray(stomach.semi) * 0.55)
    if draw.chance(0.7):
        layers.append(Layer(gas, "gas", group="breath"))
    return layers


def _bed(draw: Draw, heart: Heart) -> Ellipsoid:
    """The flat middle of the diaphragm, on which the heart rests with little fat between."""
    normal = heart.bed.normal
    left = np.cross(normal, [0.0, 1.0, 0.0])
    left /= np.linalg.norm(left)
    frame = np.stack([left, np.cross(normal, left), normal])
    thick = draw.span(50, 64)
    depth = heart.fat.grow + draw.uniform(-1.0, 2.0) + thick
    return Ellipsoid(heart.bed.point + depth * normal, np.array([122, 92, thick]), frame)


def _lowest(heart: Heart) -> float:
    return max(heart.chambers[c].bounds()[0][2] for c in ("RV", "LV"))
