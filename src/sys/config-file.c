/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading of the configuration's files; see config-file.h. Runs at start and at a reload, never in
 * a kill, so it may allocate.
 */
#include "sys/config-file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "sys/fs.h"

#define CONFIG_FILE_MAX (1024 * 1024)

/* Takes over @name; returns it, or NULL when there is no memory. */
static const char *files_add(struct config_files *files, char *name)
{
	char **names = name ? reallocarray(files->names, files->count + 1, sizeof(*names)) : NULL;

	if (!names) {
		free(name);
		return NULL;
	}
	files->names = names;
	files->names[files->count++] = name;
	return name;
}

void config_files_done(struct config_files *files)
{
	for (unsigned i = 0; i < files->count; i++)
		free(files->names[i]);
	free(files->names);
	*files = (struct config_files){};
}

/* 1: something was read, or there was a mistake; 0: there is nothing. */
static int read_one(struct config_loader *l, const char *name, enum config_required required)
{
	CLEANUP_CLOSE int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st = {};
	char *data;
	size_t len;
	int r;

	if (fd < 0) {
		if (errno == ENOENT && required == CONFIG_OPTIONAL)
			return 0;
		config_loader_complain_file(l, name, strerror(errno));
		return 1;
	}
	if (fstat(fd, &st) >= 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
		return 0; /* a link to /dev/null: masked, as systemd has it */
	if (!S_ISREG(st.st_mode)) {
		config_loader_complain_file(l, name, "expected a regular file");
		return 1;
	}
	data = malloc(CONFIG_FILE_MAX + 1);
	if (!data)
		return -ENOMEM;
	r = fs_read_fd(fd, data, CONFIG_FILE_MAX + 1, &len);
	if (r < 0)
		config_loader_complain_file(l, name, strerror(-r));
	else if (len > CONFIG_FILE_MAX)
		config_loader_complain_file(l, name, "expected at most 1 MiB");
	else
		config_loader_parse(l, name, data, len);
	free(data);
	return 1;
}

static int is_drop_in(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return d->d_name[0] != '.' && len > 5 && strcmp(d->d_name + len - 5, ".conf") == 0;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name); /* not alphasort(): the locale has no say */
}

static int read_drop_ins(struct config_loader *l, const char *path, struct config_files *files)
{
	struct dirent **entries;
	char *directory;
	int count, r = 0;

	if (asprintf(&directory, "%s.d", path) < 0)
		return -ENOMEM;
	count = scandir(directory, &entries, is_drop_in, compare_names);
	if (count < 0) {
		r = errno == ENOMEM ? -ENOMEM : 0;
		if (errno != ENOENT && r == 0)
			config_loader_complain_file(l, directory, strerror(errno));
		free(directory);
		return r;
	}
	for (int i = 0; i < count; i++) {
		char *made = NULL;
		const char *name;

		if (asprintf(&made, "%s/%s", directory, entries[i]->d_name) < 0)
			made = NULL;
		name = files_add(files, made);
		if (r >= 0)
			r = name ? read_one(l, name, CONFIG_REQUIRED) : -ENOMEM;
		free(entries[i]);
	}
	free(entries);
	free(directory);
	return r < 0 ? r : 0;
}

int config_files_read(struct config_loader *l, const char *path, enum config_required required,
		      struct config_files *files)
{
	const char *name = files_add(files, strdup(path));
	int r;

	if (!name)
		return -ENOMEM;
	r = read_one(l, name, required);
	if (r == 0)
		free(files->names[--files->count]); /* nothing in the loader is from it */
	return r < 0 ? r : read_drop_ins(l, path, files);
}
