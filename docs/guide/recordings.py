"""Records what the command shows on a terminal, for the guide's page on it.

    python3 docs/guide/recordings.py CLINSTRUCT PAGE

CLINSTRUCT is the program, PAGE is docs/guide/src/terminal.md: all behind its line `## Recordings` is written again. Each recording is
made on a pseudo terminal of the given width. Lines that stay are kept; of the line that is updated, a few states are, each on a
line of its own. Nothing but this machine is asked: slow and failing providers are programs of the command backend.
"""

import fcntl
import os
import pty
import re
import select
import struct
import sys
import tempfile
import termios
import time

# A provider that is slow with every batch. If DOWN_ONCE names a file that does not exist, it creates the file and fails.
PROVIDER = """#!/bin/sh
sleep "$SECONDS_PER_BATCH"
if [ -n "$DOWN_ONCE" ] && [ ! -e "$DOWN_ONCE" ]; then
    touch "$DOWN_ONCE"
    echo "the server is down for maintenance" >&2
    exit 1
fi
exec clinstruct rehearse "$1" "$2" --misbehave none --misbehave text_refusal="$REFUSALS"
"""

PROVIDED = "--backend command --command 'provider {input} {output}' --model m --jobs 1"
SHORT = "--part specialty-domain --limit 6"

# Title, width, command, variables, seconds until Ctrl-C, states of the updated line that are kept.
RECORDINGS = [
    ("A whole run at 60 columns", 60, "clinstruct build run", {}, None, 3),
    ("A whole run at 80 columns", 80, "clinstruct build run", {}, None, 3),
    ("A whole run at 120 columns", 120, "clinstruct build run", {}, None, 3),
    ("A slow provider", 80, f"clinstruct build run {SHORT} {PROVIDED}", {"SECONDS_PER_BATCH": "14"}, None, 6),
    (
        "Trouble: a provider that is down, and refusals",
        80,
        f"clinstruct build run {SHORT} {PROVIDED}",
        {"SECONDS_PER_BATCH": "1", "DOWN_ONCE": "down", "REFUSALS": "0.6"},
        None,
        4,
    ),
    ("Ctrl-C, and the same command again", 80, "clinstruct build run", {}, 6, 2),
]

CONTROL = re.compile(r"\x1b\[[0-9;?]*([A-Za-z])")


class Screen:
    """The lines of a terminal: those that stay, and states of the last line while it is updated."""

    def __init__(self):
        self.lines = []  # (stays, text)
        self.text = ""
        self.column = 0

    def feed(self, data):
        at = 0
        while at < len(data):
            control = CONTROL.match(data, at)
            if control:
                at = control.end()
                if control[1] == "K":
                    self.erase()
                continue
            character = data[at]
            at += 1
            if character == "\r":
                self.column = 0
            elif character == "\n":
                self.lines.append((True, self.text.rstrip()))
                self.text, self.column = "", 0
            else:
                self.text = self.text[: self.column].ljust(self.column) + character + self.text[self.column + 1 :]
                self.column += 1

    def erase(self):
        if self.text.strip():
            self.lines.append((False, self.text.rstrip()))
        self.text, self.column = "", 0


def record(folder, command, width, variables, until):
    """The screen after a command; Ctrl-C is typed after `until` seconds."""
    environment = {
        "PATH": f"{folder}/bin:{os.environ['PATH']}",
        "TERM": "xterm",
        "SECONDS_PER_BATCH": "0",
        "REFUSALS": "0",
        **variables,
    }
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execvpe("sh", ["sh", "-c", f"exec {command}"], environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    screen, start, rest = Screen(), time.monotonic(), b""
    while True:
        if until is not None and time.monotonic() - start >= until:
            os.write(terminal, b"\x03")
            until = None
        ready, _, _ = select.select([terminal], [], [], 0.1)
        if not ready:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:  # Linux: the other side is closed.
            break
        if not data:
            break
        rest += data
        text = rest.decode("utf-8", errors="ignore")
        # A character or sequence that is cut off is completed by the next read.
        if re.search(r"\x1b(\[[0-9;?]*)?$", text) or text.encode() != rest:
            continue
        screen.feed(text)
        rest = b""
    os.waitpid(process, 0)
    screen.feed(rest.decode("utf-8", errors="ignore"))
    return screen


def key_frames(screen, many):
    """All lines that stay, and `many` states of the updated line, evenly spread over those of the phase that asks a model."""
    updated = [i for i, (stays, text) in enumerate(screen.lines) if not stays and " · " in text]
    distinct = [i for i, j in zip(updated, [None, *updated]) if j is None or screen.lines[i] != screen.lines[j]]
    # What is waited for is worth a frame.
    waits = [i for i in distinct if "waiting" in screen.lines[i][1] or "since" in screen.lines[i][1]]
    step = max(1, len(distinct) / many)
    kept = {distinct[min(len(distinct) - 1, int((k + 0.9) * step))] for k in range(many)} if distinct else set()
    kept |= set(waits[:1])
    return [text for i, (stays, text) in enumerate(screen.lines) if stays or i in kept]


def main():
    program, page = sys.argv[1:]
    with open(page, encoding="utf-8") as file:
        head = file.read().split("\n## Recordings\n")[0]
    out = [
        head.rstrip(),
        "",
        "## Recordings",
        "",
        "Made by `docs/guide/recordings.py` with a release build on two cores. Lines with `·` are states of the one line that is",
        "updated.",
    ]
    for title, width, command, variables, until, many in RECORDINGS:
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(f"{folder}/bin")
            os.symlink(os.path.abspath(program), f"{folder}/bin/clinstruct")
            with open(f"{folder}/bin/provider", "w", encoding="utf-8") as file:
                file.write(PROVIDER)
            os.chmod(f"{folder}/bin/provider", 0o755)
            out += ["", f"### {title}", ""]
            if "provider" in command:
                out += [f"`provider` answers with the grammar, {variables['SECONDS_PER_BATCH']} s after each batch was sent.", ""]
            out += ["```text"]
            for stop in [until, None] if until else [None]:
                screen = record(folder, command, width, variables, stop)
                frames = [text.replace(f"{folder}/", "") for text in key_frames(screen, many)]
                out += [f"$ {command}", *frames]
            out += ["```"]
            print(f"recorded: {title}", file=sys.stderr)
    with open(page, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
