"""Runs in object storage, with servers that are killed in the middle of uploads and keep their state.

Usage: servers.py CLINSTRUCT S3S_FS AZURITE_BLOB, three programs: ours, an S3 server on a folder, and the emulator of Azure.
All that is sent goes through a proxy that counts it, and that can be slow.
"""

import base64
import datetime
import hashlib
import hmac
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

PROGRAM, S3S_FS, AZURITE = ([str(Path(word).absolute())] for word in sys.argv[1:4])
MB = 1 << 20
PART = 8 * MB
# A file of the run that is sent in parts, as the stage of another program could write.
LARGE = 44 * MB
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Proxy:
    """Passes connections on to a port, counts the bytes that go there, and waits where it is told to be slow."""

    def __init__(self, to):
        self.to, self.sent, self.slow, self.holds = to, 0, False, False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            one, _ = self.listener.accept()
            try:
                other = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                one.close()
                continue
            threading.Thread(target=self.copy, args=(one, other, True), daemon=True).start()
            threading.Thread(target=self.copy, args=(other, one, False), daemon=True).start()

    def copy(self, one, other, counts):
        try:
            while data := one.recv(1 << 16):
                if counts:
                    self.sent += len(data)
                    if self.slow:
                        time.sleep(0.004)
                    while self.holds:
                        time.sleep(0.01)
                other.sendall(data)
        except OSError:
            pass
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Server:
    """A server on a folder, which outlives it."""

    def __init__(self, command, folder):
        self.port = free_port()
        self.command = [word.format(port=self.port, folder=folder) for word in command]
        self.folder, self.process, self.has_saved = folder, None, lambda: True
        folder.mkdir(parents=True)
        self.start()
        self.proxy = Proxy(self.port)

    def start(self):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(self.command, **quiet)
        for _ in range(600):
            try:
                return socket.create_connection(("127.0.0.1", self.port)).close()
            except OSError:
                assert self.process.poll() is None, self.command
                time.sleep(0.05)
        raise AssertionError(f"it does not listen: {self.command}")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def kill_in_the_middle(self):
        """Lets nothing arrive any more, until all that the server has is on the disk."""
        self.proxy.holds = True
        wait(self.has_saved)
        self.kill()
        self.proxy.holds = False


def s3(folder):
    server = Server([*S3S_FS, "--access-key", "me", "--secret-key", "secret-word", "--host", "127.0.0.1",
                     "--port", "{port}", "{folder}"], folder)
    (folder / "bucket").mkdir()
    return server, "s3://bucket", {
        "AWS_ACCESS_KEY_ID": "me",
        "AWS_SECRET_ACCESS_KEY": "secret-word",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.proxy.port}",
        "AWS_ALLOW_HTTP": "true",
    }


def azure(folder):
    server = Server([*AZURITE, "--blobHost", "127.0.0.1", "--blobPort", "{port}", "--location", "{folder}", "--silent",
                     "--skipApiVersionCheck", "--disableTelemetry"], folder)
    account = "devstoreaccount1"
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
    headers = {"x-ms-date": date, "x-ms-version": "2021-08-06"}
    canonical = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()))
    signed = f"PUT{chr(10) * 12}{canonical}/{account}/{account}/container\nrestype:container"
    digest = hmac.new(base64.b64decode(KEY), signed.encode(), hashlib.sha256).digest()
    headers["Authorization"] = f"SharedKey {account}:{base64.b64encode(digest).decode()}"
    url = f"http://127.0.0.1:{server.port}/{account}/container?restype=container"
    urllib.request.urlopen(urllib.request.Request(url, method="PUT", headers=headers)).close()
    # It writes what it knows every five seconds; what it was told since then, a kill takes.
    database = folder / "__azurite_db_blob__.json"
    text = lambda: database.read_text() if database.exists() else ""
    wait(lambda: '"container"' in text())
    server.has_saved = lambda: "clinstruct.json" in text() and text().count('"isCommitted":false') >= 2
    return server, "az://container", {
        "AZURE_STORAGE_ACCOUNT_NAME": account,
        "AZURE_STORAGE_ACCOUNT_KEY": KEY,
        "AZURE_STORAGE_USE_EMULATOR": "true",
        "AZURITE_BLOB_STORAGE_URL": f"http://127.0.0.1:{server.proxy.port}",
        "AZURE_ALLOW_HTTP": "true",
    }


class Machine:
    """A folder in which the command is run, with the credentials of a server."""

    def __init__(self, folder, variables):
        self.folder, self.variables = folder, {**variables, "NO_COLOR": "1", "PATH": os.environ["PATH"]}
        folder.mkdir(parents=True, exist_ok=True)

    def start(self, words):
        out = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([*PROGRAM, *shlex.split(words)], cwd=self.folder, env=self.variables, **out)

    def run(self, words, code=0):
        return self.ended(self.start(words), words, code)

    def ended(self, process, words, code=0):
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, f"{words}: {process.returncode}\n{out}\n{err}"
        secrets = [self.variables.get(name) for name in ("AWS_SECRET_ACCESS_KEY", "AZURE_STORAGE_ACCOUNT_KEY")]
        assert not any(secret and secret in out + err for secret in secrets), err
        return out + err


def wait(until):
    for _ in range(3000):
        if until():
            return
        time.sleep(0.01)
    raise AssertionError("it does not happen")


def plant(work, seed):
    """A large file among those of a run."""
    file = work / "prompts/planted/noise.bin"
    file.parent.mkdir(parents=True, exist_ok=True)
    block = hashlib.shake_256(seed.encode()).digest(MB)
    with file.open("wb") as out:
        for number in range(LARGE // MB):
            out.write(number.to_bytes(8, "big") + block[8:])
    return file


def parts(work):
    """How many parts of the large file have arrived."""
    try:
        pending = json.loads((work / "upload/state.json").read_text()).get("pending")
    except (OSError, ValueError):
        return 0
    return sum(part is not None for part in pending["parts"]) if pending else 0


def wait_for_parts(work, process, some=2):
    def arrived():
        assert parts(work) >= some or process.poll() is None, process.communicate()
        return parts(work) >= some
    wait(arrived)


def rows(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def survives(name, server, base, machine):
    """The claim: a run survives a restart of the server in the middle of an upload, and nothing half-written is readable."""
    work = machine.folder / "work"
    address = f"{base}/runs/a b %20/ü".replace(" ", "%20").replace("%20/", "%2520/")
    build = f"build --limit 8 --work work --out '{address}' --pause 5"
    plant(work, "first")

    # The server is killed in the middle, and stays away: everything is saved, and the same command resumes.
    server.proxy.slow = True
    process = machine.start(build)
    wait_for_parts(work, process)
    server.kill_in_the_middle()
    said = machine.ended(process, build, code=3)
    assert "saved in work" in said and "to resume the upload" in said, said
    arrived = parts(work)
    assert 2 <= arrived < LARGE // PART + 1, arrived
    server.start()
    for reader in (f"check '{address}'", f"export '{address}' --to out"):
        said = machine.run(reader, code=2)
        assert "not complete" in said, said
    server.proxy.slow, server.proxy.sent = False, 0
    said = machine.run(build)
    assert "sent to" in said, said
    resumed = server.proxy.sent
    print(f"{name}: killed after {arrived} parts; the next call sent {resumed / 1e6:.1f} MB of {LARGE / 1e6:.1f} MB and more")
    complete = machine.run(f"check '{address}' --json")

    # The same again sends nothing but questions.
    server.proxy.sent = 0
    said = machine.run(build)
    assert "has all of its" in said and server.proxy.sent < 20_000, (said, server.proxy.sent)

    # A changed run: the command is killed in the middle, and until it is run again nothing may be read.
    plant(work, "second")
    grown = build.replace("--limit 8", "--limit 12")
    server.proxy.slow = True
    process = machine.start(grown)
    wait_for_parts(work, process)
    if name == "S3":
        process.kill()
        process.communicate()
    else:
        process.send_signal(signal.SIGINT)
        assert "to resume it" in machine.ended(process, grown, code=130)
    assert "not complete" in machine.run(f"check '{address}'", code=2)
    assert "not complete" in machine.run(f"check '{address}/conversations/multiturn_specialty_x_domain.jsonl'", code=2)

    # The server is restarted while a command waits for it.
    process = machine.start(grown.replace("--pause 5", "--pause 200"))
    time.sleep(0.5)
    server.kill()
    time.sleep(1)
    server.start()
    server.proxy.slow = False
    said = machine.ended(process, grown)
    assert "sent to" in said, said
    assert machine.run(f"check '{address}' --json") != complete

    # A file that the run no longer has.
    shutil.rmtree(work / "prompts/planted")
    said = machine.run(grown)
    assert "0 of" not in said and "1 file of an earlier upload removed" in said, said

    # What is read is what was written.
    out = machine.run(f"export '{address}' --format messages --to exported")
    assert "exported" in out, out
    machine.run("export work --format messages --to own")
    assert rows(machine.folder / "exported") == rows(machine.folder / "own")
    machine.run(f"export '{address}' --to folder")
    assert rows(machine.folder / "folder/data") == rows(work / "dataset/data")
    machine.run(f"check '{address}/conversations/multiturn_specialty_x_domain.jsonl'")
    journal = (work / "run.sqlite").read_bytes()
    assert address.encode() in journal
    for secret in ("secret-word", KEY):
        assert secret.encode() not in journal and secret not in (work / "upload/state.json").read_text()
    return address


def merges(base, machine):
    """Shards of several machines, of which only the uploads are left."""
    for k in (1, 2):
        other = Machine(machine.folder / f"machine-{k}", machine.variables)
        other.run(f"build --shard {k}/2 --limit 20 --out {base}/shards/{k}")
        shutil.rmtree(other.folder)
    machine.run(f"merge {base}/shards/2 {base}/shards/1 --out {base}/merged --work merged")
    machine.run("build --limit 20 --out whole")
    for kind in ("conversations", "annotations", "dataset/data"):
        assert rows(machine.folder / "merged" / kind) == rows(machine.folder / "whole" / kind), kind
    machine.run(f"check {base}/merged")


def damaged(server, base, machine):
    """Objects that are not what was sent, in the folder of the S3 server."""
    machine.run(f"build --limit 8 --out {base}/damaged --work damaged")
    stem = "conversations/multiturn_specialty_x_domain.jsonl"
    file = server.folder / "bucket/damaged" / stem
    whole = file.read_bytes()
    for wrong in (whole[:-1], whole + b"\n", whole[:-2] + b" \n", b""):
        file.write_bytes(wrong)
        said = machine.run(f"check {base}/damaged", code=3)
        assert "is not the file that the run's manifest lists" in said, said
    file.write_bytes(whole[: len(whole) // 2])
    said = machine.run(f"build --limit 8 --out {base}/damaged --work damaged")
    assert "1 of" in said and file.read_bytes() == whole, said


def refusals(base, machine):
    """Errors say what to do."""
    def refused(words, code, says, **variables):
        other = Machine(machine.folder, {**machine.variables, **variables})
        for name, value in variables.items():
            if value is None:
                del other.variables[name]
        said = other.run(words, code)
        assert says in said, f"{words}: {said}"

    build = f"build --limit 2 --pause 1 --out {base}/refused"
    refused(build, 3, "hint: check the network", AWS_ENDPOINT_URL=f"http://127.0.0.1:{free_port()}")
    refused(build, 2, "AWS_ALLOW_HTTP=true", AWS_ALLOW_HTTP="false")
    refused(build, 3, "set AWS_ACCESS_KEY_ID", AWS_SECRET_ACCESS_KEY="wrong")
    refused("build --limit 2 --pause 1 --out s3://no-such-bucket/run", 2, "create it if there is none")
    refused("build --limit 2 --out 's3://bucket/run?secret'", 2, "write s3://BUCKET/FOLDER")
    refused(f"check {base}/nothing-here", 2, "there is no run at")
    refused(f"check {base}/nothing.jsonl", 2, "check the address")
    refused(f"export {base}/merged", 2, "--to")
    refused(f"resume {base}/elsewhere", 2, "has no journal on this machine")
    refused("build --limit 2 --work here --out there", 2, "leave out --work")


def folders(machine):
    """A folder as object storage, such as one that several machines mount."""
    address = (machine.folder / "mounted/run").as_uri()
    machine.run(f"build --limit 8 --out {address} --work local")
    machine.run(f"check {address}")
    plant(machine.folder / "local", "third")
    machine.run(f"build --limit 8 --out {address} --work local")
    sent = machine.folder / "mounted/run/prompts/planted/noise.bin"
    assert sent.read_bytes() == (machine.folder / "local/prompts/planted/noise.bin").read_bytes()
    assert not list(sent.parent.glob(".*"))


def main():
    folder = Path(tempfile.mkdtemp(prefix="clinstruct-objects-"))
    servers = []
    try:
        began = time.time()
        for name, make in (("S3", s3), ("Azure", azure)):
            server, base, variables = make(folder / name / "server")
            servers.append(server)
            machine = Machine(folder / name / "machine", variables)
            survives(name, server, base, machine)
            if name == "S3":
                merges(base, machine)
                damaged(server, base, machine)
                refusals(base, machine)
                folders(machine)
            print(f"{name}: as expected, {time.time() - began:.0f} s")
    finally:
        for server in servers:
            server.kill()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
