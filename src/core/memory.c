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
	FIELD("Active(anon)", active_anon_bytes), FIELD("Inactive(anon)", inactive_anon_bytes),
	FIELD("Unevictable", unevictable_bytes),  FIELD("Zswap", zswap_bytes),
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
	if (u64_add(m.hugetlb_bytes, m.available_bytes) > m.total_bytes)
		m.hugetlb_bytes = 0;

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
	{"workingset_refault_anon ", offsetof(struct vmstat, refault_anon)},
	{"workingset_refault_file ", offsetof(struct vmstat, refault_file)},
	{"workingset_activate_file ", offsetof(struct vmstat, activate_file)},
	{"pswpin ", offsetof(struct vmstat, swap_in)},
	{"pswpout ", offsetof(struct vmstat, swap_out)},
	{"pgsteal_kswapd ", offsetof(struct vmstat, steal_kswapd)},
	{"pgsteal_direct ", offsetof(struct vmstat, steal_direct)},
	{"pgscan_direct ", offsetof(struct vmstat, scan_direct)},
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

int zram_stat_parse(const char *data, size_t len, struct zram_stat *ret)
{
	struct text rest = TEXT(data, len), line;
	uint64_t numbers[4];

	if (!text_next_line(&rest, &line) || line.end == data + len || text_len(rest) > 0)
		return -EINVAL;
	for (unsigned i = 0; i < 4; i++) {
		struct text word;
		int r = text_next_word(&line, &word) ? text_to_u64(word, &numbers[i]) : -EINVAL;

		if (r < 0)
			return r;
	}
	*ret = (struct zram_stat){numbers[0], numbers[2], numbers[3]};
	return 0;
}

enum { ARC_SIZE, ARC_MIN, ARC_CLEAN, ARC_SUMS };

static const struct {
	const char *key;
	unsigned sum;
} arcstats_fields[] = {
	{"size", ARC_SIZE},
	{"c_min", ARC_MIN},
	{"mru_evictable_data", ARC_CLEAN},
	{"mru_evictable_metadata", ARC_CLEAN},
	{"mfu_evictable_data", ARC_CLEAN},
	{"mfu_evictable_metadata", ARC_CLEAN},
};

#define ARCSTATS_FIELDS (sizeof(arcstats_fields) / sizeof(arcstats_fields[0]))

/* "size    4    1234": name, type, value */
static int arcstats_parse_line(struct text line, uint64_t sums[static ARC_SUMS], unsigned *seen)
{
	struct text key, type;
	uint64_t value;
	int r;

	if (!text_next_word(&line, &key))
		return 0;
	for (unsigned i = 0; i < ARCSTATS_FIELDS; i++) {
		if (!text_equal(key, arcstats_fields[i].key))
			continue;
		r = text_next_word(&line, &type) ? text_to_u64(line, &value) : -EINVAL;
		if (r < 0)
			return r;
		*seen |= 1u << arcstats_fields[i].sum;
		sums[arcstats_fields[i].sum] = u64_add(sums[arcstats_fields[i].sum], value);
	}
	return 0;
}

int arcstats_parse(const char *data, size_t len, uint64_t *ret_bytes)
{
	struct text rest = TEXT(data, len), line;
	uint64_t sums[ARC_SUMS] = {};
	unsigned seen = 0;

	while (text_next_line(&rest, &line) && line.end < data + len) {
		int r = arcstats_parse_line(line, sums, &seen);

		if (r < 0)
			return r;
	}
	if (seen != (1u << ARC_SUMS) - 1)
		return -ENODATA;
	*ret_bytes = u64_min(sums[ARC_CLEAN], u64_sub(sums[ARC_SIZE], sums[ARC_MIN]));
	return 0;
}

/* "/dev/zram0", and nothing behind the number such as "\040(deleted)". */
static int zram_number(struct text path)
{
	uint64_t number;

	if (!text_has_prefix(path, "/dev/zram"))
		return -1;
	path.at += sizeof("/dev/zram") - 1;
	return text_to_u64(path, &number) < 0 || number > INT16_MAX ? -1 : (int)number;
}

static int swap_area_parse(struct text line, struct swap_area *ret)
{
	struct text path, type, size, used;
	uint64_t size_kb, used_kb;
	int r;

	if (!text_next_word(&line, &path) || !text_next_word(&line, &type) ||
	    !text_next_word(&line, &size) || !text_next_word(&line, &used) ||
	    text_len(text_trim(line)) == 0)
		return -EINVAL;
	r = text_to_u64(size, &size_kb);
	if (r >= 0)
		r = text_to_u64(used, &used_kb);
	if (r < 0)
		return r;
	*ret = (struct swap_area){zram_number(path), u64_mul(size_kb, 1024),
				  u64_min(u64_mul(used_kb, 1024), u64_mul(size_kb, 1024))};
	return 0;
}

int swap_areas_parse(const char *data, size_t len, struct swap_area ret[static SWAP_AREAS_MAX],
		     unsigned *ret_count)
{
	struct text rest = TEXT(data, len), line;
	struct swap_area areas[SWAP_AREAS_MAX];
	unsigned count = 0;

	if (!text_next_line(&rest, &line) || !text_has_prefix(line, "Filename"))
		return -EINVAL;
	while (count < SWAP_AREAS_MAX && text_next_line(&rest, &line)) {
		int r = line.end == data + len ? -EINVAL : swap_area_parse(line, &areas[count]);

		if (r < 0)
			return r;
		count++;
	}
	for (unsigned i = 0; i < count; i++)
		ret[i] = areas[i];
	*ret_count = count;
	return 0;
}

/* Two readings one after the other are apart by less than this share of an area. */
#define READINGS_DIVISOR 8

uint64_t swap_areas_leaving_bytes(const struct swap_area *areas, unsigned count,
				  uint64_t swap_total_bytes, const struct swap_area **ret_area)
{
	uint64_t sizes = 0, gap, nearest = UINT64_MAX;
	const struct swap_area *leaving = NULL;

	for (unsigned i = 0; i < count; i++)
		sizes = u64_add(sizes, areas[i].size_bytes);
	gap = u64_sub(sizes, swap_total_bytes);
	for (unsigned i = 0; gap > 0 && i < count; i++) {
		uint64_t unused = areas[i].size_bytes - areas[i].used_bytes;
		uint64_t off = u64_max(u64_sub(unused, gap), u64_sub(gap, unused));

		if (off < nearest && off <= areas[i].size_bytes / READINGS_DIVISOR) {
			nearest = off;
			leaving = &areas[i];
		}
	}
	*ret_area = leaving;
	return leaving ? u64_sub(swap_total_bytes, sizes - leaving->size_bytes) : 0;
}

/*
 * Before anything is stored nobody knows how well it compresses. This part of an area is taken as
 * stored already at half its size, which is what text and heaps of ordinary programs reach with lzo
 * or better. What is hoped for takes more than little to be disproved: what is moved first is a
 * sample of those who were idle longest.
 */
#define PRIOR_DIVISOR 32
#define HOPED_DIVISOR 4

struct ratio {
	uint64_t used, data;
};

static struct ratio zram_ratio(uint64_t data_bytes, uint64_t used_bytes, uint64_t prior)
{
	return (struct ratio){u64_add(used_bytes, prior / 2),
			      u64_max(u64_add(data_bytes, prior), 1)};
}

void zram_add(struct zram *z, uint64_t size_bytes, const struct zram_stat *stat)
{
	uint64_t room = u64_sub(size_bytes, stat->data_bytes);
	struct ratio ratio = zram_ratio(stat->data_bytes, stat->used_bytes,
					u64_min(size_bytes, stat->limit_bytes) / PRIOR_DIVISOR);

	if (stat->limit_bytes > 0)
		room = u64_min(room, u64_muldiv(u64_sub(stat->limit_bytes, stat->used_bytes),
						ratio.data, u64_max(ratio.used, 1)));
	z->size_bytes = u64_add(z->size_bytes, size_bytes);
	z->data_bytes = u64_add(z->data_bytes, stat->data_bytes);
	z->used_bytes = u64_add(z->used_bytes, stat->used_bytes);
	z->room_bytes = u64_add(z->room_bytes, room);
}

uint64_t meminfo_ordinary_bytes(const struct meminfo *m)
{
	return u64_sub(m->total_bytes, m->hugetlb_bytes);
}

uint64_t meminfo_elsewhere_bytes(const struct meminfo *m)
{
	return u64_add(u64_add(m->shmem_bytes, m->hugetlb_bytes), m->unreclaimable_bytes);
}

static uint64_t anon_bytes(const struct sample *s)
{
	return u64_add(s->mem.active_anon_bytes, s->mem.inactive_anon_bytes);
}

uint64_t sample_movable_bytes(const struct sample *s)
{
	return s->has_movable ? u64_sub(anon_bytes(s), s->barred_bytes) : UINT64_MAX;
}

static uint64_t usable_swap_bytes(const struct sample *s, unsigned divisor)
{
	uint64_t free = s->mem.swap_free_bytes, on_zram, stored;
	/* an area may be larger than all that will ever be stored there */
	uint64_t size = u64_min(s->zram.size_bytes, u64_mul(s->mem.total_bytes, 2));
	struct ratio ratio = zram_ratio(s->zram.data_bytes, s->zram.used_bytes, size / divisor);

	if (s->zram.size_bytes == 0)
		return free;
	on_zram = u64_sub(s->zram.size_bytes, u64_add(s->zram.data_bytes, s->zram.unstored_bytes));
	on_zram = u64_min(on_zram, free);
	stored = u64_min(u64_min(on_zram, s->zram.room_bytes),
			 u64_sub(anon_bytes(s), s->barred_bytes));
	return u64_add(free - on_zram,
		       u64_muldiv(stored, u64_sub(ratio.data, ratio.used), ratio.data));
}

uint64_t sample_usable_swap_bytes(const struct sample *s)
{
	return usable_swap_bytes(s, PRIOR_DIVISOR);
}

uint64_t sample_hoped_swap_bytes(const struct sample *s)
{
	return u64_max(usable_swap_bytes(s, HOPED_DIVISOR), sample_usable_swap_bytes(s));
}

bool vmstat_is_slab_heavy(const struct vmstat *v)
{
	return v->slab_unreclaimable_pages > v->lru_pages;
}

uint64_t sample_reserve_bytes(const struct sample *s)
{
	return u64_add(s->mem.available_bytes, sample_usable_swap_bytes(s));
}
