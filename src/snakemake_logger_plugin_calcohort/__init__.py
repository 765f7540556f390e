"""What a run says: on a terminal one line of progress by stage, in a file a line now and then.

Snakemake's own words about its jobs are in its log file, and here where ``--printshellcmds`` asks for them.
Chosen by `logger: calcohort` of a profile; Snakemake finds the plug-in by the name of its package.
"""

import logging
import re
import shutil
import sys
import time
from pathlib import Path

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_calcohort.progress import Milestones, Progress

_RULES = Path(__file__).resolve().parents[2] / "rules"
# The line of progress stands for these; Snakemake's log file keeps them all.
_QUIET = {
    *(LogEvent.JOB_INFO, LogEvent.JOB_STARTED, LogEvent.JOB_FINISHED, LogEvent.PROGRESS),
    *(LogEvent.RUN_INFO, LogEvent.SHELLCMD, LogEvent.RESOURCES_INFO, LogEvent.GROUP_INFO),
}
_CHATTER = re.compile(
    "Select jobs to execute|Execute [0-9]+ jobs|DAG of jobs will be updated"
    "|Updating checkpoint dependencies|Removing temporary output"
)
_NO_FILE = re.compile(r"^(?:FileNotFoundError|IsADirectoryError): .*?'(.+)'\s*$", re.MULTILINE)


def stages(rules: Path = _RULES) -> dict[str, str]:
    """Stage of each rule: the name of the file that it stands in."""
    found = {}
    for path in rules.glob("*.smk"):
        text = path.read_text(encoding="utf-8")
        names = re.findall(r"^\s*(?:rule|checkpoint) (\w+):", text, re.MULTILINE)
        found |= dict.fromkeys(names, path.stem)
    return found


class LogHandler(LogHandlerBase):
    """Snakemake's handler for the terminal."""

    def __post_init__(self) -> None:
        self._stream = sys.stdout if self.common_settings.stdout else sys.stderr
        self._live = self._stream.isatty()
        self._wordy = self.common_settings.dryrun or self.common_settings.printshellcmds
        self._progress, self._milestones = Progress(stages()), Milestones()
        self._shown = False

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "event", None)
        try:
            if event == LogEvent.ERROR and (line := config_refusal(record.getMessage())):
                self._say(line)
            elif not self._wordy and (event in _QUIET or _CHATTER.search(record.getMessage() or "")):
                self._progress.note(event, record.__dict__, time.monotonic())
                self._show(self._progress.line(time.monotonic()))
            else:
                self._say(self.format(record))
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Leave the terminal at the start of a line."""
        self._clear()
        super().close()

    def _say(self, text: str) -> None:
        if text and text != "None":
            self._clear()
            print(text, file=self._stream, flush=True)

    def _show(self, line: str) -> None:
        self._clear()
        if not self._live:
            if line and self._milestones.reached(self._progress, time.monotonic()):
                self._say(line)
        elif line:
            width = shutil.get_terminal_size().columns - 1
            print(line[:width], end="", file=self._stream, flush=True)
            self._shown = True

    def _clear(self) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=self._stream, flush=True)
            self._shown = False

    # What the interface asks of a plug-in: this one writes to the terminal, in Snakemake's own format.
    writes_to_stream = True
    writes_to_file = False
    has_filter = False
    has_formatter = False
    needs_rulegraph = False


def config_refusal(message: str) -> str | None:
    """One line instead of Snakemake's traceback about a config file that is not there or cannot be read."""
    if "load_configfile" not in message:
        return None
    if "UnicodeDecodeError" in message:
        return "calcohort: the config file is not UTF-8; save it as UTF-8"
    found = _NO_FILE.search(message)
    if not found:
        return None
    name = found.group(1)
    if Path(name).suffix in (".yaml", ".yml", ".json"):
        return f"calcohort: {name}: no such config file; mend the path after --configfile"
    return f"calcohort: {name}: no such config file; a target stands first: snakemake {name} --configfile F"
