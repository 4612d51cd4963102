# SPDX-License-Identifier: GPL-2.0-or-later
#
# The leak once more, told while it happens: lines with the prefix `demo:` are for demo.py, which
# reads the console. Not a case of the suite: it judges nothing.

tell() { echo "demo: $*"; }

# The prefix and the word before each line; a journal entry may have several.
tell_journal()
{
	local line
	journalctl --follow --lines=all --boot --identifier=reapd --output=cat |
		while IFS= read -r line; do tell "log $line"; done
}

tell_memory()
{
	while :; do
		meminfo MemAvailable
		tell "available $REPLY"
		snooze 0.5
	done
}

wait_booted
tell "step systemctl enable --now reapd"
tell_journal &
daemon_start
neighbours_start 60
evidence_start
tell_memory &
teller=$!
tell "step a process starts to leak 100 MB a second, beside two neighbours of 60 MiB"
load_go leak leak --rate 100 --fill random
wait_dead leak 60
wait_memory_back 20
kill "$teller"
neighbours_stop
tell "step done"
evidence_stop
