// SPDX-License-Identifier: GPL-3.0-or-later
/* The sections of the file, in their order. */
#include "schema.h"

const struct config_section config_sections[] = {
	{"server", "The daemon as a whole: where it listens, as whom it runs, how it answers."},
	{"zones",
	 "Zones that this server is authoritative for, as a list of mappings. "
	 "Each is proved before it is served. The daemon does not start with one that fails its proof, and a reload "
	 "that finds one keeps all that was served before."},
	{"root", "The local copy of the root zone on which the resolver stands. It is proved before it is used."},
	{"transfers",
	 "Zones on their way to secondaries. Who may have which zone is said by zones[].transfer and root.transfer."},
	{"rrl", "Response rate limiting: how many replies of a kind go to one network over UDP from zones that are "
		"served here, so that nobody can make this server flood others with replies to questions under a "
		"forged address. 0 is no limit. Clients with a good DNS cookie and clients over TCP are not limited."},
	{"dns64", "Addresses for clients that have IPv6 only, made of IPv4 ones (RFC 6147). A NAT64 carries what is "
		  "sent to them."},
	{"ecs",
	 "Answers that depend on where a client is (EDNS client subnet, RFC 7871). It tells others about "
	 "clients, fills memory "
	 "with many answers to one question and makes forged replies easier, so it is off unless ecs.zones names the "
	 "zones that need it. A client that sends the option with a length of 0 is told of to nobody."},
	{"resolver", "The recursive resolver. It answers clients of the allow list only."},
	{"local", "Names that the resolver answers itself: those that no resolver should ask others for, names of "
		  "hosts, zones that "
		  "are blocked. They come before policy zones, before the root copy and before the DNS."},
	{"views",
	 "Clients that are told something else, as a list of mappings. Of all views that hold a client, the one "
	 "with the longest prefix counts."},
	{"rpz",
	 "Response policy zones: rules about names and addresses, in the form that BIND, Unbound, Knot Resolver and "
	 "PowerDNS read, too, as a list of mappings. "
	 "They are looked at in this order and the first rule that matches counts. They hold for what clients ask, and "
	 "never for what the resolver needs itself: the root, its servers, keys, and addresses of name servers."},
	{"keys", "Keys for transfers (TSIG, RFC 8945), as a list of mappings."},
	{"forward",
	 "Zones below which the resolver asks other resolvers instead of walking from the root, as a list of mappings. "
	 "The longest zone above a name decides, also below a name that the root does not have. A dot forwards "
	 "everything."},
	{"stub", "Zones for which the walk begins at given authoritative servers instead of at the root, as a list of "
		 "mappings. Delegations below them are followed."},
	{NULL, NULL},
};
