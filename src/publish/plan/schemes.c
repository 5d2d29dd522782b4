// SPDX-License-Identifier: GPL-3.0-or-later
/* The naming schemes that RSSAC028 weighs, as roots that can be asked. */
#include "plan.h"

/* Names as in the test beds that were made for that document. */
const struct plan_scheme plan_schemes[PLAN_SCHEMES] = {
	{"5.1", "the current naming scheme", "%.root-servers.net", 1, 2, false,
	 "addresses are glue under net.; root-servers.net is not signed, so nobody can prove them"},
	{"5.2", "the current one, with DNSSEC", "%.root-servers.net", 1, 2, true,
	 "the same answer: the signed addresses stand in another zone; to prove them takes the chain over net. and a "
	 "question for each address set"},
	{"5.3", "in-zone NS RRset", "%.root-servers", 0, 0, false,
	 "addresses are the root's own and their signatures belong to the answer, as far as there is room"},
	{"5.4", "shared delegated TLD", "%.root-servers", 1, 1, true,
	 "addresses are glue again; their signatures are one delegation away, at the same servers"},
	{"5.5", "names delegated to each operator", "root.%", 1, 1, true,
	 "glue again; the signatures are in as many zones as there are operators"},
	{"5.6", "single shared label for all operators", "all-root-servers", 0, 0, false,
	 "one NS, two address sets, one signature each: the smallest, but a resolver knows its servers by name, and "
	 "there is one name"},
};
