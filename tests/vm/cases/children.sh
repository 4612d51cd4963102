# SPDX-License-Identifier: GPL-2.0-or-later
#
# 64 small children leak slowly. No other process is larger than one of them, so whoever goes by
# size is right as long as it looks at the children; the neighbours are smaller still. Every kill
# gives back little, and the leak goes on: 30 seconds from the moment memory is short.

below() { meminfo MemAvailable && ((REPLY < $1)); }

wait_booted
swap_start
daemon_start
neighbours_start 8
evidence_start
load_go leak children 64 --rate 0.5 --start 20 --fill random
meminfo MemTotal
wait_for 180 "memory to be short" below $((REPLY * 10 / 100))
snooze 30
# The end of the leak, so that nobody is killed while the evidence is put together.
fact end_usec "$(monotonic_usec)"
systemctl kill --kill-whom=all --signal=KILL leak
snooze 2
neighbours_stop
evidence_stop
unit_note leak
