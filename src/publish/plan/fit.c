// SPDX-License-Identifier: GPL-3.0-or-later
/* How many servers fit: by asking again with other numbers of them. */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

/* What is tried: an edition with the first n servers of its set. */
struct trial {
	const struct plan_asker *asker;
	const struct plan_edition *edition;
	const struct plan_question *question;
	size_t room;
	size_t bytes; /* of the last message */
};

static int ask_with(const struct trial *trial, size_t n, const struct plan_question *question, bool *ret_whole,
		    struct plan_message *ret)
{
	struct plan_edition edition = *trial->edition;
	struct zone *zone;
	edition.n = n;
	edition.keys = NULL;
	int rc = plan_zone(&edition, &zone);
	if (rc != 0)
		return rc;
	rc = trial->asker->load(trial->asker->ctx, &zone, 1);
	if (rc == 0)
		rc = plan_ask(trial->asker, question, ret);
	if (rc == 0)
		*ret_whole = plan_is_whole(zone, ret, question->dnssec);
	zone_free(zone);
	return rc;
}

/* Does the whole reply fit? 1, 0 or an error. */
static int whole_fits(struct trial *trial, size_t n)
{
	struct plan_question question = *trial->question;
	struct plan_message message = {0};
	bool whole = false;
	question.tcp = true;
	int rc = ask_with(trial, n, &question, &whole, &message);
	if (rc != 0)
		return rc;
	bool good = whole && message.len <= trial->room;
	trial->bytes = message.len;
	plan_message_done(&message);
	return good;
}

static bool has_address(const struct plan_message *message, const uint8_t *name)
{
	for (size_t i = 0; i < message->n_records; i++) {
		const struct plan_record *record = &message->record[i];
		if ((record->part == PLAN_A || record->part == PLAN_AAAA) && wire_name_equal(record->owner, name))
			return true;
	}
	return false;
}

/* Has each server that has addresses one of them in the reply as it comes? */
static int each_fits(struct trial *trial, size_t n)
{
	struct plan_message message = {0};
	bool whole;
	int rc = ask_with(trial, n, trial->question, &whole, &message);
	if (rc != 0)
		return rc;
	bool good = message.part[PLAN_NS].records > 0 && (message.flags & WIRE_TC) == 0;
	for (size_t i = 0; i < n && good; i++) {
		const struct plan_server *server = &trial->edition->set->server[i];
		good = server->n_addresses == 0 || has_address(&message, server->name);
	}
	trial->bytes = message.len;
	plan_message_done(&message);
	return good;
}

/* The largest n that fits. Messages grow with n, so halves are enough; *ret_bytes: of its message. */
static int largest(struct trial *trial, int (*fits)(struct trial *trial, size_t n), size_t *ret, size_t *ret_bytes)
{
	size_t good = 0, bad = trial->edition->set->n + 1, bytes = 0, step = 16;
	while (bad - good > 1) {
		/* up in growing steps first: few sets are asked for that are much too large */
		size_t n = good + step < bad ? good + step : good + (bad - good) / 2;
		int rc = fits(trial, n);
		if (rc < 0)
			return rc;
		if (rc > 0) {
			good = n;
			bytes = trial->bytes;
			step *= 2;
		} else {
			bad = n;
		}
	}
	*ret = good;
	*ret_bytes = bytes;
	return 0;
}

int plan_fit(const struct plan_asker *asker, const struct plan_edition *edition, const struct plan_question *question,
	     size_t room, struct plan_fit *ret)
{
	struct plan_question asked = *question;
	struct trial trial = {.asker = asker, .edition = edition, .question = &asked, .room = room};
	struct plan_fit fit = {0};
	size_t bytes;
	int rc = largest(&trial, whole_fits, &fit.whole, &fit.bytes);
	if (rc == 0 && !question->tcp)
		rc = largest(&trial, each_fits, &fit.each, &bytes);
	if (rc != 0)
		return rc;
	fit.all = fit.whole == edition->set->n;
	*ret = fit;
	return 0;
}

int plan_curve(const struct plan_asker *asker, const struct plan_edition *edition, const struct plan_question *question,
	       size_t most, struct plan_curve *ret)
{
	struct trial trial = {.asker = asker, .edition = edition, .question = question, .room = most};
	size_t n = 0;
	while (n < edition->set->n && n < ret->n) {
		int rc = whole_fits(&trial, n + 1);
		if (rc < 0)
			return rc;
		if (rc == 0)
			break;
		ret->bytes[n++] = trial.bytes;
	}
	ret->n = n;
	return 0;
}
