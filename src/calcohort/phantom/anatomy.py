"""One simulated patient: anatomy, tissues, calcium and confounders, drawn from a seed."""

from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import torch

from calcohort import seeds
from calcohort.categories import CATEGORIES
from calcohort.errors import InputError
from calcohort.phantom import devices, lesions
from calcohort.phantom.bones import arms_down, skeleton
from calcohort.phantom.draws import POPULATIONS, Draw
from calcohort.phantom.heart import Heart, draw_heart
from calcohort.phantom.lesions import Lesion
from calcohort.phantom.paint import Canvas, Grid, Layer
from calcohort.phantom.solids import Sheet, Tube
from calcohort.phantom.torso import Torso, aortic_arch, breasts, chest_layers, draw_torso, heart_layers
from calcohort.phantom.vessels import Artery, draw_arteries, groove_fat
from calcohort.volume import Volume

# Share of the four categories where no burden is asked for: calcium-rich for training, near life for a demo.
CATEGORY_SHARE = {
    "training": (0.17, 0.24, 0.25, 0.34),
    "shifted": (0.2, 0.25, 0.25, 0.3),
    "demo": (0.32, 0.28, 0.2, 0.2),
}
TARGETS = {"1-100": (8.0, 60.0), "101-400": (135.0, 275.0), ">400": (520.0, 3000.0)}


@dataclass(frozen=True, eq=False)
class Anatomy:
    """A patient: everything that does not depend on the scan.

    Attributes
    ----------
    seed : tuple of int
    population : str
        "training", "demo" or "shifted".
    burden : str
        Category of the Agatston score that was aimed at.
    layers : tuple of Layer
        Tissues in painting order.
    lesions : tuple of Lesion
        Calcifications and metal.
    tissues : mapping of str to float
        HU at 120 kV.
    confounders : tuple of str
        Kinds of structures present that can be mistaken for coronary calcium.
    size : float
        Body size relative to the mean, which sets the noise.
    """

    seed: tuple[int, ...]
    population: str
    burden: str
    torso: Torso
    heart: Heart
    arteries: tuple[Artery, ...]
    layers: tuple[Layer, ...]
    lesions: tuple[Lesion, ...]
    tissues: MappingProxyType
    confounders: tuple[str, ...]
    size: float


def draw_anatomy(seed, *, burden: str | None = None, population: str = "demo") -> Anatomy:
    """Draw one patient.

    Parameters
    ----------
    seed : int or tuple of int
        Names the patient within the population.
    burden : str, optional
        Category of the Agatston score to aim at, one of `CATEGORIES`; None draws one.
    population : {"training", "demo", "shifted"}
        Realistic ("demo"), widened beyond life for training, or partly outside what training covers.
    """
    if population not in POPULATIONS:
        raise InputError(f"unknown population '{population}'", cure=f"use one of {', '.join(POPULATIONS)}")
    if burden is not None and burden not in CATEGORIES:
        raise InputError(f"unknown burden '{burden}'", cure=f"use one of {', '.join(CATEGORIES)}")
    seed = tuple(int(s) for s in seed) if isinstance(seed, tuple | list) else (int(seed),)
    stream = lambda part: Draw(seeds.rng("phantom", population, *seed, part), population)  # noqa: E731

    draw = stream("body")
    torso, front_wall = draw_torso(draw)
    heart = _place_heart(stream("heart"), front_wall)
    torso = replace(torso, arch=aortic_arch(draw, heart, torso.descending))
    arteries = draw_arteries(stream("arteries"), heart)
    layers, cartilages, found = _body_layers(draw, torso, heart)
    layers += heart_layers(heart)
    lumens = {a.name: a.tube() for a in arteries}
    layers += groove_fat(draw, arteries)
    layers += [Layer(t, "blood", group="heart", detail="medium") for t in lumens.values()]

    calcium = stream("calcium")
    if burden is None:
        burden = str(calcium.generator.choice(CATEGORIES, p=CATEGORY_SHARE[population]))
    planted = _coronary(calcium, arteries, burden)
    others = _confounders(stream("confounders"), torso, heart, arteries, cartilages, layers, burden)
    if burden == "0":
        planted = []
    planted += others
    names = {lesion.kind for lesion in planted if lesion.label != 1} | set(found)
    size = float(torso.skin.section(0.0)[0] * torso.skin.section(0.0)[1] / (165.0 * 118.0)) ** 0.5
    return Anatomy(seed, population, burden, torso, heart, arteries, tuple(layers), tuple(planted),
                   MappingProxyType(_tissues(stream("tissues"))), tuple(sorted(names)), size)  # fmt: skip


def _place_heart(draw: Draw, front_wall: float) -> Heart:
    """Draw the heart, then slide it until its front lies just behind the chest wall."""
    aside = draw.span(3, 19)
    state = draw.generator.bit_generator.state
    heart = draw_heart(draw, np.array([aside, 0.0, 0.0]))
    reach = min(heart.chambers[name].bounds()[0][1] for name in ("RV", "LV", "RVOT"))
    shift = front_wall + draw.span(-3, 5) - reach
    # Drawing again from the same state gives the same heart in its place.
    draw.generator.bit_generator.state = state
    return draw_heart(draw, np.array([aside, shift, 0.0]))


def _body_layers(draw: Draw, torso: Torso, heart: Heart) -> tuple[list[Layer], list[Tube], list[str]]:
    layers, found = _table(draw, torso), []
    raised = not draw.chance(0.12, 0.2)
    if not raised:
        layers += arms_down(draw, torso)
        found.append("arms")
    if draw.chance(0.4):
        chest, implants = breasts(draw, torso)
        layers += chest
        found += ["breast_implant"] if implants else []
    layers += chest_layers(draw, torso, heart)
    bones, cartilages = skeleton(draw, torso, raised)
    # The spine lies behind the mediastinum, so that bones come after the fat but before heart and vessels.
    return layers + bones, cartilages, found


def _table(draw: Draw, torso: Torso) -> list[Layer]:
    _, depth, _, y = torso.skin.section(0.0)
    top = y + depth + draw.uniform(2, 12)
    out, bend = [], draw.uniform(0.0, 9e-4)
    for offset, hu in ((0.0, draw.uniform(-250, 150)), (draw.uniform(18, 30), draw.uniform(-400, 100))):
        sheet = Sheet(top + offset, bend, draw.uniform(190, 230), draw.uniform(1.5, 4.0))
        out.append(Layer(sheet, hu, detail="medium"))
    return out


def _coronary(draw: Draw, arteries, burden: str) -> list[Lesion]:
    if burden == "0":
        return []
    low, high = TARGETS[burden]
    target = float(np.exp(draw.generator.uniform(np.log(low), np.log(high))))
    return lesions.aim_coronary(draw, arteries, target, agatston_of)


def agatston_of(lesion: Lesion) -> float:
    """Agatston score of one lesion alone on a noise-free gated scan (0.4 mm pixels, 3 mm slices)."""
    from calcohort.scoring.agatston import score

    low, high = lesion.tube.bounds()
    low, high = low - 1.5, high + 1.5
    # Slices at fixed heights, as in a scan, not fitted to the lesion.
    first = np.floor(low[2] / 3.0) * 3.0
    counts = np.ceil((high[:2] - low[:2]) / 0.4).astype(int) + 1
    shape = (int(np.ceil((high[2] - first) / 3.0)) + 1, int(counts[1]), int(counts[0]))
    grid = Grid(shape, (0.4, 0.4, 3.0), (float(low[0]), float(low[1]), float(first)))
    canvas = Canvas(grid, 3.0)
    found = canvas.coverage(Layer(lesion.tube, lesion.hu, detail="medium"))
    # Plaques lie between blood and fat.
    hu = torch.full(shape, -30.0)
    if found is not None:
        box, part = found
        hu[box] += part * (lesion.hu + 30.0)
    # Kernel and remaining motion together come to about 0.6 mm: three box means.
    blurred = hu[:, None]
    for _ in range(3):
        blurred = torch.nn.functional.avg_pool2d(blurred, 3, 1, 1, count_include_pad=False)
    volume = Volume(blurred[:, 0].numpy(), grid.spacing_xyz_mm, grid.origin_lps_mm)
    return score(volume, volume.hu >= 130).agatston


def _confounders(draw: Draw, torso, heart, arteries, cartilages, layers, burden) -> list[Lesion]:
    by_name = {a.name: a for a in arteries}
    # Calcium elsewhere goes with calcium in the coronary arteries, but exists without it.
    more = {"0": 0.6, "1-100": 0.9, "101-400": 1.1, ">400": 1.4}[burden]
    out: list[Lesion] = []

    def happens(demo, training):
        return draw.chance(min(demo * more, 0.95), min(training * more, 0.95))

    ascending = heart.vessels["ascending"]
    for vessel, group, demo, training in (
        (ascending, "heart", 0.3, 0.5),
        (torso.arch, "static", 0.4, 0.45),
        (torso.descending, "static", 0.4, 0.45),
    ):
        if happens(demo, training):
            heavy = draw.chance(0.1, 0.2)
            out += lesions.aortic_wall(
                draw, vessel, group, draw.integer(8, 20) if heavy else draw.integer(1, 7)
            )
    for name in ("LM", "RCA"):
        if happens(0.16, 0.4):
            out += lesions.ostial_pair(
                draw, by_name[name], heart, burden in ("101-400", ">400") and draw.chance(0.0, 0.6)
            )
    for make, demo, training in (
        (lambda: lesions.valve(draw, heart), 0.22, 0.5),
        (lambda: lesions.mitral(draw, heart), 0.16, 0.45),
        (lambda: lesions.pericardial(draw, heart), 0.05, 0.24),
        (lambda: lesions.pleural(draw, torso), 0.08, 0.2),
        (lambda: lesions.nodes(draw, heart, heart.bifurcation_z + 14), 0.15, 0.25),
        (lambda: lesions.abdominal(draw, heart), 0.06, 0.18),
        (lambda: lesions.cartilage(draw, cartilages), 0.55, 0.55),
        (lambda: lesions.bronchi(draw, layers), 0.15, 0.2),
        (lambda: devices.stent(draw, arteries), 0.06, 0.2),
        (lambda: devices.leads(draw, heart), 0.05, 0.14),
        (lambda: devices.sternal_wires(draw, torso) + devices.clips(draw, heart, arteries), 0.05, 0.14),
    ):
        if happens(demo, training):
            out += make()
    return out


def _tissues(draw: Draw) -> dict[str, float]:
    blood = draw.span(34, 50)
    fat = draw.span(-112, -92)
    return {
        "skin": draw.span(-10, 30),
        "fat": fat,
        "muscle": draw.span(40, 62),
        "gland": draw.span(0, 45),
        "implant": draw.span(20, 110),
        "lung": draw.span(-890, -810),
        "vessel": draw.span(-10, 40),
        "blood": blood,
        "myocardium": blood + draw.span(-2, 9),
        "aorta_wall": blood + draw.span(0, 14),
        "mediastinal_fat": fat + draw.span(0, 16),
        "abdominal_fat": fat + draw.span(-3, 8),
        "pericardium": draw.span(-30, 40),
        "liver": draw.span(38, 66),
        "spleen": draw.span(38, 54),
        "stomach": draw.uniform(80, 500) if draw.chance(0.12) else draw.span(0, 45),
        "gas": draw.uniform(-990, -960),
        "oesophagus": draw.uniform(-500, -50) if draw.chance(0.3) else draw.span(25, 45),
        "airway_wall": draw.span(0, 60),
        "cortex": draw.span(480, 900),
        "trabecular": draw.span(70, 180),
        "marrow": draw.span(20, 160),
        "disc": draw.span(60, 110),
        "canal": draw.span(5, 30),
        "cartilage": draw.span(90, 190),
        "cartilage_core": draw.span(60, 110),
    }
