// SPDX-License-Identifier: GPL-3.0-or-later
/* DNS64: what answer_recurse() asks one after the other for a client that has IPv6 only, in virtual time. */
#include "scenario.h"

#define PREFIXES_MAX 4

/* DNS64 prefix... [clients=PREFIX] [exclude=PREFIX] */
void dns64_read(struct scenario *s)
{
	static struct addr_prefix prefix[PREFIXES_MAX], clients, exclude;
	struct answer_dns64 *dns64 = &s->view.dns64;
	assert_int_equal(addr_prefix_parse("::ffff:0:0/96", &exclude), 0);
	*dns64 = (struct answer_dns64){.prefixes = {.n = 0, .item = prefix}, .exclude = {.n = 1, .item = &exclude}};
	for (unsigned i = 1; i < s->n_words; i++) {
		const char *word = s->word[i], *text = strchr(word, '=');
		struct addr_prefix *to = text == NULL                        ? &prefix[dns64->prefixes.n]
					 : strncmp(word, "clients=", 8) == 0 ? &clients
					 : strncmp(word, "exclude=", 8) == 0 ? &exclude
									     : NULL;
		if (to == NULL || (text == NULL && dns64->prefixes.n == PREFIXES_MAX) ||
		    addr_prefix_parse(text == NULL ? word : text + 1, to) < 0)
			bad(s, "DNS64: %s is no prefix, clients=PREFIX or exclude=PREFIX", word);
		dns64->prefixes.n += text == NULL;
		if (to == &clients)
			dns64->clients = (struct answer_networks){.n = 1, .item = &clients};
	}
}

const struct resolve_result *dns64_start(struct scenario *s, struct got *got)
{
	struct net_ticket ticket = {.peer = got->pending.peer};
	got->waiting = (struct waiting){.pending = got->pending};
	dns64_begin(&s->view, &ticket, &got->waiting);
	return dns64_known(&s->view, &got->waiting, &s->made);
}

const struct resolve_result *dns64_take(struct scenario *s, uint64_t client, const struct resolve_result *result)
{
	struct got *got = &s->got[client];
	switch (dns64_next(&s->view, &got->waiting, result)) {
	case DNS64_ASK_A:
	case DNS64_ASK_AGAIN:
		assert_true(s->n_again < WORLD_CLIENTS_MAX);
		s->again[s->n_again++] = client;
		return NULL;
	case DNS64_MAKE:
		return dns64_make(&s->view, &got->waiting, result, &s->made);
	case DNS64_SEND:
		break;
	}
	return result;
}
