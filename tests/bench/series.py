"""Simulated series to measure with, written once."""

import os
from pathlib import Path

import gdcm
import numpy as np
import pydicom

from calcohort.phantom import acquire, draw_anatomy
from calcohort.simulate.dicom_writer import write_series
from calcohort.volume import Volume
from tests.bench.measure import ROOT


def ctac(slices: int | None = None) -> Volume:
    """A stress CTAC of 512 x 512 pixels, repeated upwards or cut to a number of slices."""
    volume = acquire(draw_anatomy(77, burden=">400"), "ctac_stress", 1).volume
    wanted = slices or volume.shape_zyx[0]
    hu = np.concatenate([volume.hu] * -(-wanted // volume.shape_zyx[0]))[:wanted]
    return Volume(hu, volume.spacing_xyz_mm, volume.origin_lps_mm)


def folder(work: Path, name: str, volume: Volume, transfer_syntax: str = "explicit") -> Path:
    """The volume as a DICOM series below `work`; an existing one is taken as it is."""
    path = work / f"{name} {transfer_syntax}".replace(" ", "-")
    if not path.exists():
        facts = {"patient_id": "bench", "study_date": "2015-01-01", "protocol": "ctac_stress"}
        write_series(volume, path, transfer_syntax=transfer_syntax, **facts)
    return path


def jpeg_lossless(work: Path, name: str, source: Path) -> Path:
    """The series as JPEG Lossless, which most archives send and for which only GDCM has an encoder."""
    target = work / f"{name} jpeg_lossless".replace(" ", "-")
    if target.exists():
        return target
    target.mkdir(parents=True)
    for path in sorted(source.iterdir()):
        reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
        reader.SetFileName(str(path))
        reader.Read()
        change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
        change.SetInput(reader.GetImage())
        change.Change()
        writer.SetFileName(str(target / path.name))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        if not writer.Write():
            raise RuntimeError(f"{path.name}: GDCM does not write it")
    return target


def uncompressed(work: Path, name: str, source: Path) -> Path:
    """The series as explicit little-endian, with all of its own headers."""
    target = work / f"{name} uncompressed".replace(" ", "-")
    if not target.exists():
        target.mkdir(parents=True)
        for path in sorted(source.iterdir()):
            dataset = pydicom.dcmread(path)
            dataset.decompress(generate_instance_uid=False)
            dataset.save_as(target / path.name)
    return target


def real_scan() -> Path | None:
    """Folder of the real chest CT, where there is one."""
    shared = Path(os.environ.get("CALCOHORT_REALDATA", ROOT.parent / "shared" / "realdata"))
    return shared / "lung1-001" if (shared / "lung1-001").is_dir() else None
