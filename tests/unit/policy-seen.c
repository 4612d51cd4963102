/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See policy-seen.h.
 */
#include "policy-seen.h"

#include "unit.h"

static void no_mistakes(void *userdata, const char *message)
{
	(void)userdata;
	fail_msg("%s", message);
}

struct config config_of(const char *lines)
{
	struct config_loader l;

	config_loader_init(&l, no_mistakes, NULL);
	config_loader_parse(&l, "test", lines, strlen(lines));
	return l.config;
}

struct observation seen(uint64_t time_usec, uint64_t available, uint64_t swap_total,
			uint64_t swap_free)
{
	return (struct observation){
		.sample = {.time_usec = time_usec,
			   .mem = {.total_bytes = 1000 * MIB,
				   .available_bytes = available,
				   .swap_total_bytes = swap_total,
				   .swap_free_bytes = swap_free}},
		.candidate = {4711, 99},
		.candidate_bytes = 400 * MIB,
	};
}

void stalls_init(struct stalls *s, const char *config_lines, uint64_t available)
{
	*s = (struct stalls){.config = config_of(config_lines), .o = seen(START, available, 0, 0)};
	s->o.sample.has_psi = true;
	s->o.sample.psi.full_total_usec = 777 * SEC; /* before our time */
	policy_init(&s->policy, &s->config, 0);
	policy_step(&s->policy, &s->o);
}

struct action stalls_go(struct stalls *s, uint64_t usec, uint64_t permyriad)
{
	struct action a = {};

	for (uint64_t t = 0; t < usec; t += 100 * MSEC) {
		s->o.sample.time_usec += 100 * MSEC;
		s->o.sample.psi.full_total_usec += 10 * permyriad;
		a = policy_step(&s->policy, &s->o);
		s->announcements += a.announce;
	}
	return a;
}
