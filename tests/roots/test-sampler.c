/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sampler on fake roots: what is missing, cut, longer than any buffer or vanishes while it is
 * held, and that one reading never leaks into the next.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/pcp.h"
#include "sys/sampler.h"
#include "tree.h"

#define SEC UINT64_C(1000000)
#define MEMINFO                                                                                   \
	"MemTotal:        1000000 kB\nMemFree:          400000 kB\nMemAvailable:     700000 kB\n" \
	"SwapTotal:        200000 kB\nSwapFree:         150000 kB\nShmem:             3000 kB\n"
#define NO_AVAILABLE "MemTotal:        1000000 kB\nMemFree:          400000 kB\n"
#define PSI                                                      \
	"some avg10=0.00 avg60=0.00 avg300=0.00 total=7654321\n" \
	"full avg10=0.00 avg60=0.00 avg300=0.00 total=1234567\n"
#define VMSTAT "nr_free_pages 1\noom_kill 3\npgfault 2\n"

static const struct {
	const char *name;
	const char *meminfo, *psi, *vmstat; /* NULL: no such file; "/": a directory */
	int open, take;
	bool has_psi, has_vmstat;
} rows[] = {
	{"nothing at all", NULL, NULL, NULL, .open = -ENOENT},
	{"no meminfo", NULL, PSI, VMSTAT, .open = -ENOENT},
	{"meminfo a directory", "/", PSI, VMSTAT, .take = -EISDIR},
	{"empty meminfo", "", PSI, VMSTAT, .take = -ENODATA},
	{"meminfo without MemAvailable", NO_AVAILABLE, PSI, VMSTAT, .take = -ENODATA},
	{"meminfo cut before MemAvailable", "MemTotal:        1000000 kB\nMemFr", PSI, VMSTAT,
	 .take = -ENODATA},
	{"meminfo cut in a number", "MemTotal:        1000000 kB\nMemAvailable:     7000", PSI,
	 VMSTAT, .take = -EINVAL},
	{"meminfo of binary garbage", "\001\377\376MemTotal\n\n:::\n", PSI, VMSTAT,
	 .take = -ENODATA},
	{"no PSI", MEMINFO, NULL, VMSTAT, .has_vmstat = true},
	{"PSI that cannot be read", MEMINFO, "/", VMSTAT, .has_vmstat = true},
	{"empty PSI", MEMINFO, "", VMSTAT, .has_vmstat = true},
	{"PSI of one line", MEMINFO, "some avg10=0.00 total=1\n", VMSTAT, .has_vmstat = true},
	{"PSI cut in its last number", MEMINFO, "some total=10\nfull total=12", VMSTAT,
	 .has_vmstat = true},
	{"no vmstat", MEMINFO, PSI, NULL, .has_psi = true},
	{"vmstat that cannot be read", MEMINFO, PSI, "/", .has_psi = true},
	{"vmstat without oom_kill", MEMINFO, PSI, "nr_free_pages 1\n", .has_psi = true},
	{"vmstat cut in oom_kill", MEMINFO, PSI, "nr_free_pages 1\noom_kill 3", .has_psi = true},
	{"all", MEMINFO, PSI, VMSTAT, .has_psi = true, .has_vmstat = true},
};

static void put(const struct tree *t, const char *path, const char *text)
{
	if (!text)
		return;
	if (strcmp(text, "/") == 0)
		tree_directory(t, path);
	else
		tree_text(t, path, text);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct sample untouched = {.time_usec = 99, .mem.total_bytes = 98};
		struct sampler s = SAMPLER_CLOSED;
		struct sample got = untouched;
		struct tree t;

		tree_init(&t);
		put(&t, "meminfo", rows[i].meminfo);
		put(&t, "pressure/memory", rows[i].psi);
		put(&t, "vmstat", rows[i].vmstat);
		CHECK_INT(rows[i].name, sampler_open(&s, t.fd, t.fd), rows[i].open);
		if (rows[i].open == 0)
			CHECK_INT(rows[i].name, sampler_take(&s, 5, SAMPLE_WITH_VMSTAT, &got),
				  rows[i].take);
		if (rows[i].open < 0 || rows[i].take < 0) {
			CHECK(rows[i].name, memcmp(&got, &untouched, sizeof(got)) == 0);
		} else {
			CHECK_UINT(rows[i].name, got.time_usec, 5);
			CHECK_UINT(rows[i].name, got.mem.total_bytes, UINT64_C(1000000) << 10);
			CHECK_UINT(rows[i].name, got.mem.available_bytes, UINT64_C(700000) << 10);
			CHECK_UINT(rows[i].name, got.mem.swap_free_bytes, UINT64_C(150000) << 10);
			CHECK_INT(rows[i].name, got.has_psi, rows[i].has_psi);
			CHECK_UINT(rows[i].name, got.psi.full_total_usec,
				   rows[i].has_psi ? 1234567 : 0);
			CHECK_INT(rows[i].name, got.has_vmstat, rows[i].has_vmstat);
			CHECK_UINT(rows[i].name, got.vmstat.oom_kill, rows[i].has_vmstat ? 3 : 0);
		}
		sampler_close(&s);
		tree_done(&t);
	}
}

/* The descriptors are held: each sample is what stands there now, from the start of the file. */
static void test_changes(void **state)
{
	struct sampler s;
	struct sample got;
	struct tree t;

	(void)state;
	tree_init(&t);
	tree_text(&t, "meminfo", MEMINFO);
	tree_text(&t, "pressure/memory", PSI);
	tree_text(&t, "vmstat", VMSTAT);
	assert_int_equal(sampler_open(&s, t.fd, t.fd), 0);
	assert_int_equal(sampler_take(&s, 1, SAMPLE_WITH_VMSTAT, &got), 0);
	assert_true(got.has_psi && got.has_vmstat);
	assert_int_equal(sampler_take(&s, 1, SAMPLE_DECISION, &got), 0);
	assert_true(got.has_psi);
	assert_false(got.has_vmstat);
	assert_int_equal(got.vmstat.oom_kill, 0);

	tree_text(&t, "meminfo",
		  "MemTotal: 1000000 kB\nMemAvailable: 5 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n");
	tree_text(&t, "pressure/memory", "some total=8\n"); /* PSI goes away at run time */
	tree_text(&t, "vmstat", "oom_kill 4\n");
	assert_int_equal(sampler_take(&s, 2, SAMPLE_WITH_VMSTAT, &got), 0);
	assert_int_equal(got.mem.available_bytes, 5 << 10);
	assert_int_equal(got.mem.swap_total_bytes, 0);
	assert_false(got.has_psi);
	assert_int_equal(got.psi.some_total_usec, 0); /* and not the last one's */
	assert_int_equal(got.vmstat.oom_kill, 4);

	tree_text(&t, "pressure/memory", PSI);
	assert_int_equal(sampler_take(&s, 3, SAMPLE_WITH_VMSTAT, &got), 0);
	assert_true(got.has_psi);

	/* unlinked while it is held: what was opened stays readable */
	tree_remove(&t, "meminfo");
	tree_remove(&t, "pressure");
	assert_int_equal(sampler_take(&s, 4, SAMPLE_WITH_VMSTAT, &got), 0);
	assert_int_equal(got.mem.available_bytes, 5 << 10);
	sampler_close(&s);
	tree_done(&t);
}

#define MEMINFO_OF(available)                                    \
	"MemTotal: 1000000 kB\nMemAvailable: " available " kB\n" \
	"SwapTotal: 0 kB\nSwapFree: 0 kB\n"
#define LISTS(count)                                                          \
	"Node 0, zone   Normal\n  pages free     1\n  pagesets\n    cpu: 0\n" \
	"              count:    " count "\n              high_max: 73728\n"

static uint64_t pages_on_lists(struct sampler *s, uint64_t time_usec, enum sample_depth depth)
{
	struct sample got;

	assert_int_equal(sampler_take(s, time_usec, depth, &got), 0);
	return got.mem.pcp_bytes / got.page_bytes;
}

/* What the CPUs have on their lists is free: it counts when less than half of memory is available.
 */
static void test_pcp(void **state)
{
	static const struct {
		const char *meminfo;
		uint64_t available_kib, pages;
	} steps[] = {
		{MEMINFO_OF("700000"), 700000, 0},    {MEMINFO_OF("500001"), 500001, 0},
		{MEMINFO_OF("500000"), 500000, 1000}, {MEMINFO_OF("100000"), 100000, 1000},
		{MEMINFO_OF("625000"), 625000, 1000}, /* still */
		{MEMINFO_OF("625001"), 625001, 0},    {MEMINFO_OF("600000"), 600000, 0},
	};
	struct sampler s;
	struct sample got;
	struct tree t;

	(void)state;
	tree_init(&t);
	tree_text(&t, "meminfo", MEMINFO);
	tree_text(&t, "zoneinfo", LISTS("1000"));
	assert_int_equal(sampler_open(&s, t.fd, t.fd), 0);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		tree_text(&t, "meminfo", steps[i].meminfo);
		assert_int_equal(sampler_take(&s, i + 1, SAMPLE_BEFORE_SIGNAL, &got), 0);
		CHECK_UINT(steps[i].meminfo, got.mem.pcp_bytes, steps[i].pages * got.page_bytes);
		CHECK_UINT(steps[i].meminfo, got.mem.available_bytes,
			   (steps[i].available_kib << 10) + got.mem.pcp_bytes);
	}

	/* read again when the time has come, or when somebody is to die */
	tree_text(&t, "meminfo", MEMINFO_OF("100000"));
	assert_int_equal(pages_on_lists(&s, 10 * SEC, SAMPLE_DECISION), 1000);
	tree_text(&t, "zoneinfo", LISTS("2000"));
	assert_int_equal(pages_on_lists(&s, 10 * SEC, SAMPLE_WITH_VMSTAT), 1000);
	assert_int_equal(pages_on_lists(&s, 10 * SEC, SAMPLE_BEFORE_SIGNAL), 2000);
	tree_text(&t, "zoneinfo", LISTS("3000"));
	assert_int_equal(pages_on_lists(&s, 1000 * SEC, SAMPLE_DECISION), 3000);

	/* at once when memory becomes short: what was on a list may be counted as free by now */
	tree_text(&t, "meminfo", MEMINFO_OF("125001"));
	assert_int_equal(pages_on_lists(&s, 1500 * SEC, SAMPLE_DECISION), 3000);
	tree_text(&t, "zoneinfo", LISTS("500"));
	assert_int_equal(pages_on_lists(&s, 1500 * SEC, SAMPLE_DECISION), 3000);
	tree_text(&t, "meminfo", MEMINFO_OF("125000"));
	assert_int_equal(pages_on_lists(&s, 1500 * SEC, SAMPLE_DECISION), 500);
	tree_text(&t, "zoneinfo", LISTS("400"));
	assert_int_equal(pages_on_lists(&s, 1500 * SEC, SAMPLE_DECISION), 500);

	/* never more than there is */
	tree_text(&t, "zoneinfo", LISTS("99999999999"));
	assert_int_equal(sampler_take(&s, 2000 * SEC, SAMPLE_DECISION, &got), 0);
	assert_int_equal(got.mem.available_bytes, got.mem.total_bytes);
	tree_text(&t, "zoneinfo", LISTS("many"));
	assert_int_equal(pages_on_lists(&s, 3000 * SEC, SAMPLE_DECISION), 0);
	sampler_close(&s);
	tree_done(&t);
}

/* Before 6.7 the lists are small: the file is not even kept open. */
static void test_pcp_that_does_not_grow(void **state)
{
	static const char *const texts[] = {
		"Node 0, zone   Normal\n  pagesets\n    cpu: 0\n              count: 9\n",
		"",
		LISTS("1") "cut",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct sampler s;
		struct tree t;

		tree_init(&t);
		tree_text(&t, "meminfo", MEMINFO_OF("100000"));
		tree_text(&t, "zoneinfo", texts[i]);
		assert_int_equal(sampler_open(&s, t.fd, t.fd), 0);
		CHECK_INT(texts[i], s.pcp.fd, -1);
		CHECK_UINT(texts[i], pages_on_lists(&s, SEC, SAMPLE_BEFORE_SIGNAL), 0);
		sampler_close(&s);
		tree_done(&t);
	}
}

/* A file that is longer than the buffer, in pieces that end anywhere. */
static void test_pcp_pieces(void **state)
{
	char text[256];
	struct tree t;

	(void)state;
	tree_init(&t);
	tree_text(&t, "zoneinfo",
		  LISTS("1") LISTS("20") LISTS("300") LISTS("4000") LISTS("50000") LISTS("600000"));
	for (size_t size = 40; size <= sizeof(text); size++) {
		int fd = openat(t.fd, "zoneinfo", O_RDONLY | O_CLOEXEC);
		struct pcp p = {};

		assert_int_equal(pcp_read(fd, NULL, text, size, &p), 0);
		assert_int_equal(p.pages, 654321);
		assert_true(p.grows);
		assert_int_equal(pcp_read(fd, NULL, text, 24, &p),
				 -EINVAL); /* shorter than a line */
		close(fd);
	}
	assert_int_equal(pcp_read(-1, NULL, text, sizeof(text), &(struct pcp){}), -EBADF);
	tree_done(&t);
}

/* What ZFS would give back is available, and never more than there is. */
static void test_arc(void **state)
{
	const char *path = "spl/kstat/zfs/arcstats";
	struct sampler s;
	struct sample got;
	struct tree t;

	(void)state;
	tree_init(&t);
	tree_text(&t, "meminfo", MEMINFO);
	tree_text(&t, path, "c_min 4 1024\nsize 4 11264\nmfu_evictable_data 4 20480\n");
	assert_int_equal(sampler_open(&s, t.fd, t.fd), 0);
	assert_int_equal(sampler_take(&s, 1, SAMPLE_DECISION, &got), 0);
	assert_int_equal(got.mem.arc_bytes, 10240);
	assert_int_equal(got.mem.available_bytes, (700000 << 10) + 10240);

	tree_text(&t, path, "c_min 4 0\nsize 4 99999999999999\nmfu_evictable_data 4 99999999999\n");
	assert_int_equal(sampler_take(&s, 2, SAMPLE_DECISION, &got), 0);
	assert_int_equal(got.mem.available_bytes, got.mem.total_bytes);

	tree_text(&t, path, "size 4\n");
	assert_int_equal(sampler_take(&s, 3, SAMPLE_DECISION, &got), 0);
	assert_int_equal(got.mem.arc_bytes, 0);
	assert_int_equal(got.mem.available_bytes, 700000 << 10);
	sampler_close(&s);
	tree_done(&t);
}

#define SWAPS "Filename Type Size Used Priority\n"

static void find(struct sampler *s, const struct tree *t, const char *swaps)
{
	tree_text(t, "swaps", swaps);
	sampler_find_swap(s);
}

/* Areas come and go, and so do the devices below them. */
static void test_zram(void **state)
{
	struct sampler s;
	struct sample got;
	struct tree t;

	(void)state;
	tree_init(&t);
	tree_text(&t, "meminfo", MEMINFO);
	tree_text(&t, "swaps", SWAPS "/dev/zram0 partition 1000 0 5\n/dev/sda partition 9 0 4\n");
	tree_text(&t, "block/zram0/mm_stat", "4096 74 12288 0 0 0 0\n");
	assert_int_equal(sampler_open(&s, t.fd, t.fd), 0);
	assert_int_equal(sampler_take(&s, 1, SAMPLE_DECISION, &got), 0);
	assert_int_equal(got.zram.size_bytes, 1000 << 10);
	assert_int_equal(got.zram.data_bytes, 4096);
	assert_int_equal(got.zram.used_bytes, 12288);
	assert_int_equal(got.zram.room_bytes, (1000 << 10) - 4096);

	/* removed while it is held: not there, and no trace of the reading before */
	tree_text(&t, "block/zram0/mm_stat", "");
	assert_int_equal(sampler_take(&s, 2, SAMPLE_DECISION, &got), 0);
	assert_int_equal(got.zram.size_bytes, 0);
	tree_text(&t, "block/zram0/mm_stat", "4096 74 122");
	assert_int_equal(sampler_take(&s, 2, SAMPLE_DECISION, &got), 0);
	assert_int_equal(got.zram.size_bytes, 0);

	/* pages of zeros take a slot, and nothing on the device: what is free is all on the disk */
	tree_text(&t, "block/zram0/mm_stat", "614400 74 12288 0\n");
	find(&s, &t, SWAPS "/dev/zram0 partition 1000 1000 5\n/dev/sda partition 2000 600 4\n");
	assert_int_equal(sampler_take(&s, 6, SAMPLE_DECISION, &got), 0);
	assert_int_equal(got.zram.unstored_bytes, 400 << 10);
	got.mem.swap_free_bytes = 1400 << 10;
	assert_int_equal(sample_usable_swap_bytes(&got), 1400 << 10);
	tree_text(&t, "swaps", SWAPS "/dev/zram0 partition 1000 700 5\n/dev/sda partition 9 0 4\n");
	assert_int_equal(sampler_take(&s, 7, SAMPLE_DECISION, &got), 0);
	assert_int_equal(got.zram.unstored_bytes, 100 << 10);
	tree_text(&t, "block/zram0/mm_stat", "");
	assert_int_equal(sampler_take(&s, 8, SAMPLE_DECISION, &got), 0);
	assert_int_equal(got.zram.unstored_bytes, 0);

	tree_text(&t, "block/zram0/mm_stat", "4096 74 12288 0\n");
	tree_text(&t, "block/zram1/mm_stat", "8192 74 12288 0\n");
	find(&s, &t, SWAPS "/dev/zram1 partition 500 0 5\n/dev/zram0 partition 1000 0 5\n");
	assert_int_equal(sampler_take(&s, 3, SAMPLE_DECISION, &got), 0);
	assert_int_equal(got.zram.size_bytes, 1500 << 10);
	assert_int_equal(got.zram.data_bytes, 12288);

	/* one for each of many CPUs */
	find(&s, &t,
	     SWAPS "/dev/zram0 partition 1 0 5\n/dev/zram0 partition 1 0 5\n"
		   "/dev/zram0 partition 1 0 5\n/dev/zram0 partition 1 0 5\n"
		   "/dev/zram0 partition 1 0 5\n");
	assert_int_equal(sampler_take(&s, 3, SAMPLE_DECISION, &got), 0);
	assert_int_equal(got.zram.size_bytes, 5 << 10);

	/* while one is switched off it is no swap, and neither is it any more when that has ended
	 */
	find(&s, &t, SWAPS "/dev/zram1 partition 500 0 5\n/dev/zram0 partition 1000 0 5\n");
	assert_int_equal(sampler_leaving_swap(&s, 1500 << 10), 0);
	assert_int_equal(s.zram_count, 2);
	tree_text(&t, "swaps",
		  SWAPS "/dev/zram1 partition 500 40 5\n/dev/zram0 partition 1000 0 5\n");
	assert_int_equal(sampler_leaving_swap(&s, 1040 << 10), 40 << 10);
	assert_int_equal(sampler_take(&s, 3, SAMPLE_DECISION, &got), 0);
	assert_int_equal(got.zram.size_bytes, 1000 << 10);
	assert_int_equal(sampler_leaving_swap(&s, 1035 << 10), 35 << 10);
	assert_int_equal(s.zram_count, 1);

	/* without the device, without the list, and with a list that cannot be read */
	tree_remove(&t, "block");
	find(&s, &t, SWAPS "/dev/zram0 partition 1000 0 5\n");
	assert_int_equal(s.zram_count, 0);
	find(&s, &t, SWAPS "/dev/zram0 partition\n");
	assert_int_equal(s.zram_count, 0);
	sampler_close(&s);
	assert_int_equal(sampler_open(&s, t.fd, -1), 0);
	assert_int_equal(s.zram_count, 0);
	sampler_close(&s);
	tree_remove(&t, "swaps");
	assert_int_equal(sampler_open(&s, t.fd, t.fd), 0);
	assert_int_equal(s.zram_count, 0);
	sampler_close(&s);
	tree_done(&t);
}

/* Pressure of I/O is read with vmstat, and what cannot be read is not there. */
static void test_io(void **state)
{
	static const char *const broken[] = {"", "some total=1\n", "some total=1\nfull total=2"};
	struct sampler s;
	struct sample got;
	struct tree t;

	(void)state;
	tree_init(&t);
	tree_text(&t, "meminfo", MEMINFO);
	tree_text(&t, "vmstat", VMSTAT);
	tree_text(&t, "pressure/io", PSI);
	assert_int_equal(sampler_open(&s, t.fd, -1), 0);
	assert_int_equal(sampler_take(&s, 1, SAMPLE_DECISION, &got), 0);
	assert_false(got.has_io);
	assert_int_equal(sampler_take(&s, 1, SAMPLE_WITH_VMSTAT, &got), 0);
	assert_true(got.has_io);
	assert_int_equal(got.io.some_total_usec, 7654321);
	assert_int_equal(got.io.full_total_usec, 1234567);
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		tree_text(&t, "pressure/io", broken[i]);
		assert_int_equal(sampler_take(&s, 1, SAMPLE_WITH_VMSTAT, &got), 0);
		assert_true(got.has_vmstat);
		assert_false(got.has_io);
		assert_int_equal(got.io.some_total_usec, 0);
	}
	sampler_close(&s);
	tree_done(&t);
}

/* Longer than the buffer: what is beyond it is not seen, and nothing is written beyond it. */
static void test_long(void **state)
{
	size_t len = 100000;
	char *text = heap_fill('x', len);
	struct sampler s;
	struct sample got;
	struct tree t;

	(void)state;
	for (size_t i = 39; i < len; i += 40)
		text[i] = '\n';
	tree_init(&t);
	memcpy(text, MEMINFO, strlen(MEMINFO));
	tree_write(&t, "meminfo", text, len);
	memset(text, 'x', strlen(MEMINFO));
	memcpy(text + len - 12, "\noom_kill 3\n", 12);
	tree_write(&t, "vmstat", text, len);
	tree_write(&t, "pressure/memory", text, len);
	assert_int_equal(sampler_open(&s, t.fd, t.fd), 0);
	assert_int_equal(sampler_take(&s, 1, SAMPLE_WITH_VMSTAT, &got), 0);
	assert_int_equal(got.mem.available_bytes, UINT64_C(700000) << 10);
	assert_false(got.has_vmstat);
	assert_false(got.has_psi);
	sampler_close(&s);
	tree_done(&t);
	free(text);
}

static void test_trigger(void **state)
{
	static const char expected[] = "some 150000 2000000"; /* the kernel wants the NUL too */
	char text[64] = "";
	struct tree t;
	int fd;

	(void)state;
	tree_init(&t);
	assert_int_equal(psi_trigger_open(t.fd, 150000, 2000000), -ENOENT);
	tree_directory(&t, "pressure/memory");
	assert_int_equal(psi_trigger_open(t.fd, 150000, 2000000), -EISDIR);
	tree_text(&t, "pressure/memory", "");
	fd = psi_trigger_open(t.fd, 150000, 2000000);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(pread(fd, text, sizeof(text), 0), sizeof(expected));
	assert_memory_equal(text, expected, sizeof(expected));
	close(fd);
	tree_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_trigger),
		cmocka_unit_test(test_arc),
		cmocka_unit_test(test_zram),
		cmocka_unit_test(test_io),
		cmocka_unit_test(test_pcp),
		cmocka_unit_test(test_pcp_that_does_not_grow),
		cmocka_unit_test(test_pcp_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
