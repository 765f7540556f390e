"""The command `calcohort`: score scans, check a study before it runs, verify a run afterwards."""

import argparse
import sys

from calcohort import __version__
from calcohort.errors import InputError
from calcohort.shipped import MODEL, shipped


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code (0 done, 1 differences found, 2 usage or input error)."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except InputError as error:
        print(f"calcohort: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="calcohort", description=__doc__)
    parser.add_argument("--version", action="version", version=f"calcohort {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    score = commands.add_parser("score", help="score scans without a study: one row per series")
    score.add_argument(
        "paths", nargs="+", metavar="PATH", help="folder or file: DICOM, NIfTI, NRRD, MetaImage"
    )
    score.add_argument("--json", action="store_true", help="print a list of objects instead of a table")
    score.add_argument("--out", metavar="DIR", help="folder for what --save-volume writes")
    score.add_argument("--save-volume", action="store_true", help="write each volume and its mask as NIfTI")
    score.add_argument("--model", metavar="DIR", default=shipped(MODEL), help="folder with the weights")
    score.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    score.set_defaults(run=_score)

    check = commands.add_parser("check", help="validate a config and its inputs without running anything")
    check.add_argument("config", metavar="F", help="config file of a study")
    check.set_defaults(run=_check)

    verify = commands.add_parser("verify", help="recheck every checksum and every reported number of a run")
    verify.add_argument("results", metavar="results/NAME", help="folder of the run")
    verify.set_defaults(run=_verify)

    claims = commands.add_parser(
        "claims", help="hold published or drafted numbers against arithmetic or a run"
    )
    actions = claims.add_subparsers(metavar="ACTION", required=True)
    contradictions = actions.add_parser("check", help="list every contradiction in a claims file")
    contradictions.add_argument("file", metavar="FILE")
    contradictions.set_defaults(run=_claims_check)
    compare = actions.add_parser("compare", help="hold a claims file, a draft's for example, against a run")
    compare.add_argument("file", metavar="FILE", help="claims file")
    compare.add_argument("results", metavar="results/NAME", help="folder of the run")
    compare.add_argument(
        "--mapping", metavar="F", help="where a run holds the numbers; claims.yaml beside FILE"
    )
    compare.add_argument("--out", metavar="F", help="write every claim with its verdict to this CSV file")
    compare.set_defaults(run=_claims_compare)
    return parser


# Each command imports its own modules: `calcohort check` need not wait for torch.
def _score(options: argparse.Namespace) -> int:
    from calcohort.score_paths import run

    return run(options)


def _check(options: argparse.Namespace) -> int:
    from calcohort.check import check_study

    for line in check_study(options.config):
        print(line)
    return 0


def _verify(options: argparse.Namespace) -> int:
    from calcohort.audit.verify import run

    return run(options.results)


def _claims_check(options: argparse.Namespace) -> int:
    from calcohort.audit.contradictions import run

    return run(options.file)


def _claims_compare(options: argparse.Namespace) -> int:
    from calcohort.audit.drafts import run

    return run(options.file, options.results, options.mapping, options.out)


if __name__ == "__main__":
    sys.exit(main())
