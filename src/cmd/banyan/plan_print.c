// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan plan: results as tables. */
#include <stdio.h>
#include <string.h>

#include "planner.h"

static const char *share_text(const struct plan_message *m, enum plan_part part, char out[32])
{
	if (m->part[part].bytes == 0)
		snprintf(out, 32, "-");
	else
		snprintf(out, 32, "%u/%zu", m->part[part].records, m->part[part].bytes);
	return out;
}

static const char *missing_text(const struct plan_missing *missing, char out[96])
{
	const struct {
		unsigned n;
		const char *words;
	} rows[] = {{missing->a, "A"},
		    {missing->aaaa, "AAAA"},
		    {missing->signatures, "RRSIG"},
		    {missing->others, "others"}};
	size_t len = 0;
	out[0] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].n > 0)
			len += (size_t)snprintf(out + len, 96 - len, "%s%u %s", len > 0 ? ", " : "", rows[i].n,
						rows[i].words);
	if (missing->beyond)
		snprintf(out, 96, "more than 64 KiB");
	else if (len == 0)
		snprintf(out, 96, "nothing");
	return out;
}

static void print_about(const struct planner_plan *plan)
{
	const struct plan_set *set = plan->edition.set;
	char first[WIRE_NAME_TEXT_MAX], last[WIRE_NAME_TEXT_MAX], text[32];
	if (plan->section != NULL)
		printf("RSSAC028 %s, %s: %s.\n", plan->section, plan->title, plan->words);
	wire_name_text(set->server[0].name, first);
	wire_name_text(set->server[plan->edition.n - 1].name, last);
	printf("%zu server%s, %s", plan->edition.n, plan->edition.n == 1 ? "" : "s", first);
	if (plan->edition.n > 1 && strcmp(first, last) != 0)
		printf(" to %s", last);
	for (size_t i = 0; i < plan->edition.n_signers; i++)
		printf("%s%s", i == 0 ? "; signed by " : ", ", plan_signer_text(&plan->edition.signer[i], text));
	if (plan->edition.n_signers > 0 && plan->edition.keys == NULL)
		printf(" (no keys of it: bytes in the place of signatures)");
	if (plan->whole->part[PLAN_NS].records > 0)
		printf("\nIts NS records: %zu bytes with names in full, %zu as they stand.\n",
		       plan->whole->part[PLAN_NS].plain, plan->whole->part[PLAN_NS].bytes);
	else
		printf("\nIts NS records and their signatures are more than 64 KiB: no message holds them.\n");
	printf("\n");
}

static void print_peer(const struct planner_row *row)
{
	static const char *const why[PLAN_WHYS] = {"owner names", "names in data", "not there", "there in addition",
						   "other bytes"};
	char missing[96];
	const struct plan_comparison *c = &row->comparison;
	printf("    the other server: %zu bytes%s (%+ld), left out: %s\n", row->peer.len,
	       row->peer.flags & WIRE_TC ? ", TC" : "", c->total, missing_text(&row->peer_missing, missing));
	for (unsigned part = 0; part < PLAN_PARTS; part++)
		for (unsigned i = 0; i < PLAN_WHYS; i++)
			if (c->part[part][i].records > 0)
				printf("      %+6ld  %u x %s: %s\n", c->part[part][i].bytes, c->part[part][i].records,
				       plan_part_text(part), why[i]);
}

void planner_print(const struct planner_plan *plan)
{
	static const enum plan_part parts[] = {PLAN_NS,  PLAN_NS_RRSIG, PLAN_A, PLAN_AAAA, PLAN_ADDRESS_RRSIG,
					       PLAN_OPT, PLAN_COOKIE};
	print_about(plan);
	printf("%-17s %5s %5s %-2s %9s %9s %9s %9s %10s %5s %6s  %-24s %5s %5s\n", "asked with", "size", "bytes", "TC",
	       "NS", "RRSIG", "A", "AAAA", "RRSIGs", "OPT", "cookie", "left out", plan->has_bare ? "all" : "",
	       plan->has_bare ? "one" : "");
	for (size_t i = 0; i < plan->n_rows; i++) {
		const struct planner_row *row = &plan->row[i];
		static const int width[] = {9, 9, 9, 9, 10, 5, 6};
		char text[96], size[8] = "-";
		if (!row->question.tcp)
			snprintf(size, sizeof size, "%zu", plan_question_room(&row->question));
		printf("%-17s %5s %5zu %-2s", plan_question_text(&row->question, text), size, row->message.len,
		       row->message.flags & WIRE_TC ? "TC" : "");
		for (size_t k = 0; k < ARRAY_SIZE(parts); k++)
			printf(" %*s", width[k], share_text(&row->message, parts[k], text));
		printf("  %-24s", missing_text(&row->missing, text));
		if (row->has_fit)
			printf(" %4zu%s %4zu%s", row->fit.whole, row->fit.all ? "+" : " ", row->fit.each,
			       row->fit.each == plan->edition.set->n ? "+" : "");
		printf("\n");
		if (row->has_peer)
			print_peer(row);
	}
	printf("\nEach: records/bytes; header %zu and question %zu besides. "
	       "RRSIG: of NS; RRSIGs: of addresses.\n",
	       plan->whole->part[PLAN_HEADER].bytes, plan->whole->part[PLAN_QUESTION].bytes);
	if (!plan->has_bare)
		return;
	printf("all: the most servers with all that is theirs%s; one: with one address each at least.\n"
	       "The most servers without OPT:",
	       " (+: there are no more)");
	for (size_t i = 0; i < plan->n_size; i++)
		if (plan->bare[i].whole > 0)
			printf("%s %zu in %u bytes (%zu)", i > 0 ? "," : "", plan->bare[i].whole, plan->size[i],
			       plan->bare[i].bytes);
		else
			printf("%s none in %u bytes", i > 0 ? "," : "", plan->size[i]);
	printf(".\n");
}

/* ---- byte by byte ---- */

static void print_record(const struct plan_record *record)
{
	_cleanup_(buffer_done) struct buffer data = {0};
	struct wire_rdata rdata = {record->data, record->data_plain};
	char owner[WIRE_NAME_TEXT_MAX], type[16];
	printf("%6u %5u  %s %s", record->at, record->len, wire_name_text(record->owner, owner),
	       wire_type_text(record->type, type));
	if (record->type == WIRE_TYPE_RRSIG)
		printf(" of %s", wire_type_text(record->covered, type));
	else if (wire_rdata_text(record->type, &rdata, &data) == 0)
		printf(" %.*s", (int)data.len, (const char *)data.data);
	printf(": owner %u", record->owner_len);
	if (record->owner_len != record->owner_plain)
		printf(" of %u", record->owner_plain);
	printf(", type to length 10, data %u", record->data_len);
	if (record->data_len != record->data_plain)
		printf(" of %u", record->data_plain);
	printf("\n");
}

static void print_message(const struct planner_row *row, const struct plan_message *m, const char *whose)
{
	char text[48];
	printf("\n%s: %s, %zu bytes%s\n", whose, plan_question_text(&row->question, text), m->len,
	       m->flags & WIRE_TC ? ", TC" : "");
	printf("%6d %5zu  header\n%6zu %5zu  question\n", 0, m->part[PLAN_HEADER].bytes, m->part[PLAN_HEADER].bytes,
	       m->part[PLAN_QUESTION].bytes);
	for (size_t i = 0; i < m->n_records; i++)
		print_record(&m->record[i]);
	if (m->part[PLAN_OPT].bytes > 0)
		printf("       %5zu  OPT; cookie %zu, other options %zu\n", m->part[PLAN_OPT].bytes,
		       m->part[PLAN_COOKIE].bytes, m->part[PLAN_OPTIONS].bytes);
}

void planner_print_records(const struct planner_plan *plan)
{
	for (size_t i = 0; i < plan->n_rows; i++) {
		print_message(&plan->row[i], &plan->row[i].message, "this server");
		if (plan->row[i].has_peer)
			print_message(&plan->row[i], &plan->row[i].peer, "the other server");
	}
}

/* ---- side by side ---- */

void planner_print_schemes(const struct planner_plan *plan, size_t n)
{
	char text[96];
	printf("The naming schemes of RSSAC028, %zu servers: bytes, and what is left out of addresses and "
	       "signatures\n\n%-17s %5s",
	       plan[0].edition.n, "asked with", "size");
	for (size_t s = 0; s < n; s++)
		printf("  %-16s", plan[s].section);
	printf("\n");
	for (size_t i = 0; i < plan[0].n_rows; i++) {
		const struct plan_question *question = &plan[0].row[i].question;
		char size[8] = "-";
		if (!question->tcp)
			snprintf(size, sizeof size, "%zu", plan_question_room(question));
		printf("%-17s %5s", plan_question_text(question, text), size);
		for (size_t s = 0; s < n; s++) {
			const struct planner_row *row = &plan[s].row[i];
			unsigned addresses = row->missing.a + row->missing.aaaa;
			size_t len = (size_t)snprintf(text, sizeof text, "%zu%s", row->message.len,
						      row->message.flags & WIRE_TC ? " TC" : "");
			if (addresses + row->missing.signatures > 0)
				snprintf(text + len, sizeof text - len, " (-%u -%u)", addresses,
					 row->missing.signatures);
			printf("  %-16s", text);
		}
		printf("\n");
	}
	printf("\nThe most servers with all that is theirs:\n");
	for (size_t i = 0; i < plan[0].n_rows; i++) {
		const struct plan_question *question = &plan[0].row[i].question;
		if (!plan[0].row[i].has_fit)
			continue;
		printf("%-17s %5zu", plan_question_text(question, text), plan_question_room(question));
		for (size_t s = 0; s < n; s++)
			printf("  %-16zu", plan[s].row[i].fit.whole);
		printf("\n");
	}
	printf("\n");
	for (size_t s = 0; s < n; s++) {
		char name[WIRE_NAME_TEXT_MAX];
		wire_name_text(plan[s].edition.set->server[0].name, name);
		printf("%s  %s (%s): %s\n", plan[s].section, plan[s].title, name, plan[s].words);
	}
}

void planner_print_seeds(const struct planner_seed seed[PLANNER_SEEDS])
{
	static const enum plan_part parts[] = {PLAN_HEADER, PLAN_QUESTION, PLAN_NS, PLAN_NS_RRSIG,
					       PLAN_A,      PLAN_AAAA,     PLAN_OPT};
	for (size_t i = 0; i < PLANNER_SEEDS; i++) {
		const char *apart = "";
		printf("%-50s %s%zu%s", seed[i].words, seed[i].servers ? "N = " : "", seed[i].found,
		       seed[i].servers ? "" : " bytes");
		if (seed[i].found != seed[i].expected)
			printf(", expected %zu", seed[i].expected);
		printf(":");
		for (size_t k = 0; k < ARRAY_SIZE(parts); k++) {
			const struct plan_share *share = &seed[i].message.part[parts[k]];
			if (share->bytes == 0)
				continue;
			if (share->records > 1)
				printf("%s %u %s %zu", apart, share->records, plan_part_text(parts[k]), share->bytes);
			else
				printf("%s %s %zu", apart, plan_part_text(parts[k]), share->bytes);
			apart = ",";
		}
		printf("%s\n", seed[i].servers ? "" : "");
	}
	printf("\n");
}
