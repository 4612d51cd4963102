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
	{"huge pages that take all the rest",
	 BYTES("MemTotal: 100 kB\nMemAvailable: 40 kB\nHugetlb: 60 kB\n"),
	 0,
	 {.total_bytes = 100 * KIB, .available_bytes = 40 * KIB, .hugetlb_bytes = 60 * KIB}},
	{"huge pages of another machine",
	 BYTES("MemTotal: 100 kB\nMemAvailable: 40 kB\nHugetlb: 61 kB\n"),
	 0,
	 {.total_bytes = 100 * KIB, .available_bytes = 40 * KIB}},
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
	CHECK_UINT(row, got->active_anon_bytes, want->active_anon_bytes);
	CHECK_UINT(row, got->inactive_anon_bytes, want->inactive_anon_bytes);
	CHECK_UINT(row, got->unevictable_bytes, want->unevictable_bytes);
	CHECK_UINT(row, got->zswap_bytes, want->zswap_bytes);
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
	  181784 * KIB, 131072 * KIB, 1101132 * KIB, 1822332 * KIB, 48 * KIB, 0 * KIB}},
	{"meminfo/6.1",
	 0,
	 {8131036 * KIB, 512344 * KIB, 4411820 * KIB, 2097148 * KIB, 2001916 * KIB, 331204 * KIB,
	  181784 * KIB, 131072 * KIB, 1101132 * KIB, 1822332 * KIB, 48 * KIB, 4096 * KIB}},
	{"meminfo/6.18",
	 0,
	 {24684084 * KIB, 22882208 * KIB, 23283860 * KIB, 0, 0, 8872 * KIB, 24356 * KIB, 0,
	  1540 * KIB, 1054108 * KIB, 12720 * KIB, 0 * KIB}},
	{"meminfo/lxcfs",
	 0,
	 {524288 * KIB, 401232 * KIB, 524288 * KIB, 0, 0, 64 * KIB, 0, 0, 0 * KIB, 0 * KIB, 0 * KIB,
	  0 * KIB}},
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
	{"bad counter before it", BYTES("pswpin x\noom_kill 1\n"), -EINVAL, 0},
	{"counter of 2^64", BYTES("pgscan_direct 18446744073709551616\noom_kill 1\n"), -ERANGE, 0},
	{"bad line behind it", BYTES("oom_kill 1\npswpin x\n"), 0, 1},
};

static void test_vmstat_counters(void **state)
{
	static const char text[] =
		"pswpin_x 99\nworkingset_refault_anon 1\n"
		"workingset_refault_file 2\nworkingset_refault 98\n"
		"workingset_activate_anon 96\nworkingset_activate_file 9\npswpin 3\n"
		"pswpout 4\npgsteal_kswapd 5\npgsteal_direct 6\n"
		"pgscan_direct 7\npgscan_direct_throttle 97\noom_kill 8\n";
	struct vmstat v;

	(void)state;
	assert_int_equal(vmstat_parse(text, sizeof(text) - 1, &v), 0);
	assert_int_equal(v.refault_anon, 1);
	assert_int_equal(v.refault_file, 2);
	assert_int_equal(v.activate_file, 9);
	assert_int_equal(v.swap_in, 3);
	assert_int_equal(v.swap_out, 4);
	assert_int_equal(v.steal_kswapd, 5);
	assert_int_equal(v.steal_direct, 6);
	assert_int_equal(v.scan_direct, 7);
	assert_int_equal(v.oom_kill, 8);
}

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

static const struct {
	const char *row;
	const char *data;
	size_t len;
	int result;
	struct zram_stat value;
} zram_rows[] = {
	{"empty", BYTES(""), -EINVAL, {}},
	{"newline", BYTES("\n"), -EINVAL, {}},
	{"three numbers", BYTES("1 2 3\n"), -EINVAL, {}},
	{"letters", BYTES("1 2 3 x\n"), -EINVAL, {}},
	{"negative", BYTES("-1 2 3 4\n"), -EINVAL, {}},
	{"NUL", BYTES("1 2 3\0 4\n"), -EINVAL, {}},
	{"2^64", BYTES("18446744073709551616 2 3 4\n"), -ERANGE, {}},
	{"cut", BYTES("1 2 3 4"), -EINVAL, {}},
	{"two lines", BYTES("1 2 3 4\n5\n"), -EINVAL, {}},
	{"before 5.12", BYTES("  4096  74  12288  0  12288  0  0  0\n"), 0, {4096, 12288, 0}},
	{"6.1", BYTES("  4096  74  12288 8192  12288  0  0  0 0\n"), 0, {4096, 12288, 8192}},
};

static void test_zram_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(zram_rows); i++) {
		char *copy = heap_copy(zram_rows[i].data, zram_rows[i].len);
		struct zram_stat z = {.data_bytes = 77};
		int r = zram_stat_parse(copy, zram_rows[i].len, &z);

		CHECK_INT(zram_rows[i].row, r, zram_rows[i].result);
		CHECK_UINT(zram_rows[i].row, z.data_bytes,
			   r < 0 ? 77 : zram_rows[i].value.data_bytes);
		if (r >= 0) {
			CHECK_UINT(zram_rows[i].row, z.used_bytes, zram_rows[i].value.used_bytes);
			CHECK_UINT(zram_rows[i].row, z.limit_bytes, zram_rows[i].value.limit_bytes);
		}
		free(copy);
	}
}

#define KSTAT "13 1 0x01 147 39984 2829385493 6013512345\nname type data\n"
#define ARC   KSTAT "hits 4 9\nc 4 600\nc_min 4 100\nc_max 4 800\nsize 4 500\nsize_x 4 7\n"

static const struct {
	const char *row;
	const char *data;
	size_t len;
	int result;
	uint64_t bytes;
} arcstats_rows[] = {
	{"empty", BYTES(""), -ENODATA},
	{"heading alone", BYTES(KSTAT), -ENODATA},
	{"nothing is said to be clean", BYTES(ARC), -ENODATA},
	{"no minimum", BYTES("size 4 500\nmru_evictable_data 4 50\n"), -ENODATA},
	{"no type", BYTES("size\n"), -EINVAL},
	{"no value", BYTES("size 4\n"), -EINVAL},
	{"letters", BYTES("size 4 many\n"), -EINVAL},
	{"negative", BYTES("c_min 4 -1\n"), -EINVAL},
	{"NUL", BYTES("size 4 1\0\n"), -EINVAL},
	{"2^64", BYTES("size 4 18446744073709551616\n"), -ERANGE},
	{"cut", BYTES(ARC "mru_evictable_data 4 50"), -ENODATA},
	{"clean", BYTES(ARC "mru_evictable_data 4 50\nmfu_evictable_metadata   4   5\n"), 0, 55},
	{"down to the minimum", BYTES(ARC "mru_evictable_data 4 500\n"), 0, 400},
	{"cut behind", BYTES(ARC "mru_evictable_data 4 1\nmfu_evictable_data 4 50"), 0, 1},
	{"below the minimum", BYTES("c_min 4 9\nsize 4 8\nmru_evictable_data 4 8\n"), 0, 0},
	{"saturates",
	 BYTES(KSTAT "c_min 4 0\nsize 4 18446744073709551615\n"
		     "mru_evictable_data 4 18446744073709551615\nmfu_evictable_data 4 1\n"),
	 0, UINT64_MAX},
};

static void test_arcstats_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(arcstats_rows); i++) {
		char *copy = heap_copy(arcstats_rows[i].data, arcstats_rows[i].len);
		uint64_t bytes = 77;

		CHECK_INT(arcstats_rows[i].row, arcstats_parse(copy, arcstats_rows[i].len, &bytes),
			  arcstats_rows[i].result);
		CHECK_UINT(arcstats_rows[i].row, bytes,
			   arcstats_rows[i].result < 0 ? 77 : arcstats_rows[i].bytes);
		free(copy);
	}
}

#define SWAPS "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

static const struct {
	const char *row;
	const char *data;
	size_t len;
	int result;
	unsigned count;
	struct swap_area last;
} swaps_rows[] = {
	{"empty", BYTES(""), -EINVAL, 0, {}},
	{"no heading", BYTES("/dev/sda2 partition 1 0 -2\n"), -EINVAL, 0, {}},
	{"path alone", BYTES(SWAPS "/dev/sda2\n"), -EINVAL, 0, {}},
	{"no size", BYTES(SWAPS "/dev/sda2 partition\n"), -EINVAL, 0, {}},
	{"nothing behind the size", BYTES(SWAPS "/dev/sda2 partition 5\n"), -EINVAL, 0, {}},
	{"nothing behind used", BYTES(SWAPS "/dev/sda2 partition 5 4\n"), -EINVAL, 0, {}},
	{"letters", BYTES(SWAPS "/dev/sda2 partition x 0 -2\n"), -EINVAL, 0, {}},
	{"letters for used", BYTES(SWAPS "/dev/sda2 partition 5 x -2\n"), -EINVAL, 0, {}},
	{"used", BYTES(SWAPS "/dev/sda2 partition 5 4 -2\n"), 0, 1, {-1, 5120, 4096}},
	{"more used than there is",
	 BYTES(SWAPS "/dev/sda2 partition 5 6 -2\n"),
	 0,
	 1,
	 {-1, 5120, 5120}},
	{"2^64", BYTES(SWAPS "/dev/sda2 file 18446744073709551616 0 -2\n"), -ERANGE, 0, {}},
	{"cut",
	 BYTES(SWAPS "/dev/sda2 partition 1 0 -2\n/dev/sdb partition 17 0 -"),
	 -EINVAL,
	 0,
	 {}},
	{"none", BYTES(SWAPS), 0, 0, {}},
	{"a disk", BYTES(SWAPS "/dev/sda2   partition\t1024\t\t0\t\t-2\n"), 0, 1, {-1, 1048576}},
	{"a file with a blank", BYTES(SWAPS "/swap\\040file file 4 0 -2\n"), 0, 1, {-1, 4096}},
	{"zram", BYTES(SWAPS "/dev/zram12 partition 4 0 100\n"), 0, 1, {12, 4096}},
	{"behind a disk",
	 BYTES(SWAPS "/dev/a partition 9 0 -2\n/dev/zram0 partition 4 0 1\n"),
	 0,
	 2,
	 {0, 4096}},
	{"zram without a number", BYTES(SWAPS "/dev/zram partition 4 0 100\n"), 0, 1, {-1, 4096}},
	{"zram that was deleted",
	 BYTES(SWAPS "/dev/zram0\\040(deleted) file 4 0 1\n"),
	 0,
	 1,
	 {-1, 4096}},
	{"zram of 30 digits",
	 BYTES(SWAPS "/dev/zram999999999999999999999999999999 partition 4 0 1\n"),
	 0,
	 1,
	 {-1, 4096}},
	{"elsewhere", BYTES(SWAPS "/mnt/dev/zram0 file 4 0 1\n"), 0, 1, {-1, 4096}},
	{"size that does not fit in bytes",
	 BYTES(SWAPS "/dev/a partition 18446744073709551615 0 1\n"),
	 0,
	 1,
	 {-1, UINT64_MAX}},
};

static void test_swaps_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(swaps_rows); i++) {
		char *copy = heap_copy(swaps_rows[i].data, swaps_rows[i].len);
		struct swap_area areas[SWAP_AREAS_MAX] = {};
		unsigned count = 77;
		int r = swap_areas_parse(copy, swaps_rows[i].len, areas, &count);

		CHECK_INT(swaps_rows[i].row, r, swaps_rows[i].result);
		CHECK_UINT(swaps_rows[i].row, count, r < 0 ? 77 : swaps_rows[i].count);
		if (r >= 0 && count > 0) {
			CHECK_INT(swaps_rows[i].row, areas[count - 1].zram,
				  swaps_rows[i].last.zram);
			CHECK_UINT(swaps_rows[i].row, areas[count - 1].size_bytes,
				   swaps_rows[i].last.size_bytes);
			CHECK_UINT(swaps_rows[i].row, areas[count - 1].used_bytes,
				   swaps_rows[i].last.used_bytes);
		}
		free(copy);
	}
}

static void test_swaps_many(void **state)
{
	char text[4096] = SWAPS;
	struct swap_area areas[SWAP_AREAS_MAX];
	unsigned count;

	(void)state;
	for (unsigned i = 0; i < SWAP_AREAS_MAX + 8; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "/dev/zram%u partition 4 0 1\n", i);
	assert_int_equal(swap_areas_parse(text, strlen(text), areas, &count), 0);
	assert_int_equal(count, SWAP_AREAS_MAX);
	assert_int_equal(areas[SWAP_AREAS_MAX - 1].zram, SWAP_AREAS_MAX - 1);
}

#define MIB (UINT64_C(1) << 20)

/* Sizes in MiB. The total is what si_swapinfo() makes of it: whole areas, and what is in who
 * leaves. */
static const struct {
	const char *row;
	unsigned count;
	struct {
		uint64_t size, used;
	} areas[3];
	uint64_t total;
	int leaving;
	uint64_t bytes;
} leaving_rows[] = {
	{"no areas", 0, {}, 0, -1, 0},
	{"no areas, and yet a total", 0, {}, 77, -1, 0},
	{"all stay", 2, {{2048, 2048}, {4096, 3072}}, 6144, -1, 0},
	{"more than there is", 1, {{2048, 77}}, 6144, -1, 0},
	{"one of one", 1, {{2048, 500}}, 500, 0, 500},
	{"one of one, and a later reading", 1, {{2048, 480}}, 500, 0, 500},
	{"the other is unused", 2, {{4096, 500}, {4096, 0}}, 4596, 0, 500},
	{"the other is in use", 2, {{2048, 2048}, {4096, 1800}}, 3848, 1, 1800},
	{"the other is in use, and a later reading",
	 2,
	 {{2048, 2040}, {4096, 1790}},
	 3848,
	 1,
	 1800},
	{"of three", 3, {{100, 50}, {200, 10}, {300, 30}}, 330, 2, 30},
	{"one that is empty", 2, {{4096, 0}, {2048, 0}}, 4096, 1, 0},
	{"a container's total", 1, {{2048, 500}}, 100, -1, 0},
};

static void test_swap_leaving(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(leaving_rows); i++) {
		const struct swap_area *leaving;
		struct swap_area areas[3];
		uint64_t bytes;

		for (unsigned j = 0; j < leaving_rows[i].count; j++)
			areas[j] = (struct swap_area){-1, leaving_rows[i].areas[j].size * MIB,
						      leaving_rows[i].areas[j].used * MIB};
		bytes = swap_areas_leaving_bytes(areas, leaving_rows[i].count,
						 leaving_rows[i].total * MIB, &leaving);
		CHECK_INT(leaving_rows[i].row, leaving ? leaving - areas : -1,
			  leaving_rows[i].leaving);
		CHECK_UINT(leaving_rows[i].row, bytes, leaving_rows[i].bytes * MIB);
	}
}

/* Sizes in MiB; the usable part is worked out by hand. */
static const struct {
	const char *row;
	uint64_t swap_free, anon, area, data, used, limit;
	uint64_t usable, unstored, barred;
} usable_rows[] = {
	{"no swap", 0, 500, 0, 0, 0, 0, 0},
	{"a disk", 700, 500, 0, 0, 0, 0, 700},
	/* nothing stored: half of what is moved is gained */
	{"empty zram", 512, 600, 512, 0, 0, 0, 256},
	{"empty zram, little to move", 512, 100, 512, 0, 0, 0, 50},
	{"empty zram, nothing to move", 512, 0, 512, 0, 0, 0, 0},
	/* (88 + 8) of (272 + 16) taken: two thirds gained of 240. A 32nd of the area at half. */
	{"well compressed", 240, 600, 512, 272, 88, 0, 160},
	{"well compressed, limit reached", 240, 600, 512, 272, 88, 88, 0},
	{"well compressed, limit beyond", 240, 600, 512, 272, 88, 80, 0},
	/* 32 more may be taken, which is 98 of data by (88 + 2) of (272 + 4), of which 65 gained */
	{"well compressed, limit near", 240, 600, 512, 272, 88, 120, 65},
	{"incompressible", 240, 600, 512, 272, 280, 0, 0},
	{"worse than incompressible", 240, 600, 512, 272, 400, 0, 0},
	{"full", 0, 600, 512, 512, 200, 0, 0},
	/* (88 + 32) of (336 + 64) taken: seven tenths gained of 50 */
	{"larger than memory, little left to move", 1712, 50, 2048, 336, 88, 0, 35},
	{"larger than memory by far", 7856, 50, 8192, 336, 88, 0, 35},
	{"beside a disk", 1240, 600, 512, 272, 88, 0, 1160},
	{"empty zram, and most may not go there", 512, 600, 512, 0, 0, 0, 50, .barred = 500},
	{"empty zram, and nothing may", 512, 600, 512, 0, 0, 0, 0, .barred = 700},
	{"beside a disk, and full of zeros", 1000, 600, 512, 272, 88, 0, 1000, .unstored = 240},
	/* 100 less on the zram and more on the disk: two thirds of 140, and 1100 */
	{"beside a disk, with some zeros", 1240, 600, 512, 272, 88, 0, 1193, .unstored = 100},
	{"more zeros than the area has", 1000, 600, 512, 272, 88, 0, 1000, .unstored = 400},
	/* swapoff is moving it back: more on the device than the areas show */
	{"less free than the device has", 100, 600, 512, 272, 88, 0, 66},
	{"more stored than the area has", 100, 600, 512, 1024, 88, 0, 100},
};

static void test_usable_swap(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(usable_rows); i++) {
		struct sample s = {.mem = {.total_bytes = 1024 * MIB,
					   .available_bytes = 7 * MIB,
					   .swap_free_bytes = usable_rows[i].swap_free * MIB,
					   .inactive_anon_bytes = usable_rows[i].anon * MIB / 3,
					   .active_anon_bytes = usable_rows[i].anon * MIB -
								usable_rows[i].anon * MIB / 3}};
		const struct zram_stat stat = {usable_rows[i].data * MIB, usable_rows[i].used * MIB,
					       usable_rows[i].limit * MIB};

		if (usable_rows[i].area > 0)
			zram_add(&s.zram, usable_rows[i].area * MIB, &stat);
		s.zram.unstored_bytes = usable_rows[i].unstored * MIB;
		s.barred_bytes = usable_rows[i].barred * MIB;
		CHECK_UINT(usable_rows[i].row, sample_usable_swap_bytes(&s) / MIB,
			   usable_rows[i].usable);
		CHECK_UINT(usable_rows[i].row, sample_reserve_bytes(&s),
			   sample_usable_swap_bytes(&s) + 7 * MIB);
	}
}

/* Never more than is free, whatever the numbers: nothing overflows and nothing is divided by 0. */
static void test_usable_swap_random(void **state)
{
	struct random r = {.state = 99};

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		struct sample s = {};
		uint64_t *numbers[] = {&s.mem.swap_free_bytes,	   &s.mem.active_anon_bytes,
				       &s.mem.inactive_anon_bytes, &s.mem.total_bytes,
				       &s.zram.unstored_bytes,	   &s.barred_bytes};

		for (size_t n = 0; n < ARRAY_SIZE(numbers); n++)
			*numbers[n] = random_u64(&r) >> random_below(&r, 64);
		for (unsigned n = 0; n < 3; n++) {
			const struct zram_stat stat = {random_u64(&r) >> random_below(&r, 64),
						       random_u64(&r) >> random_below(&r, 64),
						       random_u64(&r) >> random_below(&r, 64)};

			zram_add(&s.zram, random_u64(&r) >> random_below(&r, 64), &stat);
		}
		assert_true(sample_usable_swap_bytes(&s) <= s.mem.swap_free_bytes);
		assert_true(sample_hoped_swap_bytes(&s) <= s.mem.swap_free_bytes);
		assert_true(sample_hoped_swap_bytes(&s) >= sample_usable_swap_bytes(&s));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vmstat_counters), cmocka_unit_test(test_zram_table),
		cmocka_unit_test(test_arcstats_table),	cmocka_unit_test(test_swaps_table),
		cmocka_unit_test(test_swaps_many),	cmocka_unit_test(test_swap_leaving),
		cmocka_unit_test(test_usable_swap),	cmocka_unit_test(test_usable_swap_random),
		cmocka_unit_test(test_meminfo_table),	cmocka_unit_test(test_meminfo_texts),
		cmocka_unit_test(test_meminfo_cut),	cmocka_unit_test(test_meminfo_long_line),
		cmocka_unit_test(test_psi_table),	cmocka_unit_test(test_psi_texts),
		cmocka_unit_test(test_psi_long_line),	cmocka_unit_test(test_vmstat_table),
		cmocka_unit_test(test_vmstat_texts),	cmocka_unit_test(test_slab_heavy),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
