/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Figures of control groups and memory nodes; see domain.h. As in memory.c a line that is not known
 * is skipped, and one that is known but malformed, or may be cut, fails the whole.
 */
#include "domain.h"

#include <errno.h>
#include <string.h>

bool node_set_contains(const struct node_set *s, uint64_t node)
{
	return node < NODES_MAX && s->bits[node / 64] >> node % 64 & 1;
}

bool node_set_intersects(const struct node_set *a, const struct node_set *b)
{
	for (unsigned i = 0; i < NODES_MAX / 64; i++) {
		if (a->bits[i] & b->bits[i])
			return true;
	}
	return false;
}

bool node_set_is_within(const struct node_set *a, const struct node_set *b)
{
	for (unsigned i = 0; i < NODES_MAX / 64; i++) {
		if (a->bits[i] & ~b->bits[i])
			return false;
	}
	return true;
}

/* A number with nothing around it: text_take_u64() would skip blanks. */
static int take_node(struct text *t, uint64_t *ret)
{
	if (t->at >= t->end || *t->at < '0' || *t->at > '9')
		return -EINVAL;
	return text_take_u64(t, ret);
}

int node_set_parse(struct text t, struct node_set *ret)
{
	struct node_set s = {};

	for (;;) {
		uint64_t first, last;
		int r = take_node(&t, &first);

		last = first;
		if (r >= 0 && t.at < t.end && *t.at == '-') {
			t.at++;
			r = take_node(&t, &last);
		}
		if (r < 0)
			return r;
		if (last < first)
			return -EINVAL;
		if (last >= NODES_MAX)
			return -ERANGE;
		for (uint64_t node = first; node <= last; node++)
			s.bits[node / 64] |= UINT64_C(1) << node % 64;
		if (t.at == t.end)
			break;
		if (*t.at++ != ',')
			return -EINVAL;
	}
	*ret = s;
	return 0;
}

int status_mems_parse(const char *status, size_t len, struct node_set *ret)
{
	struct text rest = TEXT(status, len), line;

	while (text_next_line(&rest, &line)) {
		if (!text_has_prefix(line, "Mems_allowed_list:"))
			continue;
		/* cut short it would be another set */
		if (line.end == status + len)
			return -EINVAL;
		line.at += sizeof("Mems_allowed_list:") - 1;
		return node_set_parse(text_trim(line), ret);
	}
	return -ENODATA;
}

/* "/a/b*": no empty component, and none that leads elsewhere. */
static bool is_group_path(struct text word)
{
	struct text component;

	if (text_len(word) < 2 || *word.at != '/')
		return false;
	for (word.at++; text_split(word, '/', &component, &word);) {
		if (text_len(component) == 0 || text_equal(component, ".") ||
		    text_equal(component, ".."))
			return false;
	}
	return text_len(word) > 0 && !text_equal(word, ".") && !text_equal(word, "..");
}

int domain_cgroups_check(struct text value)
{
	struct text word;

	if (memchr(value.at, '\0', text_len(value)))
		return -EINVAL;
	if (text_len(value) >= PATTERN_SIZE)
		return -ERANGE;
	while (text_next_word(&value, &word)) {
		if (!is_group_path(word))
			return -EINVAL;
		if (text_len(word) >= DOMAIN_NAME_SIZE)
			return -ERANGE;
	}
	return 0;
}

int domain_nodes_check(struct text value)
{
	unsigned count = 0;
	struct node_set s;
	struct text word;

	if (text_len(value) >= NODE_SETS_SIZE)
		return -ERANGE;
	while (text_next_word(&value, &word)) {
		int r = node_set_parse(word, &s);

		if (r < 0)
			return r;
		if (++count > DOMAIN_NODE_SETS_MAX)
			return -ERANGE;
	}
	return 0;
}

int memcg_bytes_parse(const char *data, size_t len, uint64_t *ret)
{
	struct text rest = TEXT(data, len), line;

	if (!text_next_line(&rest, &line) || line.end == data + len || text_len(rest) > 0)
		return -EINVAL;
	if (text_equal(line, "max")) {
		*ret = LIMIT_UNSET;
		return 0;
	}
	return text_to_u64(line, ret);
}

/* A table of "key value" lines whose values are added to a member of a structure. */
struct counter {
	const char *key; /* with what follows it */
	size_t offset;
};

/* Adds @value to the member; -EINVAL, -ERANGE. @parse: of what stands behind the key. */
static int add_counter(const struct counter *c, struct text value, void *sums,
		       int (*parse)(struct text t, uint64_t *ret))
{
	uint64_t *sum = (uint64_t *)((char *)sums + c->offset), number;
	int r = parse(value, &number);

	if (r >= 0)
		*sum = u64_add(*sum, number);
	return r;
}

/* The row of @line, or NULL; what stands behind the key is left in it. */
static const struct counter *find_counter(const struct counter *rows, size_t count,
					  struct text *line)
{
	for (size_t i = 0; i < count; i++) {
		if (!text_has_prefix(*line, rows[i].key))
			continue;
		line->at += strlen(rows[i].key);
		return &rows[i];
	}
	return NULL;
}

#define STAT(_key, _member)                                    \
	{                                                      \
		_key " ", offsetof(struct memcg_stat, _member) \
	}

static const struct counter stat_rows[] = {
	STAT("inactive_file", file_bytes), /* the first two are required */
	STAT("active_file", file_bytes),
	STAT("shmem", shmem_bytes),
	STAT("inactive_anon", inactive_anon_bytes),
	STAT("active_anon", active_anon_bytes),
	STAT("unevictable", unevictable_bytes),
	STAT("slab_reclaimable", slab_reclaimable_bytes),
	STAT("slab_unreclaimable", slab_unreclaimable_bytes),
	STAT("workingset_refault_anon", refault_anon),
	STAT("workingset_refault_file", refault_file),
	STAT("workingset_activate_file", activate_file),
	STAT("pgsteal", reclaimed), /* of all kinds together */
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int memcg_stat_parse(const char *data, size_t len, struct memcg_stat *ret)
{
	struct text rest = TEXT(data, len), line;
	struct memcg_stat s = {};
	unsigned lists = 0;

	while (text_next_line(&rest, &line)) {
		const struct counter *row = find_counter(stat_rows, COUNT(stat_rows), &line);
		int r;

		if (!row)
			continue;
		r = line.end == data + len ? -EINVAL : add_counter(row, line, &s, text_to_u64);
		if (r < 0)
			return r;
		lists += row < stat_rows + 2;
	}
	if (lists != 2)
		return -ENODATA;
	*ret = s;
	return 0;
}

int memcg_events_parse(const char *data, size_t len, uint64_t *ret_oom_kill)
{
	struct text rest = TEXT(data, len), line;

	while (text_next_line(&rest, &line)) {
		if (!text_has_prefix(line, "oom_kill "))
			continue;
		if (line.end == data + len)
			return -EINVAL;
		line.at += sizeof("oom_kill ") - 1;
		return text_to_u64(line, ret_oom_kill);
	}
	return -ENODATA;
}

void memcg_to_sample(const struct memcg *m, const struct sample *host, struct sample *s)
{
	uint64_t left = u64_sub(m->max_bytes, m->current_bytes);
	uint64_t cache = u64_add(m->stat.file_bytes, m->stat.slab_reclaimable_bytes);
	uint64_t swap_left = u64_sub(m->swap_max_bytes, m->swap_current_bytes);

	s->mem = (struct meminfo){
		.total_bytes = u64_max(m->max_bytes, 1),
		.free_bytes = left,
		.available_bytes = u64_min(u64_add(left, cache), m->max_bytes),
		.swap_total_bytes = u64_min(m->swap_max_bytes, host->mem.swap_total_bytes),
		.swap_free_bytes = u64_min(swap_left, host->mem.swap_free_bytes),
		.shmem_bytes = m->stat.shmem_bytes,
		.unreclaimable_bytes = m->stat.slab_unreclaimable_bytes,
		.active_anon_bytes = m->stat.active_anon_bytes,
		.inactive_anon_bytes = m->stat.inactive_anon_bytes,
		.unevictable_bytes = m->stat.unevictable_bytes,
	};
	s->vmstat = (struct vmstat){
		.refault_anon = m->stat.refault_anon,
		.refault_file = m->stat.refault_file,
		.activate_file = m->stat.activate_file,
		.steal_direct = m->stat.reclaimed,
	};
}

#define NODE(_key, _member)                                      \
	{                                                        \
		_key ":", offsetof(struct node_meminfo, _member) \
	}

static const struct counter node_rows[] = {
	NODE("MemTotal", total_bytes), /* the first two are required */
	NODE("MemFree", free_bytes),
	NODE("Active(file)", file_bytes),
	NODE("Inactive(file)", file_bytes),
	NODE("Active(anon)", active_anon_bytes),
	NODE("Inactive(anon)", inactive_anon_bytes),
	NODE("Unevictable", unevictable_bytes),
	NODE("Shmem", shmem_bytes),
	NODE("KReclaimable", reclaimable_bytes),
	NODE("SUnreclaim", slab_unreclaimable_bytes),
};

int node_meminfo_add(const char *data, size_t len, struct node_meminfo *sum)
{
	struct text rest = TEXT(data, len), line, word;
	struct node_meminfo m = *sum;
	unsigned required = 0;

	while (text_next_line(&rest, &line)) {
		const struct counter *row;
		int r;

		/* "Node 1 MemFree:  1234 kB" */
		if (!text_next_word(&line, &word) || !text_equal(word, "Node") ||
		    !text_next_word(&line, &word))
			continue;
		line = text_trim(line);
		row = find_counter(node_rows, COUNT(node_rows), &line);
		if (!row)
			continue;
		r = add_counter(row, line, &m, text_to_kb_as_bytes);
		if (r < 0)
			return r;
		required += row < node_rows + 2;
	}
	if (required != 2)
		return -ENODATA;
	*sum = m;
	return 0;
}

/* One zone while its lines are read. */
struct zone {
	bool wanted;
	uint64_t low, high, present, managed, protection;
};

/* "(0, 950, 950)": the highest is what allocations for other zones may not take. */
static int protection_parse(struct text t, uint64_t *ret)
{
	uint64_t highest = 0, number;
	struct text item;
	bool last = false;

	t = text_trim(t);
	if (text_len(t) < 2 || *t.at != '(' || t.end[-1] != ')')
		return -EINVAL;
	for (t.at++, t.end--; !last;) {
		int r;

		last = !text_split(t, ',', &item, &t);
		r = text_to_u64(last ? t : item, &number);
		if (r < 0)
			return r;
		highest = u64_max(highest, number);
	}
	*ret = highest;
	return 0;
}

static void add_zone(const struct zone *zone, struct node_zones *sum)
{
	if (!zone->wanted)
		return;
	sum->present_pages = u64_add(sum->present_pages, zone->present);
	sum->low_pages = u64_add(sum->low_pages, zone->low);
	sum->reserve_pages = u64_add(sum->reserve_pages,
				     u64_min(u64_add(zone->high, zone->protection), zone->managed));
}

static int zone_parse_line(struct text line, struct zone *zone)
{
	const struct {
		const char *key;
		uint64_t *value;
	} rows[] = {
		{"low", &zone->low}, /* "high:" of a CPU's list is another */
		{"high", &zone->high},
		{"present", &zone->present},
		{"managed", &zone->managed},
	};
	struct text word;

	if (!text_next_word(&line, &word))
		return 0;
	if (text_equal(word, "protection:"))
		return protection_parse(line, &zone->protection);
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (text_equal(word, rows[i].key))
			return text_to_u64(line, rows[i].value);
	}
	return 0;
}

/* "Node 0, zone   Normal" */
static int zone_line_node(struct text line, uint64_t *ret_node)
{
	line.at += sizeof("Node ") - 1;
	return text_take_u64(&line, ret_node);
}

int node_zones_parse(const char *data, size_t len, const struct node_set *nodes,
		     struct node_zones *ret)
{
	struct text rest = TEXT(data, len), line;
	struct node_zones sum = {};
	struct zone zone = {};
	uint64_t node;
	int r = 0;

	while (r >= 0 && text_next_line(&rest, &line)) {
		if (line.end == data + len)
			r = -EINVAL; /* cut */
		else if (!text_has_prefix(line, "Node "))
			r = zone.wanted ? zone_parse_line(line, &zone) : 0;
		else {
			add_zone(&zone, &sum);
			r = zone_line_node(line, &node);
			zone = (struct zone){.wanted = r >= 0 && node_set_contains(nodes, node)};
		}
	}
	if (r < 0)
		return r;
	add_zone(&zone, &sum);
	if (sum.present_pages == 0)
		return -ENODATA;
	*ret = sum;
	return 0;
}

static int pcp_parse_line(struct text line, const struct node_set *nodes, struct pcp *p)
{
	bool is_zone = nodes && text_has_prefix(line, "Node ");
	uint64_t number = 0;
	struct text key;
	int r = 0;

	if (is_zone) {
		r = zone_line_node(line, &number);
		p->elsewhere = !node_set_contains(nodes, number);
	} else if (text_next_word(&line, &key)) {
		if (text_equal(key, "count:") && !p->elsewhere)
			r = text_to_u64(line, &number);
		p->pages = u64_add(p->pages, number);
		p->grows = p->grows || text_equal(key, "high_max:");
	}
	return r;
}

int pcp_add(const char *data, size_t len, const struct node_set *nodes, struct pcp *sum)
{
	struct text rest = TEXT(data, len), line;
	struct pcp p = *sum;

	while (text_next_line(&rest, &line)) {
		int r = pcp_parse_line(line, nodes, &p);

		if (r < 0)
			return r;
	}
	*sum = p;
	return 0;
}

/* What reclaim leaves of a cache: half of it, or what the low watermarks ask for if that is less.
 */
static uint64_t reclaimable(uint64_t cache, uint64_t low)
{
	return cache - u64_min(cache / 2, low);
}

void nodes_to_sample(const struct node_meminfo *m, const struct node_zones *z, uint64_t page_size,
		     const struct sample *host, struct sample *s)
{
	uint64_t low = u64_mul(z->low_pages, page_size);
	uint64_t reserve = u64_mul(z->reserve_pages, page_size);
	uint64_t total = u64_max(m->total_bytes, 1);
	uint64_t available = u64_add(u64_add(m->free_bytes, reclaimable(m->file_bytes, low)),
				     reclaimable(m->reclaimable_bytes, low));

	s->mem = (struct meminfo){
		.total_bytes = total,
		.free_bytes = m->free_bytes,
		.available_bytes = u64_min(u64_sub(available, reserve), total),
		.swap_total_bytes = host->mem.swap_total_bytes,
		.swap_free_bytes = host->mem.swap_free_bytes,
		.shmem_bytes = m->shmem_bytes,
		.unreclaimable_bytes = m->slab_unreclaimable_bytes,
		.active_anon_bytes = m->active_anon_bytes,
		.inactive_anon_bytes = m->inactive_anon_bytes,
		.unevictable_bytes = m->unevictable_bytes,
	};
	s->zram = host->zram;
}

/* Rounded up: the smallest size is still one. */
static struct limit limit_as_share(struct limit l, uint64_t total_bytes)
{
	if (l.permyriad != LIMIT_UNSET || l.bytes == LIMIT_UNSET || total_bytes == 0)
		return l;
	l.permyriad = u64_min(u64_muldiv(l.bytes, 10000, total_bytes) + (l.bytes > 0), 10000);
	return l;
}

void domain_configure(const struct config *host, const struct meminfo *mem, struct config *ret)
{
	uint64_t memory = meminfo_ordinary_bytes(mem);

	*ret = *host;
	ret->warning_memory = limit_as_share(host->warning_memory, memory);
	ret->soft_memory = limit_as_share(host->soft_memory, memory);
	ret->hard_memory = limit_as_share(host->hard_memory, memory);
	ret->warning_swap = limit_as_share(host->warning_swap, mem->swap_total_bytes);
	ret->soft_swap = limit_as_share(host->soft_swap, mem->swap_total_bytes);
	ret->hard_swap = limit_as_share(host->hard_swap, mem->swap_total_bytes);
}
