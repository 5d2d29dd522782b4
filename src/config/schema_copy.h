// SPDX-License-Identifier: GPL-3.0-or-later
/* The rows of struct config_copy: the same ones for the root copy and for zones; between schema.c and nobody else. */
#pragma once

#define SOURCES_MAX     64     /* of a zone (PULL_SOURCES_MAX) */
#define GENERATIONS_MAX 100    /* kept of a zone (KEEP_GENERATIONS_MAX) */
#define CHECKED_MAX     8      /* PULL_PROBES_MAX */
#define DOWNLOADS_MAX   100000 /* an hour: more than a machine can prove */

/* `field`: a macro that makes width and offset of a member. */
#define COPY_ROWS(prefix, field, sources_default, size_default, sources_help, store_help)                              \
	{prefix ".sources", CONFIG_TEXTS,          CONFIG_LIVE, field(sources),                                        \
	 sources_default,   RANGE(0, SOURCES_MAX), NULL,        sources_help},                                         \
		{prefix ".store",                                                                                      \
		 CONFIG_PATH,                                                                                          \
		 CONFIG_LIVE,                                                                                          \
		 field(store),                                                                                         \
		 "\"\"",                                                                                               \
		 RANGE(0, PATH_BYTES_MAX),                                                                             \
		 NULL,                                                                                                 \
		 "Folder in which the last copies are kept, so that a restart serves at once. Its parent must be "     \
		 "there, "                                                                                             \
		 "and server.user must be able to write to it; no two zones share one. " store_help},                  \
		{prefix ".generations",                                                                                \
		 CONFIG_UINT,                                                                                          \
		 CONFIG_LIVE,                                                                                          \
		 field(generations),                                                                                   \
		 "5",                                                                                                  \
		 RANGE(1, GENERATIONS_MAX),                                                                            \
		 NULL,                                                                                                 \
		 "Copies that are kept, for going back by hand (banyan copy roll-back)."},                             \
		{prefix ".notify-from",                                                                                \
		 CONFIG_PREFIXES,                                                                                      \
		 CONFIG_LIVE,                                                                                          \
		 field(notify_from),                                                                                   \
		 "[]",                                                                                                 \
		 RANGE(0, PREFIXES_MAX),                                                                               \
		 NULL,                                                                                                 \
		 "Networks from which a NOTIFY (RFC 1996) is heeded, besides the addresses of the sources. Whoever "   \
		 "signs "                                                                                              \
		 "it with the key of a source may send it from anywhere."},                                            \
		{prefix ".refresh-min",                                                                                \
		 CONFIG_DURATION_S,                                                                                    \
		 CONFIG_LIVE,                                                                                          \
		 field(refresh_min_s),                                                                                 \
		 "60s",                                                                                                \
		 RANGE(1, DAY_S),                                                                                      \
		 NULL,                                                                                                 \
		 "Shortest time between two rounds of questions to the sources, whatever the SOA says; half of it "    \
		 "after a round that failed."},                                                                        \
		{prefix ".refresh-max",                                                                                \
		 CONFIG_DURATION_S,                                                                                    \
		 CONFIG_LIVE,                                                                                          \
		 field(refresh_max_s),                                                                                 \
		 "1d",                                                                                                 \
		 RANGE(1, 30 * DAY_S),                                                                                 \
		 NULL,                                                                                                 \
		 "Longest time between them."},                                                                        \
		{prefix ".check-sources",                                                                              \
		 CONFIG_UINT,                                                                                          \
		 CONFIG_LIVE,                                                                                          \
		 field(check_count),                                                                                   \
		 "3",                                                                                                  \
		 RANGE(1, CHECKED_MAX),                                                                                \
		 NULL,                                                                                                 \
		 "Sources that are asked for their serial at once, so that one that lags or lies is seen."},           \
		{prefix ".downloads",                                                                                  \
		 CONFIG_UINT,                                                                                          \
		 CONFIG_LIVE,                                                                                          \
		 field(downloads),                                                                                     \
		 "20",                                                                                                 \
		 RANGE(1, DOWNLOADS_MAX),                                                                              \
		 NULL,                                                                                                 \
		 "Downloads that may be begun within an hour, whatever sources say and whoever notifies."},            \
		{prefix ".keep-unchanged",                                                                             \
		 CONFIG_BOOL,                                                                                          \
		 CONFIG_LIVE,                                                                                          \
		 field(keep_unchanged),                                                                                \
		 "false",                                                                                              \
		 RANGE(0, 1),                                                                                          \
		 NULL,                                                                                                 \
		 "Do not fetch a newer version while a publisher says that nothing but signatures, digest and serial " \
		 "is new in it. It counts for sources that are published folders (a URL that ends with a slash) with " \
		 "key=, whose pointer that key has signed. The version at hand stays in use, with its older serial; "  \
		 "another source that has the newer one is still fetched from (docs/published-files.md)."},            \
		{prefix ".keep-margin",                                                                                \
		 CONFIG_DURATION_S,                                                                                    \
		 CONFIG_LIVE,                                                                                          \
		 field(keep_margin_s),                                                                                 \
		 "3d",                                                                                                 \
		 RANGE(60, 30 * DAY_S),                                                                                \
		 NULL,                                                                                                 \
		 "With keep-unchanged: fetched all the same this long before the first of its signatures expires."},   \
	{                                                                                                              \
		prefix ".size-max", CONFIG_SIZE, CONFIG_LIVE, field(size_max), size_default,                           \
			RANGE(KIB *KIB, KIB *KIB *KIB * 64), NULL,                                                     \
			"Bytes of one copy. A larger one is given up, and costs its source a turn."                    \
	}
