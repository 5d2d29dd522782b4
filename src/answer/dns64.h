// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * dns64 - IPv6 addresses made of IPv4 ones, for clients that have IPv6 only (RFC 6147, RFC 6052).
 *
 * A question for AAAA goes to the resolver as it is. When there are none, the same waiting client's question is asked again for
 * A, and the answer is made of that; when there are none of these either, the first answer is asked for again (it is cached now) and sent.
 */
#pragma once

#include "waiting.h"

/* What is asked next for the client, or DNS64_SEND: the result goes out as it is, or as dns64_make() writes it. */
enum dns64_next { DNS64_SEND, DNS64_MAKE, DNS64_ASK_A, DNS64_ASK_AGAIN };

/* Is this question one of those that answers are made for? Prepares it: the name of a PTR is mapped. */
void dns64_begin(const struct answer_view *view, const struct net_ticket *ticket, struct waiting *waiting);
/* ipv4only.arpa, by which hosts learn the prefix (RFC 7050), is known beforehand (RFC 8880 section 7.1); else NULL. */
const struct resolve_result *dns64_known(const struct answer_view *view, struct waiting *waiting, struct arena *arena);
enum dns64_next dns64_next(const struct answer_view *view, struct waiting *waiting,
			   const struct resolve_result *result);
/* The result with made addresses (or without those that are excluded, or with the alias of a PTR before it), in `arena`.
 * NULL = no memory. */
const struct resolve_result *dns64_make(const struct answer_view *view, const struct waiting *waiting,
					const struct resolve_result *result, struct arena *arena);
