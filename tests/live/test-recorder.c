/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recorder's thread, its file and its ring: what is written is read back by a replay, what
 * cannot be written is counted and leaves no half line, and the loop never waits.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "core/replay.h"
#include "daemon/recorder.h"

#define STEPS 20000

static char path[64], directory[64];
static char text[8 << 20];
static struct policy policy;

static int make_path(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/reapd-recorder-%d", (int)getpid());
	return 0;
}

static int remove_path(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static struct config config; /* by default */

static void start(struct recorder *r, struct recorder_targets targets)
{
	struct config_loader l;

	config_loader_init(&l, NULL, NULL);
	config = l.config;
	assert_int_equal(recorder_start(r, &targets), 0);
	policy_init(&policy, &config, 1);
	recorder_begin(r, &config, 1);
}

static void begin(struct recorder *r)
{
	int fd = recorder_open(path);

	assert_true(fd >= 0);
	start(r, (struct recorder_targets){.file_fd = fd, .store_fd = -1});
}

static void add(struct recorder *r, uint64_t time_usec)
{
	struct observation o = {.sample = {.time_usec = time_usec,
					   .mem = {.total_bytes = 1000, .available_bytes = 900}}};
	struct action a = {};

	recorder_add(r, &o, &a, &policy);
}

static int result_of(struct recorder *r)
{
	struct recorder_result result;

	return recorder_result(r, &result) > 0 ? result.error : 0;
}

static struct replay replay_path(const char *from)
{
	struct replay r = {};
	size_t len;
	FILE *f = fopen(from, "rb");

	assert_non_null(f);
	len = fread(text, 1, sizeof(text), f);
	fclose(f);
	assert_true(len < sizeof(text));
	if (replay_run(&r, text, len) < 0)
		fail_msg("line %u: expected %s", r.line, r.expected);
	return r;
}

static struct replay replay_file(void)
{
	return replay_path(path);
}

static void test_opening(void **state)
{
	static struct recorder off = {.fd = -1};

	(void)state;
	assert_int_equal(recorder_open("/no/such/directory/file"), -ENOENT);
	assert_int_equal(recorder_open("/tmp"), -EISDIR);
	assert_int_equal(recorder_open("/dev/null"), -EINVAL);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(recorder_open(path) < 0); /* and without waiting for a reader */

	/* not asked for: nothing happens */
	start(&off, (struct recorder_targets){.file_fd = -1, .store_fd = -1});
	recorder_configure(&off, &config);
	add(&off, 1);
	assert_int_equal(result_of(&off), 0);
	assert_int_equal(recorder_keep(&off, TRACE_OF_REQUEST, 0), -ENOTDIR);
	recorder_stop(&off, 1000000);
}

/* Faster than any disk: whatever is missing in the file is counted in the file. */
static void test_flood(void **state)
{
	static struct recorder r;
	struct replay read;
	uint64_t began = now_usec(), took;

	(void)state;
	begin(&r);
	for (unsigned i = 0; i < STEPS; i++)
		add(&r, 1000 + i);
	took = now_usec() - began;
	recorder_stop(&r, DEADLINE_USEC);
	assert_int_equal(result_of(&r), 0);
	read = replay_file();
	assert_int_equal(read.steps + read.lost + r.lost, STEPS);
	assert_true(read.steps > 100);
	assert_false(read.parted || read.cut);
	printf("%u steps, %u of them written, %llu us\n", STEPS, read.steps,
	       (unsigned long long)took);
}

/* A machine that runs out of memory again and again: each answer rests on many steps before. */
static unsigned act(struct recorder *r, unsigned first, unsigned count)
{
	static struct action before;
	unsigned kills = 0;

	for (unsigned i = first; i < first + count; i++) {
		struct observation o = {
			.sample = {.time_usec = 1000000 + UINT64_C(20000) * i,
				   .has_psi = true,
				   .psi = {10000 * i, 5000 * i},
				   .mem = {.total_bytes = 1000000,
					   .available_bytes = 2500 * (400 - i % 400)}}};

		if (before.kind == ACTION_SCAN) {
			o.scan = SCAN_VICTIM;
			o.candidate = (struct process_id){(int)i, i};
			o.candidate_bytes = 900000;
		}
		if (policy.phase == PHASE_AWAITING)
			o.victim = i % 7 == 0 ? VICTIM_DEAD : VICTIM_ALIVE;
		before = policy_step(&policy, &o);
		kills += before.kind == ACTION_TERM || before.kind == ACTION_KILL;
		recorder_add(r, &o, &before, &policy);
	}
	return kills;
}

static int make_directory(void **state)
{
	(void)make_path(state);
	snprintf(directory, sizeof(directory), "/tmp/reapd-traces-%d", (int)getpid());
	return mkdir(directory, 0700);
}

static int remove_directory(void **state)
{
	char command[128];

	(void)remove_path(state);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command);
}

static void begin_ring(struct recorder *r, size_t size)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	start(r, (struct recorder_targets){.file_fd = -1, .ring_bytes = size, .store_fd = fd});
}

/* Has it written and replayed; the file's name is in @ret_name. */
static int keep(struct recorder *r, enum trace_kind kind, char ret_name[static TRACE_NAME_SIZE])
{
	struct recorder_result result;
	uint64_t begun = now_usec();

	while (recorder_keep(r, kind, 77) == -EAGAIN)
		assert_true(now_usec() - begun < DEADLINE_USEC);
	while (recorder_result(r, &result) == 0)
		assert_true(now_usec() - begun < DEADLINE_USEC);
	assert_int_equal(result.kind, RECORDER_KEPT);
	assert_int_equal(result.trace_kind, kind);
	memcpy(ret_name, result.name, TRACE_NAME_SIZE);
	return result.error;
}

static struct replay keep_and_replay(struct recorder *r, off_t *ret_size)
{
	char name[TRACE_NAME_SIZE], file[192];
	struct stat st;

	assert_int_equal(keep(r, TRACE_OF_REQUEST, name), 0);
	assert_int_equal(strncmp(name, "record-2", 8), 0);
	snprintf(file, sizeof(file), "%s/%s", directory, name);
	assert_int_equal(stat(file, &st), 0);
	*ret_size = st.st_size;
	return replay_path(file);
}

/* What is left in the ring decides as it did, whatever has been forgotten before it. */
static void test_ring(void **state)
{
	static struct recorder r;
	unsigned kills = 0, done = 0;
	struct replay read;
	off_t size;

	(void)state;
	begin_ring(&r, 64 << 10);
	for (unsigned i = 0; i < 40; i++) {
		kills += act(&r, done, 251);
		done += 251;
		recorder_stop(&r, DEADLINE_USEC); /* until it has caught up */
		read = keep_and_replay(&r, &size);
		assert_false(read.parted || read.cut || read.ended);
		assert_int_equal(read.lost, 0);
		assert_true(size <= (64 << 10) + 100); /* with its title */
		assert_int_equal(strncmp(text, "# The last minutes, written ", 28), 0);
		assert_true(i < 2 ? read.steps == done : read.steps > 150);
		if (i == 20) { /* a reload does not come between */
			config.soft_memory.permyriad = 2000;
			policy_configure(&policy, &config);
			recorder_configure(&r, &config);
		}
	}
	assert_true(read.steps < done);
	assert_true(kills > 20);
	printf("%u steps in %ld bytes, %u kills\n", read.steps, (long)size, kills);
}

/* The thread hangs in a write, for as long as nobody reads; then what it has written is read. */
static void hang(struct recorder *r, char file[static 128])
{
	snprintf(file, 128, "%s/.unfinished", directory);
	assert_int_equal(mkfifo(file, 0600), 0);
	assert_int_equal(recorder_keep(r, TRACE_OF_KILL, 1), 0);
}

static void go_on(struct recorder *r, const char *file)
{
	struct recorder_result result;
	uint64_t begun = now_usec();
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	assert_true(fd >= 0);
	while (recorder_result(r, &result) == 0) {
		(void)!read(fd, text, sizeof(text));
		assert_true(now_usec() - begun < DEADLINE_USEC);
	}
	assert_int_equal(result.error, 0);
	close(fd);
}

/* Steps that were lost leave a gap, and behind it all is as it was. */
static void test_ring_gap(void **state)
{
	static struct recorder r;
	struct replay read;
	char file[128];
	unsigned kills;
	off_t size;

	(void)state;
	begin_ring(&r, 1 << 20);
	kills = act(&r, 0, 1000);
	hang(&r, file);
	kills += act(&r, 1000, 5000);
	go_on(&r, file);
	recorder_stop(&r, DEADLINE_USEC);
	kills += act(&r, 6000, 1000);
	recorder_stop(&r, DEADLINE_USEC);
	read = keep_and_replay(&r, &size);
	assert_false(read.parted || read.cut || read.ended);
	assert_true(read.lost > 1000);
	assert_int_equal(read.steps + read.lost, 7000);
	printf("%u steps, %llu lost, %u kills\n", read.steps, (unsigned long long)read.lost, kills);
}

static unsigned count_files(const char *prefix)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	unsigned count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	closedir(dir);
	return count;
}

static void make_file(const char *begin, unsigned number, const char *end)
{
	char file[192];
	int fd;

	snprintf(file, sizeof(file), "%s/%s%02u%s", directory, begin, number, end);
	fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static bool is_there(const char *name)
{
	char file[192];

	snprintf(file, sizeof(file), "%s/%s", directory, name);
	return access(file, F_OK) == 0;
}

static void test_thinning_out(void **state)
{
	static struct recorder r;
	char name[TRACE_NAME_SIZE];

	(void)state;
	begin_ring(&r, 64 << 10);
	(void)act(&r, 0, 500);
	for (unsigned i = 0; i < 20; i++) {
		make_file("kill-200001", i, "T000000Z-5.trace");
		make_file("record-200001", i, "T000000Z.trace");
		make_file("kill-", i, ".other");
	}
	assert_int_equal(keep(&r, TRACE_OF_KILL, name), 0);
	assert_int_equal(strncmp(name, "kill-2", 6), 0);
	assert_non_null(strstr(name, "Z-77.trace"));
	assert_true(is_there(name) && is_there("kill-20000119T000000Z-5.trace"));
	assert_false(is_there("kill-20000104T000000Z-5.trace"));
	assert_int_equal(count_files("kill-"), TRACE_FILES_MAX + 20);
	assert_int_equal(count_files("record-"), 20); /* of another kind */

	/* a clock that was set back: what was just written stays */
	for (unsigned i = 0; i < 20; i++)
		make_file("kill-999901", i, "T000000Z-5.trace");
	assert_int_equal(keep(&r, TRACE_OF_KILL, name), 0);
	assert_true(is_there(name));
	assert_int_equal(count_files("kill-"), TRACE_FILES_MAX + 20);
}

static void test_store_fails(void **state)
{
	static struct recorder r, without;
	struct rlimit before, small;
	char name[TRACE_NAME_SIZE];

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	begin_ring(&r, 64 << 10);
	(void)act(&r, 0, 500);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 1000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(keep(&r, TRACE_OF_KILL, name), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(count_files("kill-"), 0);
	assert_int_equal(count_files(".unfinished"), 0);
	assert_int_equal(rmdir(directory), 0);
	assert_int_equal(keep(&r, TRACE_OF_KILL, name), -ENOENT);
	assert_int_equal(mkdir(directory, 0700), 0);

	start(&without, (struct recorder_targets){-1, 64 << 10, -1});
	assert_int_equal(recorder_keep(&without, TRACE_OF_KILL, 1), -ENOTDIR);
}

/* A second start adds to the file, also below half a line. */
static void test_again(void **state)
{
	static struct recorder r;
	struct replay read;
	int fd;

	(void)state;
	begin(&r);
	add(&r, 1000);
	recorder_stop(&r, DEADLINE_USEC);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "step 2000 avai", 14), 14);
	close(fd);
	begin(&r);
	add(&r, 500);
	add(&r, 600);
	recorder_stop(&r, DEADLINE_USEC);
	read = replay_file();
	assert_int_equal(read.steps, 3);
	assert_true(read.cut);
}

/* The disk is full in the middle of a line, and has room again later. */
static void test_full(void **state)
{
	static struct recorder r;
	struct rlimit before, small;
	struct recorder_result result;
	struct replay read;
	struct stat st;
	uint64_t begun;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	begin(&r);
	add(&r, 1000);
	recorder_stop(&r, DEADLINE_USEC);
	assert_int_equal(stat(path, &st), 0);

	small = before;
	small.rlim_cur = (rlim_t)st.st_size + 25; /* one line of 10 bytes, and half of another */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (unsigned i = 0; i < 10; i++)
		add(&r, 2000 + i);
	begun = now_usec();
	while (recorder_result(&r, &result) == 0)
		assert_true(now_usec() - begun < DEADLINE_USEC);
	assert_int_equal(result.kind, RECORDER_FILE_FAILED);
	assert_int_equal(result.error, -ENOSPC);
	add(&r, 2999);
	recorder_stop(&r, DEADLINE_USEC);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(result_of(&r), 0); /* said once */
	read = replay_file();
	assert_false(read.cut);
	assert_int_equal(read.steps, 3);
}

/* What is written after a gap is told from how the policy was then, and never before that. */
static void test_full_gap(void **state)
{
	static struct recorder r;
	struct rlimit before, small;
	struct replay read;
	struct stat st;
	unsigned i = 100;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	begin(&r);
	(void)act(&r, 0, 100);
	recorder_stop(&r, DEADLINE_USEC);
	assert_int_equal(stat(path, &st), 0);
	small = before;
	small.rlim_cur = (rlim_t)st.st_size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (; policy.phase != PHASE_AWAITING; i++)
		(void)act(&r, i, 1);
	recorder_stop(&r, DEADLINE_USEC);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	for (unsigned end = i + 800; i < end; i += 10) {
		(void)act(&r, i, 10);
		recorder_stop(&r, DEADLINE_USEC); /* nothing is lost for want of room in the pipe */
	}
	read = replay_file();
	assert_false(read.cut || read.parted);
	assert_int_equal(read.steps + read.lost, i);
	assert_in_range(read.steps, 600, 899);
}

static int copy(int from, const char *to)
{
	char buffer[4096];
	int fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ssize_t n;

	while ((n = read(from, buffer, sizeof(buffer))) > 0) {
		if (write(fd, buffer, (size_t)n) != n)
			return 1;
	}
	return fd < 0 || n < 0;
}

/* A reload while the disk takes nothing and the pipe is full: the settings follow. */
static void test_reload_behind(void **state)
{
	static const char reload[] = "[Limits]\nSoftMemory=20%\n";
	static struct recorder r;
	struct config_loader l;
	struct pollfd room = {.events = POLLOUT};
	struct replay read;
	uint64_t lost = 0;
	unsigned i = 0;
	int fds[2], status;
	pid_t reader;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	room.fd = fds[1];
	start(&r, (struct recorder_targets){.file_fd = fds[1], .store_fd = -1});
	/* the thread waits for room in its file, and there is none for what it would read next */
	while (poll(&room, 1, 0) != 0 || r.lost - lost < 3000) {
		lost = r.lost;
		for (unsigned end = i + 3200; i < end; i += 64)
			(void)act(&r, i, 64);
	}
	config_loader_init(&l, NULL, NULL);
	config_loader_parse(&l, "test", reload, strlen(reload));
	config = l.config;
	policy_configure(&policy, &config);
	recorder_configure(&r, &config);
	reader = fork();
	assert_true(reader >= 0);
	if (reader == 0) {
		close(fds[1]);
		_exit(copy(fds[0], path));
	}
	for (unsigned end = i + 2000; i < end; i += 10) {
		(void)act(&r, i, 10);
		recorder_stop(&r, DEADLINE_USEC);
	}
	close(fds[1]);
	close(fds[0]);
	assert_int_equal(waitpid(reader, &status, 0), reader);
	assert_int_equal(status, 0);
	read = replay_file();
	assert_false(read.parted);
	assert_int_equal(read.steps + read.lost, i);
	assert_int_equal(read.loader.config.soft_memory.permyriad, 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_opening, make_path, remove_path),
		cmocka_unit_test_setup_teardown(test_flood, make_path, remove_path),
		cmocka_unit_test_setup_teardown(test_again, make_path, remove_path),
		cmocka_unit_test_setup_teardown(test_full, make_path, remove_path),
		cmocka_unit_test_setup_teardown(test_full_gap, make_path, remove_path),
		cmocka_unit_test_setup_teardown(test_reload_behind, make_path, remove_path),
		cmocka_unit_test_setup_teardown(test_ring, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(test_ring_gap, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(test_thinning_out, make_directory,
						remove_directory),
		cmocka_unit_test_setup_teardown(test_store_fails, make_directory, remove_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
