/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two looks of group-shmem.h, and the choice among a group's processes.
 */
#include "sys/group-shmem.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/text.h"
#include "sys/cgroup.h"
#include "sys/fs.h"
#include "sys/group-walk.h"
#include "sys/process-file.h"

#define STAT_SIZE   8192
#define MEMBERS_MAX 1024 /* of one group; in a larger one nobody is named */

/* A look that is older says nothing of who takes it now. */
#define STALE_USEC (10 * UINT64_C(1000000))

/* Who is named was in the kernel for so much of the pause, and for more than the others together.
 */
#define BUSY_DIVISOR 3

/* What a group held when it was looked at last. */
struct slot {
	struct group_mark mark;
	uint64_t bytes;
};

struct member {
	struct process_id id;
	uint64_t ticks; /* of the system, which is who writes */
};

struct shmem_watch {
	int root_fd, proc_fd;
	uint64_t look; /* counts from 1 */
	uint64_t time_usec;

	int most_fd; /* the directory of the group that has grown most, in this look */
	uint64_t most_bytes, all_bytes;
	char most[sizeof(((struct shmem_writer *)0)->group)];
	struct slot slots[GROUP_MARKS];

	unsigned count; /* of members of that group */
	struct member members[MEMBERS_MAX];
};

static bool read_shmem(int dir_fd, uint64_t *ret_bytes)
{
	char text[STAT_SIZE];
	struct text rest, line, key;
	size_t len;

	if (fs_read_at(dir_fd, "memory.stat", text, sizeof(text), &len) < 0)
		return false;
	rest = TEXT(text, len);
	while (text_next_line(&rest, &line)) {
		if (!text_next_word(&line, &key) || !text_equal(key, "shmem"))
			continue;
		return text_take_u64(&line, ret_bytes) >= 0;
	}
	return false;
}

static bool look_at_group(void *userdata, const struct group_level *at)
{
	struct shmem_watch *w = userdata;
	struct slot now = {.mark.look = w->look}, *slot;
	struct stat st;
	uint64_t grown;
	bool known;

	if (fstat(at->fd, &st) < 0 || !read_shmem(at->fd, &now.bytes))
		return false;
	now.mark.id = st.st_ino;
	slot = group_mark_find(w->slots, sizeof(*slot), now.mark.id, w->look);
	if (!slot)
		return true;
	/* who was not there at the look before may have taken all of it since then, or nothing */
	known = slot->mark.id == now.mark.id && slot->mark.look + 1 == w->look;
	grown = known ? u64_sub(now.bytes, slot->bytes) : now.bytes;
	*slot = now;
	w->all_bytes = u64_add(w->all_bytes, grown);
	if (!known || grown <= w->most_bytes)
		return true;
	fs_closep(&w->most_fd);
	w->most_fd = fcntl(at->fd, F_DUPFD_CLOEXEC, 0);
	w->most_bytes = grown;
	memset(w->most, 0, sizeof(w->most));
	strncpy(w->most, at->name, sizeof(w->most) - 1);
	return true;
}

static int read_member(int proc_fd, pid_t pid, struct process_stat *ret)
{
	char path[32];

	strcpy(fs_format_pid(path, pid), "/stat");
	return process_read_stat(proc_fd, path, ret);
}

static void note_member(void *userdata, pid_t pid)
{
	struct shmem_watch *w = userdata;
	struct process_stat stat;

	if (w->count < MEMBERS_MAX && read_member(w->proc_fd, pid, &stat) >= 0)
		w->members[w->count++] = (struct member){{pid, stat.start_time}, stat.system_ticks};
}

/* The one that the kernel is busy for meanwhile; pid 0: nobody, or several. */
static struct process_id find_busiest(struct shmem_watch *w)
{
	uint64_t enough = (uint64_t)sysconf(_SC_CLK_TCK) * SHMEM_PAUSE_USEC / 1000000 /
			  BUSY_DIVISOR;
	struct process_id busiest = {};
	uint64_t most = 0, all = 0;
	struct process_stat stat;

	w->count = 0;
	(void)cgroup_for_each_member(w->most_fd, ".", note_member, w);
	if (w->count == 0 || w->count == MEMBERS_MAX)
		return busiest;
	nanosleep(&(struct timespec){.tv_nsec = SHMEM_PAUSE_USEC * 1000L}, NULL);
	for (unsigned i = 0; i < w->count; i++) {
		const struct member *was = &w->members[i];
		uint64_t ticks;

		if (read_member(w->proc_fd, was->id.pid, &stat) < 0 ||
		    stat.start_time != was->id.start_time)
			continue;
		ticks = u64_sub(stat.system_ticks, was->ticks);
		all += ticks;
		if (ticks <= most)
			continue;
		most = ticks;
		busiest = was->id;
	}
	return most >= enough && most > all / 2 ? busiest : (struct process_id){};
}

struct shmem_watch *shmem_watch_new(int root_fd, int proc_fd)
{
	/* mapped: on a machine where no tmpfs is filled its pages are never there */
	struct shmem_watch *w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (w == MAP_FAILED)
		return NULL;
	w->root_fd = root_fd;
	w->proc_fd = proc_fd;
	return w;
}

void shmem_watch_free(struct shmem_watch *w)
{
	if (w)
		munmap(w, sizeof(*w));
}

void shmem_watch_look(struct shmem_watch *w, uint64_t now_usec, struct shmem_writer *ret)
{
	uint64_t elapsed = w->look++ == 0 ? 0 : u64_sub(now_usec, w->time_usec);

	*ret = (struct shmem_writer){.elapsed_usec = elapsed};
	w->time_usec = now_usec;
	w->most_fd = -1;
	w->most_bytes = w->all_bytes = 0;
	group_walk(w->root_fd, look_at_group, w);
	if (elapsed > 0 && elapsed < STALE_USEC && w->most_fd >= 0 &&
	    w->most_bytes >= w->all_bytes / 2) {
		ret->id = find_busiest(w);
		ret->grown_bytes = w->most_bytes;
		memcpy(ret->group, w->most, sizeof(ret->group));
	}
	fs_closep(&w->most_fd);
}
