// SPDX-License-Identifier: GPL-3.0-or-later
/* Hosts files, local records and response policy zones: whatever stands in them is refused with file and line, or makes tables
 * that answer for every name in them and for others. */
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define TEXT_MAX 65536

static void ask(const struct policy_view *view, const uint8_t *name)
{
	static const struct addr client = {.family = 4, .ip = {192, 0, 2, 1}};
	static const struct addr answer = {.family = 6, .ip = {0x20, 1, 0xd, 0xb8}};
	static const uint16_t types[] = {WIRE_TYPE_A, WIRE_TYPE_TXT, WIRE_TYPE_DS, WIRE_TYPE_ANY, WIRE_TYPE_SOA};
	uint8_t lower[WIRE_NAME_MAX], below[WIRE_NAME_MAX];
	char text[POLICY_TEXT_MAX];
	size_t len = wire_name_lower(name, lower);
	const uint8_t *asked[] = {lower, below};
	memcpy(below, "\1x", 2);
	memcpy(below + 2, lower, len <= sizeof below - 2 ? len : 1);
	if (len > sizeof below - 2)
		below[2] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(types) * 4; i++) {
		struct policy_subject subject = {
			.view = view,
			.client = &client,
			.name = asked[i & 1],
			.qtype = types[i / 4],
			.resolved = i & 2,
			.n_addrs = 1,
			.addr = &answer,
			.n_ns = 1,
			.ns = asked,
			.n_ns_addrs = 1,
			.ns_addr = &client,
		};
		struct policy_hit hit;
		enum policy_verdict verdict = policy_check(&subject, &hit);
		if (verdict == POLICY_LATER && subject.resolved)
			abort(); /* all is known then */
		if (verdict != POLICY_HIT)
			continue;
		if (strlen(policy_rule_text(&hit.rule, text)) == 0)
			abort();
		if (hit.action == POLICY_DATA && hit.data == NULL && hit.cname == NULL)
			abort();
		for (unsigned k = 0; hit.data != NULL && k < policy_data_count(hit.data); k++)
			if (policy_data_at(hit.data, k).count == 0)
				abort();
	}
}

static void check_error(const struct zone_error *error)
{
	if (strncmp(error->text, "fuzz", 4) != 0)
		abort(); /* it names the file */
}

/* The names to ask for are those of the text, read as a zone. */
static void ask_all(const struct policy_view *view, const struct zone *zone)
{
	for (size_t i = 0; zone != NULL && i < zone->n_nodes && i < 64; i++) {
		ask(view, zone->node[i].name);
		for (unsigned cut = wire_name_labels(zone->apex); cut > 0 && wire_name_len(zone->node[i].name) > 5;
		     cut = 0) {
			uint8_t relative[WIRE_NAME_MAX];
			size_t len = wire_name_len(zone->node[i].name) - wire_name_len(zone->apex);
			memcpy(relative, zone->node[i].name, len);
			relative[len] = 0;
			ask(view, relative);
		}
	}
}

static void run_local(const char *text, size_t len, bool hosts, bool defaults)
{
	struct policy_local_builder *builder = policy_local_builder_new();
	struct policy_local *local;
	struct zone_error error = {0};
	if (builder == NULL)
		return;
	int rc = defaults ? policy_local_defaults(builder) : 0;
	if (rc == 0)
		rc = hosts ? policy_local_hosts(builder, "fuzz", text, len, 60, &error)
			   : policy_local_text(builder, "fuzz", text, len, 60, &error);
	if (rc < 0) {
		check_error(&error);
		policy_local_builder_free(builder);
		return;
	}
	if (policy_local_zone(builder, (const uint8_t *)"\1x", POLICY_ZONE_STATIC) < 0 ||
	    policy_local_build(builder, 1, &local) < 0)
		abort();
	struct policy_view view = {.name = "fuzz", .common = local};
	ask(&view, (const uint8_t *)"");
	ask(&view, (const uint8_t *)"\1a");
	ask(&view, (const uint8_t *)"\1x");
	ask(&view, (const uint8_t *)"\1"
				    "1\1"
				    "2\1"
				    "0\3"
				    "192\7in-addr\4arpa");
	policy_local_free(local);
}

static void run_rpz(const char *text, size_t len)
{
	struct zone_read_settings settings = {.origin = (const uint8_t *)"\3rpz", .default_ttl = 60};
	struct zone_error error = {0};
	struct policy_rpz *rpz;
	struct zone *zone;
	if (zone_read_text("fuzz", text, len, &settings, NULL, NULL, &zone, &error) < 0) {
		check_error(&error);
		return;
	}
	if (policy_rpz_compile(zone, 1, NULL, NULL, &rpz) == 0) {
		for (unsigned how = POLICY_OVERRIDE_GIVEN; how <= POLICY_OVERRIDE_CNAME; how++) {
			struct policy_rpz_use use = {.rpz = rpz,
						     .override = (enum policy_override)how,
						     .cname = (const uint8_t *)"\1c",
						     .add_soa = true};
			struct policy_view view = {.name = "fuzz", .n_rpz = 1, .rpz = &use};
			ask_all(&view, zone);
		}
		policy_rpz_free(rpz);
	}
	zone_free(zone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 1 || len > TEXT_MAX)
		return 0;
	const char *text = (const char *)data + 1;
	switch (data[0] % 3) {
	case 0:
		run_local(text, len - 1, true, data[0] & 64);
		break;
	case 1:
		run_local(text, len - 1, false, data[0] & 64);
		break;
	default:
		run_rpz(text, len - 1);
		break;
	}
	return 0;
}
