# SPDX-License-Identifier: GPL-2.0-or-later
#
# Kills among 2,000 idle processes with rules switched on, and a library preloaded into the daemon
# that counts what it allocates and which of its pages had to come from disk between the sample
# that decides and the signal. Every way to a signal: SIGTERM, SIGTERM and then SIGKILL, SIGKILL at
# once with every process read in full; and last, what shows that the counting can fail.

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
		Prefer=^crowd-(prefer|prefers)\$
		Avoid=^(crowd-avoid|systemd.*|[a-z]+-avoid)\$
		Ignore=^crowd-ignore\$
		TermTimeout=1s
		$1
	END
}

# one_kill NAME ARGUMENTS...: a load that dies, and memory back.
one_kill()
{
	local name=$1
	step "$name"
	load_go "$@" --fill random
	wait_dead "$name" 120
	wait_memory_back 30
	systemctl stop "$name"
	cp "$figures" "$results/interpose-$name"
	: >"$figures"
}

wait_booted
swap_start
rules ''
head -c 4M /dev/urandom >/usr/lib/reapd-vm/filler
sync
daemon_unit=reapd.service
interpose
daemon_start
load_start crowd crowd 2000
neighbours_start 60
evidence_start
meminfo SwapFree
start=$REPLY
meminfo MemAvailable
start=$(((start + REPLY) / 1024 - 550))

one_kill term leak --rate 100 --start "$start"
one_kill escalate leak --rate 30 --start "$start" --ignore-term

rules 'SortBy=rss
[Limits]
HardMemory=10%
HardSwap=10%'
step reload
systemctl reload reapd
wait_said 20 "the configuration was reloaded"
one_kill atonce leak --rate 30 --start "$start"
fact_alive neighbour || :
fact_alive protected || :

for kind in allocation fault; do
	interpose "$kind"
	daemon_restart
	one_kill "bad-$kind" leak --rate 30 --start "$start"
done
neighbours_stop
evidence_stop
