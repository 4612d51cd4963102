/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains on fake hierarchies: what is read of a control group and when, groups that come and go,
 * nodes that are not there, and who of the processes is a member and the best of them.
 */
#include <errno.h>
#include <unistd.h>

#include "sys/cgroup.h"
#include "sys/domain.h"
#include "sys/fs.h"
#include "sys/scan.h"
#include "tree.h"

#define MIB (UINT64_C(1) << 20)

static const struct sample host = {
	.time_usec = 5000000,
	.slept_usec = 3,
	.mem = {.total_bytes = 8192 * MIB,
		.swap_total_bytes = 100 * MIB,
		.swap_free_bytes = 60 * MIB},
	.has_vmstat = true,
	.vmstat = {.oom_kill = 4},
};

static const char stat_text[] = "inactive_file 10485760\nactive_file 0\nslab_reclaimable 1048576\n"
				"workingset_refault_anon 7\npgsteal 9\n";

/* A group of 200 MiB with 150 MiB in use and 10 MiB of swap, 20 at most. */
static void write_group(const struct tree *t, const char *path)
{
	static const struct {
		const char *name, *text;
	} files[] = {
		{"memory.max", "209715200\n"},
		{"memory.current", "157286400\n"},
		{"memory.swap.max", "20971520\n"},
		{"memory.swap.current", "10485760\n"},
		{"memory.stat", stat_text},
		{"memory.events", "max 1\noom_kill 3\n"},
		{"memory.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=11\n"
				    "full avg10=0.00 avg60=0.00 avg300=0.00 total=5\n"},
	};
	char name[128];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(name, sizeof(name), "%s/%s", path, files[i].name);
		tree_text(t, name, files[i].text);
	}
}

static void test_group(void **state)
{
	struct domain d;
	struct sample s;
	struct tree t;

	(void)state;
	tree_init(&t);
	write_group(&t, "a/b");
	assert_int_equal(domain_open_cgroup(&d, t.fd, "/a/b"), 0);
	assert_string_equal(d.name.text, "/a/b");
	assert_int_equal(domain_take_sample(&d, &host, 0, SAMPLE_DECISION, &s), 0);
	assert_int_equal(s.time_usec, 5000000);
	assert_int_equal(s.slept_usec, 3);
	assert_int_equal(s.mem.total_bytes, 200 * MIB);
	assert_int_equal(s.mem.free_bytes, 50 * MIB);
	assert_int_equal(s.mem.available_bytes, 61 * MIB);
	assert_int_equal(s.mem.swap_total_bytes, 20 * MIB);
	assert_int_equal(s.mem.swap_free_bytes, 10 * MIB);
	assert_true(s.has_psi);
	assert_int_equal(s.psi.some_total_usec, 11);
	assert_true(s.has_vmstat); /* for the first time */
	assert_int_equal(domain_total_pages(&d, &s), 220 * MIB / 4096);
	assert_int_equal(s.vmstat.oom_kill, 3);
	assert_int_equal(s.vmstat.refault_anon, 7);
	domain_close(&d);
	tree_done(&t);
}

/* memory.stat is read when there is a reason to: plenty is left, less than enough, asked, old. */
static void test_cheap_first(void **state)
{
	static const struct {
		const char *row;
		uint64_t later_usec, enough_bytes;
		enum sample_depth depth;
		bool deep;
	} rows[] = {
		{"plenty is left", 999999, 50 * MIB, SAMPLE_DECISION, false},
		{"less than enough", 999999, 50 * MIB + 1, SAMPLE_DECISION, true},
		{"asked for", 999999, 0, SAMPLE_WITH_VMSTAT, true},
		{"old", 1000000, 0, SAMPLE_DECISION, true},
	};
	struct sample at = host, s;
	struct domain d;
	struct tree t;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		tree_init(&t);
		write_group(&t, "a");
		assert_int_equal(domain_open_cgroup(&d, t.fd, "/a"), 0);
		assert_int_equal(domain_take_sample(&d, &host, 0, SAMPLE_DECISION, &s), 0);
		tree_text(&t, "a/memory.stat", "inactive_file 2097152\nactive_file 0\n");
		at.time_usec = host.time_usec + rows[i].later_usec;
		CHECK_INT(rows[i].row,
			  domain_take_sample(&d, &at, rows[i].enough_bytes, rows[i].depth, &s), 0);
		CHECK_INT(rows[i].row, s.has_vmstat, rows[i].deep);
		CHECK_UINT(rows[i].row, s.mem.available_bytes, rows[i].deep ? 52 * MIB : 61 * MIB);
		domain_close(&d);
		tree_done(&t);
	}
}

static void test_group_files(void **state)
{
	static const struct {
		const char *row, *file, *text; /* NULL: removed */
		int opened, sampled;
		uint64_t swap_total; /* MiB */
		bool has_psi;
	} rows[] = {
		{"as it is", "memory.max", "209715200\n", 0, 0, 20, true},
		{"no limit", "memory.max", "max\n", -ENODATA, 0, 0, false},
		{"no memory controller", "memory.max", NULL, -ENODATA, 0, 0, false},
		{"a limit that is none", "memory.max", "much\n", -EINVAL, 0, 0, false},
		{"no usage", "memory.current", NULL, -ENOENT, 0, 0, false},
		{"no stat", "memory.stat", NULL, -ENOENT, 0, 0, false},
		{"a stat that is cut", "memory.stat", "inactive_file 1", 0, -EINVAL, 0, false},
		{"no swap accounting", "memory.swap.max", NULL, 0, 0, 100, true},
		{"swap without limit", "memory.swap.max", "max\n", 0, 0, 100, true},
		{"no pressure", "memory.pressure", NULL, 0, 0, 20, false},
		{"no events", "memory.events", NULL, 0, 0, 20, true},
	};
	struct domain d;
	struct sample s;
	struct tree t;
	char path[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		tree_init(&t);
		write_group(&t, "a");
		snprintf(path, sizeof(path), "a/%s", rows[i].file);
		if (rows[i].text)
			tree_text(&t, path, rows[i].text);
		else
			tree_remove(&t, path);
		CHECK_INT(rows[i].row, domain_open_cgroup(&d, t.fd, "/a"), rows[i].opened);
		if (rows[i].opened == 0) {
			CHECK_INT(rows[i].row,
				  domain_take_sample(&d, &host, 0, SAMPLE_DECISION, &s),
				  rows[i].sampled);
			if (rows[i].sampled == 0) {
				CHECK_UINT(rows[i].row, s.mem.swap_total_bytes,
					   rows[i].swap_total * MIB);
				CHECK_INT(rows[i].row, s.has_psi, rows[i].has_psi);
			}
			/* a limit that is lifted later */
			tree_text(&t, "a/memory.max", "max\n");
			if (strcmp(rows[i].file, "memory.max") == 0)
				CHECK_INT(rows[i].row,
					  domain_take_sample(&d, &host, 0, SAMPLE_DECISION, &s),
					  -ENODATA);
			domain_close(&d);
		}
		tree_done(&t);
	}
	assert_int_equal(domain_open_cgroup(&d, -1, "/a"), -EBADF);
}

static void test_has_memcg(void **state)
{
	static const struct {
		const char *text;
		bool has;
	} rows[] = {
		{NULL, false},
		{"", false},
		{"\n", false},
		{"cpu io\n", false},
		{"cpu memoryx\n", false},
		{"memory\n", true},
		{"cpuset cpu io memory hugetlb pids\n", true},
		{"cpu memory", true},
	};
	struct tree t;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		tree_init(&t);
		if (rows[i].text)
			tree_text(&t, "cgroup.controllers", rows[i].text);
		CHECK_INT(rows[i].text ? rows[i].text : "no file", domain_has_memcg(t.fd),
			  rows[i].has);
		tree_done(&t);
	}
}

struct found {
	unsigned count;
	char paths[8][64];
};

static void note_path(void *userdata, const char *path)
{
	struct found *f = userdata;

	assert_true(f->count < ARRAY_SIZE(f->paths));
	strcpy(f->paths[f->count++], path);
}

static bool is_found(const struct found *f, const char *path)
{
	for (unsigned i = 0; i < f->count; i++) {
		if (strcmp(f->paths[i], path) == 0)
			return true;
	}
	return false;
}

static void test_find(void **state)
{
	static const struct {
		const char *patterns;
		const char *paths[4];
	} rows[] = {
		{"", {}},
		{"/no", {}},
		{"/no/*", {}},
		{"/a", {"/a"}},
		{"/a/*", {"/a/one.service", "/a/two.service", "/a/b c"}},
		{"/a/*.service /no /z", {"/a/one.service", "/a/two.service", "/z"}},
		{"/*/[ot]*\t/z", {"/a/one.service", "/a/two.service", "/z"}},
		{"/a/??? /[yz]", {"/a/b c", "/z"}},
	};
	static const struct domain_name all[] = {
		{DOMAIN_CGROUP, "/a"},
		{DOMAIN_CGROUP, "/a/one.service"},
		{DOMAIN_CGROUP, "/a/two.service"},
		{DOMAIN_CGROUP, "/a/b c"},
		{DOMAIN_CGROUP, "/z"},
	};
	struct tree t;

	(void)state;
	tree_init(&t);
	tree_directory(&t, "a/one.service");
	tree_directory(&t, "a/two.service");
	tree_directory(&t, "a/b c");
	tree_directory(&t, "z");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct found f = {};
		unsigned expected = 0;

		domain_find_cgroups(t.fd, rows[i].patterns, note_path, &f);
		for (; expected < 4 && rows[i].paths[expected]; expected++)
			CHECK(rows[i].patterns, is_found(&f, rows[i].paths[expected]));
		CHECK_INT(rows[i].patterns, f.count, expected);
		/* what is found is what has that name, and nothing else */
		for (size_t k = 0; k < ARRAY_SIZE(all); k++)
			CHECK(rows[i].patterns, domain_is_named(rows[i].patterns, &all[k]) ==
							is_found(&f, all[k].text));
	}
	tree_done(&t);
}

#define ZONE(node, present)                                                          \
	"Node " node ", zone   Normal\n  pages free 1\n        low      16\n"        \
	"        high     32\n        present  " present "\n        managed  1000\n" \
	"        protection: (0)\n"

static void write_node(const struct tree *t, const char *path, unsigned node, unsigned free_kb)
{
	char text[128];

	snprintf(text, sizeof(text), "Node %u MemTotal: 10000 kB\nNode %u MemFree: %u kB\n", node,
		 node, free_kb);
	tree_text(t, path, text);
}

static void test_nodes(void **state)
{
	struct tree proc, sys;
	struct domain d;
	struct sample s;

	(void)state;
	tree_init(&proc);
	tree_init(&sys);
	assert_int_equal(domain_open_nodes(&d, proc.fd, sys.fd, "1"), -ENOENT);
	tree_text(&proc, "zoneinfo", ZONE("0", "1000") ZONE("1", "2000") ZONE("2", "4000"));
	assert_int_equal(domain_open_nodes(&d, proc.fd, sys.fd, "1"), -ENODATA);
	assert_int_equal(domain_open_nodes(&d, proc.fd, sys.fd, "7"), -ENODATA);
	assert_int_equal(domain_open_nodes(&d, proc.fd, sys.fd, "x"), -EINVAL);
	write_node(&sys, "devices/system/node/node1/meminfo", 1, 1128);
	write_node(&sys, "devices/system/node/node2/meminfo", 2, 2128);

	assert_int_equal(domain_open_nodes(&d, proc.fd, sys.fd, "1-2,9"), 0);
	assert_string_equal(d.name.text, "nodes 1-2,9");
	assert_int_equal(domain_take_sample(&d, &host, 0, SAMPLE_DECISION, &s), 0);
	assert_int_equal(s.mem.total_bytes, 20000 * 1024);
	assert_int_equal(domain_total_pages(&d, &s), 6000 + 100 * MIB / 4096);
	assert_int_equal(s.mem.free_bytes, 3256 * 1024);
	assert_int_equal(s.mem.available_bytes, 3000 * 1024); /* but for two high watermarks */
	assert_int_equal(s.mem.swap_free_bytes, 60 * MIB);
	assert_false(s.has_psi);
	assert_true(s.has_vmstat);
	assert_int_equal(s.vmstat.oom_kill, 4);

	/* memory that was added; a file that cannot be read changes nothing */
	tree_text(&proc, "zoneinfo", ZONE("1", "5000"));
	domain_refresh(&d, proc.fd);
	assert_int_equal(domain_take_sample(&d, &host, 0, SAMPLE_DECISION, &s), 0);
	assert_int_equal(domain_total_pages(&d, &s), 5000 + 100 * MIB / 4096);
	tree_remove(&proc, "zoneinfo");
	domain_refresh(&d, proc.fd);
	assert_int_equal(domain_take_sample(&d, &host, 0, SAMPLE_DECISION, &s), 0);
	assert_int_equal(domain_total_pages(&d, &s), 5000 + 100 * MIB / 4096);
	domain_close(&d);
	tree_done(&proc);
	tree_done(&sys);
}

#define LIST(count) "  pagesets\n    cpu: 0\n count: " count "\n high_max: 9999\n"

/* Free pages on the lists of the CPUs that are the node's are available, and no other's. */
static void test_node_lists(void **state)
{
	struct tree proc, sys;
	struct domain d;
	struct sample s;

	(void)state;
	tree_init(&proc);
	tree_init(&sys);
	tree_text(&proc, "zoneinfo",
		  ZONE("0", "1000") LIST("500") ZONE("1", "2000") LIST("250") ZONE("2", "4000")
			  LIST("125"));
	write_node(&sys, "devices/system/node/node1/meminfo", 1, 1128);
	assert_int_equal(domain_open_nodes(&d, proc.fd, sys.fd, "1"), 0);
	assert_int_equal(domain_take_sample(&d, &host, 0, SAMPLE_BEFORE_SIGNAL, &s), 0);
	assert_int_equal(s.mem.pcp_bytes, 250 * 4096);
	assert_int_equal(s.mem.available_bytes, 2000 * 1024);

	/* not while there is enough without them */
	write_node(&sys, "devices/system/node/node1/meminfo", 1, 8128);
	assert_int_equal(domain_take_sample(&d, &host, 0, SAMPLE_BEFORE_SIGNAL, &s), 0);
	assert_int_equal(s.mem.pcp_bytes, 0);
	assert_int_equal(s.mem.available_bytes, 8000 * 1024);
	domain_close(&d);
	tree_done(&proc);
	tree_done(&sys);
}

/* More of them than the file is read in one piece. */
static void test_large_zoneinfo(void **state)
{
	static const char line[] = "              count: 12345678\n";
	static const char zone[] = ZONE("1", "2000");
	size_t size = 200000, len = 0;
	struct tree proc, sys;
	struct domain d;
	char *text = malloc(size);

	(void)state;
	assert_non_null(text);
	for (; len + sizeof(line) + sizeof(zone) < size; len += sizeof(line) - 1)
		memcpy(text + len, line, sizeof(line) - 1);
	memcpy(text + len, zone, sizeof(zone) - 1);
	tree_init(&proc);
	tree_init(&sys);
	tree_write(&proc, "zoneinfo", text, len + sizeof(zone) - 1);
	write_node(&sys, "devices/system/node/node1/meminfo", 1, 1128);
	assert_int_equal(domain_open_nodes(&d, proc.fd, sys.fd, "1"), 0);
	assert_int_equal(d.zones.present_pages, 2000);
	domain_close(&d);
	tree_done(&proc);
	tree_done(&sys);
	free(text);
}

/* ---- members ---- */

#define TOTAL_PAGES	 UINT64_C(51200)   /* 200 MiB */
#define HOST_TOTAL_PAGES (TOTAL_PAGES * 5) /* what the fake oom_score is of */

static const struct {
	struct fake_process process;
	const char *group, *mems;
} members[] = {
	{{.pid = 10, .comm = "host", .anon_kb = 900000, .oom_score = -1}, "other", "0-1"},
	{{.pid = 20, .comm = "heavy", .anon_kb = 90000, .oom_score = -1}, "box", "0"},
	/* 80 MB by the domain's total, 160 by the host's */
	{{.pid = 30, .comm = "light", .anon_kb = 60000, .adj = 100, .oom_score = -1},
	 "box/in",
	 "0-1"},
	{{.pid = 40, .comm = "never", .anon_kb = 190000, .adj = -1000, .oom_score = 0}, "box", "1"},
	{{.pid = 50, .comm = "bound", .anon_kb = 50000, .oom_score = -1}, "other", "1"},
	{{.pid = 60, .comm = "small", .anon_kb = 1000, .oom_score = -1}, "box/in/in", "1"},
};

static void write_members(const struct tree *proc, const struct tree *groups)
{
	char path[64], text[4096], pids[64];

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const struct fake_process *p = &members[i].process;
		size_t len;

		fake_process_write(proc, p, HOST_TOTAL_PAGES);
		snprintf(path, sizeof(path), "%d/status", p->pid);
		assert_int_equal(fs_read_at(proc->fd, path, text, sizeof(text), &len), 0);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "Mems_allowed_list:\t%s\n",
					members[i].mems);
		tree_write(proc, path, text, len);
	}
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		size_t len = 0;

		for (size_t j = 0; j < ARRAY_SIZE(members); j++) {
			if (strcmp(members[j].group, members[i].group) == 0)
				len += (size_t)snprintf(pids + len, sizeof(pids) - len, "%d\n",
							members[j].process.pid);
		}
		snprintf(path, sizeof(path), "%s/cgroup.procs", members[i].group);
		tree_write(groups, path, pids, len);
	}
}

/* Who wins, by domain and by what has to come back. */
static void test_members(void **state)
{
	static const struct {
		const char *row, *group, *nodes;
		uint64_t shortage_kb;
		pid_t aside, victim;
		unsigned evaluated;
	} rows[] = {
		{"the host", NULL, NULL, 0, 0, 10, 0},
		{"a group: by its own totals", "/box", NULL, 0, 0, 20, 3},
		{"a group: the next", "/box", NULL, 0, 20, 30, 3},
		{"a group below", "/box/in", NULL, 0, 0, 30, 2},
		{"a group without members", "/empty", NULL, 0, 0, 0, 0},
		{"nodes: who may use nothing else", NULL, "1", 40000, 0, 50, 2},
		{"nodes: too little for the shortage", NULL, "1", 60000, 0, 10, 4},
		{"nodes: everybody's", NULL, "0-1", 40000, 0, 10, 5},
		{"nodes: nobody's", NULL, "5", 40000, 0, 0, 0},
	};
	struct tree proc, groups, sys;

	(void)state;
	tree_init(&proc);
	tree_init(&groups);
	tree_init(&sys);
	write_members(&proc, &groups);
	write_group(&groups, "box");
	write_group(&groups, "box/in");
	write_group(&groups, "empty");
	tree_text(&proc, "zoneinfo", ZONE("0", "1000") ZONE("1", "1000") ZONE("5", "1000"));
	write_node(&sys, "devices/system/node/node0/meminfo", 0, 1);
	write_node(&sys, "devices/system/node/node1/meminfo", 1, 1);
	write_node(&sys, "devices/system/node/node5/meminfo", 5, 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scan_request request = {.total_pages = TOTAL_PAGES,
					       .shortage_bytes = rows[i].shortage_kb * 1024,
					       .self = -1};
		struct scanner *scanner = scanner_new(proc.fd, 16);
		struct scan_result result;
		struct domain d;

		assert_non_null(scanner);
		if (rows[i].group)
			CHECK_INT(rows[i].row, domain_open_cgroup(&d, groups.fd, rows[i].group), 0);
		if (rows[i].nodes)
			CHECK_INT(rows[i].row,
				  domain_open_nodes(&d, proc.fd, sys.fd, rows[i].nodes), 0);
		if (rows[i].group || rows[i].nodes)
			request.domain = &d;
		else
			request.total_pages = HOST_TOTAL_PAGES;
		if (rows[i].aside > 0)
			scanner_put_aside(scanner, (struct process_id){rows[i].aside, 0});
		CHECK_INT(rows[i].row, scanner_run(scanner, &request, &result), 0);
		CHECK_INT(rows[i].row, result.found ? result.victim.id.pid : 0, rows[i].victim);
		if (request.domain) {
			unsigned shown = result.top_count;

			CHECK_INT(rows[i].row, result.evaluated, rows[i].evaluated);
			/* and the report adds nobody who is no member */
			scanner_fill_top(scanner, &request, 0, &result);
			CHECK_INT(rows[i].row, result.top_count, shown);
			domain_close(&d);
		}
		scanner_free(scanner);
	}
	tree_done(&proc);
	tree_done(&groups);
	tree_done(&sys);
}

/* The leader may use other nodes than a thread of it. */
static void test_thread_binding(void **state)
{
	const struct fake_process p = {
		.pid = 10, .comm = "p", .anon_kb = 9000, .threads = 2, .oom_score = -1};
	struct scan_request request = {.total_pages = TOTAL_PAGES, .self = -1};
	struct scanner *scanner;
	struct scan_result result;
	struct tree proc, sys;
	struct domain d;
	char text[4096];
	size_t len;

	(void)state;
	tree_init(&proc);
	tree_init(&sys);
	fake_process_write(&proc, &p, HOST_TOTAL_PAGES);
	assert_int_equal(fs_read_at(proc.fd, "10/status", text, sizeof(text), &len), 0);
	strcpy(text + len, "Mems_allowed_list:\t0\n");
	tree_text(&proc, "10/status", text);
	tree_text(&proc, "10/task/10/status", text);
	tree_text(&proc, "zoneinfo", ZONE("1", "1000"));
	write_node(&sys, "devices/system/node/node1/meminfo", 1, 1);
	assert_int_equal(domain_open_nodes(&d, proc.fd, sys.fd, "1"), 0);
	request.domain = &d;
	scanner = scanner_new(proc.fd, 16);
	assert_non_null(scanner);
	assert_int_equal(scanner_run(scanner, &request, &result), 0);
	assert_false(result.found);

	tree_text(&proc, "10/task/11/status", "Name:\tp\nMems_allowed_list:\t1\n");
	assert_int_equal(scanner_run(scanner, &request, &result), 0);
	assert_true(result.found);
	scanner_free(scanner);
	domain_close(&d);
	tree_done(&proc);
	tree_done(&sys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_group),	    cmocka_unit_test(test_cheap_first),
		cmocka_unit_test(test_group_files), cmocka_unit_test(test_has_memcg),
		cmocka_unit_test(test_find),	    cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_node_lists),  cmocka_unit_test(test_large_zoneinfo),
		cmocka_unit_test(test_members),	    cmocka_unit_test(test_thread_binding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
