"""Finds and runs the program."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Mapping, Sequence
from typing import Any

NAME = "clinstruct" + (".exe" if os.name == "nt" else "")


class ClinstructError(RuntimeError):
    """The program failed.

    Attributes:
        code: Its exit code: 1 failed rows or a missed gate, 2 wrong use or input, 3 provider or environment, 130 stopped.
        stderr: What it wrote to stderr.
        summary: What it printed as JSON; ``None`` if it got no further than the error.
    """

    def __init__(self, code: int, stderr: str, summary: dict[str, Any] | None = None) -> None:
        lines = [line for line in stderr.splitlines() if line.strip()]
        first = next((at for at, line in enumerate(lines) if line.startswith("error")), max(len(lines) - 1, 0))
        super().__init__(f"clinstruct ended with exit code {code}\n" + "\n".join(lines[first:]))
        self.code = code
        self.stderr = stderr
        self.summary = summary

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.stderr, self.summary)


def find_program() -> str:
    """The path of the program: the one of this package, otherwise the first in ``PATH``.

    Raises:
        FileNotFoundError: There is none.
    """
    schemes = [None, sysconfig.get_preferred_scheme("user") if sys.version_info >= (3, 10) else f"{os.name}_user"]
    for scheme in schemes:
        scripts = sysconfig.get_path("scripts", scheme) if scheme else sysconfig.get_path("scripts")
        path = os.path.join(scripts, NAME)
        if os.path.isfile(path):
            return path
    # `pip install --target DIR` puts programs into DIR/bin.
    beside = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bin", NAME)
    found = beside if os.path.isfile(beside) else shutil.which(NAME)
    if found is None:
        raise FileNotFoundError("the program `clinstruct` is not installed: install the wheel again")
    return found


def flags(settings: Mapping[str, Any]) -> list[str]:
    """Settings as flags of the command line."""
    arguments: list[str] = []
    for name, setting in settings.items():
        flag = "--" + name.rstrip("_").replace("_", "-")
        if setting is None or setting is False:
            continue
        if setting is True:
            arguments.append(flag)
        elif isinstance(setting, Mapping):
            arguments += [f"{flag}={key}={value}" for key, value in setting.items()]
        elif isinstance(setting, Sequence) and not isinstance(setting, (str, bytes)):
            arguments += [f"{flag}={_text(value)}" for value in setting]
        else:
            arguments.append(f"{flag}={_text(setting)}")
    return arguments


def _text(value: Any) -> str:
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def run(arguments: Sequence[str], settings: Mapping[str, Any], progress: bool) -> dict[str, Any]:
    """Runs the program, and parses the JSON that it prints.

    Raises:
        ClinstructError: It failed.
    """
    command = [find_program(), *arguments, *flags(settings)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    assert process.stdout is not None and process.stderr is not None
    errors: list[str] = []

    def listen() -> None:
        for line in process.stderr:
            errors.append(line)
            if progress and sys.stderr is not None:
                sys.stderr.write(line)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        output = process.stdout.read()
        code = process.wait()
    except KeyboardInterrupt:
        # A terminal has interrupted the program too. In a notebook nobody has; it saves what has arrived, then ends.
        if sys.stdin is None or not sys.stdin.isatty():
            process.send_signal(signal.SIGINT)
        process.wait()
        raise
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        listener.join()
        process.stdout.close()
        process.stderr.close()
    summary = _last_object(output)
    if code != 0 or summary is None:
        raise ClinstructError(code, "".join(errors), summary)
    return summary


def _last_object(output: str) -> dict[str, Any] | None:
    """The last line of the output that is a JSON object."""
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            try:
                return json.loads(line)
            except ValueError:
                return None
    return None
