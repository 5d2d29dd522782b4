// SPDX-License-Identifier: GPL-3.0-or-later
/* What belongs to the process as a whole. */
#include "base.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

void process_guard(void)
{
	struct rlimit none = {0, 0};
	/* each is one more wall, and none is worth giving up for: a kernel that refuses has a reason */
	(void)!setrlimit(RLIMIT_CORE, &none);
	(void)!prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)umask(umask(077) | 022);
}
