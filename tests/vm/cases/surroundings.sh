# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is around the killing: memory in pieces, an administrator who wants a panic, a machine that
# sleeps, a control group at its own limit, others who are asked for memory first, a kernel that
# holds it itself, and another daemon that kills.

# fill_all_but NAME MIB: the service NAME takes all that is available but so much.
fill_all_but()
{
	meminfo MemAvailable
	load_go "$1" leak --rate 0 --start $((REPLY / 1024 - $2)) --fill random
}

load_end()
{
	systemctl stop "$1"
	snooze 1
}

# sleep_clocks: by how much CLOCK_BOOTTIME is ahead, in milliseconds, in REPLY.
sleep_clocks()
{
	REPLY=$(python3 -c 'import time
print(round((time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()) * 1000))')
}

wait_booted
evidence_start 20 400

# Before there is a daemon: on the way to this state memory is short.
sysctl --quiet --write vm.lowmem_reserve_ratio="100000 100000 100000 0 0" \
	vm.compact_unevictable_allowed=0
load_start scattered scatter
step scattered
daemon_start
neighbours_start 30
snooze 2
cat /proc/zoneinfo >"$results/zoneinfo"
echo 1 >/proc/sys/vm/compact_memory
cat /proc/buddyinfo >"$results/buddyinfo"
meminfo MemAvailable
fact scattered_available_kib "$REPLY"
echo 100 >/proc/sys/vm/nr_hugepages
fact scattered_hugepages "$(cat /proc/sys/vm/nr_hugepages)"
echo 0 >/proc/sys/vm/nr_hugepages
snooze 1
load_end scattered

step panic
sysctl --quiet --write vm.panic_on_oom=1
wait_said 20 "vm.panic_on_oom is 1"
fill_all_but wanted 20
wait_said 20 "memory level hard"
snooze 3
fact_alive wanted || :
systemctl show --property=StatusText --value reapd.service >"$results/panic-status"
reapctl status >>"$results/panic-status"
step panic-over
sysctl --quiet --write vm.panic_on_oom=0
wait_dead wanted 20
load_end wanted

# Low enough for a stall to be a reason to kill, and far from where memory alone is one.
printf '[Limits]\nSoftMemory=5%%\nWarningMemory=15%%\n' >/etc/reapd.conf
step suspend
systemctl reload reapd.service
wait_said 20 "the configuration was reloaded"
meminfo MemTotal
fill_all_but awake $((REPLY * 12 / 100 / 1024))
wait_said 20 "memory level warning"
sleep_clocks
fact asleep_before_msec "$REPLY"
cat /sys/power/mem_sleep >"$results/mem_sleep"
rtcwake --mode mem --seconds 5 >"$results/rtcwake" 2>&1 || fact rtcwake_status $?
sleep_clocks
fact asleep_after_msec "$REPLY"
slept_msec=$REPLY
snooze 5
fact_alive awake || :
load_end awake
rm /etc/reapd.conf
systemctl reload reapd.service

# A control group at its own limit while the machine is at ease.
step memcg
load_properties+=(--property=MemoryMax=100M)
load_go bounded leak --rate 100 --fill random
wait_dead bounded 30
wait_said 45 "the kernel's out-of-memory killer has killed"
unset 'load_properties[-1]'
load_end bounded

# The same growth twice: with nobody to ask, and with somebody who gives up what it has.
grow()
{
	meminfo MemAvailable
	load_go "$1" leak --rate 15 --start $((REPLY / 1024 - 190)) \
		--limit $((REPLY / 1024 - 40)) --fill random
}
load_start cache-unasked hold 150 --adj -1000
step unasked
grow unasked
wait_dead unasked 60
load_end unasked
load_end cache-unasked

load_start cache hold 150 --adj -1000
cat >/etc/reapd-hook <<'END'
#!/bin/sh
cat >/vm/results/hook
systemctl stop cache.service
echo "the cache is given up"
END
chmod 755 /etc/reapd-hook
systemctl start reapd-hook.socket
step asked
grow asked
wait_for 60 "the hook to run" exists "$results/hook"
snooze 8
fact_alive asked || :
meminfo MemAvailable
fact asked_available_kib "$REPLY"
load_end asked
systemctl stop reapd-hook.socket

# Whose control group bears a mark of root's is spared, and whoever has made one for himself is not;
# a rule by unit takes somebody small first.
cat >/etc/reapd.conf <<'END'
[Rule batch]
Unit=batch.service
Badness=+400
[Rule idle]
Unit=nowhere.service
Executable=/usr/bin/*
Avoid=yes
END
load_properties+=(--property=ManagedOOMPreference=omit)
load_start marked hold 400
unset 'load_properties[-1]'
load_start batch hold 40
step rules
systemctl reload reapd.service
wait_said 20 "of 2 rules"
load_properties+=(--property=Delegate=yes)
load_go selfish leak --rate 20 --start 20 --fill random
unset 'load_properties[-1]'
setpriv --reuid=$load_uid --clear-groups python3 -c 'import os
os.setxattr("/sys/fs/cgroup/system.slice/selfish.service", "user.oomd_omit", b"1")'
reapctl candidates --json >"$results/rules-candidates"
wait_dead batch 60
wait_dead selfish 60
fact_alive marked || :
load_end selfish
load_end batch
load_end marked
rm /etc/reapd.conf
systemctl reload reapd.service

# slabinfo is root's. What the kernel took while all was calm is no reason to spare whoever leaks
# afterwards.
drop_in root <<'END'
[Service]
User=root
END
daemon_restart
load_start hoarder slab 500
snooze 2
step slab
fill_all_but overflow 60
wait_dead overflow 60
snooze 2
load_end overflow
load_end hoarder
drop_in_remove root

step peers
systemctl start nohang.service systemd-oomd.service earlyoom.service
fact pid_earlyoom "$(systemctl show --property=MainPID --value earlyoom.service)"
daemon_restart
wait_said 20 "watches"
systemctl stop nohang.service systemd-oomd.service
step earlyoom
load_go both leak --rate 100 --fill random
wait_dead both 60
wait_memory_back 30
systemctl stop earlyoom.service

step end
neighbours_stop
evidence_stop
