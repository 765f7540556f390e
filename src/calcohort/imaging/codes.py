"""Every code that can stand beside a scan of a study, with what it means: one list for pages and docs."""

from calcohort.dicom.reasons import REASONS, Reason
from calcohort.scoring.quality import FLAGS

_LATER = (
    Reason("excluded", "series", "left out by the study's table of overrides", "see the choice beside it"),
    Reason("no_heart", "series", "no heart was found in the scan", "check that the scan shows the heart"),
    Reason("scoring_failed", "series", "segmentation or scoring failed", "report it with the log"),
    Reason("crashed", "series", "reading its pixels ended the program, twice", "report it with the log"),
    Reason(
        "out_of_memory",
        "series",
        "reading its pixels took more memory than a job may have",
        "read the scans again with more memory: --forcerun convert --set-resources convert:mem_mb=8000",
    ),
    Reason(
        "timed_out",
        "series",
        "reading its pixels took longer than five minutes, twice",
        "report it with the log",
    ),
    Reason("failed", "series", "reading its pixels failed", "report it with the log"),
    Reason(
        "cpu_fallback",
        "warning",
        "the GPU had too little memory; the scan was segmented on the CPU",
        "nothing to do: it took longer",
    ),
    Reason(
        "smaller_batch",
        "warning",
        "the GPU had little memory; the heart was searched in shorter pieces of the scan",
        "nothing to do",
    ),
    Reason(
        "heart_implausible",
        "warning",
        "the heart had to be cut to a plausible height",
        "look at the outlines before using the score",
    ),
    Reason(
        "heart_cut_below",
        "warning",
        "the heart reaches the lowest slice",
        "calcium below the scan is not seen",
    ),
    Reason(
        "hollow_part",
        "warning",
        "a bright part that is hollow, as stents are, was left out of the score",
        "look at the picture: calcium around more than half of a lumen can look so",
    ),
    Reason("no_image", "scan", "the image of the table is not there", "mend the path in column image"),
    Reason("no_annotation", "scan", "the annotation of the table is not there", "mend the path in the table"),
    Reason(
        "annotation_unusable",
        "scan",
        "the annotation cannot be read or does not fit its scan",
        "see logs/annotate.log of the run, which names the row",
    ),
)
_FLAGS = tuple(
    Reason(flag.code, "flag", f"{flag.meaning} ({flag.limit})", "look at the picture before using the score")
    for flag in FLAGS.values()
)
# What reading says of a code goes before what a picture shows of it: padding is both.
CODES: dict[str, Reason] = {one.code: one for one in (*_FLAGS, *_LATER)} | REASONS

_HEADINGS = {
    "file": "A file is left aside, its series goes on",
    "series": "A series or scan gets no score",
    "scan": "A development scan is left out",
    "warning": "The scan is scored, with a warning",
    "flag": "The scan is scored, with a flag of its image quality",
}


def as_markdown() -> str:
    """The codes as tables for the docs, one for each level."""
    parts = []
    for level, heading in _HEADINGS.items():
        rows = [
            f"| `{one.code}` | {one.meaning} | {one.cure} |" for one in CODES.values() if one.level == level
        ]
        parts.append(
            "\n".join([f"**{heading}**", "", "| code | meaning | what to do |", "|---|---|---|", *rows])
        )
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")
