/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files, defaults and patterns; see rules.h.
 */
#include "ctl/rules.h"

#include <stdlib.h>
#include <sysexits.h>

#include "build-config.h"
#include "ctl/ctl.h"
#include "sys/config-file.h"

static void complain(void *userdata, const char *message)
{
	(void)userdata;
	(void)ctl_fail("%s", message);
}

int rules_read(const char *path, const struct meminfo *mem, struct rules *ret)
{
	enum config_required required = path ? CONFIG_REQUIRED : CONFIG_OPTIONAL;
	struct config_files files = {};
	struct config_loader l;
	int r;

	config_loader_init(&l, complain, NULL);
	r = config_files_read(&l, path ? path : REAPD_CONFIG_FILE, required, &files);
	if (r >= 0) {
		config_loader_check(&l, meminfo_ordinary_bytes(mem), mem->swap_total_bytes);
		*ret = (struct rules){.patterns = patterns_new(&l)};
		ret->config = l.config;
	}
	config_files_done(&files);
	if (r < 0)
		return ctl_fail("out of memory");
	if (l.mistakes > 0 || !ret->patterns) {
		rules_done(ret);
		return l.mistakes > 0 ? EX_CONFIG : ctl_fail("out of memory");
	}
	return EXIT_SUCCESS;
}

void rules_done(struct rules *r)
{
	patterns_free(r->patterns);
	*r = (struct rules){};
}
