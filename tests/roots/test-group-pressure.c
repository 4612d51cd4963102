/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose loss of time counts, on trees of control groups: that of all but the worst, of those that
 * have no groups below them and no limit of their own.
 */
#include "tree.h"

#include <stdio.h>
#include <string.h>

#include "sys/group-pressure.h"
#include "sys/group-walk.h"

#define SEC UINT64_C(1000000)

struct group {
	const char *path;
	uint64_t memory_usec, io_usec; /* in all */
};

static void put(const struct tree *t, const char *path, const char *file, uint64_t usec)
{
	char name[128], text[128];

	snprintf(name, sizeof(name), "%s/%s", path, file);
	snprintf(text, sizeof(text),
		 "some avg10=0.00 avg60=0.00 avg300=0.00 total=%llu\n"
		 "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		 (unsigned long long)usec);
	tree_text(t, name, text);
}

static void put_group(const struct tree *t, const char *path, uint64_t memory_usec,
		      uint64_t io_usec)
{
	put(t, path, "memory.pressure", memory_usec);
	put(t, path, "io.pressure", io_usec);
}

static uint64_t fake_usec, fake_step_usec;

static uint64_t fake_clock(void)
{
	uint64_t now = fake_usec;

	fake_usec += fake_step_usec;
	return now;
}

static void check(struct group_watch *w, uint64_t now_usec, uint64_t elapsed_usec,
		  uint64_t memory_usec, uint64_t io_usec, const char *name)
{
	struct group_pressure_result r;

	fake_usec = now_usec;
	if (!group_watch_ask(w, &r)) {
		group_watch_walk(w);
		group_watch_ask(w, &r);
	}
	group_watch_walk(w);
	CHECK_UINT(name, r.elapsed_usec, elapsed_usec);
	CHECK_UINT(name, r.memory_usec, memory_usec);
	CHECK_UINT(name, r.io_usec, io_usec);
	assert_string_equal(r.name, name);
}

static void test_second(void **state)
{
	struct group_watch *w;
	struct tree t;

	(void)state;
	tree_init(&t);
	put_group(&t, "a.slice", 0, 0);
	put_group(&t, "a.slice/worst.service", 5 * SEC, 0);
	put_group(&t, "a.slice/second.service", 7 * SEC, 0);
	put_group(&t, "third.service", 9 * SEC, 0);
	w = group_watch_new(t.fd, fake_clock);
	assert_non_null(w);
	check(w, 100 * SEC, 0, 0, 0, "");

	/* a slice sums up what is below it, and does not count */
	put_group(&t, "a.slice", 99 * SEC, 99 * SEC);
	put_group(&t, "a.slice/worst.service", 5 * SEC + 900000, 0);
	put_group(&t, "a.slice/second.service", 7 * SEC + 300000, 0);
	put_group(&t, "third.service", 9 * SEC + 200000, 0);
	check(w, 101 * SEC, SEC, 300000, 0, "second.service");
	check(w, 102 * SEC, SEC, 0, 0, "");

	/* below a tenth of the time nobody is asked */
	put_group(&t, "a.slice/worst.service", 6 * SEC, 0);
	put_group(&t, "third.service", 9 * SEC + 299999, 0);
	check(w, 103 * SEC, SEC, 0, 0, "");

	/* memory and I/O have each their own */
	put_group(&t, "a.slice/worst.service", 7 * SEC, 900000);
	put_group(&t, "a.slice/second.service", 7 * SEC + 500000, 0);
	put_group(&t, "third.service", 9 * SEC + 299999, 800000);
	check(w, 104 * SEC, SEC, 200000, 800000, "third.service");

	/* whoever is new has lost nothing that is known; whoever went is forgotten */
	tree_remove(&t, "third.service");
	put_group(&t, "new.service", 50 * SEC, 50 * SEC);
	put_group(&t, "a.slice/worst.service", 8 * SEC, 900000);
	check(w, 105 * SEC, SEC, 0, 0, "");
	put_group(&t, "third.service", 90 * SEC, 0);
	put_group(&t, "new.service", 50 * SEC + 400000, 50 * SEC);
	put_group(&t, "a.slice/worst.service", 8 * SEC + 500000, 900000);
	check(w, 106 * SEC, SEC, 400000, 0, "new.service");
	group_watch_free(w);
	tree_done(&t);
}

static void put_refaults(const struct tree *t, const char *path, unsigned anon, unsigned file)
{
	char name[128], text[128];

	snprintf(name, sizeof(name), "%s/memory.stat", path);
	snprintf(text, sizeof(text),
		 "inactive_file 0\nactive_file 0\nworkingset_refault_anon %u\n"
		 "workingset_refault_file %u\n",
		 anon, file);
	tree_text(t, name, text);
}

/* Who waits for a disk, but for no page that was taken from him, does not wait for memory. */
static void test_refaults(void **state)
{
	struct group_watch *w;
	struct tree t;

	(void)state;
	tree_init(&t);
	put_group(&t, "worst.service", 0, 0);
	put_group(&t, "job.service", 0, 0);
	put_refaults(&t, "job.service", 1000, 9000);
	w = group_watch_new(t.fd, fake_clock);
	assert_non_null(w);
	check(w, SEC, 0, 0, 0, "");
	/* not known yet since when they are */
	put_group(&t, "worst.service", 0, 900000);
	put_group(&t, "job.service", 0, 800000);
	check(w, 2 * SEC, SEC, 0, 0, "");
	put_group(&t, "worst.service", 0, 1800000);
	put_group(&t, "job.service", 0, 1500000);
	put_refaults(&t, "job.service", 1000, 9015);
	check(w, 3 * SEC, SEC, 0, 0, "");
	put_group(&t, "worst.service", 0, 2700000);
	put_group(&t, "job.service", 0, 2200000);
	put_refaults(&t, "job.service", 1010, 9021);
	check(w, 4 * SEC, SEC, 0, 700000, "job.service");
	/* in two seconds */
	put_group(&t, "worst.service", 0, 4500000);
	put_group(&t, "job.service", 0, 3200000);
	put_refaults(&t, "job.service", 1041, 9021);
	check(w, 6 * SEC, 2 * SEC, 0, 0, "");
	put_group(&t, "worst.service", 0, 6300000);
	put_group(&t, "job.service", 0, 4200000);
	put_refaults(&t, "job.service", 1073, 9021);
	check(w, 8 * SEC, 2 * SEC, 0, 1000000, "job.service");
	/* a stall of memory is one without */
	put_group(&t, "worst.service", 900000, 6300000);
	put_group(&t, "job.service", 800000, 5000000);
	check(w, 9 * SEC, SEC, 800000, 0, "job.service");
	/* counters that went back, or cannot be read, as of a kernel that has none */
	put_group(&t, "worst.service", 900000, 7200000);
	put_group(&t, "job.service", 800000, 5800000);
	put_refaults(&t, "job.service", 0, 0);
	check(w, 10 * SEC, SEC, 0, 0, "");
	put_group(&t, "worst.service", 900000, 8100000);
	put_group(&t, "job.service", 800000, 6600000);
	tree_text(&t, "job.service/memory.stat", "garbage\n");
	check(w, 11 * SEC, SEC, 0, 800000, "job.service");
	group_watch_free(w);
	tree_done(&t);
}

static void check_ask(struct group_watch *w, uint64_t now_usec, uint64_t memory_usec,
		      uint64_t io_usec, const char *name)
{
	struct group_pressure_result r;

	fake_usec = now_usec;
	assert_true(group_watch_ask(w, &r));
	assert_string_equal(r.name, name);
	CHECK_UINT(name, r.elapsed_usec, SEC);
	CHECK_UINT(name, r.memory_usec, memory_usec);
	CHECK_UINT(name, r.io_usec, io_usec);
}

static void check_nobody_held(struct group_watch *w)
{
	struct group_pressure_result r = {.name = "untouched"};

	assert_false(group_watch_ask(w, &r));
	assert_string_equal(r.name, "untouched");
}

/* Those that are known are asked without a walk, and nothing is told twice. */
static void test_ask(void **state)
{
	struct group_watch *w;
	struct tree t;

	(void)state;
	tree_init(&t);
	put_group(&t, "worst.service", 0, 0);
	put_group(&t, "second.service", 0, 0);
	w = group_watch_new(t.fd, fake_clock);
	assert_non_null(w);
	check_nobody_held(w);
	check(w, SEC, 0, 0, 0, "");
	check_ask(w, 2 * SEC, 0, 0, "");
	put_group(&t, "worst.service", 900000, 0);
	put_group(&t, "second.service", 700000, 0);
	put_group(&t, "new.service", 0, 0); /* a walk has to find it */
	check_ask(w, 3 * SEC, 700000, 0, "second.service");
	put_group(&t, "worst.service", 1800000, 0);
	put_group(&t, "second.service", 1300000, 0);
	put_group(&t, "new.service", 700000, 0);
	check(w, 4 * SEC, SEC, 600000, 0, "second.service");
	put_group(&t, "worst.service", 2700000, 0);
	put_group(&t, "new.service", 1400000, 0);
	check_ask(w, 5 * SEC, 700000, 0, "new.service");
	/* one is left */
	put_group(&t, "worst.service", 3600000, 0);
	check_ask(w, 6 * SEC, 0, 0, "");
	/* one is gone: what is held says nothing any more */
	put_group(&t, "worst.service", 4500000, 0);
	put_group(&t, "second.service", 1700000, 0);
	tree_text(&t, "new.service/memory.pressure", "");
	check_ask(w, 7 * SEC, 400000, 0, "second.service");
	group_watch_release(w);
	check_nobody_held(w);
	check(w, 8 * SEC, 0, 0, 0, "");
	put_group(&t, "worst.service", 5400000, 0);
	put_group(&t, "second.service", 2000000, 0);
	check_ask(w, 9 * SEC, 300000, 0, "second.service");
	group_watch_free(w);
	tree_done(&t);
}

/* Who reclaims waits for memory, and whoever he takes pages from waits for a disk. */
static void test_other_loss(void **state)
{
	struct group_watch *w;
	struct tree t;

	(void)state;
	tree_init(&t);
	put_group(&t, "filler.service", 0, 0);
	put_group(&t, "waiter.service", 0, 0);
	put_group(&t, "third.service", 0, 0);
	put_refaults(&t, "waiter.service", 0, 0);
	w = group_watch_new(t.fd, fake_clock);
	assert_non_null(w);
	check(w, SEC, 0, 0, 0, "");
	put_group(&t, "filler.service", 900000, 0);
	put_group(&t, "waiter.service", 0, 800000);
	check(w, 2 * SEC, SEC, 0, 0, ""); /* its refaults are not known yet */
	put_group(&t, "filler.service", 1800000, 0);
	put_group(&t, "waiter.service", 0, 1600000);
	put_group(&t, "third.service", 300000, 0);
	put_refaults(&t, "waiter.service", 16, 0);
	check(w, 3 * SEC, SEC, 300000, 800000, "waiter.service");
	/* and the other way round, which of both is worse does not matter */
	put_group(&t, "filler.service", 2500000, 0);
	put_group(&t, "waiter.service", 0, 2400000);
	put_refaults(&t, "waiter.service", 32, 0);
	check(w, 4 * SEC, SEC, 700000, 0, "filler.service");
	group_watch_free(w);
	tree_done(&t);
}

/* What counts is the most of all behind the worst, in whatever order they are found. */
static void test_most(void **state)
{
	static const uint64_t losses[3][3] = {{300, 500, 400}, {500, 400, 300}, {400, 300, 500}};
	uint64_t totals[3] = {};
	char path[32];
	struct group_watch *w;
	struct tree t;

	(void)state;
	tree_init(&t);
	put_group(&t, "worst.service", 0, 0);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "g%u.service", i);
		put_group(&t, path, 0, 0);
	}
	w = group_watch_new(t.fd, fake_clock);
	assert_non_null(w);
	check(w, SEC, 0, 0, 0, "");
	for (unsigned row = 0; row < 3; row++) {
		put_group(&t, "worst.service", (row + 1) * 900000, 0);
		for (unsigned i = 0; i < 3; i++) {
			snprintf(path, sizeof(path), "g%u.service", i);
			totals[i] += losses[row][i] * 1000;
			put_group(&t, path, totals[i], totals[i]);
		}
		snprintf(path, sizeof(path), "g%u.service", row == 0 ? 1 : row == 1 ? 0 : 2);
		check_ask(w, (2 + row) * SEC, 500000, 500000, path);
	}
	/* who has got groups below him is their sum */
	put_group(&t, "worst.service", 4 * 900000, 0);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "g%u.service", i);
		put_group(&t, path, totals[i] + 600000, totals[i]);
		snprintf(path, sizeof(path), "g%u.service/below", i);
		put_group(&t, path, 0, 0);
	}
	group_watch_walk(w);
	check_ask(w, 5 * SEC, 0, 0, "");
	group_watch_free(w);
	tree_done(&t);
}

/* Five looks a second, and each page that is waited for comes after three of them. */
static void test_refaults_between(void **state)
{
	struct group_pressure_result r;
	struct group_watch *w;
	struct tree t;
	uint64_t io = 0;

	(void)state;
	tree_init(&t);
	put_group(&t, "filler.service", 0, 0);
	put_group(&t, "waiter.service", 0, 0);
	put_refaults(&t, "waiter.service", 0, 0);
	w = group_watch_new(t.fd, fake_clock);
	assert_non_null(w);
	check(w, SEC, 0, 0, 0, "");
	for (unsigned i = 1; i <= 20; i++) {
		put_group(&t, "filler.service", i * 190000, 0);
		put_group(&t, "waiter.service", 0, i * 180000);
		put_refaults(&t, "waiter.service", i / 3 * 24, 0);
		fake_usec = SEC + i * SEC / 5;
		assert_true(group_watch_ask(w, &r));
		io += r.io_usec;
	}
	/* from the second second on */
	CHECK_UINT("waiter", io, 15 * 180000);
	group_watch_free(w);
	tree_done(&t);
}

/* More than are held: those that lose most are, in place of those that lose less. */
static void test_held(void **state)
{
	/* in whatever order they are found, some of these come too late for a free place */
	static const unsigned losers[] = {0, 1, 149, 150, 298, 299};
	uint64_t totals[ARRAY_SIZE(losers)];
	struct group_pressure_result r;
	char path[64];
	struct group_watch *w;
	struct tree t;

	(void)state;
	tree_init(&t);
	for (unsigned i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "g%u.service", i);
		put_group(&t, path, 0, 0);
	}
	w = group_watch_new(t.fd, fake_clock);
	assert_non_null(w);
	check(w, SEC, 0, 0, 0, "");
	for (unsigned i = 0; i < ARRAY_SIZE(losers); i++) {
		snprintf(path, sizeof(path), "g%u.service", losers[i]);
		put_group(&t, path, totals[i] = 500000, 0);
	}
	fake_usec = 2 * SEC;
	assert_true(group_watch_ask(w, &r)); /* who loses is not put out for another */
	group_watch_walk(w);
	/* any two of them are known from now on */
	for (unsigned i = 0; i + 1 < ARRAY_SIZE(losers); i++) {
		snprintf(path, sizeof(path), "g%u.service", losers[i]);
		put_group(&t, path, totals[i] += 900000, 0);
		snprintf(path, sizeof(path), "g%u.service", losers[i + 1]);
		put_group(&t, path, totals[i + 1] += 400000, 0);
		check_ask(w, (3 + i) * SEC, 400000, 0, path);
	}
	group_watch_free(w);
	tree_done(&t);
}

/* What is read late in a slow answer has had as much longer to be lost. */
static void test_slow(void **state)
{
	struct group_pressure_result r;
	struct group_watch *w;
	struct tree t;

	(void)state;
	tree_init(&t);
	put_group(&t, "one.service", 0, 0);
	put_group(&t, "other.service", 0, 0);
	w = group_watch_new(t.fd, fake_clock);
	assert_non_null(w);
	check(w, SEC, 0, 0, 0, "");
	/* one, whichever it is, after 10 seconds, the other after 20, and all is told after 30 */
	put_group(&t, "one.service", 3 * SEC, 0);
	put_group(&t, "other.service", 3 * SEC, 0);
	fake_usec = 11 * SEC;
	fake_step_usec = 10 * SEC;
	assert_true(group_watch_ask(w, &r));
	fake_step_usec = 0;
	CHECK_UINT("slow", r.elapsed_usec, 30 * SEC);
	CHECK_UINT("slow", r.memory_usec, 30 * SEC * 15 / 100);
	/* a second later: after 21 and 11, 9.5 % and 18 % */
	put_group(&t, "one.service", 5 * SEC, 0);
	put_group(&t, "other.service", 5 * SEC, 0);
	check_ask(w, 32 * SEC, 0, 0, "");
	put_group(&t, "one.service", 6 * SEC, 0);
	put_group(&t, "other.service", 6 * SEC, 0);
	assert_true(group_watch_ask(w, &r)); /* no time has passed */
	CHECK_UINT("none", r.elapsed_usec, 0);
	group_watch_free(w);
	tree_done(&t);
}

static void test_limits(void **state)
{
	struct group_watch *w;
	struct tree t;
	uint64_t usec = SEC;

	(void)state;
	tree_init(&t);
	put_group(&t, "worst.service", 0, 0);
	put_group(&t, "job.slice/job.service", 0, 0);
	put_group(&t, "limited.service", 0, 0);
	tree_text(&t, "limited.service/memory.max", "104857600\n");
	tree_text(&t, "job.slice/memory.max", "max\n");
	tree_text(&t, "job.slice/memory.high", "max\n");
	tree_text(&t, "job.slice/job.service/memory.max", "max\n");
	w = group_watch_new(t.fd, fake_clock);
	assert_non_null(w);
	check(w, usec, 0, 0, 0, "");
	for (unsigned i = 1; i <= 4; i++) {
		static const char *const limits[] = {NULL, "job.slice/job.service/memory.high",
						     "job.slice/memory.max",
						     "job.slice/memory.high"};

		if (limits[i - 1])
			tree_text(&t, limits[i - 1], "104857600\n");
		group_watch_walk(w);
		put_group(&t, "worst.service", i * 900000, 0);
		put_group(&t, "limited.service", i * 800000, 0);
		put_group(&t, "job.slice/job.service", i * 500000, 0);
		check(w, usec + i * SEC, SEC, i == 1 ? 500000 : 0, 0, i == 1 ? "job.service" : "");
		if (limits[i - 1])
			tree_text(&t, limits[i - 1], "max\n");
	}
	group_watch_free(w);
	tree_done(&t);
}

static void test_damage(void **state)
{
	struct group_watch *w;
	struct tree t;

	(void)state;
	tree_init(&t);
	put_group(&t, "worst.service", 0, 0);
	put_group(&t, "odd.service", 0, 0);
	tree_directory(&t, "empty.service");
	tree_text(&t, "garbage.service/memory.pressure", "some\n");
	tree_text(&t, "garbage.service/io.pressure", "");
	w = group_watch_new(t.fd, fake_clock);
	assert_non_null(w);
	check(w, SEC, 0, 0, 0, "");
	/* totals that went back: somebody else has this directory's number */
	put_group(&t, "worst.service", 900000, 0);
	put_group(&t, "odd.service", 800000, 0);
	check(w, 2 * SEC, SEC, 800000, 0, "odd.service");
	put_group(&t, "worst.service", 1800000, 0);
	put_group(&t, "odd.service", 5, 0);
	check(w, 3 * SEC, SEC, 0, 0, "");
	tree_text(&t, "odd.service/memory.pressure", "");
	put_group(&t, "worst.service", 2700000, 0);
	check(w, 4 * SEC, SEC, 0, 0, "");
	group_watch_free(w);
	tree_done(&t);
}

/* More than are looked at, and deeper. */
static void test_many(void **state)
{
	char path[128] = "";
	struct group_watch *w;
	struct tree t;

	(void)state;
	tree_init(&t);
	for (unsigned i = 0; i < 700; i++) {
		snprintf(path, sizeof(path), "g%u", i);
		put_group(&t, path, 0, 0);
	}
	strcpy(path, "d");
	for (unsigned i = 0; i < 30; i++)
		strcat(path, "/d");
	put_group(&t, path, 0, 0);
	w = group_watch_new(t.fd, fake_clock);
	assert_non_null(w);
	for (unsigned look = 1; look < 5; look++)
		check(w, look * SEC, look == 1 ? 0 : SEC, 0, 0, "");
	group_watch_free(w);
	tree_done(&t);
}

/* The next id after @from whose place in an empty table is @place. */
static uint64_t id_at(const struct group_mark *empty, const struct group_mark *place, uint64_t from)
{
	struct group_mark *table = (struct group_mark *)empty;

	while (group_mark_find(table, sizeof(*table), ++from, 1) != place)
		;
	return from;
}

/* Two of the same place: who came second is found behind the first, also once that one has gone. */
static void test_marks(void **state)
{
	static struct group_mark table[GROUP_MARKS];
	struct group_mark *mine;
	uint64_t first, second, third;

	(void)state;
	first = id_at(table, &table[7], 1);
	second = id_at(table, &table[7], first);
	third = id_at(table, &table[7], second);
	table[7] = (struct group_mark){first, 1};
	mine = group_mark_find(table, sizeof(*table), second, 1);
	assert_ptr_equal(mine, &table[8]);
	*mine = (struct group_mark){second, 1};
	mine->look = 2;
	assert_ptr_equal(group_mark_find(table, sizeof(*table), second, 3), mine);
	assert_ptr_equal(group_mark_find(table, sizeof(*table), third, 3), &table[7]);

	for (unsigned i = 0; i < GROUP_MARKS; i++)
		table[i] = (struct group_mark){UINT64_MAX - i, 3};
	assert_null(group_mark_find(table, sizeof(*table), first, 3));
	assert_ptr_equal(group_mark_find(table, sizeof(*table), UINT64_MAX - 9, 4), &table[9]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_second),	   cmocka_unit_test(test_refaults),
		cmocka_unit_test(test_slow),	   cmocka_unit_test(test_limits),
		cmocka_unit_test(test_ask),	   cmocka_unit_test(test_damage),
		cmocka_unit_test(test_other_loss), cmocka_unit_test(test_held),
		cmocka_unit_test(test_most),	   cmocka_unit_test(test_refaults_between),
		cmocka_unit_test(test_many),	   cmocka_unit_test(test_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
