// SPDX-License-Identifier: GPL-3.0-or-later
/* What nodes of a fleet reply, and what a daemon says of itself: the first byte says to which question. What is taken stays within the limits, can be
 * shown on a terminal, and can be proved and compared. */
#include "../unit/dnssec/sign.h"
#include "cmd/banyan/fleet.h"

#include <stdlib.h>
#include <string.h>

#define NOW 1791676800
#define CHECK(x)                                                                                                       \
	do {                                                                                                           \
		if (!(x))                                                                                              \
			abort();                                                                                       \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct dnssec_keyset *keys_of(void)
{
	static const char secret[] = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
	static const char point[] = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
				    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
	static struct test_key key;
	static struct dnssec_keyset *keys;
	struct dnssec_policy policy = {.now = NOW};
	if (keys != NULL)
		return keys;
	test_key_p256(secret, point, 257, &key);
	struct wire_rdata rdata = {key.rdata, key.len};
	struct wire_rrset set = {.owner = (const uint8_t *)"\7example",
				 .type = WIRE_TYPE_DNSKEY,
				 .rclass = WIRE_CLASS_IN,
				 .ttl = 300,
				 .count = 1,
				 .rdata = &rdata};
	CHECK(dnssec_keyset_new(&set, &policy, &keys) == 0);
	return keys;
}

static void text_check(const char text[FLEET_TEXT_MAX])
{
	size_t len = strnlen(text, FLEET_TEXT_MAX);
	CHECK(len < FLEET_TEXT_MAX);
	for (size_t i = 0; i < len; i++)
		CHECK(text[i] >= 0x20 && text[i] < 0x7f);
}

static void reply_check(const struct fleet_reply *reply)
{
	const struct dnssec_keyset *keys = keys_of();
	struct fleet_digests digests;
	text_check(reply->nsid);
	text_check(reply->text);
	CHECK(reply->set.count <= FLEET_SET_MAX && reply->n_sigs <= FLEET_SIGS_MAX);
	CHECK(reply->n_peers <= FLEET_PEERS_MAX && reply->used <= sizeof reply->bytes);
	CHECK(reply->pages <= FLEET_PAGES_MAX && reply->total <= FLEET_NODES_MAX);
	for (size_t i = 0; i < reply->n_peers; i++)
		CHECK(reply->peer[i].addr.port != 0 && reply->peer[i].addr.family != 0);
	if (reply->set.rclass != WIRE_CLASS_IN || reply->set.count == 0)
		return;
	static const uint8_t hash_key[16];
	static struct fleet_proofs proofs;
	enum fleet_proof proof = fleet_prove(keys, &reply->set, reply->sig, reply->n_sigs, NOW);
	CHECK(fleet_prove_again(&proofs, hash_key, keys, reply, NOW) == proof);
	(void)!fleet_proof_text(proof);
	fleet_digests_of(&reply->set, &digests);
	CHECK(digests.n <= FLEET_DIGESTS_MAX);
}

/* A referral to sub.example., as a master gives it: header, question, NS, an address. */
static const uint8_t referral[] = {0, 0,   0x80, 0,   0,   1,   0,   0,   0, 1, 0,   1,   3,    's',  'u',  'b',
				   7, 'e', 'x',  'a', 'm', 'p', 'l', 'e', 0, 0, 2,   0,   1,    0xc0, 12,   0,
				   2, 0,   1,    0,   0,   1,   44,  0,   5, 2, 'n', 's', 0xc0, 12,   0xc0, 41,
				   0, 1,   0,    1,   0,   0,   1,   44,  0, 4, 192, 0,   2,    1};

/* What a node says of a name, held against what the master says, and against its keys: the same both times. */
static void data_check(const struct fleet_reply *reply)
{
	static struct fleet fleet;
	if (fleet.master.keys == NULL) {
		memcpy(fleet.apex, "\7example", 9);
		fleet.master.keys = keys_of();
		fleet.master.is_signed = true;
		CHECK(fleet_sample_take(&fleet.master, referral, sizeof referral) == 0);
		CHECK(fleet.master.n_samples == 1 && fleet.master.sample[0].type == WIRE_TYPE_NS);
	}
	for (int same = 0; same < 2; same++) {
		enum fleet_data data = fleet_data_look(&fleet, 0, same, reply, NOW);
		CHECK(data > FLEET_DATA_NOT_ASKED && data <= FLEET_DATA_UNPROVED);
		CHECK(data != (same ? FLEET_DATA_PROVED : FLEET_DATA_SAME));
		CHECK(fleet_data_look(&fleet, 0, same, reply, NOW) == data && fleet_data_text(data) != NULL);
	}
}

static void master_check(const uint8_t *data, size_t len)
{
	static struct fleet_master master;
	char why[FLEET_WHY_MAX], *text = malloc(len + 1);
	CHECK(text != NULL);
	memcpy(text, data, len);
	text[len] = 0;
	if (fleet_master_read(&master, text) == 0) {
		CHECK(master.n > 0 && master.n <= FLEET_VERSIONS_MAX && master.n_peers <= FLEET_NODES_MAX);
		(void)!fleet_master_keys(&master, (const uint8_t *)"\7example", NULL, NULL, 0, 0, NOW, why);
	}
	fleet_master_done(&master);
	memset(&master, 0, sizeof master);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct fleet_reply reply;
	if (len < 1 || len > WIRE_MESSAGE_MAX)
		return 0;
	static const enum fleet_ask asks[] = {FLEET_SOA,      FLEET_ZONEMD,  FLEET_DNSKEY,  FLEET_ID,
					      FLEET_HOSTNAME, FLEET_VERSION, FLEET_REGISTER};
	unsigned which = data[0] % (ARRAY_SIZE(asks) + 1);
	if (which == ARRAY_SIZE(asks) && data[0] < 240) {
		master_check(data + 1, len - 1);
		return 0;
	}
	struct fleet_question question = {.ask = data[0] >= 250   ? FLEET_DATA
						 : data[0] >= 240 ? FLEET_EDITION
								  : asks[which],
					  .apex = (const uint8_t *)"\7example",
					  .name = (const uint8_t *)"\3sub\7example",
					  .type = WIRE_TYPE_NS,
					  .page = data[0] / (ARRAY_SIZE(asks) + 1)};
	uint8_t *msg = malloc(len); /* exact, so that a read behind its end is seen */
	CHECK(msg != NULL);
	memcpy(msg, data + 1, len - 1);
	question.id = len > 2 ? wire_get16(msg) : 0;
	uint8_t out[FLEET_QUESTION_SIZE];
	CHECK(fleet_question_write(&question, out) > 0);
	int rc = fleet_reply_read(&question, msg, len - 1, &reply);
	if (rc == 0)
		reply_check(&reply);
	if (rc == 0 && question.ask == FLEET_DATA && !reply.truncated)
		data_check(&reply);
	free(msg);
	return 0;
}
