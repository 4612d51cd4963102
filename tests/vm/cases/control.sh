# SPDX-License-Identifier: GPL-2.0-or-later
#
# What people ask of the daemon: reapctl's view of every process against the kernel's, with swap in
# use; status, introspection, pause and resume, a kill on request; and clients that mean no good
# beside a leak.

socket=/run/reapd/control

# outcome NAME COMMAND...: its status and how long it took; its output is results/NAME.txt.
outcome()
{
	local name=$1 status=0 before after
	shift
	before=${EPOCHREALTIME/./}
	timeout 60 "$@" >"$results/$name.txt" 2>&1 || status=$?
	after=${EPOCHREALTIME/./}
	fact "status_$name" "$status"
	fact "took_${name}_usec" $((after - before))
}

# hold_short NAME [ARGUMENT...]: a load that brings available memory to 7 %, between soft and hard,
# and stays. What it takes at once is 32 MiB less: some of what is in use now may be back by then.
hold_short()
{
	local name=$1 total
	shift
	meminfo MemTotal
	total=$REPLY
	meminfo MemAvailable
	load_go "$name" hold $(((REPLY - total * 7 / 100) / 1024 - 32)) \
		--leave $((total * 7 / 100 / 1024)) --fill random "$@"
}

# at_most_available PERCENT
at_most_available()
{
	local total
	meminfo MemTotal
	total=$REPLY
	meminfo MemAvailable
	((REPLY * 100 <= total * $1))
}

# wait_reaped NAME: the load is dead, and the daemon has said so, which it does when it has time.
wait_reaped()
{
	wait_dead "$1" 30
	wait_said 20 "reaped process ${load_pid[$1]} "
	# the next one goes by what is available
	wait_memory_back 20
}

# leak_thrice NAME: one after the other, NAME1 to NAME3.
leak_thrice()
{
	local name
	for name in "$1"{1..3}; do
		fact "begin_${name}_usec" "$(monotonic_usec)"
		load_go "$name" leak --rate 100 --fill random
		wait_dead "$name" 150
		wait_memory_back 30
	done
}

as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)

wait_booted
swap_start
daemon_start
evidence_start

step oracle
systemd-run --quiet --unit=swapped --property=MemoryMax=64M \
	/vm/bin/load hold 150 --name swapped --fill random --ready /vm/run/swapped.ready
wait_for 60 "swap to be in use" exists /vm/run/swapped.ready
meminfo SwapFree
fact swap_used_kib $(($(sed -n 's/^SwapTotal:[^0-9]*\([0-9]*\) kB/\1/p' /proc/meminfo) - REPLY))
sysctl --quiet --write vm.nr_hugepages=2
outcome oracle /vm/bin/oracle --reapctl /usr/bin/reapctl --crowd /vm/bin/crowd
sysctl --quiet --write vm.nr_hugepages=0
systemctl stop swapped
swapoff -a

step look
outcome status reapctl status
outcome status-json reapctl status --json
outcome introspect busctl --address=unix:path=$socket --no-pager introspect org.reapd /org/reapd
outcome nobody-status "${as_nobody[@]}" reapctl status
outcome nobody-pause "${as_nobody[@]}" reapctl pause
outcome nobody-kill "${as_nobody[@]}" reapctl kill
outcome nobody-reload "${as_nobody[@]}" reapctl reload
outcome nobody-dry-run "${as_nobody[@]}" reapctl kill --dry-run

step pause
outcome pause reapctl pause
systemctl reload reapd.service
hold_short held
wait_for 60 "the level to be soft" at_most_available 9
snooze 3
outcome paused-status reapctl status --json
outcome paused-kill reapctl kill
fact_alive held || :
fact resume_usec "$(monotonic_usec)"
outcome resume reapctl resume
wait_reaped held

step expiry
outcome pause-short reapctl pause 3s
hold_short expired
wait_reaped expired

# One in flight that does not die: a pause does not come about, and a kill on request passes it by.
step inflight
hold_short deaf --catch-term
wait_said 60 "Sent SIGTERM to process"
timeout --signal=KILL 0.5 reapctl pause || : # nobody waits for it any more
outcome inflight-pause reapctl pause --timeout=1s
outcome inflight-kill reapctl kill --json
wait_reaped deaf
outcome abandoned-status reapctl status --json

step request
load_start wanted hold 200 --fill random
outcome dry-run reapctl kill --dry-run --json
snooze 1
fact_alive wanted || :
outcome kill reapctl kill --json
wait_reaped wanted

step quiet
neighbours_start 60
leak_thrice quiet

step flood
daemon_note flood-start
systemd-run --quiet --unit=flood --property=User=65534 /vm/bin/flood $socket
snooze 3
outcome flood-status reapctl status
outcome flood-pause reapctl pause 1ms
leak_thrice leak
daemon_note flood-end
systemctl stop flood
snooze 1
daemon_note flood-after
outcome after-status reapctl status
neighbours_stop
evidence_stop

# The daemon ends soon after a kill, and during one: what it knows is not lost.
count_traces() { find /var/lib/reapd -name 'kill-*.trace' | wc -l; }

step stopped
hold_short first
wait_dead first 30
fact traces_before "$(count_traces)"
systemctl stop reapd.service
fact traces_after "$(count_traces)"
wait_memory_back 30
systemctl start reapd.service
hold_short last --catch-term
wait_said 60 "Sent SIGTERM to process ${load_pid[last]} "
systemctl stop reapd.service
fact traces_end "$(count_traces)"
systemctl kill --signal=KILL last
wait_dead last 20
journal_note
