/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Target: the policy, driven through any history that bytes can tell. The first eight bytes choose
 * a configuration, each eight after them are a step; what must hold for each is in
 * tests/unit/policy-check.c.
 */
#include "fuzz.h"

#include "policy-check.h"

#define MSEC UINT64_C(1000)
#define SEC  UINT64_C(1000000)
#define GIB  (UINT64_C(1) << 30)

#define STEP_SIZE 8

static void no_mistakes(void *userdata, const char *message)
{
	(void)userdata;
	(void)message;
	abort();
}

static struct limit limit_from(uint8_t share, uint8_t size)
{
	return (struct limit){
		.permyriad = share == 255 ? LIMIT_UNSET : (uint64_t)share * 40 % 10001,
		.bytes = size == 255 ? LIMIT_UNSET : (uint64_t)size << 24,
	};
}

static void config_from(const uint8_t *b, struct config *ret)
{
	struct config_loader l;

	config_loader_init(&l, no_mistakes, NULL);
	l.config.soft_memory = limit_from(b[0] == 255 ? 254 : b[0], b[1]);
	l.config.hard_memory = limit_from(b[2], b[3]);
	l.config.warning_memory = limit_from(b[4], 255);
	l.config.soft_swap = limit_from(b[5] == 255 ? 254 : b[5], 255);
	l.config.stall_limit_permyriad = 1 + (uint64_t)b[6] * 39;
	l.config.term_timeout_usec = b[7] * 100 * MSEC;
	l.config.kill_timeout_usec = 100 * MSEC + b[7] * 100 * MSEC;
	*ret = l.config;
}

/* Forth by up to a minute; back only when the top bit and more say so. */
static uint64_t advance(uint64_t now, uint8_t b)
{
	if (b >= 0xf8)
		return now - (now < SEC ? now : SEC) * (b & 7) / 8;
	return now + (b < 0x80 ? b * 5 * MSEC : (uint64_t)(b & 0x7f) * 500 * MSEC);
}

static void observe(const uint8_t *b, struct observation *o)
{
	uint64_t total = GIB << (b[1] & 7);

	o->sample.time_usec = advance(o->sample.time_usec, b[0]);
	o->sample.mem.total_bytes = total;
	o->sample.mem.available_bytes = total / 256 * b[2] + b[3];
	o->sample.mem.swap_total_bytes = b[1] & 8 ? total / 2 : 0;
	o->sample.mem.swap_free_bytes = o->sample.mem.swap_total_bytes / 256 * b[4];
	o->sample.has_psi = !(b[1] & 16);
	o->sample.psi.full_total_usec = b[1] & 32
						? b[5]
						: o->sample.psi.full_total_usec + b[5] * 10 * MSEC;
	o->scan = (enum scan_outcome)(b[6] % 3);
	o->victim = (enum victim_state)(b[6] / 3 % 6);
	o->candidate_dying = b[6] / 18 % 4 == 3;
	o->candidate_ignores_term = b[3] & 4;
	o->victim_release = (enum release)(b[6] / 72 % 3);
	o->candidate = (struct process_id){b[7] & 15, b[7] >> 4};
	o->candidate_bytes = (uint64_t)b[7] << 24;
	o->candidate_shmem_bytes = (uint64_t)b[3] << 20;
	o->sample.mem.shmem_bytes = (uint64_t)b[5] << 24;
	o->stand_aside = b[3] & 1;
	o->requested = b[3] & 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config configs[2];
	struct policy_check check;
	struct observation o = {.sample = {.time_usec = 100 * SEC}};

	if (size < STEP_SIZE)
		return 0;
	config_from(data, &configs[0]);
	config_from((const uint8_t *)"\x10\xff\xff\xff\xff\x10\x80\x32", &configs[1]);
	policy_check_init(&check, &configs[0], (uint64_t)data[1] << 24);

	for (size_t at = STEP_SIZE; at + STEP_SIZE <= size; at += STEP_SIZE) {
		const char *wrong;
		struct action a;

		observe(data + at, &o);
		if (data[at + 1] & 64)
			policy_configure(&check.policy, &configs[data[at + 1] >> 7]);
		wrong = policy_check_step(&check, &o, &a);
		if (wrong)
			fprintf(stderr, "step %zu: %s\n", at / STEP_SIZE, wrong);
		PROMISE(!wrong);
	}
	return 0;
}
