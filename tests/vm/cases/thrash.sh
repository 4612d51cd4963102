# SPDX-License-Identifier: GPL-2.0-or-later
#
# Four threads need more memory than there is, all the time, with swap for all of it on a slow disk:
# half of swap stays free, and a bystander that goes through 150 MiB in two seconds has to wait.

wait_booted
swap_start
daemon_unit=reapd.service
daemon_record
daemon_start
neighbours_start 30
load_start bystander neighbour 150 --cycle 2000 --output "$results/bystander.gaps"
evidence_start 20
mkdir -m 1777 /vm/run/hot # it is another user's
load_go hot random 1100 --threads 4 --ready /vm/run/hot/ready
wait_for 120 "hot to have its memory, or its end" ready_or_gone hot /vm/run/hot/ready
fact hot_usec "$(monotonic_usec)"
wait_dead hot 90
wait_memory_back 30
neighbours_stop bystander
evidence_stop
cp /run/reapd/trace "$results/trace"
unit_note hot
