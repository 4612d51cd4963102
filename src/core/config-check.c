/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What only shows when the whole configuration has been read; see config_loader_check() of
 * config.h. Values are right by then, each for itself; here it is whether they go together.
 */
#include <stdio.h>

#include "config.h"

static bool is_above(struct limit lower, struct limit upper, uint64_t total_bytes)
{
	uint64_t upper_bytes = limit_bytes(upper, total_bytes);
	uint64_t lower_bytes = limit_bytes(lower, total_bytes);

	return upper_bytes != LIMIT_UNSET && lower_bytes != LIMIT_UNSET &&
	       lower_bytes > upper_bytes;
}

/*
 * A file that was written for a machine with swap is right while the swap is off as well: then
 * only what would be wrong with the smallest swap and with the largest counts.
 */
#define SMALLEST_TOTAL (UINT64_C(1) << 20)
#define LARGEST_TOTAL  (UINT64_C(1) << 50)

/* As it is on this machine; without one, as it was written. */
static void format_total(const struct config_loader *l, size_t index, struct limit limit,
			 uint64_t total_bytes, char *buf, size_t size)
{
	if (total_bytes > 0)
		format_bytes(limit_bytes(limit, total_bytes), buf, size);
	else
		config_format(&l->config, &config_keys[index], buf, size);
}

static void check_order(struct config_loader *l, const char *upper_name, struct limit upper,
			const char *lower_name, struct limit lower, uint64_t total_bytes)
{
	size_t upper_index = (size_t)(config_key_find(upper_name) - config_keys);
	size_t lower_index = (size_t)(config_key_find(lower_name) - config_keys);
	size_t blamed = l->origin[lower_index].file ? lower_index : upper_index;
	char upper_text[64], lower_text[64], message[224];
	bool wrong = total_bytes > 0 ? is_above(lower, upper, total_bytes)
				     : is_above(lower, upper, SMALLEST_TOTAL) &&
					       is_above(lower, upper, LARGEST_TOTAL);

	if (!wrong)
		return;
	format_total(l, upper_index, upper, total_bytes, upper_text, sizeof(upper_text));
	format_total(l, lower_index, lower, total_bytes, lower_text, sizeof(lower_text));
	snprintf(message, sizeof(message), "%s= is %s%s: expected at most %s=, which is %s",
		 lower_name, lower_text, total_bytes > 0 ? " here" : "", upper_name, upper_text);
	config_loader_complain_line(l, l->origin[blamed].file, l->origin[blamed].line, message);
}

void config_loader_check(struct config_loader *l, uint64_t memory_total_bytes,
			 uint64_t swap_total_bytes)
{
	const struct config *c = &l->config;

	check_order(l, "SoftMemory", c->soft_memory, "HardMemory", c->hard_memory,
		    memory_total_bytes);
	check_order(l, "SoftSwap", c->soft_swap, "HardSwap", c->hard_swap, swap_total_bytes);
	check_order(l, "WarningMemory", c->warning_memory, "SoftMemory", c->soft_memory,
		    memory_total_bytes);
	check_order(l, "WarningSwap", c->warning_swap, "SoftSwap", c->soft_swap, swap_total_bytes);
	if (c->select == SELECT_KERNEL && c->sort_by != SORT_BY_BADNESS)
		config_loader_complain(l, "Select",
				       "expected SortBy=badness beside kernel, which goes by it");
	rules_check(l);
}
