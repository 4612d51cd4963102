/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Target: /proc/pressure/memory. */
#include "fuzz.h"

#include "core/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct psi p;
	int r;

	memset(&p, 0xa5, sizeof(p));
	r = psi_parse((const char *)data, size, &p);
	PROMISE(r == 0 || r == -EINVAL || r == -ERANGE);
	PROMISE(r == 0 || is_untouched(&p, sizeof(p), 0xa5));
	return 0;
}
