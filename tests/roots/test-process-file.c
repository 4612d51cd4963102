/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A status with any number of groups: the line has no bound, and what stands behind it in the file
 * is what the rest of the daemon lives on.
 */
#include "tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/process-file.h"

#define GROUPS_MAX 65536

static char text[GROUPS_MAX * 12 + 4096];

static void write_status(const struct tree *t, unsigned groups)
{
	size_t len = (size_t)sprintf(text,
				     "Name:\tworker\nState:\tS (sleeping)\nTgid:\t20\nPid:\t20\n"
				     "PPid:\t1\nUid:\t7\t7\t7\t7\nGroups:\t");

	for (unsigned i = 0; i < groups; i++)
		len += (size_t)sprintf(text + len, "%u ", 100000000 + i);
	len += (size_t)sprintf(
		text + len,
		"\nNStgid:\t20\nVmPeak:\t 9999 kB\nVmSize:\t 8000 kB\nVmRSS:\t 4000 kB\n"
		"RssAnon:\t 3000 kB\nRssFile:\t 900 kB\nRssShmem:\t 100 kB\nVmData:\t 1 kB\n"
		"VmStk:\t 132 kB\nVmExe:\t 900 kB\nVmLib:\t 2000 kB\nVmPTE:\t 60 kB\n"
		"VmSwap:\t 500 kB\nHugetlbPages:\t 0 kB\nCoreDumping:\t0\nTHP_enabled:\t1\n"
		"Threads:\t3\nSigQ:\t0/63000\nSigPnd:\t0000000000000000\n"
		"ShdPnd:\t0000000000000100\nSigBlk:\t0000000000000000\n"
		"Cpus_allowed:\tffffffff,ffffffff\nMems_allowed:\t1\n");
	tree_write(t, "20/status", text, len);
}

static void test_groups(void **state)
{
	struct process_status s;
	struct tree t;

	(void)state;
	tree_init(&t);
	for (unsigned groups = 0; groups <= GROUPS_MAX; groups = groups < 600	? groups + 1
								 : groups < 700 ? 5000
										: groups + 60536) {
		char row[32];

		snprintf(row, sizeof(row), "%u groups", groups);
		write_status(&t, groups);
		CHECK_INT(row, process_read_status(t.fd, "20/status", &s), 0);
		CHECK(row, s.has_mm);
		CHECK_INT(row, s.tgid, 20);
		CHECK_UINT(row, s.total_vm_bytes, 8000 * UINT64_C(1024));
		CHECK_UINT(row, s.rss_anon_bytes, 3000 * UINT64_C(1024));
		CHECK_UINT(row, s.pgtables_bytes, 60 * UINT64_C(1024));
		CHECK_UINT(row, s.swap_bytes, 500 * UINT64_C(1024));
		CHECK_UINT(row, s.threads, 3);
		CHECK_UINT(row, s.pending, SIGNAL_MASK(SIGKILL));
	}
	tree_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
