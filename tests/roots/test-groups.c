/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the thread that goes through the control groups is asked, and what of its answers counts.
 * The test is that thread.
 */
#include "unit.h"

#include <fcntl.h>
#include <unistd.h>

#include "daemon/groups.h"
#include "sys/clock.h"

#define SEC UINT64_C(1000000)
#define MIB (UINT64_C(1) << 20)

struct fixture {
	struct config config;
	struct groups groups;
	sd_event *event;
	int request_fd, result_fd;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int requests[2], results[2];

	assert_non_null(f);
	assert_int_equal(pipe2(requests, O_NONBLOCK | O_CLOEXEC), 0);
	assert_int_equal(pipe2(results, O_NONBLOCK | O_CLOEXEC), 0);
	f->config.stall_window_usec = 10 * SEC;
	f->request_fd = requests[0];
	f->result_fd = results[1];
	f->groups.works = true;
	f->groups.look = (struct group_look){requests[1], results[0]};
	assert_int_equal(sd_event_new(&f->event), 0);
	assert_true(groups_add_source(&f->groups, f->event, &f->config) >= 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sd_event_unref(f->event);
	close(f->request_fd);
	close(f->result_fd);
	close(f->groups.look.request_fd);
	close(f->groups.look.result_fd);
	free(f);
	return 0;
}

/* What was asked of the thread since the last call; -1: nothing. */
static int asked_of(struct fixture *f)
{
	enum group_look_kind kind, more;

	if (read(f->request_fd, &kind, sizeof(kind)) != sizeof(kind))
		return -1;
	assert_int_equal(read(f->request_fd, &more, sizeof(more)), -1);
	return (int)kind;
}

static void answer(struct fixture *f, const struct group_look_result *result)
{
	assert_int_equal(write(f->result_fd, result, sizeof(*result)), sizeof(*result));
	assert_true(sd_event_run(f->event, 0) > 0);
}

static void answer_pressure(struct fixture *f, uint64_t elapsed_usec, uint64_t memory_usec,
			    uint64_t io_usec)
{
	answer(f, &(struct group_look_result){
			  .kind = GROUP_LOOK_PRESSURE,
			  .pressure = {elapsed_usec, memory_usec, io_usec, "waits.service"},
		  });
}

static void check_others(const struct fixture *f, const char *row, uint64_t memory_usec,
			 uint64_t io_usec)
{
	struct sample s = {};

	groups_fill_sample(&f->groups, &s);
	CHECK(row, s.has_others);
	CHECK_UINT(row, s.others.memory_usec, memory_usec);
	CHECK_UINT(row, s.others.io_usec, io_usec);
}

static void test_asks_five_times_a_second(void **state)
{
	struct fixture *f = *state;

	groups_look(&f->groups, 100 * SEC, false, false);
	assert_int_equal(asked_of(f), -1);
	groups_look(&f->groups, 100 * SEC, true, false);
	assert_int_equal(asked_of(f), GROUP_LOOK_PRESSURE);
	groups_look(&f->groups, 110 * SEC, true, true); /* one at a time */
	assert_int_equal(asked_of(f), -1);
	answer_pressure(f, 0, 0, 0);
	groups_look(&f->groups, 100 * SEC + SEC / 5 - 1, true, true);
	assert_int_equal(asked_of(f), -1);
	groups_look(&f->groups, 100 * SEC + SEC / 5, true, true);
	assert_int_equal(asked_of(f), GROUP_LOOK_PRESSURE);
}

static void test_opens_once_when_low(void **state)
{
	struct fixture *f = *state;

	groups_look(&f->groups, 100 * SEC, false, true);
	assert_int_equal(asked_of(f), GROUP_LOOK_PRESSURE);
	answer_pressure(f, 0, 0, 0);
	groups_look(&f->groups, 105 * SEC, false, true);
	assert_int_equal(asked_of(f), -1);
	groups_look(&f->groups, 105 * SEC, true, true);
	assert_int_equal(asked_of(f), GROUP_LOOK_PRESSURE);
}

static void test_releases_after_a_minute(void **state)
{
	struct fixture *f = *state;

	groups_look(&f->groups, 100 * SEC, false, true);
	assert_int_equal(asked_of(f), GROUP_LOOK_PRESSURE);
	groups_look(&f->groups, 200 * SEC, false, false); /* not while it is at work */
	assert_int_equal(asked_of(f), -1);
	answer_pressure(f, 0, 0, 0);
	groups_look(&f->groups, 160 * SEC - 1, false, false);
	assert_int_equal(asked_of(f), -1);
	groups_look(&f->groups, 160 * SEC, false, false);
	assert_int_equal(asked_of(f), GROUP_LOOK_RELEASE);
	groups_look(&f->groups, 161 * SEC, false, false);
	assert_int_equal(asked_of(f), -1);
	groups_look(&f->groups, 162 * SEC, false, true);
	assert_int_equal(asked_of(f), GROUP_LOOK_PRESSURE);
}

static void test_keeps_what_is_needed(void **state)
{
	struct fixture *f = *state;

	groups_look(&f->groups, 100 * SEC, false, true);
	assert_int_equal(asked_of(f), GROUP_LOOK_PRESSURE);
	answer_pressure(f, 0, 0, 0);
	groups_look(&f->groups, 150 * SEC, false, true);
	groups_look(&f->groups, 209 * SEC, false, false);
	assert_int_equal(asked_of(f), -1);
	groups_look(&f->groups, 210 * SEC, false, false);
	assert_int_equal(asked_of(f), GROUP_LOOK_RELEASE);
}

static void test_sum(void **state)
{
	struct fixture *f = *state;
	struct sample s = {};
	uint64_t window = f->config.stall_window_usec;

	groups_fill_sample(&f->groups, &s);
	assert_false(s.has_others);
	answer_pressure(f, 0, 0, 0); /* the first has nothing to be compared with */
	check_others(f, "first", 0, 0);
	answer_pressure(f, SEC, SEC / 2, SEC / 4);
	check_others(f, "second", SEC / 2, SEC / 4);
	assert_string_equal(f->groups.name, "waits.service");
	answer_pressure(f, SEC, 0, SEC);
	check_others(f, "third", SEC / 2, SEC / 4 + SEC);

	/* of more than the window the mean */
	answer_pressure(f, 2 * window, window, 0);
	check_others(f, "long", SEC / 2 + window / 2, SEC / 4 + SEC);
	answer_pressure(f, 30 * SEC + 1, 30 * SEC, 30 * SEC);
	check_others(f, "too long", SEC / 2 + window / 2, SEC / 4 + SEC);
}

static void test_forgets_what_is_under_way(void **state)
{
	struct fixture *f = *state;

	answer_pressure(f, 0, 0, 0);
	groups_look(&f->groups, 100 * SEC, true, true);
	groups_forget(&f->groups);
	answer_pressure(f, SEC, SEC, SEC);
	check_others(f, "began before", 0, 0);
	groups_look(&f->groups, 101 * SEC, true, true);
	answer_pressure(f, SEC, SEC / 2, 0);
	check_others(f, "began after", SEC / 2, 0);
	groups_forget(&f->groups); /* none is under way */
	groups_look(&f->groups, 102 * SEC, true, true);
	answer_pressure(f, SEC, SEC / 2, 0);
	check_others(f, "nothing to forget", SEC, 0);
}

/* Nobody reads what is asked, so that the pipe fills up. */
static void test_asks_again(void **state)
{
	struct fixture *f = *state;
	enum group_look_kind kind = GROUP_LOOK_SHMEM;

	while (write(f->groups.look.request_fd, &kind, sizeof(kind)) > 0)
		;
	groups_look(&f->groups, 100 * SEC, false, true);
	while (read(f->request_fd, &kind, sizeof(kind)) > 0)
		assert_int_equal(kind, GROUP_LOOK_SHMEM);
	groups_look(&f->groups, 101 * SEC, false, true);
	assert_int_equal(asked_of(f), GROUP_LOOK_PRESSURE);
}

static void look_for_writer(struct fixture *f, uint64_t now_usec, uint64_t shmem_bytes, bool soon)
{
	struct sample s = {.time_usec = now_usec};

	s.mem.total_bytes = 4096 * MIB; /* of which 32 MiB are much */
	s.mem.shmem_bytes = shmem_bytes;
	groups_look_for_writer(&f->groups, &s, soon);
}

static void answer_writer(struct fixture *f, int pid)
{
	answer(f, &(struct group_look_result){
			  .kind = GROUP_LOOK_SHMEM,
			  .writer.id.pid = pid,
		  });
}

static void test_asks_for_writer(void **state)
{
	struct fixture *f = *state;

	look_for_writer(f, 100 * SEC, 600 * MIB, false);
	assert_int_equal(asked_of(f), -1);
	look_for_writer(f, 101 * SEC, 600 * MIB, true); /* what the next is compared with */
	assert_int_equal(asked_of(f), GROUP_LOOK_SHMEM);
	answer_writer(f, 0);
	look_for_writer(f, 102 * SEC, 632 * MIB - 1, true);
	assert_int_equal(asked_of(f), -1);
	look_for_writer(f, 103 * SEC, 632 * MIB, true);
	assert_int_equal(asked_of(f), GROUP_LOOK_SHMEM);
	look_for_writer(f, 104 * SEC, 700 * MIB, true); /* one at a time */
	assert_int_equal(asked_of(f), -1);
	answer_writer(f, 0);
	look_for_writer(f, 103 * SEC + SEC / 2 - 1, 700 * MIB, true);
	assert_int_equal(asked_of(f), -1);
	look_for_writer(f, 103 * SEC + SEC / 2, 700 * MIB, true);
	assert_int_equal(asked_of(f), GROUP_LOOK_SHMEM);
}

static void test_writer_holds(void **state)
{
	struct fixture *f = *state;
	uint64_t before = clock_now_usec(), after;
	const struct shmem_writer *writer;

	assert_null(groups_writer(&f->groups, before));
	answer_writer(f, 7);
	answer_writer(f, 0); /* he slept */
	after = clock_now_usec();
	writer = groups_writer(&f->groups, before + 5 * SEC - 1);
	assert_non_null(writer);
	assert_int_equal(writer->id.pid, 7);
	assert_null(groups_writer(&f->groups, after + 5 * SEC));
}

static void check_barred(const struct fixture *f, uint64_t now_usec, uint64_t bytes)
{
	struct sample s = {.time_usec = now_usec};

	groups_fill_sample(&f->groups, &s);
	assert_int_equal(s.barred_bytes, bytes);
}

static void answer_barred(struct fixture *f, uint64_t bytes, uint64_t begun_usec)
{
	answer(f, &(struct group_look_result){
			  .kind = GROUP_LOOK_SWAP,
			  .barred = {bytes, begun_usec},
		  });
}

static void test_asks_for_barred(void **state)
{
	struct fixture *f = *state;

	groups_look_for_barred(&f->groups, 100 * SEC, false);
	assert_int_equal(asked_of(f), -1);
	groups_look_for_barred(&f->groups, 100 * SEC, true);
	assert_int_equal(asked_of(f), GROUP_LOOK_SWAP);
	groups_look_for_barred(&f->groups, 105 * SEC, true); /* one at a time */
	assert_int_equal(asked_of(f), -1);
	answer_barred(f, 7, 100 * SEC);
	groups_look_for_barred(&f->groups, 101 * SEC - 1, true);
	assert_int_equal(asked_of(f), -1);
	groups_look_for_barred(&f->groups, 101 * SEC, true);
	assert_int_equal(asked_of(f), GROUP_LOOK_SWAP);
}

/* Of what was true two seconds ago some may have been given back. */
static void test_barred_holds(void **state)
{
	struct fixture *f = *state;

	check_barred(f, 100 * SEC, 0);
	answer_barred(f, 7, 100 * SEC);
	check_barred(f, 100 * SEC, 7);
	check_barred(f, 102 * SEC - 1, 7);
	check_barred(f, 102 * SEC, 0);
	answer_barred(f, 8, 110 * SEC);
	groups_forget(&f->groups);
	check_barred(f, 110 * SEC, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_asks_five_times_a_second, setup, teardown),
		cmocka_unit_test_setup_teardown(test_opens_once_when_low, setup, teardown),
		cmocka_unit_test_setup_teardown(test_releases_after_a_minute, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keeps_what_is_needed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sum, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forgets_what_is_under_way, setup, teardown),
		cmocka_unit_test_setup_teardown(test_asks_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_asks_for_writer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_writer_holds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_asks_for_barred, setup, teardown),
		cmocka_unit_test_setup_teardown(test_barred_holds, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
