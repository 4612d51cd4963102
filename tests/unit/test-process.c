/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stat, status and cgroup of a process. Its name is chosen by whoever runs it, so much of this is
 * about names that look like something else; identity hangs on the start time, so a cut one is
 * refused rather than read short.
 */
#include "corpus.h"

#include <errno.h>
#include <signal.h>

#include "core/process.h"

#define KIB UINT64_C(1024)

/* Fields 4 to 21 when field 4 is @ppid, field 5 @pgrp and field 9 @flags. */
#define STAT(ppid, pgrp, flags) \
	" " ppid " " pgrp " 6 7 -1 " flags " 10 11 12 13 14 15 16 17 18 19 20 21 "

static const struct {
	const char *row;
	const char *data;
	size_t len;
	int result;
	struct process_stat value;
} stat_rows[] = {
	{"empty", BYTES(""), -EINVAL, {}},
	{"no parentheses", BYTES("1 init S" STAT("4", "5", "9") "22 23\n"), -EINVAL, {}},
	{"no opening one", BYTES("1 init) S" STAT("4", "5", "9") "22 23\n"), -EINVAL, {}},
	{"no closing one", BYTES("1 (init S" STAT("4", "5", "9") "22 23\n"), -EINVAL, {}},
	{"closing one first", BYTES("1 ) S" STAT("4", "5", "9") "22 (\n"), -EINVAL, {}},
	{"nothing after the name", BYTES("1 (init)"), -EINVAL, {}},
	{"state of two letters", BYTES("1 (a) SS" STAT("4", "5", "9") "22 23\n"), -EINVAL, {}},
	{"ppid in letters", BYTES("1 (a) S" STAT("x", "5", "9") "22 23\n"), -EINVAL, {}},
	{"pgrp with a fraction", BYTES("1 (a) S" STAT("4", "5.1", "9") "22 23\n"), -EINVAL, {}},
	{"negative flags", BYTES("1 (a) S" STAT("4", "5", "-9") "22 23\n"), -EINVAL, {}},
	{"NUL in the flags", BYTES("1 (a) S" STAT("4", "5", "9\0") "22 23\n"), -EINVAL, {}},
	{"start time in letters", BYTES("1 (a) S" STAT("4", "5", "9") "2x 23\n"), -EINVAL, {}},
	{"negative start time", BYTES("1 (a) S" STAT("4", "5", "9") "-22 23\n"), -EINVAL, {}},
	{"no start time", BYTES("1 (a) S" STAT("4", "5", "9") "\n"), -EINVAL, {}},
	{"cut in the start time", BYTES("1 (a) S" STAT("4", "5", "9") "2"), -EINVAL, {}},
	{"ppid above 31 bits", BYTES("1 (a) S" STAT("2147483648", "5", "9") "22 \n"), -ERANGE, {}},
	{"ppid below 31 bits", BYTES("1 (a) S" STAT("-2147483649", "5", "9") "22 \n"), -ERANGE, {}},
	{"start time above 64 bits",
	 BYTES("1 (a) S" STAT("4", "5", "9") "18446744073709551616 23\n"),
	 -ERANGE,
	 {}},
	{"22 fields and a newline",
	 BYTES("1 (a) S" STAT("4", "5", "9") "22\n"),
	 0,
	 {"a", 'S', 4, 5, 9, 22}},
	{"empty name", BYTES("1 () S" STAT("4", "5", "9") "22 23\n"), 0, {"", 'S', 4, 5, 9, 22}},
	{"blanks as name",
	 BYTES("1 (   ) S" STAT("4", "5", "9") "22 23\n"),
	 0,
	 {"   ", 'S', 4, 5, 9, 22}},
	{"parents outside the namespace",
	 BYTES("1 (a) S" STAT("0", "-1", "9") "22 23\n"),
	 0,
	 {"a", 'S', 0, -1, 9, 22}},
	{"bounds",
	 BYTES("1 (a) S" STAT("2147483647", "-2147483648",
			      "18446744073709551615") "18446744073709551615 23\n"),
	 0,
	 {"a", 'S', 2147483647, -2147483647 - 1, UINT64_MAX, UINT64_MAX}},
	{"name like another process",
	 BYTES("1 (x) Z 1 1 1 1 1 1 1 1 1 1 1) S" STAT("4", "5", "9") "22 23\n"),
	 0,
	 {"x) Z 1 1 1 1 1 1 1 1 1 1 1", 'S', 4, 5, 9, 22}},
	{"name with newline, tab and both parentheses",
	 BYTES("1 ()\n)(\t() S" STAT("4", "5", "9") "22 23\n"),
	 0,
	 {")\n)(\t(", 'S', 4, 5, 9, 22}},
	{"name of other bytes",
	 BYTES("1 (\xff\xfe\x01\x7f) S" STAT("4", "5", "9") "22 23\n"),
	 0,
	 {"\xff\xfe\x01\x7f", 'S', 4, 5, 9, 22}},
	{"carriage return",
	 BYTES("1 (a) S" STAT("4", "5", "9") "22\r\n"),
	 0,
	 {"a", 'S', 4, 5, 9, 22}},
	{"name of 63 bytes",
	 BYTES("1 (0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde) S" STAT(
		 "4", "5", "9") "22 23\n"),
	 0,
	 {"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde", 'S', 4, 5, 9, 22}},
	{"name of 64 bytes",
	 BYTES("1 (0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef) S" STAT(
		 "4", "5", "9") "22 23\n"),
	 0,
	 {"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde", 'S', 4, 5, 9, 22}},
};

static const struct process_stat stat_untouched = {"untouched", '?', 71, 72, 73, 74};

static void check_stat(const char *row, const struct process_stat *got,
		       const struct process_stat *want)
{
	CHECK_STR(row, got->comm, want->comm);
	CHECK_INT(row, got->state, want->state);
	CHECK_INT(row, got->ppid, want->ppid);
	CHECK_INT(row, got->pgrp, want->pgrp);
	CHECK_UINT(row, got->flags, want->flags);
	CHECK_UINT(row, got->start_time, want->start_time);
}

static void test_stat_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(stat_rows); i++) {
		char *copy = heap_copy(stat_rows[i].data, stat_rows[i].len);
		struct process_stat s = stat_untouched;
		int r = process_stat_parse(copy, stat_rows[i].len, &s);

		CHECK_INT(stat_rows[i].row, r, stat_rows[i].result);
		check_stat(stat_rows[i].row, &s, r < 0 ? &stat_untouched : &stat_rows[i].value);
		free(copy);
	}
}

/* Fields 14 and 15, and not their neighbours, which are those of children and of faults. */
static void test_stat_ticks(void **state)
{
	const char *line = "1 (a) S 4 5 6 7 8 9 10 11 12 13 1400 150 16 17 18 19 20 21 22 23\n";
	struct process_stat s;

	(void)state;
	assert_int_equal(process_stat_parse(line, strlen(line), &s), 0);
	assert_int_equal(s.user_ticks, 1400);
	assert_int_equal(s.system_ticks, 150);
	line = "1 (a) S 4 5 6 7 8 9 10 11 12 13 14 x 16 17 18 19 20 21 22 23\n";
	assert_int_equal(process_stat_parse(line, strlen(line), &s), -EINVAL);
}

static const struct {
	const char *name;
	struct process_stat value;
} stat_texts[] = {
	{"stat/process", {"postgres", 'S', 1801, 1874, 4194560, 160079}},
	{"stat/kthread", {"kthreadd", 'S', 0, 0, 2129984, 24}},
	{"stat/kworker", {"kworker/u16:3-events_unbound", 'I', 2, 0, 69238880, 57}},
	{"stat/zombie", {"sh", 'Z', 900, 901, 4194372, 5500}},
	{"stat/hostile", {"a) Z 1 (b\n", 'R', 4700, 4711, 4194304, 987654321}},
};

static void check_stat_cut(const char *row, const char *data, size_t len, size_t whole)
{
	struct process_stat s = stat_untouched;
	int r = process_stat_parse(data, len, &s);

	for (size_t i = 0; i < ARRAY_SIZE(stat_texts); i++) {
		if (strncmp(row, stat_texts[i].name, strlen(stat_texts[i].name)) != 0)
			continue;
		if (len == whole)
			CHECK_INT(row, r, 0);
		check_stat(row, &s, r < 0 ? &stat_untouched : &stat_texts[i].value);
		return;
	}
	fail_msg("%s: not in the table", row);
}

/* Whole and cut: a cut text is refused or reads as the whole does. */
static void test_stat_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(stat_texts); i++)
		corpus_cut(stat_texts[i].name, check_stat_cut);
	assert_true(stat_texts[1].value.flags & PF_KTHREAD);
	assert_true(stat_texts[2].value.flags & PF_KTHREAD);
	assert_false(stat_texts[0].value.flags & (PF_KTHREAD | PF_EXITING));
	assert_true(stat_texts[3].value.flags & PF_EXITING);
}

static void test_stat_long_name(void **state)
{
	static const char fields[] = ") S" STAT("4", "5", "9") "22 23\n";
	const size_t name = 100000, len = name + sizeof(fields) - 1;
	char *data = heap_fill('(', len);
	struct process_stat s;

	(void)state;
	assert_int_equal(process_stat_parse(data, len, &s), -EINVAL);
	memcpy(data + name, fields, sizeof(fields) - 1);
	assert_int_equal(process_stat_parse(data, len, &s), 0);
	assert_int_equal(strlen(s.comm), COMM_SIZE - 1);
	assert_true(s.start_time == 22);
	free(data);
}

#define STATUS_HEAD "Name:\ta\nState:\tS (sleeping)\nTgid:\t7\n"

static const struct {
	const char *row;
	const char *data;
	size_t len;
	int result;
	struct process_status value;
} status_rows[] = {
	{"empty", BYTES(""), -EINVAL, {}},
	{"newline", BYTES("\n"), -EINVAL, {}},
	{"no name", BYTES("State:\tS (sleeping)\nTgid:\t7\n"), -EINVAL, {}},
	{"name alone", BYTES("Name:\ta\n"), -EINVAL, {}},
	{"name only looks like the rest", BYTES("Name:\tState:\tS\tTgid:\t7\n"), -EINVAL, {}},
	{"no state", BYTES("Name:\ta\nTgid:\t7\n"), -EINVAL, {}},
	{"empty state", BYTES("Name:\ta\nState:\t\nTgid:\t7\n"), -EINVAL, {}},
	{"no tgid", BYTES("Name:\ta\nState:\tS (sleeping)\n"), -EINVAL, {}},
	{"tgid 0", BYTES("Name:\ta\nState:\tS (sleeping)\nTgid:\t0\n"), -EINVAL, {}},
	{"tgid in letters", BYTES("Name:\ta\nState:\tS\nTgid:\tx\n"), -EINVAL, {}},
	{"tgid above 31 bits", BYTES("Name:\ta\nState:\tS\nTgid:\t2147483648\n"), -ERANGE, {}},
	{"uid missing", BYTES(STATUS_HEAD "Uid:\n"), -EINVAL, {}},
	{"negative uid", BYTES(STATUS_HEAD "Uid:\t-1\t0\t0\t0\n"), -EINVAL, {}},
	{"uid above 32 bits", BYTES(STATUS_HEAD "Uid:\t4294967296\t0\t0\t0\n"), -ERANGE, {}},
	{"size without unit", BYTES(STATUS_HEAD "RssAnon:\t 12\n"), -EINVAL, {}},
	{"size in MB", BYTES(STATUS_HEAD "VmSwap:\t 12 MB\n"), -EINVAL, {}},
	{"negative size", BYTES(STATUS_HEAD "VmPTE:\t -12 kB\n"), -EINVAL, {}},
	{"NUL in a size", BYTES(STATUS_HEAD "RssFile:\t 1\0002 kB\n"), -EINVAL, {}},
	{"size of 2^64", BYTES(STATUS_HEAD "VmSize:\t18014398509481984 kB\n"), -ERANGE, {}},
	{"threads of two numbers", BYTES(STATUS_HEAD "Threads:\t1 2\n"), -EINVAL, {}},
	{"mask with prefix", BYTES(STATUS_HEAD "SigPnd:\t0x100\n"), -EINVAL, {}},
	{"mask of 32 digits, as on MIPS",
	 BYTES(STATUS_HEAD "SigIgn:\t00000000000000010000000000000100\n"),
	 0,
	 {.state = 'S', .tgid = 7, .ignored = 0x100}},
	{"mask of 17 digits", BYTES(STATUS_HEAD "ShdPnd:\t00000000000000100\n"), -ERANGE, {}},
	{"no own pid", BYTES(STATUS_HEAD "NSpid:\n"), -EINVAL, {}},
	{"own pid in letters", BYTES(STATUS_HEAD "NSpid:\t7\tx\n"), -EINVAL, {}},
	{"own pid above 31 bits", BYTES(STATUS_HEAD "NSpid:\t2147483648\n"), -ERANGE, {}},
	{"ignored in letters", BYTES(STATUS_HEAD "SigIgn:\tx\n"), -EINVAL, {}},
	{"least", BYTES(STATUS_HEAD), 0, {.state = 'S', .tgid = 7}},
	{"escaped newline in the name",
	 BYTES("Name:\ta\\nTgid:\\t1\nState:\tS\nTgid:\t7\n"),
	 0,
	 {.state = 'S', .tgid = 7}},
	{"lines that begin alike",
	 BYTES(STATUS_HEAD "VmRSSx: 1 kB\nTgids: x\nVmPTEs: 12\n"),
	 0,
	 {.state = 'S', .tgid = 7}},
	{"largest uid",
	 BYTES(STATUS_HEAD "Uid:\t4294967295\t0\t0\t0\n"),
	 0,
	 {.state = 'S', .tgid = 7, .uid = UINT32_MAX}},
	{"both masks count",
	 BYTES(STATUS_HEAD "SigPnd:\t0000000000000100\nShdPnd:\t0000000000004000\n"),
	 0,
	 {.state = 'S', .tgid = 7, .pending = 0x4100}},
	{"SIGTERM is not SIGKILL",
	 BYTES(STATUS_HEAD "SigPnd:\t0000000000004000\nShdPnd:\t0000000000000000\n"),
	 0,
	 {.state = 'S', .tgid = 7, .pending = 0x4000}},
	{"what it does with signals",
	 BYTES(STATUS_HEAD "SigBlk:\t0000000000000800\nSigIgn:\t0000000000004000\n"
			   "SigCgt:\t0000000180000001\n"),
	 0,
	 {.state = 'S', .tgid = 7, .blocked = 0x800, .ignored = 0x4000, .caught = 0x180000001}},
	{"one pid namespace",
	 BYTES(STATUS_HEAD "NSpid:\t7\n"),
	 0,
	 {.state = 'S', .tgid = 7, .own_pid = 7}},
	{"three pid namespaces",
	 BYTES(STATUS_HEAD "NSpid:\t7\t9\t1\n"),
	 0,
	 {.state = 'S', .tgid = 7, .own_pid = 1}},
	{"a process without anonymous memory has an address space",
	 BYTES(STATUS_HEAD "VmRSS:\t       0 kB\n"),
	 0,
	 {.state = 'S', .tgid = 7, .has_mm = true}},
	{"sizes near 2^64",
	 BYTES(STATUS_HEAD "RssAnon:\t18014398509481983 kB\n"),
	 0,
	 {.state = 'S', .tgid = 7, .rss_anon_bytes = UINT64_MAX - 1023}},
};

static const struct process_status status_untouched = {.state = '?', .tgid = 71, .threads = 72};

static void check_status(const char *row, const struct process_status *got,
			 const struct process_status *want)
{
	CHECK_INT(row, got->state, want->state);
	CHECK_INT(row, got->tgid, want->tgid);
	CHECK_UINT(row, got->uid, want->uid);
	CHECK_UINT(row, got->threads, want->threads);
	CHECK_INT(row, got->has_mm, want->has_mm);
	CHECK_INT(row, got->core_dumping, want->core_dumping);
	CHECK_UINT(row, got->pending, want->pending);
	CHECK_UINT(row, got->total_vm_bytes, want->total_vm_bytes);
	CHECK_UINT(row, got->rss_anon_bytes, want->rss_anon_bytes);
	CHECK_UINT(row, got->rss_file_bytes, want->rss_file_bytes);
	CHECK_UINT(row, got->rss_shmem_bytes, want->rss_shmem_bytes);
	CHECK_UINT(row, got->pgtables_bytes, want->pgtables_bytes);
	CHECK_UINT(row, got->swap_bytes, want->swap_bytes);
	CHECK_UINT(row, got->blocked, want->blocked);
	CHECK_UINT(row, got->ignored, want->ignored);
	CHECK_UINT(row, got->caught, want->caught);
	CHECK_INT(row, got->own_pid, want->own_pid);
}

static void test_status_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(status_rows); i++) {
		char *copy = heap_copy(status_rows[i].data, status_rows[i].len);
		struct process_status s = status_untouched;
		int r = process_status_parse(copy, status_rows[i].len, &s);

		CHECK_INT(status_rows[i].row, r, status_rows[i].result);
		check_status(status_rows[i].row, &s,
			     r < 0 ? &status_untouched : &status_rows[i].value);
		free(copy);
	}
}

#define SIGNALS .ignored = 0x1001000, .caught = 0x180014602

static const struct {
	const char *row;
	struct process_status status;
	bool ignores;
} term_rows[] = {
	{"nothing", {.own_pid = 7}, false},
	{"another signal", {.own_pid = 7, .ignored = 0x2001}, false},
	{"ignored", {.own_pid = 7, .ignored = 0x4000}, true},
	{"a handler", {.own_pid = 7, .caught = 0x4000}, false},
	{"init of a namespace", {.own_pid = 1}, true},
	{"init of a namespace with another handler", {.own_pid = 1, .caught = 0x2001}, true},
	{"init of a namespace with a handler", {.own_pid = 1, .caught = 0x4000}, false},
	{"init of a namespace that ignores", {.own_pid = 1, .ignored = 0x4000}, true},
	{"a kernel without pid namespaces", {}, false},
	{"ignored, but waited for", {.own_pid = 7, .ignored = 0x4000, .blocked = 0x4000}, false},
	{"init that waits for it", {.own_pid = 1, .blocked = 0x4000}, false},
	{"init that waits for another", {.own_pid = 1, .blocked = 0x2001}, true},
};

static void test_ignores_term(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(term_rows); i++)
		CHECK_INT(term_rows[i].row, process_ignores_term(&term_rows[i].status),
			  term_rows[i].ignores);
}

static const struct {
	const char *name;
	struct process_status value;
} status_texts[] = {
	{"status/6.18",
	 {'S', 1874, 113, 1, true, false, 0, 223748 * KIB, 4128 * KIB, 19076 * KIB, 5612 * KIB,
	  136 * KIB, 0, SIGNALS, .own_pid = 1874}},
	{"status/6.1",
	 {'S', 2210, 1000, 81, true, false, 0, 3121044 * KIB, 401220 * KIB, 180332 * KIB,
	  22104 * KIB, 2412 * KIB, 51200 * KIB, SIGNALS, .own_pid = 2210}},
	{"status/kthread", {.state = 'S', .tgid = 2, .threads = 1, SIGNALS, .own_pid = 2}},
	{"status/zombie-leader",
	 {.state = 'Z', .tgid = 3141, .uid = 1000, .threads = 2, SIGNALS, .own_pid = 3141}},
	{"status/dying",
	 {'R', 4000, 1000, 1, true, false, SIGNAL_MASK(SIGKILL), 1048576 * KIB, 901120 * KIB,
	  1200 * KIB, 0, 1804 * KIB, 0, SIGNALS, .own_pid = 4000}},
	{"status/core-dump",
	 {'D', 4100, 33, 1, true, true, SIGNAL_MASK(SIGKILL), 90000 * KIB, 70000 * KIB, 900 * KIB,
	  0, 200 * KIB, 0, SIGNALS, .own_pid = 4100}},
	{"status/hostile",
	 {'R', 4711, 1001, 1, true, false, 0, 2276 * KIB, 96 * KIB, 704 * KIB, 0, 44 * KIB, 0,
	  SIGNALS, .own_pid = 4711}},
};

static void check_status_cut(const char *row, const char *data, size_t len, size_t whole)
{
	const struct process_status *want = NULL;
	struct process_status s = status_untouched;
	int r = process_status_parse(data, len, &s);

	for (size_t i = 0; i < ARRAY_SIZE(status_texts); i++) {
		size_t name = strlen(status_texts[i].name);

		if (strncmp(row, status_texts[i].name, name) == 0 && row[name] == ' ')
			want = &status_texts[i].value;
	}
	CHECK(row, want != NULL);
	if (len == whole) {
		CHECK_INT(row, r, 0);
		check_status(row, &s, want);
	}
	if (r < 0) {
		check_status(row, &s, &status_untouched);
		return;
	}
	/* Sizes have a unit behind them, so they are whole or missing. */
	CHECK(row, s.rss_anon_bytes == 0 || s.rss_anon_bytes == want->rss_anon_bytes);
	CHECK(row, s.rss_file_bytes == 0 || s.rss_file_bytes == want->rss_file_bytes);
	CHECK(row, s.swap_bytes == 0 || s.swap_bytes == want->swap_bytes);
	CHECK(row, s.pgtables_bytes == 0 || s.pgtables_bytes == want->pgtables_bytes);
	/* With an address space seen, what stands before it is whole. */
	if (s.has_mm) {
		CHECK_INT(row, s.tgid, want->tgid);
		CHECK_UINT(row, s.uid, want->uid);
	}
}

static void test_status_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(status_texts); i++)
		corpus_cut(status_texts[i].name, check_status_cut);
}

static void test_status_crlf(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(status_texts); i++) {
		size_t len, crlf_len;
		char *data = corpus_read(status_texts[i].name, &len);
		char *crlf = corpus_with_crlf(data, len, &crlf_len);
		struct process_status s = {};

		CHECK_INT(status_texts[i].name, process_status_parse(crlf, crlf_len, &s), 0);
		check_status(status_texts[i].name, &s, &status_texts[i].value);
		free(data);
		free(crlf);
	}
}

static void test_status_long_line(void **state)
{
	static const char rest[] = "\nState:\tS\nTgid:\t7\n";
	const size_t line = 100000, len = line + sizeof(rest) - 1;
	char *data = heap_fill('\0', len);
	struct process_status s;

	(void)state;
	memcpy(data, "Name:", 5);
	memcpy(data + line, rest, sizeof(rest) - 1);
	assert_int_equal(process_status_parse(data, len, &s), 0);
	assert_int_equal(s.tgid, 7);
	memset(data + 5, ':', line - 5);
	assert_int_equal(process_status_parse(data, len, &s), 0);
	assert_int_equal(s.state, 'S');
	free(data);
}

static const struct {
	const char *row;
	const char *data;
	size_t len;
	int result;
	const char *path;
} cgroup_rows[] = {
	{"empty", BYTES(""), -ENODATA, NULL},
	{"newline", BYTES("\n"), -EINVAL, NULL},
	{"no colon", BYTES("0\n"), -EINVAL, NULL},
	{"one colon", BYTES("0:/a\n"), -EINVAL, NULL},
	{"no path", BYTES("0::\n"), -EINVAL, NULL},
	{"path without slash", BYTES("0::a\n"), -EINVAL, NULL},
	{"malformed before the line that counts", BYTES("x\n0::/a\n"), -EINVAL, NULL},
	{"v1 without systemd", BYTES("2:memory:/a\n1:cpu:/b\n"), -ENODATA, NULL},
	{"a v1 hierarchy is not number 0", BYTES("0:memory:/a\n"), -ENODATA, NULL},
	{"an unnamed one is not number 10", BYTES("10::/a\n"), -ENODATA, NULL},
	{"a name that begins alike", BYTES("1:name=systemdx:/a\n"), -ENODATA, NULL},
	{"root", BYTES("0::/\n"), 0, "/"},
	{"no newline", BYTES("0::/a"), 0, "/a"},
	{"colons in the path", BYTES("0::/a:b::c\n"), 0, "/a:b::c"},
	{"outside the namespace", BYTES("0::/../../a\n"), 0, "/../../a"},
	{"deleted", BYTES("0::/a.scope (deleted)\n"), 0, "/a.scope (deleted)"},
	{"hybrid, all in v1", BYTES("1:name=systemd:/a\n0::/\n"), 0, "/a"},
	{"hybrid, in both", BYTES("1:name=systemd:/a\n0::/b\n"), 0, "/b"},
	{"hybrid, v2 only", BYTES("1:name=systemd:/\n0::/b\n"), 0, "/b"},
	{"both roots", BYTES("1:name=systemd:/\n0::/\n"), 0, "/"},
	{"v1", BYTES("5:memory:/x\n1:name=systemd:/a/b.service\n"), 0, "/a/b.service"},
	{"NUL in the path", BYTES("0::/a\0b\n"), 0, "/a\0b"},
};

static void test_cgroup_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cgroup_rows); i++) {
		const char *want = cgroup_rows[i].path;
		char *copy = heap_copy(cgroup_rows[i].data, cgroup_rows[i].len);
		struct text path = {};
		int r = cgroup_parse(copy, cgroup_rows[i].len, &path);

		CHECK_INT(cgroup_rows[i].row, r, cgroup_rows[i].result);
		CHECK(cgroup_rows[i].row, r == 0 || !path.at);
		if (r == 0) {
			CHECK(cgroup_rows[i].row,
			      text_has_prefix(path, want) && text_len(path) >= strlen(want));
			CHECK(cgroup_rows[i].row,
			      text_equal(path, want) || memchr(path.at, '\0', text_len(path)));
		}
		free(copy);
	}
}

static const struct {
	const char *row;
	const char *data;
	int result;
	const char *path;
} v1_rows[] = {
	{"empty", "", -ENODATA, NULL},
	{"no colon", "4\n", -EINVAL, NULL},
	{"one colon", "4:freezer\n", -EINVAL, NULL},
	{"no slash", "4:freezer:a\n", -EINVAL, NULL},
	{"v2 alone", "0::/a\n", -ENODATA, NULL},
	{"another's name begins with it", "4:freezers:/a\n", -ENODATA, NULL},
	{"another's name ends with it", "4:defreezer:/a\n", -ENODATA, NULL},
	{"a named hierarchy", "4:name=freezer:/a\n", -ENODATA, NULL},
	{"alone", "4:freezer:/a/b\n0::/c\n", 0, "/a/b"},
	{"first of several", "4:freezer,cpu:/a\n", 0, "/a"},
	{"last of several", "5:cpu:/x\n4:cpuacct,freezer:/a\n", 0, "/a"},
	{"in the middle", "4:a,freezer,b:/\n", 0, "/"},
	{"colons in the path", "4:freezer:/a:b:c\n", 0, "/a:b:c"},
	{"the newline is missing", "4:freezer:/a", 0, "/a"},
};

static void test_cgroup_v1(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v1_rows); i++) {
		size_t len = strlen(v1_rows[i].data);
		char *copy = heap_copy(v1_rows[i].data, len);
		struct text path = {};

		CHECK_INT(v1_rows[i].row, cgroup_parse_v1(copy, len, "freezer", &path),
			  v1_rows[i].result);
		CHECK(v1_rows[i].row,
		      v1_rows[i].path ? text_equal(path, v1_rows[i].path) : !path.at);
		free(copy);
	}
}

static const struct {
	const char *path;
	const char *unit; /* NULL: in none */
} unit_rows[] = {
	{"", NULL},
	{"/", NULL},
	{"//", NULL},
	{"/a", NULL},
	{"/../..", NULL},
	{"/system.slice", NULL},
	{"/user.slice/user-1000.slice", NULL},
	{"/docker/0123.scope", NULL},
	{"/lxc.payload/system.slice/cron.service", NULL},
	{"/.slice/.service", ".service"},
	{"/init.scope", "init.scope"},
	{"/cron.service", "cron.service"},
	{"/system.slice/cron.service", "cron.service"},
	{"/system.slice/cron.service/", "cron.service"},
	{"/system.slice/cron.service/sub/x.service", "cron.service"},
	{"/system.slice/a.service/b.service", "a.service"},
	{"/system.slice/a b\\x2dc:d.service", "a b\\x2dc:d.service"},
	{"/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service"},
	{"/system.slice/docker-0123.scope", "docker-0123.scope"},
	{"/user.slice/user-1000.slice/session-2.scope", "session-2.scope"},
	{"/user.slice/user-1000.slice/user@1000.service", "user@1000.service"},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice", "user@1000.service"},
	{"/user.slice/user-1000.slice/user@1000.service/init.scope", "init.scope"},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice/app-x-7.scope", "app-x-7.scope"},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice/a.service/b", "a.service"},
	{"/user.slice/user-1000.slice/user@1000.service/other/a.service", "user@1000.service"},
};

static void test_cgroup_unit(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(unit_rows); i++) {
		size_t len = strlen(unit_rows[i].path);
		char *copy = heap_copy(unit_rows[i].path, len), name[128];
		struct text unit = {};
		int r = cgroup_path_unit(TEXT(copy, len), &unit);

		CHECK_INT(unit_rows[i].path, r, unit_rows[i].unit ? 0 : -ENODATA);
		CHECK(unit_rows[i].path, (r == 0) == (unit.at != NULL));
		if (r == 0) {
			text_copy(unit, name, sizeof(name));
			CHECK_STR(unit_rows[i].path, name, unit_rows[i].unit);
		}
		free(copy);
	}
}

static void check_cgroup_cut(const char *row, const char *data, size_t len, size_t whole)
{
	struct text path = {}, unit;
	int r = cgroup_parse(data, len, &path);

	if (len == whole)
		CHECK_INT(row, r, 0);
	if (r < 0)
		return;
	CHECK(row, path.at >= data && path.at <= path.end && path.end <= data + len);
	if (cgroup_path_unit(path, &unit) == 0)
		CHECK(row, unit.at >= path.at && unit.at <= unit.end && unit.end <= path.end);
}

static void test_cgroup_texts(void **state)
{
	(void)state;
	corpus_cut("cgroup/v1", check_cgroup_cut);
	corpus_cut("cgroup/v2", check_cgroup_cut);
	corpus_cut("cgroup/hybrid", check_cgroup_cut);
	corpus_cut("cgroup/colons", check_cgroup_cut);
}

static void test_cgroup_long_path(void **state)
{
	char *data = heap_fill('/', 100000);
	struct text path, unit;

	(void)state;
	memcpy(data, "0::", 3);
	assert_int_equal(cgroup_parse(data, 100000, &path), 0);
	assert_int_equal(text_len(path), 100000 - 3);
	assert_int_equal(cgroup_path_unit(path, &unit), -ENODATA);
	free(data);
}

static void test_identity(void **state)
{
	struct process_id a = {7, 100};

	(void)state;
	assert_true(process_id_equal(a, (struct process_id){7, 100}));
	assert_false(process_id_equal(a, (struct process_id){7, 101}));
	assert_false(process_id_equal(a, (struct process_id){8, 100}));
}

static void test_verdict_names(void **state)
{
	(void)state;
	for (enum verdict a = VERDICT_ELIGIBLE; a <= VERDICT_GONE; a++) {
		CHECK("verdict", strcmp(verdict_name(a), "unknown") != 0);
		for (enum verdict b = VERDICT_ELIGIBLE; b < a; b++)
			CHECK("verdict", strcmp(verdict_name(a), verdict_name(b)) != 0);
	}
}

/* Those that oom_badness() rates with LONG_MIN have none, whatever they hold. */
static void test_oom_score(void **state)
{
	static const bool rated[] = {
		[VERDICT_ELIGIBLE] = true, [VERDICT_SELF] = true,    [VERDICT_DYING] = true,
		[VERDICT_ASIDE] = true,	   [VERDICT_IGNORED] = true, [VERDICT_GONE] = false,
	};
	struct process p = {.memory = {.has_mm = true}, .badness = {.points = 500}};

	(void)state;
	for (p.verdict = VERDICT_ELIGIBLE; p.verdict <= VERDICT_GONE; p.verdict++)
		CHECK_INT(verdict_name(p.verdict), process_oom_score(&p, 1000),
			  rated[p.verdict] ? 1000 : 0);
	p.verdict = VERDICT_SELF;
	p.oom_score_adj = -1000;
	assert_int_equal(process_oom_score(&p, 1000), 0);
	p.oom_score_adj = 0;
	p.memory.has_mm = false;
	assert_int_equal(process_oom_score(&p, 1000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stat_table),	 cmocka_unit_test(test_stat_ticks),
		cmocka_unit_test(test_stat_texts),	 cmocka_unit_test(test_stat_long_name),
		cmocka_unit_test(test_status_table),	 cmocka_unit_test(test_ignores_term),
		cmocka_unit_test(test_status_texts),	 cmocka_unit_test(test_status_crlf),
		cmocka_unit_test(test_status_long_line), cmocka_unit_test(test_cgroup_table),
		cmocka_unit_test(test_cgroup_unit),	 cmocka_unit_test(test_cgroup_texts),
		cmocka_unit_test(test_cgroup_long_path), cmocka_unit_test(test_identity),
		cmocka_unit_test(test_verdict_names),	 cmocka_unit_test(test_oom_score),
		cmocka_unit_test(test_cgroup_v1),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
