/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is handed to the reaper, and when: the test is the reaper, and its children are the victims.
 * For one address space there is one request at a time, because where its lock is held for good,
 * each thread that is asked hangs.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "child.h"
#include "daemon/company.h"
#include "daemon/daemon.h"
#include "daemon/stuck.h"
#include "sys/fs.h"
#include "sys/worker.h"

static struct daemon d;
static int requests_fd;

static int setup(void **state)
{
	int fds[2];

	(void)state;
	d.proc_fd = fs_open_dir(AT_FDCWD, "/proc");
	if (d.proc_fd < 0 || worker_pipe(WORKER_REQUESTS, fds) < 0)
		return -1;
	requests_fd = fds[0];
	d.reaper.request_fd = fds[1];
	return fcntl(requests_fd, F_SETFL, O_NONBLOCK | O_DIRECT);
}

static pid_t start(struct victim *ret)
{
	pid_t pid = child_start(&(struct child_spec){.bytes = MIB});

	assert_int_equal(victim_hold(d.proc_fd, pid, ret), 0);
	return pid;
}

/* The pid of the next request; 0: there is none. */
static pid_t next_request(void)
{
	struct victim request;
	pid_t pid;

	if (read(requests_fd, &request, sizeof(request)) != sizeof(request))
		return 0;
	pid = request.id.pid;
	victim_close(&request);
	return pid;
}

static struct reap_result result_of(const struct victim *v, int error)
{
	return (struct reap_result){
		.id = v->id, .error = error, .has_memory = true, .rss_anon_bytes = MIB};
}

/* The victim's request is under way, and two more share its memory; two relatives do not. */
static void test_company(void **state)
{
	struct company *c = &d.company;
	struct reap_result result = {};
	unsigned sharers, relatives;
	pid_t pids[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		pids[i] = start(&c->members[i]);
	c->count = 4;
	c->sharers = 2;
	d.kill.reaps_pending = 1;
	company_signal(&d, SIGTERM, &sharers, &relatives);
	assert_int_equal(next_request(), 0); /* they may have handlers */
	company_signal(&d, SIGKILL, &sharers, &relatives);
	assert_int_equal(sharers, 2);
	assert_int_equal(relatives, 2);
	assert_int_equal(next_request(), pids[2]);
	assert_int_equal(next_request(), pids[3]);
	assert_int_equal(next_request(), 0);
	result = result_of(&c->members[2], 0);
	company_reaped(&d, &result);
	assert_int_equal(next_request(), 0);

	d.kill.reaps_pending = 0;
	company_reaped(&d, &(struct reap_result){}); /* the victim's */
	assert_int_equal(next_request(), pids[0]);
	assert_int_equal(next_request(), 0);
	assert_int_equal(company_pending_sharer(c)->id.pid, pids[0]);
	result = result_of(&c->members[3], ESRCH);
	company_reaped(&d, &result);
	assert_int_equal(next_request(), 0);
	assert_true(company_is_released(c));
	result = result_of(&c->members[0], EINVAL);
	company_reaped(&d, &result);
	assert_int_equal(next_request(), pids[1]);
	c->released[0] = true; /* it may be dead by now, or not */
	assert_int_equal(company_sharers_let_go(c), victim_is_dead(&c->members[1]));
	result = result_of(&c->members[1], 0);
	company_reaped(&d, &result);
	assert_true(company_sharers_let_go(c));
	assert_int_equal(next_request(), 0);
	assert_null(company_pending_sharer(c));
	company_dismiss(c);
	for (unsigned i = 0; i < 4; i++)
		child_wait(pids[i]);
}

/* The leader of a family was refused: its relatives were never tried, but for who shares its
 * memory. */
static void test_refused_leader(void **state)
{
	struct company *c = &d.company;
	struct relative relative = {};
	struct victim other;
	pid_t pids[2];

	(void)state;
	d.scanner = scanner_new(d.proc_fd, 1);
	assert_non_null(d.scanner);
	pids[0] = start(&c->members[0]);
	pids[1] = start(&other);
	c->count = c->sharers = 1;
	relative.id = other.id;
	company_join(c, &relative, 1, (struct process_id){});
	assert_int_equal(c->count, 2);
	company_put_aside(&d);
	assert_true(scanner_is_aside(d.scanner, c->members[0].id));
	assert_false(scanner_is_aside(d.scanner, other.id));
	company_dismiss(c);
	scanner_free(d.scanner);
	d.scanner = NULL;
	victim_close(&other);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(kill(pids[i], SIGKILL), 0);
		child_wait(pids[i]);
	}
}

/* What a dying process holds comes back if nobody who lives on shares it. */
static void test_lives_on(void **state)
{
	struct company *c = &d.company;
	pid_t pids[2];

	(void)state;
	assert_false(company_lives_on(&d));
	for (unsigned i = 0; i < 2; i++)
		pids[i] = start(&c->members[i]);
	c->count = 2;
	c->sharers = 1;
	assert_true(company_lives_on(&d));
	assert_int_equal(kill(pids[0], SIGKILL), 0);
	WAIT_FOR(victim_is_dead(&c->members[0]));
	assert_false(company_lives_on(&d)); /* a relative has memory of its own */
	c->sharers = 2;
	assert_true(company_lives_on(&d));
	company_dismiss(c);
	assert_int_equal(kill(pids[1], SIGKILL), 0);
	for (unsigned i = 0; i < 2; i++)
		child_wait(pids[i]);
}

/* Put aside while its second request is under way: no third one before that has an answer. */
static void test_stuck(void **state)
{
	static const struct {
		const char *row;
		bool done;
		unsigned pending;
	} rows[] = {
		{"the first answer is still to come", false, 1},
		{"there was one, and a second request", true, 1},
	};
	const uint64_t later = 10 * UINT64_C(1000000);

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct reap_result result;
		struct victim v;
		pid_t pid = start(&v);

		result = result_of(&v, EINVAL);
		d.kill.victim = v;
		d.kill.record = (struct report_kill){
			.victim = {.id = v.id, .memory.rss_anon_bytes = MIB},
			.expected_bytes = MIB,
			.reap = result,
			.reap_done = rows[i].done};
		d.kill.reaps_pending = rows[i].pending;
		stuck_add(&d, 0);
		CHECK_UINT(rows[i].row, stuck_look(&d, later), MIB);
		CHECK_INT(rows[i].row, next_request(), 0);
		stuck_reaped(&d.stuck, &result);
		CHECK_UINT(rows[i].row, stuck_look(&d, later), MIB);
		CHECK_INT(rows[i].row, next_request(), pid);
		CHECK_UINT(rows[i].row, stuck_look(&d, 2 * later), MIB);
		CHECK_INT(rows[i].row, next_request(), 0);
		child_end(pid);
		CHECK_UINT(rows[i].row, stuck_look(&d, 2 * later), 0);
		CHECK_UINT(rows[i].row, d.stuck.count, 0);
	}
}

/* Of a family whose leader is dead one relative hangs, of a memory with two processes the other. */
static void test_stuck_company(void **state)
{
	static const struct {
		const char *row;
		unsigned count, sharers;
		uint64_t bytes; /* of 4 MiB, 1 of them the leader's */
	} rows[] = {
		{"a relative", 1, 0, 3 * MIB},
		{"who shares it", 1, 1, MIB},
		{"both", 2, 1, 4 * MIB},
	};
	const uint64_t later = 10 * UINT64_C(1000000);
	struct company *c = &d.company;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		pid_t leader = start(&d.kill.victim), pids[2];

		d.kill.record = (struct report_kill){
			.victim = {.id = d.kill.victim.id, .memory.rss_anon_bytes = MIB},
			.expected_bytes = 4 * MIB,
			.family_size = 1};
		d.kill.reaps_pending = 0;
		c->count = rows[i].count;
		c->sharers = rows[i].sharers;
		for (unsigned j = 0; j < c->count; j++) {
			pids[j] = start(&c->members[j]);
			c->pending[j] = c->released[j] = false;
		}
		assert_int_equal(kill(leader, SIGKILL), 0);
		WAIT_FOR(victim_is_dead(&d.kill.victim));
		stuck_add(&d, 0);
		company_dismiss(c);
		victim_close(&d.kill.victim);
		CHECK_UINT(rows[i].row, d.stuck.count, rows[i].count);
		CHECK_UINT(rows[i].row, stuck_look(&d, later), rows[i].bytes);
		for (unsigned j = rows[i].count; j-- > 0;)
			CHECK_INT(rows[i].row, next_request(), pids[j]);
		CHECK_INT(rows[i].row, next_request(), 0);
		for (unsigned j = 0; j < rows[i].count; j++)
			child_end(pids[j]);
		child_wait(leader);
		CHECK_UINT(rows[i].row, stuck_look(&d, later), 0);
		CHECK_UINT(rows[i].row, d.stuck.count, 0);
	}
}

/* Somebody was asked and has not answered: his memory is tried again after that, and not before. */
static void test_stuck_pending(void **state)
{
	static const struct {
		const char *row;
		unsigned sharers;
		bool leader_is_dead;
	} rows[] = {
		{"who shares it", 1, false},
		{"who shares it and is left", 1, true},
		{"a relative", 0, true},
	};
	const uint64_t later = 10 * UINT64_C(1000000);
	struct company *c = &d.company;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		pid_t leader = start(&d.kill.victim), other = start(&c->members[0]);
		struct reap_result result = result_of(&c->members[0], EINVAL);

		c->count = 1;
		c->sharers = rows[i].sharers;
		c->pending[0] = true;
		c->released[0] = false;
		d.kill.record = (struct report_kill){
			.victim = {.id = d.kill.victim.id, .memory.rss_anon_bytes = MIB},
			.expected_bytes = 2 * MIB,
			.family_size = 1};
		d.kill.reaps_pending = 0;
		if (rows[i].leader_is_dead) {
			assert_int_equal(kill(leader, SIGKILL), 0);
			WAIT_FOR(victim_is_dead(&d.kill.victim));
		}
		stuck_add(&d, 0);
		company_dismiss(c);
		victim_close(&d.kill.victim);
		CHECK_UINT(rows[i].row, stuck_look(&d, later), MIB);
		CHECK_INT(rows[i].row, next_request(), 0);
		stuck_reaped(&d.stuck, &result);
		CHECK_UINT(rows[i].row, stuck_look(&d, later), MIB);
		CHECK_INT(rows[i].row, next_request(), rows[i].leader_is_dead ? other : leader);
		if (!rows[i].leader_is_dead)
			assert_int_equal(kill(leader, SIGKILL), 0);
		child_wait(leader);
		child_end(other);
		CHECK_UINT(rows[i].row, stuck_look(&d, later), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_company),	      cmocka_unit_test(test_refused_leader),
		cmocka_unit_test(test_lives_on),      cmocka_unit_test(test_stuck),
		cmocka_unit_test(test_stuck_company), cmocka_unit_test(test_stuck_pending),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
