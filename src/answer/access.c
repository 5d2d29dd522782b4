// SPDX-License-Identifier: GPL-3.0-or-later
/* Who may use the resolver: the longest network that holds the client decides. */
#include "private.h"

/* Length of the longest network that holds the address, or -1. */
static int longest(const struct answer_networks *networks, const struct addr *addr)
{
	int best = -1;
	for (size_t i = 0; i < networks->n; i++)
		if (networks->item[i].bits > best && addr_prefix_match(&networks->item[i], addr))
			best = networks->item[i].bits;
	return best;
}

bool view_has(const struct answer_networks *networks, const struct addr *addr)
{
	return longest(networks, addr) >= 0;
}

/* Of networks of the same length the strictest counts. */
enum access view_access(const struct answer_view *view, const struct addr *peer)
{
	int allow = longest(&view->allow, peer);
	int deny = longest(&view->deny, peer), drop = longest(&view->drop, peer);
	if (drop >= 0 && drop >= deny && drop >= allow)
		return ACCESS_DROP;
	return view->recursion && allow > deny ? ACCESS_ALLOW : ACCESS_REFUSE;
}
