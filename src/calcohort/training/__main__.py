"""Training without a workflow: ``python -m calcohort.training --help``."""

import argparse
import json
import logging
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd

from calcohort.errors import InputError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; an error in the input is one line and exit code 2."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m calcohort.training", description=__doc__)
    commands = parser.add_subparsers(required=True)

    part = commands.add_parser("generate", help="write training samples from phantoms")
    part.add_argument("--kind", choices=("heart", "lesion"), required=True)
    part.add_argument("--count", type=int, required=True)
    part.add_argument("--seed-from", type=int, default=1)
    part.add_argument("--finest-mm", type=float, default=0.45)
    part.add_argument("--calcium", choices=("rich", "sparse"), default="rich")
    part.add_argument(
        "--holding", nargs="+", default=(), metavar="KIND", help="only phantoms with one of these confounders"
    )
    part.add_argument("--workers", type=int, default=1)
    part.add_argument("--device", default="cpu")
    part.add_argument("--out", type=Path, required=True)
    part.set_defaults(command=_generate)

    part = commands.add_parser("train", help="train one network on samples")
    part.add_argument("--task", choices=("heart", "lesion"), required=True)
    part.add_argument("--samples", type=Path, required=True)
    part.add_argument("--out", type=Path, required=True)
    part.add_argument("--network", default="clstm-fast")
    part.add_argument("--validation", type=int, default=150, help="samples held out, by patient")
    part.add_argument(
        "--minutes", type=float, help="choose the number of steps to fit this time, by a short test"
    )
    part.add_argument("--device", default="auto")
    part.add_argument(
        "--mapped", type=Path, metavar="DIR", help="keep the samples joined there, mapped into memory"
    )
    part.add_argument("--start-from", type=Path, help="folder of a trained network to start from")
    for name in ("steps", "batch", "slices", "seed", "validate-every", "checkpoint-every"):
        part.add_argument(f"--{name}", type=int)
    part.add_argument("--learning-rate", type=float)
    part.add_argument("--network-config", type=json.loads, help="arguments of the network, JSON")
    part.add_argument("--settings", type=json.loads, default={}, help="further settings, JSON")
    part.add_argument("--precision", choices=("auto", "float32", "bfloat16"))
    part.set_defaults(command=_train)

    part = commands.add_parser("assemble", help="join two trained networks into a model")
    for name in ("heart", "lesion", "out"):
        part.add_argument(f"--{name}", type=Path, required=True)
    part.set_defaults(command=_assemble)

    part = commands.add_parser("calibrate", help="choose the thresholds after the networks on phantoms")
    part.add_argument("--model", type=Path, required=True)
    part.add_argument("--count", type=int, default=60, help="phantoms of each population")
    part.add_argument("--device", default="auto")
    part.add_argument("--keep", type=Path, metavar="DIR", help="keep the phantoms there for the next model")
    part.set_defaults(command=_calibrate)

    part = commands.add_parser(
        "test", help="test a model on a simulated cohort; goes on where it was cut off"
    )
    part.add_argument("--model", type=Path, required=True)
    part.add_argument("--count", type=int, default=200)
    part.add_argument("--population", choices=("demo", "shifted"), default="demo")
    part.add_argument("--first-seed", type=int, default=1)
    part.add_argument("--rules", type=json.loads, default={}, help="other rules after the networks, JSON")
    part.add_argument("--device", default="auto")
    part.add_argument("--out", type=Path, required=True)
    part.add_argument("--threads", type=int, default=1)
    part.add_argument("--keep", type=Path, metavar="DIR", help="keep the phantoms there for the next model")
    part.set_defaults(command=_test)

    part = commands.add_parser("card", help="write a model's card from its tests")
    part.add_argument("--model", type=Path, required=True)
    part.add_argument("--tests", type=Path, nargs="+", required=True, help="folders that `test` wrote")
    part.add_argument("--facts", type=Path, required=True, help='JSON: {"data": {...}, "limits": [...]}')
    part.set_defaults(command=_card)
    return parser


def _generate(options) -> None:
    from calcohort.training.generate import Order, generate

    order = Order(
        options.kind,
        options.seed_from,
        options.count,
        finest_mm=options.finest_mm,
        device=options.device,
        calcium=options.calcium,
        holding=tuple(options.holding),
    )
    files = generate(order, options.out, options.workers)
    print(f"{len(files)} files, {sum(path.stat().st_size for path in files) / 1e9:.2f} GB")


def _train(options) -> None:
    from calcohort.training.loop import steps_for, train_model
    from calcohort.training.samples import find_samples, read_samples
    from calcohort.training.settings import TrainingSettings
    from calcohort.training.split import hold_out
    from calcohort.training.stages import Past, read_past

    given = (
        "steps",
        "batch",
        "slices",
        "seed",
        "learning_rate",
        "validate_every",
        "checkpoint_every",
        "precision",
        "network_config",
    )
    chosen = {name: getattr(options, name) for name in given if getattr(options, name) is not None}
    named = {"task": options.task, "network": options.network}
    settings = TrainingSettings.from_dict(named | chosen | options.settings)
    samples = read_samples(find_samples(options.samples), options.mapped)
    train, validation = hold_out(samples.about["patient"], options.validation)
    if options.minutes:
        steps = steps_for(samples, train, settings, options.out, options.device, options.minutes)
        settings = replace(settings, steps=steps)
    print(f"{len(train)} samples to train on, {len(validation)} to validate; {settings.steps} steps")
    past = read_past(options.start_from, options.task) if options.start_from else Past()
    history = train_model(samples, train, validation, settings, options.out, options.device, past)
    print(history.tail(3).T.to_string())


def _assemble(options) -> None:
    from calcohort.training.assemble import assemble

    assemble(options.heart, options.lesion, options.out)


def _calibrate(options) -> None:
    from calcohort.segmentation import Segmenter
    from calcohort.training.assemble import change_rules
    from calcohort.training.evaluate import agreement
    from calcohort.training.trial import CHOSEN, Trial, calibrate

    segmenter = Segmenter.load(options.model, options.device)
    trials = [Trial("calibration", population, count=options.count) for population in ("training", "shifted")]
    rules, table = calibrate(segmenter, trials, options.keep)
    tried = {name: agreement(table["reference"], table[name]) for name in table if name.startswith("at_")}
    print(pd.DataFrame(tried).T.sort_values("kappa").tail(20).round(3).to_string())
    change_rules(options.model, rules)
    print(", ".join(f"{name} {getattr(rules, name):g}" for name in CHOSEN))


def _test(options) -> None:
    import torch

    from calcohort.segmentation import Segmenter
    from calcohort.training.testing import failures, metrics, model_digest, test_model
    from calcohort.training.trial import Trial

    torch.set_num_threads(options.threads)
    segmenter = Segmenter.load(options.model, options.device)
    segmenter.rules = replace(segmenter.rules, **options.rules)
    trial = Trial(
        population=options.population, first_seed=options.first_seed, count=options.count, hard_half=True
    )
    digest = model_digest(options.model, options.rules)
    scans = test_model(segmenter, digest, trial, options.out, options.keep)
    print(metrics(scans).set_index("population").T.to_string())
    print(failures(scans)["cause"].value_counts().to_string())


def _card(options) -> None:
    from calcohort.training.assemble import write_test_card

    write_test_card(options.model, options.tests, json.loads(options.facts.read_text()))


if __name__ == "__main__":
    raise SystemExit(main())
