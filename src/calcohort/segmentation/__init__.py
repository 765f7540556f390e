"""Find the heart and its calcium in a scan."""

from calcohort.segmentation.heart import NoHeart
from calcohort.segmentation.infer import Segmentation, Segmenter

__all__ = ["NoHeart", "Segmentation", "Segmenter"]
