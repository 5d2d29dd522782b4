// SPDX-License-Identifier: GPL-3.0-or-later
/* What becomes of what a node has said: is it up to date, behind, or does it lie? */
#include "fleet.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *reason, *words;
} words[] = {
	{"unreachable", "no reply by UDP nor by TCP"},
	{"malformed", "its replies make no sense"},
	{"no-zone", "it answers, but not for the zone"},
	{"no-digest-reply", "it tells its serial, but does not reply when asked for its digest"},
	{"serial-of-digest", "its ZONEMD is that of another serial than its SOA"},
	{"digest-differs", "its ZONEMD differs from the master's of the same serial"},
	{"digest-missing", "it shows no ZONEMD, and the master's version of the same serial has one"},
	{"unsigned", "it shows no signature, and the master's zone is signed"},
	{"signature-bad", "a signature does not hold by the master's keys"},
	{"signature-of-other-key", "its signatures are of a key that the master has not got"},
	{"serial-ahead", "its serial is newer than any that the master has offered, and nothing proves it"},
	{"serial-never-offered", "its serial is none that the master has ever offered, and nothing proves it"},
	{"signed-ahead", "its version is newer than the master's, and the zone's keys have signed it"},
	{"signed-by-others", "the master has never offered this version, but the zone's keys have signed it"},
	{"signature-dates", "its signatures are out of date"},
	{"next-version", "it serves the next version before its time"},
	{"version-expired", "its version's time is over"},
	{"data-differs", "beside a true SOA and ZONEMD it serves other data:"},
	{"data-unproved", "it serves data that the zone's keys have not signed:"},
	{"no-data-reply", "it tells its version, but does not answer for"},
};

static char *data_words(const struct fleet_master *master, const struct fleet_node *node, const char *found,
			char out[FLEET_WHY_MAX])
{
	char name[WIRE_NAME_TEXT_MAX], type[16];
	const struct fleet_sample *sample = &master->sample[node->data_at];
	wire_name_text(sample->name, name);
	snprintf(out, FLEET_WHY_MAX, "%s %.100s %s", found, name, wire_type_text(sample->type, type));
	return out;
}

char *fleet_reason_words(const struct fleet_master *master, const struct fleet_node *node, char out[FLEET_WHY_MAX])
{
	const char *found = node->reason == NULL ? "" : node->reason;
	bool data = strstr(found, "data-") != NULL && node->data_at < master->n_samples;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i].reason, found) == 0)
			found = words[i].words;
	if (data)
		return data_words(master, node, found, out);
	if (node->state == FLEET_FAILS && node->rcode != 0)
		snprintf(out, FLEET_WHY_MAX, "%s (%s)", found, wire_rcode_text(node->rcode));
	else
		snprintf(out, FLEET_WHY_MAX, "%s", found);
	return out;
}

const char *fleet_state_text(enum fleet_state state)
{
	static const char *const texts[FLEET_STATES] = {"current", "behind", "ahead", "lies", "fails", "silent"};
	return texts[state];
}

static void is(struct fleet_node *node, enum fleet_state state, const char *reason)
{
	node->state = state;
	node->reason = reason;
}

static bool newer(uint32_t a, uint32_t b) /* RFC 1982; what is neither counts as older */
{
	return (int32_t)(a - b) > 0;
}

bool fleet_may_ask(const struct addr *addr, const struct addr *teller)
{
	static const uint8_t none[16];
	bool multicast = addr->family == 4 ? addr->ip[0] >= 224 : addr->ip[0] == 0xff;
	bool nowhere = addr->family == 4 ? addr->ip[0] == 0 : memcmp(addr->ip, none, 16) == 0;
	return !multicast && !nowhere && (!addr_is_loopback(addr) || addr_is_loopback(teller));
}

/* ---- versions ---- */

/* The newest version of that serial with that digest, else with another one; NULL: none has the serial. */
static const struct fleet_version *version_of(const struct fleet_master *master, const struct fleet_node *node)
{
	const struct fleet_version *found = NULL;
	for (size_t i = master->n; i > 0; i--) {
		const struct fleet_version *version = &master->version[i - 1];
		if (version->serial != node->serial)
			continue;
		if (fleet_digests_equal(&version->digests, &node->digests))
			return version;
		found = found == NULL ? version : found;
	}
	return found;
}

/* The version that had to be in use when the node was asked: what was offered later, or is for later, it need not have. -1: it is
 * none of those that are known. */
static long version_then(const struct fleet_master *master, int64_t asked_ms)
{
	const struct fleet_version *then = fleet_version_at(master, asked_ms);
	return then == NULL ? -1 : then - master->version;
}

/* ---- lies ---- */

/* Of the signatures over both sets the worse one. `known`: the digest is the master's own, so that an old key is none of a stranger. */
static const char *signature_lie(const struct fleet_node *node, bool known)
{
	const enum fleet_proof proofs[] = {node->soa_proof, node->digest_proof};
	for (size_t i = 0; i < ARRAY_SIZE(proofs); i++) {
		if (proofs[i] == FLEET_UNSIGNED)
			return "unsigned";
		if (proofs[i] == FLEET_BAD)
			return "signature-bad";
		if (proofs[i] == FLEET_UNKNOWN_KEY && !known)
			return "signature-of-other-key";
	}
	return NULL;
}

static const char *digest_lie(const struct fleet_node *node, const struct fleet_version *version)
{
	for (size_t i = 0; i < node->digests.n; i++)
		if (wire_get32(node->digests.data[i]) != node->serial)
			return "serial-of-digest";
	if (version == NULL || version->digests.n == 0)
		return NULL;
	if (node->digests.n == 0)
		return "digest-missing";
	return fleet_digests_equal(&version->digests, &node->digests) ? NULL : "digest-differs";
}

/* Is what it shows signed, so that who holds the zone's keys has made it? */
static bool is_proved(const struct fleet_master *master, const struct fleet_node *node)
{
	return master->is_signed && (node->soa_proof == FLEET_GOOD || node->soa_proof == FLEET_OLD);
}

/* A serial that the master has not in its history: could it have been there before that begins? */
static const char *serial_lie(const struct fleet_master *master, const struct fleet_node *node)
{
	if (is_proved(master, node))
		return NULL;
	if (newer(node->serial, master->version[master->n - 1].serial))
		return "serial-ahead";
	return master->has_history && newer(node->serial, master->version[0].serial) ? "serial-never-offered" : NULL;
}

/* Data are looked at when the rest is true. */
static const char *data_lie(const struct fleet_node *node)
{
	return node->data == FLEET_DATA_DIFFERS    ? "data-differs"
	       : node->data == FLEET_DATA_UNPROVED ? "data-unproved"
						   : NULL;
}

/* ---- lag ---- */

/* It lacks the versions from `first` to `then`. */
static void is_behind(const struct fleet_master *master, struct fleet_node *node, long first, long then)
{
	int64_t since_ms = fleet_version_since(&master->version[first]);
	is(node, FLEET_BEHIND, NULL);
	node->behind = (uint32_t)(then - first + 1);
	node->has_lag = since_ms > 0;
	node->lag_ms = node->asked_ms - since_ms;
}

static void measure(const struct fleet_master *master, struct fleet_node *node, long has, long then)
{
	if (has < then)
		is_behind(master, node, has + 1, then);
	else
		is(node, FLEET_CURRENT, node->valid_from * 1000 > node->asked_ms ? "next-version" : NULL);
}

/* Newer than what has to be in use. With dates, and signed, it is one that is offered ahead; before the master itself turns to it. */
static void measure_newer(const struct fleet_master *master, struct fleet_node *node)
{
	if (is_proved(master, node) && node->valid_from * 1000 > node->asked_ms)
		is(node, FLEET_CURRENT, "next-version");
	else
		is(node, FLEET_AHEAD, "signed-ahead");
}

/* Older than all that is known, or between two of them. */
static void measure_unknown(const struct fleet_master *master, struct fleet_node *node, long then)
{
	long first = 0;
	bool within = node->valid_until > 0 && node->valid_from * 1000 <= node->asked_ms;
	while (first < (long)master->n && newer(node->serial, master->version[first].serial))
		first++;
	if (first > then && (then >= 0 || first > 0)) {
		measure_newer(master, node);
		return;
	}
	if (then < 0) { /* the master has none but for later: until then the one before is as it should be */
		is(node, within ? FLEET_CURRENT : FLEET_BEHIND, NULL);
		node->behind = !within;
		node->lag_at_least = !within;
		return;
	}
	is_behind(master, node, first, then);
	node->reason = first > 0 && master->has_history ? "signed-by-others" : NULL;
	node->lag_at_least = first == 0;
}

/* The master's word for the dates of its own version, else what the node's says of itself. */
static void take_dates(struct fleet_node *node, const struct fleet_version *version)
{
	if (version == NULL)
		return;
	node->valid_from = version->valid_from;
	node->valid_until = version->valid_until;
}

/* What is wrong before versions are looked at; true: that is all there is to say. */
static bool judge_replies(struct fleet_node *node)
{
	if (!node->heard)
		is(node, FLEET_SILENT, "unreachable");
	else if (node->has_serial && node->asked_digest && !node->has_digest_reply)
		is(node, FLEET_FAILS, "no-digest-reply");
	else if (!node->has_serial)
		is(node, FLEET_FAILS, node->is_malformed ? "malformed" : "no-zone");
	else
		return false;
	return true;
}

void fleet_judge(const struct fleet_master *master, struct fleet_node *node, int64_t grace_ms)
{
	const struct fleet_version *version = version_of(master, node);
	node->behind = 0;
	node->has_lag = node->lag_at_least = node->in_grace = node->is_checked = false;
	if (judge_replies(node))
		return;
	const char *lie = digest_lie(node, version);
	node->is_checked = lie == NULL && version != NULL && version->digests.n > 0;
	if (lie == NULL && master->is_signed)
		lie = signature_lie(node, node->is_checked);
	if (lie == NULL && version == NULL)
		lie = serial_lie(master, node);
	if (lie == NULL)
		lie = data_lie(node);
	if (lie != NULL) {
		is(node, FLEET_LIES, lie);
		return;
	}
	if (node->data == FLEET_DATA_REFUSED) {
		is(node, FLEET_FAILS, "no-data-reply");
		return;
	}
	long then = version_then(master, node->asked_ms);
	take_dates(node, version);
	if (version != NULL)
		measure(master, node, version - master->version, then);
	else
		measure_unknown(master, node, then);
	if (node->valid_until > 0 && node->asked_ms >= node->valid_until * 1000)
		is(node, FLEET_FAILS, "version-expired");
	if (node->reason == NULL && (node->soa_proof == FLEET_OLD || node->digest_proof == FLEET_OLD))
		node->reason = "signature-dates";
	if (node->lag_ms < 0)
		node->lag_ms = 0;
	node->in_grace = node->state == FLEET_BEHIND && node->has_lag && !node->lag_at_least && node->lag_ms < grace_ms;
}
