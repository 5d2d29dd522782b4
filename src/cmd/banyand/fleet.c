// SPDX-License-Identifier: GPL-3.0-or-later
/* The command fleet: what `banyan status --fleet` must know of this server to judge others: its versions, its keys, its register. */
#include "notifies.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_MAX  64   /* names of one reply */
#define SAMPLE_MAX   4000 /* bytes of an answer: a referral has some hundred */
#define SAMPLE_TRIES 4    /* for each name, as they may come up again */

/* The zone as it is in use, or NULL. */
static const struct loaded *zone_of(const struct generation *g, const uint8_t *apex)
{
	for (size_t i = 0; i < g->config->n_zones; i++)
		if (g->zone[i] != NULL && g->zone[i]->image != NULL &&
		    wire_name_equal(image_apex(g->zone[i]->image), apex))
			return g->zone[i];
	return apex[0] == 0 && g->root != NULL && g->root->image != NULL ? g->root : NULL;
}

struct telling {
	struct buffer *out;
	int rc;
};

static void tell_key(void *ctx, const struct wire_record *record, const uint8_t *rdata, uint16_t len)
{
	struct telling *telling = ctx;
	if (telling->rc == 0)
		telling->rc = buffer_printf(telling->out, "dnskey %" PRIu32 " ", record->ttl);
	for (uint16_t i = 0; i < len && telling->rc == 0; i++)
		telling->rc = buffer_printf(telling->out, "%02x", rdata[i]);
	if (telling->rc == 0)
		telling->rc = buffer_append(telling->out, "\n", 1);
}

/* Those that stand in its history; or, of a zone of whose versions nobody is told, the one that is there. */
static int tell_versions(const struct loaded *loaded, const struct offered *offered, struct buffer *out)
{
	struct offered now = {0};
	if (offered != NULL && offered->n > 0)
		return offered_write(offered, "version", out);
	(void)offered_take(&now, loaded->image, loaded->loaded_at * 1000);
	int rc = offered_write(&now, "version", out);
	offered_done(&now);
	return rc;
}

/* ---- samples: what this server answers, so that others' answers can be held against it ---- */

/* One whole answer with signatures, as hexadecimal digits. What is very long is no sample. */
static int tell_answer(const struct image *image, const uint8_t *name, uint16_t type, struct buffer *out)
{
	uint8_t msg[SAMPLE_MAX];
	struct wire_question q = {
		.qname = name, .qtype = type, .qclass = WIRE_CLASS_IN, .qname_len = (uint8_t)wire_name_len(name)};
	struct image_reply reply;
	q.has_question = true;
	q.labels = (uint8_t)wire_name_labels(name);
	q.end = (uint16_t)(WIRE_HEADER_SIZE + q.qname_len + 4);
	wire_name_lower(name, q.lower);
	struct image_query query = {.question = &q, .dnssec = true, .minimal = true, .max = sizeof msg};
	int len = image_answer(image, &query, msg, &reply);
	if (len < 0 || reply.truncated)
		return 0;
	int rc = buffer_append(out, "sample ", 7);
	for (int i = 0; i < len && rc >= 0; i++)
		rc = buffer_printf(out, "%02x", msg[i]);
	return rc < 0 ? rc : buffer_append(out, "\n", 1);
}

/* A name that is most likely not there: twelve letters below the apex. */
static bool stranger(const struct image *image, struct random *random, uint8_t out[WIRE_NAME_MAX])
{
	const uint8_t *apex = image_apex(image);
	size_t len = wire_name_len(apex);
	if (len + 13 > WIRE_NAME_MAX)
		return false;
	out[0] = 12;
	for (size_t i = 1; i <= out[0]; i++)
		out[i] = (uint8_t)('a' + random_below(random, 26));
	memcpy(out + 13, apex, len);
	return true;
}

/* Of so many names at random, each once; of a delegation also its DS, for servers that serve the zone below, too. Then the apex, and a name
 * that is not there. */
static int tell_samples(const struct image *image, unsigned long n, struct buffer *out)
{
	const uint8_t *told[SAMPLES_MAX];
	struct random random;
	uint8_t name[WIRE_NAME_MAX];
	uint16_t type;
	unsigned long n_told = 0;
	int rc = 0;
	random_init_kernel(&random);
	for (unsigned long i = 0; i < SAMPLE_TRIES * n && n_told < n && rc >= 0; i++) {
		const uint8_t *sample = image_sample(image, random_u64(&random), &type);
		unsigned long k = 0;
		while (k < n_told && told[k] != sample)
			k++;
		if (k < n_told)
			continue; /* a small zone */
		told[n_told++] = sample;
		rc = tell_answer(image, sample, type, out);
		if (rc >= 0 && type == WIRE_TYPE_NS && !wire_name_equal(sample, image_apex(image)))
			rc = tell_answer(image, sample, WIRE_TYPE_DS, out);
	}
	if (rc >= 0 && n > 0 && stranger(image, &random, name))
		rc = tell_answer(image, name, WIRE_TYPE_A, out);
	if (rc >= 0 && n > 0)
		rc = tell_answer(image, image_apex(image), WIRE_TYPE_NS, out);
	return rc < 0 || n == 0 ? rc : tell_answer(image, image_apex(image), WIRE_TYPE_DNSKEY, out);
}

/* ---- all of it ---- */

static int tell_peers(struct keeper *keeper, const struct push_notify *push, struct buffer *out)
{
	struct push_peer_state state;
	char addr[ADDR_TEXT_MAX];
	int rc = 0;
	for (size_t at = 0; rc == 0 && push_notify_next(push, &at, &state);) {
		const char *key = notifies_key_name(keeper, state.key);
		rc = buffer_printf(out, "peer %s %s %s\n", addr_format(&state.addr, true, addr),
				   state.registered ? "registered" : "configured", key[0] == 0 ? "-" : key);
	}
	return rc;
}

static int tell(struct keeper *keeper, const struct loaded *loaded, const uint8_t *apex, unsigned long samples,
		struct buffer *out)
{
	const struct generation *g = swap_read(&keeper->swap);
	struct notifies_zone zone = {0};
	struct telling telling = {.out = out};
	bool told = notifies_zone(keeper, apex, &zone);
	int rc = buffer_printf(out, "fleet 1\nnow %" PRId64 "\nidentity %s\nprogram Banyan %s\n", clock_wall_ms(),
			       g->identity, BANYAN_VERSION);
	if (rc == 0)
		rc = tell_versions(loaded, told ? zone.offered : NULL, out);
	offered_set(loaded->image, WIRE_TYPE_DNSKEY, tell_key, &telling);
	if (rc == 0)
		rc = telling.rc;
	if (rc == 0)
		rc = tell_samples(loaded->image, samples, out);
	if (rc == 0 && told)
		rc = tell_peers(keeper, zone.push, out);
	return rc < 0 ? rc : buffer_printf(out, "end %s\n", told ? "told" : "nobody");
}

void control_fleet(void *ctx, struct operate_call *call, int argc, char **argv)
{
	struct keeper *keeper = ctx;
	uint8_t apex[WIRE_NAME_MAX];
	char *end = argc > 2 ? argv[2] : "";
	unsigned long samples = argc > 2 ? strtoul(argv[2], &end, 10) : 0;
	if (argc > 3 || *end != 0 || samples > SAMPLES_MAX || wire_name_parse(argc >= 2 ? argv[1] : ".", apex) < 0) {
		control_fail(call, "usage: fleet [ZONE [SAMPLES]]");
		return;
	}
	const struct loaded *loaded = zone_of(swap_read(&keeper->swap), apex);
	if (loaded == NULL) {
		control_fail(call, "this daemon has no such zone in use; `banyan status` tells which it has");
		return;
	}
	operate_call_done(call, tell(keeper, loaded, apex, samples, operate_call_reply(call)) == 0);
}
