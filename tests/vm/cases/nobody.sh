# SPDX-License-Identifier: GPL-2.0-or-later
#
# All that looks like a shortage and is none, one after the other in one boot: nobody may die of any.

# quiet NAME SECONDS ARGUMENTS...: a load that must still be there so long after it has all it wants.
quiet()
{
	local name=$1 seconds=$2
	shift 2
	load_start "$name" "$@" --fill const
	snooze "$seconds"
	fact_alive "$name" || :
}

# all_but PERCENT: how many MiB have to go until so much is available, in REPLY.
all_but()
{
	local available
	meminfo MemAvailable
	available=$REPLY
	meminfo MemTotal
	REPLY=$(((available - REPLY * $1 / 100) / 1024))
}

wait_booted
swap_start
daemon_unit=reapd.service
daemon_record
daemon_start
neighbours_start 30
evidence_start 20

step stream
timeout 40 dd if=/dev/vda of=/dev/null bs=1M count=1100 status=none || :
timeout 40 dd if=/dev/zero of=/var/tmp/stream bs=1M count=300 status=none || :
rm /var/tmp/stream
# What follows would otherwise take this cache back page by page, for half a minute.
echo 1 >/proc/sys/vm/drop_caches

step balloon
all_but 16
quiet balloon 5 hold "$REPLY"
systemctl stop balloon

# Twice as much as a cgroup may have without being slowed down, while all others have plenty.
step throttled
load_properties+=(--property=MemoryHigh=60M --property=MemorySwapMax=0)
quiet throttled 15 leak --start 1 --rate 60 --limit 120
systemctl stop throttled
load_properties=("${load_properties[@]:0:${#load_properties[@]}-2}")

# What has been idle for long moves to swap, and most of swap stays free.
step cold
all_but 40
quiet cold 1 hold "$REPLY"
all_but 0
quiet pusher 10 hold $((REPLY + 100))
fact_alive cold || :
systemctl stop pusher cold

# A moment near the limit. With swap the kernel keeps its cache instead, and nothing comes near it.
swapoff -a
step spike
meminfo MemTotal
left=$((REPLY * 13 / 100 / 1024))
all_but 16
quiet spike 1 hold "$REPLY" --leave "$left"
systemctl stop spike

# Files, and no process is to blame that would be large. Swap would have to be full as well.
step tmpfs
mkdir /vm/files
mount -t tmpfs -o size=95% files /vm/files
all_but 7
timeout 40 dd if=/dev/zero of=/vm/files/file bs=1M count="$REPLY" status=none || :
snooze 5
rm /vm/files/file

neighbours_stop
evidence_stop
cp /run/reapd/trace "$results/trace"
