# SPDX-License-Identifier: GPL-2.0-or-later
#
# A day in the life of the service: what it shows, configuration read again (right and wrong), swap
# that comes and goes, a second instance, a stop.

wait_booted
daemon_start
evidence_start 50

systemctl status --no-pager --full reapd.service >"$results/status.txt"
systemd-analyze security --no-pager reapd.service >"$results/security.txt" || :
fact own_adj "$(cat "/proc/$daemon_pid/oom_score_adj")"
fact own_policy "$(chrt --pid "$daemon_pid" | sed -n 's/.*policy: //p')"
fact own_locked_kib "$(sed -n 's/^VmLck:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$daemon_pid/status")"
fact own_capabilities "$(sed -n 's/^CapPrm:\t*//p' "/proc/$daemon_pid/status")"

step reload-good
cat >/etc/reapd.conf <<'END'
[Limits]
SoftMemory=12%
[Daemon]
ReportInterval=1s
END
systemctl reload reapd.service
wait_said 20 "the configuration was reloaded"
systemctl status --no-pager --full reapd.service >"$results/status-reloaded.txt"
wait_said 20 "level calm"

step swap-on
swap_start
wait_said 20 "total swap was"
step swap-off
swapoff "$(/usr/local/lib/vm/drive swap)"
wait_said 20 "total swap was"

# Both are empty and one goes: what is left is all free, and no swap that is going away.
step swap-other
drive=$(/usr/local/lib/vm/drive swap)
fallocate --length 128M /swapfile
chmod 600 /swapfile
mkswap --quiet /swapfile
swapon "$drive"
swapon /swapfile
meminfo MemAvailable
load_start other hold $((REPLY / 1024 - 80))
snooze 2
meminfo SwapTotal
total=$REPLY
meminfo SwapFree
fact other_unused_kib $((total - REPLY))
swapoff "$drive"
snooze 3
fact_alive other || :
systemctl stop other
swapoff /swapfile
rm /swapfile

# zram takes the place of a drive, and is exactly as large.
step swap-same
swapon "$drive"
wait_said 20 "is 511M now"
snooze 2
modprobe zram
device=$(zramctl --find --size 512M --algorithm lzo-rle)
mkswap "$device" >/dev/null
swapoff "$drive"
swapon "$device"
snooze 3
swapoff "$device"
zramctl --reset "$device"
snooze 3

step reload-bad
cat >/etc/reapd.conf <<'END'
[Limits]
SoftMemory=200%
Sofa=1
HardMemory=4%

[Kills]
DryRun=yes
END
status=0
systemctl reload reapd.service || status=$?
fact refused_reload_status "$status"
wait_said 20 "was not reloaded"
systemctl status --no-pager --full reapd.service >"$results/status-refused.txt"

step reload-undone
rm /etc/reapd.conf
systemctl reload reapd.service
wait_said 20 "the configuration was reloaded"

step twice
status=0
/usr/sbin/reapd --log=stderr >"$results/twice.txt" 2>&1 || status=$?
fact twice_status "$status"

step usage
for words in --nonsense -m "-m 5%x" --SoftMemory=x; do
	status=0
	# shellcheck disable=SC2086 # several words are meant
	/usr/sbin/reapd $words >"$results/usage.txt" 2>&1 || status=$?
	echo "$words|$status|$(wc -l <"$results/usage.txt")|$(head -n 1 "$results/usage.txt")"
done >"$results/usages"

step stop
evidence_stop
start=$(monotonic_usec)
systemctl stop reapd.service
fact stop_usec $(($(monotonic_usec) - start))
systemctl show reapd.service >"$results/units/stopped"

# The same protocol without a manager in between: what it says, in its order.
step protocol
/vm/bin/listen /run/vm-notify "$results/notify.txt" /usr/sbin/reapd --log=stderr \
	2>"$results/protocol.txt" || fact protocol_status $?
# Everything named after reapd, but for the suite's own.
list_files()
{
	find / /run /tmp /var -xdev \( -path /proc -o -path /sys -o -path /vm \) -prune -o \
		-iname '*reapd*' -not -path '*/reapd-vm*' -not -path '*/vm-*' -print | sort -u
	find / -xdev -name '*reapctl*' -print
	find /var/lib/reapd -type f -print 2>/dev/null || :
}

step uninstall
mkdir -p /etc/reapd.conf.d
printf '[Limits]\nSoftMemory=7%%\n' >/etc/reapd.conf.d/own.conf
systemctl --quiet start reapd.service
reapctl record
list_files >"$results/files-installed"
bash /vm/source/contrib/bootstrap uninstall >"$results/uninstall.txt" 2>&1 ||
	fact uninstall_status $?
list_files >"$results/files-left"
grep reapd /etc/passwd /etc/group >>"$results/files-left" || :
systemctl list-units --all --no-legend 'reapd*' >>"$results/files-left"
journalctl --catalog --boot --identifier=reapd --no-pager --lines=1 >/dev/null

step end
journal_note
