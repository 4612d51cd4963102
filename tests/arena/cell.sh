# SPDX-License-Identifier: GPL-2.0-or-later
#
# One cell of the arena: the workload $VM_WORK on whatever machine was booted, beside a bystander that
# goes through 150 MiB every two seconds as somebody does who works at the machine, and the two
# neighbours of the vm suite. What is right is for the host to judge.

# work_go NAME ARGUMENTS...: as load_go, of the arena's own program.
work_go()
{
	local name=$1
	shift
	meminfo MemAvailable
	fact available_before_kib "$REPLY"
	before_kib=$REPLY
	fact load_start_usec "$(monotonic_usec)"
	say "work: $name $*"
	systemd-run --quiet --no-block --unit="$name" "${load_properties[@]}" \
		--property=User=$load_uid /vm/bin/work "$@" --name "$name"
	wait_for 30 "$name to run" main_process "$name"
	load_pid[$name]=$REPLY
	fact "pid_$name" "$REPLY"
}

# begin: what load_go notes, for what is no load.
begin()
{
	meminfo MemAvailable
	fact available_before_kib "$REPLY"
	before_kib=$REPLY
	fact load_start_usec "$(monotonic_usec)"
}

# all_but PERCENT: how many MiB have to go until so much of memory is available, in REPLY.
all_but()
{
	local available
	meminfo MemAvailable
	available=$REPLY
	meminfo MemTotal
	REPLY=$(((available - REPLY * $1 / 100) / 1024))
}

# dies NAME SECONDS: somebody has to stop it.
dies()
{
	wait_dead "$1" "$2"
	wait_memory_back 30
}

# lives NAME SECONDS: nobody has a reason to stop it.
lives()
{
	snooze "$2"
	fact_alive "$1" || :
}

# ---- what should end with a death

# leak RATE [FILL [MORE...]]: one process takes RATE MiB a second.
leak()
{
	local rate=$1 fill=${2:-random}
	shift $(($# < 2 ? $# : 2))
	load_go leak leak --rate "$rate" --fill "$fill" "$@"
	dies leak 150
}

# locked RATE: a leak that no swap can take anything of.
locked()
{
	load_properties+=(--property=LimitMEMLOCK=infinity)
	leak "$1" random --lock
}

# kept RATE: a leak that may not use the swap that there is.
kept()
{
	load_properties+=(--property=MemorySwapMax=0)
	leak "$1"
}

# A long calm at six tenths, then everything at once.
burst()
{
	all_but 40
	load_start hold hold "$REPLY"
	snooze 20
	leak 2000
}

# children COUNT RATE: all together, each a COUNT-th of it.
children()
{
	local members
	load_go leak children "$1" --rate "$(awk "BEGIN { print $2 / $1 }")" --fill random
	snooze 1
	fact family_usec "$(monotonic_usec)"
	members=/sys/fs/cgroup/system.slice/leak.service/cgroup.procs
	wait_for 150 "the children to go" few_are_left "$members"
	wait_memory_back 30
	fact dead_leak yes
}

few_are_left()
{
	local count=0 pid
	while read -r pid; do
		count=$((count + 1))
	done 2>/dev/null <"$1"
	((count < 32))
}

threads()
{
	work_go leak threads 8 "$1"
	dies leak 150
}

# hot MIB: four threads need all of it, all the time.
hot()
{
	mkdir -m 1777 /vm/run/hot
	load_go hot random "$1" --threads 4 --ready /vm/run/hot/ready
	wait_for 150 "hot to have its memory, or its end" ready_or_gone hot /vm/run/hot/ready
	fact needed_usec "$(monotonic_usec)"
	dies hot 90
}

# The files of `mapped`: the bystander's too are on the slow drive, and there is no swap.
mapped_files()
{
	slow_files "$1"
	dd if=/dev/urandom of=/vm/files/bystander bs=1M count=150 conv=fsync status=none
	chmod 644 /vm/files/bystander
	bystander=(--file /vm/files/bystander)
}

# slow_files MIB: so much to read on the slow drive, and no swap.
slow_files()
{
	local drive
	drive=$(/usr/local/lib/vm/drive swap)
	mkfs.ext4 -q "$drive"
	mkdir /vm/files
	mount "$drive" /vm/files
	dd if=/dev/urandom of=/vm/files/reader bs=1M count="$1" conv=fsync status=none
	chmod 644 /vm/files/reader
}

# holder_leaves MIB: somebody takes all but that.
holder_leaves()
{
	local held
	all_but 0
	held=$((REPLY - $1))
	begin
	load_start holder hold "$held"
}

# mapped MIB LEFT: files that are mapped and needed, where a holder leaves too little for them.
mapped()
{
	holder_leaves "$2"
	systemd-run --quiet --no-block --unit=reader "${load_properties[@]}" \
		/vm/bin/work mapped /vm/files/reader --name reader
	wait_for 30 "reader to run" main_process reader
	load_pid[reader]=$REPLY
	fact pid_reader "$REPLY"
	fact needed_usec "$(monotonic_usec)"
	dies holder 60
	fact_alive reader || :
}

# One thread of the leak is stuck where no signal reaches it.
stuck()
{
	dd if=/dev/zero of=/vm/stuck.img bs=1M count=8 status=none
	mkfs.ext4 -q /vm/stuck.img
	mkdir /vm/frozen
	mount -o loop /vm/stuck.img /vm/frozen
	chmod 1777 /vm/frozen
	fsfreeze --freeze /vm/frozen
	load_go leak stuck /vm/frozen/file --rate 100 --fill random
	dies leak 30
	fsfreeze --unfreeze /vm/frozen
	wait_dead leak 20
}

# An innocent whom its owner has offered, beside a leak that is the reason.
offered()
{
	load_start innocent hold 60 --adj 300
	leak 100
	fact_alive innocent || :
}

# deaf ignore|catch: SIGTERM does not end it.
deaf()
{
	leak 20 random "--$1-term"
}

# The leak's first thread has ended.
zombie()
{
	load_go leak zombie-leader --rate 100 --fill random
	wait_for 60 "all threads of the leak to end" threads_gone "${load_pid[leak]}"
	wait_memory_back 30
	fact dead_leak yes
}

threads_gone()
{
	local threads=("/proc/$1/task/"*)
	gone "$1" && ((${#threads[@]} < 2))
}

# ---- what should end without

# files RATE LIMIT: a tmpfs is filled, and its writer is small.
files()
{
	mkdir -p /vm/files
	mount -t tmpfs -o size=95% files /vm/files
	begin
	systemd-run --quiet --no-block --unit=writer "${load_properties[@]}" \
		dd if=/dev/zero of=/vm/files/file bs=1M count=4000 status=none
	wait_for 60 "the tmpfs to be full, or its writer gone" is_written
	snooze 5
	rm -f /vm/files/file
	wait_memory_back 20
}

is_written()
{
	[[ $(systemctl show --property=SubState --value writer) != running ]]
}

stream()
{
	begin
	timeout 40 dd if=/dev/vda of=/dev/null bs=1M count=1500 status=none || :
	timeout 40 dd if=/dev/zero of=/var/tmp/stream bs=1M count=400 status=none || :
}

balloon()
{
	begin
	all_but 15
	load_start balloon hold "$REPLY"
	lives balloon 20
}

# reread MIB LEFT: a job reads a file again and again that does not fit into what is left, and another
# waits for the same drive.
reread()
{
	holder_leaves "$2"
	systemd-run --quiet --no-block --unit=reader "${load_properties[@]}" \
		sh -c 'while :; do dd if=/vm/files/reader of=/dev/null bs=1M status=none; done'
	systemd-run --quiet --no-block --unit=other "${load_properties[@]}" \
		sh -c 'while :; do dd if=/vm/files/reader of=/dev/null bs=64k iflag=direct status=none; done'
	lives holder 60
}

# cold MIB [kept [both]]: what has been idle for long goes to swap and most of that stays free; pushed
# there by one, or by two at once.
cold()
{
	local pushers=(pusher) name
	[[ ${3:-} != both ]] || pushers+=(other)
	begin
	all_but 30
	load_start cold hold "$REPLY"
	all_but 0
	for name in "${pushers[@]}"; do
		load_begin "$name" hold $(((REPLY + $1) / ${#pushers[@]}))
	done
	for name in "${pushers[@]}"; do
		wait_for 200 "$name to be ready, or dead" ready_or_gone "$name" "/vm/run/$name.ready"
	done
	lives pusher 20
	fact_alive cold || :
}

# jobs COUNT MIB: a build that fits.
jobs()
{
	work_go build jobs "$1" "$2"
	lives build 40
}

# A moment near the limit that ends by itself.
spike()
{
	begin
	all_but 13
	load_start spike hold "$REPLY"
	lives spike 1
	systemctl stop spike
	snooze 5
}

# Twice as much as its cgroup may have without being slowed down.
throttled()
{
	load_properties+=(--property=MemoryHigh=60M --property=MemorySwapMax=0)
	begin
	load_start throttled leak --start 1 --rate 60 --limit 120
	lives throttled 20
}

# The kernel takes nothing from those who run, as long as it finds anything elsewhere.
keep_neighbours()
{
	systemctl start kept.slice
	systemctl set-property --runtime kept.slice MemoryLow=256M
	load_properties+=(--slice=kept)
}

bystander=(--fill random)
wait_booted
read -r work megabytes kept _ <<<"$VM_WORK"
case $work in
mapped) mapped_files "$megabytes" ;;
reread) slow_files "$megabytes" ;;
*) swap_start ;;
esac
daemon_start
of_all=("${load_properties[@]}")
[[ $kept != kept ]] || keep_neighbours
neighbours_start 30
load_start bystander neighbour 150 --cycle 2000 "${bystander[@]}" --output "$results/bystander.gaps"
load_properties=("${of_all[@]}")
evidence_start 10 280
# shellcheck disable=SC2086 # it is a command with its arguments
$VM_WORK
fact end_usec "$(monotonic_usec)"
# What reapd saw of it, for tests/replay.
[[ $VM_DAEMON != reapd ]] || cp "$(reapctl record)" "$results/reapd.trace" || fail "no trace was kept"
neighbours_stop bystander
evidence_stop
