/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Target: /proc/meminfo. */
#include "fuzz.h"

#include "core/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct meminfo m;
	int r;

	memset(&m, 0xa5, sizeof(m));
	r = meminfo_parse((const char *)data, size, &m);
	PROMISE(is_parse_result(r));
	if (r < 0) {
		PROMISE(is_untouched(&m, sizeof(m), 0xa5));
		return 0;
	}
	PROMISE(m.total_bytes > 0 && m.total_bytes % 1024 == 0);
	PROMISE(m.available_bytes <= m.total_bytes);
	PROMISE(m.swap_free_bytes <= m.swap_total_bytes);
	return 0;
}
