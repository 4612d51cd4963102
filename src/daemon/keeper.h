/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When a trace of the last minutes is written (see recorder.h): some seconds after a kill, when its
 * aftermath is in it and memory is no longer short, or when somebody asks for it.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Of a directory and a trace in it, as it is shown. */
#define TRACE_PATH_SIZE 4096

struct daemon;

struct keeper {
	const char *directory; /* $STATE_DIRECTORY; NULL: there is none */
	pid_t victim;	       /* the last whose trace is to be written */
	uint64_t due_usec;     /* 0: of nobody */
	uint64_t latest_usec;  /* no further kill puts it off beyond that */
};

/* What the traces go to, opened; -1: there is no such directory, or it cannot be written to. */
int keeper_open(struct keeper *k);

/* A victim was signalled, and the policy is done with it. */
void keeper_kill_ended(struct daemon *d, pid_t victim, uint64_t now_usec);

/* After each step: writes what is due. Returns when to look again at the latest; UINT64_MAX. */
uint64_t keeper_look(struct daemon *d, uint64_t now_usec);

/* The daemon ends: what is due is written now. */
void keeper_stop(struct daemon *d);

/* Has the event loop listen to the recorder's thread. 0 or negative errno. */
int keeper_add_source(struct daemon *d);

/* On request; control_recorded() tells what comes of it. 0 or negative errno of recorder_keep(). */
int keeper_request(struct daemon *d);
