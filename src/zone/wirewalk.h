// SPDX-License-Identifier: GPL-3.0-or-later
/* zone, private: a walk over the records of a wire form, and the layout of deltas. */
#pragma once

#include "zone.h"

#define ZONE_WIRE_HEADER_SIZE 22 /* magic, class, serial, number of records; the apex follows */
#define ZONE_WIRE_FIXED_SIZE  10 /* of a record: type, class, TTL, length */

struct zone_wire_walk {
	const uint8_t *apex;
	uint32_t serial;
	uint64_t n_records; /* as the header says */
	const uint8_t *at, *end;
};

/* A record where it stands. */
struct zone_wire_record {
	const uint8_t *owner, *rdata;
	size_t owner_len, len; /* len: of the whole record */
	uint32_t ttl;
	uint16_t type, rdata_len;
};

/* BANYAN_EMALF. Only the structure is looked at, so that no walk leaves the bytes. */
int zone_wire_walk_begin(const uint8_t *data, size_t len, struct zone_wire_walk *ret) _must_use_;
/* 1, 0 at the end, BANYAN_EMALF. */
int zone_wire_walk_next(struct zone_wire_walk *walk, struct zone_wire_record *ret) _must_use_;
/* The header of a wire form, the apex with it; returns its length. */
size_t zone_wire_header_put(const uint8_t *apex, uint32_t serial, uint64_t n_records,
			    uint8_t out[ZONE_WIRE_HEADER_SIZE + WIRE_NAME_MAX]);
/* Where the signature begins in the data of an RRSIG; 0: nowhere, they are malformed. */
size_t zone_rrsig_signature_at(const uint8_t *rdata, size_t len);

/* Offsets in the header of a delta. */
enum zone_delta_at {
	ZONE_DELTA_BASE_SERIAL = 8,
	ZONE_DELTA_BASE_LEN = 12,
	ZONE_DELTA_BASE_HASH = 20,
	ZONE_DELTA_SERIAL = 52,
	ZONE_DELTA_RECORDS = 56,
	ZONE_DELTA_LEN = 64,
	ZONE_DELTA_HASH = 72,
	ZONE_DELTA_EDITS_LEN = 104,
	ZONE_DELTA_EDITS_PACKED_LEN = 112,
	ZONE_DELTA_APEX = 120,
};

extern const uint8_t zone_delta_magic[8];

/* The parts of the edits, in their order there. */
enum zone_delta_part {
	ZONE_DELTA_STEPS,       /* what to do with records: count and enum zone_delta_step */
	ZONE_DELTA_RUNS,        /* of RRSIGs that are kept: so many as they are, so many signed anew, and so on */
	ZONE_DELTA_INCEPTIONS,  /* of each that is signed anew: less that of the one before */
	ZONE_DELTA_EXPIRATIONS, /* the same */
	ZONE_DELTA_KEYTAGS,     /* less that of the record in the base */
	ZONE_DELTA_RECORDS_NEW, /* records put in, but for their signatures */
	ZONE_DELTA_PARTS
};

/* The two low bits of a step; the rest is how many records it is for. */
enum zone_delta_step { ZONE_DELTA_KEEP, ZONE_DELTA_SKIP, ZONE_DELTA_PUT };

/* Edits are a few bytes a record at most: more is hostile. */
static inline uint64_t zone_delta_edits_max(uint64_t base_len, uint64_t len)
{
	return 2 * (base_len + len) + 1024;
}

/* RRSIG fields (RFC 4034 section 3.1). */
#define RRSIG_EXPIRATION 8
#define RRSIG_INCEPTION  12
#define RRSIG_KEYTAG     16
#define RRSIG_SIGNER     18
