/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Target: /proc/swaps, and mm_stat of zram, whose line is much like one of its. */
#include "fuzz.h"

#include "core/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct swap_area areas[SWAP_AREAS_MAX];
	const struct swap_area *leaving;
	struct zram_stat stat;
	struct zram z = {};
	unsigned count = 77;
	int r;

	memset(areas, 0xa5, sizeof(areas));
	r = swap_areas_parse((const char *)data, size, areas, &count);
	PROMISE(r == 0 || r == -EINVAL || r == -ERANGE);
	PROMISE(r == 0 || (count == 77 && is_untouched(areas, sizeof(areas), 0xa5)));
	PROMISE(r < 0 || count <= SWAP_AREAS_MAX);
	PROMISE(r < 0 || swap_areas_leaving_bytes(areas, count, size, &leaving) <= size);

	memset(&stat, 0xa5, sizeof(stat));
	r = zram_stat_parse((const char *)data, size, &stat);
	PROMISE(r == 0 || r == -EINVAL || r == -ERANGE);
	PROMISE(r == 0 || is_untouched(&stat, sizeof(stat), 0xa5));
	if (r == 0)
		zram_add(&z, size, &stat);
	return 0;
}
