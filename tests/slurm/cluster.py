"""A real Slurm of one node on the loopback interface, with two GPUs that are empty files."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "srun")
# Slurm strips its own variables from the environment of a job's steps: they find the cluster here alone.
CONFIGS = Path("/etc/slurm")
MUNGE_SOCKET = Path("/run/munge/munge.socket.2")

SLURM_CONF = """
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort={port}
SlurmdPort={node_port}
StateSaveLocation={base}/state
SlurmdSpoolDir={base}/spool
SlurmctldPidFile={base}/slurmctld.pid
SlurmdPidFile={base}/slurmd.pid
SlurmctldLogFile={base}/slurmctld.log
SlurmdLogFile={base}/slurmd.log
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
# No accounting, as on many small clusters; jobs over their memory are killed.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
MinJobAge=300
# The node has what is written here, whatever this machine has.
SlurmdParameters=config_overrides
# A lost node is known to be lost soon, and back as soon as it answers.
SlurmdTimeout=8
ReturnToService=2
SchedulerParameters=batch_sched_delay=1,sched_interval=2
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 Sockets=1 CoresPerSocket=4 RealMemory=12000 Gres=gpu:2
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
GRES_CONF = """
AutoDetect=off
NodeName={host} Name=gpu File={base}/gpu[0-1]
"""


def missing() -> str:
    """Why no cluster can be started here; empty where one can."""
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        return f"Slurm is not installed: no {', '.join(absent)} (Debian: slurmctld slurmd slurm-client munge)"
    if os.geteuid() != 0:
        return "starting Slurm needs root"
    if (CONFIGS / "slurm.conf").exists() or MUNGE_SOCKET.exists():
        return "a Slurm or munge of this machine's own is at work"
    return ""


class Cluster:
    """Starts the daemons, and stops those that it started."""

    def __init__(self, base: Path):
        self.base = base
        self.host = socket.gethostname().split(".")[0]
        self.written: list[Path] = []
        self.pid_files = [base / f"{name}.pid" for name in ("slurmd", "slurmctld", "munged")]

    def __enter__(self) -> "Cluster":
        try:
            self._munge()
            self._configure()
            self._call("slurmctld")
            self.start_node()
            wait_for(lambda: "idle" in self.node_state(), 30, "the node did not come up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception) -> None:
        if shutil.which("scancel") and (CONFIGS / "slurm.conf") in self.written:
            subprocess.run(["scancel", "--user=root"], capture_output=True, timeout=20)
            wait_for(lambda: not self.queue(), 20, "")
        for path in self.pid_files:
            _kill(path, signal.SIGTERM)
        for path in self.written:
            path.unlink(missing_ok=True)

    def start_node(self) -> None:
        """Start the daemon of the node."""
        self._call("slurmd", "-N", self.host)

    def kill_node(self) -> None:
        """Kill the daemon of the node and wait until the controller has noticed."""
        _kill(self.base / "slurmd.pid", signal.SIGKILL)
        wait_for(lambda: "down" in self.node_state(), 60, "the loss of the node was not noticed")

    def hold(self) -> None:
        """Keep new jobs waiting in the queue."""
        self._call("scontrol", "update", f"nodename={self.host}", "state=drain", "reason=test")

    def release(self) -> None:
        """Let waiting jobs run."""
        self._call("scontrol", "update", f"nodename={self.host}", "state=resume")

    def node_state(self) -> str:
        """State of the node in Slurm's words."""
        return self._call("sinfo", "--noheader", "--format=%T")

    def queue(self) -> list[str]:
        """Of each job that waits or runs: its number, state and comment (the rule)."""
        return self._call("squeue", "--noheader", "--array", "--format=%i %T %k").splitlines()

    def _munge(self) -> None:
        MUNGE_SOCKET.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        key = self.base / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        files = (f"--{name}-file={self.base}/munged.{name}" for name in ("pid", "log", "seed"))
        self._call("munged", "--force", f"--key-file={key}", *files)

    def _configure(self) -> None:
        for folder in ("state", "spool"):
            (self.base / folder).mkdir()
        for number in (0, 1):
            (self.base / f"gpu{number}").touch()
        CONFIGS.mkdir(exist_ok=True)
        port, node_port = _free_ports(2)
        for name, text in (("slurm.conf", SLURM_CONF), ("gres.conf", GRES_CONF)):
            path = CONFIGS / name
            self.written.append(path)
            path.write_text(text.format(host=self.host, base=self.base, port=port, node_port=node_port))

    @staticmethod
    def _call(*command: str) -> str:
        # Daemons keep their standard streams: a pipe would never end.
        daemon = command[0] in ("munged", "slurmctld", "slurmd")
        kept = {"stdout": subprocess.DEVNULL} if daemon else {"stdout": subprocess.PIPE}
        done = subprocess.run(command, text=True, timeout=60, check=True, stderr=subprocess.DEVNULL, **kept)
        return done.stdout or ""


def wait_for(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    """Wait until a condition holds; where it does not in time, raise, or go on if there is nothing to say."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            if otherwise:
                raise TimeoutError(otherwise)
            return
        time.sleep(0.5)


def _kill(pid_file: Path, with_signal: signal.Signals) -> None:
    if not pid_file.exists():
        return
    process = int(pid_file.read_text())
    try:
        os.kill(process, with_signal)
    except ProcessLookupError:
        return
    wait_for(lambda: not Path(f"/proc/{process}").exists(), 20, "")
    pid_file.unlink(missing_ok=True)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
