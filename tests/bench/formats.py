"""Formats for what lies between stages: seconds to write and read a volume or a heart crop, and its size."""

import gzip
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import SimpleITK as sitk

from calcohort.dicom import load_series
from calcohort.dicom.volumes import to_sitk
from calcohort.nrrd import open_volume, write_volume
from calcohort.segmentation.packing import pack, unpack
from calcohort.segmentation.store import HeartCrop, load, save
from calcohort.volume import Volume
from tests.bench.measure import Options, Row, in_turn
from tests.bench.series import ctac, real_scan


def whole_volumes(options: Options) -> Iterator[Row]:
    """A scan from conversion to segmentation: noise of a real scan where there is one."""
    volume = ctac(134) if real_scan() is None else load_series(real_scan()).volume
    yield from _compare("volume", volume, options)


def heart_crops(options: Options) -> Iterator[Row]:
    """The heart's box of a scan from segmentation to scoring and pictures."""
    volume = ctac(44) if real_scan() is None else load_series(real_scan()).volume
    z, y, x = (size // 2 for size in volume.shape_zyx)
    part = volume.crop((z - 20, z + 20, y - 100, y + 100, x - 100, x + 100))
    heart = HeartCrop(
        np.ascontiguousarray(part.hu),
        np.where(part.hu > 130, 1, 3).astype(np.uint8),
        (0, 0, 0),
        part.shape_zyx,
        part.spacing_xyz_mm,
        part.origin_lps_mm,
        600.0,
    )
    as_used = {
        "as the workflow writes it, with its labels": _Format(".npz", partial(_save_crop, heart), load)
    }
    yield from _compare("crop", Volume(heart.hu, part.spacing_xyz_mm, part.origin_lps_mm), options, as_used)


class _Format:
    """A suffix, a way to write to a path, and a way to read all voxels from it."""

    def __init__(self, suffix: str, write: Callable[[Path], None], read: Callable[[Path], object]):
        self.suffix, self.write, self.read = suffix, write, read


def _formats(volume: Volume) -> dict[str, _Format]:
    image, hu = to_sitk(volume), np.ascontiguousarray(volume.hu)
    formats = {
        "NRRD, raw, by slices and map": _Format(
            ".nrrd", partial(write_volume, volume), lambda path: np.array(open_volume(path).hu)
        ),
        "npy": _Format(".npy", lambda path: np.save(path, hu), np.load),
        "npz": _Format(".npz", lambda path: np.savez(path, hu=hu), lambda path: np.load(path)["hu"]),
        "npz, compressed": _Format(
            ".npz", lambda path: np.savez_compressed(path, hu=hu), lambda path: np.load(path)["hu"]
        ),
        "npy, gzip level 1": _Format(
            ".npy.gz", lambda path: path.write_bytes(gzip.compress(hu.tobytes(), 1)), partial(_unzipped, hu)
        ),
        "npy, zstd level 1": _Format(".zst", partial(_zstd, hu), partial(_unzstd, hu)),
        "differences by planes, zstd level 1": _Format(
            ".npy",
            lambda path: np.save(path, pack(hu)),
            lambda path: unpack(np.load(path), hu.shape, hu.dtype),
        ),
    }
    for name, suffix, level in (
        ("NIfTI", ".nii", 0),
        ("NIfTI, gzip level 1", ".nii.gz", 1),
        ("NRRD, gzip level 1", ".nrrd", 1),
        ("NRRD, gzip level 6", ".nrrd", 6),
    ):
        formats[name] = _Format(suffix, partial(_write_sitk, image, level), _read_sitk)
    return formats


def _compare(
    what: str, volume: Volume, options: Options, others: dict[str, _Format] | None = None
) -> Iterator[Row]:
    formats = _formats(volume) | (others or {})
    folder = options.work / "formats"
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{number}{form.suffix}" for number, (name, form) in enumerate(formats.items())}
    written = in_turn({n: partial(f.write, paths[n]) for n, f in formats.items()}, options.repeats)
    read = in_turn({n: partial(f.read, paths[n]) for n, f in formats.items()}, options.repeats)
    size = " x ".join(map(str, volume.shape_zyx))
    for name, path in paths.items():
        yield Row(f"{what} {size}, {name}: write", written[name], "s", options.repeats)
        yield Row(f"{what} {size}, {name}: read", read[name], "s", options.repeats)
        yield Row(f"{what} {size}, {name}", path.stat().st_size / 1e6, "MB")
        path.unlink()


def _save_crop(heart: HeartCrop, path: Path) -> None:
    save(path, heart)


def _write_sitk(image: sitk.Image, level: int, path: Path) -> None:
    sitk.WriteImage(image, str(path), level > 0, level)


def _read_sitk(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def _unzipped(hu: np.ndarray, path: Path) -> np.ndarray:
    return np.frombuffer(gzip.decompress(path.read_bytes()), hu.dtype).reshape(hu.shape)


def _zstd(hu: np.ndarray, path: Path) -> None:
    path.write_bytes(pa.Codec("zstd", compression_level=1).compress(pa.py_buffer(hu), asbytes=True))


def _unzstd(hu: np.ndarray, path: Path) -> np.ndarray:
    content = pa.Codec("zstd").decompress(path.read_bytes(), decompressed_size=hu.nbytes, asbytes=True)
    return np.frombuffer(content, hu.dtype).reshape(hu.shape)


MEASUREMENTS = [whole_volumes, heart_crops]
