/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the scan share: the scanner itself, and how one process is taken into a result.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "sys/scan.h"

#define DENTS_SIZE 4096
#define SCORES	   2048 /* (1000 + 1000 + 1000) * 2 / 3, and room for page tables on top */
#define NOBODY	   UINT32_MAX

struct scanner {
	int proc_fd;
	int64_t counter_error_pages;
	unsigned capacity;
	unsigned count;
	pid_t *pids;
	int32_t *scores;
	uint32_t *next;		/* the next of the same score */
	uint32_t heads[SCORES]; /* the first of each score */
	int cursor_score;	/* where the walk from the highest score down stands */
	uint32_t cursor;
	struct process_id aside[SCAN_ASIDE];
	unsigned aside_next;
	_Alignas(uint64_t) char dents[DENTS_SIZE]; /* of struct linux_dirent64 */
};

/* Reads one process in full and takes it into @result, unless it is there already. */
void scanner_consider(struct scanner *s, const struct scan_request *request, pid_t pid,
		      struct scan_result *result);

/*
 * Considers everybody of request->domain that has a score: an end before all are read, as in the
 * search for the host, is not possible, because an oom_score tells of the host's total, and
 * oom_score_adj weighs by the domain's.
 */
void scanner_search_domain(struct scanner *s, const struct scan_request *request,
			   struct scan_result *result);
