/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains: malformed text of every file first, then what a sample is made of, to the byte.
 */
#include "unit.h"

#include <errno.h>

#include "core/domain.h"
#include "core/policy.h"

#define MIB  (UINT64_C(1) << 20)
#define GIB  (UINT64_C(1) << 30)
#define PAGE UINT64_C(4096)

static const struct {
	const char *text;
	int result;
	uint64_t low, high; /* bits 0 to 63, and the last of all */
} node_rows[] = {
	{"", -EINVAL},
	{" ", -EINVAL},
	{"x", -EINVAL},
	{"-1", -EINVAL},
	{"1-", -EINVAL},
	{"1,", -EINVAL},
	{",1", -EINVAL},
	{"1,,2", -EINVAL},
	{"1-2-3", -EINVAL},
	{"2-1", -EINVAL},
	{"1 ", -EINVAL},
	{" 1", -EINVAL},
	{"1, 2", -EINVAL},
	{"0x1", -EINVAL},
	{"1024", -ERANGE},
	{"0-1024", -ERANGE},
	{"18446744073709551616", -ERANGE},
	{"0", 0, 1, 0},
	{"63", 0, UINT64_C(1) << 63, 0},
	{"1023", 0, 0, UINT64_C(1) << 63},
	{"0,2-3", 0, 0xd, 0},
	{"3,0-1", 0, 0xb, 0},
	{"0-63", 0, UINT64_MAX, 0},
	{"1,1,1", 0, 2, 0},
};

static void test_node_sets(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(node_rows); i++) {
		size_t len = strlen(node_rows[i].text);
		char *copy = heap_copy(node_rows[i].text, len);
		struct node_set s = {{0x5a}};

		CHECK_INT(node_rows[i].text, node_set_parse(TEXT(copy, len), &s),
			  node_rows[i].result);
		CHECK_UINT(node_rows[i].text, s.bits[0],
			   node_rows[i].result < 0 ? 0x5a : node_rows[i].low);
		CHECK_UINT(node_rows[i].text, s.bits[15], node_rows[i].high);
		free(copy);
	}
}

static struct node_set nodes(const char *text)
{
	struct node_set s = {};

	assert_int_equal(node_set_parse(TEXT(text, strlen(text)), &s), 0);
	return s;
}

static void test_node_relations(void **state)
{
	static const struct {
		const char *a, *b;
		bool intersects, within;
	} rows[] = {
		{"0", "0", true, true},	      {"0", "1", false, false},
		{"0-1", "1", true, false},    {"1", "0-1", true, true},
		{"64", "0-63", false, false}, {"1023", "0-1023", true, true},
		{"0,5", "5,6", true, false},
	};
	struct node_set none = {};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct node_set a = nodes(rows[i].a), b = nodes(rows[i].b);

		CHECK_INT(rows[i].a, node_set_intersects(&a, &b), rows[i].intersects);
		CHECK_INT(rows[i].a, node_set_intersects(&b, &a), rows[i].intersects);
		CHECK_INT(rows[i].a, node_set_is_within(&a, &b), rows[i].within);
		CHECK_INT(rows[i].a, node_set_is_within(&none, &b), true);
		CHECK_INT(rows[i].a, node_set_contains(&a, 1024), false);
	}
	assert_true(node_set_contains(&(struct node_set){.bits[15] = UINT64_C(1) << 63}, 1023));
}

static void test_status_mems(void **state)
{
	static const struct {
		const char *row, *text;
		int result;
		uint64_t bits;
	} rows[] = {
		{"empty", "", -ENODATA, 0},
		{"another line", "Cpus_allowed_list:\t0-3\n", -ENODATA, 0},
		{"the mask", "Mems_allowed:\t00000000,00000003\n", -ENODATA, 0},
		{"no set", "Mems_allowed_list:\t\nx\n", -EINVAL, 0},
		{"cut", "Mems_allowed_list:\t0-1", -EINVAL, 0},
		{"garbage", "Mems_allowed_list:\tall\n", -EINVAL, 0},
		{"good", "Name:\tMems_allowed_list:\nMems_allowed_list:\t0,2\nx:\t1\n", 0, 5},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t len = strlen(rows[i].text);
		char *copy = heap_copy(rows[i].text, len);
		struct node_set s = {};

		CHECK_INT(rows[i].row, status_mems_parse(copy, len, &s), rows[i].result);
		CHECK_UINT(rows[i].row, s.bits[0], rows[i].bits);
		free(copy);
	}
}

static void test_values(void **state)
{
	static const struct {
		const char *text;
		int cgroups, nodes;
	} rows[] = {
		{"", 0, 0},
		{"/", -EINVAL, -EINVAL},
		{"a", -EINVAL, -EINVAL},
		{"//a", -EINVAL, -EINVAL},
		{"/a//b", -EINVAL, -EINVAL},
		{"/a/", -EINVAL, -EINVAL},
		{"/.", -EINVAL, -EINVAL},
		{"/..", -EINVAL, -EINVAL},
		{"/a/../b", -EINVAL, -EINVAL},
		{"/./b", -EINVAL, -EINVAL},
		{"/a b", -EINVAL, -EINVAL},
		{"/a /b/..", -EINVAL, -EINVAL},
		{"/a", 0, -EINVAL},
		{"/a/...", 0, -EINVAL},
		{"/system.slice/*.service\t/machine.slice/[ab]?", 0, -EINVAL},
		{"1", -EINVAL, 0},
		{"0,2-3 1", -EINVAL, 0},
		{"0 1 2 3 4 5 6 7", -EINVAL, 0},
		{"0 1 2 3 4 5 6 7 8", -EINVAL, -ERANGE},
		{"1024", -EINVAL, -ERANGE},
		{"1 2,", -EINVAL, -EINVAL},
	};
	char *longest = heap_fill('a', PATTERN_SIZE);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t len = strlen(rows[i].text);
		char *copy = heap_copy(rows[i].text, len);

		CHECK_INT(rows[i].text, domain_cgroups_check(TEXT(copy, len)), rows[i].cgroups);
		CHECK_INT(rows[i].text, domain_nodes_check(TEXT(copy, len)), rows[i].nodes);
		free(copy);
	}
	/* of a path, of both values */
	longest[0] = '/';
	assert_int_equal(domain_cgroups_check(TEXT(longest, DOMAIN_NAME_SIZE - 1)), 0);
	assert_int_equal(domain_cgroups_check(TEXT(longest, DOMAIN_NAME_SIZE)), -ERANGE);
	for (size_t i = 0; i + 2 <= PATTERN_SIZE; i += 3)
		memcpy(longest + i, " /a", 3);
	assert_int_equal(domain_cgroups_check(TEXT(longest, PATTERN_SIZE - 1)), 0);
	assert_int_equal(domain_cgroups_check(TEXT(longest, PATTERN_SIZE)), -ERANGE);
	memset(longest, ' ', PATTERN_SIZE);
	longest[0] = '1';
	assert_int_equal(domain_nodes_check(TEXT(longest, NODE_SETS_SIZE - 1)), 0);
	assert_int_equal(domain_nodes_check(TEXT(longest, NODE_SETS_SIZE)), -ERANGE);
	free(longest);
}

static void test_memcg_bytes(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t bytes;
	} rows[] = {
		{"", -EINVAL, 7},
		{"\n", -EINVAL, 7},
		{"max", -EINVAL, 7},
		{"123", -EINVAL, 7},
		{"maxi\n", -EINVAL, 7},
		{"-1\n", -EINVAL, 7},
		{"1 2\n", -EINVAL, 7},
		{"1\n2\n", -EINVAL, 7},
		{"18446744073709551616\n", -ERANGE, 7},
		{"0\n", 0, 0},
		{"209715200\n", 0, 209715200},
		{"max\n", 0, LIMIT_UNSET},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t len = strlen(rows[i].text);
		char *copy = heap_copy(rows[i].text, len);
		uint64_t bytes = 7;

		CHECK_INT(rows[i].text, memcg_bytes_parse(copy, len, &bytes), rows[i].result);
		CHECK_UINT(rows[i].text, bytes, rows[i].bytes);
		free(copy);
	}
}

/* As 6.1 prints it, in its order; "pgsteal_kswapd" and others begin as a line that is read. */
#define MEMORY_STAT                                                                         \
	"anon 1000\nfile 2000\nkernel 300\nshmem 70\nfile_mapped 1\nactive_anon 11\n"       \
	"inactive_anon 12\nactive_file 13\ninactive_file 14\nunevictable 15\n"              \
	"slab_reclaimable 16\nslab_unreclaimable 17\nslab 33\nworkingset_refault_anon 18\n" \
	"workingset_refault_file 19\nworkingset_activate_anon 1\n"                          \
	"workingset_activate_file 9\npgscan 5\npgsteal 20\n"                                \
	"pgscan_kswapd 6\npgsteal_kswapd 7\npgsteal_direct 13\npgfault 21\n"

static void test_memcg_stat(void **state)
{
	static const struct {
		const char *row, *text;
		int result;
	} rows[] = {
		{"empty", "", -ENODATA},
		{"another file", "MemTotal: 1 kB\n", -ENODATA},
		{"one list of files", "active_file 1\n", -ENODATA},
		{"cut behind a number", "active_file 1\ninactive_file 1", -EINVAL},
		{"cut before the number", "active_file 1\ninactive_file \n", -EINVAL},
		{"negative", "active_file -1\ninactive_file 1\n", -EINVAL},
		{"two numbers", "active_file 1 2\ninactive_file 1\n", -EINVAL},
		{"2^64", "active_file 18446744073709551616\ninactive_file 1\n", -ERANGE},
		{"the lists alone", "inactive_file 1\nactive_file 2\n", 0},
		{"cut in a line that is not read", "inactive_file 1\nactive_file 2\npgfault 2", 0},
	};
	struct memcg_stat s;
	char *copy;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t len = strlen(rows[i].text);

		copy = heap_copy(rows[i].text, len);
		s = (struct memcg_stat){.file_bytes = 77};
		CHECK_INT(rows[i].row, memcg_stat_parse(copy, len, &s), rows[i].result);
		CHECK_UINT(rows[i].row, s.file_bytes, rows[i].result < 0 ? 77 : 3);
		free(copy);
	}
	copy = heap_copy(MEMORY_STAT, sizeof(MEMORY_STAT) - 1);
	assert_int_equal(memcg_stat_parse(copy, sizeof(MEMORY_STAT) - 1, &s), 0);
	free(copy);
	assert_memory_equal(&s,
			    (&(struct memcg_stat){.file_bytes = 27,
						  .slab_reclaimable_bytes = 16,
						  .slab_unreclaimable_bytes = 17,
						  .shmem_bytes = 70,
						  .active_anon_bytes = 11,
						  .inactive_anon_bytes = 12,
						  .unevictable_bytes = 15,
						  .refault_anon = 18,
						  .refault_file = 19,
						  .activate_file = 9,
						  .reclaimed = 20}),
			    sizeof(s));
}

static void test_memcg_events(void **state)
{
	static const struct {
		const char *row, *text;
		int result;
		uint64_t count;
	} rows[] = {
		{"empty", "", -ENODATA, 7},
		{"before 4.19", "low 0\nhigh 0\nmax 0\noom 3\n", -ENODATA, 7},
		{"cut", "oom 3\noom_kill 1", -EINVAL, 7},
		{"garbage", "oom_kill x\n", -EINVAL, 7},
		{"good", "low 0\nmax 9\noom 3\noom_kill 2\noom_group_kill 1\n", 0, 2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t len = strlen(rows[i].text);
		char *copy = heap_copy(rows[i].text, len);
		uint64_t count = 7;

		CHECK_INT(rows[i].row, memcg_events_parse(copy, len, &count), rows[i].result);
		CHECK_UINT(rows[i].row, count, rows[i].count);
		free(copy);
	}
}

static const struct sample host = {
	.mem = {.total_bytes = 8 * GIB,
		.available_bytes = 6 * GIB,
		.swap_total_bytes = 2 * GIB,
		.swap_free_bytes = GIB},
	.zram = {.size_bytes = 2 * GIB},
};

static void test_memcg_sample(void **state)
{
	static const struct {
		const char *row;
		uint64_t max, current, swap_max, swap_current, file, slab;
		uint64_t available, swap_total, swap_free;
	} rows[] = {
		{"empty", 200, 0, 0, 0, 0, 0, 200, 0, 0},
		{"half of it", 200, 100, 0, 0, 0, 0, 100, 0, 0},
		{"full of what cannot go", 200, 200, 0, 0, 0, 0, 0, 0, 0},
		{"full of files", 200, 200, 0, 0, 150, 10, 160, 0, 0},
		{"more than its limit", 200, 210, 0, 0, 20, 0, 20, 0, 0},
		{"more files than there can be", 200, 0, 0, 0, 300, 0, 200, 0, 0},
		{"swap of its own", 200, 100, 50, 20, 0, 0, 100, 50, 30},
		{"more swap than its limit", 200, 100, 50, 60, 0, 0, 100, 50, 0},
		{"the host's swap", 200, 100, LIMIT_UNSET >> 20, 0, 0, 0, 100, 2048, 1024},
		{"limit 0", 0, 0, 0, 0, 0, 0, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct memcg m = {
			.max_bytes = rows[i].max * MIB,
			.current_bytes = rows[i].current * MIB,
			.swap_max_bytes = rows[i].swap_max * MIB,
			.swap_current_bytes = rows[i].swap_current * MIB,
			.stat = {.file_bytes = rows[i].file * MIB,
				 .slab_reclaimable_bytes = rows[i].slab * MIB,
				 .slab_unreclaimable_bytes = 3,
				 .shmem_bytes = 4,
				 .refault_anon = 5,
				 .refault_file = 6,
				 .activate_file = 8,
				 .reclaimed = 7},
		};
		struct sample s = {.time_usec = 9};

		memcg_to_sample(&m, &host, &s);
		CHECK_UINT(rows[i].row, s.mem.total_bytes, u64_max(rows[i].max * MIB, 1));
		CHECK_UINT(rows[i].row, s.mem.available_bytes, rows[i].available * MIB);
		CHECK_UINT(rows[i].row, s.mem.swap_total_bytes, rows[i].swap_total * MIB);
		CHECK_UINT(rows[i].row, s.mem.swap_free_bytes, rows[i].swap_free * MIB);
		CHECK_UINT(rows[i].row, sample_usable_swap_bytes(&s), rows[i].swap_free * MIB);
		CHECK_UINT(rows[i].row, meminfo_elsewhere_bytes(&s.mem), 7);
		CHECK_UINT(rows[i].row, s.vmstat.refault_anon, 5);
		CHECK_UINT(rows[i].row, s.vmstat.refault_file, 6);
		CHECK_UINT(rows[i].row, s.vmstat.activate_file, 8);
		CHECK_UINT(rows[i].row, s.vmstat.steal_direct, 7);
		CHECK_UINT(rows[i].row, s.time_usec, 9);
	}
}

static const char node_text[] = "Node 1 MemTotal:         507904 kB\n"
				"Node 1 MemFree:           20000 kB\n"
				"Node 1 MemUsed:          487904 kB\n"
				"Node 1 Active(anon):        100 kB\n"
				"Node 1 Inactive(anon):      200 kB\n"
				"Node 1 Active(file):       3000 kB\n"
				"Node 1 Inactive(file):     1000 kB\n"
				"Node 1 Unevictable:          50 kB\n"
				"Node 1 Shmem:                60 kB\n"
				"Node 1 KReclaimable:        500 kB\n"
				"Node 1 SReclaimable:        400 kB\n"
				"Node 1 SUnreclaim:          700 kB\n"
				"Node 1 HugePages_Total:     0\n";

static void test_node_meminfo(void **state)
{
	static const struct {
		const char *row, *text;
		int result;
	} rows[] = {
		{"empty", "", -ENODATA},
		{"the host's", "MemFree: 1 kB\n", -ENODATA},
		{"node without a number's line", "Node 1\n", -ENODATA},
		{"no total", "Node 1 MemFree: 1 kB\n", -ENODATA},
		{"total alone", "Node 1 MemTotal: 1 kB\n", -ENODATA},
		{"no unit", "Node 1 MemFree: 1\n", -EINVAL},
		{"cut", "Node 1 MemFree: 1 k", -EINVAL},
		{"garbage", "Node 1 MemFree: x kB\n", -EINVAL},
		{"2^64", "Node 1 MemFree: 18446744073709551615 kB\n", -ERANGE},
	};
	struct node_meminfo sum = {.free_bytes = 1};
	char *copy;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t len = strlen(rows[i].text);

		copy = heap_copy(rows[i].text, len);
		CHECK_INT(rows[i].row, node_meminfo_add(copy, len, &sum), rows[i].result);
		CHECK_UINT(rows[i].row, sum.free_bytes, 1);
		free(copy);
	}
	copy = heap_copy(node_text, sizeof(node_text) - 1);
	sum.free_bytes = 0;
	for (unsigned i = 1; i <= 2; i++) {
		assert_int_equal(node_meminfo_add(copy, sizeof(node_text) - 1, &sum), 0);
		assert_memory_equal(&sum,
				    (&(struct node_meminfo){
					    .total_bytes = i * 507904 * 1024,
					    .free_bytes = i * 20000 * 1024,
					    .file_bytes = i * 4000 * 1024,
					    .active_anon_bytes = i * 100 * 1024,
					    .inactive_anon_bytes = i * 200 * 1024,
					    .unevictable_bytes = i * 50 * 1024,
					    .shmem_bytes = i * 60 * 1024,
					    .reclaimable_bytes = i * 500 * 1024,
					    .slab_unreclaimable_bytes = i * 700 * 1024,
				    }),
				    sizeof(sum));
	}
	free(copy);
}

#define ZONE(node, name, low, high, present, managed, protection)                             \
	"Node " node ", zone " name                                                           \
	"\n  pages free     9\n        boost    0\n        min      1\n"                      \
	"        low      " low "\n        high     " high "\n        spanned  99\n"          \
	"        present  " present "\n        managed  " managed "\n        cma      0\n"    \
	"        protection: " protection "\n      nr_free_pages 9\n  pagesets\n    cpu: 0\n" \
	"              count: 5\n              high:  378\n              batch: 63\n"         \
	"  node_unreclaimable:  0\n  start_pfn:           1\n"

static void test_node_zones(void **state)
{
	static const struct {
		const char *row, *text, *nodes;
		int result;
		uint64_t present, low, reserve;
	} rows[] = {
		{"empty", "", "0", -ENODATA, 7, 0, 0},
		{"another node", ZONE("1", "Normal", "2", "3", "50", "40", "(0, 0)"), "0", -ENODATA,
		 7, 0, 0},
		{"no pages", ZONE("0", "Movable", "0", "0", "0", "0", "(0, 0)"), "0", -ENODATA, 7,
		 0, 0},
		{"node without number", "Node x, zone Normal\n", "0", -EINVAL, 7, 0, 0},
		{"garbage", ZONE("0", "Normal", "x", "3", "50", "40", "(0)"), "0", -EINVAL, 7, 0,
		 0},
		{"protection without end", ZONE("0", "Normal", "2", "3", "5", "4", "(0, 1"), "0",
		 -EINVAL, 7, 0, 0},
		{"protection of nothing", ZONE("0", "Normal", "2", "3", "5", "4", "()"), "0",
		 -EINVAL, 7, 0, 0},
		{"cut", "Node 0, zone Normal\n present 12", "0", -EINVAL, 7, 0, 0},
		{"one", ZONE("0", "Normal", "2", "3", "50", "40", "(0)"), "0", 0, 50, 2, 3},
		{"one of two",
		 ZONE("0", "Normal", "2", "3", "50", "40", "(0)")
			 ZONE("1", "Normal", "20", "30", "500", "400", "(0, 7, 5)"),
		 "1", 0, 500, 20, 37},
		{"two zones of one, and one of another",
		 ZONE("0", "DMA", "1", "2", "9", "8", "(0, 100)")
			 ZONE("0", "Normal", "2", "3", "50", "40", "(0, 0)")
				 ZONE("1", "Normal", "20", "30", "500", "400", "(0)"),
		 "0", 0, 59, 3, 11},
		{"more nodes than there are",
		 ZONE("0", "Normal", "2", "3", "50", "40", "(0)")
			 ZONE("1", "Normal", "20", "30", "500", "400", "(0)"),
		 "0-5", 0, 550, 22, 33},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t len = strlen(rows[i].text);
		char *copy = heap_copy(rows[i].text, len);
		struct node_set set = nodes(rows[i].nodes);
		struct node_zones z = {.present_pages = 7};

		CHECK_INT(rows[i].row, node_zones_parse(copy, len, &set, &z), rows[i].result);
		CHECK_UINT(rows[i].row, z.present_pages, rows[i].present);
		CHECK_UINT(rows[i].row, z.low_pages, rows[i].low);
		CHECK_UINT(rows[i].row, z.reserve_pages, rows[i].reserve);
		free(copy);
	}
}

static void test_nodes_sample(void **state)
{
	static const struct {
		const char *row;
		uint64_t free, file, slab; /* pages */
		uint64_t available;
	} rows[] = {
		{"nothing left", 0, 0, 0, 0},
		{"the reserve", 30, 0, 0, 0},
		{"free", 130, 0, 0, 100},
		{"free and files", 130, 100, 0, 180},
		{"few files", 130, 10, 0, 105},
		{"slab as files", 130, 100, 100, 260},
		{"more than there is", 5000, 0, 0, 1000},
	};
	/* of 5000 pages a balloon has taken 4000 */
	const struct node_zones z = {.present_pages = 5000, .low_pages = 20, .reserve_pages = 30};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct node_meminfo m = {
			.total_bytes = 1000 * PAGE,
			.free_bytes = rows[i].free * PAGE,
			.file_bytes = rows[i].file * PAGE,
			.reclaimable_bytes = rows[i].slab * PAGE,
			.shmem_bytes = 5,
			.slab_unreclaimable_bytes = 6,
		};
		struct sample s = {.time_usec = 9};

		nodes_to_sample(&m, &z, PAGE, &host, &s);
		CHECK_UINT(rows[i].row, s.mem.total_bytes, 1000 * PAGE);
		CHECK_UINT(rows[i].row, s.mem.available_bytes, rows[i].available * PAGE);
		CHECK_UINT(rows[i].row, s.mem.swap_total_bytes, 2 * GIB);
		CHECK_UINT(rows[i].row, s.mem.swap_free_bytes, GIB);
		CHECK_UINT(rows[i].row, s.zram.size_bytes, 2 * GIB);
		CHECK_UINT(rows[i].row, meminfo_elsewhere_bytes(&s.mem), 11);
		CHECK_INT(rows[i].row, s.has_psi, false);
		CHECK_UINT(rows[i].row, s.time_usec, 9);
	}
}

#define LISTS_OF(node) "Node " node ", zone   Normal\n        high     15279\n  pagesets\n"
#define LIST(number, count)                                        \
	"    cpu: " number "\n              count:    " count "\n" \
	"              high:     8766\n              batch:    63\n"
#define GROWS "              high_min: 6366\n              high_max: 73728\n"

static const struct node_set second_node = {.bits = {2}};

static const struct {
	const char *row;
	const char *data;
	size_t len;
	const struct node_set *nodes;
	int result;
	struct pcp value; /* 1000 pages were there before */
} pcp_rows[] = {
	{"empty", BYTES(""), NULL, 0, {1000, false, false}},
	{"no list", BYTES(LISTS_OF("0")), NULL, 0, {1000, false, false}},
	{"before 6.7",
	 BYTES(LISTS_OF("0") LIST("0", "429") LIST("1", "7")),
	 NULL,
	 0,
	 {1436, false, false}},
	{"lists that grow",
	 BYTES(LISTS_OF("0") LIST("0", "429") GROWS LIST("1", "7") GROWS),
	 NULL,
	 0,
	 {1436, true, false}},
	{"several zones and nodes",
	 BYTES(LISTS_OF("0") LIST("0", "1") GROWS LISTS_OF("1") LIST("0", "2") GROWS),
	 NULL,
	 0,
	 {1003, true, false}},
	{"of one node",
	 BYTES(LISTS_OF("0") LIST("0", "1") LISTS_OF("1") LIST("0", "2") LISTS_OF("10")
		       LIST("0", "4") LISTS_OF("1") LIST("0", "8") GROWS),
	 &second_node,
	 0,
	 {1010, true, false}},
	{"of one node, which is not the last",
	 BYTES(LISTS_OF("1") LIST("0", "1") LISTS_OF("0") LIST("0", "2")),
	 &second_node,
	 0,
	 {1001, false, true}},
	{"a piece of a list",
	 BYTES("429\n              high:     8766\n" GROWS),
	 NULL,
	 0,
	 {1000, true, false}},
	{"no number", BYTES(LISTS_OF("0") LIST("0", "")), NULL, -EINVAL, {}},
	{"letters", BYTES(LISTS_OF("0") LIST("0", "many")), NULL, -EINVAL, {}},
	{"negative", BYTES(LISTS_OF("0") LIST("0", "-1")), NULL, -EINVAL, {}},
	{"NUL", BYTES(LISTS_OF("0") LIST("0", "1\0002")), NULL, -EINVAL, {}},
	{"2^64", BYTES(LISTS_OF("0") LIST("0", "18446744073709551616")), NULL, -ERANGE, {}},
	{"no node", BYTES(LISTS_OF("x") LIST("0", "1")), &second_node, -EINVAL, {}},
	{"saturates",
	 BYTES(LISTS_OF("0") LIST("0", "18446744073709551615") LIST("1", "1")),
	 NULL,
	 0,
	 {UINT64_MAX, false, false}},
};

static void test_pcp(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pcp_rows); i++) {
		char *copy = heap_copy(pcp_rows[i].data, pcp_rows[i].len);
		const struct pcp before = {.pages = 1000};
		const struct pcp *right = pcp_rows[i].result < 0 ? &before : &pcp_rows[i].value;
		struct pcp p = before;

		CHECK_INT(pcp_rows[i].row, pcp_add(copy, pcp_rows[i].len, pcp_rows[i].nodes, &p),
			  pcp_rows[i].result);
		CHECK_UINT(pcp_rows[i].row, p.pages, right->pages);
		CHECK_INT(pcp_rows[i].row, p.grows, right->grows);
		CHECK_INT(pcp_rows[i].row, p.elsewhere, right->elsewhere);
		free(copy);
	}
}

/* What the limits come to in a domain of 200 MiB with 100 MiB of swap on a host of 8 and 2 GiB. */
static void test_configure(void **state)
{
	static const struct {
		const char *row;
		struct limit limit;
		uint64_t memory, swap;
	} rows[] = {
		{"none", {LIMIT_UNSET, LIMIT_UNSET}, LIMIT_UNSET, LIMIT_UNSET},
		{"a share", {1000, LIMIT_UNSET}, 20 * MIB, 10 * MIB},
		{"both", {1000, GIB}, 20 * MIB, 10 * MIB},
		{"both, the size is lower", {1000, 5 * MIB}, 5 * MIB, 5 * MIB},
		{"a size: a quarter of the host's memory, all of its swap",
		 {LIMIT_UNSET, 2 * GIB},
		 200 * MIB * 2501 / 10000,
		 100 * MIB},
		{"a size that is no share", {LIMIT_UNSET, 1}, 1, 1},
		{"a size of nothing", {LIMIT_UNSET, 0}, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config config = {.soft_memory = rows[i].limit,
					.hard_memory = rows[i].limit,
					.warning_memory = rows[i].limit,
					.soft_swap = rows[i].limit,
					.hard_swap = rows[i].limit,
					.warning_swap = rows[i].limit,
					.kill_timeout_usec = 5};
		struct config made = {};

		domain_configure(&config, &host.mem, &made);
		CHECK_UINT(rows[i].row, limit_bytes(made.soft_memory, 200 * MIB), rows[i].memory);
		CHECK_UINT(rows[i].row, limit_bytes(made.hard_memory, 200 * MIB), rows[i].memory);
		CHECK_UINT(rows[i].row, limit_bytes(made.warning_memory, 200 * MIB),
			   rows[i].memory);
		CHECK_UINT(rows[i].row, limit_bytes(made.soft_swap, 100 * MIB), rows[i].swap);
		CHECK_UINT(rows[i].row, limit_bytes(made.hard_swap, 100 * MIB), rows[i].swap);
		CHECK_UINT(rows[i].row, limit_bytes(made.warning_swap, 100 * MIB), rows[i].swap);
		CHECK_UINT(rows[i].row, made.kill_timeout_usec, 5);
	}
}

/* The policy on samples of a domain: the limits are those of its own totals. */
static void test_policy(void **state)
{
	static const struct {
		const char *row;
		uint64_t current;
		enum level level;
		enum action_kind kind;
	} rows[] = {
		{"half", 100, LEVEL_CALM, ACTION_NONE},
		{"warning", 172, LEVEL_WARNING, ACTION_NONE},
		{"soft", 181, LEVEL_SOFT, ACTION_SCAN},
		{"hard", 191, LEVEL_HARD, ACTION_SCAN},
	};
	struct config config = {.soft_memory = {1000, GIB},
				.hard_memory = {LIMIT_UNSET, LIMIT_UNSET},
				.warning_memory = {LIMIT_UNSET, LIMIT_UNSET},
				.soft_swap = {1000, GIB},
				.hard_swap = {LIMIT_UNSET, LIMIT_UNSET},
				.warning_swap = {LIMIT_UNSET, LIMIT_UNSET},
				.stall_limit_permyriad = 5000,
				.stall_window_usec = 10000000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct memcg m = {.max_bytes = 200 * MIB,
					.current_bytes = rows[i].current * MIB};
		struct observation o = {.sample.time_usec = 1000000};
		struct policy p;
		struct action a;

		policy_init(&p, &config, GIB);
		memcg_to_sample(&m, &host, &o.sample);
		a = policy_step(&p, &o);
		CHECK_INT(rows[i].row, a.level, rows[i].level);
		CHECK_INT(rows[i].row, a.kind, rows[i].kind);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_node_sets),    cmocka_unit_test(test_node_relations),
		cmocka_unit_test(test_status_mems),  cmocka_unit_test(test_values),
		cmocka_unit_test(test_memcg_bytes),  cmocka_unit_test(test_memcg_stat),
		cmocka_unit_test(test_memcg_events), cmocka_unit_test(test_memcg_sample),
		cmocka_unit_test(test_node_meminfo), cmocka_unit_test(test_node_zones),
		cmocka_unit_test(test_nodes_sample), cmocka_unit_test(test_configure),
		cmocka_unit_test(test_policy),	     cmocka_unit_test(test_pcp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
