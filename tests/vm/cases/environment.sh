# SPDX-License-Identifier: GPL-2.0-or-later
#
# Machines and services that are not as they should be: capabilities and system calls taken away,
# /proc hidden, missing or too old, no journal, a container's limit. What is required must be said
# when it is missing; what only helps must be said and done without. Kills where something is
# missing that a kill could need.

without()
{
	local all="CAP_KILL CAP_SYS_PTRACE CAP_IPC_LOCK CAP_SYS_RESOURCE"
	drop_in without <<-END
		[Service]
		AmbientCapabilities=
		AmbientCapabilities=${all/$1/}
		CapabilityBoundingSet=
		CapabilityBoundingSet=${all/$1/}
		${2:-}
	END
	start_attempt "no-$1"
}

# one_kill NAME: a quick leak, in whatever environment the daemon has.
one_kill()
{
	meminfo MemAvailable
	load_go "$1" leak --rate 100 --start $((REPLY / 1024 - 250)) --fill random
	wait_dead "$1" 60
	wait_memory_back 30
	systemctl stop "$1"
}

# in_a_room NAME COMMANDS: the daemon, dry, in mount and cgroup namespaces of its own, after
# COMMANDS.
in_a_room()
{
	local status=0
	step "$1"
	timeout 5 unshare --mount --cgroup bash -c "$2"'
		exec /usr/sbin/reapd --dry-run --log=stderr' >"$results/room-$1" 2>&1 || status=$?
	fact "room_$1" "$status"
}

wait_booted
daemon_start
evidence_start
neighbours_start 30

without CAP_KILL
without CAP_SYS_PTRACE
without CAP_IPC_LOCK LimitMEMLOCK=0
without CAP_SYS_RESOURCE
without NOTHING

drop_in without <<'END'
[Service]
SystemCallFilter=~process_mrelease:ENOSYS
END
start_attempt no-mrelease
one_kill kill-mrelease

drop_in without <<'END'
[Service]
SystemCallFilter=~pidfd_open:ENOSYS
END
start_attempt no-pidfd

drop_in without <<'END'
[Service]
TemporaryFileSystem=/run/systemd/journal
END
start_attempt no-journal
drop_in_remove without

step journal-stopped
systemctl stop reapd.service
journald=$(systemctl show --property=MainPID --value systemd-journald.service)
kill -STOP "$journald"
timeout 60 systemctl start reapd.service || :
fact journal_stopped_state "$(systemctl show --property=ActiveState --value reapd.service)"
kill -CONT "$journald"
wait_said 20 "watches"

# Hidden from everybody without CAP_SYS_PTRACE; the unit's own ProtectProc= would hide it too.
drop_in without <<'END'
[Service]
ProtectProc=default
END
mount -o remount,hidepid=2 /proc
start_attempt hidepid
one_kill kill-hidepid
mount -o remount,hidepid=0 /proc

# A service that is restarted into the same end.
cat >/run/systemd/system/restarter.service <<END
[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/vm/bin/load leak --name restarter --rate 150 --start 500 --fill random
Restart=always
OOMPolicy=continue
User=$load_uid
END
drop_in_remove without
start_attempt restarter
fact uid_restarter "$load_uid"
systemctl start restarter.service
wait_said 120 "kill number 3 within an hour"
systemctl stop restarter.service
fact restarter_usec "$(monotonic_usec)"

step alive
neighbours_stop

# A victim that holds the memory, cannot die and cannot be released, and nobody beside it who is
# not tiny.
freezer=/sys/fs/cgroup/freezer
mkdir -p "$freezer"
mount -t cgroup -o freezer freezer "$freezer"
mkdir "$freezer/vm"
drop_in without <<'END'
[Service]
SystemCallFilter=~process_mrelease:ENOSYS
ExecStart=
ExecStart=/usr/sbin/reapd --TermTimeout=0 --KillTimeout=500ms
END
start_attempt held
meminfo MemTotal
limit=$((REPLY / 10))
meminfo MemAvailable
load_start held hold $(((REPLY - limit) / 1024 - 30))
echo "${load_pid[held]}" >"$freezer/vm/cgroup.procs"
echo FROZEN >"$freezer/vm/freezer.state"
tiny=0
until meminfo MemAvailable && ((REPLY < limit - 8 * 1024 || tiny == 12)); do
	((++tiny))
	load_start "tiny$tiny" hold 8
done
fact tiny "$tiny"
# Half a second until it is given up, and some seconds in which somebody else could die.
snooze 10
for ((; tiny > 0; tiny--)); do
	fact_alive "tiny$tiny" || :
done
echo THAWED >"$freezer/vm/freezer.state"
wait_dead held 30
drop_in_remove without

systemctl stop reapd.service
in_a_room no-proc 'umount --lazy /proc'
in_a_room old-meminfo '
	sed /MemAvailable/d /proc/meminfo >/tmp/meminfo
	mount --bind /tmp/meminfo /proc/meminfo'
mkdir /sys/fs/cgroup/room
echo 300M >/sys/fs/cgroup/room/memory.max
(
	echo "$BASHPID" >/sys/fs/cgroup/room/cgroup.procs
	in_a_room container 'umount --lazy /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup'
)
step end
evidence_stop
