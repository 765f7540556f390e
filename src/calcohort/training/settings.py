"""Every hyperparameter of a training, in one place."""

from dataclasses import asdict, dataclass, field

from calcohort.errors import InputError
from calcohort.segmentation.grids import STRIDE


@dataclass(frozen=True)
class Augmentation:
    """What is varied, and how far; 0 (or an empty range) switches a kind off. There are no mirror images:
    hearts lie left.

    Attributes
    ----------
    noise_hu : float
        Greatest standard deviation of added noise, drawn per stack; half of the stacks get none.
    intensity : float
        Greatest relative change of all HU above water.
    offset_hu : float
        Greatest shift of all HU.
    kilovolt : float
        Greatest relative change of what is denser than blood: calcium and bone brighten at a lower tube
        voltage.
    texture_hu : float
        Amplitude of a smooth random field, so that tissues vary in place.
    kernel : float
        Greatest strength of in-plane blurring (and half of it of sharpening).
    rotation_deg, scale, shift_mm : float
        Greatest in-plane rotation, relative change of size and shift of the crop (heart-box jitter).
    field_of_view : float
        Share of stacks whose field of view is cut.
    thick : float
        Share of stacks with neighbouring slices averaged.
    drop : float
        Share of stacks in which slices are left out.
    surface_mm : float
        Greatest error of the heart's surface that the lesion network is told.
    """

    noise_hu: float = 30.0
    intensity: float = 0.08
    offset_hu: float = 12.0
    kilovolt: float = 0.25
    texture_hu: float = 15.0
    kernel: float = 0.9
    rotation_deg: float = 12.0
    scale: float = 0.14
    shift_mm: float = 10.0
    field_of_view: float = 0.15
    thick: float = 0.15
    drop: float = 0.3
    surface_mm: float = 4.0


@dataclass(frozen=True)
class Loss:
    """What the networks are punished for.

    Attributes
    ----------
    kind : {"cross_entropy", "focal"}
    focal_gamma : float
    class_weights : tuple of float
        Weight of candidates of each class; empty: equal weight of all classes.
    plain_weight : float
        Weight of a voxel that is no candidate (below the threshold, not calcium): it never reaches a score.
    far_weight : float
        Factor of voxels further than 12 mm outside the heart, which are never voted on.
    dice : float
        Weight of the soft Tversky loss of each class among candidates.
    tversky_alpha : float
        Weight of false positives against false negatives in it (0.5: Dice).
    hard_share : float
        Share of the candidates that are no coronary calcium, the hardest first, that the network learns from
        in each batch (1: all; Shrivastava et al., CVPR 2016).
    """

    kind: str = "cross_entropy"
    focal_gamma: float = 2.0
    class_weights: tuple[float, ...] = ()
    plain_weight: float = 0.02
    far_weight: float = 0.1
    dice: float = 0.5
    tversky_alpha: float = 0.5
    hard_share: float = 1.0


@dataclass(frozen=True)
class TrainingSettings:
    """One training.

    Attributes
    ----------
    task : {"heart", "lesion"}
    network : {"clstm-fast", "clstm-paper", "unet"}
    network_config : dict
        Arguments of the network's class.
    seed, steps, batch, slices : int
        Batches are `batch` stacks of `slices` neighbouring slices.
    learning_rate, weight_decay, warmup, ema : float
        AdamW with a cosine after a warm-up (share of the steps); decay of the weights' running mean, which is
        what is kept.
    clip : float
        Greatest norm of the gradient.
    rich : float
        Share of stacks centred on a slice with calcium of either kind (lesion task).
    window : int
        Side, in pixels, of the part of each stack that is learned from, anywhere in it; a multiple of 8. Time
        goes with its square (0: all of it).
    coarsen : int
        Pixels are made so many times larger; 2 is half resolution.
    validate_every, patience, checkpoint_every : int
        In steps; `patience` counts validations without progress before training stops (0: never).
    validation_stacks : int
        At most so many samples are validated on.
    precision : {"auto", "float32", "bfloat16"}
        "auto" is bfloat16 on CUDA and on CPUs that multiply it in hardware.
    """

    task: str = "lesion"
    network: str = "clstm-fast"
    network_config: dict = field(default_factory=dict)
    seed: int = 1
    steps: int = 4000
    batch: int = 12
    slices: int = 20
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    warmup: float = 0.05
    ema: float = 0.998
    clip: float = 1.0
    rich: float = 0.7
    window: int = 0
    coarsen: int = 1
    validate_every: int = 500
    patience: int = 0
    checkpoint_every: int = 500
    validation_stacks: int = 200
    precision: str = "auto"
    augmentation: Augmentation = Augmentation()
    loss: Loss = Loss()

    def __post_init__(self):
        if self.task not in ("heart", "lesion"):
            raise InputError(f"unknown task {self.task!r}", where="task", cure="use heart or lesion")
        for name in ("steps", "batch", "slices", "coarsen", "validate_every", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise InputError("must be at least 1", where=name, cure="raise it")
        if self.window < 0 or self.window % (STRIDE * self.coarsen):
            raise InputError(
                f"the networks' strides do not divide {self.window}",
                where="window",
                cure=f"use a multiple of {STRIDE * self.coarsen}",
            )

    def to_dict(self) -> dict:
        """Plain form for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict) -> "TrainingSettings":
        """Inverse of :meth:`to_dict`; what is not given has its default.

        Raises
        ------
        InputError
            For a setting that does not exist.
        """
        plain = dict(plain)
        try:
            augmentation = Augmentation(**plain.pop("augmentation", {}))
            loss = dict(plain.pop("loss", {}))
            loss["class_weights"] = tuple(loss.get("class_weights", ()))
            return cls(**plain, augmentation=augmentation, loss=Loss(**loss))
        except TypeError as error:
            raise InputError(
                f"unknown training setting: {error}", where="development.training", cure="see docs/train.md"
            ) from error
