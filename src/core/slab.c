/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of slabinfo, and the largest of them; see slab.h.
 */
#include "slab.h"

#include <string.h>

bool slabinfo_parse_line(struct text line, struct slab *ret)
{
	struct text name, word;
	uint64_t numbers[3]; /* active_objs, num_objs, objsize */

	if (!text_next_word(&line, &name) || *name.at == '#')
		return false;
	for (unsigned i = 0; i < 3; i++) {
		if (!text_next_word(&line, &word) || text_to_u64(word, &numbers[i]) < 0)
			return false;
	}
	if (numbers[1] == 0)
		return false;
	*ret = (struct slab){
		.used_bytes = u64_mul(numbers[0], numbers[2]),
		.total_bytes = u64_mul(numbers[1], numbers[2]),
	};
	text_copy(name, ret->name, sizeof(ret->name));
	return true;
}

bool slab_top_wants(const struct slab_top *top, const struct slab *slab)
{
	return top->count < SLAB_TOP || slab->total_bytes > top->slabs[SLAB_TOP - 1].total_bytes;
}

void slab_top_add(struct slab_top *top, const struct slab *slab)
{
	unsigned at = top->count;

	if (!slab_top_wants(top, slab))
		return;
	if (at == SLAB_TOP)
		at--;
	else
		top->count++;
	for (; at > 0 && top->slabs[at - 1].total_bytes < slab->total_bytes; at--)
		top->slabs[at] = top->slabs[at - 1];
	top->slabs[at] = *slab;
}
