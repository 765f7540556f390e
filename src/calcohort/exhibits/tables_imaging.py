"""Tables of the scans: supplementary Table 1 (imaging protocols) and the effect of the rules of counting."""

from collections.abc import Mapping

from calcohort.exhibits import Unavailable
from calcohort.exhibits.catalogue import CATALOGUE, CONVENTION_EFFECT, IMAGING_PROTOCOLS
from calcohort.exhibits.cells import Cell, Table, join, text
from calcohort.exhibits.exhibit import File, open_file

COHORTS = {"external": "External testing", "development": "Training and internal testing"}
PROTOCOLS = {
    "ctac_stress": "Stress CTAC",
    "ctac_rest": "Rest CTAC",
    "ctac": "CTAC",
    "cac_gated": "ECG-gated CAC",
    "gated": "ECG-gated CAC",
    "unknown": "Unknown protocol",
}
# Columns of supplementary Table 1: variable, heading, format.
_FACTS = (
    ("scanner", "Scanner", ""),
    ("kvp", "Tube voltage, kV", "fixed0"),
    ("mas", "Current-time product, mAs", "fixed0"),
    ("rotation_time_s", "Rotation, s", "fixed2"),
    ("slice_thickness_mm", "Slice thickness, mm", "fixed2"),
    ("kernel", "Kernel", ""),
    ("pixel_spacing_x_mm", "Pixel size, mm", "fixed2"),
    ("ctdi_vol_mgy", "CTDIvol, mGy", "fixed2"),
    ("dlp_mgy_cm", "DLP, mGy cm", "fixed1"),
)
CONVENTIONS = {
    "study": "As in this study",
    "standard": "Standard",
    "connectivity_4": "4 neighbours instead of 8",
    "minimum_2_voxels": "At least 2 voxels",
    "minimum_3_voxels": "At least 3 voxels",
    "no_minimum_area": "No minimum area",
    "no_increment_correction": "No correction for the increment",
    "kvp_adjusted": "Adjusted to the tube voltage",
}
_LISTED_LEVELS = 3


def table_s1(inputs: Mapping, meta: Mapping) -> Table:
    """Imaging protocols, one row for each cohort, site and protocol."""
    file = open_file(
        inputs, IMAGING_PROTOCOLS, "cohort", "site", "protocol", "variable", "level", "n", "median"
    )
    sizes = file.rows(variable="n")
    if not sizes:
        raise Unavailable("No scan was used.")
    rows, cohort = [], None
    for size in sizes:
        group = {name: file.value(size, name) or "" for name in ("cohort", "site", "protocol")}
        if group["cohort"] != cohort:
            cohort = group["cohort"]
            rows.append((text(COHORTS[cohort]), *(text("") for _ in range(len(_FACTS) + 1))))
        site = f"Site {group['site']}, " if group["site"] else ""
        label = text(site + PROTOCOLS.get(group["protocol"], group["protocol"]), indent=1)
        facts = (_fact(file, group, variable, format) for variable, _, format in _FACTS)
        rows.append((label, file.cell(size, "n", "count"), *facts))
    heads = ("Scans", "n", *(heading for _, heading, _ in _FACTS))
    notes = (
        "Read from the headers: median, and where scans differ the range; scanners and kernels by number of "
        "scans. – : no header tells.",
        "CTAC: computed tomography attenuation correction; CAC: coronary artery calcium; CTDIvol: volume "
        "computed tomography dose index; DLP: dose-length product.",
    )
    return Table(CATALOGUE["tableS1"].title, tuple(text(head) for head in heads), tuple(rows), notes)


def table_conventions(inputs: Mapping, meta: Mapping) -> Table:
    """How much the score moves when lesions are counted by other rules."""
    file = open_file(inputs, CONVENTION_EFFECT, "protocol", "convention", "n", "mean", "relative_difference")
    if file.frame.empty:
        raise Unavailable("No scan was scored.")
    rows, protocol = [], None
    for row in range(len(file.frame)):
        name = file.value(row, "convention")
        if file.value(row, "protocol") != protocol:
            protocol = file.value(row, "protocol")
            scans = join("n = ", file.cell(row, "n", "count"))
            rows.append((text(PROTOCOLS.get(protocol, protocol)), scans, *(text("") for _ in range(4))))
        relative = file.cell(row, "relative_difference", "percent1")
        cells = (
            file.cell(row, "mean", "fixed1"),
            join(relative, "%") if relative.sources else text("–"),
            file.cell(row, "largest_difference", "fixed1"),
            file.cell(row, "n_higher_category", "count"),
            file.cell(row, "n_lower_category", "count"),
        )
        rows.append((text(CONVENTIONS.get(name, name), indent=1), *cells))
    heads = (
        *("Rules of counting", "Mean Agatston score", "Change of the sum"),
        *("Largest change of a scan", "Scans in a higher category", "Scans in a lower category"),
    )
    notes = ("Against the rules of this study, in the same scans and with the same network.",)
    title = CATALOGUE["table_conventions"].title
    return Table(title, tuple(text(head) for head in heads), tuple(rows), notes)


def _fact(file: File, group: Mapping, variable: str, format: str) -> Cell:
    found = file.rows(**group, variable=variable)
    if not found:
        return text("–")
    if not format:
        return _levels(file, found)
    middle = file.cell(found[0], "median", format)
    low, high = (file.cell(found[0], column, format) for column in ("minimum", "maximum"))
    return middle if low.text == high.text else join(middle, " (", low, "–", high, ")")


def _levels(file: File, found: list[int]) -> Cell:
    if len(found) == 1:
        return text(str(file.value(found[0], "level")))
    parts: list[Cell | str] = []
    for row in found[:_LISTED_LEVELS]:
        parts += [", " * bool(parts) + f"{file.value(row, 'level')} (", file.cell(row, "count", "count"), ")"]
    if len(found) > _LISTED_LEVELS:
        parts.append(f", {len(found) - _LISTED_LEVELS} others")
    return join(*parts)
