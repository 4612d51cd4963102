# SPDX-License-Identifier: GPL-2.0-or-later
#
# Nothing is wrong: a minute with a fifth of the memory in use, then a minute with seven tenths.
# The daemon must do nothing, say nothing and cost next to nothing. After that, somebody stalls.

# in_use PERMILLE: one more load that brings memory in use to this much of the total.
in_use()
{
	local total available
	meminfo MemTotal
	total=$REPLY
	meminfo MemAvailable
	available=$REPLY
	load_start "hold$1" hold $(((available - total * (1000 - $1) / 1000) / 1024)) --fill random
	meminfo MemAvailable
	fact "in_use_permille_$1" $(((total - REPLY) * 1000 / total))
}

# note NAME: of the daemon, and of what it is compared with.
note()
{
	daemon_note "$1"
	fact "tick_nsec_$1" "$(systemctl show --property=CPUUsageNSec --value tick.service)"
}

wait_booted
swap_start
daemon_start
load_start tick tick
evidence_start 100

in_use 200
snooze 5
note calm-start
fact calm_start_usec "$(monotonic_usec)"
snooze "${VM_IDLE_SECONDS:-60}"
note calm-end
cp "/proc/$daemon_pid/smaps" "$results/smaps" # what the resident figures consist of
in_use 700
snooze 5
note busy-start
snooze "${VM_IDLE_SECONDS:-60}"
note busy-end
fact busy_end_usec "$(monotonic_usec)"
for name in hold200 hold700; do
	fact_alive "$name" || say "$name is gone"
done
systemctl stop hold200 hold700

# Somebody comes slowly to where his cgroup is slowed down, while all others have plenty: it shows
# nowhere but in the stalls, and the kernel says when to look at them.
step pressure
load_properties+=(--property=MemoryHigh=60M --property=MemorySwapMax=0)
load_start throttled leak --start 30 --rate 1 --limit 100 --fill const
load_properties=("${load_properties[@]:0:${#load_properties[@]}-2}")
snooze 34
if [[ $VM_DAEMON = reapd ]]; then
	reapctl record
	cp /var/lib/reapd/record-*.trace "$results/pressure.trace"
fi
systemctl stop throttled
evidence_stop
