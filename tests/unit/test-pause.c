/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pause as scenarios: what is asked for when, who is in flight, and what comes of it.
 */
#include "unit.h"

#include "core/pause.h"

#define SEC UINT64_C(1000000)

/* Nothing may depend on the clock beginning at 0. */
#define START (UINT64_C(5000) * SEC)

enum call { STEP, BEGIN, END };

struct row {
	uint64_t usec; /* since the start */
	enum call call;
	uint64_t time_usec, timeout_usec; /* of BEGIN */
	bool in_flight;
	enum pause_event event; /* of STEP */
	bool aside;		/* afterwards */
	uint64_t next_usec;	/* afterwards, since the start; 0: never */
};

static void run(const char *name, const struct row *rows, size_t count)
{
	struct pause p = {};

	for (size_t i = 0; i < count; i++) {
		const struct row *r = &rows[i];
		uint64_t now = START + r->usec;
		uint64_t next = r->next_usec > 0 ? START + r->next_usec : UINT64_MAX;

		if (r->call == BEGIN)
			pause_begin(&p, now, r->time_usec, r->timeout_usec);
		else if (r->call == END)
			CHECK_INT(name, pause_end(&p), r->event != PAUSE_UNCHANGED);
		else if (pause_step(&p, now, r->in_flight) != r->event)
			fail_msg("%s: row %zu has another event", name, i);
		if (pause_stands_aside(&p) != r->aside)
			fail_msg("%s: row %zu: stands aside or does not", name, i);
		CHECK_UINT(name, pause_next_usec(&p), next);
	}
}

#define RUN(name, ...)                                           \
	do {                                                     \
		static const struct row rows_[] = {__VA_ARGS__}; \
		run(name, rows_, ARRAY_SIZE(rows_));             \
	} while (0)

static void test_pause(void **state)
{
	(void)state;
	RUN("nothing was asked for", {0, STEP}, {SEC, STEP, .in_flight = true}, {SEC, END});
	RUN("for a time", {0, BEGIN, 10 * SEC, SEC, .aside = true, .next_usec = SEC},
	    {1, STEP, .event = PAUSE_BEGUN, .aside = true, .next_usec = 10 * SEC},
	    {2, STEP, .in_flight = true, .aside = true, .next_usec = 10 * SEC},
	    {10 * SEC - 1, STEP, .aside = true, .next_usec = 10 * SEC},
	    {10 * SEC, STEP, .event = PAUSE_EXPIRED}, {11 * SEC, STEP});
	RUN("for ever", {0, BEGIN, PAUSE_FOR_EVER, SEC, .aside = true, .next_usec = SEC},
	    {0, STEP, .event = PAUSE_BEGUN, .aside = true},
	    {UINT64_C(1000000) * SEC, STEP, .aside = true},
	    {UINT64_C(1000000) * SEC, END, .event = PAUSE_EXPIRED},
	    {UINT64_C(1000000) * SEC, STEP});
}

static void test_in_flight(void **state)
{
	(void)state;
	RUN("waited for", {0, BEGIN, 10 * SEC, SEC, .aside = true, .next_usec = SEC},
	    {1, STEP, .in_flight = true, .aside = true, .next_usec = SEC},
	    {SEC - 1, STEP, .in_flight = true, .aside = true, .next_usec = SEC},
	    {SEC - 1, STEP, .event = PAUSE_BEGUN, .aside = true, .next_usec = 10 * SEC});
	RUN("refused", {0, BEGIN, 10 * SEC, SEC, .aside = true, .next_usec = SEC},
	    {SEC - 1, STEP, .in_flight = true, .aside = true, .next_usec = SEC},
	    {SEC, STEP, .in_flight = true, .event = PAUSE_REFUSED}, {SEC, STEP});
	RUN("gone by the deadline, though nobody looked before",
	    {0, BEGIN, 10 * SEC, SEC, .aside = true, .next_usec = SEC},
	    {2 * SEC, STEP, .event = PAUSE_BEGUN, .aside = true, .next_usec = 10 * SEC});
	RUN("without patience", {5, BEGIN, 10 * SEC, 0, .aside = true, .next_usec = 5},
	    {5, STEP, .in_flight = true, .event = PAUSE_REFUSED});
	RUN("ended while waiting", {0, BEGIN, 10 * SEC, SEC, .aside = true, .next_usec = SEC},
	    {1, END, .event = PAUSE_REFUSED}, {SEC, STEP, .in_flight = true});
}

static void test_again(void **state)
{
	(void)state;
	RUN("longer, and shorter: nobody new in between",
	    {0, BEGIN, 10 * SEC, SEC, .aside = true, .next_usec = SEC},
	    {0, STEP, .event = PAUSE_BEGUN, .aside = true, .next_usec = 10 * SEC},
	    {SEC, BEGIN, 20 * SEC, 0, .aside = true, .next_usec = 21 * SEC},
	    {SEC, STEP, .in_flight = true, .aside = true, .next_usec = 21 * SEC},
	    {2 * SEC, BEGIN, SEC, 0, .aside = true, .next_usec = 3 * SEC},
	    {3 * SEC, STEP, .event = PAUSE_EXPIRED});
	RUN("after its end", {0, BEGIN, SEC, SEC, .aside = true, .next_usec = SEC},
	    {0, STEP, .event = PAUSE_BEGUN, .aside = true, .next_usec = SEC},
	    {SEC, STEP, .event = PAUSE_EXPIRED},
	    {2 * SEC, BEGIN, SEC, SEC, .aside = true, .next_usec = 3 * SEC},
	    {2 * SEC, STEP, .event = PAUSE_BEGUN, .aside = true, .next_usec = 3 * SEC});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_in_flight),
		cmocka_unit_test(test_again),
	};

	return cmocka_run_group_tests_name("pause", tests, NULL, NULL);
}
