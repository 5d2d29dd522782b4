// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan plan: results as JSON. */
#include <stdio.h>

#include "planner.h"
#include "print.h"

/* For keys: words with underscores. */
static void print_key(const char *words)
{
	putchar('"');
	for (; *words != 0; words++)
		putchar(*words == ' ' ? '_' : *words >= 'A' && *words <= 'Z' ? *words - 'A' + 'a' : *words);
	printf("\": ");
}

static void print_name(const uint8_t *name)
{
	char text[WIRE_NAME_TEXT_MAX];
	print_json_text(wire_name_text(name, text));
}

static void print_record(const struct plan_record *record)
{
	char type[16];
	printf("{\"at\": %u, \"bytes\": %u, \"owner\": ", record->at, record->len);
	print_name(record->owner);
	printf(", \"type\": \"%s\", ", wire_type_text(record->type, type));
	if (record->type == WIRE_TYPE_RRSIG)
		printf("\"covered\": \"%s\", ", wire_type_text(record->covered, type));
	printf("\"owner_bytes\": %u, \"owner_plain\": %u, \"data_bytes\": %u, \"data_plain\": %u}", record->owner_len,
	       record->owner_plain, record->data_len, record->data_plain);
}

static void print_message(const struct plan_message *m)
{
	printf("\"bytes\": %zu, \"tc\": %s, \"rcode\": %u, \"parts\": {", m->len, m->flags & WIRE_TC ? "true" : "false",
	       m->rcode);
	for (unsigned i = 0; i < PLAN_PARTS; i++) {
		printf("%s", i > 0 ? ", " : "");
		print_key(plan_part_text(i));
		printf("{\"records\": %u, \"bytes\": %zu, \"plain\": %zu}", m->part[i].records, m->part[i].bytes,
		       m->part[i].plain);
	}
	printf("},\n    \"records\": [");
	for (size_t i = 0; i < m->n_records; i++) {
		printf("%s", i > 0 ? ",\n     " : "");
		print_record(&m->record[i]);
	}
	printf("]");
}

static void print_missing(const struct plan_missing *missing)
{
	printf("\"left_out\": {\"a\": %u, \"aaaa\": %u, \"rrsig\": %u, \"others\": %u, \"beyond_64k\": %s}", missing->a,
	       missing->aaaa, missing->signatures, missing->others, missing->beyond ? "true" : "false");
}

static void print_peer(const struct planner_row *row)
{
	static const char *const why[PLAN_WHYS] = {"owner_names", "data_names", "left_out", "added", "other_bytes"};
	const char *apart = "";
	printf(",\n   \"other\": {");
	print_message(&row->peer);
	printf(", ");
	print_missing(&row->peer_missing);
	printf(",\n    \"difference\": %ld, \"because\": [", row->comparison.total);
	for (unsigned part = 0; part < PLAN_PARTS; part++)
		for (unsigned i = 0; i < PLAN_WHYS; i++) {
			const struct plan_difference *d = &row->comparison.part[part][i];
			if (d->records == 0)
				continue;
			printf("%s{\"part\": \"%s\", \"why\": \"%s\", \"records\": %u, \"bytes\": %ld}", apart,
			       plan_part_text(part), why[i], d->records, d->bytes);
			apart = ", ";
		}
	printf("]}");
}

static void print_row(const struct planner_row *row)
{
	const struct plan_question *q = &row->question;
	printf("  {\"edns\": %s, \"dnssec\": %s, \"cookie\": %s, \"tcp\": %s, \"size\": %zu, ",
	       q->size > 0 ? "true" : "false", q->dnssec ? "true" : "false", q->cookie ? "true" : "false",
	       q->tcp ? "true" : "false", plan_question_room(q));
	print_message(&row->message);
	printf(", ");
	print_missing(&row->missing);
	if (row->has_fit)
		printf(", \"most_servers\": %zu, \"most_servers_one_address\": %zu", row->fit.whole, row->fit.each);
	if (row->has_peer)
		print_peer(row);
	printf("}");
}

static void print_plan(const struct planner_plan *plan)
{
	const struct plan_edition *edition = &plan->edition;
	char text[32];
	printf(" {");
	if (plan->section != NULL) {
		printf("\"scheme\": \"%s\", \"title\": ", plan->section);
		print_json_text(plan->title);
		printf(", \"words\": ");
		print_json_text(plan->words);
		printf(", ");
	}
	printf("\"servers\": %zu, \"first\": ", edition->n);
	print_name(edition->set->server[0].name);
	printf(", \"last\": ");
	print_name(edition->set->server[edition->n - 1].name);
	printf(", \"signers\": [");
	for (size_t i = 0; i < edition->n_signers; i++)
		printf("%s\"%s\"", i > 0 ? ", " : "", plan_signer_text(&edition->signer[i], text));
	printf("], \"signed\": %s,\n \"without_opt\": [", edition->keys != NULL ? "true" : "false");
	for (size_t i = 0; plan->has_bare && i < plan->n_size; i++)
		printf("%s{\"size\": %u, \"most_servers\": %zu, \"bytes\": %zu}", i > 0 ? ", " : "", plan->size[i],
		       plan->bare[i].whole, plan->bare[i].bytes);
	printf("],\n \"questions\": [\n");
	for (size_t i = 0; i < plan->n_rows; i++) {
		printf("%s", i > 0 ? ",\n" : "");
		print_row(&plan->row[i]);
	}
	printf("]}");
}

static void print_seeds(const struct planner_seed *seed)
{
	printf("\"seeds\": [\n");
	for (size_t i = 0; i < PLANNER_SEEDS; i++) {
		printf("%s {\"words\": ", i > 0 ? ",\n" : "");
		print_json_text(seed[i].words);
		printf(", \"%s\": %zu, \"expected\": %zu, \"message\": {",
		       seed[i].servers ? "found_servers" : "found_bytes", seed[i].found, seed[i].expected);
		print_message(&seed[i].message);
		printf("}}");
	}
	printf("],\n");
}

void planner_json(const struct planner_seed *seed, const struct planner_plan *plan, size_t n)
{
	printf("{");
	if (seed != NULL)
		print_seeds(seed);
	printf("\"plans\": [\n");
	for (size_t i = 0; i < n; i++) {
		printf("%s", i > 0 ? ",\n" : "");
		print_plan(&plan[i]);
	}
	printf("]}\n");
}
