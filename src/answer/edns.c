// SPDX-License-Identifier: GPL-3.0-or-later
/* EDNS around a reply (RFC 6891): OPT if and only if the question had one. */
#include "private.h"

#include <stdio.h>
#include <string.h>

size_t ede_write(enum reason reason, const char *detail, uint8_t out[ANSWER_WORD_MAX])
{
	wire_put16(out, (uint16_t)reason_ede(reason));
	int text = snprintf((char *)out + 2, ANSWER_WORD_MAX - 2, "%s: %s", reason_code(reason),
			    detail != NULL ? detail : reason_words(reason));
	return 2 + (size_t)(text < ANSWER_WORD_MAX - 2 ? text : ANSWER_WORD_MAX - 3);
}

/* Bytes that OPT takes: with NSID if asked for and known, with an error code if there is one. */
size_t reply_opt_size(const struct reply *reply, bool nsid)
{
	if (!reply->question->edns.present)
		return 0;
	size_t size = ANSWER_OPT_SIZE;
	if (reply->has_cookie)
		size += 4 + ANSWER_COOKIE_SIZE;
	if (reply->keepalive)
		size += 6;
	if (nsid)
		size += 4 + strnlen(reply->view->identity, ANSWER_NSID_MAX);
	if (reply->expire_s > 0)
		size += 8;
	return size + (reply->ede != ANSWER_NO_EDE ? 6 : 0);
}

bool reply_wants_nsid(const struct reply *reply)
{
	return reply->question->edns.nsid && reply->view->identity[0] != '\0';
}

/* RFC 7828 section 3.1: in units of 100 ms. */
uint16_t edns_keepalive(const struct answer_view *view)
{
	uint32_t units = view->tcp_idle_ms / 100;
	return units > UINT16_MAX ? UINT16_MAX : (uint16_t)units;
}

/* Appends OPT to a message of `len` bytes. NSID, then the error code, are left out where they do not fit. */
size_t reply_add_opt(struct reply *reply, size_t len, bool nsid)
{
	uint8_t *out = reply->request->out, *p = out + len;
	if (!reply->question->edns.present)
		return len;
	if (len + reply_opt_size(reply, nsid) > reply->max) {
		nsid = false;
		if (len + reply_opt_size(reply, false) > reply->max)
			reply->ede = ANSWER_NO_EDE;
		if (len + reply_opt_size(reply, false) > reply->max)
			return len;
	}
	reply->opt_at = len;
	memset(p, 0, ANSWER_OPT_SIZE);
	wire_put16(p + 1, WIRE_TYPE_OPT);
	wire_put16(p + 3, reply->view->udp_size);
	p[5] = (uint8_t)(reply->rcode >> 4);
	p[7] = reply->question->edns.do_bit ? 0x80 : 0; /* RFC 3225 section 3: copied */
	uint8_t *option = p + ANSWER_OPT_SIZE;
	if (reply->has_cookie) {
		wire_put16(option, WIRE_OPTION_COOKIE);
		wire_put16(option + 2, ANSWER_COOKIE_SIZE);
		memcpy(option + 4, reply->cookie, ANSWER_COOKIE_SIZE);
		option += 4 + ANSWER_COOKIE_SIZE;
	}
	if (reply->keepalive) {
		wire_put16(option, WIRE_OPTION_KEEPALIVE);
		wire_put16(option + 2, 2);
		wire_put16(option + 4, edns_keepalive(reply->view));
		option += 6;
	}
	if (nsid) {
		size_t size = strnlen(reply->view->identity, ANSWER_NSID_MAX);
		wire_put16(option, WIRE_OPTION_NSID);
		wire_put16(option + 2, (uint16_t)size);
		memcpy(option + 4, reply->view->identity, size);
		option += 4 + size;
	}
	if (reply->expire_s > 0) {
		wire_put16(option, WIRE_OPTION_EXPIRE);
		wire_put16(option + 2, 4);
		wire_put32(option + 4, reply->expire_s);
		option += 8;
	}
	if (reply->ede != ANSWER_NO_EDE) {
		wire_put16(option, WIRE_OPTION_EDE);
		wire_put16(option + 2, 2);
		wire_put16(option + 4, (uint16_t)reply->ede);
		option += 6;
	}
	wire_put16(p + 9, (uint16_t)(option - p - ANSWER_OPT_SIZE));
	wire_put16(out + 10, (uint16_t)(wire_get16(out + 10) + 1));
	return (size_t)(option - out);
}

size_t reply_add_word(struct reply *reply, size_t len, enum reason reason)
{
	uint8_t *out = reply->request->out, word[ANSWER_WORD_MAX];
	if (reply->opt_at == 0)
		return len;
	size_t size = ede_write(reason, NULL, word);
	if (len + 4 + size > reply->max)
		return len;
	uint8_t *options_len = out + reply->opt_at + 9;
	wire_put16(options_len, (uint16_t)(wire_get16(options_len) + 4 + size));
	wire_put16(out + len, WIRE_OPTION_EDE);
	wire_put16(out + len + 2, (uint16_t)size);
	memcpy(out + len + 4, word, size);
	return len + 4 + size;
}
