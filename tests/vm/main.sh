# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the guest runs once it has booted: the case, then the delivery of its results. Results are
# delivered whatever becomes of the case, which runs under a limit a little below the host's; the
# member `complete` goes last, so that the host can tell a whole archive from a torn one.

set -u
mkdir -p /vm/results/units /vm/run /vm/end
set -a
. /vm/env
set +a

limit=$(sed -n 's/.*vm\.timeout=\([0-9]*\).*/\1/p' /proc/cmdline)
timeout --kill-after=10 "${limit:-300}" bash -eu -o pipefail -c '. /vm/lib.sh; . /vm/case.sh' vm
status=$?
echo "$status" >/vm/results/status
[ "$status" = 0 ] || echo "vm: the case ended with status $status"

dmesg --raw >/vm/results/kernel.log
[ -s /vm/results/journal.json ] ||
	timeout 30 journalctl --boot --output=json --no-pager >/vm/results/journal.json
echo complete >/vm/end/complete
tar --create --file="$(/usr/local/lib/vm/drive results)" -C /vm/results . -C /vm/end complete
sync
# Nothing in this guest outlives it: skip the orderly shutdown, which takes seconds.
systemctl poweroff --force --force
