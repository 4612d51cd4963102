/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sorts relatives by what they share and weighs each run of them; see family.h. qsort() is not
 * used: glibc's allocates.
 */
#include "family.h"

#include <string.h>

/* Members have grown by this share of what the fastest of them has, at least. */
#define ALIKE_DIVISOR 16

const char *kinship_name(enum kinship k)
{
	switch (k) {
	case KINSHIP_PARENT_AND_NAME:
		return "parent and name";
	case KINSHIP_PARENT_AND_GROUP:
		return "parent and process group";
	case KINSHIP_GROUP_AND_NAME:
		return "process group and name";
	}
	return "unknown";
}

static bool is_number(char c)
{
	return (c >= '0' && c <= '9') || c == '-' || c == '_' || c == ':' || c == '/' || c == '.';
}

uint32_t family_name(const char *comm)
{
	size_t len = strlen(comm), stem = len;
	uint32_t hash = 2166136261; /* FNV-1a */

	while (stem > 0 && is_number(comm[stem - 1]))
		stem--;
	for (size_t i = 0; i < (stem > 0 ? stem : len); i++)
		hash = (hash ^ (unsigned char)comm[i]) * 16777619;
	return hash;
}

/* What two that are kin have in common. */
struct key {
	uid_t uid;
	uint32_t first, second;
};

/* False: nobody is its kin in this way, because everybody or nobody shares it. */
static bool key_of(const struct relative *r, enum kinship kinship, struct key *ret)
{
	/* of init, or of another pid namespace */
	bool parent = r->ppid > 1, group = r->pgrp > 1;

	switch (kinship) {
	case KINSHIP_PARENT_AND_NAME:
		*ret = (struct key){r->uid, (uint32_t)r->ppid, r->name};
		return parent;
	case KINSHIP_PARENT_AND_GROUP:
		*ret = (struct key){r->uid, (uint32_t)r->ppid, (uint32_t)r->pgrp};
		return parent && group;
	case KINSHIP_GROUP_AND_NAME:
		*ret = (struct key){r->uid, (uint32_t)r->pgrp, r->name};
		return group;
	}
	return false;
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_keys(struct key a, struct key b)
{
	int c = compare_u64(a.uid, b.uid);

	if (c == 0)
		c = compare_u64(a.first, b.first);
	return c != 0 ? c : compare_u64(a.second, b.second);
}

static bool are_kin(const struct relative *a, const struct relative *b, enum kinship kinship)
{
	struct key key_a, key_b;

	return key_of(a, kinship, &key_a) && key_of(b, kinship, &key_b) &&
	       compare_keys(key_a, key_b) == 0;
}

/* Kin beside each other, and who has grown most first. */
static bool comes_before(const struct relative *a, const struct relative *b, enum kinship kinship)
{
	struct key key_a = {}, key_b = {};
	int c;

	(void)key_of(a, kinship, &key_a);
	(void)key_of(b, kinship, &key_b);
	c = compare_keys(key_a, key_b);
	return c != 0 ? c < 0 : a->grown_bytes > b->grown_bytes;
}

static void swap(struct relative *a, struct relative *b)
{
	struct relative c = *a;

	*a = *b;
	*b = c;
}

/* Heapsort: the heap's top is what comes last. */
static void sift_down(struct relative *heap, unsigned at, unsigned count, enum kinship kinship)
{
	for (unsigned child; (child = 2 * at + 1) < count; at = child) {
		if (child + 1 < count && comes_before(&heap[child], &heap[child + 1], kinship))
			child++;
		if (!comes_before(&heap[at], &heap[child], kinship))
			return;
		swap(&heap[at], &heap[child]);
	}
}

static void sort(struct relative *all, unsigned count, enum kinship kinship)
{
	for (unsigned i = count / 2; i-- > 0;)
		sift_down(all, i, count, kinship);
	for (unsigned i = count; i-- > 1;) {
		swap(&all[0], &all[i]);
		sift_down(all, 0, i, kinship);
	}
}

/* @run: kin, who has grown most first. */
static struct family weigh(const struct relative *run, unsigned count, enum kinship kinship)
{
	int64_t held = 0, adj = 0, taken = 0, given = 0;
	struct family f = {.kinship = kinship};

	for (; f.size < count; f.size++) {
		const struct relative *r = &run[f.size];

		if (r->grown_bytes < run->grown_bytes / ALIKE_DIVISOR)
			break;
		f.held_bytes = u64_add(f.held_bytes, r->bytes);
		f.grown_bytes = u64_add(f.grown_bytes, r->grown_bytes);
		held += r->held_pages;
		adj += r->adj_pages;
		if (r->bias_pages < 0)
			taken += r->bias_pages;
		else if (r->bias_pages > given)
			given = r->bias_pages;
	}
	f.points = held + adj / (int64_t)f.size + taken + given;
	return f;
}

static bool is_to_blame(const struct family *f, const struct family_need *need)
{
	return f->size >= FAMILY_MIN && f->grown_bytes > 0 &&
	       f->grown_bytes >= need->grown_bytes / 2 && f->held_bytes > need->rival_bytes &&
	       f->points > need->rival_points;
}

static unsigned run_length(const struct relative *run, unsigned count, enum kinship kinship)
{
	unsigned length = 1;

	while (length < count && are_kin(run, &run[length], kinship))
		length++;
	return length;
}

static int64_t points_of(const struct relative *r)
{
	return r->held_pages + r->adj_pages + r->bias_pages;
}

/* The best of @all to the front, as many as have to die. */
static void choose_members(struct relative *all, const struct family_need *need, struct family *f)
{
	while (f->count < f->size && f->count < FAMILY_MAX &&
	       (f->count == 0 || f->bytes < need->bytes)) {
		unsigned best = f->count;

		for (unsigned i = f->count + 1; i < f->size; i++) {
			if (points_of(&all[i]) > points_of(&all[best]))
				best = i;
		}
		swap(&all[f->count], &all[best]);
		f->bytes = u64_add(f->bytes, all[f->count].bytes);
		f->count++;
	}
}

bool family_find(struct relative *all, unsigned count, const struct family_need *need,
		 struct family *ret)
{
	struct family best = {}, f;
	struct relative first = {};

	for (enum kinship k = KINSHIP_PARENT_AND_NAME; k <= KINSHIP_GROUP_AND_NAME; k++) {
		sort(all, count, k);
		for (unsigned at = 0; at < count; at += run_length(&all[at], count - at, k)) {
			f = weigh(&all[at], run_length(&all[at], count - at, k), k);
			if (!is_to_blame(&f, need) || (best.size > 0 && f.points <= best.points))
				continue;
			best = f;
			first = all[at];
		}
	}
	if (best.size == 0)
		return false;

	sort(all, count, best.kinship);
	for (unsigned at = 0; at < count; at += run_length(&all[at], count - at, best.kinship)) {
		if (!are_kin(&all[at], &first, best.kinship))
			continue;
		for (unsigned i = 0; i < best.size; i++)
			swap(&all[i], &all[at + i]);
		break;
	}
	choose_members(all, need, &best);
	*ret = best;
	return true;
}
