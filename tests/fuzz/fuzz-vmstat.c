/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Target: /proc/vmstat. */
#include "fuzz.h"

#include "core/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vmstat v;
	int r;

	memset(&v, 0xa5, sizeof(v));
	r = vmstat_parse((const char *)data, size, &v);
	PROMISE(is_parse_result(r));
	PROMISE(r == 0 || is_untouched(&v, sizeof(v), 0xa5));
	return 0;
}
