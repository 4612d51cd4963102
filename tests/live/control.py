#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The control socket of a daemon in a dry run, and reapctl at its other end.

    control.py --reapd build/src/reapd --reapctl build/src/reapctl --flood build/tests/vm/flood

What takes root (clients of other users) is skipped without it; what takes a kill is in the guest.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

DEADLINE = 30.0
NOBODY = 65534
HEAP_KIB = 512
# Steps are counted, so a flood gets this much of a CPU at most.
CPU_SHARE = 0.15

number = 0
failed = 0
sanitized = False


def report(good: bool | None, name: str, why: object = "") -> None:
    """None: it cannot be tried here."""
    global number, failed
    number += 1
    skip = f" # SKIP {why}" if good is None else ""
    print(f"{'not ok' if good is False else 'ok'} {number} - {name}{skip}")
    if good is False:
        failed += 1
        for line in str(why).splitlines():
            print(f"# {line}")
    sys.stdout.flush()


def surroundings(folder: pathlib.Path) -> dict[str, str]:
    # meson has malloc() write to all that it hands out, also to 100 MiB that nobody will use
    others = {key: value for key, value in os.environ.items()
              if key not in ("NOTIFY_SOCKET", "MALLOC_PERTURB_")}
    (folder / "state").mkdir(exist_ok=True)
    return {**others, "RUNTIME_DIRECTORY": str(folder), "STATE_DIRECTORY": str(folder / "state")}


class Daemon:
    """In a dry run, with a runtime directory and a configuration of its own."""

    def __init__(self, arguments: argparse.Namespace, folder: pathlib.Path, *options: str,
                 environment: dict[str, str | None] = {}):
        self.reapctl = os.path.abspath(arguments.reapctl)
        self.socket = folder / "control"
        self.config = folder / "reapd.conf"
        self.log = folder / f"log{time.monotonic_ns()}"
        self.config.touch()
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [os.path.abspath(arguments.reapd), "--dry-run", "--log=stderr",
                 f"--config={self.config}", *options],
                stdin=subprocess.DEVNULL, stderr=log,
                env={key: value for key, value in {**surroundings(folder), **environment}.items()
                     if value is not None})
        self.wait_for("watches")
        self.wait_for_socket()

    def wait_for(self, text: str, count: int = 1) -> None:
        end = time.monotonic() + DEADLINE
        while self.log.read_text().count(text) < count:
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError(f"waited for '{text}' in:\n{self.log.read_text()}")
            time.sleep(0.01)

    def wait_for_socket(self) -> None:
        """What it says of its start comes before somebody listens."""
        end = time.monotonic() + DEADLINE
        while True:
            try:
                self.connect().close()
                return
            except (ConnectionRefusedError, FileNotFoundError):
                if time.monotonic() > end or self.process.poll() is not None:
                    raise
                time.sleep(0.01)

    def ctl(self, *words: str, user: int = 0) -> subprocess.CompletedProcess:
        command = [self.reapctl, *words, f"--socket={self.socket}"]
        if user:
            command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
                       *command]
        return subprocess.run(command, text=True, stdin=subprocess.DEVNULL, timeout=DEADLINE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def status(self) -> dict:
        return json.loads(self.ctl("status", "--json").stdout)

    def wait_for_calm(self) -> None:
        """A lower level counts when it has lasted five seconds."""
        end = time.monotonic() + DEADLINE
        while self.status()["Level"] != "calm":
            if time.monotonic() > end:
                raise RuntimeError(f"waited for calm:\n{self.log.read_text()}")
            time.sleep(0.1)

    def proc(self, file: str) -> str:
        return pathlib.Path(f"/proc/{self.process.pid}/{file}").read_text()

    def anonymous_kib(self) -> int:
        return int(re.search(r"^RssAnon:\s*(\d+)", self.proc("status"), re.M)[1])

    def cpu_seconds(self) -> float:
        fields = self.proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def connect(self, user: int = 0) -> socket.socket:
        """As root, or as somebody else."""
        if user:
            os.seteuid(user)
        try:
            return self.connect_as_we_are()
        finally:
            if user:
                os.seteuid(0)

    def connect_as_we_are(self) -> socket.socket:
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.settimeout(DEADLINE)
        while True:
            try:
                client.connect(str(self.socket))
                return client
            except BlockingIOError:  # its queue is full
                time.sleep(0.01)

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=DEADLINE)


def introduce(client: socket.socket) -> None:
    uid = str(os.getuid()).encode().hex()
    client.sendall(b"\0AUTH EXTERNAL " + uid.encode() + b"\r\n")
    answer = client.recv(4096)
    assert answer.startswith(b"OK "), answer
    client.sendall(b"BEGIN\r\n")


def check_status(daemon: Daemon) -> None:
    status = daemon.status()
    wrong = [key for key, value in status.items()
             if type(value) not in (int, str, bool, list)]
    report(not wrong and status["DryRun"] is True and status["Level"] == "calm",
           "status: level, numbers as numbers", status)
    report(status["WarningMemory"] > status["SoftMemory"] > status["HardMemory"] > 0,
           "status: limits in bytes", status)
    report(status["ConfigFiles"] == [str(daemon.config)], "status: the files that were read",
           status["ConfigFiles"])
    text = daemon.ctl("status")
    report(text.returncode == 0 and "Level: calm" in text.stdout, "status for people", text)


def check_pause(daemon: Daemon) -> None:
    done = daemon.ctl("pause", "1h")
    status = daemon.status()
    left = status["PauseEndUSecMonotonic"] / 1e6 - time.monotonic()
    report(done.returncode == 0 and status["Paused"] and 3590 < left <= 3600,
           "pause: it says so, and until when", (done, status))
    report("Paused: until 2" in daemon.ctl("status").stdout, "and to people")
    report(daemon.ctl("kill").returncode == 1, "no kill on request meanwhile")
    daemon.ctl("reload")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for("was reloaded", 2)
    report(daemon.status()["Paused"], "a reload and SIGHUP do not end it")
    report(daemon.ctl("resume").returncode == 0 and not daemon.status()["Paused"], "resume")
    report(daemon.ctl("resume").returncode == 0, "twice is no error")
    daemon.ctl("pause", "300ms")
    begun = time.monotonic()
    while daemon.status()["Paused"] and time.monotonic() < begun + DEADLINE:
        time.sleep(0.02)
    took = time.monotonic() - begun
    report(0.2 < took < 2, "a pause with a time ends by itself", took)


def check_kill(daemon: Daemon) -> None:
    """A dry run: whom it names is what candidates has for the victim."""
    for _ in range(20):  # the machine goes on meanwhile
        named = json.loads(daemon.ctl("kill", "--dry-run", "--json").stdout)
        done = subprocess.run([daemon.reapctl, "candidates", "--json", f"--config={daemon.config}"],
                              text=True, stdout=subprocess.PIPE, timeout=DEADLINE)
        victims = [row for row in json.loads(done.stdout)["candidates"]
                   if row["verdict"] == "victim"]
        if [row["pid"] for row in victims] == [named["pid"]]:
            break
    report([row["pid"] for row in victims] == [named["pid"]] and named["signalled"] is False,
           "kill --dry-run names the victim of candidates", (victims, named))
    done = daemon.ctl("kill")
    report(done.returncode == 1 and done.stdout.startswith("It would be process") and
           "dry run" in done.stderr, "kill in a dry run kills nobody, and says so", done)


def check_reload(daemon: Daemon) -> None:
    daemon.config.write_text("[Limits]\nSoftMemory=5%\n")
    soft = daemon.status()["SoftMemory"]
    done = daemon.ctl("reload")
    status = daemon.status()
    report(done.returncode == 0 and status["SoftMemory"] != soft, "reload", (done, status))
    daemon.config.write_text("[Limits]\nSofa=1\n")
    done = daemon.ctl("reload")
    report(done.returncode == 78 and ":2: Sofa=" in done.stderr and done.stderr.count("\n") == 1
           and daemon.status()["SoftMemory"] == status["SoftMemory"],
           "a mistake is told, and the old configuration stays", done)
    daemon.config.write_text("")
    daemon.ctl("reload")


def check_signal(daemon: Daemon) -> None:
    with daemon.connect() as client:
        introduce(client)
        daemon.config.write_text("[Limits]\nSoftMemory=99%\nHardMemory=1M\n")
        daemon.ctl("reload")
        data = b""
        while b"LevelChanged" not in data or b"soft" not in data:
            piece = client.recv(4096)
            if not piece:
                break
            data += piece
        report(b"LevelChanged" in data and b"soft" in data and b"exhaustion" in data,
               "whoever is connected is told of a change of level", data)
    daemon.config.write_text("")
    daemon.ctl("reload")
    daemon.wait_for_calm()


def replayed(daemon: Daemon, path: str) -> list[dict]:
    """The steps, if the replay has no remark on them."""
    done = subprocess.run([daemon.reapctl, "replay", path, "--all", "--json"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=DEADLINE)
    return json.loads(done.stdout)["steps"] if done.returncode == 0 and not done.stderr else []


def check_record(arguments: argparse.Namespace, daemon: Daemon) -> None:
    state = daemon.socket.parent / "state"
    done = daemon.ctl("record")
    path = pathlib.Path(done.stdout.strip())
    report(done.returncode == 0 and path.parent == state and path.is_file() and
           path.name.startswith("record-2"), "record: a trace, and where it is", done)
    steps = replayed(daemon, str(path))
    report(len(steps) > 5 and all(step["action"] == step["recorded"] for step in steps) and
           {"calm", "soft"} <= {step["level"] for step in steps},
           "its replay decides as the daemon did, back to the shortage before", steps)
    report(not list(state.glob(".*")), "nothing unfinished is left", list(state.iterdir()))
    shutil.rmtree(state)
    done = daemon.ctl("record")
    report(done.returncode == 1 and done.stderr.count("\n") == 1 and
           "cannot be written: No such file" in done.stderr, "record: the directory is gone", done)
    for option, environment in (("--TraceMemory=0", {}), ("--TraceMemory=1M",
                                                          {"STATE_DIRECTORY": None})):
        with tempfile.TemporaryDirectory(prefix="reapd") as folder:
            other = Daemon(arguments, pathlib.Path(folder), option, environment=environment)
            done = other.ctl("record")
            report(done.returncode == 1 and done.stderr.count("\n") == 1 and
                   "expected TraceMemory=" in done.stderr,
                   f"record with {option} and {environment}: why not", done)
            report(other.end() == 0, "and it ends")


def check_access(daemon: Daemon) -> None:
    if os.getuid() != 0 or not shutil.which("setpriv"):
        report(None, "who may ask for what", "this takes root and setpriv")
        return
    daemon.socket.parent.chmod(0o755)
    for words in (("status",), ("kill", "--dry-run")):
        done = daemon.ctl(*words, user=NOBODY)
        report(done.returncode == 0, f"everybody may {' '.join(words)}", done)
    for words in (("pause",), ("resume",), ("kill",), ("reload",), ("record",)):
        done = daemon.ctl(*words, user=NOBODY)
        report(done.returncode == 77 and done.stderr.count("\n") == 1,
               f"not everybody may {words[0]}", done)
    report(not daemon.status()["Paused"], "and nothing came of it")


def check_looks(daemon: Daemon) -> None:
    """To name the worst process takes a scan: whoever may kill has as many as he likes."""
    if os.getuid() != 0 or not shutil.which("setpriv"):
        report(None, "how often others may ask whom it would be", "this takes root and setpriv")
        return
    end = time.monotonic() + DEADLINE
    while True:  # until the one that was asked for before is long enough ago
        first = daemon.ctl("kill", "--dry-run", user=NOBODY)
        if first.returncode == 0 or time.monotonic() > end:
            break
        time.sleep(0.2)
    second = daemon.ctl("kill", "--dry-run", user=NOBODY)
    report(first.returncode == 0 and second.returncode == 1 and
           "somebody has just asked" in second.stderr and second.stderr.count("\n") == 1,
           "others may ask whom it would be once a second", (first, second))
    report(all(daemon.ctl("kill", "--dry-run").returncode == 0 for _ in range(3)),
           "whoever may kill may ask at once")
    daemon.config.write_text("[Limits]\nWarningMemory=100%\nSoftMemory=1%\nHardMemory=1M\n")
    daemon.ctl("reload")
    daemon.wait_for("level warning")
    done = daemon.ctl("kill", "--dry-run", user=NOBODY)
    report(done.returncode == 1 and "while memory is short" in done.stderr,
           "and others not at all while memory is short", done)
    daemon.config.write_text("")
    daemon.ctl("reload")
    daemon.wait_for_calm()


def check_listener(daemon: Daemon) -> None:
    """What the daemon takes for itself is nobody's, however long somebody has listened."""
    with daemon.connect() as client:
        introduce(client)
        time.sleep(0.2)
        before = daemon.anonymous_kib()
        daemon.config.write_text("".join(
            f"[Rule r{i}]\nName=^r{i}(ab|cd|ef){{1,400}}\nBadness=1\n" for i in range(60)))
        reloaded = daemon.ctl("reload")
        grown = daemon.anonymous_kib() - before
        done = [daemon.ctl("status"), daemon.ctl("status")]
        report(reloaded.returncode == 0 and all(one.returncode == 0 for one in done),
               "others are served beside one who listens, after many rules were read",
               (reloaded, done))
        report(grown > HEAP_KIB / 2 if not sanitized else None, "which take more than clients may",
               "under a sanitizer" if sanitized else grown)
    daemon.config.write_text("")
    daemon.ctl("reload")


def check_comers(arguments: argparse.Namespace) -> None:
    """Whoever comes and goes leaves nothing on an account, while somebody listens all the time."""
    if sanitized:
        report(None, "clients that come and go", "under a sanitizer")
        return
    exact = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
    with tempfile.TemporaryDirectory(prefix="reapd") as folder:
        daemon = Daemon(arguments, pathlib.Path(folder), environment=exact)
        with daemon.connect() as listener:
            introduce(listener)
            for _ in range(900):
                with daemon.connect() as client:
                    introduce(client)
                    time.sleep(0.021)  # a slot: it goes in one that is its own
            answers(daemon, "900 clients that came and went")
        report(daemon.end() == 0, "and it ends")


def check_busctl(daemon: Daemon) -> None:
    if not shutil.which("busctl"):
        report(None, "busctl introspects it", "busctl is missing")
        return
    done = subprocess.run(["busctl", f"--address=unix:path={daemon.socket}", "--no-pager",
                           "introspect", "org.reapd", "/org/reapd"], text=True, timeout=DEADLINE,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    report(done.returncode == 0 and "org.reapd.Manager" in done.stdout
           and re.search(r"^\.Pause +method +tt", done.stdout, re.M) is not None,
           "busctl introspects it", done.stdout)


def answers(daemon: Daemon, what: str) -> None:
    begun = time.monotonic()
    done = daemon.ctl("status", "--json")
    took = time.monotonic() - begun
    report(done.returncode == 0 and took < 5, f"{what}: others are served", (took, done))


def send_quietly(client: socket.socket, data: bytes) -> bool:
    try:
        client.sendall(data)
        return True
    except OSError:
        return False


def report_growth(what: str, grown: int) -> None:
    report(grown <= HEAP_KIB if not sanitized else None,
           f"{what}: the daemon grew by no more than {HEAP_KIB} KiB",
           "under a sanitizer" if sanitized else grown)


def check_hostile(daemon: Daemon) -> None:
    before = daemon.anonymous_kib()
    hanging = [daemon.connect() for _ in range(40)]
    answers(daemon, "40 clients that say nothing")
    for client in hanging:
        client.close()
    chance = random.Random(7)
    for _ in range(40):
        with daemon.connect() as client:
            for _ in range(8):
                if not send_quietly(client, chance.randbytes(chance.choice((1, 15, 600, 9000)))):
                    break
    answers(daemon, "garbage")
    for data in (b"\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\nBEGIN\r\n", b"AUTH\r\n" * 5000,
                 b"\0AUTH EXTERNAL " + b"3" * 100000, b"\0" * 70000):
        with daemon.connect() as client:
            send_quietly(client, data)
            answers(daemon, f"an introduction that begins {data[:16]!r}")
    with daemon.connect() as client:
        introduce(client)
        send_quietly(client, b"l\1\0\1" + (100 << 20).to_bytes(4, "little") + b"\1\0\0\0\x10\0\0\0")
        sent = 0
        while sent < 16 << 20 and send_quietly(client, b"\0" * 65536):
            sent += 65536
        report(sent < 16 << 20, "a message of 100 MiB is refused", sent)
    answers(daemon, "a message of 100 MiB")
    with daemon.connect() as client:
        introduce(client)
        for size in range(1, 16):  # the half of a header, and then silence
            send_quietly(client, b"l"[:size])
        answers(daemon, "half a header")
    report_growth("all this", daemon.anonymous_kib() - before)


def promise(daemon: Daemon, user: int, size: int) -> socket.socket | None:
    """A client whose message will have @size bytes, and does not come; None: it was sent away."""
    client = daemon.connect(user)
    try:
        introduce(client)
        send_quietly(client, b"l\1\0\1" + size.to_bytes(4, "little") + b"\1\0\0\0\x10\0\0\0")
        client.settimeout(0.1)
        if client.recv(1):
            return client
    except TimeoutError:  # it may stay
        return client
    except (AssertionError, OSError):
        pass
    client.close()
    return None


def check_promises(daemon: Daemon) -> None:
    """What one has the daemon hold is no reason to send another away."""
    if os.getuid() != 0 or not shutil.which("setpriv") or sanitized:
        report(None, "who holds most goes", "this takes root, setpriv and no sanitizer")
        return
    daemon.socket.parent.chmod(0o755)
    before = daemon.anonymous_kib()
    for count in (1, 5):
        held = [client for size in range(260 // count, 0, -4)
                if (client := promise(daemon, NOBODY, size << 10))]
        report(len(held) >= count, f"{len(held)} clients hold as much as they may", held)
        done = [daemon.ctl("status"), daemon.ctl("pause", "1s"), daemon.ctl("resume")]
        report(all(one.returncode == 0 for one in done), "root is served beside them", done)
        for client in held:
            client.close()
    report_growth("promises", daemon.anonymous_kib() - before)


def check_flood(daemon: Daemon, flood: str) -> None:
    before, cpu, begun = daemon.anonymous_kib(), daemon.cpu_seconds(), time.monotonic()
    with subprocess.Popen([flood, str(daemon.socket)], stdin=subprocess.DEVNULL) as process:
        time.sleep(1)
        answers(daemon, "a flood")
        report(daemon.ctl("pause", "1s").returncode == 0, "a flood: an administrator gets through")
        time.sleep(1)
        share = (daemon.cpu_seconds() - cpu) / (time.monotonic() - begun)
        grown = daemon.anonymous_kib() - before
        process.terminate()
    report(share < CPU_SHARE if not sanitized else None,
           f"a flood gets no more than {CPU_SHARE} of a CPU",
           "under a sanitizer" if sanitized else share)
    report_growth("a flood", grown)
    answers(daemon, "after a flood")


def check_names(daemon: Daemon) -> None:
    """Whatever a drop-in is called, and whatever its process."""
    folder = pathlib.Path(f"{daemon.config}.d")
    folder.mkdir()
    for name in (b"caf\xe9.conf", b"line\nbreak.conf"):
        (folder / os.fsdecode(name)).write_text("[Limits]\n")
    daemon.ctl("reload")
    shown = [name.rpartition("/")[2] for name in daemon.status()["ConfigFiles"]]
    report(shown == ["reapd.conf", "caf\\xe9.conf", "line\\x0abreak.conf"],
           "status: names of files that are no text", shown)
    report("caf\\xe9.conf" in daemon.ctl("status").stdout, "and to people")
    shutil.rmtree(folder)
    daemon.ctl("reload")

    program = daemon.config.with_name("a\nb\\c")
    shutil.copy("/bin/sleep", program)
    process = subprocess.Popen([program, "60"])
    found = {}
    for words in ([], ["--columns=pid,name"], ["--json"]):
        done = subprocess.run([daemon.reapctl, "candidates", *words], text=True,
                              stdout=subprocess.PIPE, timeout=DEADLINE)
        found[str(words)] = done.stdout
    process.kill()
    process.wait()
    rows = json.loads(found["['--json']"])["candidates"]
    report([row["name"] for row in rows if row["pid"] == process.pid] == ["a\\x0ab\\x5cc"],
           "candidates for programs: a name that is no text", rows)
    report(f"{process.pid} a\\x0ab\\x5cc\n" in found["['--columns=pid,name']"] and
           " a\\x0ab\\x5cc " in found["[]"], "and for people", found)


def check_usage(daemon: Daemon) -> None:
    for words, status in ((["pause", "0"], 2), (["pause", "soon"], 2), (["pause", "1s", "2s"], 2),
                          (["pause", "--timeout=never"], 2), (["resume", "now"], 2),
                          (["pause", "--timeout=61s"], 2), (["status", "--json=1"], 2),
                          (["status", "--nothing"], 2), (["kill", "1"], 2), (["reload", "x"], 2),
                          (["record", "file"], 2)):
        done = daemon.ctl(*words)
        report(done.returncode == status and done.stderr.count("\n") == 1,
               f"reapctl {' '.join(words)}: status {status}", done)
    nowhere = subprocess.run([daemon.reapctl, "status", "--socket=/nowhere"], text=True,
                             stderr=subprocess.PIPE)
    report(nowhere.returncode == 69 and nowhere.stderr.count("\n") == 1,
           "no daemon: status 69", nowhere)


def check_instances(arguments: argparse.Namespace, daemon: Daemon, folder: pathlib.Path) -> None:
    other = Daemon(arguments, folder)
    other.wait_for("reapctl cannot reach this instance")
    report(other.end() == 0 and daemon.status()["DryRun"],
           "another instance leaves the socket to the first")
    daemon.process.kill()
    daemon.process.wait()
    report(daemon.socket.exists(), "one that is killed leaves its socket behind")
    third = Daemon(arguments, folder)
    report(third.ctl("status").returncode == 0, "and the next one takes its place")
    report(third.end() == 0 and not third.socket.exists(), "one that ends takes it away")


def main() -> int:
    global sanitized
    parser = argparse.ArgumentParser(description="Tries the control socket.")
    for name in ("reapd", "reapctl", "flood"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--sanitize", default="none", help="what the daemon was built with")
    arguments = parser.parse_args()
    sanitized = arguments.sanitize != "none"
    with tempfile.TemporaryDirectory(prefix="reapd") as name:
        folder = pathlib.Path(name)
        daemon = Daemon(arguments, folder)
        try:
            check_status(daemon)
            check_pause(daemon)
            check_kill(daemon)
            check_reload(daemon)
            check_signal(daemon)
            check_record(arguments, daemon)
            check_access(daemon)
            check_looks(daemon)
            check_listener(daemon)
            check_comers(arguments)
            check_busctl(daemon)
            check_hostile(daemon)
            check_promises(daemon)
            check_flood(daemon, os.path.abspath(arguments.flood))
            check_names(daemon)
            check_usage(daemon)
            check_instances(arguments, daemon, folder)
        finally:
            if daemon.process.poll() is None:
                daemon.process.kill()
    print(f"1..{number}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
