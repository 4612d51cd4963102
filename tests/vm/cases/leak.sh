# SPDX-License-Identifier: GPL-2.0-or-later
#
# One process leaks until somebody stops it, with whatever swap the machine was booted with.

wait_booted
swap_start
daemon_start
neighbours_start 60
evidence_start
load_go leak leak --rate 100 --fill random
wait_dead leak 150
wait_memory_back 30
neighbours_stop
# once is enough: without swap
meminfo SwapTotal
[[ $VM_DAEMON != reapd || $REPLY != 0 ]] || traces_note
evidence_stop
unit_note leak
