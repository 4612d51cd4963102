/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Target: a configuration file. Whatever is in it, the values are ones that can be loaded: written
 * and read back they are the same. And every complaint is a line of plain text.
 */
#include "fuzz.h"

#include "core/config.h"

/* Sizes are written in full bytes, of which as many hundredths must fit 64 bits. */
#define EXACT_BYTES (UINT64_C(1) << 57)

static void complain(void *userdata, const char *message)
{
	unsigned *count = userdata;

	PROMISE(strncmp(message, "fuzz.conf:", 10) == 0);
	PROMISE(strlen(message) < 512);
	for (const char *c = message; *c; c++)
		PROMISE(*c >= ' ' && *c <= '~');
	++*count;
}

static void check_read_back(const struct config *config)
{
	struct config_loader l;
	unsigned mistakes = 0;

	config_loader_init(&l, complain, &mistakes);
	for (const struct config_key *k = config_keys; k->name; k++) {
		char value[PATTERN_SIZE];
		const struct limit *limit = (const void *)((const char *)config + k->offset);

		if (k->type == CONFIG_LIMIT && limit->bytes != LIMIT_UNSET &&
		    limit->bytes >= EXACT_BYTES)
			continue;
		config_format(config, k, value, sizeof(value));
		config_loader_set(&l, k, value, strlen(value), "fuzz.conf", 1);
		PROMISE(mistakes == 0);
		if (k->type == CONFIG_PATTERN)
			PROMISE(strcmp((const char *)&l.config + k->offset,
				       (const char *)config + k->offset) == 0);
		if (k->type == CONFIG_LIMIT)
			PROMISE(memcmp((const char *)&l.config + k->offset, limit,
				       sizeof(*limit)) == 0);
		if (k->type == CONFIG_PERCENT || k->type == CONFIG_DURATION)
			PROMISE(memcmp((const char *)&l.config + k->offset,
				       (const char *)config + k->offset, sizeof(uint64_t)) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_loader l;
	unsigned told = 0;

	config_loader_init(&l, complain, &told);
	config_loader_parse(&l, "fuzz.conf", (const char *)data, size);
	PROMISE(told <= l.mistakes && told <= 21);
	PROMISE((told == 0) == (l.mistakes == 0));
	check_read_back(&l.config);

	config_loader_check(&l, UINT64_C(8) << 30, 0);
	config_loader_check(&l, UINT64_C(8) << 30, UINT64_C(2) << 30);
	PROMISE(told <= 21 + 8);
	return 0;
}
