/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * meminfo, memory pressure and vmstat: what is refused, what is read from the texts of real
 * kernels, and that a text cut anywhere never gives a number that the whole does not hold.
 */
#include "corpus.h"

#include <errno.h>

#include "core/memory.h"

#define KIB UINT64_C(1024)

static const struct meminfo meminfo_untouched = {.total_bytes = 1, .hugetlb_bytes = 2};

static const struct {
	const char *row;
	const char *data;
	size_t len;
	int result;
	struct meminfo value;
} meminfo_rows[] = {
	{"empty", BYTES(""), -ENODATA, {}},
	{"newlines", BYTES("\n\n\n"), -ENODATA, {}},
	{"no colon", BYTES("MemTotal 100 kB\nMemAvailable 50 kB\n"), -ENODATA, {}},
	{"MemTotal missing", BYTES("MemAvailable: 50 kB\n"), -ENODATA, {}},
	{"MemAvailable missing", BYTES("MemTotal: 100 kB\nMemFree: 50 kB\n"), -ENODATA, {}},
	{"blank before the key", BYTES(" MemTotal: 100 kB\nMemAvailable: 50 kB\n"), -ENODATA, {}},
	{"NUL in the key", BYTES("MemTotal\0: 100 kB\nMemAvailable: 50 kB\n"), -ENODATA, {}},
	{"NULs alone", BYTES("\0\0\0\0"), -ENODATA, {}},
	{"no number", BYTES("MemTotal: kB\nMemAvailable: 50 kB\n"), -EINVAL, {}},
	{"no unit", BYTES("MemTotal: 100\nMemAvailable: 50 kB\n"), -EINVAL, {}},
	{"other unit", BYTES("MemTotal: 100 MB\nMemAvailable: 50 kB\n"), -EINVAL, {}},
	{"negative", BYTES("MemTotal: 100 kB\nMemAvailable: -50 kB\n"), -EINVAL, {}},
	{"NUL in the number", BYTES("MemTotal: 1\0000 kB\nMemAvailable: 50 kB\n"), -EINVAL, {}},
	{"malformed optional line",
	 BYTES("MemTotal: 100 kB\nMemAvailable: 50 kB\nShmem: many\n"),
	 -EINVAL,
	 {}},
	{"total 0", BYTES("MemTotal: 0 kB\nMemAvailable: 0 kB\n"), -EINVAL, {}},
	{"more swap free than there is",
	 BYTES("MemTotal: 100 kB\nMemAvailable: 50 kB\nSwapTotal: 10 kB\nSwapFree: 11 kB\n"),
	 0,
	 {.total_bytes = 100 * KIB,
	  .available_bytes = 50 * KIB,
	  .swap_total_bytes = 10 * KIB,
	  .swap_free_bytes = 10 * KIB}},
	{"swap free of none",
	 BYTES("MemTotal: 100 kB\nMemAvailable: 50 kB\nSwapFree: 1 kB\n"),
	 0,
	 {.total_bytes = 100 * KIB, .available_bytes = 50 * KIB}},
	{"2^64 bytes", BYTES("MemTotal: 18014398509481984 kB\nMemAvailable: 50 kB\n"), -ERANGE, {}},
	{"30 digits",
	 BYTES("MemTotal: 100 kB\nMemAvailable: 999999999999999999999999999999 kB\n"),
	 -ERANGE,
	 {}},
	{"the two that are needed",
	 BYTES("MemTotal: 100 kB\nMemAvailable: 50 kB\n"),
	 0,
	 {.total_bytes = 100 * KIB, .available_bytes = 50 * KIB}},
	{"no newline at the end",
	 BYTES("MemTotal: 100 kB\nMemAvailable: 50 kB"),
	 0,
	 {.total_bytes = 100 * KIB, .available_bytes = 50 * KIB}},
	{"other order, empty and unknown lines",
	 BYTES("New: x y z\n\nMemAvailable: 50 kB\nHugePages_Total:  7\nMemTotal: 100 kB\n"),
	 0,
	 {.total_bytes = 100 * KIB, .available_bytes = 50 * KIB}},
	{"keys that begin alike",
	 BYTES("MemTotal: 100 kB\nMemAvailable: 50 kB\nMemFreed: 9 kB\nMemFre: 9 kB\n"),
	 0,
	 {.total_bytes = 100 * KIB, .available_bytes = 50 * KIB}},
	{"more available than there is",
	 BYTES("MemTotal: 100 kB\nMemAvailable: 101 kB\n"),
	 0,
	 {.total_bytes = 100 * KIB, .available_bytes = 100 * KIB}},
	{"64 TiB",
	 BYTES("MemTotal: 68719476736 kB\nMemAvailable: 68719476735 kB\n"),
	 0,
	 {.total_bytes = UINT64_C(64) << 40, .available_bytes = (UINT64_C(64) << 40) - KIB}},
};

static void check_meminfo(const char *row, const struct meminfo *got, const struct meminfo *want)
{
	CHECK_UINT(row, got->total_bytes, want->total_bytes);
	CHECK_UINT(row, got->free_bytes, want->free_bytes);
	CHECK_UINT(row, got->available_bytes, want->available_bytes);
	CHECK_UINT(row, got->swap_total_bytes, want->swap_total_bytes);
	CHECK_UINT(row, got->swap_free_bytes, want->swap_free_bytes);
	CHECK_UINT(row, got->shmem_bytes, want->shmem_bytes);
	CHECK_UINT(row, got->unreclaimable_bytes, want->unreclaimable_bytes);
	CHECK_UINT(row, got->hugetlb_bytes, want->hugetlb_bytes);
}

static void test_meminfo_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(meminfo_rows); i++) {
		char *copy = heap_copy(meminfo_rows[i].data, meminfo_rows[i].len);
		struct meminfo m = meminfo_untouched;

		CHECK_INT(meminfo_rows[i].row, meminfo_parse(copy, meminfo_rows[i].len, &m),
			  meminfo_rows[i].result);
		check_meminfo(meminfo_rows[i].row, &m,
			      meminfo_rows[i].result < 0 ? &meminfo_untouched
							 : &meminfo_rows[i].value);
		free(copy);
	}
}

static const struct {
	const char *name;
	int result;
	struct meminfo value;
} meminfo_texts[] = {
	{"meminfo/3.10", -ENODATA, {}},
	{"meminfo/5.15",
	 0,
	 {8131036 * KIB, 512344 * KIB, 4411820 * KIB, 2097148 * KIB, 2001916 * KIB, 331204 * KIB,
	  181784 * KIB, 131072 * KIB}},
	{"meminfo/6.1",
	 0,
	 {8131036 * KIB, 512344 * KIB, 4411820 * KIB, 2097148 * KIB, 2001916 * KIB, 331204 * KIB,
	  181784 * KIB, 131072 * KIB}},
	{"meminfo/6.18",
	 0,
	 {24684084 * KIB, 22882208 * KIB, 23283860 * KIB, 0, 0, 8872 * KIB, 24356 * KIB, 0}},
	{"meminfo/lxcfs", 0, {524288 * KIB, 401232 * KIB, 524288 * KIB, 0, 0, 64 * KIB, 0, 0}},
};

static void test_meminfo_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(meminfo_texts); i++) {
		const char *name = meminfo_texts[i].name;
		size_t len, crlf_len;
		char *data = corpus_read(name, &len);
		char *crlf = corpus_with_crlf(data, len, &crlf_len);
		struct meminfo m = {}, with_crlf = {};

		CHECK_INT(name, meminfo_parse(data, len, &m), meminfo_texts[i].result);
		check_meminfo(name, &m, &meminfo_texts[i].value);
		CHECK_INT(name, meminfo_parse(crlf, crlf_len, &with_crlf), meminfo_texts[i].result);
		check_meminfo(name, &with_crlf, &meminfo_texts[i].value);
		free(data);
		free(crlf);
	}
}

static bool zero_or(uint64_t got, uint64_t whole)
{
	return got == 0 || got == whole;
}

static void check_meminfo_cut(const char *row, const char *data, size_t len, size_t whole)
{
	const struct meminfo *want = &meminfo_texts[1].value;
	struct meminfo m = meminfo_untouched;
	int r = meminfo_parse(data, len, &m);

	if (len == whole)
		CHECK_INT(row, r, 0);
	if (r < 0) {
		check_meminfo(row, &m, &meminfo_untouched);
		return;
	}
	CHECK_UINT(row, m.total_bytes, want->total_bytes);
	CHECK_UINT(row, m.available_bytes, want->available_bytes);
	CHECK(row, zero_or(m.swap_total_bytes, want->swap_total_bytes));
	CHECK(row, zero_or(m.swap_free_bytes, want->swap_free_bytes));
	CHECK(row, zero_or(m.shmem_bytes, want->shmem_bytes));
	CHECK(row, zero_or(m.unreclaimable_bytes, want->unreclaimable_bytes));
	CHECK(row, zero_or(m.hugetlb_bytes, want->hugetlb_bytes));
}

static void test_meminfo_cut(void **state)
{
	(void)state;
	corpus_cut(meminfo_texts[1].name, check_meminfo_cut);
}

/* A line of 100 kB, of whatever, neither breaks the parser nor hides the lines after it. */
static void test_meminfo_long_line(void **state)
{
	static const char needed[] = "\nMemTotal: 100 kB\nMemAvailable: 50 kB\n";
	static const char fills[] = {'x', ':', ' ', '9', '\0', '\r', '\xff'};
	const size_t line = 100000, len = line + sizeof(needed) - 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fills); i++) {
		char *data = heap_fill(fills[i], len);
		struct meminfo m = {};

		memcpy(data + line, needed, sizeof(needed) - 1);
		assert_int_equal(meminfo_parse(data, len, &m), 0);
		assert_true(m.available_bytes == 50 * KIB);
		free(data);
	}
}

static const struct {
	const char *row;
	const char *data;
	size_t len;
	int result;
	uint64_t some, full;
} psi_rows[] = {
	{"empty", BYTES(""), -EINVAL, 0, 0},
	{"newline", BYTES("\n"), -EINVAL, 0, 0},
	{"one line", BYTES("some avg10=0.00 total=1\n"), -EINVAL, 0, 0},
	{"other order", BYTES("full total=1\nsome total=2\n"), -EINVAL, 0, 0},
	{"twice the same", BYTES("some total=1\nsome total=2\n"), -EINVAL, 0, 0},
	{"kind that begins alike", BYTES("something total=1\nfull total=2\n"), -EINVAL, 0, 0},
	{"no total", BYTES("some avg10=0.00\nfull total=2\n"), -EINVAL, 0, 0},
	{"total of the next line", BYTES("some\ntotal=1\nfull total=2\n"), -EINVAL, 0, 0},
	{"total without number", BYTES("some total=\nfull total=2\n"), -EINVAL, 0, 0},
	{"total in letters", BYTES("some total=x\nfull total=2\n"), -EINVAL, 0, 0},
	{"total with a fraction", BYTES("some total=1.5\nfull total=2\n"), -EINVAL, 0, 0},
	{"negative total", BYTES("some total=1\nfull total=-2\n"), -EINVAL, 0, 0},
	{"NUL", BYTES("some total=1\0\nfull total=2\n"), -EINVAL, 0, 0},
	{"2^64", BYTES("some total=18446744073709551616\nfull total=2\n"), -ERANGE, 0, 0},
	{"2^64, full", BYTES("some total=1\nfull total=18446744073709551616\n"), -ERANGE, 0, 0},
	{"cut in the last number", BYTES("some total=12\nfull total=1"), -EINVAL, 0, 0},
	{"as the psi=0 of some distributions", BYTES("Operation not supported\n"), -EINVAL, 0, 0},
	{"shortest", BYTES("some total=1\nfull total=2\n"), 0, 1, 2},
	{"carriage returns", BYTES("some total=1\r\nfull total=2\r\n"), 0, 1, 2},
	{"largest", BYTES("some total=18446744073709551615\nfull total=18446744073709551615\n"), 0,
	 UINT64_MAX, UINT64_MAX},
	{"new fields and lines",
	 BYTES("some avg5=1 total=1 worst=9\nfull avg5=1 total=2 worst=9\nmore total=3\n"), 0, 1,
	 2},
};

static void test_psi_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(psi_rows); i++) {
		char *copy = heap_copy(psi_rows[i].data, psi_rows[i].len);
		struct psi p = {77, 78};
		int r = psi_parse(copy, psi_rows[i].len, &p);

		CHECK_INT(psi_rows[i].row, r, psi_rows[i].result);
		CHECK_UINT(psi_rows[i].row, p.some_total_usec, r < 0 ? 77 : psi_rows[i].some);
		CHECK_UINT(psi_rows[i].row, p.full_total_usec, r < 0 ? 78 : psi_rows[i].full);
		free(copy);
	}
}

static void check_psi_cut(const char *row, const char *data, size_t len, size_t whole)
{
	struct psi p = {77, 78};
	int r = psi_parse(data, len, &p);

	if (len == whole)
		CHECK_INT(row, r, 0);
	CHECK_UINT(row, p.some_total_usec, r < 0 ? 77 : 48210377);
	CHECK_UINT(row, p.full_total_usec, r < 0 ? 78 : 39011204);
}

static void test_psi_texts(void **state)
{
	struct psi p = {77, 78};
	size_t len;
	char *data = corpus_read("psi/idle", &len);

	(void)state;
	assert_int_equal(psi_parse(data, len, &p), 0);
	assert_true(p.some_total_usec == 0 && p.full_total_usec == 0);
	free(data);
	corpus_cut("psi/6.1", check_psi_cut);
}

static void test_psi_long_line(void **state)
{
	char *data = heap_fill(' ', 100000);
	struct psi p;

	(void)state;
	memcpy(data, "some", 4);
	assert_int_equal(psi_parse(data, 100000, &p), -EINVAL);
	memcpy(data + 50000, "total=5\nfull", 12);
	assert_int_equal(psi_parse(data, 100000, &p), -EINVAL);
	memcpy(data + 99000, "total=6\n", 8);
	assert_int_equal(psi_parse(data, 100000, &p), 0);
	assert_true(p.some_total_usec == 5 && p.full_total_usec == 6);
	free(data);
}

static const struct {
	const char *row;
	const char *data;
	size_t len;
	int result;
	uint64_t oom_kill;
	uint64_t slab, lru;
} vmstat_rows[] = {
	{"empty", BYTES(""), -ENODATA, 0},
	{"no such line", BYTES("pgpgin 1\npgpgout 2\n"), -ENODATA, 0},
	{"key that begins alike", BYTES("oom_kills 4\noom_kill_x 5\n"), -ENODATA, 0},
	{"key that ends alike", BYTES("xoom_kill 4\n"), -ENODATA, 0},
	{"no blank", BYTES("oom_kill4\n"), -ENODATA, 0},
	{"no number", BYTES("oom_kill \n"), -EINVAL, 0},
	{"letters", BYTES("oom_kill x\n"), -EINVAL, 0},
	{"negative", BYTES("oom_kill -1\n"), -EINVAL, 0},
	{"two numbers", BYTES("oom_kill 1 2\n"), -EINVAL, 0},
	{"NUL", BYTES("oom_kill 1\0\n"), -EINVAL, 0},
	{"2^64", BYTES("oom_kill 18446744073709551616\n"), -ERANGE, 0},
	{"cut in the number", BYTES("pgpgin 1\noom_kill 1"), -EINVAL, 0},
	{"a page count that is none", BYTES("nr_active_anon x\noom_kill 1\n"), -EINVAL, 0},
	{"a page count that is cut", BYTES("nr_active_anon 5"), -ENODATA, 0},
	{"zero", BYTES("oom_kill 0\n"), 0, 0},
	{"all the lists, and keys that begin or end alike",
	 BYTES("nr_inactive_anon 1\nnr_active_anon 10\nnr_inactive_file 100\nnr_active_file 1000\n"
	       "nr_unevictable 10000\nnr_isolated_anon 100000\nnr_isolated_file 1000000\n"
	       "nr_zone_active_anon 7\nnr_active_anon_x 7\nnr_slab_reclaimable 7\n"
	       "nr_slab_unreclaimable 42\noom_kill 2\n"),
	 0, 2, 42, 1111111},
	{"what stands behind it is not read", BYTES("oom_kill 2\nnr_active_anon x\n"), 0, 2, 0, 0},
	{"a sum beyond 64 bits",
	 BYTES("nr_active_anon 18446744073709551615\nnr_unevictable 1\noom_kill 2\n"), 0, 2, 0,
	 UINT64_MAX},
	{"largest", BYTES("a\noom_kill 18446744073709551615\r\nb\n"), 0, UINT64_MAX},
};

static void test_vmstat_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vmstat_rows); i++) {
		char *copy = heap_copy(vmstat_rows[i].data, vmstat_rows[i].len);
		struct vmstat v = {.oom_kill = 77};
		int r = vmstat_parse(copy, vmstat_rows[i].len, &v);

		CHECK_INT(vmstat_rows[i].row, r, vmstat_rows[i].result);
		CHECK_UINT(vmstat_rows[i].row, v.oom_kill, r < 0 ? 77 : vmstat_rows[i].oom_kill);
		CHECK_UINT(vmstat_rows[i].row, v.slab_unreclaimable_pages, vmstat_rows[i].slab);
		CHECK_UINT(vmstat_rows[i].row, v.lru_pages, vmstat_rows[i].lru);
		free(copy);
	}
}

/* As should_dump_unreclaim_slab() has it: more, not as much. */
static void test_slab_heavy(void **state)
{
	struct vmstat v = {.slab_unreclaimable_pages = 5, .lru_pages = 5};

	(void)state;
	assert_false(vmstat_is_slab_heavy(&v));
	v.slab_unreclaimable_pages++;
	assert_true(vmstat_is_slab_heavy(&v));
}

static void check_vmstat_cut(const char *row, const char *data, size_t len, size_t whole)
{
	struct vmstat v = {.oom_kill = 77};
	int r = vmstat_parse(data, len, &v);

	if (len == whole)
		CHECK_INT(row, r, 0);
	CHECK_UINT(row, v.oom_kill, r < 0 ? 77 : 3);
}

static void test_vmstat_texts(void **state)
{
	struct vmstat v;
	size_t len;
	char *data = corpus_read("vmstat/4.12", &len);

	(void)state;
	assert_int_equal(vmstat_parse(data, len, &v), -ENODATA);
	free(data);
	corpus_cut("vmstat/6.1", check_vmstat_cut);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meminfo_table), cmocka_unit_test(test_meminfo_texts),
		cmocka_unit_test(test_meminfo_cut),   cmocka_unit_test(test_meminfo_long_line),
		cmocka_unit_test(test_psi_table),     cmocka_unit_test(test_psi_texts),
		cmocka_unit_test(test_psi_long_line), cmocka_unit_test(test_vmstat_table),
		cmocka_unit_test(test_vmstat_texts),  cmocka_unit_test(test_slab_heavy),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
