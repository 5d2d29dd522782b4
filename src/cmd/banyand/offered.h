// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Which versions of a zone have been in use here, since when, and with which digests: so that `banyan status --fleet` can tell how long
 * others lag behind, and who shows a version that was never offered. Kept by the keeper for zones whose peers are told of new versions.
 */
#pragma once

#include "image/image.h"

#define OFFERED_MAX                                                                                                    \
	128 /* versions of one zone: two months of the root, a day of a zone that changes every ten minutes */
#define OFFERED_DIGESTS    4 /* of one version: SHA-384 and SHA-512, and room for what may come (RFC 8976 section 2.2) */
#define OFFERED_DIGEST_MAX 70 /* bytes of a ZONEMD RDATA with SHA-512 */

struct offered_version {
	uint32_t serial;
	int64_t at_ms;                   /* UNIX milliseconds: since then it is in use */
	int64_t valid_from, valid_until; /* UNIX time, as it says itself (zone_edition()); 0 = it does not */
	uint8_t n;
	uint8_t len[OFFERED_DIGESTS];
	uint8_t digest[OFFERED_DIGESTS][OFFERED_DIGEST_MAX]; /* RDATAs of its ZONEMD set */
};
struct offered {
	size_t n, cap;
	struct offered_version *version; /* the oldest first */
};

/* The image is in use: true when that is news. Out of memory counts as none. */
bool offered_take(struct offered *offered, const struct image *image, int64_t now_ms);
void offered_done(struct offered *offered);

/* Calls fn with each RDATA of a set at the apex. */
void offered_set(const struct image *image, uint16_t type,
		 void (*fn)(void *ctx, const struct wire_record *record, const uint8_t *rdata, uint16_t len),
		 void *ctx);

/* What the zone of the image says of its dates; both 0: nothing, or nothing that makes sense. */
void offered_dates(const struct image *image, int64_t *ret_from, int64_t *ret_until);

/* As lines of text, of one zone, and back: lines that make no sense are passed over. */
int offered_write(const struct offered *offered, const char *zone, struct buffer *out) _must_use_;
void offered_read(struct offered *offered, const char *text, const char *zone);
