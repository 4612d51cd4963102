/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The start: command line, configuration, what must be opened with privileges, giving the
 * privileges up, threads, the drill, and then the loop. The order matters: the PSI trigger needs
 * CAP_SYS_RESOURCE, capabilities are per thread, and the drill has to run in the final state.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <syslog.h>
#include <sysexits.h>
#include <unistd.h>

#include "build-config.h"
#include "core/text.h"
#include "daemon/daemon.h"
#include "daemon/message-id.h"
#include "daemon/options.h"
#include "daemon/reload.h"
#include "sys/fs.h"
#include "sys/instance.h"

/* A wake-up when tasks were stalled for 100 ms within a second: far below any limit of ours. */
#define PSI_THRESHOLD_USEC 100000
#define PSI_WINDOW_USEC	   1000000

#define EXIT_USAGE 2

static void complain_on_stderr(void *userdata, const char *message)
{
	(void)userdata;
	fprintf(stderr, "reapd: %s\n", message);
}

__attribute__((format(printf, 1, 2))) static int fail(const char *format, ...)
{
	va_list args;

	fputs("reapd: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_FAILURE;
}

static int open_proc(struct daemon *d)
{
	int r;

	d->proc_fd = fs_open_dir(AT_FDCWD, "/proc");
	if (d->proc_fd < 0)
		return fail("/proc: %s", strerror(-d->proc_fd));
	/* kept for as long as the sampler is; without it all swap counts as on a disk */
	r = sampler_open(&d->sampler, d->proc_fd, fs_open_dir(AT_FDCWD, "/sys"));
	if (r < 0)
		return fail("/proc/meminfo: %s: expected /proc to be mounted", strerror(-r));
	r = sampler_take(&d->sampler, clock_now_usec(), SAMPLE_WITH_VMSTAT, &d->last);
	if (r == -ENODATA)
		return fail("/proc/meminfo: expected a line MemAvailable, as Linux has since 3.14");
	if (r < 0)
		return fail("/proc/meminfo: %s", strerror(-r));
	return EXIT_SUCCESS;
}

static void print_rules(const struct rule_set *rules)
{
	char value[PATTERN_SIZE];

	for (unsigned i = 0; i < rules->count; i++) {
		printf("\n[Rule %s]\n", rules->rules[i].name);
		for (enum rule_key key = 0; key < RULE_KEYS; key++) {
			if (rule_format(rules, &rules->rules[i], key, value, sizeof(value)))
				printf("%s=%s\n", rule_key_names[key], value);
		}
	}
}

static void print_config(const struct config *config)
{
	const char *section = "";
	char value[PATTERN_SIZE + 16];

	for (const struct config_key *k = config_keys; k->name; k++) {
		if (strcmp(section, k->section) != 0)
			printf("%s[%s]\n", section[0] ? "\n" : "", k->section);
		section = k->section;
		config_format(config, k, value, sizeof(value));
		printf("%s=%s\n", k->name, value);
	}
}

/* Pidfds came with 5.3, and the oom_score that a scan starts from is what it is since 5.9. */
static int check_kernel(void)
{
	unsigned major, minor;
	struct utsname name;

	if (uname(&name) < 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2 || major > 5 ||
	    (major == 5 && minor >= 9)) {
		int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

		if (fd >= 0)
			close(fd);
		if (fd >= 0 || errno != ENOSYS)
			return EXIT_SUCCESS;
	}
	(void)fail("expected Linux 5.9 or later, with pidfds");
	return EX_UNAVAILABLE;
}

static int take_lock(void)
{
	pid_t other = 0;
	int r = instance_lock(RUNTIME_DIRECTORY, &other);

	if (r == -EWOULDBLOCK)
		return fail("already running as process %d: expected one instance, or --dry-run",
			    other);
	if (r == -EACCES) {
		(void)fail(RUNTIME_DIRECTORY
			   "/lock: %s: expected to be root or the user reapd, or --dry-run",
			   strerror(-r));
		return EX_UNAVAILABLE;
	}
	if (r < 0)
		return fail(RUNTIME_DIRECTORY "/lock: %s", strerror(-r));
	return EXIT_SUCCESS;
}

/*
 * The stack stays in memory as deep as it ever was, once it is locked; nothing is as deep as
 * reading a configuration.
 */
static void give_stack_back(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = 64 * 1024;
	uintptr_t here = (uintptr_t)__builtin_frame_address(0) & ~(page - 1);

	(void)madvise((void *)(here - page - size), size, MADV_DONTNEED);
}

/* Everything that needs a privilege which the daemon then gives up. */
static int use_and_drop_privileges(struct daemon *d, int *ret_psi_trigger_fd)
{
	int r;

	give_stack_back();
	privileges_protect_self(&d->privileges);
	if (d->options.raise_priority) {
		r = privileges_raise_priority();
		if (r < 0)
			fprintf(stderr, "reapd: -p: %s: the priority stays as it is\n",
				strerror(-r));
	}
	*ret_psi_trigger_fd = psi_trigger_open(d->proc_fd, PSI_THRESHOLD_USEC, PSI_WINDOW_USEC);
	r = privileges_drop(&d->privileges);
	return r < 0 ? fail("capabilities cannot be given up: %s", strerror(-r)) : EXIT_SUCCESS;
}

static int start_recorder(struct daemon *d, int record_fd)
{
	struct recorder_targets targets = {record_fd, d->settings.config.trace_memory_bytes, -1};

	if (d->options.drill_only)
		return 0;
	if (targets.ring_bytes > 0)
		targets.store_fd = keeper_open(&d->keeper);
	return recorder_start(&d->recorder, &targets);
}

static int start_machinery(struct daemon *d, int record_fd)
{
	unsigned processes = scan_count_processes(d->proc_fd);
	int r;

	/* one arena: a thread that allocates would otherwise get 64 MiB of address space of its own
	 */
	(void)mallopt(M_ARENA_MAX, 1);
	d->scanner = scanner_new(d->proc_fd, processes);
	if (!d->scanner)
		return fail("out of memory");
	kin_reserve(&d->kin, processes); /* memory may be short from the first sample on */
	r = reaper_start(&d->reaper);
	if (r >= 0)
		r = namer_start(&d->namer);
	if (r >= 0)
		r = prefetch_start(&d->prefetch, d->proc_fd);
	if (r >= 0)
		r = identities_start(&d->lookout.identities, d->proc_fd);
	if (r >= 0)
		r = sharers_start(&d->sharers);
	if (r >= 0)
		r = cgroups_start(&d->cgroups, d->proc_fd, &d->reaper);
	if (r >= 0)
		r = groups_start(&d->groups, d->proc_fd);
	if (r >= 0)
		r = writer_start(&d->writer, writer_choose_target(d->settings.config.log));
	if (r >= 0)
		r = start_recorder(d, record_fd);
	return r < 0 ? fail("threads cannot be started: %s", strerror(-r)) : EXIT_SUCCESS;
}

/* While root still may write wherever it likes. */
static int open_record(const struct daemon *d, int *ret_fd)
{
	const char *path = d->options.record_path;
	int fd;

	if (!path || d->options.drill_only)
		return EXIT_SUCCESS;
	fd = recorder_open(path);
	if (fd < 0)
		return fail("--record=%s: %s", path,
			    fd == -EINVAL ? "expected a regular file" : strerror(-fd));
	*ret_fd = fd;
	return EXIT_SUCCESS;
}

static int run_drill(struct daemon *d, struct drill *drill)
{
	int r = drill_run(d->proc_fd, d->scanner, &d->reaper, &d->sharers,
			  daemon_total_pages(&d->last), d->last.mem.available_bytes, drill);

	if (r < 0 && d->settings.config.dry_run && !d->options.drill_only) {
		daemon_note(d, LOG_WARNING, MESSAGE_ID_DRILL,
			    "%s; it would be an error without "
			    "dry run",
			    drill->failure);
		return EXIT_SUCCESS;
	}
	if (r < 0) {
		daemon_note(d, LOG_ERR, MESSAGE_ID_DRILL, "%s", drill->failure);
		/* what is missing stays missing; all else may go better next time */
		return r == -EPERM || r == -ENOSYS ? EX_UNAVAILABLE : EXIT_FAILURE;
	}
	daemon_note(d, LOG_INFO, MESSAGE_ID_DRILL,
		    "drill passed: a child was found, killed %" PRIu64 ".%" PRIu64
		    " ms after the scan began, and dead %" PRIu64 ".%" PRIu64
		    " ms later; process_mrelease %s, kcmp %s",
		    drill->kill_usec / 1000, drill->kill_usec / 100 % 10, drill->death_usec / 1000,
		    drill->death_usec / 100 % 10,
		    drill->mrelease_works ? "works" : "is missing: Linux 5.15 or later has it",
		    drill->kcmp_works		? "works"
		    : d->privileges.can_inspect ? "is not permitted"
						: "is not permitted: CAP_SYS_PTRACE is missing");
	return EXIT_SUCCESS;
}

static void report_start(struct daemon *d, const struct drill *drill, int psi_trigger_fd)
{
	CLEANUP_CLOSE int sys_fd = fs_open_dir(AT_FDCWD, "/sys");
	uint64_t container_bytes = sys_fd < 0 ? UINT64_MAX : instance_memory_limit(sys_fd);
	struct action calm = {.level = LEVEL_CALM};
	char limit[32];

	d->report.kind = REPORT_START;
	d->report.priority = LOG_INFO;
	d->report.message_id = MESSAGE_ID_START;
	d->report.start = (struct report_start){
		.version = REAPD_VERSION,
		.dry_run = d->settings.config.dry_run,
		.psi_trigger = psi_trigger_fd >= 0,
		.mrelease = drill->mrelease_works,
		.memory_locked = d->privileges.memory_locked,
		.adj_is_min = d->privileges.adj_is_min,
		.fill_rate_bytes = drill->fill_rate_bytes,
	};
	daemon_fill_moment(d, NULL, &d->last, &calm, &d->report.start.moment);
	writer_send(&d->writer, &d->report);

	if (container_bytes < d->last.mem.total_bytes) {
		format_bytes(container_bytes, limit, sizeof(limit));
		daemon_note(d, LOG_WARNING, MESSAGE_ID_START,
			    "this is a container with %s of memory of its own, which is not "
			    "watched: what counts here is the machine's memory",
			    limit);
	}
}

static int run(struct daemon *d)
{
	struct drill drill = {};
	int psi_trigger_fd = -1, record_fd = -1, r;

	r = open_record(d, &record_fd);
	if (r == EXIT_SUCCESS)
		r = use_and_drop_privileges(d, &psi_trigger_fd);
	if (r == EXIT_SUCCESS)
		r = start_machinery(d, record_fd);
	if (r == EXIT_SUCCESS)
		r = run_drill(d, &drill);
	if (r != EXIT_SUCCESS || d->options.drill_only)
		return r;
	d->drill = drill;
	d->has_psi_trigger = psi_trigger_fd >= 0;

	surroundings_start(d);
	report_start(d, &drill, psi_trigger_fd);
	surroundings_report_start(d);
	r = daemon_run(d, drill.fill_rate_bytes, psi_trigger_fd);
	if (r < 0) {
		daemon_note(d, LOG_ERR, NULL, "the event loop failed: %s", strerror(-r));
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* What a full disk or a closed pipe has swallowed was not said. */
static int end_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_SUCCESS;
	return fail("standard output cannot be written");
}

int main(int argc, char **argv)
{
	static struct daemon daemon = {.sampler = SAMPLER_CLOSED,
				       .writer.fd = -1,
				       .recorder.fd = -1,
				       .kill.victim = VICTIM_CLOSED};
	struct daemon *d = &daemon;
	int r;

	switch (options_parse(argc, argv, &d->options)) {
	case OPTIONS_DONE:
		return end_output();
	case OPTIONS_WRONG:
		return EXIT_USAGE;
	case OPTIONS_RUN:
		break;
	}

	r = open_proc(d);
	if (r != EXIT_SUCCESS)
		return r;
	r = settings_read(&d->options, &d->last.mem, complain_on_stderr, NULL, &d->settings);
	if (r < 0)
		return r == -EINVAL ? EX_CONFIG : fail("out of memory");
	if (d->options.check_config) {
		print_config(&d->settings.config);
		print_rules(patterns_rules(d->settings.patterns));
		return end_output();
	}
	r = check_kernel();
	if (r == EXIT_SUCCESS && !d->settings.config.dry_run && !d->options.drill_only)
		r = take_lock();
	if (r != EXIT_SUCCESS)
		return r;

	block_signals();
	notify_init(&d->notify);
	r = run(d);
	recorder_stop(&d->recorder, 2000000);
	writer_stop(&d->writer, 2000000);
	return r;
}
