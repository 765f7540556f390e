"""Find the heart and its calcium in a scan."""

from calcohort.segmentation.heart import NoHeart

__all__ = ["NoHeart", "Segmentation", "Segmenter"]


def __getattr__(name: str):
    # Scoring and pictures need the stored crops alone: only who segments waits for torch.
    if name in ("Segmentation", "Segmenter"):
        from calcohort.segmentation import infer

        return getattr(infer, name)
    raise AttributeError(name)
