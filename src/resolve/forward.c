// SPDX-License-Identifier: GPL-3.0-or-later
/* Forward and stub zones: the table of them, and the walk's way into one. */
#include "forward.h"
#include "engine.h"

#include <stdlib.h>
#include <string.h>

/* ---- the table ---- */

static int name_compare(const uint8_t *a, const uint8_t *b)
{
	size_t a_len = wire_name_len(a), b_len = wire_name_len(b);
	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return memcmp(a, b, a_len);
}

static int entry_compare(const void *a, const void *b)
{
	return name_compare(((const struct forward *)a)->zone, ((const struct forward *)b)->zone);
}

static int entry_make(const struct resolve_forward *from, uint16_t port, struct forward *ret)
{
	if (from->n_addrs > RESOLVE_ADDRESSES_MAX || (from->n_addrs == 0) != (from->kind == RESOLVE_WALK_ZONE))
		return BANYAN_EINVAL;
	*ret = (struct forward){.kind = from->kind,
				.tcp = from->tcp,
				.first = from->first,
				.insecure = from->insecure,
				.n_addrs = from->n_addrs};
	wire_name_lower(from->zone, ret->zone);
	ret->labels = wire_name_labels(ret->zone);
	for (size_t i = 0; i < from->n_addrs; i++) {
		ret->addr[i] = from->addr[i];
		if (ret->addr[i].port == 0)
			ret->addr[i].port = port;
	}
	return 0;
}

/* The same for the same entry in every engine and after a restart: the cache outlives both. */
static uint16_t entry_origin(const struct forward *entry)
{
	static const uint8_t key[16] = "forward origin";
	uint64_t hash = hash_sip(entry->zone, wire_name_len(entry->zone), key);
	for (size_t i = 0; i < entry->n_addrs; i++)
		hash += hash_sip(entry->addr[i].ip, sizeof entry->addr[i].ip, key) + entry->addr[i].port;
	return (uint16_t)(hash % UINT16_MAX + 1);
}

int resolve_forwards_new(const struct resolve_forward *from, size_t n, uint16_t port, struct forwards **ret)
{
	struct forwards *forwards = calloc(1, sizeof *forwards);
	if (forwards == NULL)
		return BANYAN_ENOMEM;
	forwards->entry = calloc(n + 1, sizeof *forwards->entry);
	int rc = forwards->entry == NULL ? BANYAN_ENOMEM : 0;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct forward *entry = &forwards->entry[i];
		rc = entry_make(&from[i], port, entry);
		if (rc < 0)
			break;
		entry->origin = entry_origin(entry);
		forwards->has_labels[entry->labels] = true;
		forwards->n++;
	}
	if (rc == 0 && n > 1)
		qsort(forwards->entry, n, sizeof *forwards->entry, entry_compare);
	for (size_t i = 1; rc == 0 && i < n; i++)
		if (entry_compare(&forwards->entry[i - 1], &forwards->entry[i]) == 0)
			rc = BANYAN_EINVAL;
	if (rc < 0) {
		resolve_forwards_free(forwards);
		return rc;
	}
	*ret = forwards;
	return 0;
}

void resolve_forwards_free(struct forwards *forwards)
{
	if (forwards == NULL)
		return;
	free(forwards->entry);
	free(forwards);
}

static const struct forward *table_find(const struct forwards *forwards, const uint8_t *name)
{
	size_t low = 0, high = forwards->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = name_compare(name, forwards->entry[middle].zone);
		if (order == 0)
			return &forwards->entry[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct forward *resolve_forward_find(const struct forwards *forwards, const uint8_t *name, uint16_t type,
					   unsigned below)
{
	if (forwards->n == 0)
		return NULL;
	uint8_t lower[WIRE_NAME_MAX];
	wire_name_lower(name, lower);
	unsigned labels = wire_name_labels(lower), skip = type == WIRE_TYPE_DS && labels > 0;
	for (; skip <= labels; skip++) {
		if (labels - skip >= below || !forwards->has_labels[labels - skip])
			continue;
		const struct forward *entry = table_find(forwards, wire_name_skip(lower, skip));
		if (entry != NULL)
			return entry->kind == RESOLVE_WALK_ZONE ? NULL : entry;
	}
	return NULL;
}

unsigned resolve_forward_floor(const struct forwards *forwards, const uint8_t *name, uint16_t type)
{
	const struct forward *entry = resolve_forward_find(forwards, name, type, FORWARD_LABELS_ANY);
	return entry == NULL ? 0 : entry->labels;
}

/* ---- the way in ---- */

struct cut *resolve_forward_cut(struct task *task, const struct forward *via)
{
	struct cut *cut = arena_alloc0(&task->arena, sizeof *cut);
	if (cut == NULL)
		return NULL;
	cut->zone = via->zone;
	cut->labels = via->labels;
	cut->expires_ms = INT64_MAX;
	cut->via = via;
	cut->configured = true;
	for (size_t i = 0; i < via->n_addrs; i++)
		cut->target[cut->n_targets++] = (struct cut_target){.addr = via->addr[i]};
	return cut;
}

const struct forward *resolve_forward_of(const struct cut *cut)
{
	return cut->configured && cut->via != NULL && cut->via->kind == RESOLVE_FORWARD_ZONE ? cut->via : NULL;
}

bool resolve_forward_leave(struct task *task)
{
	const struct forward *via = task->cut->via;
	if (via == NULL || !via->first)
		return false;
	task->forward_below = (uint8_t)via->labels;
	task->asked_again = false;
	task->trouble = REASON_NONE;
	task->state = TASK_DESCEND;
	return true;
}
