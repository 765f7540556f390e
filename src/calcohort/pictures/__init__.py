"""Pictures of scored scans: the heart's slices with its lesions outlined, and a gallery of a run."""

from calcohort.pictures.gallery import Card, gallery
from calcohort.pictures.overlay import overlay
from calcohort.pictures.png import png_bytes

__all__ = ["Card", "gallery", "overlay", "png_bytes"]
