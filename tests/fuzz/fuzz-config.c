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
		if (k->type == CONFIG_PERCENT || k->type == CONFIG_DURATION ||
		    k->type == CONFIG_SIZE)
			PROMISE(memcmp((const char *)&l.config + k->offset,
				       (const char *)config + k->offset, sizeof(uint64_t)) == 0);
	}
}

/* Whatever was read can be written and read again, in the same order. */
static void check_rules_read_back(const struct rule_set *rules)
{
	struct config_loader l;
	unsigned mistakes = 0;

	config_loader_init(&l, complain, &mistakes);
	for (unsigned i = 0; i < rules->count; i++) {
		const struct rule *r = &rules->rules[i];
		char text[PATTERN_SIZE + 64];
		int len = snprintf(text, sizeof(text), "[Rule %s]\n", r->name);

		config_loader_parse(&l, "fuzz.conf", text, (size_t)len);
		for (enum rule_key key = 0; key < RULE_KEYS; key++) {
			char value[PATTERN_SIZE], again[PATTERN_SIZE];

			if (!rule_format(rules, r, key, value, sizeof(value)))
				continue;
			len = snprintf(text, sizeof(text), "[Rule %s]\n%s=%s\n", r->name,
				       rule_key_names[key], value);
			config_loader_parse(&l, "fuzz.conf", text, (size_t)len);
			PROMISE(mistakes == 0);
			PROMISE(rule_format(&l.rules, &l.rules.rules[i], key, again,
					    sizeof(again)));
			PROMISE(strcmp(value, again) == 0);
		}
		PROMISE(strcmp(l.rules.rules[i].name, r->name) == 0);
	}
}

/* Patterns that were taken end, whatever they are compared with. */
static void check_rules_match(const struct rule_set *rules, const uint8_t *data, size_t size)
{
	struct text t = TEXT((const char *)data, size < 200 ? size : 200);
	struct rule_place place = {.cgroup = t, .unit = t, .user_unit = t};
	uint64_t all = rules->count == 64 ? UINT64_MAX : (UINT64_C(1) << rules->count) - 1;

	PROMISE((rules_match_place(rules, &place) & ~all) == 0);
	PROMISE((rules_match_executable(rules, t) & ~all) == 0);
	PROMISE((rules_with(rules, RULE_NAME, RULE_USER) & ~all) == 0);
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
	check_rules_read_back(&l.rules);
	check_rules_match(&l.rules, data, size);

	config_loader_check(&l, UINT64_C(8) << 30, 0);
	config_loader_check(&l, UINT64_C(8) << 30, UINT64_C(2) << 30);
	PROMISE(told <= 21 + 8 + 2 * RULES_MAX * 2);
	return 0;
}
