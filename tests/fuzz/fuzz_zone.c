// SPDX-License-Identifier: GPL-3.0-or-later
/* The zone reader and what follows it: bytes as a master file, proved, compiled, asked for each of its names. */
#include "image/image.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define TEXT_MAX  65536
#define NAMES_MAX 64         /* names of a zone that are asked for */
#define NOW       1785546000 /* the corpus is signed for this time */

static void count_finding(void *ctx, const struct zone_finding *finding)
{
	if (finding->text == NULL || finding->reason == REASON_NONE)
		abort(); /* every finding says what it is */
	*(size_t *)ctx += finding->fatal;
}

/* The zone's own keys as anchors, so that the way through the signatures is open. */
static void own_anchors(const struct zone *zone, struct dnssec_anchors *anchors)
{
	const struct zone_node *apex = zone_find(zone, zone->apex);
	const struct wire_rrset *keys = apex != NULL ? zone_node_set(zone, apex, WIRE_TYPE_DNSKEY) : NULL;
	for (uint32_t i = 0; keys != NULL && i < keys->count && i < 4; i++)
		(void)!dnssec_anchors_add(anchors, zone->apex, WIRE_TYPE_DNSKEY, &keys->rdata[i]);
}

static void prove(const struct zone *zone, bool digest_only, bool structure_only)
{
	struct dnssec_anchors anchors = {0};
	struct zone_proof proof;
	size_t findings = 0;
	own_anchors(zone, &anchors);
	struct zone_prove_settings settings = {.anchors = &anchors,
					       .now = NOW,
					       .threads = 1,
					       .digest_only = digest_only,
					       .structure_only = structure_only,
					       .edition = digest_only ? "" : NULL,
					       .dates = true,
					       .report = count_finding,
					       .report_ctx = &findings};
	if (zone_prove(zone, &settings, &proof) == 0 &&
	    (proof.proved != (findings == 0) || proof.proved != (proof.reason == REASON_NONE)))
		abort(); /* a refusal has a reason and a fatal finding, a proof has none */
	dnssec_anchors_done(&anchors);
}

/* What is read of an edition is written so that it is read as the same. */
static void check_edition(const struct zone *zone)
{
	struct zone_edition edition = {0}, again = {0};
	uint8_t rdata[ZONE_EDITION_RDATA];
	const char *why = NULL;
	size_t len;
	if (zone_edition(zone, &edition, &why) != 0) {
		if (why == NULL || edition.valid_until != 0)
			abort();
		return;
	}
	if ((edition.valid_from == 0) != (edition.valid_until == 0) || edition.valid_from > edition.valid_until)
		abort();
	if (zone_edition_write(&edition, rdata, &len) != 0) {
		if (edition.name[0] != '\0')
			abort();
		return;
	}
	if (zone_edition_take(rdata, len, &again, &why) != 0 || strcmp(again.name, edition.name) != 0 ||
	    again.valid_from != edition.valid_from || again.valid_until != edition.valid_until)
		abort();
}

/* Names ascend, sets stand by type, data ascend in canonical form, and each record is counted once. */
static void check_order(const struct zone *zone)
{
	size_t records = 0;
	for (size_t i = 0; i < zone->n_nodes; i++) {
		const struct zone_node *node = &zone->node[i];
		if (i > 0 && wire_name_cmp(zone->node[i - 1].name, node->name) >= 0)
			abort();
		if (zone_find(zone, node->name) != node || !wire_name_under(node->name, zone->apex))
			abort();
		for (uint32_t s = 0; s < node->n_sets; s++) {
			const struct wire_rrset *set = &zone->set[node->first_set + s];
			const struct wire_rrset *canonical = &zone->canonical[node->first_set + s];
			if (set->owner != node->name || set->count == 0 || (s > 0 && set[-1].type > set->type))
				abort();
			for (uint32_t r = 1; r < set->count; r++)
				if (wire_rdata_cmp(&canonical->rdata[r - 1], &canonical->rdata[r]) >= 0)
					abort();
			records += set->count;
		}
	}
	if (records != zone->n_records)
		abort();
}

/* Any zone has a wire form, which is read as the same. */
static void check_wire(const struct zone *zone)
{
	_cleanup_(buffer_done) struct buffer form = {0}, again = {0};
	struct zone_read_settings settings = {.origin = zone->apex};
	struct zone_error error;
	struct zone *copy;
	if (zone_write_wire(zone, &form) < 0)
		return;
	if (zone_read_wire("input", form.data, form.len, &settings, &copy, &error) < 0)
		abort();
	if (zone_write_wire(copy, &again) < 0 || again.len != form.len || memcmp(form.data, again.data, form.len) != 0)
		abort();
	zone_free(copy);
}

static void ask(const struct image *image, const uint8_t *name, uint16_t qtype, size_t max)
{
	static uint8_t out[WIRE_MESSAGE_MAX];
	uint8_t msg[WIRE_HEADER_SIZE + WIRE_NAME_MAX + 4] = {0x12, 0x34, 0, 0, 0, 1};
	size_t name_len = wire_name_len(name);
	memcpy(msg + WIRE_HEADER_SIZE, name, name_len);
	wire_put16(msg + WIRE_HEADER_SIZE + name_len, qtype);
	wire_put16(msg + WIRE_HEADER_SIZE + name_len + 2, WIRE_CLASS_IN);
	struct wire_question question;
	if (wire_question_parse(msg, WIRE_HEADER_SIZE + name_len + 4, &question) != WIRE_ANSWERABLE)
		abort();
	for (int dnssec = 0; dnssec < 2; dnssec++) {
		struct image_query query = {.question = &question, .dnssec = dnssec, .max = max, .reserve = 11};
		struct image_reply reply;
		int len = image_answer(image, &query, out, &reply);
		struct wire_reader reader;
		struct wire_record record;
		if (len < 0 || (size_t)len > max - 11 || wire_reader_init(&reader, out, (size_t)len) < 0)
			abort();
		int rc;
		while ((rc = wire_reader_next(&reader, &record)) > 0)
			;
		if (rc < 0 || reader.pos != (size_t)len)
			abort(); /* a reply is a well-formed message */
	}
}

static void compile(const struct zone *zone)
{
	static const uint16_t types[] = {WIRE_TYPE_A,   WIRE_TYPE_NS,    WIRE_TYPE_DS,
					 WIRE_TYPE_ANY, WIRE_TYPE_RRSIG, WIRE_TYPE_NSEC};
	struct image *image, *again;
	size_t bytes;
	if (image_compile(zone, &image) < 0)
		return;
	const void *block = image_bytes(image, &bytes);
	if (image_open(block, bytes, &again) < 0)
		abort(); /* compiled, and not fit to be trusted */
	image_free(again);
	for (size_t i = 0; i < zone->n_nodes && i < NAMES_MAX; i++) {
		uint8_t below[WIRE_NAME_MAX];
		const uint8_t *name = zone->node[i].name;
		for (size_t t = 0; t < ARRAY_SIZE(types); t++)
			ask(image, name, types[t], t % 2 == 0 ? 512 : 65535);
		size_t len = wire_name_len(name);
		if (len + 2 <= WIRE_NAME_MAX) {
			memcpy(below, "\1x", 2);
			memcpy(below + 2, name, len);
			ask(image, below, WIRE_TYPE_A, 1232);
		}
	}
	image_free(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t *const origins[] = {(const uint8_t *)"", (const uint8_t *)"\7example"};
	if (len < 1 || len > TEXT_MAX)
		return 0;
	struct zone_read_settings settings = {.origin = origins[data[0] & 1], .max_bytes = TEXT_MAX};
	struct zone_error error = {0};
	struct zone *zone;
	if (zone_read_text("input", (const char *)data + 1, len - 1, &settings, NULL, NULL, &zone, &error) < 0) {
		if (error.text[0] == '\0')
			abort(); /* an error says what is wrong */
		return 0;
	}
	check_order(zone);
	check_wire(zone);
	check_edition(zone);
	prove(zone, false, false);
	prove(zone, true, false);
	prove(zone, false, true);
	compile(zone);
	zone_free(zone);
	return 0;
}
