// SPDX-License-Identifier: GPL-3.0-or-later
/* Policy zones that come from primaries; between feed.c and feed_version.c. */
#pragma once

#include "daemon.h"
#include "sync/sync.h"

#define FEED_HURRY_MS    1000              /* between two questions, however many notifications come */
#define FEED_AGAIN_MAX_S 600               /* after failures, as long as there is no version at all */
#define FEED_FILE_MAX    ((size_t)4 << 30) /* bytes of a copy */

struct feed {
	struct feed *next;
	struct keeper *keeper;
	char zone[WIRE_NAME_TEXT_MAX]; /* presentation form */
	char *file;                    /* of the copy; "" = none */
	uint8_t apex[WIRE_NAME_MAX];
	size_t n_primaries;
	struct addr primary[SYNC_PRIMARIES_MAX];
	struct policy_source *source;
	uint32_t refresh_min_s, refresh_max_s;
	uint64_t size_max;
	uv_timer_t timer;
	/* the version in use */
	struct policy_zone *current; /* NULL = none */
	/* what is under way */
	struct sync_pull *pull;
	int64_t asked_ms;  /* when a pull began last */
	int64_t asked_at;  /* the same by the wall clock */
	int64_t fresh_ms;  /* when a primary said last that the version in use is its newest */
	uint32_t expire_s; /* that it said then is left of its own copy (RFC 7314); 0 = nothing */
	unsigned failures;
	char failure[REFUSAL_TEXT_MAX]; /* the last one */
	bool hurry;                     /* a notification came meanwhile */
	bool refetch;                   /* differences did not fit */
	bool gone;                      /* no longer configured: freed when nothing is under way */
	bool closed;                    /* its timer is */
	/* the next version: made in a thread of libuv's pool */
	uv_work_t work;
	bool making, made; /* made: waits for the end of a reload */
	struct sync_transfer *transfer;
	uint32_t transfer_expire_s; /* as expire_s, once it is in use */
	struct addr from;
	int make_rc;
	struct policy_zone *version;
	char why[REFUSAL_TEXT_MAX];
};

/* feed_version.c, in the pool: transfer and copy to `version`, and the new copy. */
void feed_version_make(struct feed *feed);
