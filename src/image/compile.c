// SPDX-License-Identifier: GPL-3.0-or-later
/* A zone goes through the passes and comes out as an image. */
#include "compile.h"

#include <stdlib.h>
#include <string.h>

#define IMAGE_ROOM ((size_t)1 << 20) /* address space that is set aside for the smallest image */

int compile_reserve(struct compile *c, size_t size, uint32_t *ret)
{
	size_t padded = (size + IMAGE_UNIT - 1) / IMAGE_UNIT * IMAGE_UNIT;
	if (c->out_len + padded > IMAGE_BYTES_MAX)
		return BANYAN_ELIMIT;
	int rc = region_grow(&c->out, c->out_len + padded);
	if (rc < 0)
		return rc;
	*ret = (uint32_t)(c->out_len / IMAGE_UNIT);
	c->out_len += padded;
	return 0;
}

void *compile_at(struct compile *c, uint32_t ref)
{
	return c->out.data + (size_t)ref * IMAGE_UNIT;
}

static void compile_done(struct compile *c)
{
	region_done(&c->out);
	free(c->node);
	region_done(&c->buckets);
	free(c->proof_node);
	free(c->proof_ref);
	free(c->nsec3);
	if (c->encoder != NULL) {
		buffer_done(&c->encoder->data);
		buffer_done(&c->encoder->shift);
		free(c->encoder);
	}
}

/* A zone that cannot be answered for: no SOA, or one too short to read its MINIMUM. */
static bool has_soa(const struct zone *zone)
{
	const struct zone_node *apex = zone_find(zone, zone->apex);
	const struct wire_rrset *soa = apex != NULL ? zone_node_set(zone, apex, WIRE_TYPE_SOA) : NULL;
	return soa != NULL && wire_rdata_check(soa->rdata[0].data, soa->rdata[0].len, WIRE_TYPE_SOA) == 0;
}

static int compile_start(struct compile *c)
{
	const struct zone *zone = c->zone;
	if (zone->rclass != WIRE_CLASS_IN || !has_soa(zone))
		return BANYAN_EINVAL;
	if (zone->n_nodes >= UINT32_MAX)
		return BANYAN_ELIMIT;
	c->node = calloc(zone->n_nodes, sizeof *c->node);
	c->encoder = calloc(1, sizeof *c->encoder);
	if (c->node == NULL || c->encoder == NULL)
		return BANYAN_ENOMEM;
	uint32_t ref;
	/* images are about as large as what their zone takes; address space costs nothing, moving would */
	int rc = region_reserve(&c->out, 4 * zone->arena.total + IMAGE_ROOM);
	c->out.huge = true;
	if (rc == 0)
		rc = compile_reserve(c, sizeof(struct image_header), &ref);
	if (rc < 0)
		return rc;
	struct image_header *header = (struct image_header *)c->out.data;
	struct random random;
	random_init_kernel(&random);
	random_bytes(&random, header->key, sizeof header->key);
	return 0;
}

/* Fills the header: from here on the block is an image. */
static int compile_seal(struct compile *c)
{
	struct image_header *header = (struct image_header *)c->out.data;
	const struct zone *zone = c->zone;
	header->magic = IMAGE_MAGIC;
	header->version = IMAGE_VERSION;
	header->byte_order = IMAGE_BYTE_ORDER;
	header->length = c->out_len;
	header->serial = zone->serial;
	header->n_slots = (uint32_t)c->n_slots;
	header->apex = c->node[zone_find(zone, zone->apex) - zone->node].slot;
	header->n_denial = (uint32_t)c->n_denial;
	header->denial_kind = (uint8_t)c->denial;
	header->apex_len = (uint8_t)wire_name_len(zone->apex);
	header->apex_labels = (uint8_t)wire_name_labels(zone->apex);
	header->labels_max = (uint8_t)c->labels_max;
	header->iterations = c->iterations;
	header->salt_len = c->salt_len;
	if (c->salt_len > 0)
		memcpy(header->salt, c->salt, c->salt_len);
	return 0;
}

static int run_passes(struct compile *c)
{
	static int (*const passes[])(struct compile *) = {compile_start, pass_names, pass_denial, pass_sets,
							  pass_negative, pass_link,  pass_hash,   compile_seal};
	for (size_t i = 0; i < ARRAY_SIZE(passes); i++) {
		int rc = passes[i](c);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The finished block becomes an image of its own. What is checked of images from elsewhere holds for it as it was made (the tests open each
 * one that they compile); its checksum waits until somebody wants the bytes. */
static int compile_finish(struct compile *c, struct image **ret)
{
	struct image *image = calloc(1, sizeof *image);
	if (image == NULL)
		return BANYAN_ENOMEM;
	region_trim(&c->out, c->out_len);
	image->owned = c->out;
	c->out = (struct region){0};
	image_place(image, (const struct image_header *)image->owned.data);
	*ret = image;
	return 0;
}

int image_compile(const struct zone *zone, struct image **ret)
{
	struct compile c = {.zone = zone};
	int rc = run_passes(&c);
	if (rc == 0)
		rc = compile_finish(&c, ret);
	compile_done(&c);
	return rc;
}
