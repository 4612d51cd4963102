# SPDX-License-Identifier: GPL-2.0-or-later
#
# journald is stopped, as it is in effect when it thrashes: its sockets fill up and whoever waits
# for them waits for ever. A daemon that logs before it kills kills nobody here.

wait_booted
swap_start
daemon_start
neighbours_start 60
journald=$(systemctl show --property=MainPID --value systemd-journald.service)
evidence_start
kill -STOP "$journald"
# Fill the socket that the daemon writes to (libsystemd's native protocol), so that the next message
# of anybody has no room.
fact journal_backlog "$(/vm/bin/backlog /run/systemd/journal/socket)"
load_go leak leak --rate 100 --fill random
wait_dead leak 150
wait_memory_back 30
neighbours_stop
kill -CONT "$journald"
evidence_stop
unit_note leak
