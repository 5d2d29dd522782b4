// SPDX-License-Identifier: GPL-3.0-or-later
/* What is done beside the workers gives way to them. */
#include "daemon.h"

#include <sys/resource.h>

/* A tenth of a worker's share where both want the same CPU: a reload on a machine that is busy to its limit takes longer, but ends. At the
 * same priority it takes half of a worker's CPU, some milliseconds at a time, and clients wait for them. */
#define BACKGROUND_NICE 10

void background_begin(void)
{
	(void)!setpriority(PRIO_PROCESS, 0, BACKGROUND_NICE); /* on Linux of this thread, and of those that it starts */
}
