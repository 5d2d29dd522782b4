// SPDX-License-Identifier: GPL-3.0-or-later
/* Pass: the hash table that leads from a name to its slot. */
#include "compile.h"

static void bucket_add(struct image_bucket *bucket, uint32_t mask, uint64_t hash, uint32_t slot)
{
	uint32_t at = (uint32_t)hash & mask;
	while (bucket[at].slot != 0)
		at = (at + 1) & mask;
	bucket[at] = (struct image_bucket){.tag = (uint32_t)(hash >> 32), .slot = slot};
}

int pass_hash(struct compile *c)
{
	uint32_t n = 2, ref;
	while (n < 2 * c->n_slots && n < UINT32_MAX / 2)
		n *= 2;
	if (n < 2 * c->n_slots)
		return BANYAN_ELIMIT;
	int rc = compile_reserve(c, (size_t)n * sizeof(struct image_bucket), &ref);
	if (rc < 0)
		return rc;
	struct image_header *header = (struct image_header *)c->out.data;
	struct image_bucket *bucket = compile_at(c, ref);
	header->buckets = ref;
	header->bucket_mask = n - 1;
	uint64_t hash[COMPILE_BATCH];
	uint32_t slot[COMPILE_BATCH];
	for (size_t i = 0; i < c->zone->n_nodes;) {
		unsigned n_batch = 0;
		for (; i < c->zone->n_nodes && n_batch < COMPILE_BATCH; i++) {
			if (c->node[i].slot == 0)
				continue;
			const uint8_t *name = c->zone->node[i].name;
			slot[n_batch] = c->node[i].slot;
			hash[n_batch] = hash_sip(name, wire_name_len(name), header->key);
			__builtin_prefetch(&bucket[(uint32_t)hash[n_batch++] & (n - 1)], 1);
		}
		for (unsigned k = 0; k < n_batch; k++)
			bucket_add(bucket, n - 1, hash[k], slot[k]);
	}
	return 0;
}
