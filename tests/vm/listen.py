#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Owns the service manager's side of the notify protocol, in the guest: runs a program with a
socket of its own as $NOTIFY_SOCKET, ends it with SIGTERM a second after it is ready, and writes
down what it said, a line an assignment. `systemctl` shows only what the manager made of it."""

import os
import signal
import socket
import subprocess
import sys
import time


def main() -> int:
    path, output, *command = sys.argv[1:]
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(path)
    receiver.settimeout(0.2)
    program = subprocess.Popen(command, env={**os.environ, "NOTIFY_SOCKET": path,
                                             "WATCHDOG_USEC": "2000000"})
    end = time.monotonic() + 30
    term_at = float("inf")
    with open(output, "w", encoding="utf-8") as out:
        while time.monotonic() < end:
            gone = program.poll() is not None  # first: what it said before it went is still there
            if time.monotonic() >= term_at:
                program.send_signal(signal.SIGTERM)
                term_at = float("inf")
            try:
                text = receiver.recv(4096).decode(errors="replace")
            except TimeoutError:
                if gone:
                    break
                continue
            out.write("".join(line + "\n" for line in text.split("\n") if line))
            if "READY=1" in text:
                term_at = time.monotonic() + 1
    if program.poll() is None:
        program.kill()
    return program.wait()


if __name__ == "__main__":
    sys.exit(main())
