# SPDX-License-Identifier: GPL-2.0-or-later
#
# The words in which cases are written. A case starts its evidence (referee, tracepoints, counters),
# a daemon and some loads, waits for what must happen, and stops the evidence; the host judges.
# Nothing here decides whether a case passed: a function fails only when the case cannot go on.
# While memory is short nothing here forks: waiting reads /proc with builtins, because a shell that
# cannot fork would fail the case for the wrong reason.

results=/vm/results
trace=/sys/kernel/tracing
exec {never}<> <(:)

# snooze SECONDS: a sleep without a fork.
snooze()
{
	read -r -t "$1" -u "$never" || :
}

# uptime_seconds: whole seconds since boot, in REPLY.
uptime_seconds()
{
	read -r REPLY _ </proc/uptime
	REPLY=${REPLY%.*}
}

say()
{
	local now
	read -r now _ </proc/uptime
	echo "vm [$now] $*"
}

fail()
{
	say "FAILED: $*"
	echo "$*" >>"$results/failures"
	exit 1
}

# fact NAME VALUE: one line of results/facts; the last one of a name counts.
fact()
{
	echo "$1=$2" >>"$results/facts"
}

# wait_for SECONDS WHAT COMMAND...: polls the command until it succeeds; past the deadline the case
# fails with WHAT. Use builtins and functions of builtins as commands while memory is short.
wait_for()
{
	local limit=$1 what=$2 deadline
	shift 2
	uptime_seconds
	deadline=$((REPLY + limit))
	until "$@"; do
		uptime_seconds
		((REPLY < deadline)) || fail "waited $limit s for $what"
		snooze 0.05
	done
}

exists() { [[ -e $1 ]]; }
gone() { [[ ! -e /proc/$1 ]] || is_zombie "$1"; }

is_zombie()
{
	local line
	read -r line 2>/dev/null <"/proc/$1/stat" || return 0
	[[ ${line##*) } == Z* ]]
}

# meminfo FIELD: its value in KiB, in REPLY.
meminfo()
{
	local name value _
	while read -r name value _; do
		[[ $name == "$1:" ]] || continue
		REPLY=$value
		return
	done </proc/meminfo
	REPLY=0
	return 1
}

available_at_least() { meminfo MemAvailable && ((REPLY >= $1)); }

# oom_kills: the kernel's count of its own OOM kills, in REPLY. Not line by line: `read` goes back in the
# file after each, and its lines have moved when a number before them has become longer.
oom_kills()
{
	local lines line
	mapfile -t lines </proc/vmstat
	REPLY=
	for line in "${lines[@]}"; do
		[[ $line != "oom_kill "* ]] || REPLY=${line#* }
	done
	[[ -n $REPLY ]] || fail "/proc/vmstat has no oom_kill"
}

# step NAME: what the journal gets from here on, until the next step, belongs to NAME.
step()
{
	timeout 30 journalctl --sync || :
	snooze 0.02 # monotonic_usec counts in hundredths of a second
	fact "step_$1_usec" "$(monotonic_usec)"
	step_start=$EPOCHREALTIME
	say "step: $1"
}

# wait_said SECONDS TEXT: the daemon has written TEXT into the journal since the step began. It
# forks, so it is not for where memory is short.
wait_said()
{
	wait_for "$1" "the daemon to say '$2'" said "$2"
}

said()
{
	# No pipe into grep -q: journalctl would die of SIGPIPE, and with pipefail that is a "no". No
	# --after-cursor=: with a match such as --identifier= it loses the first entry (systemd 252).
	[[ $(journalctl --since="@$step_start" --identifier=reapd --output=cat --quiet) == *"$1"* ]]
}

# ---- machine

# wait_booted: the boot is over and its services have settled.
wait_booted()
{
	timeout 120 systemctl is-system-running --wait >/vm/run/system-state || :
	udevadm settle --timeout=60
	fact system_state "$(cat /vm/run/system-state)"
	fact boot_seconds "$(cut -d' ' -f1 /proc/uptime)"
	fact boot_id "$(cat /proc/sys/kernel/random/boot_id)"
	fact kernel "$(uname -r)"
	fact cmdline "$(cat /proc/cmdline)"
	meminfo MemTotal
	fact mem_total_kib "$REPLY"
	say "booted"
}

# swap_start: the swap the machine was booted for.
swap_start()
{
	local kind size device
	kind=$(sed -n 's/.*vm\.swap=\([a-z]*\).*/\1/p' /proc/cmdline)
	size=$(sed -n 's/.*vm\.swap_mib=\([0-9]*\).*/\1/p' /proc/cmdline)
	case $kind in
	disk | slow | zswap)
		device=$(/usr/local/lib/vm/drive swap)
		;;
	zram)
		modprobe zram
		device=$(zramctl --find --size "${size}M" --algorithm lzo-rle)
		;;
	*)
		fact swap none
		return
		;;
	esac
	mkswap "$device" >/dev/null
	swapon "$device"
	[[ $kind != zswap || $(</sys/module/zswap/parameters/enabled) == Y ]] || fail "zswap is off"
	fact swap "$kind"
	meminfo SwapTotal
	fact swap_total_kib "$REPLY"
	say "swap: $kind, $REPLY KiB on $device"
}

# ---- evidence

# evidence_start [PERIOD_MSEC [SECONDS]]: referee, tracepoints and counters, from here on.
evidence_start()
{
	local period=${1:-5} seconds=${2:-300}
	mount -t tracefs tracefs "$trace" 2>/dev/null || :
	# They are on since the boot (guest.py): to switch one on patches the running kernel.
	echo 0 >"$trace/tracing_on"
	echo 'sig == 9 || sig == 15' >"$trace/events/signal/signal_generate/filter"
	: >"$trace/trace"
	echo 1 >"$trace/tracing_on"

	/vm/bin/referee "$results/samples.csv" /vm/run/referee.ready "$period" "$seconds" &
	referee=$!
	wait_for 10 "the referee" exists /vm/run/referee.ready
	fact evidence_start_usec "$(monotonic_usec)"
	fact period_msec "$period"
	oom_kills
	fact oom_kill_before "$REPLY"
}

# trace_event GROUP/NAME [FILTER]: one more tracepoint, such as syscalls/sys_enter_process_mrelease
# (which slows every system call a little: only where a case asks for it).
trace_event()
{
	[[ -z ${2:-} ]] || echo "$2" >"$trace/events/$1/filter"
	echo 1 >"$trace/events/$1/enable"
}

# How long the machine was suspended: /proc/uptime goes on meanwhile, CLOCK_MONOTONIC does not.
slept_msec=0

monotonic_usec()
{
	local now
	read -r now _ </proc/uptime
	now=${now/./}
	echo $((10#$now * 10000 - slept_msec * 1000))
}

evidence_stop()
{
	local cpu
	echo 0 >"$trace/tracing_on"
	oom_kills
	fact oom_kill_after "$REPLY"
	kill -TERM "$referee"
	wait "$referee" || fail "the referee ended with status $?"
	cat "$trace/trace" >"$results/trace.txt"
	for cpu in "$trace"/per_cpu/cpu*; do
		sed -n "s/^\(overrun\|dropped events\): /&/p" "$cpu/stats"
	done >"$results/trace-stats"
	[[ -z ${daemon_unit:-} ]] || daemon_note end
	journal_note
	say "evidence complete"
}

# journal_note: the whole journal as evidence, and what `journalctl -x` makes of the daemon's part.
journal_note()
{
	journalctl --sync
	journalctl --boot --output=json --no-pager >"$results/journal.json"
	journalctl --boot --catalog --no-pager --identifier=reapd >"$results/catalog.txt"
}

# ---- the daemon under test

# daemon_start: starts $VM_DAEMON and waits until its service manager calls it running.
daemon_start()
{
	case $VM_DAEMON in
	none)
		fact daemon none
		return
		;;
	oomd)
		daemon_unit=systemd-oomd.service
		mkdir -p /run/systemd/system/system.slice.d
		printf '[Slice]\nManagedOOMSwap=kill\nManagedOOMMemoryPressure=kill\n' \
			>/run/systemd/system/system.slice.d/vm.conf
		systemctl daemon-reload
		;;
	reapd)
		daemon_unit=reapd.service
		systemd-sysusers
		systemd-tmpfiles --create 2>/dev/null || :
		journalctl --update-catalog
		systemctl --quiet enable "$daemon_unit" # which has the manager read the unit
		;;
	*)
		daemon_unit=$VM_DAEMON.service
		;;
	esac
	fact daemon "$VM_DAEMON"
	fact daemon_unit "$daemon_unit"
	fact daemon_version "$(daemon_version)"
	daemon_restart
}

daemon_version()
{
	case $VM_DAEMON in
	reapd) reapd --version | sed 's/.* //;q' ;;
	oomd) dpkg-query -W -f '${Version}' systemd-oomd ;;
	*) dpkg-query -W -f '${Version}' "$VM_DAEMON" ;;
	esac
}

# daemon_restart: (re)starts the daemon, which must come up.
daemon_restart()
{
	systemctl restart "$daemon_unit" || {
		systemctl status --no-pager --full "$daemon_unit" || :
		fail "$daemon_unit does not start"
	}
	daemon_pid=$(systemctl show --property=MainPID --value "$daemon_unit")
	fact daemon_pid "$daemon_pid"
	echo "$daemon_pid" >>"$results/daemon-pids"
	daemon_note start
	say "daemon: $daemon_unit, pid $daemon_pid"
}

# drop_in NAME: what is on standard input becomes a drop-in of the daemon's unit.
drop_in()
{
	mkdir -p "/etc/systemd/system/$daemon_unit.d"
	cat >"/etc/systemd/system/$daemon_unit.d/$1.conf"
	systemctl daemon-reload
}

# daemon_record: from the next start on the daemon writes a trace, which is in memory.
daemon_record()
{
	drop_in record <<-END
		[Service]
		ExecStart=
		ExecStart=/usr/sbin/reapd --record=/run/reapd/trace
	END
}

drop_in_remove()
{
	rm "/etc/systemd/system/$daemon_unit.d/$1.conf"
	systemctl daemon-reload
}

# start_attempt NAME: a step in which the daemon is started, from whatever state it was in; what
# became of it is in units/attempt-NAME. Whether it was to start is for the host to know.
start_attempt()
{
	systemctl stop "$daemon_unit" || :
	step "$1"
	systemctl reset-failed "$daemon_unit" 2>/dev/null || :
	systemctl start "$daemon_unit" 2>/dev/null || :
	wait_for 60 "$daemon_unit to be up or down" daemon_settled
	systemctl show "$daemon_unit" >"$results/units/attempt-$1"
	daemon_pid=$(systemctl show --property=MainPID --value "$daemon_unit")
	echo "$daemon_pid" >>"$results/daemon-pids"
}

daemon_settled()
{
	case $(systemctl show --property=ActiveState --value "$daemon_unit") in
	active | failed) ;;
	*) return 1 ;;
	esac
}

# daemon_note WHEN: what the daemon has cost so far, as results/units/daemon-WHEN; at the end also
# whether it is still the same process.
daemon_note()
{
	local task
	[[ $VM_DAEMON != none ]] || return 0
	{
		systemctl show "$daemon_unit"
		echo "NoteAtUSec=$(monotonic_usec)"
		echo "NoteTasks=$(cd "/proc/$daemon_pid/task" 2>/dev/null && echo *)"
		for task in "/proc/$daemon_pid/task/"*; do
			cat "$task/status" 2>/dev/null || :
		done | awk '/^voluntary_ctxt/ { v += $2 } /^nonvoluntary_ctxt/ { n += $2 }
			END { printf "NoteVoluntarySwitches=%d\nNoteInvoluntarySwitches=%d\n", v, n }'
		sed -n 's/^\(VmRSS\|RssAnon\|VmLck\):[^0-9]*\([0-9]*\) kB/Note\1KiB=\2/p' \
			"/proc/$daemon_pid/status" 2>/dev/null || :
		# Fields 9, 10 and 12 of stat: flags, minor and major faults.
		sed 's/.*) //' "/proc/$daemon_pid/stat" 2>/dev/null |
			awk '{ print "NoteFlags=" $7 "\nNoteMinorFaults=" $8 "\nNoteMajorFaults=" $10 }' || :
	} >"$results/units/daemon-$1"
}

# ---- loads

# load_start NAME ARGUMENTS...: runs `load` as the service NAME and as process name NAME, waits
# until it has what it starts with; its pid is then ${load_pid[NAME]}.
declare -A load_pid
# What leaks is another user's: a daemon that is not root must have the capability to kill it.
load_uid=1
load_properties=(--property=OOMPolicy=continue --property=KillMode=mixed
	--property=RemainAfterExit=yes --property=TasksMax=infinity)
load_start()
{
	load_begin "$@"
	# Taking memory that has to be reclaimed page by page is slow in a guest: 10 s, or 60.
	wait_for 200 "$1 to be ready" exists "/vm/run/$1.ready"
}

# load_begin NAME ARGUMENTS...: as load_start, and waits for nothing.
load_begin()
{
	local name=$1
	shift
	systemd-run --quiet --unit="$name" "${load_properties[@]}" \
		/vm/bin/load "$@" --name "$name" --ready "/vm/run/$name.ready"
	load_pid[$name]=$(systemctl show --property=MainPID --value "$name")
	fact "pid_$name" "${load_pid[$name]}"
	say "load: $name $*"
}

# ready_or_gone NAME FILE: the load has said that it is ready, by its file, or does not live any more.
ready_or_gone() { exists "$2" || gone "${load_pid[$1]}"; }

# load_go NAME ARGUMENTS...: as load_start for a load that may die at any time from its start on:
# notes the available memory and the time before it, and waits only for its process to be there.
load_go()
{
	local name=$1
	shift
	meminfo MemAvailable
	fact available_before_kib "$REPLY"
	before_kib=$REPLY
	fact load_start_usec "$(monotonic_usec)"
	say "load: $name $*"
	systemd-run --quiet --no-block --unit="$name" "${load_properties[@]}" \
		--property=User=$load_uid \
		/vm/bin/load "$@" --name "$name"
	wait_for 30 "$name to run" main_process "$name"
	load_pid[$name]=$REPLY
	fact "pid_$name" "$REPLY"
	fact "uid_$name" "$load_uid"
}

# main_process NAME: the first process of the service's cgroup, in REPLY, once it is a load. Its
# slice is $load_slice.
main_process()
{
	local comm slice=${load_slice:-system.slice}
	read -r REPLY 2>/dev/null <"/sys/fs/cgroup/$slice/$1.service/cgroup.procs" || return 1
	read -r comm 2>/dev/null <"/proc/$REPLY/comm" || return 1
	[[ $comm == "$1" || $comm == load ]]
}

# neighbours_start MIB: the two that must live: one that any daemon might choose, and one that
# none may (adj -1000).
neighbours_start()
{
	load_start neighbour neighbour "$1" --output "$results/neighbour.gaps"
	load_start protected neighbour "$1" --output "$results/protected.gaps" --adj -1000
}

# fact_alive NAME: whether it is still the process that was started; the status says so too.
fact_alive()
{
	if gone "${load_pid[$1]}"; then
		fact "alive_$1" no
		return 1
	fi
	fact "alive_$1" yes
}

# neighbours_stop [NAME...]: notes whether they, and the others that are named, are the processes that
# were started, then ends them.
neighbours_stop()
{
	local name
	for name in neighbour protected "$@"; do
		fact_alive "$name" || continue
		kill -USR1 "${load_pid[$name]}"
		# what is queued for a slow disk, 128 MiB a page at a time, goes before their page-ins
		wait_for 120 "the gaps of $name" exists "$results/$name.gaps"
	done
}

# wait_dead NAME SECONDS: the load is gone; one that does not go is a fact, not a failure, because
# the host says what it means.
wait_dead()
{
	local deadline
	uptime_seconds
	deadline=$((REPLY + $2))
	until gone "${load_pid[$1]}"; do
		uptime_seconds
		if ((REPLY >= deadline)); then
			fact "dead_$1" no
			say "$1 is still there after $2 s"
			systemctl kill --signal=KILL "$1" || :
			return
		fi
		snooze 0.5 # each look takes from what is being measured
	done
	fact "dead_$1" yes
	say "$1 is gone"
}

# wait_memory_back SECONDS: available memory is near what it was before the load, and two more
# seconds of samples, in which a needless second kill would show.
wait_memory_back()
{
	local deadline
	uptime_seconds
	deadline=$((REPLY + $1))
	until available_at_least $((before_kib * 8 / 10)); do
		uptime_seconds
		((REPLY < deadline)) || break
		snooze 0.1
	done
	snooze 2
}

# traces_note: the trace that the daemon has written of a kill, one on request, and their replays.
traces_note()
{
	local path
	mkdir "$results/traces"
	wait_for 20 "the trace of a kill" has_trace_of_kill
	fact trace_requested "$(timeout 60 reapctl record)"
	stat -c '%a %U %n' /var/lib/reapd /var/lib/reapd/* >"$results/traces/modes"
	for path in /var/lib/reapd/*.trace; do
		cp "$path" "$results/traces"
		reapctl replay "$path" --all --json >"$results/traces/${path##*/}.json" \
			2>"$results/traces/${path##*/}.remarks" || :
	done
}

has_trace_of_kill() { compgen -G '/var/lib/reapd/kill-*.trace' >/dev/null; }

# unit_note NAME: `systemctl show` of a unit, as results/units/NAME.
unit_note()
{
	systemctl show "$1" >"$results/units/$1"
}
