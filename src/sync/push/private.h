// SPDX-License-Identifier: GPL-3.0-or-later
/* push, private: what a version is made of. */
#pragma once

#include "transfer.h"

/* Records as they stand in a list of them: owner, type, class, TTL, length, data; names uncompressed. */
struct push_record {
	const uint8_t *owner, *data;
	uint16_t type, len;
	uint32_t ttl;
};
int push_record_put(struct buffer *out, const uint8_t *owner, uint16_t type, uint32_t ttl,
		    const struct wire_rdata *rdata) _must_use_;
/* The record at *pos, which moves on; false at the end. The list is one that was made here, or checked. */
bool push_record_next(const uint8_t *data, size_t len, size_t *pos, struct push_record *ret);
/* Is it a list that push_record_next() can walk? */
bool push_records_good(const uint8_t *data, size_t len);

/* From one version to the next: the old SOA, what goes, the new SOA, what comes (RFC 1995 section 4). */
struct push_step {
	_Atomic unsigned users;
	uint32_t from, to;
	size_t len;
	uint8_t data[];
};
int push_step_new(uint32_t from, uint32_t to, const uint8_t *data, size_t len, struct push_step **ret) _must_use_;
void push_step_release(struct push_step *step);

struct push_version {
	_Atomic unsigned users;
	uint8_t apex[WIRE_NAME_MAX];
	size_t apex_len;
	uint32_t serial, expire_s;
	/* The SOA was changed, or anything else, while the serial was not: it does not say what a secondary has. */
	bool ambiguous;
	struct buffer soa; /* a list of one record */
	/* AXFR: of each message a length of two bytes and its bytes; the first with the question, all with ID and flags to be filled in. */
	struct buffer messages;
	size_t n_messages;
	size_t plain; /* bytes that the zone's records would take as a list */
	size_t n_steps, step_bytes;
	struct push_step **step; /* the oldest first */
};

/* One message of the AXFR; *pos moves on; false at the end. */
bool push_message_next(const struct push_version *version, size_t *pos, const uint8_t **ret, size_t *ret_len);
/* Memory of steps is cut to the limits, the oldest first. */
void push_steps_trim(struct push_version *version, const struct push_limits *limits);
