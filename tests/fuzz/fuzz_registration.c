// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Registrations and NOTIFY: a sequence of steps, each a byte that chooses and what it takes: a peer asks with any option data, a version is published,
 * time goes on, a reply comes, true or not. At any time: never more peers than the limits say, no message to who is not registered, not
 * more of them than allowed for each version, and no wake up that has been missed.
 */
#include "sync/push/push.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define REGISTERED_MAX  8
#define PER_ADDRESS_MAX 3
#define TRIES_MAX       3
#define MESSAGES_MAX    (TRIES_MAX + 1) /* to one peer of one version: once more without EDNS */
#define SENT_MAX        64              /* the last messages, whose replies may come */

struct input {
	const uint8_t *at, *end;
};

struct world {
	struct push_notify *notify;
	int64_t now_ms;
	uint32_t serial;
	unsigned versions, sent, entered; /* entered: registrations and renewals that were granted */
	size_t n_last;
	struct {
		struct addr to;
		size_t len;
		uint8_t msg[PUSH_MESSAGE_MAX];
	} last[SENT_MAX];
};

static uint8_t take(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static struct addr address(struct input *in)
{
	uint8_t b = take(in);
	struct addr addr = {.family = b & 1 ? 6 : 4, .port = (uint16_t)(53 + (b >> 6))};
	addr.ip[addr.family == 4 ? 0 : 1] = 10;
	addr.ip[2] = b >> 1 & 3;
	addr.ip[3] = b >> 3 & 7;
	return addr;
}

static void registered_check(const struct world *w)
{
	struct push_peer_state state, other;
	if (push_notify_registered(w->notify) > REGISTERED_MAX)
		abort();
	size_t n = 0;
	for (size_t at = 0; push_notify_next(w->notify, &at, &state);) {
		size_t same = 0;
		n += state.registered;
		for (size_t i = 0; push_notify_next(w->notify, &i, &other);)
			same += other.registered && other.addr.family == state.addr.family &&
				memcmp(other.addr.ip, state.addr.ip, state.addr.family == 4 ? 4 : 8) == 0;
		if (same > PER_ADDRESS_MAX)
			abort();
	}
	if (n != push_notify_registered(w->notify))
		abort();
}

static void step_register(struct world *w, struct input *in)
{
	struct wire_registration asked, told, read;
	struct push_ask ask = {.peer = address(in)};
	size_t n = take(in) % 12;
	uint8_t *option = malloc(n + 1), out[WIRE_REGISTRATION_SIZE];
	if (option == NULL)
		return;
	for (size_t i = 0; i < n; i++)
		option[i] = take(in);
	int rc = wire_registration_read_question(option, n, &asked);
	free(option);
	if (rc < 0)
		return;
	ask.key = take(in) & 1;
	ask.release = asked.release;
	ask.lifetime_s = asked.lifetime_s;
	ask.peer.port = asked.port != 0 ? asked.port : 53;
	told = push_notify_register(w->notify, &ask, w->now_ms);
	wire_registration_write_reply(&told, out);
	if (wire_registration_read_reply(out, sizeof out, &read) < 0 || read.status != told.status ||
	    read.lifetime_s != told.lifetime_s)
		abort();
	if (told.status == WIRE_REGISTRATION_GRANTED && !ask.release) {
		w->entered++;
		if (told.lifetime_s < PUSH_LIFETIME_MIN_S || told.lifetime_s > PUSH_LIFETIME_MAX_S)
			abort();
	}
}

static void step_publish(struct world *w, struct input *in)
{
	static const uint8_t soa[] = {0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1};
	w->serial += take(in);
	w->versions += push_notify_publish(w->notify, w->serial, soa, sizeof soa, w->now_ms);
}

static bool is_known(const struct world *w, const struct addr *to)
{
	struct push_peer_state state;
	for (size_t at = 0; push_notify_next(w->notify, &at, &state);)
		if (addr_equal(&state.addr, to))
			return true;
	return false;
}

static void send_all(struct world *w)
{
	uint8_t out[PUSH_MESSAGE_MAX];
	struct push_message message;
	int n;
	while ((n = push_notify_send(w->notify, w->now_ms, out, sizeof out, &message)) > 0) {
		if (!is_known(w, &message.to))
			abort();
		if (++w->sent > w->entered * w->versions * MESSAGES_MAX)
			abort(); /* a storm */
		size_t at = w->n_last++ % SENT_MAX;
		w->last[at].to = message.to;
		w->last[at].len = (size_t)n;
		memcpy(w->last[at].msg, out, (size_t)n);
	}
	if (n < 0)
		abort();
	if (push_notify_wake(w->notify) <= w->now_ms)
		abort(); /* it would be woken without end */
}

static void step_reply(struct world *w, struct input *in)
{
	size_t n = w->n_last < SENT_MAX ? w->n_last : SENT_MAX;
	uint8_t which = take(in), rcode = take(in), how = take(in);
	if (n == 0)
		return;
	size_t at = which % n, len = w->last[at].len;
	struct addr from = how & 1 ? address(in) : w->last[at].to;
	uint8_t *msg = malloc(len);
	if (msg == NULL)
		return;
	memcpy(msg, w->last[at].msg, len);
	msg[2] |= 0x80;
	msg[3] = rcode & 15;
	if (how & 2)
		msg[take(in) % len] ^= take(in);
	if (how & 4)
		len = take(in) % (len + 1);
	uint8_t *exact = malloc(len > 0 ? len : 1); /* so that a read behind its end is seen */
	if (exact != NULL) {
		memcpy(exact, msg, len);
		(void)push_notify_take(w->notify, &from, exact, len, w->now_ms);
	}
	free(exact);
	free(msg);
}

static void step(struct world *w, struct input *in)
{
	switch (take(in) % 5) {
	case 0:
	case 1:
		step_register(w, in);
		break;
	case 2:
		step_publish(w, in);
		break;
	case 3:
		w->now_ms += (int64_t)1 << take(in) % 28;
		break;
	case 4:
		step_reply(w, in);
		break;
	}
	send_all(w);
	registered_check(w);
}

static const struct wire_tsig_key *key_of(void *ctx, uint16_t number)
{
	return ctx;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct wire_tsig_key *key;
	struct random random;
	struct push_notify_settings settings;
	struct world *w = calloc(1, sizeof *w);
	struct input in = {data, data + (len < 2000 ? len : 2000)};
	if (key == NULL &&
	    wire_tsig_key_new("hmac-sha256", "k.example.", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", &key) < 0)
		abort();
	random_init_seed(&random, 1);
	push_notify_settings_default(&settings);
	settings.random = &random;
	settings.tries_max = TRIES_MAX;
	settings.registered_max = REGISTERED_MAX;
	settings.per_address_max = PER_ADDRESS_MAX;
	settings.key = key_of;
	settings.key_ctx = key;
	if (w == NULL || push_notify_new((const uint8_t *)"\7example", &settings, &w->notify) < 0)
		abort();
	w->now_ms = 1000;
	while (in.at < in.end)
		step(w, &in);
	push_notify_free(w->notify);
	free(w);
	return 0;
}
