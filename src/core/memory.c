/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parsers for the machine-wide files; see memory.h. Unknown lines are skipped, because every
 * kernel adds some; a known line that is malformed fails the whole file, because a number that is
 * wrong by a factor is worse than no number. For the same reason a counter that the text
 * ends with is taken for cut, as it has at least its newline behind it; a size has its unit.
 */
#include "memory.h"

#include <errno.h>
#include <string.h>

#include "text.h"

#define FIELD(_key, _member)                                              \
	{                                                                 \
		_key, sizeof(_key) - 1, offsetof(struct meminfo, _member) \
	}

static const struct {
	const char *key;
	size_t key_len; /* most of the 50 lines differ from most of these by that alone */
	size_t offset;
} meminfo_fields[] = {
	FIELD("MemTotal", total_bytes),		  FIELD("MemFree", free_bytes),
	FIELD("MemAvailable", available_bytes),	  FIELD("SwapTotal", swap_total_bytes),
	FIELD("SwapFree", swap_free_bytes),	  FIELD("Shmem", shmem_bytes),
	FIELD("SUnreclaim", unreclaimable_bytes), FIELD("Hugetlb", hugetlb_bytes),
};

#define FIELD_BIT(key_index) (1u << (key_index))
#define REQUIRED_FIELDS	     (FIELD_BIT(0) | FIELD_BIT(2)) /* MemTotal, MemAvailable */

static int meminfo_parse_line(struct text line, struct meminfo *m, unsigned *seen)
{
	struct text key, value;

	if (!text_split(line, ':', &key, &value))
		return 0;

	for (size_t i = 0; i < sizeof(meminfo_fields) / sizeof(meminfo_fields[0]); i++) {
		if (text_len(key) != meminfo_fields[i].key_len ||
		    !text_equal(key, meminfo_fields[i].key))
			continue;
		*seen |= FIELD_BIT(i);
		return text_to_kb_as_bytes(value,
					   (uint64_t *)((char *)m + meminfo_fields[i].offset));
	}
	return 0;
}

int meminfo_parse(const char *data, size_t len, struct meminfo *ret)
{
	struct text rest = TEXT(data, len), line;
	struct meminfo m = {};
	unsigned seen = 0;

	while (text_next_line(&rest, &line)) {
		int r = meminfo_parse_line(line, &m, &seen);

		if (r < 0)
			return r;
	}

	if ((seen & REQUIRED_FIELDS) != REQUIRED_FIELDS)
		return -ENODATA;
	if (m.total_bytes == 0)
		return -EINVAL;
	/* lxcfs, a balloon or swapoff in motion have shown more than there is: no reason to stop */
	m.available_bytes = u64_min(m.available_bytes, m.total_bytes);
	m.swap_free_bytes = u64_min(m.swap_free_bytes, m.swap_total_bytes);

	*ret = m;
	return 0;
}

static int psi_parse_line(struct text line, const char *kind, uint64_t *ret_total_usec)
{
	struct text word;

	if (!text_next_word(&line, &word) || !text_equal(word, kind))
		return -EINVAL;

	while (text_next_word(&line, &word)) {
		if (!text_has_prefix(word, "total="))
			continue;
		word.at += sizeof("total=") - 1;
		return text_to_u64(word, ret_total_usec);
	}
	return -EINVAL;
}

int psi_parse(const char *data, size_t len, struct psi *ret)
{
	struct text rest = TEXT(data, len), line;
	struct psi p = {};
	int r;

	if (!text_next_line(&rest, &line))
		return -EINVAL;
	r = psi_parse_line(line, "some", &p.some_total_usec);
	if (r < 0)
		return r;

	if (!text_next_line(&rest, &line))
		return -EINVAL;
	r = psi_parse_line(line, "full", &p.full_total_usec);
	if (r < 0)
		return r;
	if (line.end == data + len)
		return -EINVAL;

	*ret = p;
	return 0;
}

static const struct {
	const char *key;
	size_t offset;
} vmstat_fields[] = {
	{"nr_inactive_anon ", offsetof(struct vmstat, lru_pages)},
	{"nr_active_anon ", offsetof(struct vmstat, lru_pages)},
	{"nr_inactive_file ", offsetof(struct vmstat, lru_pages)},
	{"nr_active_file ", offsetof(struct vmstat, lru_pages)},
	{"nr_unevictable ", offsetof(struct vmstat, lru_pages)},
	{"nr_isolated_anon ", offsetof(struct vmstat, lru_pages)},
	{"nr_isolated_file ", offsetof(struct vmstat, lru_pages)},
	{"nr_slab_unreclaimable ", offsetof(struct vmstat, slab_unreclaimable_pages)},
	{"oom_kill ", offsetof(struct vmstat, oom_kill)}, /* behind all the others */
};

#define VMSTAT_FIELDS (sizeof(vmstat_fields) / sizeof(vmstat_fields[0]))

/* 1: the last of them; 0: another line; or negative errno. */
static int vmstat_parse_line(struct text line, struct vmstat *v)
{
	for (size_t i = 0; i < VMSTAT_FIELDS; i++) {
		uint64_t *sum = (uint64_t *)((char *)v + vmstat_fields[i].offset), value;
		int r;

		if (!text_has_prefix(line, vmstat_fields[i].key))
			continue;
		line.at += strlen(vmstat_fields[i].key);
		r = text_to_u64(line, &value);
		if (r < 0)
			return r;
		*sum = u64_add(*sum, value);
		return i == VMSTAT_FIELDS - 1;
	}
	return 0;
}

int vmstat_parse(const char *data, size_t len, struct vmstat *ret)
{
	struct text rest = TEXT(data, len), line;
	struct vmstat v = {};

	while (text_next_line(&rest, &line)) {
		int r = vmstat_parse_line(line, &v);

		if (r < 0)
			return r;
		if (r == 0)
			continue;
		if (line.end == data + len)
			return -EINVAL;
		*ret = v;
		return 0;
	}
	return -ENODATA;
}

bool vmstat_is_slab_heavy(const struct vmstat *v)
{
	return v->slab_unreclaimable_pages > v->lru_pages;
}

uint64_t sample_reserve_bytes(const struct sample *s)
{
	return u64_add(s->mem.available_bytes, s->mem.swap_free_bytes);
}
