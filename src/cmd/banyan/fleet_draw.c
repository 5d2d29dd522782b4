// SPDX-License-Identifier: GPL-3.0-or-later
/* Samples of a zone whose master is asked by DNS: a proof that a name is not there names one that is (NSEC). */
#include "fleet.h"

#include <string.h>

#define STRANGER_LEN 12 /* letters of a name that is most likely not there */

struct draw {
	struct fleet *fleet;
	uint8_t name[WIRE_NAME_MAX]; /* that is there, as a proof says; of no label: none was found */
	uint16_t type;
};

/* The types that go with all names tell nothing. */
static uint16_t type_of(const uint8_t *map, size_t len)
{
	uint16_t types[64];
	int n = wire_bitmap_types(map, len, types, ARRAY_SIZE(types));
	if (wire_bitmap_has(map, len, WIRE_TYPE_NS))
		return WIRE_TYPE_NS;
	for (int i = 0; i < n; i++)
		if (types[i] != WIRE_TYPE_NSEC && types[i] != WIRE_TYPE_RRSIG)
			return types[i];
	return WIRE_TYPE_NSEC;
}

/* The owner of an NSEC other than the apex. */
static int take_name(void *ctx, const struct fleet_reply *reply)
{
	struct draw *draw = ctx;
	struct wire_reader reader;
	struct wire_record record;
	uint8_t rdata[WIRE_NAME_MAX + 8192]; /* next name, then a bitmap of at most 256 windows of 34 bytes */
	int rc = wire_reader_init(&reader, reply->msg, reply->len);
	while (rc == 0 && (rc = wire_reader_next(&reader, &record)) > 0) {
		rc = 0;
		if (record.type != WIRE_TYPE_NSEC || wire_name_equal(record.owner, draw->fleet->apex) ||
		    !wire_name_under(record.owner, draw->fleet->apex))
			continue;
		int len = wire_record_rdata(&reader, &record, rdata, sizeof rdata);
		if (len < 0)
			return len;
		size_t next = wire_name_len(rdata);
		wire_name_lower(record.owner, draw->name);
		draw->type = type_of(rdata + next, (size_t)len - next);
		return 0;
	}
	return rc;
}

static int take_sample(void *ctx, const struct fleet_reply *reply)
{
	struct draw *draw = ctx;
	return fleet_sample_take(&draw->fleet->master, reply->msg, reply->len);
}

static int ask(struct draw *draw, const uint8_t *name, uint16_t type,
	       int (*take)(void *ctx, const struct fleet_reply *reply))
{
	struct fleet_question question = {.ask = FLEET_DATA, .apex = draw->fleet->apex, .name = name, .type = type};
	return fleet_master_reply(draw->fleet, &question, take, draw);
}

static void stranger(struct fleet *fleet, uint8_t out[WIRE_NAME_MAX])
{
	size_t len = wire_name_len(fleet->apex), room = WIRE_NAME_MAX - len - 1;
	out[0] = (uint8_t)(room < STRANGER_LEN ? room : STRANGER_LEN);
	for (size_t i = 1; i <= out[0]; i++)
		out[i] = (uint8_t)('a' + random_below(&fleet->random, 26));
	memcpy(out + out[0] + 1, fleet->apex, len);
}

static int draw_one(struct draw *draw)
{
	uint8_t away[WIRE_NAME_MAX];
	draw->name[0] = 0;
	stranger(draw->fleet, away);
	int rc = ask(draw, away, WIRE_TYPE_A, take_name);
	if (rc < 0 || draw->name[0] == 0)
		return rc; /* NSEC3, or not signed: its names are not to be learned */
	rc = ask(draw, draw->name, draw->type, take_sample);
	return rc == 0 && draw->type == WIRE_TYPE_NS ? ask(draw, draw->name, WIRE_TYPE_DS, take_sample) : rc;
}

int fleet_draw(struct fleet *fleet)
{
	struct draw draw = {.fleet = fleet};
	uint8_t away[WIRE_NAME_MAX];
	int rc = 0;
	fleet_samples_drop(&fleet->master);
	if (fleet->names == 0 || wire_name_len(fleet->apex) > WIRE_NAME_MAX - 2)
		return 0;
	for (uint32_t i = 0; i < fleet->names && rc == 0; i++)
		rc = draw_one(&draw);
	stranger(fleet, away);
	if (rc == 0)
		rc = ask(&draw, away, WIRE_TYPE_A, take_sample);
	if (rc == 0)
		rc = ask(&draw, fleet->apex, WIRE_TYPE_NS, take_sample);
	return rc == 0 ? ask(&draw, fleet->apex, WIRE_TYPE_DNSKEY, take_sample) : rc;
}
