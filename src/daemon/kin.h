/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The search for a family when the best single victim cannot end a shortage that is made by many
 * (core/family.h): who holds how much now, and who has been growing (sys/growth.h). It reads
 * everybody who could matter in full, so it is made only where the victim that was found is no
 * answer.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/family.h"
#include "sys/growth.h"

struct daemon;
struct sample;
struct scan_request;

struct kin {
	struct growth growth;
	unsigned capacity;
	struct relative *relatives;

	unsigned count; /* of relatives, in the last search */
	uint64_t grown_bytes;
	const struct growth_book *base;
	bool found;
	struct family family; /* its members that have to die are the first relatives */

	unsigned relief_sec; /* what the last search was for, and the last kill of a family */
	unsigned taken_sec;
	uint64_t taken_usec; /* that kill; 0: there was none */
};

/* Room for so many processes, while there is memory for it. */
void kin_reserve(struct kin *k, unsigned processes);

/* Takes in the notes that have come. */
void kin_collect(struct daemon *d, const struct sample *now);

/*
 * After a scan: whether a family dies in the place of its victim. If so the victim is the family's
 * largest member from now on. @consumed_bytes: what is used up a second.
 */
void kin_find(struct daemon *d, const struct scan_request *request, const struct sample *now,
	      uint64_t consumed_bytes);

/* Whether the family that was found last is @victim's. */
bool kin_is_of(const struct kin *k, struct process_id victim);

/* It is the one that dies. */
void kin_taken(struct kin *k, uint64_t now_usec);
