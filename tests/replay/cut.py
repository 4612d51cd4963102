#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Cuts the steps between two times out of a trace, so that they are a trace of their own.

    cut.py trace 79.1 89.0 'nobody' 'A balloon that stops with a sixth left.' >balloon.trace

The times are seconds of the trace's own clock. The last two arguments are what should come of it and
why, which nobody but a person knows.
"""

from __future__ import annotations

import sys


def main() -> int:
    if len(sys.argv) != 6:
        print(__doc__, file=sys.stderr)
        return 2
    path, begin, end, expectation, about = sys.argv[1:]
    first, last = (int(float(seconds) * 1e6) for seconds in (begin, end))
    fields: dict[str, str] = {}
    head, steps = [], []
    with open(path, encoding="ascii") as file:
        for line in file:
            words = line.split()
            # settings are left out too: what is right has to come of today's defaults; and what
            # the policy knew: it begins in calm
            if (not words or words[0] in ("expect", "lost", "set", "state", "stalls")
                    or line.startswith("#")):
                continue
            if words[0] == "reapd-trace":
                head, steps, fields = [], [], {}
            if words[0] not in ("step", "before"):
                head.append(line)
                continue
            fields.update(word.split("=", 1) for word in words[2:])
            if words[0] == "before":
                continue
            if not first <= int(words[1]) < last:
                continue
            # the first step has all that was known by then, the second what it says itself
            if not steps:
                unread = [name for name in ("vmstat", "io") if fields.get(name) == "0"]
                words[2:] = [f"{name}={value}" for name, value in
                             {**fields, **{name: "1" for name in unread}}.items()
                             if value not in ("0", "none")]
            elif len(steps) == 1:
                words += [f"{name}=0" for name in unread if fields[name] == "0"]
            steps.append(" ".join(words) + "\n")
    sys.stdout.write(f"# {about}\n")
    sys.stdout.writelines([head[0], *head[1:], f"expect {expectation}\n", *steps])
    return 0 if steps else 1


if __name__ == "__main__":
    sys.exit(main())
