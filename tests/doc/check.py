#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares what is written about reapd with what it is: manual pages, catalog, shipped
configuration, list of installed files, shell scripts.

    check.py --reapd build/src/reapd --reapctl build/src/reapctl     # TAP, one line a check
    check.py ... --mutate              # damages each text in memory: each check must see it

A check is a function from all texts to a list of complaints. A mutation names the text that it
damages and the check that has to complain.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

FILES = {
    "reapctl.1": "man/reapctl.1.scd",
    "reapd.8": "man/reapd.8.scd",
    "reapd.conf.5": "man/reapd.conf.5.scd",
    "message-id": "src/daemon/message-id.h",
    "report": "src/daemon/report-fields.c",
    "process": "src/core/process.c",
    "rule": "src/core/rule.c",
    "main": "src/daemon/main.c",
    "control": "src/daemon/control.c",
    "catalog": "systemd/reapd.catalog",
    "conf": "contrib/reapd.conf",
    "bootstrap": "contrib/bootstrap",
    "ci": ".ci/run",
    "hook": "contrib/reapd-hook",
    "completion": "contrib/reapctl.bash-completion",
    "meson:systemd": "systemd/meson.build",
    "meson:man": "man/meson.build",
    "meson:contrib": "contrib/meson.build",
    "meson:src": "src/meson.build",
}

# Set by the environment, not by a check, so that a check needs the programs' paths alone.
REAPD = ""
REAPCTL = ""


def run(*arguments: str, program: str = "") -> subprocess.CompletedProcess:
    return subprocess.run([program or REAPD, *arguments], text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def read_texts() -> dict[str, str]:
    texts = {name: (ROOT / path).read_text() for name, path in FILES.items()}
    texts["help"] = run("--help").stdout
    with tempfile.NamedTemporaryFile() as empty:  # the machine's own configuration has no say
        texts["defaults"] = run("--config=" + empty.name, "--check-config").stdout
    texts["ctl help"] = run("--help", program=REAPCTL).stdout
    for command in commands(texts):
        texts["ctl help"] += run(command, "--help", program=REAPCTL).stdout
    return texts


def commands(texts: dict[str, str]) -> list[str]:
    """Of reapctl, as it lists them."""
    return re.findall(r"^  (\w+) {2,}", texts["ctl help"].partition("\n\n  -h")[0], re.M)


def plain(scdoc: str) -> str:
    """The text of a page without what is only scdoc's: escapes, bold, underline at a word's edge."""
    text = re.sub(r"\\(.)", r"\1", scdoc)
    return text.replace("*", "")


def keys(texts: dict[str, str]) -> dict[str, str]:
    """Key to default, as the program prints them."""
    return dict(re.findall(r"^(\w+)=(.*)$", texts["defaults"], re.M))


def message_ids(texts: dict[str, str]) -> list[str]:
    return re.findall(r'"([0-9a-f]{32})"', texts["message-id"])


def entries(texts: dict[str, str]) -> dict[str, str]:
    """Key to the body of its entry in reapd.conf(5)."""
    found = {}
    for match in re.finditer(r"^\*(\w+)=\* .*\n((?:\t.*\n|\n)+)", texts["reapd.conf.5"], re.M):
        found[match[1]] = match[2]
    return found


def check_key_table(texts):
    """the program prints its table of keys, --help and --check-config alike"""
    in_help = re.findall(r"^  --([A-Z]\w*)=", texts["help"], re.M)
    printed = list(keys(texts))
    if len(printed) < 10:
        return ["--check-config prints no table of keys"]
    return [f"{key} is not in both" for key in sorted(set(in_help) ^ set(printed))]


def check_keys_in_conf(texts):
    """every key has an entry in reapd.conf(5), and no entry is of an unknown key"""
    documented = set(entries(texts))
    return ([f"{key}= has no entry" for key in keys(texts) if key not in documented] +
            [f"{key}= is documented but unknown" for key in documented - set(keys(texts))])


def check_rule_keys(texts):
    """every key of a rule has an entry in reapd.conf(5), and no entry is of an unknown key"""
    known = set(re.findall(r'\[RULE_\w+\] = "(\w+)"', texts["rule"]))
    page = texts["reapd.conf.5"].partition("\n# SECTIONS [Rule NAME]\n")[2].partition("\n# ")[0]
    documented = set(re.findall(r"^\*(\w+)\*=", page, re.M))
    if len(known) < 8:
        return ["rule.c has no table of keys"]
    return [f"{key}= is in one place only" for key in sorted(known ^ documented)]


def check_keys_in_reapd(texts):
    """every key stands in reapd(8) as an option"""
    options = re.findall(r"\*--([A-Z]\w*)=[*']?", texts["reapd.8"])
    return [f"--{key}= is missing" for key in keys(texts) if key not in options]


def check_sections(texts):
    """every key stands below its own section in reapd.conf(5) and in the shipped file"""
    complaints = []
    section_of, section = {}, ""
    for line in texts["defaults"].splitlines():
        section = line if line.startswith("[") else section
        section_of[line.partition("=")[0]] = section
    for name, pattern in (("reapd.conf.5", r"^# SECTION (\[\w+\])|^\*(\w+)=\*"),
                          ("conf", r"^(\[\w+\])|^#(\w+)=")):
        section = ""
        for heading, key in re.findall(pattern, texts[name], re.M):
            section = heading or section
            if key and section_of.get(key) != section:
                complaints.append(f"{name}: {key}= stands below {section}")
    return complaints


def check_defaults(texts):
    """the default in reapd.conf(5) is the one that --check-config prints"""
    complaints = []
    for key, body in entries(texts).items():
        text = re.sub(r"\\(.)", r"\1", body)
        literal = re.search(r"^\tDefault, in one line:\n\n\t```\n(.*?)\t```", text, re.M | re.S)
        bold = re.search(r"^\tDefault: (?:\*(.*?)\*|empty)", text, re.M)
        if literal:
            shown = "".join(line.strip() for line in literal[1].splitlines())
        elif bold:
            shown = bold[1] or ""
        else:
            complaints.append(f"{key}= shows no default")
            continue
        if shown != keys(texts).get(key, shown):
            complaints.append(f"{key}= shows {shown!r}, the program has {keys(texts)[key]!r}")
    return complaints


def options_of_help(texts):
    head = texts["help"].partition("\nEach key of")[0]
    found = set()
    for line in head.splitlines():
        if line.startswith("  -"):
            # the description begins after two blanks; what comes before it are options
            found.update(re.findall(r"(?<![\w-])(--?[a-zA-Z][\w-]*)", line[2:].partition("  ")[0]))
    return found


def check_options(texts):
    """every option of --help has an entry in reapd(8), and no entry is of an unknown option"""
    expected = options_of_help(texts)
    if len(expected) < 20:
        return ["--help lists no options"]
    page = texts["reapd.8"].partition("\n# OPTIONS\n")[2].partition("\n# SIGNALS\n")[0]
    documented = set()
    for line in page.splitlines():
        if line.startswith("*-"):
            documented.update(re.findall(r"\*(--?[a-zA-Z][\w-]*)", line))
    documented = {option for option in documented if not re.match(r"--[A-Z]", option)}
    return ([f"{option} has no entry" for option in sorted(expected - documented)] +
            [f"{option} is documented but unknown" for option in sorted(documented - expected)])


def check_ctl(texts):
    """every command, option, column and verdict of reapctl stands in reapctl(1), and no other"""
    names = commands(texts)
    if "candidates" not in names:
        return ["reapctl --help lists no commands"]
    page, shown = texts["reapctl.1"], texts["ctl help"]
    complaints = [f"{name} is not documented" for name in names if f"\n## {name}\n" not in page]
    complaints += [f"{name} is not in the synopsis" for name in names
                   if not re.search(rf"^\*reapctl {name}\*", page, re.M)]
    complaints += [f"{name} is documented but unknown"
                   for name in re.findall(r"^## (\w+)$", page, re.M) if name not in names]
    options = set()
    for line in shown.splitlines():
        if line.startswith("  -"):
            options.update(re.findall(r"(?<![\w-])(--?[a-zA-Z][\w-]*)", line[2:].partition("  ")[0]))
    documented = set()
    for line in page.splitlines():
        if line.startswith("*-"):
            documented.update(re.findall(r"\*(--?[a-zA-Z][\w-]*)", line))
    complaints += [f"{name} is in one place only" for name in sorted(options ^ documented)]
    entries = set()
    for line in page.splitlines():
        if line.startswith("*"):
            entries.update(re.findall(r"\*([\w-]+)\*", line))
    columns = re.findall(r"^  (\w+) {2,}", shown.partition("\nColumns:\n")[2], re.M)
    verdicts = re.findall(r'case VERDICT_\w+:\n\t\treturn "([\w-]+)"', texts["process"])
    if len(columns) < 10 or len(verdicts) < 10:
        complaints.append("too few columns or verdicts were found")
    return complaints + [f"{name} is not explained" for name in [*columns, *verdicts, "victim"]
                         if name not in entries and name != "gone"]


def check_message_ids(texts):
    """every message identifier stands in reapd(8), and no other does"""
    known = message_ids(texts)
    in_page = set(re.findall(r"[0-9a-f]{32}", texts["reapd.8"]))
    in_table = set(re.findall(r"^\|  ([0-9a-f]{32})$", texts["reapd.8"], re.M))
    if len(known) < 5 or len(set(known)) != len(known):
        return ["message-id.h has too few identifiers, or one twice"]
    return ([f"{i} is missing in the table" for i in known if i not in in_table] +
            [f"{i} is unknown" for i in in_page - set(known)])


def check_catalog(texts):
    """the catalog has an entry for every message identifier, and no other"""
    known = set(message_ids(texts))
    headers = re.findall(r"^-- ?(.*)$", texts["catalog"], re.M)
    complaints = [f"{i} has no entry" for i in known - set(headers)]
    complaints += [f"entry of {i or 'nothing'}" for i in headers if i not in known]
    entry = re.compile(r"^-- [0-9a-f]{32}\nSubject: .+\nDefined-By: reapd\n"
                       r"Documentation: man:reapd.*\n\n(?!-- ).", re.M)
    if len(entry.findall(texts["catalog"])) != len(known):
        complaints.append("an entry lacks subject, documentation or text")
    fields = set(re.findall(r"@(\w+)@|(REAPD_\w+)", texts["catalog"]))
    source = report_fields(texts)
    return complaints + [f"{a or b} is no field" for a, b in fields if (a or b) not in source]


def report_fields(texts):
    return set(re.findall(r'"(REAPD_[A-Z_]+)=', texts["report"]))


def check_fields(texts):
    """every field of a report is explained in reapd(8), and no other is"""
    source = report_fields(texts)
    if len(source) < 20:
        return ["report-fields.c has no fields"]
    explained = set()
    for line in texts["reapd.8"].splitlines():
        if line.startswith("*REAPD_"):
            explained.update(re.findall(r"\*(REAPD_[A-Z_]+)\*", line))
    mentioned = set(re.findall(r"REAPD_[A-Z_]+", plain(texts["reapd.8"])))
    return ([f"{field} is not explained" for field in sorted(source - explained)] +
            [f"{field} is no field" for field in sorted(mentioned - source)])


def check_conf_is_inert(texts):
    """the shipped configuration sets nothing"""
    return [f"it sets {line}" for line in texts["conf"].splitlines()
            if not re.match(r"#|\[\w+\]$|$", line)]


def check_conf_uncommented(texts):
    """the shipped configuration, uncommented, is accepted, complete and equal to the defaults"""
    body = re.sub(r"^#(\w+=)", r"\1", texts["conf"], flags=re.M)
    missing = [f"{key}= is missing" for key in keys(texts) if f"\n{key}=" not in body]
    unexplained = re.findall(r"(?:^\[\w+\]|^#\w+=.*)\n#(\w+)=", texts["conf"], re.M)
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        # an empty pattern would say "none": right for Prefer= and Ignore=, whose default it is
        file.write(body)
        file.flush()
        done = run("--config=" + file.name, "--check-config")
    if done.returncode:
        return missing + done.stdout.splitlines()
    if done.stdout != texts["defaults"]:
        missing.append("its values are not the defaults")
    return missing + [f"{key}= has no explanation" for key in unexplained]


def check_examples(texts):
    """the examples in reapd.conf(5) are accepted"""
    page = texts["reapd.conf.5"].partition("\n# EXAMPLES\n")[2]
    blocks = re.findall(r"^```\n(.*?)^```", page, re.M | re.S)
    complaints = [] if len(blocks) >= 3 else ["there are too few"]
    for block in blocks:
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(block)
            file.flush()
            done = run("--config=" + file.name, "--check-config")
        if done.returncode:
            complaints += done.stdout.splitlines()
    return complaints


def check_exit_statuses(texts):
    """both programs have the exit statuses that their pages list, but one that takes another user"""
    complaints = []
    trace = ROOT / "tests/replay/guest-tmpfs.trace"
    with tempfile.NamedTemporaryFile("w") as bad:
        bad.write("[Limits]\nNoSuchKey=1\n")
        bad.flush()
        for page, program, tried, untried in (
                ("reapd.8", REAPD,
                 ((0, "--version"), (1, "--version", "/dev/full"), (2, "--no-such-option"),
                  (2, "--SoftMemory=none"), (2, "word"),
                  (78, f"--config={bad.name} --check-config")), "69"),
                ("reapctl.1", REAPCTL,
                 ((0, "--version"), (1, "--version", "/dev/full"), (1, "replay /nonexistent"),
                  (2, "no-such-command"), (2, f"replay --SoftMemory=none {trace}"),
                  (69, "status --socket=/nonexistent"),
                  (78, f"replay --SoftMemory=1% --HardMemory=2% {trace}")), "77")):
            listed = texts[page].partition("\n# EXIT STATUS\n")[2].partition("\n# ")[0]
            documented = set(re.findall(r"^\*(\d+)\*$", listed, re.M))
            expected = {str(status) for status, *_ in tried} | {untried}
            complaints += [f"{page}: {status} is in one place only"
                           for status in sorted(documented ^ expected)]
            for status, words, *output in tried:
                with open(*output or ["/dev/null"], "w", encoding="utf-8") as stdout:
                    done = subprocess.run([program, *words.split()], stdin=subprocess.DEVNULL,
                                          stdout=stdout, stderr=subprocess.DEVNULL)
                if done.returncode != status:
                    complaints.append(f"{page}: {words} exits with {done.returncode}, "
                                      f"expected {status}")
    return complaints


def check_control_socket(texts):
    """reapctl(1) has what the control socket offers, and each result and argument by its name"""
    offered = texts["control"].partition("manager_vtable[] = {")[2].partition("VTABLE_END")[0]
    names = set(re.findall(r'^\t\w+\("(\w+)"', offered, re.M))
    names |= set(re.findall(r'"\w", *\s*(\w+)(?=[,)])', re.sub(r"\tSHOW.*", "", offered)))
    section = texts["reapctl.1"].partition("\n# CONTROL SOCKET\n")[2].partition("\n# ")[0]
    documented = {name for line in re.findall(r"^\*[A-Z].*", section, re.M) + re.findall(
                      r"^The signal (.*?\))", section, re.M)
                  for name in re.findall(r"[*_]([A-Za-z_]+?)[*_](?=\W|$)", line)}
    if len(names) < 20:
        return ["control.c has no table of what it offers"]
    return [f"{name} is in one place only" for name in sorted(names ^ documented)]


def check_uninstall(texts):
    """uninstall of contrib/bootstrap knows every file that is installed"""
    expected = ["/usr/sbin/reapd" if "'reapd'" in texts["meson:src"] else "",
                "/usr/bin/reapctl" if "'reapctl'" in texts["meson:src"] else ""]
    for page in re.findall(r"'(\w[\w.]*\.(\d))'", texts["meson:man"]):
        expected.append(f"/usr/share/man/man{page[1]}/{page[0]}")
    expected += [f"/usr/share/bash-completion/completions/{name}"
                 for name in re.findall(r"rename: '(.+?)'", texts["meson:contrib"])]
    for names in re.findall(r"install_data\((.+?),\n.*/ 'doc' /", texts["meson:contrib"]):
        expected += [f"/usr/share/doc/reapd/{name}" for name in re.findall(r"'(.+?)'", names)]
    unit = texts["meson:systemd"]
    expected += [f"/usr/lib/systemd/system/{name}" for name in re.findall(r"output: '(.+?)'", unit)]
    for source, rest in re.findall(r"install_data\('(.+?)',(.*?)\n\)", unit, re.S):
        name = re.search(r"rename: '(.+?)'", rest)
        folder = re.findall(r"'([\w.]+)'", rest.partition("install_dir:")[2])
        expected.append("/".join(["/usr/lib", *folder, name[1] if name else source]))
    listed = texts["bootstrap"].partition("\ninstalled_files=(")[2].partition("\n)")[0].split()
    return ([f"{path} is not removed" for path in expected if path not in listed] +
            [f"{path} is not installed" for path in listed if path not in expected])


def check_shell(texts):
    """shellcheck has nothing to say about contrib/bootstrap, contrib/reapd-hook and .ci/run"""
    if not shutil.which("shellcheck"):
        if os.environ.get("CI") == "true":
            return ["shellcheck is missing: apt-get install shellcheck"]
        return None
    complaints = []
    for name in ("bootstrap", "hook", "ci"):
        done = subprocess.run(["shellcheck", "--shell=bash", "--format=gcc", "-"], text=True,
                              input=texts[name], stdout=subprocess.PIPE)
        complaints += [line.replace("-:", FILES[name] + ":", 1) for line in done.stdout.splitlines()]
        if not texts[name].startswith("#!/usr/bin/env bash\n"):
            complaints.append(f"{FILES[name]} does not begin with #!/usr/bin/env bash")
        if "\nset -euo pipefail\n" not in texts[name]:
            complaints.append(f"{FILES[name]} does not set -euo pipefail")
    return complaints


def completed(texts, *words):
    """What bash offers for the last of these words."""
    script = texts["completion"] + """
        shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        compopt() { [[ $* == "-o nospace" ]] && echo nospace; }
        _reapctl
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    folders = os.path.dirname(REAPD), os.path.dirname(REAPCTL), os.environ["PATH"]
    done = subprocess.run(["bash", "-c", script, "bash", "", "reapctl", *words], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env={**os.environ, "PATH": ":".join(folders)})
    return done.stdout.split()


def check_completion(texts):
    """bash offers every command, option and key, and nothing that is none"""
    complaints = []
    for words, expected in ((["re"], ["resume", "reload", "record", "replay"]),
                            (["status", "--"], ["--json", "--socket=", "--help"]),
                            (["status", "--so"], ["nospace", "--socket="]),
                            (["replay", "--r"], []),
                            (["replay", "--So"], ["nospace", "--SoftMemory=", "--SoftSwap=",
                                                  "--SortBy="])):
        found = completed(texts, *words)
        if sorted(found) != sorted(expected):
            complaints.append(f"reapctl {' '.join(words)}: {found}, expected {expected}")
    names = commands(texts)
    for name in names:
        help_text = run(name, "--help", program=REAPCTL).stdout
        offered = {word.rstrip("=") for word in completed(texts, name, "--")} - {"nospace"}
        own = {option for option in options_of_help({"help": help_text})
               if option.startswith("--") and option != "--Key"}
        if name == "replay":
            own |= {f"--{key}" for key in keys(texts)}
        complaints += [f"{name}: {word}" for word in sorted(offered ^ own)]
    return complaints


CHECKS = [value for name, value in list(globals().items()) if name.startswith("check_")]

# Check, text, what is replaced there (a regular expression, the first match), by what.
MUTATIONS = [
    (check_key_table, "help", r"--SoftSwap=", "--OtherSwap="),
    (check_key_table, "defaults", r"(?s).*", ""),
    (check_keys_in_conf, "reapd.conf.5", r"(?m)^\*KillTimeout=\*", "*KillTime=*"),
    (check_keys_in_conf, "defaults", r"\[Kill\]\n", "[Kill]\nNewKey=1\n"),
    (check_rule_keys, "reapd.conf.5", r"(?m)^\*UserUnit\*=", "*UserService*="),
    (check_rule_keys, "rule", r'"Executable"', '"Program"'),
    (check_keys_in_reapd, "reapd.8", r"\*--StallWindow=\*", ""),
    (check_keys_in_reapd, "defaults", r"\[Kill\]\n", "[Kill]\nNewKey=1\n"),
    (check_sections, "reapd.conf.5", r"# SECTION \[Stall\]\n", ""),
    (check_sections, "conf", r"\[Kill\]\n", ""),
    (check_defaults, "reapd.conf.5", r"Default: \*5s\*", "Default: *6s*"),
    (check_defaults, "reapd.conf.5", r"\|niri\|", "|"),
    (check_defaults, "reapd.conf.5", r"Default: \*badness\*", ""),
    (check_defaults, "defaults", r"StallLimit=50%", "StallLimit=40%"),
    (check_defaults, "defaults", r"HardMemory=", "HardMemory=5%"),
    (check_options, "reapd.8", r"(?m)^\*--drill\*$", "*--exercise*"),
    (check_options, "reapd.8", r", \*-N\* ", ", "),
    (check_options, "reapd.8", r"(?m)^\*-p\*$", "*-p*, *-q*"),
    (check_options, "help", r"  --sort-by-rss", "  --sort-by-pss"),
    (check_options, "help", r"(?s)As earlyoom.*", ""),
    (check_ctl, "reapctl.1", r"## candidates", "## processes"),
    (check_ctl, "reapctl.1", r"(?m)^\*reapctl candidates\*", "*reapctl*"),
    (check_ctl, "reapctl.1", r"\*--columns=\*", "*--fields=*"),
    (check_ctl, "reapctl.1", r"\*tid\*", "*thread*"),
    (check_ctl, "reapctl.1", r"\*vfork\*", "*forked*"),
    (check_ctl, "ctl help", r"  --config=FILE", "  --rules=FILE"),
    (check_ctl, "ctl help", r"  candidates ", "  processes  "),
    (check_message_ids, "reapd.8", r"(?m)^\|  e1d844c5", "|  e1d844c6"),
    (check_message_ids, "reapd.8", r"MESSAGE_ID=1b58f74b", "MESSAGE_ID=1b58f74c"),
    (check_message_ids, "message-id", r'"[0-9a-f]{32}"', '"00000000000000000000000000000000"'),
    (check_catalog, "catalog", r"-- 9319378f3bfc43fea64991c76f1fbf1e", "-- "),
    (check_catalog, "catalog", r"(?s)\n-- 320427e4.*", "\n"),
    (check_catalog, "catalog", r"@REAPD_LEVEL@", "@REAPD_LEVELS@"),
    (check_catalog, "catalog", r"Subject: The fire", "The fire"),
    (check_catalog, "message-id", r'"[0-9a-f]{32}"', '"00000000000000000000000000000000"'),
    (check_fields, "reapd.8", r"(?m)^\*REAPD_OUTCOME\*$", "Outcome"),
    (check_fields, "reapd.8", r", \*REAPD_SWAP_PAGES\*", ""),
    (check_fields, "report", r"REAPD_BACK_USEC=", "REAPD_RETURN_USEC="),
    (check_fields, "report", r"(?s).*", ""),
    (check_conf_is_inert, "conf", r"#DryRun=no", "DryRun=no"),
    (check_conf_uncommented, "conf", r"#SoftMemory=10% 1G", "#SoftMemory=ten"),
    (check_conf_uncommented, "conf", r"#TermTimeout=5s", "#TermTimeout=6s"),
    (check_conf_uncommented, "conf", r"#Debug=no\n", ""),
    (check_conf_uncommented, "conf", r"# Never kill a process of root\n", ""),
    (check_examples, "reapd.conf.5", r"SoftMemory=4G", "SoftMemory=4GB"),
    (check_examples, "reapd.conf.5", r"(?s)# EXAMPLES.*", ""),
    (check_exit_statuses, "reapd.8", r"(?m)^\*78\*$", "*79*"),
    (check_exit_statuses, "reapctl.1", r"(?m)^\*69\*$", "*70*"),
    (check_control_socket, "reapctl.1", r", \*FillRate\*", ""),
    (check_control_socket, "reapctl.1", r"_timeout_usec_\)", "_timeout_\\)"),
    (check_control_socket, "control", r'"Reload"', '"Reread"'),
    (check_uninstall, "bootstrap", r"\s/usr/sbin/reapd\n", "\n"),
    (check_uninstall, "bootstrap", r"(installed_files=\(\n)", r"\1\t/etc/passwd\n"),
    (check_uninstall, "meson:man", r"'reapd.8'", "'reapd.8', 'reaptop.1'"),
    (check_uninstall, "meson:contrib", r"rename: 'reapctl'", "rename: 'reaptop'"),
    (check_uninstall, "meson:systemd", r"output: 'reapd.service'", "output: 'reapd.socket'"),
    (check_shell, "bootstrap", r"\Z", 'rm -r $1/*\n'),
    (check_shell, "hook", r"#!/usr/bin/env bash", "#!/bin/sh"),
    (check_completion, "completion", r"nospace", "nosort"),
    (check_completion, "completion", r" replay ", " relay "),
    (check_completion, "completion", r"\+=\?\)", "+)"),
    (check_shell, "ci", r"\nset -euo pipefail\n", "\n"),
]


def say(number: int, name: str, complaints: list[str] | None) -> bool:
    skip = " # SKIP not available here" if complaints is None else ""
    print(f"{'not ok' if complaints else 'ok'} {number} - {name}{skip}")
    for line in complaints or []:
        print(f"# {line}")
    return not complaints


def mutate(texts: dict[str, str]) -> bool:
    good = True
    print(f"1..{len(MUTATIONS) + 1}")
    for number, (check, name, pattern, replacement) in enumerate(MUTATIONS, 1):
        damaged, count = re.subn(pattern, replacement, texts[name], count=1)
        complaints = []
        if count == 0 or damaged == texts[name]:
            complaints.append(f"nothing to damage: {pattern} is not in {name}")
        else:
            seen = check({**texts, name: damaged})
            if seen is None:
                complaints = None
            elif set(seen) <= set(check(texts)):
                complaints.append("the damage was not seen")
        good &= say(number, f"{check.__name__} sees {name} without {pattern!r}"
                    .replace("#", "").replace("\n", ""), complaints)
    idle = [check.__name__ for check in CHECKS if check not in {m[0] for m in MUTATIONS}]
    return say(len(MUTATIONS) + 1, "every check has a mutation", idle) and good


def main() -> int:
    global REAPD, REAPCTL
    parser = argparse.ArgumentParser(description="Compares documentation and program.")
    parser.add_argument("--reapd", required=True, help="the program that was built")
    parser.add_argument("--reapctl", required=True, help="and the tool that controls it")
    parser.add_argument("--mutate", action="store_true", help="show that each check can fail")
    arguments = parser.parse_args()
    REAPD, REAPCTL = os.path.abspath(arguments.reapd), os.path.abspath(arguments.reapctl)

    texts = read_texts()
    if arguments.mutate:
        return 0 if mutate(texts) else 1
    print(f"1..{len(CHECKS)}")
    good = True
    for number, check in enumerate(CHECKS, 1):
        good &= say(number, check.__doc__, check(texts))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
