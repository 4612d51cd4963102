# SPDX-License-Identifier: GPL-2.0-or-later
#
# What mm/oom_kill.c does beyond choosing the largest: who dies with the victim, who is spared, who
# is waited for, victims that cannot die or are dying already. A step each; in most of them `push`
# grows up to a limit of its own, which brings the machine to reapd's while somebody else is larger.

open=/vm/run/open
freezer=/sys/fs/cgroup/freezer

# freeze NAME: a load, in the v1 hierarchy.
freeze()
{
	echo "${load_pid[$1]}" >"$freezer/vm/cgroup.procs"
	echo FROZEN >"$freezer/vm/freezer.state"
	wait_for 10 "$1 to be frozen" frozen
}

frozen() { read -r REPLY <"$freezer/vm/freezer.state" && [[ $REPLY == FROZEN ]]; }

# left MIB: how many MiB something may take until so many are left, in REPLY.
left()
{
	meminfo MemAvailable
	REPLY=$((REPLY / 1024 - $1))
}

# processes NAME: notes every process of a load's cgroup.
processes()
{
	local pids
	mapfile -t pids <"/sys/fs/cgroup/system.slice/$1.service/cgroup.procs"
	fact "pids_$1" "${pids[*]}"
}

emptied()
{
	local name value=0
	{
		while read -r name value; do
			[[ $name == populated ]] && break
		done <"/sys/fs/cgroup/system.slice/$1.service/cgroup.events"
	} 2>/dev/null || return 0 # it has gone, perhaps since it was opened: then value is as it was
	((value == 0))
}

# wait_emptied NAME: all processes of it are gone; if not it is a fact, as with wait_dead.
wait_emptied()
{
	local deadline
	uptime_seconds
	deadline=$((REPLY + 30))
	until emptied "$1"; do
		uptime_seconds
		if ((REPLY >= deadline)); then
			fact "dead_$1" no
			return
		fi
		snooze 0.05
	done
	fact "dead_$1" yes
}

# done_with NAME...: ends what is left of a step, and waits for the memory, which takes its time.
done_with()
{
	local deadline
	systemctl kill --signal=KILL "$@" 2>/dev/null || :
	systemctl stop "$@" 2>/dev/null || :
	systemctl reset-failed "$@" 2>/dev/null || :
	uptime_seconds
	deadline=$((REPLY + 5))
	until available_at_least $((calm_kib - 40 * 1024)); do
		uptime_seconds
		((REPLY < deadline)) || break
		snooze 0.1
	done
}

# push: grows until 60 MiB are left, which is below the soft limit; whoever is held by a step is
# larger than that, and so is the victim. What the step before held may still be coming back, so it
# may take a little more than it looks like; but not what the victim has held.
push()
{
	left 60
	push_kib=$((REPLY * 1024))
	load_go push leak --start 20 --rate 150 --leave 60 --limit $((REPLY + 40))
}

# pushed: it has got there.
pushed()
{
	local _ pages
	read -r _ pages _ <"/proc/${load_pid[push]}/statm" && ((pages * 4 >= push_kib))
}

holds_at_least()
{
	read -r REPLY <"/sys/fs/cgroup/system.slice/$1.service/memory.current" &&
		((REPLY >= $2 * 1024 * 1024))
}

# large: more than half of the memory, in REPLY.
large()
{
	REPLY=$((calm_kib / 1024 / 2 + 50))
}

# leaker MODE...: leaks from 250 MiB before nothing is left, until it dies.
leaker()
{
	local name=$1
	shift
	step "$name"
	left 220
	load_go "$name" "$@" --start "$REPLY" --rate 100 --name "$name" --ready "$open/$name"
	wait_for 30 "$name" exists "$open/$name"
	processes "$name"
}

spare() { meminfo MemAvailable && ((REPLY >= $1 * 1024)); }

wait_booted
install -d -m 1777 "$open"
mkdir -p "$freezer"
mount -t cgroup -o freezer freezer "$freezer"
mkdir "$freezer/vm"
truncate -s 16M /vm/run/disk
mke2fs -q -t ext4 /vm/run/disk
mkdir -p /vm/run/frozen
mount -o loop /vm/run/disk /vm/run/frozen
chmod 1777 /vm/run/frozen
: >/vm/run/frozen/file
chmod 666 /vm/run/frozen/file
printf '[Kill]\nTermTimeout=1s\nKillTimeout=2s\n' >/etc/reapd.conf
daemon_start
evidence_start 5 400
neighbours_start 30
meminfo MemAvailable
calm_kib=$REPLY

leaker sharers sharers 2
wait_emptied sharers
done_with sharers

leaker zombie zombie-leader
wait_emptied zombie
done_with zombie

leaker vforker vfork
wait_emptied vforker
done_with vforker

# Two groups in one that dies as a whole, one of whose members is protected.
step group
group=/sys/fs/cgroup/vmgroup
mkdir "$group"
echo +memory >"$group/cgroup.subtree_control"
mkdir "$group/a" "$group/b"
echo 1 >"$group/memory.oom.group"
echo 1 >"$group/a/memory.oom.group"
left 250
for words in "b member0 hold 10 --adj 0" "b member1 hold 10 --adj -900" \
	"b spared hold 10 --adj -1000" "a group leak --start $REPLY --rate 60 --adj 0"; do
	read -r where name mode <<<"$words"
	# shellcheck disable=SC2086 # several words are meant
	(
		echo "$BASHPID" >"$group/$where/cgroup.procs"
		exec /vm/bin/load $mode --name "$name"
	) &
	load_pid["$name"]=$!
	fact "pid_$name" "$!"
done
for name in group member0 member1; do
	wait_dead "$name" 30
done
snooze 0.5
fact_alive spared || :
kill -KILL "${load_pid[spared]}"
done_with group

# Frozen in the v2 hierarchy: SIGKILL gets through.
step frozen-v2
large
load_start frozen2 hold "$REPLY"
systemctl freeze frozen2.service
push
wait_emptied frozen2
fact_alive push || :
done_with push frozen2

# A dump that nobody reads to its end: the victim dies all the same.
step dump
cat >/vm/run/slow-core <<'END'
#!/bin/sh
exec sleep 60
END
chmod 755 /vm/run/slow-core
echo '|/vm/run/slow-core' >/proc/sys/kernel/core_pattern
left 620
load_start ballast hold "$REPLY"
load_go dump dump --start 300 --ready "$open/dump"
wait_for 30 "dump" exists "$open/dump"
push
wait_emptied dump
for name in ballast push; do
	fact_alive "$name" || :
done
echo core >/proc/sys/kernel/core_pattern
done_with push ballast dump

# One thread hangs where no signal reaches it.
step stuck
fsfreeze --freeze /vm/run/frozen
left 220
load_go stuck stuck /vm/run/frozen/file --start "$REPLY" --rate 100 --ready "$open/stuck"
wait_for 30 "the memory of stuck" spare $((calm_kib * 8 / 10 / 1024))
fact stuck_back_usec "$(monotonic_usec)"
wait_said 20 "is put aside"
fact alive_stuck yes
! emptied stuck || fact alive_stuck no
fsfreeze --unfreeze /vm/run/frozen
wait_emptied stuck
done_with stuck

# Frozen in the v1 hierarchy: it cannot die, and its memory goes all the same.
for name in frozen1 thawed; do
	step "$name"
	large
	load_start "$name" hold "$REPLY"
	freeze "$name"
	push
	wait_for 30 "the memory of $name" spare 300
	if [[ $name == frozen1 ]]; then
		wait_said 20 "is put aside"
		fact_alive frozen1 || :
		echo THAWED >"$freezer/vm/freezer.state"
		wait_emptied "$name"
		done_with push "$name"
		drop_in thaw <<'END'
[Service]
AmbientCapabilities=CAP_DAC_OVERRIDE
CapabilityBoundingSet=CAP_DAC_OVERRIDE
ProtectControlGroups=no
END
		daemon_restart
	else
		wait_emptied "$name"
		fact thawed_state "$(cat "$freezer/vm/freezer.self_freezing")"
		echo THAWED >"$freezer/vm/freezer.state"
		done_with push "$name"
		drop_in_remove thaw
		daemon_restart
	fi
done

# Somebody else has killed already, and the victim is not dead yet: nobody else has to die.
step adopted
large
load_start adopted hold "$REPLY"
freeze adopted
kill -KILL "${load_pid[adopted]}"
push
wait_for 30 "push" pushed
wait_for 30 "the memory of adopted" spare 300
fact_alive push || :
echo THAWED >"$freezer/vm/freezer.state"
wait_emptied adopted
done_with push adopted

# The kernel has killed already.
step kernel
left 300
load_start bystander hold 120
kill -STOP "$daemon_pid"
left 40
load_start kernel hold "$REPLY"
oom_kills
fact kernel_kills_before "$REPLY"
echo f >/proc/sysrq-trigger
kill -CONT "$daemon_pid"
wait_emptied kernel
snooze 1
fact_alive bystander || :
done_with kernel bystander

# swapoff fills the memory and is what has to go.
step swapoff
swap_start
# Many small ones: swapoff looks for signals only between two processes.
load_start swapped children 13 --start 20 --limit 20 --fill random
wait_for 60 "the memory of swapped" holds_at_least swapped 255
echo 150M >/sys/fs/cgroup/system.slice/swapped.service/memory.reclaim || :
meminfo SwapFree
fact swap_free_kib "$REPLY"
left 150
load_start filler hold "$REPLY" --fill random
fact swap_before_kib "$(sed -n 's/^SwapTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)"
status=0
device=$(/usr/local/lib/vm/drive swap)
(
	echo 0 >/proc/self/oom_score_adj # else it has this case's -1000
	exec swapoff "$device" 2>"$results/swapoff.txt"
) &
fact pid_swapoff "$!"
wait "$!" || status=$?
fact swapoff_status "$status"
snooze 1
fact swap_after_kib "$(sed -n 's/^SwapTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)"
for name in swapped filler; do
	fact_alive "$name" || :
done
done_with swapped filler
swapoff -a

# Who shares the memory of init, here that of a pid namespace, with a daemon of its own in it.
step init
status=0
unshare --pid --fork --mount-proc /vm/bin/load init '
	mount -t tmpfs tmpfs /run/reapd
	timeout 6 /usr/sbin/reapd --log=stderr --WarningMemory=100% --SoftMemory=100% \
		--HardMemory=100%' --start 40 --adj 0 --name init >"$results/init.txt" 2>&1 || status=$?
fact init_status "$status"

# What holds the memory is nobody's.
step barren
printf '[Kill]\nIgnore=.\n' >/etc/reapd.conf
systemctl reload reapd.service
wait_said 20 "the configuration was reloaded"
mkdir -p /vm/run/tmpfs
mount -t tmpfs -o size=100% tmpfs /vm/run/tmpfs
left 40
dd if=/dev/zero of=/vm/run/tmpfs/file bs=1M count="$REPLY" status=none
wait_said 20 "no process can be killed"
umount /vm/run/tmpfs

step end
neighbours_stop
evidence_stop
