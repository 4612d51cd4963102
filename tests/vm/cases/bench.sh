# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/bench among more processes than the machine it is built on should be made to hold. No
# daemon: nothing but the program measures and kills, and what it kills are its own children.

wait_booted
evidence_start 100
systemd-run --quiet --wait --pipe --property=TasksMax=infinity --property=LimitNPROC=infinity \
	--property=CPUSchedulingPolicy=rr --property=CPUSchedulingPriority=1 \
	/vm/bin/bench "${VM_PROCESSES:-10000}" >"$results/bench.txt" ||
	fail "bench ended with status $?"
evidence_stop
