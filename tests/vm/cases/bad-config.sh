# SPDX-License-Identifier: GPL-2.0-or-later
#
# Configurations with mistakes. The service must not start, must say each mistake once, and must
# not be started over and over. The configuration is right again at the end, and the service runs.

conf=/etc/reapd.conf
dropins=/etc/reapd.conf.d

# with NAME: what is on standard input as the configuration.
with()
{
	cat >"$conf"
	start_attempt "$1"
	rm -f "$conf"
}

wait_booted
daemon_start
evidence_start 50

start_attempt none

drop_in missing <<'END'
[Service]
ExecStart=
ExecStart=/usr/sbin/reapd --config=/etc/nowhere.conf
END
start_attempt missing
drop_in_remove missing

printf '[Limits]\nSoftMemory=10%%\n' >"$conf"
chmod 000 "$conf"
start_attempt unreadable
rm -f "$conf"

with unknown-key <<'END'
[Limits]
SoftMemory=10%
SoftMemroy=20%
END

with unknown-section <<'END'
[Limit]
SoftMemory=10%
END

with out-of-range <<'END'
[Limits]
SoftMemory=120%
[Kill]
TermTimeout=3h
END

with soft-below-hard <<'END'
[Limits]
SoftMemory=5%

HardMemory=10%
END

mkdir -p "$dropins/50-folder.conf"
start_attempt folder
rmdir "$dropins/50-folder.conf"

{
	printf '[Limits]\nSoftMemory='
	head -c 100000 /dev/zero | tr '\0' 9
	printf '%%\nHardMemory=4%%\nSofa=1\n'
} >"$dropins/60-long.conf"
start_attempt long-line
rm "$dropins/60-long.conf"

head -c 65536 /dev/urandom | with garbage

: | with empty

evidence_stop
