# SPDX-License-Identifier: GPL-2.0-or-later
#
# The leaker does not end of SIGTERM, because it catches it and goes on or because it ignores it, and
# leaks slowly enough that asking first is right.

wait_booted
swap_start
daemon_start
neighbours_start 60
evidence_start
read -r -a words </proc/cmdline
for word in "${words[@]}"; do
	[[ $word != vm.term=* ]] || load_go leak leak --rate 30 --start 300 --fill random "--${word#*=}-term"
done
wait_dead leak 180
wait_memory_back 30
neighbours_stop
evidence_stop
unit_note leak
