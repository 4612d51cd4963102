/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration: every mistake that a file can hold gets one line that names file, line, key
 * and what was expected, and takes no good line with it; every key is read, written and read back.
 */
#include "corpus.h"

#include <ctype.h>

#include "core/config.h"
#include "core/text.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)

struct complaints {
	unsigned count;
	char messages[64][600];
};

static void collect(void *userdata, const char *message)
{
	struct complaints *c = userdata;

	assert_true(c->count < ARRAY_SIZE(c->messages));
	assert_true(strlen(message) < sizeof(c->messages[0]));
	/* One line of plain text: journalctl shows anything else as "blob data". */
	for (const char *at = message; *at; at++) {
		if ((unsigned char)*at < ' ' || (unsigned char)*at > '~')
			fail_msg("byte 0x%02x in '%s'", (unsigned char)*at, message);
	}
	strcpy(c->messages[c->count++], message);
}

/* The value of @key_name as the file would hold it. */
static const char *formatted(const struct config *config, const char *key_name)
{
	static char buf[PATTERN_SIZE];
	const struct config_key *key = config_key_find(key_name);

	if (!key)
		fail_msg("%s: no such key", key_name);
	config_format(config, key, buf, sizeof(buf));
	return buf;
}

static void parse(struct config_loader *l, struct complaints *c, const char *data, size_t len)
{
	char *copy = heap_copy(data, len);

	*c = (struct complaints){};
	config_loader_init(l, collect, c);
	config_loader_parse(l, "test.conf", copy, len);
	free(copy);
	assert_int_equal(l->mistakes, c->count);
}

/*
 * One mistake each, between two good lines that must survive it. @line is where it stands, counted
 * from the first line of @data; the message holds @says and @expected.
 */
#define A_15	   "aaaaaaaaaaaaaaa"
#define A_60	   A_15 A_15 A_15 A_15
#define A_255	   A_60 A_60 A_60 A_60 A_15
#define PATH_204   "/" A_60 A_60 A_60 A_15 "aaaaaaa "
#define PATHS_1024 PATH_204 PATH_204 PATH_204 PATH_204 "/" A_60 A_60 A_60 A_15 "aaaaaaaaaaaa"

static const struct {
	const char *row;
	const char *data;
	size_t len;
	unsigned line;
	const char *says, *expected;
} mistake_rows[] = {
	{"unknown section", BYTES("[Nope]\n"), 1, "[Nope]",
	 "[Limits], [Stall], [Kill], [Daemon] or [Rule NAME]"},
	{"unknown section, said once", BYTES("[Nope]\nA=1\nSoftMemory=x\n"), 1, "[Nope]", "[Kill]"},
	{"section in other letters", BYTES("[limits]\n"), 1, "[limits]", "[Limits]"},
	{"section in blanks", BYTES("[ Limits ]\n"), 1, "[ Limits ]", "[Limits]"},
	{"empty section", BYTES("[]\n"), 1, "[]", "[Limits]"},
	{"bracket alone", BYTES("[\n"), 1, "[", "']'"},
	{"section without its end", BYTES("[Limits\nHardMemory=1%\n"), 1, "[Limits", "']'"},
	{"comment behind a section", BYTES("[Limits] # x\n"), 1, "[Limits]", "']'"},
	{"unknown key", BYTES("[Limits]\nFoo=1\n"), 2, "Foo=", "unknown key, see reapd.conf(5)"},
	{"key in other letters", BYTES("[Limits]\nsoftmemory=1%\n"), 2, "softmemory=", "unknown"},
	{"key with more behind", BYTES("[Limits]\nSoftMemory2=1%\n"), 2, "SoftMemory2=", "unknown"},
	{"NUL in a key", BYTES("[Limits]\nSoftMemory\0=1%\n"), 2, "SoftMemory", "unknown key"},
	{"empty key", BYTES("[Limits]\n=1%\n"), 2, "=", "unknown key"},
	{"no equals sign", BYTES("[Limits]\nHardMemory\n"), 2, "HardMemory", "Key=value"},
	{"byte order mark", BYTES("\xef\xbb\xbf[Limits]\n"), 1, "[Limits]", "Key=value"},
	{"key of another section", BYTES("[Kill]\nHardMemory=1%\n"), 2,
	 "HardMemory=", "section [Limits], not [Kill]"},
	{"limit: letters", BYTES("[Limits]\nHardMemory=x\n"), 2, "HardMemory=x",
	 "a percentage, a size or both"},
	{"limit: above 100 %", BYTES("[Limits]\nHardMemory=100.01%\n"), 2, "HardMemory=100.01%",
	 "a percentage"},
	{"limit: a bare number", BYTES("[Limits]\nHardMemory=5\n"), 2,
	 "HardMemory=5:", "a percentage"},
	{"limit: negative", BYTES("[Limits]\nHardMemory=-1%\n"), 2, "HardMemory=-1%",
	 "such as 10%"},
	{"limit: two percentages", BYTES("[Limits]\nHardMemory=1% 2%\n"), 2, "HardMemory=", "both"},
	{"limit: two sizes", BYTES("[Limits]\nHardMemory=1M 2M\n"), 2, "HardMemory=", "512M"},
	{"limit: three parts", BYTES("[Limits]\nHardMemory=1M 2% 3\n"), 2, "HardMemory=", "512M"},
	{"limit: good and bad part", BYTES("[Limits]\nHardMemory=1M x%\n"), 2,
	 "HardMemory=", "10%"},
	{"limit: unit apart", BYTES("[Limits]\nHardMemory=1 M\n"), 2, "HardMemory=1 M", "512M"},
	{"limit: unknown unit", BYTES("[Limits]\nHardMemory=1X\n"), 2, "HardMemory=1X", "512M"},
	{"limit: unit of two letters", BYTES("[Limits]\nHardMemory=1MB\n"), 2,
	 "HardMemory=", "512M"},
	{"limit: unit alone", BYTES("[Limits]\nHardMemory=M\n"), 2, "HardMemory=M", "512M"},
	{"limit: percent twice", BYTES("[Limits]\nHardMemory=1%%\n"), 2, "HardMemory=1%%", "10%"},
	{"limit: percent alone", BYTES("[Limits]\nHardMemory=%\n"), 2, "HardMemory=%", "10%"},
	{"limit: point without digits", BYTES("[Limits]\nHardMemory=1.%\n"), 2,
	 "HardMemory=", "10%"},
	{"limit: two points", BYTES("[Limits]\nHardMemory=1.2.3%\n"), 2, "HardMemory=", "10%"},
	{"limit: digits that would be lost", BYTES("[Limits]\nHardMemory=0.001%\n"), 2,
	 "HardMemory=0.001%", "10%"},
	{"limit: comma", BYTES("[Limits]\nHardMemory=1,5%\n"), 2, "HardMemory=1,5%", "10%"},
	{"limit: comment behind it", BYTES("[Limits]\nHardMemory=1% # x\n"), 2,
	 "HardMemory=", "10%"},
	{"groups: relative", BYTES("[Limits]\nWatchCgroups=/a b\n"), 2, "WatchCgroups=/a b",
	 "absolute paths"},
	{"groups: NUL", BYTES("[Limits]\nWatchCgroups=/a\0b\n"), 2, "WatchCgroups=/a",
	 "absolute paths"},
	{"groups: one of 256 bytes", BYTES("[Limits]\nWatchCgroups=/" A_255 "\n"), 2,
	 "WatchCgroups=", "each of at most 255 bytes, and 1023 together"},
	{"groups: 1024 bytes", BYTES("[Limits]\nWatchCgroups=" PATHS_1024 "\n"), 2,
	 "WatchCgroups=", "1023 together"},
	{"nodes: a word", BYTES("[Limits]\nWatchNodes=1 all\n"), 2, "WatchNodes=1 all",
	 "expected sets of memory nodes, such as 1 or 0,2-3"},
	{"nodes: backwards", BYTES("[Limits]\nWatchNodes=3-1\n"), 2, "WatchNodes=3-1",
	 "expected sets of memory nodes, such as 1 or 0,2-3"},
	{"nodes: too many sets", BYTES("[Limits]\nWatchNodes=0 1 2 3 4 5 6 7 8\n"), 2,
	 "WatchNodes=", "at most 8, of nodes up to 1023"},
	{"nodes: too high", BYTES("[Limits]\nWatchNodes=1024\n"), 2, "WatchNodes=1024",
	 "of nodes up to 1023"},
	{"limit: 2^64 bytes", BYTES("[Limits]\nHardMemory=18446744073709551616\n"), 2,
	 "HardMemory=18446744073709551616", "512M"},
	{"limit: 2^62 bytes", BYTES("[Limits]\nHardMemory=4194304T\n"), 2, "HardMemory=", "512M"},
	{"limit: 2^64 hundredths", BYTES("[Limits]\nHardMemory=184467440737095517\n"), 2,
	 "HardMemory=", "512M"},
	{"limit: NUL", BYTES("[Limits]\nHardMemory=1%\0\n"), 2, "HardMemory=1%", "10%"},
	{"percentage: 0", BYTES("[Stall]\nStallLimit=0%\n"), 2, "StallLimit=0%", "above 0"},
	{"percentage: above 100", BYTES("[Stall]\nStallLimit=101%\n"), 2,
	 "StallLimit=", "up to 100"},
	{"percentage: bare", BYTES("[Stall]\nStallLimit=50\n"), 2, "StallLimit=50", "such as 50%"},
	{"duration: too short", BYTES("[Stall]\nStallWindow=999ms\n"), 2, "StallWindow=999ms",
	 "from 1s to 300s"},
	{"duration: too long", BYTES("[Stall]\nStallWindow=6min\n"), 2, "StallWindow=6min",
	 "from 1s to 300s"},
	{"duration: unknown unit", BYTES("[Kill]\nKillTimeout=5days\n"), 2, "KillTimeout=5days",
	 "a duration, such as 300ms, 5s or 1min"},
	{"duration: negative", BYTES("[Kill]\nKillTimeout=-1s\n"), 2, "KillTimeout=-1s", "300ms"},
	{"duration: sum", BYTES("[Kill]\nKillTimeout=1min 30s\n"), 2, "KillTimeout=", "a duration"},
	{"duration: above 64 bits", BYTES("[Kill]\nTermTimeout=99999999999999999999s\n"), 2,
	 "TermTimeout=", "from 0s to 600s"},
	{"size: too small", BYTES("[Daemon]\nTraceMemory=63K\n"), 2,
	 "TraceMemory=", "0 or a size, such as 256K, from 64K to 4M"},
	{"size: too large", BYTES("[Daemon]\nTraceMemory=4.01M\n"), 2, "TraceMemory=", "to 4M"},
	{"size: a percentage", BYTES("[Daemon]\nTraceMemory=1%\n"), 2, "TraceMemory=", "0 or a"},
	{"duration: 64 bits in hours", BYTES("[Kill]\nTermTimeout=18446744073709551615h\n"), 2,
	 "TermTimeout=", "from 0s to 600s"},
	{"boolean: letters", BYTES("[Kill]\nDryRun=maybe\n"), 2, "DryRun=maybe", "yes or no"},
	{"boolean: capitals", BYTES("[Kill]\nDryRun=Yes\n"), 2, "DryRun=Yes", "yes or no"},
	{"boolean: 2", BYTES("[Kill]\nDryRun=2\n"), 2, "DryRun=2", "yes or no"},
	{"name: unknown order", BYTES("[Kill]\nSortBy=age\n"), 2, "SortBy=age", "badness or rss"},
	{"name: unknown target", BYTES("[Daemon]\nLog=syslog\n"), 2, "Log=syslog",
	 "auto, journal or stderr"},
	{"name: only its beginning", BYTES("[Daemon]\nLog=jour\n"), 2, "Log=jour", "journal"},
	{"pattern: NUL", BYTES("[Kill]\nPrefer=a\0b\n"), 2, "Prefer=a", "without NUL"},
	{"control characters are not shown", BYTES("[Kill]\nDryRun=\x1b[2J\x7f\n"), 2,
	 "DryRun=?[2J?", "yes or no"},
	{"nor are bytes beyond ASCII", BYTES("[Kill]\nDryRun=\xc3\xa9\xff\n"), 2, "DryRun=???",
	 "yes or no"},
	{"carriage returns", BYTES("[Kill]\r\nDryRun=maybe\r\n"), 2, "DryRun=maybe:", "yes or no"},
};

static void test_mistakes(void **state)
{
	/* No row sets these keys. */
	static const char before[] = "[Kill]\nIgnoreRootUser=yes\n";
	static const char after[] = "\n[Kill]\nKillProcessGroup=yes\n[Daemon]\nDebug=yes\n";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mistake_rows); i++) {
		const char *row = mistake_rows[i].row;
		struct config_loader l, preset;
		struct complaints c, none = {};
		char data[2048], place[32];
		size_t len = 0;

		memcpy(data, before, sizeof(before) - 1);
		len += sizeof(before) - 1;
		memcpy(data + len, mistake_rows[i].data, mistake_rows[i].len);
		len += mistake_rows[i].len;
		memcpy(data + len, after, sizeof(after) - 1);
		len += sizeof(after) - 1;

		parse(&l, &c, data, len);
		if (c.count != 1)
			fail_msg("%s: %u mistakes, the last is '%s'", row, c.count,
				 c.count > 0 ? c.messages[c.count - 1] : "");
		snprintf(place, sizeof(place), "test.conf:%u: ", mistake_rows[i].line + 2);
		if (strncmp(c.messages[0], place, strlen(place)) != 0 ||
		    !strstr(c.messages[0], mistake_rows[i].says) ||
		    !strstr(c.messages[0], mistake_rows[i].expected))
			fail_msg("%s: '%s' is not '%s' with '%s' and '%s'", row, c.messages[0],
				 place, mistake_rows[i].says, mistake_rows[i].expected);

		CHECK(row, !strstr(c.messages[0], ", from ") || strstr(row, "duration: ") ||
				   strstr(row, "size: "));

		/* The good lines count, and what was refused left its default. */
		CHECK(row, l.config.ignore_root_user);
		CHECK(row, l.config.kill_process_group);
		CHECK(row, l.config.debug);
		config_loader_init(&preset, collect, &none);
		preset.config.ignore_root_user = true;
		preset.config.kill_process_group = true;
		preset.config.debug = true;
		assert_memory_equal(&l.config, &preset.config, sizeof(struct config));
	}
}

static void test_no_section(void **state)
{
	struct config_loader l;
	struct complaints c;

	(void)state;
	parse(&l, &c, BYTES("HardMemory=1%\n[Limits]\nSoftMemory=7%\n"));
	assert_int_equal(c.count, 1);
	assert_non_null(strstr(c.messages[0], "test.conf:1: HardMemory=: expected a section"));
	assert_string_equal(formatted(&l.config, "HardMemory"), "");
	assert_string_equal(formatted(&l.config, "SoftMemory"), "7%");

	/* A section whose name is cut is one mistake, and its keys are no others. */
	parse(&l, &c, BYTES("[Limits\nHardMemory=1%\nFoo=1\n[Limits]\nSoftMemory=7%\n"));
	assert_int_equal(c.count, 1);
	assert_non_null(strstr(c.messages[0], "test.conf:1: [Limits: expected ']'"));
	assert_string_equal(formatted(&l.config, "SoftMemory"), "7%");
}

/* Some editors begin a file with one; anywhere else it is a mistake. */
static void test_byte_order_mark(void **state)
{
	struct config_loader l;
	struct complaints c;

	(void)state;
	parse(&l, &c, BYTES("\xef\xbb\xbf[Kill]\nSortBy=rss\n"));
	assert_int_equal(c.count, 0);
	assert_string_equal(formatted(&l.config, "SortBy"), "rss");
	parse(&l, &c, BYTES("\xef\xbb\xbf"));
	assert_int_equal(c.count, 0);
	parse(&l, &c, BYTES("\xef\xbb"));
	assert_int_equal(c.count, 1);
	parse(&l, &c, BYTES("[Kill]\n\xef\xbb\xbfSortBy=rss\n"));
	assert_int_equal(c.count, 1);
	assert_non_null(strstr(c.messages[0], "test.conf:2: "));
}

static void test_duplicates(void **state)
{
	struct config_loader l;
	struct complaints c;

	(void)state;
	parse(&l, &c, BYTES("[Daemon]\nLog=stderr\n\n[Kill]\n[Daemon]\n#\nLog=auto\nDebug=yes\n"));
	assert_int_equal(c.count, 1);
	assert_non_null(strstr(c.messages[0], "test.conf:7: Log=: expected once"));
	assert_non_null(strstr(c.messages[0], "line 2"));
	assert_string_equal(formatted(&l.config, "Log"), "stderr");
	assert_string_equal(formatted(&l.config, "Debug"), "yes");

	/* Not across files: that is what drop-ins are for, and the later one wins. */
	config_loader_parse(&l, "10-more.conf", BYTES("[Daemon]\nLog=journal\n"));
	assert_int_equal(c.count, 1);
	assert_string_equal(formatted(&l.config, "Log"), "journal");
	assert_string_equal(l.origin[config_key_find("Log") - config_keys].file, "10-more.conf");
	assert_int_equal(l.origin[config_key_find("Log") - config_keys].line, 2);
	assert_string_equal(l.origin[config_key_find("Debug") - config_keys].file, "test.conf");
	assert_null(l.origin[config_key_find("DryRun") - config_keys].file);
}

/* A file of nothing but mistakes is not told in full, but what is good in it counts. */
static void test_many_mistakes(void **state)
{
	struct config_loader l;
	struct complaints c = {};
	char data[8192] = "[Kill]\n";

	(void)state;
	for (int i = 0; i < 500; i++)
		strcat(data, "Wrong=1\n");
	strcat(data, "KillTimeout=7s\n");
	config_loader_init(&l, collect, &c);
	config_loader_parse(&l, "test.conf", data, strlen(data));

	assert_int_equal(c.count, 20 + 1);
	assert_true(l.mistakes >= 500);
	assert_non_null(strstr(c.messages[0], "test.conf:2: Wrong="));
	assert_non_null(strstr(c.messages[c.count - 1], "too many mistakes"));
	assert_string_equal(formatted(&l.config, "KillTimeout"), "7s");

	/* The next file is told of again. */
	c.count = 0;
	config_loader_parse(&l, "10-more.conf", BYTES("[Nope]\n"));
	assert_int_equal(c.count, 1);
	assert_non_null(strstr(c.messages[0], "10-more.conf:1: [Nope]"));
}

/* What the readers further up find is told with the place that set the key. */
static void test_complaints_from_above(void **state)
{
	struct config_loader l;
	struct complaints c;

	(void)state;
	parse(&l, &c, BYTES("[Kill]\n\nPrefer=(\n"));
	config_loader_complain(&l, "Prefer", "missing )");
	config_loader_complain(&l, "Avoid", "missing )");
	config_loader_complain_file(&l, "10-more.conf", "is a directory");
	assert_int_equal(c.count, 3);
	assert_int_equal(l.mistakes, 3);
	assert_string_equal(c.messages[0], "test.conf:3: Prefer=: missing )");
	assert_string_equal(c.messages[1], "default: Avoid=: missing )");
	assert_string_equal(c.messages[2], "10-more.conf: is a directory");
}

static void test_long_lines(void **state)
{
	static const struct {
		const char *row, *start, *says;
	} rows[] = {
		{"comment", "# ", NULL},
		{"letters", "", "test.conf:2: xxxxxxx"},
		{"section", "[", "test.conf:2: [xxxxxxx"},
		{"key and value", "Prefer=", "test.conf:2: Prefer=xxxxxxx"},
		{"unknown key", "x=", "test.conf:2: x=: unknown key"},
		{"limit", "KillTimeout=1", "test.conf:2: KillTimeout=1xxxxxxx"},
	};
	const size_t line = 100000;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		static const char head[] = "[Kill]\n", tail[] = "\n[Kill]\nTermTimeout=9s\n";
		size_t len = sizeof(head) - 1 + line + sizeof(tail) - 1;
		char *data = heap_fill('x', len);
		struct config_loader l;
		struct complaints c;

		memcpy(data, head, sizeof(head) - 1);
		memcpy(data + sizeof(head) - 1, rows[i].start, strlen(rows[i].start));
		memcpy(data + sizeof(head) - 1 + line, tail, sizeof(tail) - 1);
		parse(&l, &c, data, len);
		CHECK_INT(rows[i].row, c.count, rows[i].says ? 1 : 0);
		if (rows[i].says) {
			CHECK(rows[i].row,
			      strncmp(c.messages[0], rows[i].says, strlen(rows[i].says)) == 0);
			CHECK(rows[i].row, strlen(c.messages[0]) < 200);
			if (strstr(c.messages[0], "Prefer="))
				CHECK_INT(rows[i].row, strspn(strstr(c.messages[0], "xx"), "x"),
					  60);
		}
		CHECK_STR(rows[i].row, formatted(&l.config, "TermTimeout"), "9s");
		CHECK_STR(rows[i].row, formatted(&l.config, "Prefer"), "");
		free(data);
	}
}

/* A path as long as the kernel takes it still leaves room to say what is wrong. */
static void test_long_path(void **state)
{
	char *path = heap_fill('p', 4096);
	struct complaints c = {};
	struct config_loader l;

	(void)state;
	path[4095] = '\0';
	config_loader_init(&l, collect, &c);
	config_loader_parse(&l, path, BYTES("[Kill]\nDryRun=maybe\n"));
	assert_int_equal(c.count, 1);
	assert_non_null(strstr(c.messages[0], ":2: DryRun=maybe: expected yes or no"));
	assert_non_null(strstr(c.messages[0], "ppp"));

	path[255] = '\0';
	c.count = 0;
	config_loader_parse(&l, path, BYTES("[Kill]\nDryRun=maybe\n"));
	assert_int_equal(strncmp(c.messages[0], path, 255), 0);
	assert_string_equal(c.messages[0] + 255, ":2: DryRun=maybe: expected yes or no");
	free(path);
}

static void check_cut(const char *row, const char *data, size_t len, size_t whole)
{
	struct complaints c = {};
	struct config_loader l;

	config_loader_init(&l, collect, &c);
	config_loader_parse(&l, "cut.conf", data, len);
	CHECK_INT(row, l.mistakes, c.count);
	/* One line at most was cut, unless the whole file is wrong. */
	if (strncmp(row, "config/all ", 11) == 0)
		CHECK(row, c.count <= (len == whole ? 0u : 1u));
}

static void test_texts(void **state)
{
	struct config_loader l;
	struct complaints c;
	size_t len;
	char *data;

	(void)state;
	corpus_cut("config/all", check_cut);
	corpus_cut("config/mistakes", check_cut);
	corpus_cut("config/garbage", check_cut);

	data = corpus_read("config/mistakes", &len);
	parse(&l, &c, data, len);
	free(data);
	assert_int_equal(c.count, 10);
	assert_string_equal(formatted(&l.config, "SortBy"), "rss");
	assert_string_equal(formatted(&l.config, "SoftMemory"), "10% 1G");

	data = corpus_read("config/garbage", &len);
	parse(&l, &c, data, len);
	free(data);
	assert_true(c.count >= 3);

	data = corpus_read("config/all", &len);
	parse(&l, &c, data, len);
	free(data);
	assert_int_equal(c.count, 0);
	for (const struct config_key *k = config_keys; k->name; k++)
		CHECK(k->name, l.origin[k - config_keys].file != NULL);
}

/* Random bytes, more of those that mean something, in blocks of their own size. */
static void test_garbage(void **state)
{
	static const char spice[] = "[]=#;\n\r\t %0123456789.KMGTs";
	struct random r = {UINT64_C(0x5eed0002)};

	(void)state;
	for (int run = 0; run < 20000; run++) {
		size_t len = random_below(&r, 120);
		char *data = heap_fill('\0', len + 1);
		struct config_loader l;
		struct complaints c;

		for (size_t i = 0; i < len; i++)
			data[i] = random_one_in(&r, 3) ? spice[random_below(&r, sizeof(spice) - 1)]
						       : (char)random_u64(&r);
		parse(&l, &c, data, len);
		free(data);
	}
}

/* What is documented; the man page gives the reasons. */
static const struct {
	const char *section, *key, *value;
} defaults[] = {
	{"Limits", "WarningMemory", ""},
	{"Limits", "SoftMemory", "10% 1G"},
	{"Limits", "HardMemory", ""},
	{"Limits", "WarningSwap", ""},
	{"Limits", "SoftSwap", "10% 1G"},
	{"Limits", "HardSwap", ""},
	{"Stall", "StallLimit", "50%"},
	{"Stall", "StallWindow", "10s"},
	{"Kill", "TermTimeout", "5s"},
	{"Kill", "KillTimeout", "3s"},
	{"Kill", "SortBy", "badness"},
	{"Kill", "Prefer", ""},
	{"Kill", "Ignore", ""},
	{"Kill", "IgnoreRootUser", "no"},
	{"Kill", "KillProcessGroup", "no"},
	{"Kill", "RespectPanicOnOom", "yes"},
	{"Kill", "DryRun", "no"},
	{"Daemon", "Log", "auto"},
	{"Daemon", "Debug", "no"},
	{"Daemon", "ReportInterval", "0s"},
	{"Daemon", "TraceMemory", "256K"},
};

static void test_defaults(void **state)
{
	struct config_loader l;
	struct complaints c;

	(void)state;
	parse(&l, &c, BYTES(""));
	assert_int_equal(c.count, 0);
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
		CHECK_STR(defaults[i].key, formatted(&l.config, defaults[i].key),
			  defaults[i].value);
		CHECK_STR(defaults[i].key, config_key_find(defaults[i].key)->section,
			  defaults[i].section);
	}
	assert_non_null(strstr(l.config.avoid, "sshd"));
	assert_non_null(strstr(l.config.avoid, "dpkg"));
}

static void test_table(void **state)
{
	(void)state;
	for (const struct config_key *k = config_keys; k->name; k++) {
		CHECK(k->name, config_key_find(k->name) == k);
		CHECK(k->name, strlen(k->help) > 0 && !strchr(k->help, '\n'));
		CHECK(k->name, strlen(config_type_expected(k->type)) > 0);
		CHECK(k->name, k->offset < sizeof(struct config));
		CHECK(k->name,
		      (k->type != CONFIG_DURATION && k->type != CONFIG_SIZE) || k->min < k->max);
		for (const char *at = k->name; *at; at++)
			CHECK(k->name, isalpha((unsigned char)*at));
		for (const struct config_key *other = config_keys; other < k; other++)
			CHECK(k->name, other->offset != k->offset);
	}
	assert_null(config_key_find(""));
	assert_null(config_key_find("Soft"));
	assert_null(config_key_find("SoftMemory "));
}

/* Each preset stands in the syntax of the file and is written back as it stands in the table. */
static void test_presets_read_back(void **state)
{
	struct config_loader l, again;
	struct complaints c;

	(void)state;
	parse(&l, &c, BYTES(""));
	parse(&again, &c, BYTES(""));
	for (const struct config_key *k = config_keys; k->name; k++) {
		char value[PATTERN_SIZE];

		config_format(&l.config, k, value, sizeof(value));
		if (k->type == CONFIG_DURATION)
			CHECK(k->name, strncmp(value, k->preset, strlen(k->preset)) == 0);
		else
			CHECK_STR(k->name, value, k->preset);
		config_loader_set(&again, k, value, strlen(value), "again.conf", 1);
	}
	assert_int_equal(again.mistakes, 0);
	assert_memory_equal(&again.config, &l.config, sizeof(struct config));
}

static const char *other_value(const struct config_key *key)
{
	switch (key->type) {
	case CONFIG_LIMIT:
		return "7.25% 300M";
	case CONFIG_CGROUPS:
		return "/a.slice/b.service /c/*[0-9]";
	case CONFIG_NODES:
		return "1 0,2-3";
	case CONFIG_PERCENT:
		return "33.50%";
	case CONFIG_DURATION:
		return "1500ms";
	case CONFIG_SIZE:
		return "1M";
	case CONFIG_BOOL:
		return "yes";
	case CONFIG_PATTERN:
		return "^(a b|#c;d|\\[x\\])$";
	case CONFIG_SELECT:
		return "kernel";
	case CONFIG_SORT_BY:
		return "rss";
	case CONFIG_LOG_TARGET:
		return "stderr";
	}
	return "";
}

/* Setting a key sets that key alone, an empty value takes it back, and all of it with a file. */
static void test_each_key(void **state)
{
	(void)state;
	for (const struct config_key *k = config_keys; k->name; k++) {
		struct config_loader l, preset;
		struct complaints c, none = {};
		char text[256], value[PATTERN_SIZE], before[PATTERN_SIZE];
		int len = snprintf(text, sizeof(text), "[%s]\n\t%s \t=  %s \r\n", k->section,
				   k->name, other_value(k));

		config_loader_init(&preset, collect, &none);
		parse(&l, &c, text, (size_t)len);
		CHECK_INT(k->name, c.count, 0);
		CHECK_INT(k->name, l.origin[k - config_keys].line, 2);
		for (const struct config_key *other = config_keys; other->name; other++) {
			config_format(&l.config, other, value, sizeof(value));
			config_format(&preset.config, other, before, sizeof(before));
			CHECK_STR(k->name, value, other == k ? other_value(k) : before);
		}

		config_loader_set(&l, k, "", 0, "command line", 0);
		if (k->type == CONFIG_PATTERN || k->type == CONFIG_CGROUPS ||
		    k->type == CONFIG_NODES)
			CHECK_STR(k->name, formatted(&l.config, k->name), "");
		else
			assert_memory_equal(&l.config, &preset.config, sizeof(struct config));

		/* From the command line there is no line number. */
		config_loader_set(&l, k, "\0", 1, "command line", 0);
		CHECK_INT(k->name, c.count, 1);
		snprintf(text, sizeof(text), "command line: %s=", k->name);
		CHECK(k->name, strncmp(c.messages[0], text, strlen(text)) == 0);
	}
}

static const struct {
	const char *key, *value, *written;
} value_rows[] = {
	{"SoftMemory", "0", "0B"},
	{"SoftMemory", "0%", "0%"},
	{"SoftMemory", "100%", "100%"},
	{"SoftMemory", "100.00%", "100%"},
	{"SoftMemory", "12.5%", "12.50%"},
	{"SoftMemory", "0.01%", "0.01%"},
	{"SoftMemory", "1023B", "1023B"},
	{"SoftMemory", "1024B", "1K"},
	{"SoftMemory", "1.5G", "1536M"},
	{"SoftMemory", "64T", "64T"},
	{"SoftMemory", "1G 5%", "5% 1G"},
	{"SoftMemory", "5% 0.5G", "5% 512M"},
	{"SoftMemory", "1.01K", "1034B"},
	{"SoftMemory", "131071.5T", "134217216G"},
	{"StallLimit", "0.01%", "0.01%"},
	{"StallLimit", "100%", "100%"},
	{"StallWindow", "1", "1s"},
	{"StallWindow", "300s", "300s"},
	{"StallWindow", "5m", "300s"},
	{"StallWindow", "5 min", "300s"},
	{"StallWindow", "1.25sec", "1250ms"},
	{"StallWindow", "1000001us", "1000001us"},
	{"KillTimeout", "100ms", "100ms"},
	{"KillTimeout", "60s", "60s"},
	{"TermTimeout", "0", "0s"},
	{"TermTimeout", "600s", "600s"},
	{"ReportInterval", "24h", "86400s"},
	{"TraceMemory", "0", "0B"},
	{"TraceMemory", "64K", "64K"},
	{"TraceMemory", "4M", "4M"},
	{"DryRun", "yes", "yes"},
	{"DryRun", "true", "yes"},
	{"DryRun", "on", "yes"},
	{"DryRun", "1", "yes"},
	{"DryRun", "no", "no"},
	{"DryRun", "false", "no"},
	{"DryRun", "off", "no"},
	{"DryRun", "0", "no"},
	{"SortBy", "badness", "badness"},
	{"SortBy", "rss", "rss"},
	{"Log", "auto", "auto"},
	{"Log", "journal", "journal"},
	{"Log", "stderr", "stderr"},
	{"WatchCgroups", "/a", "/a"},
	{"WatchNodes", "0-3,5 7", "0-3,5 7"},
	{"Prefer", "a = b", "a = b"},
	{"Prefer", "caf\xc3\xa9", "caf\xc3\xa9"},
};

static void test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(value_rows); i++) {
		const struct config_key *key = config_key_find(value_rows[i].key);
		struct complaints c = {};
		struct config_loader l;
		size_t len = strlen(value_rows[i].value);
		char *value = heap_copy(value_rows[i].value, len);

		config_loader_init(&l, collect, &c);
		config_loader_set(&l, key, value, len, "x", 1);
		free(value);
		CHECK_STR(value_rows[i].value, c.count > 0 ? c.messages[0] : "", "");
		CHECK_STR(value_rows[i].value, formatted(&l.config, key->name),
			  value_rows[i].written);
	}
}

/* Just outside what value_rows shows to be inside. */
static void test_bounds(void **state)
{
	static const struct {
		const char *key, *value;
	} rows[] = {
		{"StallWindow", "0.99s"},   {"StallWindow", "300.01s"},
		{"KillTimeout", "99ms"},    {"KillTimeout", "60.01s"},
		{"TermTimeout", "600.01s"}, {"ReportInterval", "86400.01s"},
		{"StallLimit", "100.01%"},  {"SoftMemory", "4194304T"},
		{"SoftMemory", "100.01%"},
	};
	char *longest = heap_fill('x', 1024);
	const char lines[] = "a\nDryRun=yes";
	const struct config_key *prefer = config_key_find("Prefer");
	struct complaints c = {};
	struct config_loader l;

	(void)state;
	config_loader_init(&l, collect, &c);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct config_key *key = config_key_find(rows[i].key);

		config_loader_set(&l, key, rows[i].value, strlen(rows[i].value), "x", 1);
		CHECK_INT(rows[i].value, c.count, i + 1);
	}

	c.count = 0;
	config_loader_set(&l, prefer, longest, 1023, "x", 1);
	assert_int_equal(c.count, 0);
	assert_int_equal(strlen(l.config.prefer), 1023);
	config_loader_set(&l, prefer, longest, 1024, "x", 1);
	assert_int_equal(c.count, 1);
	assert_non_null(strstr(c.messages[0], "at most 1023 bytes"));
	assert_int_equal(strlen(l.config.prefer), 1023);

	/* only a command line can say it */
	c.count = 0;
	config_loader_set(&l, prefer, lines, strlen(lines), "x", 0);
	assert_int_equal(c.count, 1);
	assert_string_equal(c.messages[0], "x: Prefer=a?DryRun=yes: expected one line");
	assert_int_equal(strlen(l.config.prefer), 1023);
	free(longest);
}

/* Any limit and duration that can be read is written so that it is read as the same. */
static void test_round_trip(void **state)
{
	const struct config_key *limit = config_key_find("HardSwap");
	const struct config_key *duration = config_key_find("ReportInterval");
	struct random r = {UINT64_C(0x5eed0003)};

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct complaints c = {};
		struct config_loader l;
		struct config config;
		char value[64];

		config_loader_init(&l, collect, &c);
		config = l.config;
		config.hard_swap.permyriad = random_one_in(&r, 3) ? LIMIT_UNSET
								  : random_below(&r, 10001);
		config.hard_swap.bytes = random_one_in(&r, 3)
						 ? LIMIT_UNSET
						 : random_u64(&r) >> (12 + random_below(&r, 50))
									     << random_below(&r, 5);
		config.report_interval_usec = random_below(&r, UINT64_C(86400000001));
		if (random_one_in(&r, 2))
			config.report_interval_usec -= config.report_interval_usec % 1000;

		config_format(&config, limit, value, sizeof(value));
		config_loader_set(&l, limit, value, strlen(value), "x", 1);
		CHECK_INT(value, c.count, 0);
		CHECK_UINT(value, l.config.hard_swap.permyriad, config.hard_swap.permyriad);
		CHECK_UINT(value, l.config.hard_swap.bytes, config.hard_swap.bytes);

		config_format(&config, duration, value, sizeof(value));
		config_loader_set(&l, duration, value, strlen(value), "x", 1);
		CHECK_INT(value, c.count, 0);
		CHECK_UINT(value, l.config.report_interval_usec, config.report_interval_usec);
	}
}

/* A buffer that is too small is filled and ended, never overrun. */
static void test_format_small_buffer(void **state)
{
	struct complaints c = {};
	struct config_loader l;

	(void)state;
	config_loader_init(&l, collect, &c);
	for (const struct config_key *k = config_keys; k->name; k++) {
		for (size_t size = 1; size < 12; size++) {
			char *buf = heap_fill('x', size);

			config_format(&l.config, k, buf, size);
			CHECK(k->name, memchr(buf, '\0', size) != NULL);
			free(buf);
		}
	}
}

static const struct {
	const char *row;
	struct limit limit;
	uint64_t total, bytes;
} limit_rows[] = {
	{"unset", {LIMIT_UNSET, LIMIT_UNSET}, GIB, LIMIT_UNSET},
	{"share of nothing", {1000, LIMIT_UNSET}, 0, 0},
	{"size of nothing", {LIMIT_UNSET, GIB}, 0, GIB},
	{"share", {1000, LIMIT_UNSET}, 1000, 100},
	{"share, rounded down", {1, LIMIT_UNSET}, 19999, 1},
	{"all", {10000, LIMIT_UNSET}, GIB, GIB},
	{"none", {0, LIMIT_UNSET}, GIB, 0},
	{"the share is lower", {1000, GIB}, 2 * GIB, 2 * GIB / 10},
	{"the size is lower", {1000, GIB}, 64 * GIB, GIB},
	{"size above the total", {LIMIT_UNSET, 2 * GIB}, GIB, 2 * GIB},
	{"64 TiB", {1000, LIMIT_UNSET}, 64 * TIB, UINT64_C(7036874417766)},
	{"end of 64 bits", {10000, LIMIT_UNSET}, UINT64_MAX - 1, UINT64_MAX - 1},
};

static void test_limit_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limit_rows); i++)
		CHECK_UINT(limit_rows[i].row, limit_bytes(limit_rows[i].limit, limit_rows[i].total),
			   limit_rows[i].bytes);
}

static const struct {
	const char *row, *data;
	uint64_t memory_total, swap_total;
	unsigned count;
	const char *message; /* of the first */
} order_rows[] = {
	{"hard above soft", "[Limits]\nSoftMemory=5%\nHardMemory=6%\n", 100 * MIB, 0, 1,
	 "test.conf:3: HardMemory= is 6M here: expected at most SoftMemory=, which is 5M"},
	{"hard above the default of soft", "[Limits]\nHardMemory=2G\n", 64 * GIB, 0, 1,
	 "test.conf:2: HardMemory= is 2G here: expected at most SoftMemory=, which is 1G"},
	{"soft below the hard that was set earlier", "[Limits]\nHardMemory=500M\nSoftMemory=400M\n",
	 64 * GIB, 0, 1,
	 "test.conf:2: HardMemory= is 500M here: expected at most SoftMemory=, which is 400M"},
	{"soft above warning", "[Limits]\nWarningMemory=4%\n", 1000 * MIB, 0, 1,
	 "test.conf:2: SoftMemory= is 100M here: expected at most WarningMemory=, which is 40M"},
	{"the same of swap", "[Limits]\nSoftSwap=5%\nHardSwap=6%\nWarningSwap=4%\n", GIB,
	 1000 * MIB, 2,
	 "test.conf:3: HardSwap= is 60M here: expected at most SoftSwap=, which is 50M"},
	{"percent against size, small machine", "[Limits]\nSoftMemory=10%\nHardMemory=512M\n", GIB,
	 0, 1, "test.conf:3: HardMemory= is 512M here: expected at most SoftMemory=, which is 102"},
	{"percent against size, large machine", "[Limits]\nSoftMemory=10%\nHardMemory=512M\n",
	 8 * GIB, 0, 0, NULL},
	{"a percentage below, without swap", "[Limits]\nHardSwap=1%\n", GIB, 0, 0, NULL},
	{"sizes of swap contradict each other without swap", "[Limits]\nSoftSwap=1G\nHardSwap=2G\n",
	 GIB, 0, 1, "test.conf:3: HardSwap= is 2G: expected at most SoftSwap=, which is 1G"},
	{"shares of swap contradict each other without swap",
	 "[Limits]\nSoftSwap=5%\nHardSwap=6%\n", GIB, 0, 1,
	 "test.conf:3: HardSwap= is 6%: expected at most SoftSwap=, which is 5%"},
	{"a share of swap above a size, with some swap", "[Limits]\nSoftSwap=1G\nHardSwap=6%\n",
	 GIB, 0, 0, NULL},
	{"a size of swap that some machine could have", "[Limits]\nHardSwap=512M\n", GIB, 0, 0,
	 NULL},
	{"defaults", "", GIB, GIB, 0, NULL},
	{"defaults, no swap", "", 64 * TIB, 0, 0, NULL},
	{"equal", "[Limits]\nWarningMemory=5%\nSoftMemory=5%\nHardMemory=5%\n", GIB, 0, 0, NULL},
	{"zero", "[Limits]\nSoftMemory=0\n", GIB, 0, 0, NULL},
	{"the kernel's choice by rss", "[Kill]\nSortBy=rss\nSelect=kernel\n", GIB, 0, 1,
	 "test.conf:3: Select=: expected SortBy=badness beside kernel, which goes by it"},
	{"the kernel's choice", "[Kill]\nSelect=kernel\nSortBy=badness\n", GIB, 0, 0, NULL},
};

static void test_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(order_rows); i++) {
		const char *row = order_rows[i].row, *want = order_rows[i].message;
		struct config_loader l;
		struct complaints c;

		parse(&l, &c, order_rows[i].data, strlen(order_rows[i].data));
		CHECK_INT(row, c.count, 0);
		config_loader_check(&l, order_rows[i].memory_total, order_rows[i].swap_total);
		CHECK_INT(row, c.count, order_rows[i].count);
		CHECK_INT(row, l.mistakes, order_rows[i].count);
		if (want && strncmp(c.messages[0], want, strlen(want)) != 0)
			fail_msg("%s: '%s' is not '%s'", row, c.messages[0], want);
	}
}

static const struct {
	uint64_t bytes;
	const char *text;
} bytes_rows[] = {
	{0, "0B"},
	{1, "1B"},
	{1023, "1023B"},
	{1024, "1K"},
	{1536, "1.5K"},
	{2047, "1.9K"},
	{99 * 1024 + 103, "99.1K"},
	{100 * 1024 + 512, "100K"},
	{MIB - 1, "1023K"},
	{MIB, "1M"},
	{512 * MIB, "512M"},
	{GIB - 1, "1023M"},
	{GIB, "1G"},
	{GIB + GIB / 2, "1.5G"},
	{TIB, "1T"},
	{64 * TIB, "64T"},
	{UINT64_MAX, "16777215T"},
};

static void test_format_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bytes_rows); i++) {
		char buf[32];

		format_bytes(bytes_rows[i].bytes, buf, sizeof(buf));
		CHECK_STR("format_bytes", buf, bytes_rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_no_section),
		cmocka_unit_test(test_byte_order_mark),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_many_mistakes),
		cmocka_unit_test(test_complaints_from_above),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_long_path),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_presets_read_back),
		cmocka_unit_test(test_each_key),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_format_small_buffer),
		cmocka_unit_test(test_limit_bytes),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_format_bytes),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
