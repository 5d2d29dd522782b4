// SPDX-License-Identifier: GPL-3.0-or-later
/* What the files of sync/ share: a transfer and the changes that it brought. */
#pragma once

#include "sync.h"

/* Changes, one behind the other: u8 SYNC_ADD or SYNC_DELETE, owner (lower case), u16 type, u32 TTL, u16 length, data. */
enum { SYNC_DELETE, SYNC_ADD };
#define SYNC_CHANGE_HEAD 9 /* bytes: operation, type, TTL, length */
struct sync_change {
	uint8_t op;
	const uint8_t *owner, *data;
	uint16_t type, len;
	uint32_t ttl;
};
int sync_change_put(struct buffer *changes, const struct sync_change *change) _must_use_;
/* The change at *pos, which moves behind it; false at the end. */
bool sync_change_next(const struct buffer *changes, size_t *pos, struct sync_change *ret);

/* A type that cannot stand in a zone (RFC 6895 section 3.1). */
static inline bool sync_type_is_meta(uint16_t type)
{
	return type == 0 || type == WIRE_TYPE_OPT || (type >= 128 && type <= 255);
}

/* Which question the transfer has asked, or asks next. */
enum sync_step { STEP_SERIAL, STEP_IXFR, STEP_AXFR };
/* What the next record of the answer is. */
enum sync_expect { EXPECT_FIRST, EXPECT_SECOND, EXPECT_WHOLE, EXPECT_DELETED, EXPECT_ADDED, EXPECT_NOTHING };

struct sync_transfer {
	struct sync_transfer_settings settings;
	uint8_t apex[WIRE_NAME_MAX];
	enum sync_step step;
	enum sync_expect expect;
	struct random random;
	uint16_t id;
	bool answered; /* the first message of the answer is there */
	bool plain;    /* without EDNS, which the primary does not understand */
	struct wire_tsig tsig;
	uint32_t serial;      /* of the primary */
	uint32_t expire_s;    /* said in the answer; 0 = not */
	uint32_t diff_serial; /* to which the differences lead that are being read */
	bool is_whole;
	uint16_t soa_len;
	uint32_t soa_ttl;
	uint8_t *soa; /* the newest, WIRE_MESSAGE_MAX bytes */
	size_t n_changes;
	uint64_t bytes;   /* of the messages so far */
	unsigned n_empty; /* of them without a record */
	struct buffer changes;
	char why[SYNC_WHY_MAX];
};
