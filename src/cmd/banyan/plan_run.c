// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan plan: which questions are asked of an edition, and of the roots whose figures are known. */
#include "planner.h"

#include <stdio.h>

static void rows_of(struct planner_plan *plan)
{
	size_t n = 0;
	plan->row[n++].question = (struct plan_question){.size = 0};
	for (size_t i = 0; i < plan->n_size; i++) {
		plan->row[n++].question = (struct plan_question){.size = plan->size[i]};
		plan->row[n++].question = (struct plan_question){.size = plan->size[i], .dnssec = true};
		plan->row[n++].question = (struct plan_question){.size = plan->size[i], .dnssec = true, .cookie = true};
	}
	plan->row[n++].question = (struct plan_question){.size = 1232, .tcp = true, .dnssec = true};
	plan->n_rows = n;
}

static int row_ask(const struct plan_asker *asker, const struct zone *zone, struct planner_peer *peer,
		   struct planner_row *row)
{
	struct plan_question whole = row->question;
	struct plan_message all = {0};
	char address[ADDR_TEXT_MAX];
	int rc = plan_ask(asker, &row->question, &row->message);
	if (rc != 0)
		return rc;
	whole.tcp = true;
	rc = plan_ask(asker, &whole, &all);
	if (rc == 0)
		rc = plan_left_out(&all, &row->message, &row->missing);
	row->missing.beyond = rc == 0 && !plan_is_whole(zone, &all, row->question.dnssec);
	if (rc == 0 && peer != NULL) {
		struct plan_asker other = {.ask = planner_peer_ask, .ctx = peer};
		rc = plan_ask(&other, &row->question, &row->peer);
		row->has_peer = rc == 0;
		if (rc == 0)
			rc = plan_compare(&row->message, &row->peer, &row->comparison);
		if (rc == 0)
			rc = plan_left_out(&all, &row->peer, &row->peer_missing);
		row->peer_missing.beyond = row->missing.beyond;
		if (rc != 0 && peer->why[0] == 0)
			snprintf(peer->why, sizeof peer->why, "the reply of %s cannot be taken apart",
				 addr_format(&peer->addr, true, address));
	}
	plan_message_done(&all);
	return rc;
}

int planner_run(const struct plan_asker *asker, const struct zone *zone, struct planner_peer *peer, bool fits,
		struct planner_plan *plan)
{
	int rc = 0;
	rows_of(plan);
	for (size_t i = 0; i < plan->n_rows && rc == 0; i++)
		rc = row_ask(asker, zone, peer, &plan->row[i]);
	/* what the server has loaded is other after this */
	for (size_t i = 0; i < plan->n_rows && rc == 0 && fits; i++) {
		struct planner_row *row = &plan->row[i];
		if (row->question.tcp)
			continue;
		rc = plan_fit(asker, &plan->edition, &row->question, plan_question_room(&row->question), &row->fit);
		row->has_fit = rc == 0;
	}
	for (size_t i = 0; i < plan->n_size && rc == 0 && fits; i++)
		rc = plan_fit(asker, &plan->edition, &(struct plan_question){.tcp = true}, plan->size[i],
			      &plan->bare[i]);
	plan->has_bare = fits;
	if (rc == 0)
		plan->whole = &plan->row[plan->n_rows - 1].message;
	return rc;
}

void planner_plan_done(struct planner_plan *plan)
{
	for (size_t i = 0; i < plan->n_rows; i++) {
		plan_message_done(&plan->row[i].message);
		plan_message_done(&plan->row[i].peer);
	}
	plan->n_rows = 0;
}

/* ---- figures that are known ---- */

static int ask_one(const struct plan_asker *asker, const char *pattern, size_t n, unsigned cut_labels,
		   const struct plan_keys *keys, const struct plan_question *question, struct plan_message *ret)
{
	struct plan_set set = {0};
	struct zone *zone = NULL;
	struct plan_edition edition = {.set = &set, .n = n, .cut_labels = cut_labels, .n_signers = 1, .keys = keys};
	int rc = plan_signer_parse("rsa2048", &edition.signer[0]);
	if (rc == 0)
		rc = plan_set_pattern(pattern, n, n, 1, 1, &set);
	if (rc == 0)
		rc = plan_zone(&edition, &zone);
	if (rc == 0)
		rc = asker->load(asker->ctx, &zone, 1);
	if (rc == 0)
		rc = plan_ask(asker, question, ret);
	zone_free(zone);
	plan_set_done(&set);
	return rc;
}

static int most_without_opt(const struct plan_asker *asker, size_t room, struct planner_seed *seed)
{
	struct plan_set set = {0};
	struct plan_edition edition = {.set = &set, .cut_labels = 1};
	struct plan_fit fit = {0};
	int rc = plan_set_pattern("%.root-servers.net", 64, 64, 1, 1, &set);
	if (rc == 0)
		rc = plan_fit(asker, &edition, &(struct plan_question){.tcp = true}, room, &fit);
	plan_set_done(&set);
	seed->found = fit.whole;
	seed->servers = true;
	return rc != 0 ? rc
		       : ask_one(asker, "%.root-servers.net", fit.whole, 1, NULL, &(struct plan_question){.tcp = true},
				 &seed->message);
}

static int seeds_signed(const struct plan_asker *asker, const struct plan_keys *keys,
			struct planner_seed seed[PLANNER_SEEDS])
{
	static const struct {
		const char *words, *pattern;
		size_t n, expected;
		unsigned cut_labels;
		struct plan_question question;
	} rows[PLANNER_SEEDS - 1] = {
		{"13 names, no EDNS", "%.root-servers.net", 13, 492, 1, {.size = 0}},
		{"14 names of one letter, no EDNS", "%", 14, 493, 0, {.size = 0}},
		{"13 dual-stack names, OPT", "%.root-servers.net", 13, 811, 1, {.size = 1232}},
		{"the same with an RSA-2048 signature",
		 "%.root-servers.net",
		 13,
		 1097,
		 1,
		 {.size = 1232, .dnssec = true}},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		seed[i].words = rows[i].words;
		seed[i].expected = rows[i].expected;
		int rc = ask_one(asker, rows[i].pattern, rows[i].n, rows[i].cut_labels, keys, &rows[i].question,
				 &seed[i].message);
		if (rc != 0)
			return rc;
		seed[i].found = seed[i].message.len;
	}
	seed[PLANNER_SEEDS - 1].words = "most dual-stack names in 1,232 bytes without OPT";
	seed[PLANNER_SEEDS - 1].expected = 20;
	return most_without_opt(asker, 1232, &seed[PLANNER_SEEDS - 1]);
}

int planner_seeds(const struct plan_asker *asker, int64_t now, struct planner_seed seed[PLANNER_SEEDS])
{
	struct plan_signer signer;
	struct plan_keys *keys;
	int rc = plan_signer_parse("rsa2048", &signer);
	if (rc == 0)
		rc = plan_keys_new(&signer, 1, now, &keys);
	if (rc != 0)
		return rc;
	rc = seeds_signed(asker, keys, seed);
	plan_keys_free(keys);
	return rc;
}
