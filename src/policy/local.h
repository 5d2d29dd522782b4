// SPDX-License-Identifier: GPL-3.0-or-later
/* What local zones and data are while they are collected. Private to policy/. */
#pragma once

#include "private.h"

/* A zone, or one record. */
struct local_item {
	const uint8_t *name, *key; /* lower case; sort key */
	const uint8_t *rdata;
	uint32_t ttl, order;
	uint32_t first_ptr; /* while compiling, in the first item of a name */
	uint16_t key_len, type, len;
	bool zone, is_default;
	bool from_hosts; /* the name of an address: one is enough */
	uint8_t kind;
};

struct policy_local_builder {
	struct local_item *item;
	size_t n, cap;
	struct arena arena;
	uint8_t *pool; /* free bytes of the newest block */
	size_t pool_left;
};

/* Takes out the default zones and their data at and below `name`; returns how many items. */
size_t policy_local_forget(struct policy_local_builder *builder, const uint8_t *name);
