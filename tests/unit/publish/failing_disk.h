// SPDX-License-Identifier: GPL-3.0-or-later
/* A disk that fails when a test says so. Linked with --wrap=renameat and --wrap=fsync, and with --wrap=link where a test asks for it. */
#pragma once

extern int disk_rename_fails;           /* errno of the next renameat(); 0 = it is done; -1 = the process ends there */
extern int disk_link_fails;             /* errno of each link(); 0 = it is done */
extern int disk_rename_skip;            /* after so many that are done */
extern int disk_flush_fails;            /* the so many-th fsync() of a folder from now on fails; 0 = none */
extern const char *disk_failing_folder; /* no fsync() of it succeeds; NULL = none */
