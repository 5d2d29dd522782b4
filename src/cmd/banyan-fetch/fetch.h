// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * banyan-fetch - one fetch over HTTP(S), in a process of its own.
 *
 * Its request comes on descriptor 0 as lines of `key value`, the body goes to descriptor 1, what became of it goes to descriptor 3 as lines of
 * the same kind; docs/banyan-fetch.md has them all. Whatever a server does to it, only this process is hit: it has no rights, starts
 * nothing, and ends after one fetch.
 */
#pragma once

#include "base/base.h"

#define REQUEST_MAX      ((size_t)60 * 1024) /* bytes */
#define ADDRESSES_MAX    8
#define HEADERS_MAX      65536 /* bytes of one reply's headers */
#define REFUSED_BODY_MAX 65536 /* bytes of a body that is not wanted, before the connection is dropped */
#define MEMORY_MAX       ((uint64_t)512 << 20)
#define DESCRIPTORS_MAX  64
#define TIME_MAX_MS      7200000u
#define UNPACK_BLOCK_MAX 131072u /* RFC 8878 section 3.1.1.2.4: of a block of zstd */
#define VALUE_MAX        1024    /* bytes of a header that is told */

enum { FD_REQUEST = 0, FD_BODY = 1, FD_RESULT = 3 };

/* What is not said is 0 or "". */
struct request {
	char url[VALUE_MAX];
	bool head;     /* nothing but the headers */
	uint64_t peek; /* and when they say that there is something new, so many bytes of its begin */
	bool resolve;  /* the C library may be asked for addresses */
	bool no_confine;
	size_t n_addresses;
	struct addr address[ADDRESSES_MAX]; /* without port */
	char ca[VALUE_MAX], proxy[VALUE_MAX];
	char etag[VALUE_MAX], modified[VALUE_MAX]; /* of what is at hand: only something else is wanted */
	uint64_t resume_at;                        /* bytes that are there already */
	char resume_tag[VALUE_MAX];                /* of what they are from: an ETag or a date */
	uint64_t bytes_max;
	uint32_t time_max_ms, connect_max_ms, rate_min, rate_window_s, redirects_max;
};
/* BANYAN_EINVAL: `why` says which line and what is wrong with it. */
int request_parse(char *text, size_t len, struct request *ret, char why[256]) _must_use_;

struct result {
	long status;       /* of HTTP; 0 = no reply */
	const char *error; /* a word, or NULL */
	char why[256];
	char url[VALUE_MAX]; /* the last one asked, or where to go on (error "redirect") */
	char address[ADDR_TEXT_MAX + 8];
	char etag[VALUE_MAX], modified[VALUE_MAX], encoding[64];
	bool ranges;       /* the server gives parts */
	uint64_t bytes;    /* in the body's file */
	uint64_t received; /* over the network, bodies alone */
	uint64_t length;   /* of the body as announced; 0 = not */
	uint32_t first_ms, whole_ms;
	long http; /* 10, 11, 20 */
	unsigned redirects;
};
/* What stands at the begin of a file packed by gzip or zstd, as far as it can be told; 0 bytes: it is not packed, or more of it is needed. */
size_t unpack_begin(const uint8_t *data, size_t len, uint8_t *out, size_t max);
/* So many bytes of the file are. 0: that is not what is wrong. */
uint64_t unpack_need(const uint8_t *data, size_t len);

void fetch_run(const struct request *request, struct result *ret);

/* From here on: no new rights, no programs, no files but for reading, bounded memory. */
int fetch_confine(const struct request *request) _must_use_;
