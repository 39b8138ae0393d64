"""Curation of one run on rayon, on the embedded engine and on a cluster, beside datatrove's MinHash, in turns.

    cargo build --release --manifest-path cluster/Cargo.toml --examples --bins
    cargo run --release -p clinstruct-curate --example scale 400000 data/scale
    python3 cluster/bench/run.py data/scale --target target/release --datatrove-python python3

Prints a line per program and turn, then medians: wall time, processor time of all its processes, and peak memory, which is
the largest of any process (of the two executors, for a cluster). All but datatrove have to write the same annotations.
"""

import argparse
import hashlib
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


class Usage:
    def __init__(self) -> None:
        self.processor, self.peaks = {}, {}

    def add(self, role: str, process: subprocess.Popen) -> int:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.processor[role] = self.processor.get(role, 0) + used.ru_utime + used.ru_stime
        self.peaks[role] = max(self.peaks.get(role, 0), used.ru_maxrss * 1024 / 1e6)
        return process.returncode


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


def wait_for(is_so, what: str) -> None:
    end = time.monotonic() + 600
    while not is_so():
        if time.monotonic() > end:
            sys.exit(f"waited in vain until {what}")
        time.sleep(0.01)


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def alone(role: str, command: list) -> Usage:
    usage = Usage()
    if usage.add(role, subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)):
        sys.exit(f"failed: {command}")
    return usage


def shuffled(folder: Path) -> int:
    """Files that an executor keeps for later stages."""
    return sum(1 for path in folder.glob("*/*/*"))


def cluster(program: Path, run: Path, arguments: argparse.Namespace, kill: bool) -> Usage:
    usage, port = Usage(), free_port()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    start = lambda *rest: subprocess.Popen([program, *map(str, rest)], **quiet)
    scheduler = start("scheduler", "--port", port, "--lost-after", 10)
    wait_for(lambda: listens(port), "the scheduler listens")
    address = f"127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(dir=run.parent) as folder:
        folders = [Path(folder) / str(i) for i in range(2)]
        executors = []
        for own in folders:
            own.mkdir()
            more = ["--memory", arguments.memory, "--tasks", 1, "--folder", own]
            executors.append(start("executor", "--scheduler", address, "--port", free_port(), *more))
        more = ["--scheduler", address, "--memory", arguments.memory]
        driver = subprocess.Popen([program, "curate", run, *more], stdout=subprocess.DEVNULL)
        if kill:
            wait_for(lambda: shuffled(folders[0]) > 20, "the first executor has intermediate data")
            os.kill(executors[0].pid, signal.SIGKILL)
            if driver.poll() is not None:
                sys.exit("the run had ended before an executor was killed")
        if usage.add("driver", driver):
            sys.exit("failed: curate on a cluster")
        for executor in executors:
            # Not `terminate`, which collects the usage of the one that was killed.
            os.kill(executor.pid, signal.SIGTERM)
            usage.add("executor", executor)
        os.kill(scheduler.pid, signal.SIGTERM)
        usage.add("scheduler", scheduler)
    return usage


def digest(run: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted((run / "annotations").glob("*.jsonl")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--target", type=Path, required=True)
    parser.add_argument("--datatrove-python")
    parser.add_argument("--memory", default="1GB")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[])
    arguments = parser.parse_args()
    run, program = arguments.run.resolve(), arguments.target.resolve() / "clinstruct-cluster"
    build = arguments.target.resolve() / "examples" / "build"
    file = next((run / "conversations").glob("*.jsonl"))
    scratch = run.parent / "datatrove-scratch"
    script = Path(__file__).with_name("datatrove_minhash.py")
    python = arguments.datatrove_python
    programs = {
        "rayon": lambda: alone("all", [build, run]),
        "rayon, near duplicates only": lambda: alone("all", [build, run, "near_duplicates"]),
        "embedded": lambda: alone("all", [program, "curate", run, "--memory", arguments.memory]),
        "two executors": lambda: cluster(program, run, arguments, kill=False),
        "one of two killed": lambda: cluster(program, run, arguments, kill=True),
    }
    if python:
        programs["datatrove"] = lambda: alone("all", [python, script, file, scratch, "2"])
    measured, digests = {}, {}
    for turn in range(arguments.turns):
        for name, measure in programs.items():
            if arguments.only and name not in arguments.only:
                continue
            shutil.rmtree(scratch, ignore_errors=True)
            start = time.monotonic()
            usage = measure()
            wall = time.monotonic() - start
            total = sum(usage.processor.values())
            of = {role: f"{seconds:.1f} s, {usage.peaks[role]:.0f} MB" for role, seconds in usage.processor.items()}
            measured.setdefault(name, []).append((wall, total, max(usage.peaks.values())))
            if name not in ("datatrove", "rayon, near duplicates only"):
                digests.setdefault(digest(run), []).append(name)
            print(f"{turn + 1} {name}: {wall:.1f} s, processor {total:.1f} s; {of}", flush=True)
    shutil.rmtree(scratch, ignore_errors=True)
    for name, turns in measured.items():
        wall, total, peak = (statistics.median(column) for column in zip(*turns))
        print(f"{name}: {wall:.1f} s, processor {total:.1f} s, peak {peak:.0f} MB")
    if len(digests) > 1:
        sys.exit(f"different annotations: {digests}")


if __name__ == "__main__":
    main()
