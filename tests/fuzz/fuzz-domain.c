/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Target: memory.stat and others of a control group, meminfo and zoneinfo of nodes, sets of nodes.
 */
#include "fuzz.h"

#include "core/domain.h"

static const struct sample host = {.mem = {.total_bytes = UINT64_C(1) << 33}};

static void check_group(const char *data, size_t size)
{
	struct memcg m = {.max_bytes = 77};
	struct sample s = {};
	uint64_t kills = 77;
	int r;

	r = memcg_bytes_parse(data, size, &m.max_bytes);
	PROMISE(r == 0 || r == -EINVAL || r == -ERANGE);
	PROMISE(r == 0 || m.max_bytes == 77);
	r = memcg_events_parse(data, size, &kills);
	PROMISE(r == 0 || r == -EINVAL || r == -ERANGE || r == -ENODATA);
	PROMISE(r == 0 || kills == 77);

	memset(&m.stat, 0xa5, sizeof(m.stat));
	r = memcg_stat_parse(data, size, &m.stat);
	PROMISE(r == 0 || r == -EINVAL || r == -ERANGE || r == -ENODATA);
	PROMISE(r == 0 || is_untouched(&m.stat, sizeof(m.stat), 0xa5));
	memcg_to_sample(&m, &host, &s);
	PROMISE(s.mem.available_bytes <= s.mem.total_bytes);
	PROMISE(s.mem.swap_free_bytes <= s.mem.swap_total_bytes);
}

static void check_nodes(const char *data, size_t size)
{
	struct node_set set = {.bits = {3}}, parsed;
	struct node_meminfo m;
	struct node_zones z;
	struct pcp pcp, before;
	struct sample s = {};
	int r;

	memset(&parsed, 0xa5, sizeof(parsed));
	r = node_set_parse(TEXT(data, size), &parsed);
	PROMISE(r == 0 || r == -EINVAL || r == -ERANGE);
	PROMISE(r == 0 || is_untouched(&parsed, sizeof(parsed), 0xa5));
	r = status_mems_parse(data, size, &parsed);
	PROMISE(r == 0 || r == -EINVAL || r == -ERANGE || r == -ENODATA);

	memset(&m, 0xa5, sizeof(m));
	r = node_meminfo_add(data, size, &m);
	PROMISE(r == 0 || r == -EINVAL || r == -ERANGE || r == -ENODATA);
	PROMISE(r == 0 || is_untouched(&m, sizeof(m), 0xa5));
	memset(&z, 0xa5, sizeof(z));
	r = node_zones_parse(data, size, &set, &z);
	PROMISE(r == 0 || r == -EINVAL || r == -ERANGE || r == -ENODATA);
	PROMISE(r == 0 || is_untouched(&z, sizeof(z), 0xa5));
	memset(&pcp, 0xa5, sizeof(pcp));
	pcp.grows = pcp.elsewhere = false; /* what it reads: no other byte is a bool */
	before = pcp;
	r = pcp_add(data, size, size % 2 == 0 ? &set : NULL, &pcp);
	PROMISE(r == 0 || r == -EINVAL || r == -ERANGE);
	PROMISE(r == 0 || memcmp(&pcp, &before, sizeof(pcp)) == 0);
	nodes_to_sample(&m, &z, 4096, &host, &s);
	PROMISE(s.mem.available_bytes <= s.mem.total_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_group((const char *)data, size);
	check_nodes((const char *)data, size);
	return 0;
}
