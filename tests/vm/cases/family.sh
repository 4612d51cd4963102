# SPDX-License-Identifier: GPL-2.0-or-later
#
# 64 children of one parent leak 200 MB/s together, without swap. The neighbours hold more than each
# of them and less than all, and do not grow: whoever goes by size kills these. Half a minute:
# those of them who are left then are slow.

wait_booted
swap_start
daemon_start
neighbours_start 60
evidence_start
load_go leak children 64 --rate 3.125 --start 1
snooze 30
fact end_usec "$(monotonic_usec)"
systemctl kill --kill-whom=all --signal=KILL leak
wait_memory_back 20
neighbours_stop
evidence_stop
unit_note leak
