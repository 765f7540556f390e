"""One CTAC scan of 512 x 512 on its way to a score: read, segment, score."""

from calcohort.dicom import load_series
from calcohort.scoring.agatston import score
from calcohort.segmentation import Segmenter
from calcohort.segmentation.vote import CORONARY
from tests.bench.measure import Options, Row, in_turn
from tests.bench.series import ctac, folder


def stages(options: Options) -> list[Row]:
    """Each stage of the same scan, the model loaded before."""
    source = folder(options.work, "ctac", ctac(), "jpegls")
    volume = load_series(source).volume
    segmenter = Segmenter.load("models/clstm-fast", "cpu")
    coronary = segmenter(volume).labels == CORONARY
    times = in_turn(
        {
            "read DICOM (JPEG-LS)": lambda: load_series(source),
            "segment": lambda: segmenter(volume),
            "score": lambda: score(volume, coronary),
        },
        options.repeats,
    )
    size = " x ".join(map(str, volume.shape_zyx))
    return [Row(f"{name}, {size}", value, "s", options.repeats) for name, value in times.items()]


MEASUREMENTS = [stages]
