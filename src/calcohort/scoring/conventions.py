"""The rules of a calcium score that laboratories set differently, each with a name."""

from dataclasses import dataclass, replace

from calcohort.errors import InputError

# Lower limits (HU) of the density weights 1, 2, 3 and 4 (Agatston et al., JACC 1990;15:827).
DENSITY_LIMITS_120_KV = (130.0, 200.0, 300.0, 400.0)
# Calcium is brighter at a lower tube voltage: the published limits that give the same score at 100 kV.
DENSITY_LIMITS_100_KV = (145.0, 222.0, 334.0, 446.0)
REFERENCE_INCREMENT_MM = 3.0


@dataclass(frozen=True)
class Conventions:
    """How calcium is counted; the defaults are the standard Agatston score.

    Attributes
    ----------
    threshold : float
        Least HU of calcium.
    connectivity : int
        4 or 8: neighbours of a pixel within its slice.
    minimum_area_mm2 : float
        Least area of a component in its slice.
    minimum_voxels : int
        Least number of pixels of a component in its slice.
    increment_correction : bool
        Whether the score is multiplied by slice increment / 3 mm.

    Raises
    ------
    InputError
        If a value is outside its range.
    """

    threshold: float = 130.0
    connectivity: int = 8
    minimum_area_mm2: float = 1.0
    minimum_voxels: int = 1
    increment_correction: bool = True

    def __post_init__(self):
        if self.connectivity not in (4, 8):
            raise InputError(
                f"connectivity {self.connectivity!r} is unknown",
                where="scoring.connectivity",
                cure="choose 4 or 8",
            )
        if not 0 <= self.minimum_area_mm2 < float("inf"):
            raise InputError(
                f"{self.minimum_area_mm2!r} is no area",
                where="scoring.minimum_area_mm2",
                cure="give a number of at least 0, in mm2",
            )
        if self.minimum_voxels < 1:
            raise InputError(
                f"a lesion of {self.minimum_voxels!r} voxels cannot be counted",
                where="scoring.minimum_voxels",
                cure="give a whole number of at least 1",
            )
        if not 0 < self.threshold < DENSITY_LIMITS_120_KV[1]:
            raise InputError(
                f"{self.threshold!r} HU leaves no density class for the weight 1",
                where="scoring.threshold",
                cure="give a number between 0 and 200, as a rule 130",
            )


STANDARD = Conventions()
CONVENTIONS = {
    "standard": STANDARD,
    "connectivity_4": replace(STANDARD, connectivity=4),
    "minimum_2_voxels": replace(STANDARD, minimum_voxels=2),
    "minimum_3_voxels": replace(STANDARD, minimum_voxels=3),
    "no_minimum_area": replace(STANDARD, minimum_area_mm2=0.0),
    "no_increment_correction": replace(STANDARD, increment_correction=False),
}


def density_limits(kvp: float | None) -> tuple[float, float, float, float] | None:
    """Lower HU limits of the four density weights at a tube voltage; None where none are published here."""
    if kvp is None:
        return None
    # Scanners write 99.7 or 120.0 for their nominal voltage.
    for nominal, limits in ((120.0, DENSITY_LIMITS_120_KV), (100.0, DENSITY_LIMITS_100_KV)):
        if abs(float(kvp) - nominal) <= 2.0:
            return limits
    return None
