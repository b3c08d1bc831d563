"""A real Slurm on one machine: munge, a controller, and several virtual nodes, two of which have simulated GPUs.

    python tests/cluster/slurm_lab.py start FOLDER      then: . FOLDER/environment.sh; sinfo
    python tests/cluster/slurm_lab.py stop FOLDER

Debian's packages are installed when they are missing and the user is root. Everything else lies in FOLDER, and the daemons
listen on the loopback interface only. There is no systemd, no accounting, and no control groups.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PACKAGES = ("munge", "slurmctld", "slurmd", "slurm-client")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel", "sinfo", "srun", "sacct")
GPU_NODES, NODES = ("n1", "n2"), ("n1", "n2", "n3")
GPUS_PER_NODE = 2
SEARCH_PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def minutes(job: dict[str, str]) -> int:
    """The time limit that a Slurm job asked for."""
    hours, rest, _ = job["TimeLimit"].split(":")
    return 60 * int(hours) + int(rest)


def megabytes(job: dict[str, str]) -> int:
    """The memory that a Slurm job asked for."""
    return int(re.search(r"mem=(\d+)M", job["TRES"])[1])


class SlurmUnavailableError(RuntimeError):
    """Slurm cannot run here; the message says why."""


class SlurmLab:
    """The Slurm in one folder.

    Nodes n1 and n2 have two GPUs each (partition gpu), n3 none (partition cpu, the default). They advertise more memory and
    processors than the machine may have. A node that does not answer is down after 15 s, and its jobs start again elsewhere.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder).resolve()
        self.configuration = self.folder / "slurm.conf"

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which the clients of this Slurm are found first."""
        return {"PATH": f"{self.folder / 'bin'}:{SEARCH_PATH}"}

    def start(self) -> None:
        """Write the configuration and start every daemon.

        Raises:
            SlurmUnavailableError: packages are missing and cannot be installed, or a daemon does not come up.
        """
        install()
        if len(str(self.folder)) > 85 or " " in str(self.folder):
            raise SlurmUnavailableError(
                f"{self.folder} is too long for a socket's name, or has a blank; name another one"
            )
        for name in ("run", "log", "state", "spool", "devices", "bin"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)  # munge wants the way to its socket open to everyone
        self._write_configuration()
        self._write_clients()
        socket_file = self.folder / "run/munge.socket"
        key = self.folder / "munge.key"
        if not key.exists():
            key.touch(mode=0o600)
            key.write_bytes(os.urandom(1024))
        self._launch(
            "munged", "munged", "--foreground", f"--key-file={key}", f"--socket={socket_file}",
            f"--pid-file={self.folder}/run/munged.own.pid", f"--log-file={self.folder}/log/munged.log",
            f"--seed-file={self.folder}/state/munge.seed",
        )  # fmt: skip
        _wait_until(socket_file.exists, "munged opens its socket")
        self.start_controller()
        for node in NODES:
            self.start_node(node)
        _wait_until(self._nodes_are_up, f"all nodes are idle; see {self.folder}/log")

    def stop(self) -> None:
        """Cancel every job, end every daemon and every process of a job."""
        if self._pid("slurmctld"):
            self.client("scancel", "--user", str(os.getuid()), check=False)
            _wait_until(
                lambda: not self.client("squeue", "--noheader", check=False),
                "no job is left",
                patience=20,
                strict=False,
            )
        for node in NODES:
            self.kill_node(node)
        for name in ("slurmctld", "munged"):
            self._end(name, signal.SIGTERM)

    def start_controller(self) -> None:
        """Start slurmctld, with the state it left behind."""
        self._launch("slurmctld", "slurmctld", "-D", "-f", str(self.configuration))
        _wait_until(lambda: self.client("sinfo", "--noheader", check=False), "the controller answers")

    def stop_controller(self) -> None:
        """End slurmctld; jobs run on."""
        self._end("slurmctld", signal.SIGTERM)

    def start_node(self, node: str) -> None:
        """Start a node's slurmd."""
        (self.folder / "spool" / node).mkdir(exist_ok=True)
        self._launch(f"slurmd.{node}", "slurmd", "-D", "-N", node, "-f", str(self.configuration))

    def kill_daemon(self, node: str) -> None:
        """SIGKILL to a node's slurmd alone: its jobs run on, and the controller does not know it."""
        self._end(f"slurmd.{node}", signal.SIGKILL)

    def kill_node(self, node: str) -> None:
        """What a loss of power does to a node: its slurmd and every process of its jobs are gone."""
        self.kill_daemon(node)
        for step in _processes(lambda pid: _command(pid).startswith("slurmstepd") and self._is_of_node(pid, node)):
            # The one that would tell the controller goes first.
            for pid in [step, *_descendants(step)]:
                _kill(pid, signal.SIGKILL)

    def repair(self) -> None:
        """Cancel every job, and bring every node back."""
        self.client("scancel", "--user", str(os.getuid()))
        for node in NODES:
            if not self._pid(f"slurmd.{node}"):
                self.start_node(node)  # which ends what a lost node still computes
        _wait_until(lambda: not self.client("squeue", "--noheader"), "no job is left")
        for node in NODES:
            self.client("scontrol", "update", f"NodeName={node}", "State=RESUME", check=False)
        _wait_until(self._nodes_are_up, "all nodes are idle")

    def client(self, *command: str, check: bool = True) -> str:
        """What one of Slurm's commands prints; an empty text when it fails and ``check`` is false."""
        result = subprocess.run(
            command, env=os.environ | self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        if check and result.returncode:
            raise RuntimeError(f"{' '.join(command)} failed: {result.stderr}")
        return result.stdout.strip() if not result.returncode else ""

    def jobs(self) -> list[dict[str, str]]:
        """The controller's own record of every job, finished or not, oldest first (scontrol show job)."""
        lines = self.client("scontrol", "--oneliner", "show", "job").splitlines()
        records = [dict(word.partition("=")[::2] for word in line.split() if "=" in word) for line in lines]
        return sorted((record for record in records if "JobId" in record), key=lambda record: int(record["JobId"]))

    def _launch(self, name: str, *command: str) -> None:
        with (self.folder / f"log/{name}.out").open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=os.environ | {"PATH": SEARCH_PATH},
            )  # fmt: skip
        (self.folder / f"run/{name}.pid").write_text(str(process.pid))

    def _pid(self, name: str) -> int | None:
        """The process of a daemon, if it is still there and ours."""
        try:
            pid = int((self.folder / f"run/{name}.pid").read_text())
        except (OSError, ValueError):
            return None
        return pid if str(self.folder) in _command(pid) else None

    def _end(self, name: str, number: signal.Signals) -> None:
        if pid := self._pid(name):
            _kill(pid, number)
            _wait_until(lambda: self._pid(name) is None, f"{name} ends")

    def _is_of_node(self, pid: int, node: str) -> bool:
        """Whether a slurmstepd serves a node of this Slurm: it writes into that node's log."""
        try:
            return f"{self.folder}/log/slurmd.{node}.log" in map(os.readlink, Path(f"/proc/{pid}/fd").iterdir())
        except OSError:
            return False

    def _nodes_are_up(self) -> bool:
        states = [line.split() for line in self.client("sinfo", "--noheader", "--Node", "-o", "%N %T").splitlines()]
        return {node for node, state in states if state in ("idle", "mixed", "allocated", "completing")} == set(NODES)

    def _write_clients(self) -> None:
        """Clients that know their configuration: a variable is not enough, the plugin's job step removes it."""
        for program in PROGRAMS:
            if path := shutil.which(program, path=SEARCH_PATH):
                client = self.folder / "bin" / program
                client.write_text(f'#!/bin/sh\nSLURM_CONF={self.configuration} exec {path} "$@"\n')
                client.chmod(0o755)
        (self.folder / "environment.sh").write_text(f'export PATH="{self.folder}/bin:$PATH"\n')

    def _write_configuration(self) -> None:
        for number in range(GPUS_PER_NODE):
            device = self.folder / f"devices/nvidia{number}"
            device.unlink(missing_ok=True)
            device.symlink_to("/dev/null")  # a GPU's file must be a character device
        (self.folder / "gres.conf").write_text(
            f"NodeName={','.join(GPU_NODES)} Name=gpu File={self.folder}/devices/nvidia[0-{GPUS_PER_NODE - 1}]\n"
        )
        host, ports = socket.gethostname().partition(".")[0], _free_ports(1 + len(NODES))
        processors = max(2, os.cpu_count() or 2)
        nodes = "".join(
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={processors} RealMemory=64000"
            f"{f' Gres=gpu:{GPUS_PER_NODE}' if node in GPU_NODES else ''}\n"
            for node, port in zip(NODES, ports[1:], strict=True)
        )
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        self.configuration.write_text(
            CONFIGURATION.format(folder=self.folder, host=host, port=ports[0], user=user)
            + nodes
            + "PartitionName=cpu Nodes=n3 Default=YES DefaultTime=10 MaxTime=2000 State=UP\n"
            + "PartitionName=gpu Nodes=n1,n2 DefaultTime=10 MaxTime=2000 State=UP\n"
        )


CONFIGURATION = """\
ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
# A job that starts again after a node failure waits until the credentials of its first start have expired.
AuthInfo=socket={folder}/run/munge.socket,cred_expire=20
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.own.pid
SlurmdPidFile={folder}/run/slurmd.%n.own.pid
SlurmdLogFile={folder}/log/slurmd.%n.log
MailProg=/bin/true
# No control groups, no PMI.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SwitchType=switch/none
# Nodes may advertise more than the machine has.
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=200
GresTypes=gpu
# What no node can ever satisfy is refused at once.
EnforcePartLimits=ALL
SchedulerParameters=batch_sched_delay=0,sched_interval=5,bf_interval=5
ReturnToService=2
SlurmctldTimeout=60
SlurmdTimeout=15
KillWait=5
InactiveLimit=0
UnkillableStepTimeout=600
# Finished jobs stay visible to squeue.
MinJobAge=7200
AccountingStorageType=accounting_storage/none
"""


def install() -> None:
    """Install Debian's packages where they are missing, without starting their services.

    Raises:
        SlurmUnavailableError: that is not possible here.
    """
    missing = [program for program in PROGRAMS[:8] if not shutil.which(program, path=SEARCH_PATH)]
    if missing:
        if os.geteuid() or not shutil.which("apt-get"):
            raise SlurmUnavailableError(
                f"no {', '.join(missing)} here; as root on Debian or Ubuntu: apt-get install {' '.join(PACKAGES)}"
            )
        policy = Path("/usr/sbin/policy-rc.d")  # Debian's way of saying that no service starts
        made = not policy.exists()
        if made:
            policy.write_text("#!/bin/sh\nexit 101\n")
            policy.chmod(0o755)
        try:
            if not _apt("install", "-y", "--no-install-recommends", *PACKAGES):
                _apt("update")
                if not _apt("install", "-y", "--no-install-recommends", *PACKAGES):
                    raise SlurmUnavailableError(f"apt-get could not install {' '.join(PACKAGES)}")
        finally:
            if made:
                policy.unlink()
    host = socket.gethostname().partition(".")[0]
    if not socket.gethostbyname(host).startswith("127."):
        raise SlurmUnavailableError(
            f"the host name {host} is not a loopback address, so that Slurm would listen to the network; "
            f"add '127.0.1.1 {host}' to /etc/hosts"
        )


def _apt(*arguments: str) -> bool:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", *arguments]
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _wait_until(condition: Callable[[], object], what: str, patience: float = 120, strict: bool = True) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            if strict:
                raise SlurmUnavailableError(f"waited {patience:.0f} s in vain until {what}")
            return
        time.sleep(0.1)


def _kill(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
        os.waitpid(pid, os.WNOHANG)  # no zombie, where it is our child
    except (ProcessLookupError, ChildProcessError):
        pass


def _processes(chosen: Callable[[int], bool]) -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and chosen(int(path.name))]


def _descendants(pid: int) -> list[int]:
    """Processes below one, whichever of its threads made them."""
    children = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            children += [int(child) for child in thread.read_text().split()]
    return [found for child in children for found in (child, *_descendants(child))]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("start", "stop"):
        sys.exit(__doc__)
    lab = SlurmLab(sys.argv[2])
    try:
        lab.start() if sys.argv[1] == "start" else lab.stop()
    except SlurmUnavailableError as error:
        sys.exit(str(error))
