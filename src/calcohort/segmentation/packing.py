"""Integer images packed without loss: a tenth of the time of gzip, and smaller (docs/bench.md).

Neighbours along x differ little, so the high bytes of their differences are nearly all alike: differences are
stored with each byte's plane apart and compressed by Zstandard.
"""

import numpy as np
import pyarrow as pa

_LEVEL = 1


def pack(image: np.ndarray) -> np.ndarray:
    """Bytes, uint8 (n,), of an image of integers; the same image always gives the same bytes."""
    differences = image.copy()
    # Differences may wrap around; so will their sums.
    differences[..., 1:] -= image[..., :-1]
    planes = differences.view(np.uint8).reshape(-1, image.itemsize).T
    codec = pa.Codec("zstd", compression_level=_LEVEL)
    return np.frombuffer(codec.compress(np.ascontiguousarray(planes), asbytes=True), dtype=np.uint8)


def unpack(packed: np.ndarray, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """The image of a shape and type that :func:`pack` packed.

    Raises
    ------
    OSError, ValueError
        If the bytes are not such an image.
    """
    dtype = np.dtype(dtype)
    n_bytes = int(np.prod(shape)) * dtype.itemsize
    planes = pa.Codec("zstd").decompress(packed.tobytes(), decompressed_size=n_bytes, asbytes=True)
    planes = np.frombuffer(planes, dtype=np.uint8).reshape(dtype.itemsize, -1)
    differences = np.ascontiguousarray(planes.T).view(dtype).reshape(shape)
    return np.cumsum(differences, axis=-1, dtype=dtype)
