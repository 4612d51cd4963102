/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The message identifiers of the journal entries, one for each kind of event. They are fixed for
 * ever: scripts filter on them, and systemd/reapd.catalog explains each.
 */
#pragma once

/* the daemon is ready, and what it found */
#define MESSAGE_ID_START "9319378f3bfc43fea64991c76f1fbf1e"
/* the memory level has changed */
#define MESSAGE_ID_LEVEL "a59d01e79eea4e3d9b88526d2e2d9ff3"
/* a process was sent SIGTERM or SIGKILL */
#define MESSAGE_ID_SIGNAL "e1d844c5c1a04b1f9616866a61e71e8d"
/* why this one: the candidates */
#define MESSAGE_ID_TABLE "947ba6ebae8c434ba75d29d308742eca"
/* how it ended: one entry a kill, with every figure */
#define MESSAGE_ID_KILL "1b58f74b3416425b98d4491bc3af473a"
/* a control group that dies as a whole, or had to be thawed */
#define MESSAGE_ID_GROUP "e0efb8b2b5574f6c9cb55376f3f8056f"
/* somebody should die and nobody can */
#define MESSAGE_ID_BARREN "3d02b8758f9940479edffd56af739313"
/* the fire drill at start */
#define MESSAGE_ID_DRILL "6df0335b51be4dd7a5160c28508631f0"
/* the configuration was read again, or was refused */
#define MESSAGE_ID_RELOAD "25895a63402b479b90733f9a171be8d0"
/* rules that match nobody, or leave nobody */
#define MESSAGE_ID_RULES "c2cda56cd9ac46ddb8da87fc1bb28ea5"
/* ReportInterval= and Debug= */
#define MESSAGE_ID_STATE "30e1348798f2431386f53905ee6f7608"
/* others were asked to free memory */
#define MESSAGE_ID_ASKED "5a1de9edf5a44308a6270d8710936012"
/* the kernel itself holds more memory than all programs */
#define MESSAGE_ID_SLAB "2eb01acef7c8485898acabb04ecbdc1c"
/* something else about the machine has changed */
#define MESSAGE_ID_MACHINE "320427e469604ef098b91e0c371186b2"
/* paused, or not any more */
#define MESSAGE_ID_PAUSE "b9a629f86b8d496aa2c029b6e356ffc3"
/* a trace of the last minutes was written */
#define MESSAGE_ID_TRACE "548163e3f4fa4c6da8c6bd4530231487"
/* somebody asked for something over the control socket */
#define MESSAGE_ID_REQUEST "41bd414223394620a948fd30166d60da"
