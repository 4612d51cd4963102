# SPDX-License-Identifier: GPL-2.0-or-later
#
# Kills among 2,000 idle processes with rules switched on, and a library preloaded into the daemon
# that counts what it allocates and which of its pages had to come from disk between the sample
# that decides and the signal. Every way to a signal: SIGTERM, SIGTERM and then SIGKILL, SIGKILL at
# once; and last, what shows that the counting can fail. A Prefer= that might match anybody makes
# the scan read the name of every process.

figures=/run/reapd/interpose

interpose()
{
	drop_in interpose <<-END
		[Service]
		Environment=LD_PRELOAD=/usr/lib/reapd-vm/interpose.so INTERPOSE_OUTPUT=$figures
		Environment=INTERPOSE_INJECT=${1:-} INTERPOSE_FILE=/usr/lib/reapd-vm/filler
	END
}

rules()
{
	cat >/etc/reapd.conf <<-END
		[Kill]
		Prefer=^crowd-(preferred|prefers)\$
		Avoid=^(crowd-avoid|systemd.*|[a-z]+-avoid)\$
		Ignore=^crowd-ignore\$
		TermTimeout=1s
		[Rule crowd]
		Unit=crowd.service
		Executable=/vm/bin/*
		Name=^crowd-(lifted|preferred)\$
		Badness=+300
		[Rule group]
		Cgroup=/system.slice/*
		User=12345
		Prefer=yes
		[Rule nobody]
		Name=^nobody-(is|has)-this\$
		Avoid=yes
		$1
	END
}

# one_kill NAME ARGUMENTS...: a load that dies, and memory back.
one_kill()
{
	local name=$1
	step "$name"
	load_go "$@" --fill const
	wait_dead "$name" 120
	wait_memory_back 30
	systemctl stop "$name"
	cp "/proc/$daemon_pid/maps" "$results/maps-$name"
	cp "$figures" "$results/interpose-$name"
	: >"$figures"
}

wait_booted
swap_start
# Hard is far below soft: reading everybody takes a second in a guest, and SIGTERM is to be seen.
rules '[Limits]
HardMemory=1%
HardSwap=1%'
head -c 4M /dev/urandom >/usr/lib/reapd-vm/filler
sync
daemon_unit=reapd.service
interpose
daemon_start
load_start crowd crowd 2000
neighbours_start 60
evidence_start
trace_event exceptions/page_fault_user 'COMM ~ "reapd*"' # so that a fault can be named
# Most of the memory is taken once, by somebody whom nobody may kill, and not anew for each kill.
meminfo SwapFree
swap=$REPLY
meminfo MemAvailable
load_start ballast hold $(((swap + REPLY) / 1024 - 600)) --fill const --adj -1000

# They stop between soft and hard, and wait there for what comes, however long that takes.
one_kill term leak --rate 30 --start 330 --leave 45
one_kill escalate leak --rate 30 --start 330 --leave 45 --catch-term

rules '[Limits]
HardMemory=10% 1G
HardSwap=10% 1G'
step reload
systemctl reload reapd
wait_said 20 "the configuration was reloaded"
one_kill atonce leak --rate 30 --start 330
fact_alive neighbour || :
fact_alive protected || :

# What would be seen if there were something to see. Once is enough.
if [[ $(</proc/cmdline) == *vm.swap=none* ]]; then
	for kind in allocation fault; do
		interpose "$kind"
		daemon_restart
		one_kill "bad-$kind" leak --rate 30 --start 330
	done
fi
neighbours_stop
evidence_stop
