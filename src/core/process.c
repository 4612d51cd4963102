/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parsers of one process's files and the kernel's formulas over them; see process.h.
 */
#include "process.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static int text_to_pid(struct text t, pid_t *ret)
{
	int64_t value;
	int r = text_to_i64(t, &value);

	if (r < 0)
		return r;
	if (value < INT_MIN ||
	    value > INT_MAX) /* pgrp and ppid of a foreign namespace are 0 or -1 */
		return -ERANGE;
	*ret = (pid_t)value;
	return 0;
}

int process_stat_parse(const char *data, size_t len, struct process_stat *ret)
{
	const char *open = memchr(data, '(', len), *close = memrchr(data, ')', len);
	struct process_stat s = {};
	struct text rest, word;
	int r = 0;

	if (!open || !close || close < open)
		return -EINVAL;
	text_copy((struct text){open + 1, close}, s.comm, sizeof(s.comm));

	rest = text_trim((struct text){close + 1, data + len});
	for (int field = 3; field <= 22; field++) {
		if (!text_next_word(&rest, &word))
			return -EINVAL;
		switch (field) {
		case 3:
			if (text_len(word) != 1)
				return -EINVAL;
			s.state = *word.at;
			break;
		case 4:
			r = text_to_pid(word, &s.ppid);
			break;
		case 5:
			r = text_to_pid(word, &s.pgrp);
			break;
		case 9:
			r = text_to_u64(word, &s.flags);
			break;
		case 14:
			r = text_to_u64(word, &s.user_ticks);
			break;
		case 15:
			r = text_to_u64(word, &s.system_ticks);
			break;
		case 22:
			if (word.end[-1] == '\n')
				word.end--;
			else if (word.end == data + len)
				return -EINVAL; /* cut short it would name another process */
			r = text_to_u64(word, &s.start_time);
			break;
		}
		if (r < 0)
			return r;
	}

	*ret = s;
	return 0;
}

enum status_kind {
	STATUS_STATE,
	STATUS_PID,
	STATUS_LAST_PID,
	STATUS_UID,
	STATUS_COUNT,
	STATUS_MASK,
	STATUS_SIZE
};

static const struct {
	const char *key;
	enum status_kind kind;
	size_t offset;
} status_fields[] = {
	{"State", STATUS_STATE, offsetof(struct process_status, state)},
	{"Tgid", STATUS_PID, offsetof(struct process_status, tgid)},
	{"Uid", STATUS_UID, offsetof(struct process_status, uid)},
	{"VmSize", STATUS_SIZE, offsetof(struct process_status, total_vm_bytes)},
	{"RssAnon", STATUS_SIZE, offsetof(struct process_status, rss_anon_bytes)},
	{"RssFile", STATUS_SIZE, offsetof(struct process_status, rss_file_bytes)},
	{"RssShmem", STATUS_SIZE, offsetof(struct process_status, rss_shmem_bytes)},
	{"VmPTE", STATUS_SIZE, offsetof(struct process_status, pgtables_bytes)},
	{"VmSwap", STATUS_SIZE, offsetof(struct process_status, swap_bytes)},
	{"Threads", STATUS_COUNT, offsetof(struct process_status, threads)},
	{"SigPnd", STATUS_MASK, offsetof(struct process_status, pending)},
	{"ShdPnd", STATUS_MASK, offsetof(struct process_status, pending)},
	{"SigBlk", STATUS_MASK, offsetof(struct process_status, blocked)},
	{"SigIgn", STATUS_MASK, offsetof(struct process_status, ignored)},
	{"SigCgt", STATUS_MASK, offsetof(struct process_status, caught)},
	{"NSpid", STATUS_LAST_PID, offsetof(struct process_status, own_pid)},
};

static int status_parse_value(struct text value, enum status_kind kind, void *field)
{
	struct text word;
	uint64_t number;
	int r;

	switch (kind) {
	case STATUS_STATE:
		if (!text_next_word(&value, &word))
			return -EINVAL;
		*(char *)field = *word.at;
		return 0;
	case STATUS_PID:
		return text_to_pid(value, field);
	case STATUS_LAST_PID: /* from the outermost namespace to the innermost */
		word = (struct text){};
		while (text_next_word(&value, &word))
			;
		return text_to_pid(word, field);
	case STATUS_UID:
		r = text_take_u64(&value, &number); /* real, effective, saved, file system */
		if (r < 0)
			return r;
		if (number > UINT32_MAX)
			return -ERANGE;
		*(uid_t *)field = (uid_t)number;
		return 0;
	case STATUS_COUNT:
		return text_to_u64(value, field);
	case STATUS_MASK:
		value = text_trim(value);
		if (text_len(value) == 32) /* 128 signals, on MIPS; the first are the last digits */
			value.at = value.end - 16;
		r = text_to_u64_hex(value, &number);
		if (r < 0)
			return r;
		*(uint64_t *)field |= number;
		return 0;
	case STATUS_SIZE:
		return text_to_kb_as_bytes(value, field);
	}
	return -EINVAL;
}

static int status_parse_line(struct text line, struct process_status *s)
{
	struct text key, value;

	if (!text_split(line, ':', &key, &value))
		return 0;
	if (text_equal(key, "VmRSS"))
		s->has_mm = true;
	else if (text_equal(key, "CoreDumping"))
		s->core_dumping = text_equal(text_trim(value), "1");

	for (size_t i = 0; i < sizeof(status_fields) / sizeof(status_fields[0]); i++) {
		if (text_equal(key, status_fields[i].key))
			return status_parse_value(value, status_fields[i].kind,
						  (char *)s + status_fields[i].offset);
	}
	return 0;
}

int process_status_parse(const char *data, size_t len, struct process_status *ret)
{
	struct text rest = TEXT(data, len), line;
	struct process_status s = {};

	/* The first line, Name, is free text, but the kernel escapes newlines in it: skip it whole.
	 */
	if (!text_next_line(&rest, &line) || !text_has_prefix(line, "Name:"))
		return -EINVAL;

	while (text_next_line(&rest, &line)) {
		int r = status_parse_line(line, &s);

		if (r < 0)
			return r;
	}

	if (s.tgid == 0 || s.state == 0)
		return -EINVAL;
	*ret = s;
	return 0;
}

bool process_ignores_term(const struct process_status *status)
{
	if (status->blocked & SIGNAL_MASK(SIGTERM))
		return false;
	return status->ignored & SIGNAL_MASK(SIGTERM) ||
	       (status->own_pid == 1 && !(status->caught & SIGNAL_MASK(SIGTERM)));
}

int cgroup_parse(const char *data, size_t len, struct text *ret_path)
{
	struct text rest = TEXT(data, len), line, fallback = {};

	while (text_next_line(&rest, &line)) {
		struct text id, controllers, path;

		if (!text_split(line, ':', &id, &path) ||
		    !text_split(path, ':', &controllers, &path) || !text_has_prefix(path, "/"))
			return -EINVAL;
		if (text_equal(controllers, "name=systemd"))
			fallback = path;
		/* On a hybrid machine the v2 hierarchy is there but everything may sit in its root.
		 */
		if (text_equal(id, "0") && text_len(controllers) == 0 &&
		    !(fallback.at && text_equal(path, "/"))) {
			*ret_path = path;
			return 0;
		}
	}

	if (!fallback.at)
		return -ENODATA;
	*ret_path = fallback;
	return 0;
}

static bool list_contains(struct text list, const char *word)
{
	struct text first;

	while (text_split(list, ',', &first, &list)) {
		if (text_equal(first, word))
			return true;
	}
	return text_equal(list, word);
}

int cgroup_parse_v1(const char *data, size_t len, const char *controller, struct text *ret_path)
{
	struct text rest = TEXT(data, len), line, id, controllers, path;

	while (text_next_line(&rest, &line)) {
		if (!text_split(line, ':', &id, &path) ||
		    !text_split(path, ':', &controllers, &path) || !text_has_prefix(path, "/"))
			return -EINVAL;
		if (list_contains(controllers, controller)) {
			*ret_path = path;
			return 0;
		}
	}
	return -ENODATA;
}

static bool is_user_manager(struct text component)
{
	return text_has_prefix(component, "user@") && text_has_suffix(component, ".service");
}

int cgroup_path_units(struct text path, struct text *ret_unit, struct text *ret_user_unit)
{
	struct text units[2] = {}, component;
	unsigned count = 0;

	while (path.at < path.end && count < 2) {
		path.at++; /* the slash */
		if (!text_split(path, '/', &component, &(struct text){})) {
			component = path;
			path.at = path.end;
		} else {
			path.at = component.end;
		}
		if (text_has_suffix(component, ".slice"))
			continue;
		if (!text_has_suffix(component, ".service") &&
		    !text_has_suffix(component, ".scope"))
			break;
		units[count++] = component;
		if (!is_user_manager(component))
			break;
	}

	if (count == 0)
		return -ENODATA;
	*ret_unit = units[0];
	*ret_user_unit = units[1];
	return 0;
}

int cgroup_path_unit(struct text path, struct text *ret_unit)
{
	struct text unit, user_unit;
	int r = cgroup_path_units(path, &unit, &user_unit);

	if (r < 0)
		return r;
	*ret_unit = user_unit.at ? user_unit : unit;
	return 0;
}

void badness_compute(const struct process_status *status, int oom_score_adj, uint64_t total_pages,
		     uint64_t page_size, struct badness *ret)
{
	uint64_t rss_bytes = u64_add(u64_add(status->rss_anon_bytes, status->rss_file_bytes),
				     status->rss_shmem_bytes);
	struct badness b = {
		.rss_pages = (int64_t)(rss_bytes / page_size),
		.swap_pages = (int64_t)(status->swap_bytes / page_size),
		.pgtables_pages = (int64_t)(status->pgtables_bytes / page_size),
		.adj_pages = (int64_t)oom_score_adj * (int64_t)(total_pages / 1000),
	};

	b.points = b.rss_pages + b.swap_pages + b.pgtables_pages + b.adj_pages;
	*ret = b;
}

int64_t badness_to_oom_score(int64_t points, uint64_t total_pages)
{
	__int128 share = (__int128)points * 1000 / (int64_t)u64_max(total_pages, 1);

	return (int64_t)((1000 + share) * 2 / 3);
}

int64_t badness_upper_bound(int64_t oom_score, uint64_t total_pages)
{
	/* (1000 + q) * 2 / 3 == score, truncated, so q is at most: */
	int64_t share = (3 * oom_score + 2) / 2 - 1000;

	/* points * 1000 / total truncates towards zero: below zero the bound is the value itself */
	if (share >= 0)
		share++;
	return (int64_t)((__int128)share * (int64_t)total_pages / 1000) + 1;
}

const char *verdict_name(enum verdict v)
{
	switch (v) {
	case VERDICT_ELIGIBLE:
		return "eligible";
	case VERDICT_INIT:
		return "init";
	case VERDICT_SELF:
		return "self";
	case VERDICT_KTHREAD:
		return "kthread";
	case VERDICT_NO_MM:
		return "no-mm";
	case VERDICT_ADJ_MIN:
		return "adj-min";
	case VERDICT_VFORK:
		return "vfork";
	case VERDICT_DYING:
		return "dying";
	case VERDICT_ASIDE:
		return "aside";
	case VERDICT_IGNORED:
		return "ignored";
	case VERDICT_GONE:
		return "gone";
	}
	return "unknown";
}

int64_t process_oom_score(const struct process *p, uint64_t total_pages)
{
	if (!p->memory.has_mm || p->oom_score_adj == OOM_SCORE_ADJ_MIN)
		return 0;
	switch (p->verdict) {
	case VERDICT_INIT:
	case VERDICT_KTHREAD:
	case VERDICT_NO_MM:
	case VERDICT_ADJ_MIN:
	case VERDICT_VFORK:
	case VERDICT_GONE:
		return 0;
	case VERDICT_ELIGIBLE:
	case VERDICT_SELF:
	case VERDICT_DYING:
	case VERDICT_ASIDE:
	case VERDICT_IGNORED:
		break;
	}
	return badness_to_oom_score(p->badness.points, total_pages);
}

uint64_t process_expected_bytes(const struct process *p)
{
	return u64_add(u64_add(p->memory.rss_anon_bytes, p->memory.swap_bytes),
		       p->memory.pgtables_bytes);
}

static int64_t process_points(const struct process *p, enum sort_by by)
{
	switch (by) {
	case SORT_BY_BADNESS:
		return p->badness.points + p->bias_pages;
	case SORT_BY_RSS:
		return p->badness.rss_pages + p->bias_pages;
	}
	return 0;
}

bool process_beats(const struct process *a, const struct process *b, enum sort_by by)
{
	int64_t points_a = process_points(a, by), points_b = process_points(b, by);

	if (a->task_origin != b->task_origin)
		return a->task_origin;
	if (points_a != points_b)
		return points_a > points_b;
	if (a->id.start_time != b->id.start_time)
		return a->id.start_time > b->id.start_time;
	return a->id.pid > b->id.pid;
}
