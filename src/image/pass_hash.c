// SPDX-License-Identifier: GPL-3.0-or-later
/* Pass: the hash table that leads from a name to its slot. */
#include "compile.h"

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
	for (size_t i = 0; i < c->zone->n_nodes; i++) {
		if (c->node[i].slot == 0)
			continue;
		const uint8_t *name = c->zone->node[i].name;
		uint64_t hash = hash_sip(name, wire_name_len(name), header->key);
		uint32_t at = (uint32_t)hash & (n - 1);
		while (bucket[at].slot != 0)
			at = (at + 1) & (n - 1);
		bucket[at] = (struct image_bucket){.tag = (uint32_t)(hash >> 32), .slot = c->node[i].slot};
	}
	return 0;
}
