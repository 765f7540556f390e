"""The heart: chambers, root, great vessels at the base, and the envelope of the pericardium.

Heart frame: rows (apex, septal, anterior). "apex" runs from the base to the apex (to the left, front and
down), "septal" from the left to the right ventricle (to the right and front), "anterior" upward in the
short-axis plane. The origin is the centre of the atrioventricular plane.
"""

from dataclasses import dataclass

import numpy as np

from calcohort.phantom.draws import Draw
from calcohort.phantom.solids import Blend, Common, Ellipsoid, HalfSpace, Pressed, Tube, field_at

APEX = np.array([0.57, -0.63, -0.53])


@dataclass(frozen=True, eq=False)
class Heart:
    """Geometry of one heart in body coordinates (mm).

    Attributes
    ----------
    chambers : dict of str to solid
        LV, RV, LA, RA, appendages and outflow tract.
    vessels : dict of str to Tube
        root (with sinuses), ascending, pulmonary_trunk.
    epicardium : Blend
        Muscle surface, on which the coronary arteries lie.
    envelope : solid
        The heart region: all inside the pericardium, with fat, up to the pulmonary bifurcation.
    bifurcation_z : float
        Height of the pulmonary bifurcation.
    root_radius : float
        Of the sinuses (mm).
    bed : HalfSpace
        Plane on which the muscle lies: hearts are flat where they rest on the diaphragm.
    """

    origin: np.ndarray
    frame: np.ndarray
    scale: float
    chambers: dict
    vessels: dict
    epicardium: Blend
    envelope: Common
    fat: Blend
    bifurcation_z: float
    root_radius: float
    bed: HalfSpace

    def point(self, apex: float, septal: float, anterior: float) -> np.ndarray:
        """Body coordinates of a point of the heart frame (mm, scaled with the heart)."""
        return self.origin + self.scale * (np.array([apex, septal, anterior]) @ self.frame)


def heart_frame(draw: Draw) -> np.ndarray:
    """Orthonormal rows (apex, septal, anterior), turned a little from patient to patient."""
    # A horizontal heart lies on a high diaphragm, a vertical one hangs in a long chest.
    apex = APEX + np.array([0.0, 0.0, draw.span(-0.16, 0.16)])
    apex /= np.linalg.norm(apex)
    down = np.array([0.0, 0.0, -1.0])
    inferior = down - (down @ apex) * apex
    inferior /= np.linalg.norm(inferior)
    lateral = np.cross(apex, inferior)
    frame = np.stack([apex, -lateral, -inferior])
    return frame @ draw.rotation(9.0)


def draw_heart(draw: Draw, origin: np.ndarray) -> Heart:
    """Draw one heart with its atrioventricular plane at `origin`."""
    frame, scale = heart_frame(draw), draw.span(0.79, 0.98)

    def at(p, q, r, jitter=2.0):
        return origin + scale * ((np.array([p, q, r]) + draw.vector(jitter)) @ frame)

    def ellipsoid(centre, semi, wobble=1.0):
        semi = scale * np.array([s * draw.span(0.92, 1.08) for s in semi])
        return Ellipsoid(at(*centre), semi, frame @ draw.rotation(5.0), draw.wobble(wobble))

    chambers = {
        "LV": ellipsoid((22, -20, 2), (54, 35, 35)),
        "RV": ellipsoid((20, 17, -5), (46, 30, 34)),
        "LA": ellipsoid((-31, -15, 5), (19, 31, 27)),
        "RA": ellipsoid((-22, 29, -9), (23, 24, 31)),
        "LA appendage": ellipsoid((-10, -27, 28), (9, 16, 10)),
        "RA appendage": ellipsoid((-12, 33, 18), (10, 12, 16)),
    }
    bed = _bed(draw, chambers, scale)
    for name in ("LV", "RV", "RA"):
        chambers[name] = Pressed(chambers[name], bed, 10.0 * scale)
    vessels = _base_vessels(draw, origin, frame, scale)
    trunk = vessels["pulmonary_trunk"]
    outflow = Tube(
        np.stack([at(24, 16, 12), at(14, 12, 27), trunk.points[0]]),
        scale * np.array([22.0, 18.0, trunk.radii[0] / scale + 1]),
    )
    chambers["RVOT"] = outflow
    bifurcation_z = float(trunk.points[-1][2])
    ventricles = Blend((chambers["LV"], chambers["RV"], outflow), smooth=draw.span(9, 17, 6))
    atria = Blend(tuple(chambers[n] for n in ("LA", "RA", "LA appendage", "RA appendage")), smooth=12)
    # The atrioventricular groove is a deep cleft full of fat; the ventricles merge more gently.
    epicardium = Blend((ventricles, atria, vessels["root"]), smooth=draw.span(2.5, 7, 2))
    fat_depth = draw.span(2.5, 7.5, 2.0)
    # The pericardium spans every cleft that the muscle fills: it is at least as smooth.
    fat = Blend(
        (*chambers.values(), vessels["root"], vessels["ascending"], trunk),
        smooth=max(draw.span(12, 24), ventricles.smooth + 4),
        grow=fat_depth,
        wobble=draw.wobble(1.5),
    )
    top = HalfSpace(np.array([0, 0, bifurcation_z]), np.array([0, 0, 1.0]))
    radius = float(vessels["root"].radii[1])
    envelope = Common((fat, top))
    return Heart(
        origin, frame, scale, chambers, vessels, epicardium, envelope, fat, bifurcation_z, radius, bed
    )


def _bed(draw: Draw, chambers: dict, scale: float) -> HalfSpace:
    """Plane of the diaphragmatic surface: it falls to the left and to the front."""
    normal = np.array([-np.tan(np.radians(draw.span(4, 20))), np.tan(np.radians(draw.span(0, 16))), -1.0])
    normal /= np.linalg.norm(normal)
    ventricles = [chambers["LV"], chambers["RV"]]
    lowest = max(v.centre @ normal + np.linalg.norm(v.semi * (v.frame @ normal)) for v in ventricles)
    middle = np.mean([v.centre for v in ventricles], axis=0)
    height = lowest - draw.span(9, 20, 3) * scale
    return HalfSpace(middle + (height - middle @ normal) * normal, normal)


def _base_vessels(draw: Draw, origin, frame, scale) -> dict[str, Tube]:
    """Aortic root with sinuses, ascending aorta and pulmonary trunk."""
    annulus = origin + scale * (np.array([-6.0, 5.0, 15.0]) @ frame) + draw.vector(1.5)
    axis = np.array([draw.span(-0.32, -0.1), draw.span(-0.36, -0.12), 1.0])
    axis /= np.linalg.norm(axis)
    width = scale * draw.span(0.9, 1.12)
    root = Tube(
        np.stack([annulus + axis * h for h in (-6, 0, 9, 18, 26)]),
        width * np.array([11.5, 12.5, 16.0, 14.5, 14.0]),
    )
    length = draw.span(44, 58) * scale
    rise = annulus + axis * 24
    crown = annulus + axis * length + np.array([-2.0, 2.0, 0.0])
    dilated = draw.span(1.0, 1.2)
    ascending = Tube(
        np.stack([rise, (rise + crown) / 2 + np.array([-3.0, -2.0, 0]), crown]),
        width * dilated * np.array([14.5, 15.5, 15.5]),
    )
    side = draw.span(17, 23) * scale
    valve = annulus + np.array([side * 0.8, -0.62 * side, draw.span(10, 15) * scale])
    end = crown + np.array([side + 6, draw.span(14, 20) * scale, draw.span(-3, 4)])
    middle = 0.5 * (valve + end) + np.array([2.0, -4.0, 0.0])
    trunk = Tube(np.stack([valve, middle, end]), scale * draw.span(0.9, 1.12) * np.array([13.0, 14.0, 13.5]))
    return {"root": root, "ascending": ascending, "pulmonary_trunk": trunk}


def exit_radius(solid, origins: np.ndarray, directions: np.ndarray, reach: float = 110.0) -> np.ndarray:
    """Distance (mm) at which rays leave a solid for good; 0 where they never meet it.

    Parameters
    ----------
    origins, directions : ndarray (..., 3)
        Start points and unit directions.
    """
    steps = np.arange(0.0, reach, 1.0)
    points = origins[..., None, :] + directions[..., None, :] * steps[:, None]
    inside = field_at(solid, points) < 0
    last = inside.shape[-1] - 1 - np.argmax(inside[..., ::-1], axis=-1)
    return np.where(inside.any(-1), steps[last], 0.0)
