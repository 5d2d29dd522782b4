// SPDX-License-Identifier: GPL-3.0-or-later
/* Transaction signatures (RFC 8945): messages signed and checked with a secret that both sides have. */
#include "wire.h"

#include <gnutls/gnutls.h>
#include <libknot/libknot.h>
#include <stdlib.h>
#include <string.h>

/* RFC 8945 section 5.3.1: at most 99 messages of a transfer between two that are signed. */
#define UNSIGNED_MAX 99

struct wire_tsig_key {
	knot_tsig_key_t knot;
};

int wire_tsig_key_new(const char *algorithm, const char *name, const char *secret, struct wire_tsig_key **ret)
{
	struct wire_tsig_key *key = calloc(1, sizeof *key);
	if (key == NULL)
		return BANYAN_ENOMEM;
	if (gnutls_global_init() < 0) { /* libknot signs with it, and net/tls.c does not let it begin by itself */
		free(key);
		return BANYAN_ENOMEM;
	}
	int rc = knot_tsig_key_init(&key->knot, algorithm, name, secret);
	if (rc != KNOT_EOK || key->knot.secret.size == 0) {
		if (rc == KNOT_EOK)
			knot_tsig_key_deinit(&key->knot);
		free(key);
		return rc == KNOT_ENOMEM ? BANYAN_ENOMEM : BANYAN_EINVAL;
	}
	*ret = key;
	return 0;
}

void wire_tsig_key_free(struct wire_tsig_key *key)
{
	if (key == NULL)
		return;
	memset(key->knot.secret.data, 0, key->knot.secret.size);
	knot_tsig_key_deinit(&key->knot);
	free(key);
}

void wire_tsig_done(struct wire_tsig *tsig)
{
	buffer_done(&tsig->held);
	*tsig = (struct wire_tsig){0};
}

int wire_tsig_sign(struct wire_tsig *tsig, uint8_t *msg, size_t len, size_t cap)
{
	uint8_t mac[WIRE_MAC_MAX];
	size_t mac_len = sizeof mac;
	int rc = knot_tsig_sign(msg, &len, cap, tsig->mac_len > 0 ? tsig->mac : NULL, tsig->mac_len, mac, &mac_len,
				&tsig->key->knot, 0, 0);
	if (rc != KNOT_EOK)
		return rc == KNOT_ESPACE ? BANYAN_ESPACE : rc == KNOT_ENOMEM ? BANYAN_ENOMEM : BANYAN_EOTHER;
	memcpy(tsig->mac, mac, mac_len);
	tsig->mac_len = mac_len;
	return (int)len;
}

static int check_error(int knot)
{
	switch (knot) {
	case KNOT_EOK:
		return 0;
	case KNOT_ENOMEM:
		return BANYAN_ENOMEM;
	default:
		return BANYAN_EPROOF;
	}
}

/* A copy of the message as libknot reads it: it takes the TSIG off. NULL = out of memory or malformed. */
static knot_pkt_t *parse(const uint8_t *msg, size_t len, int *ret_error)
{
	knot_pkt_t *pkt = knot_pkt_new(NULL, WIRE_MESSAGE_MAX, NULL);
	*ret_error = BANYAN_ENOMEM;
	if (pkt == NULL)
		return NULL;
	memcpy(pkt->wire, msg, len);
	pkt->size = len;
	*ret_error = BANYAN_EMALF;
	if (knot_pkt_parse(pkt, 0) == KNOT_EOK && (pkt->tsig_rr == NULL || knot_tsig_rdata_is_ok(pkt->tsig_rr)))
		return pkt;
	knot_pkt_free(pkt);
	return NULL;
}

static void keep_mac(struct wire_tsig *tsig, const knot_rrset_t *rr)
{
	size_t len = knot_tsig_rdata_mac_length(rr);
	tsig->mac_len = len < sizeof tsig->mac ? len : sizeof tsig->mac;
	memcpy(tsig->mac, knot_tsig_rdata_mac(rr), tsig->mac_len);
	tsig->signed_at = knot_tsig_rdata_time_signed(rr);
}

static bool is_ours(const struct wire_tsig *tsig, const knot_rrset_t *rr)
{
	return knot_dname_is_case_equal(rr->owner, tsig->key->knot.name) &&
	       knot_tsig_rdata_alg(rr) == tsig->key->knot.algorithm;
}

int wire_tsig_check(struct wire_tsig *tsig, const uint8_t *msg, size_t len)
{
	int rc;
	knot_pkt_t *pkt = len > WIRE_MESSAGE_MAX ? NULL : parse(msg, len, &rc);
	if (pkt == NULL)
		return len > WIRE_MESSAGE_MAX ? BANYAN_EMALF : rc;
	if (pkt->tsig_rr == NULL || !is_ours(tsig, pkt->tsig_rr)) {
		rc = BANYAN_EPROOF;
	} else {
		rc = check_error(knot_tsig_server_check(pkt->tsig_rr, pkt->wire, pkt->size, &tsig->key->knot));
		if (rc == 0)
			keep_mac(tsig, pkt->tsig_rr);
	}
	knot_pkt_free(pkt);
	return rc;
}

/* One message of the reply, whose TSIG is off: all that came since the last signed one is signed together. */
static int take_parsed(struct wire_tsig *tsig, const knot_pkt_t *pkt)
{
	int rc = buffer_append(&tsig->held, pkt->wire, pkt->size);
	if (rc < 0)
		return rc;
	if (pkt->tsig_rr == NULL) {
		if (!tsig->answered || ++tsig->n_unsigned > UNSIGNED_MAX)
			return BANYAN_EPROOF; /* the first one must be signed */
		return 0;
	}
	if (!is_ours(tsig, pkt->tsig_rr))
		return BANYAN_EPROOF;
	rc = check_error(tsig->answered
				 ? knot_tsig_client_check_next(pkt->tsig_rr, tsig->held.data, tsig->held.len, tsig->mac,
							       tsig->mac_len, &tsig->key->knot, tsig->signed_at)
				 : knot_tsig_client_check(pkt->tsig_rr, tsig->held.data, tsig->held.len, tsig->mac,
							  tsig->mac_len, &tsig->key->knot, 0));
	if (rc < 0)
		return rc;
	keep_mac(tsig, pkt->tsig_rr);
	tsig->answered = true;
	tsig->n_unsigned = 0;
	tsig->held.len = 0;
	return 0;
}

int wire_tsig_take(struct wire_tsig *tsig, const uint8_t *msg, size_t len)
{
	int rc;
	knot_pkt_t *pkt = len > WIRE_MESSAGE_MAX ? NULL : parse(msg, len, &rc);
	if (pkt == NULL)
		return len > WIRE_MESSAGE_MAX ? BANYAN_EMALF : rc;
	rc = take_parsed(tsig, pkt);
	knot_pkt_free(pkt);
	return rc;
}

/* ---- a server with some keys ---- */

int wire_tsig_sign_next(struct wire_tsig *tsig, uint8_t *msg, size_t len, size_t cap)
{
	uint8_t mac[WIRE_MAC_MAX];
	size_t mac_len = sizeof mac;
	int rc = knot_tsig_sign_next(msg, &len, cap, tsig->mac, tsig->mac_len, mac, &mac_len, &tsig->key->knot, msg,
				     len);
	if (rc != KNOT_EOK)
		return rc == KNOT_ESPACE ? BANYAN_ESPACE : rc == KNOT_ENOMEM ? BANYAN_ENOMEM : BANYAN_EOTHER;
	memcpy(tsig->mac, mac, mac_len);
	tsig->mac_len = mac_len;
	return (int)len;
}

/* RFC 8945 section 5.2: the key, then the signature, then the time. */
static uint16_t judge(struct wire_tsig *tsig, const knot_pkt_t *pkt)
{
	switch (knot_tsig_server_check(pkt->tsig_rr, pkt->wire, pkt->size, &tsig->key->knot)) {
	case KNOT_EOK:
		return 0;
	case KNOT_TSIG_EBADKEY:
		return WIRE_TSIG_BADKEY;
	case KNOT_TSIG_EBADTIME:
		return WIRE_TSIG_BADTIME;
	case KNOT_TSIG_EBADTRUNC:
		return WIRE_TSIG_BADTRUNC;
	default:
		return WIRE_TSIG_BADSIG;
	}
}

int wire_tsig_check_any(const struct wire_tsig_key *const *key, size_t n, const uint8_t *msg, size_t len,
			struct wire_tsig *ret, uint8_t *ret_msg, size_t *ret_len, uint16_t *ret_error)
{
	int rc;
	knot_pkt_t *pkt = len > WIRE_MESSAGE_MAX ? NULL : parse(msg, len, &rc);
	if (pkt == NULL)
		return len > WIRE_MESSAGE_MAX ? BANYAN_EMALF : rc;
	rc = pkt->tsig_rr == NULL ? BANYAN_ENOENT : 0;
	struct wire_tsig tsig = {0};
	uint16_t error = WIRE_TSIG_BADKEY;
	for (size_t i = 0; rc == 0 && i < n && tsig.key == NULL; i++) {
		tsig.key = key[i];
		if (!is_ours(&tsig, pkt->tsig_rr))
			tsig.key = NULL;
	}
	if (rc == 0 && tsig.key != NULL)
		error = judge(&tsig, pkt);
	if (rc == 0) {
		keep_mac(&tsig, pkt->tsig_rr);
		memcpy(ret_msg, pkt->wire, pkt->size);
		wire_put16(ret_msg, knot_tsig_rdata_orig_id(pkt->tsig_rr));
		*ret = tsig;
		*ret_len = pkt->size;
		*ret_error = error;
	}
	knot_pkt_free(pkt);
	return rc;
}

int wire_tsig_refuse(const struct wire_tsig *tsig, uint16_t error, const uint8_t *question, size_t question_len,
		     uint8_t *msg, size_t len, size_t cap)
{
	uint8_t mac[WIRE_MAC_MAX];
	size_t mac_len = sizeof mac;
	int rc;
	knot_pkt_t *pkt = parse(question, question_len, &rc);
	if (pkt == NULL)
		return rc;
	if (pkt->tsig_rr == NULL)
		rc = KNOT_EINVAL;
	else if (error == WIRE_TSIG_BADTIME) /* signed, with our time beside it (RFC 8945 section 5.2.3) */
		rc = knot_tsig_sign(msg, &len, cap, tsig->mac, tsig->mac_len, mac, &mac_len, &tsig->key->knot, error,
				    tsig->signed_at);
	else
		rc = knot_tsig_add(msg, &len, cap, error, pkt->tsig_rr);
	knot_pkt_free(pkt);
	return rc == KNOT_EOK ? (int)len : rc == KNOT_ESPACE ? BANYAN_ESPACE : BANYAN_EOTHER;
}

size_t wire_tsig_room(const struct wire_tsig_key *key)
{
	return knot_tsig_wire_size(&key->knot);
}
