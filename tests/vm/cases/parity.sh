# SPDX-License-Identifier: GPL-2.0-or-later
#
# Random populations of processes: whom reapd would kill, and whom the kernel then kills when it is
# told to. No daemon runs; reapctl has the daemon's own scan.

wait_booted
swap_start
meminfo SwapTotal
fact swap_total_kib "$REPLY"
seed=${VM_SEED:-$RANDOM$RANDOM}
fact seed "$seed"
echo 1 >/proc/sys/vm/oom_dump_tasks
/vm/bin/populate "$seed" "$results/parity"
