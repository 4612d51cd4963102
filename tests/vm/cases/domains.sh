# SPDX-License-Identifier: GPL-2.0-or-later
#
# Memory that is short while the machine's is not: a control group near its memory.max, and a node
# that some processes are bound to. First the daemon acts, then it only says whom it would kill and
# the kernel kills.

box=/sys/fs/cgroup/box.slice
gone=/sys/fs/cgroup/gone
late=/sys/fs/cgroup/late
bind_to_node_1=--property=AllowedMemoryNodes=1

# box_note NAME: what the kernel has counted in the group.
box_note()
{
	cat "$box/memory.events" >"$results/box-$1"
}

# in_box COMMAND...: a load in the group with the limit.
in_box()
{
	load_slice=box.slice
	load_properties+=(--property=Slice=box.slice)
	"$@"
	unset 'load_properties[-1]' load_slice
}

# on_node_1 COMMAND...: a load that may take memory from node 1 alone.
on_node_1()
{
	load_properties+=("$bind_to_node_1")
	"$@"
	unset 'load_properties[-1]'
}

# shows_group NAME BYTES: the daemon knows this group, with this limit.
shows_group()
{
	[[ $(reapctl status --json) =~ \"$1\"[^}]*\ $2, ]]
}

load_end()
{
	systemctl stop "$@"
	snooze 0.5
}

wait_booted
evidence_start 20 300
systemctl set-property --runtime box.slice MemoryMax=200M
systemctl start box.slice
mkdir "$gone"
echo 100M >"$gone/memory.max"
printf '[Limits]\nWatchCgroups=/box.slice /twin.slice /gone /late /system.slice/short*.service /no-such.slice/*\n' \
	>/etc/reapd.conf
printf 'WatchNodes=1 5\n[Kill]\nTermTimeout=30s\n' >>/etc/reapd.conf
daemon_unit=reapd.service
drop_in interpose <<END
[Service]
Environment=LD_PRELOAD=/usr/lib/reapd-vm/interpose.so INTERPOSE_OUTPUT=/run/reapd/interpose
END
step start
daemon_start
neighbours_start 20
load_start outsider hold 250
reapctl status >"$results/domains"
reapctl status --json >"$results/domains.json"

# A group that comes again with another limit, one that goes, and one that ends with its process.
step vanish
rmdir "$gone"
mkdir "$gone"
echo 50M >"$gone/memory.max"
wait_for 20 "the new limit" shows_group /gone 52428800
systemd-run --quiet --unit=short --property=User=1 --property=MemoryMax=60M \
	/vm/bin/load leak --rate 10 --start 20 --name short
load_pid[short]=$(systemctl show --property=MainPID --value short)
fact pid_short "${load_pid[short]}"
rmdir "$gone"
wait_dead short 30
wait_said 20 "/system.slice/short.service is not watched any more"

# The largest in the group, not the largest of all.
step group
in_box load_go boxed leak --rate 40 --start 50
wait_dead boxed 30
load_end boxed

# Two, of which the host's totals would choose the other one: 100 points of oom_score_adj are 20 MiB
# here and 200 MiB there.
step members
in_box load_start light hold 60 --adj 100
in_box load_go heavy leak --rate 40 --start 70
wait_dead heavy 30
snooze 1
fact_alive light || :
load_end heavy

step together
echo 1 >"$box/memory.oom.group"
in_box load_go grouped leak --rate 40 --start 70
wait_dead grouped 30
wait_dead light 10
echo 0 >"$box/memory.oom.group"
load_end grouped light
box_note acting

# wide is the largest that may use node 1, but all it has is on node 0.
fact_alive outsider || :
load_end outsider
load_start wide hold 320
on_node_1 load_start parked hold 170
step node
on_node_1 load_go bound leak --rate 100 --start 100
wait_dead bound 60
snooze 1
cat /sys/devices/system/node/node*/meminfo >"$results/nodes"
for name in wide parked; do
	fact_alive "$name" || :
done
load_end bound

# The machine does not wait for the group's victim, which is not dying.
step preempted
in_box load_go stubborn leak --rate 40 --start 150 --limit 184 --catch-term
wait_said 20 "Sent SIGTERM to process ${load_pid[stubborn]} "
load_go flood leak --rate 60 --start 380 --adj 500
wait_dead flood 20
fact_alive stubborn || :
snooze 1
systemctl kill --signal=KILL stubborn
wait_dead stubborn 20
oom_kills
fact oom_kill_acting "$REPLY"
load_end flood stubborn

# What is full of somebody who cannot die stays so; and a group that comes then is found all the same.
step barren
in_box load_start kept hold 192 --adj -1000
wait_said 20 " of /box.slice, but no process can be killed"
snooze 1 # from soft to hard
mkdir "$late"
echo 50M >"$late/memory.max"
wait_for 30 "the group that came later" shows_group /late 52428800
reapctl status --json >"$results/domains-barren.json"
rmdir "$late"
load_end kept

cp /run/reapd/interpose "$results/interpose"

# A pause waits for a group's victim, and not for the machine's next look.
step paused
in_box load_go awaited leak --rate 40 --start 150 --limit 184 --catch-term
wait_said 20 "Sent SIGTERM to process ${load_pid[awaited]} "
reapctl pause 1s --timeout=30s &
pausing=$!
snooze 0.5
systemctl kill --signal=KILL awaited
wait_dead awaited 20
awaited_usec=$(monotonic_usec)
wait "$pausing" && fact paused yes || fact paused no
fact pause_usec $(($(monotonic_usec) - awaited_usec))
snooze 1.5
load_end awaited

# Other settings while somebody is awaited: what is watched stays so.
step reload
in_box load_go settled leak --rate 40 --start 150 --limit 184 --catch-term
wait_said 20 "Sent SIGTERM to process ${load_pid[settled]} "
systemctl reload reapd.service
reapctl status --json >"$results/domains-reload.json"
systemctl kill --signal=KILL settled
wait_dead settled 20
load_end settled
wait_for 20 "a look with the new settings" shows_group /box.slice 209715200

# From here on the kernel kills.
printf 'DryRun=yes\n' >>/etc/reapd.conf
daemon_restart
step parity-group
in_box load_start lighter hold 60 --adj 100
in_box load_go heavier leak --rate 40 --start 70
wait_dead heavier 30
fact_alive lighter || :
load_end heavier lighter
box_note parity

step parity-node
on_node_1 load_go spilled leak --rate 100 --start 100
wait_dead spilled 60
for name in wide parked; do
	gone "${load_pid[$name]}" && fact "spared_$name" no || fact "spared_$name" yes
done

# Two groups that are short at once, and stay so: one victim of each is named.
step both
systemctl set-property --runtime twin.slice MemoryMax=200M
systemctl start twin.slice
wait_for 20 "the other group" shows_group /twin.slice 209715200
mkdir /etc/reapd.conf.d
printf '[Limits]\nSoftMemory=2%%\nHardMemory=1%%\n' >/etc/reapd.conf.d/low.conf
systemctl reload reapd.service
in_box load_start left hold 184
load_slice=twin.slice
load_properties+=(--property=Slice=twin.slice)
load_start right hold 184
unset 'load_properties[-1]' load_slice
rm /etc/reapd.conf.d/low.conf
systemctl reload reapd.service # both at once
snooze 10
for name in left right; do
	fact_alive "$name" || :
done
load_end left right

step end
neighbours_stop
evidence_stop
