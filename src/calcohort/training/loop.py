"""The one training loop, for both networks and both tasks."""

import copy
import json
import logging
import math
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tensorboardX import SummaryWriter
from tqdm import tqdm

from calcohort.errors import InputError
from calcohort.networks.files import Network, load_weights, new_network
from calcohort.networks.inputs import default_inputs
from calcohort.networks.precision import autocast, pick_device
from calcohort.tables import write_csv
from calcohort.training.batches import Batch, Pool
from calcohort.training.checkpoint import (
    CHECKPOINT,
    RunningMean,
    load_checkpoint,
    save_checkpoint,
    save_network,
)
from calcohort.training.curves import learning_curve
from calcohort.training.losses import heart_loss, lesion_loss
from calcohort.training.samples import Samples
from calcohort.training.settings import TrainingSettings
from calcohort.training.stages import HISTORY_FILE, SETTINGS_FILE, Past
from calcohort.training.validate import validate

log = logging.getLogger(__name__)

# Steps run to time one: the first ones include what a device does only once.
WARM_UP, TIMED = 15, 20


def train_model(
    samples: Samples,
    train: np.ndarray,
    validation: np.ndarray,
    settings: TrainingSettings,
    out_dir: str | Path,
    device: str = "auto",
    past: Past | None = None,
) -> pd.DataFrame:
    """Train one network and write it, its history and its checkpoint into `out_dir`.

    A training that was interrupted goes on from its checkpoint; on one CPU thread the result is the same to
    the bit.

    Parameters
    ----------
    samples : Samples
    train, validation : ndarray of int
        Which samples to learn from and to measure progress on.
    settings : TrainingSettings
    out_dir : path
        Gets TASK.safetensors, TASK.json, history.csv, learning.png, settings.json, checkpoint.pt
        and the log of TensorBoard.
    device : {"auto", "cpu", "cuda"}
    past : Past, optional
        Start from its weights instead of random ones; settings and history follow upon its own.

    Returns
    -------
    DataFrame
        One row per validation of every stage: stage, step, loss, learning_rate and the metrics of
        :func:`validate`.

    Raises
    ------
    InputError
        If there is nothing to train on.
    """
    if len(train) == 0:
        raise InputError("no sample is left to train on", cure="add scans or change the split")
    training = Training(samples, train, validation, settings, Path(out_dir), pick_device(device), past)
    training.run()
    return training.past.followed_by(training.history)


def steps_for(samples, train, settings: TrainingSettings, out_dir, device: str, minutes: float) -> int:
    """Number of steps that fit into a time, by timing a few, or that of a training begun in `out_dir`."""
    begun = Path(out_dir) / SETTINGS_FILE
    if begun.exists():
        return int(json.loads(begun.read_text())[-1]["steps"])
    with tempfile.TemporaryDirectory() as folder:
        nothing = np.empty(0, dtype=int)
        training = Training(samples, train, nothing, settings, Path(folder), pick_device(device), None)
        for step in range(WARM_UP + TIMED):
            if step == WARM_UP:
                float(training.recent[-1])
                started = time.perf_counter()
            training.recent.append(training.learn(training.pool.batch(step)))
        float(training.recent[-1])
    seconds = (time.perf_counter() - started) / TIMED
    return max(1, int(60 * minutes / seconds))


class Training:
    """State of a training: network, running mean, optimiser, history."""

    def __init__(
        self,
        samples: Samples,
        train: np.ndarray,
        validation: np.ndarray,
        settings: TrainingSettings,
        out_dir: Path,
        device: torch.device,
        past: Past | None,
    ):
        self.settings, self.out_dir, self.device = settings, out_dir, device
        self.samples, self.validation = samples, validation[: settings.validation_stacks]
        torch.manual_seed(settings.seed)
        self.past = past or Past()
        initial = self.past.network
        inputs = initial.inputs if initial else default_inputs(settings.network, settings.task)
        if not initial:
            inputs = replace(inputs, pixel_mm=inputs.pixel_mm * settings.coarsen)
        self.network = new_network(settings.network, settings.task, inputs, settings.network_config)
        if initial:
            load_weights(self.network.module, initial.module.state_dict())
        self.module = self.network.module.to(device, memory_format=torch.channels_last)
        self.mean = RunningMean(self.module, settings.ema)
        self.optimizer = _optimizer(self.module, settings)
        self.pool = Pool(samples, train, settings, device)
        self.step, self.history, self.recent = 0, [], []
        self.best, self.best_weights = -math.inf, None
        self._resume()

    def run(self) -> None:
        """Train to the last step, or until validation stops improving."""
        self.out_dir.mkdir(parents=True, exist_ok=True)
        plain = json.dumps([*self.past.settings, self.settings.to_dict()], indent=1, sort_keys=True)
        (self.out_dir / SETTINGS_FILE).write_text(plain + "\n")
        board = SummaryWriter(str(self.out_dir / "tensorboard"), purge_step=self.step or None)
        bar = tqdm(total=self.settings.steps, initial=self.step, desc=self.settings.task, mininterval=5)
        while self.step < self.settings.steps and not self._stalled():
            loss = self.learn(self.pool.batch(self.step))
            self.recent.append(loss)
            self.step += 1
            bar.update()
            last = self.step == self.settings.steps
            if last or self.step % self.settings.validate_every == 0:
                row = self._validate()
                bar.set_postfix(loss=f"{row['loss']:.3f}", score=f"{row['selection']:.3f}")
                for name, value in row.items():
                    if name != "step":
                        board.add_scalar(name, value, self.step)
            if last or self.step % self.settings.checkpoint_every == 0:
                self._save()
        bar.close()
        board.close()
        self._finish()

    def learn(self, batch: Batch) -> torch.Tensor:
        """One step of the optimiser; the loss stays on the device, so that nothing waits for it."""
        settings = self.settings
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step, settings)
        self.module.train()
        with autocast(self.device, settings.precision):
            logits = self.module(self.network.inputs(batch.hu, batch.distance_mm))
        if settings.task == "heart":
            loss = heart_loss(logits, batch.labels, batch.valid, settings.loss)
        else:
            loss = lesion_loss(logits, batch.hu, batch.labels, batch.distance_mm, batch.valid, settings.loss)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.module.parameters(), settings.clip)
        self.optimizer.step()
        self.mean.update(self.module, self.step)
        return loss.detach()

    def averaged(self, weights: dict | None = None) -> Network:
        """The network with the running mean of its weights (or with given ones), ready for inference."""
        module = copy.deepcopy(self.module)
        module.load_state_dict(weights or self.mean.values)
        return replace(self.network, module=module.eval())

    def _validate(self) -> dict:
        losses = torch.stack(self.recent).tolist()
        if not np.all(np.isfinite(losses)):
            raise FloatingPointError(f"the loss of the {self.settings.task} network is no longer finite")
        row = {"step": self.step, "loss": float(np.mean(losses))}
        row["learning_rate"] = learning_rate(self.step, self.settings)
        with autocast(self.device, self.settings.precision):
            row |= validate(self.averaged(), self.pool, self.samples, self.validation)
        self.recent = []
        self.history.append(row)
        if row["selection"] >= self.best:
            self.best = row["selection"]
            self.best_weights = {name: value.detach().clone() for name, value in self.mean.values.items()}
        write_csv(self.past.followed_by(self.history), self.out_dir / HISTORY_FILE)
        log.info("%s", json.dumps(row))
        return row

    def _stalled(self) -> bool:
        """Whether the last `patience` validations brought nothing."""
        patience, scores = self.settings.patience, [row["selection"] for row in self.history]
        return bool(
            patience and len(scores) > patience and max(scores[-patience:]) <= max(scores[:-patience])
        )

    def _save(self) -> None:
        save_checkpoint(
            self.out_dir,
            {
                "settings": json.dumps(self.settings.to_dict(), sort_keys=True),
                "step": self.step,
                "module": self.module.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "mean": self.mean.values,
                "best": self.best,
                "best_weights": self.best_weights,
                "history": json.dumps(self.history),
                "recent": [float(value) for value in self.recent],
            },
        )

    def _resume(self) -> None:
        state = load_checkpoint(self.out_dir, self.settings.to_dict())
        if state is None:
            return
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.mean.values = {name: value.to(self.device) for name, value in state["mean"].items()}
        self.step, self.best, self.best_weights = state["step"], state["best"], state["best_weights"]
        self.history = json.loads(state["history"])
        self.recent = [torch.tensor(value, device=self.device) for value in state["recent"]]
        log.info("%s: going on from step %d", CHECKPOINT, self.step)

    def _finish(self) -> None:
        save_network(self.out_dir, self.averaged(self.best_weights))
        history = self.past.followed_by(self.history)
        if self.history:
            learning_curve(history, self.out_dir / "learning.png")
        write_csv(history, self.out_dir / HISTORY_FILE)


def learning_rate(step: int, settings: TrainingSettings) -> float:
    """Linear warm-up, then half a cosine down to a hundredth."""
    warm = max(1, round(settings.warmup * settings.steps))
    if step < warm:
        return settings.learning_rate * (step + 1) / warm
    done = (step - warm) / max(1, settings.steps - warm)
    return settings.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))


def _optimizer(module: torch.nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    # Biases and the scales of normalisation are not decayed.
    matrices = [p for p in module.parameters() if p.ndim > 1]
    vectors = [p for p in module.parameters() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate)
