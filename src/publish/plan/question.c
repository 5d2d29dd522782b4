// SPDX-License-Identifier: GPL-3.0-or-later
/* The priming question (RFC 9609 section 3) in its forms, and having it answered. */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UDP_PLAIN_MAX 512 /* RFC 1035 section 4.2.1 */
#define ID            0x6261

size_t plan_question_write(const struct plan_question *question, uint8_t out[PLAN_QUESTION_MAX])
{
	static const uint8_t client_cookie[8] = {0x62, 0x61, 0x6e, 0x79, 0x61, 0x6e, 0x00, 0x01}; /* RFC 7873 */
	size_t len = WIRE_HEADER_SIZE + 5;
	memset(out, 0, PLAN_QUESTION_MAX);
	wire_put16(out, ID);
	wire_put16(out + 4, 1);
	wire_put16(out + 13, WIRE_TYPE_NS);
	wire_put16(out + 15, WIRE_CLASS_IN);
	if (question->size == 0)
		return len;
	wire_put16(out + 10, 1);
	wire_put16(out + len + 1, WIRE_TYPE_OPT);
	wire_put16(out + len + 3, question->size);
	out[len + 7] = question->dnssec ? 0x80 : 0;
	len += 11;
	if (!question->cookie)
		return len;
	wire_put16(out + len - 2, 4 + sizeof client_cookie);
	wire_put16(out + len, WIRE_OPTION_COOKIE);
	wire_put16(out + len + 2, sizeof client_cookie);
	memcpy(out + len + 4, client_cookie, sizeof client_cookie);
	return len + 4 + sizeof client_cookie;
}

char *plan_question_text(const struct plan_question *question, char out[48])
{
	snprintf(out, 48, "%s%s%s%s", question->tcp ? "TCP, " : "", question->size == 0 ? "no EDNS" : "EDNS",
		 question->dnssec ? ", DO" : "", question->cookie ? ", cookie" : "");
	return out;
}

size_t plan_question_room(const struct plan_question *question)
{
	if (question->tcp)
		return WIRE_MESSAGE_MAX;
	return question->size < UDP_PLAIN_MAX ? UDP_PLAIN_MAX : question->size;
}

int plan_ask(const struct plan_asker *asker, const struct plan_question *question, struct plan_message *ret)
{
	_cleanup_(base_free) uint8_t *out = malloc(WIRE_MESSAGE_MAX);
	size_t len = 0;
	if (out == NULL)
		return BANYAN_ENOMEM;
	int rc = asker->ask(asker->ctx, question, out, &len);
	return rc != 0 ? rc : plan_dissect(out, len, ret);
}
