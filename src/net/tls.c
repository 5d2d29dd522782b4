// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * TLS sessions (RFC 8446) over bytes that somebody else carries: what the peer sent goes in, what the peer shall get comes out.
 * Version 1.3 alone, with the token "dot" (RFC 9103 section 7.1); who does not speak it to the end is told why not. What the library
 * has an error number for, or an alert of the peer, becomes a sentence that says what to do.
 */
#include "private.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3:%SERVER_PRECEDENCE"
#define WIRE_MAX                                                                                                       \
	(256 * 1024) /* bytes that wait for the peer or for us: a handshake has a few thousand, a record 16 KiB */

/* The library makes itself ready when it is first needed (gnutls_global_init(), which counts its calls), and not when the program starts: that
 * would cost each server 0.8 MB, with TLS or without. */
GNUTLS_SKIP_GLOBAL_INIT

struct net_tls_trust {
	gnutls_certificate_credentials_t credentials;
	char *name; /* NULL = whoever it is */
	bool any_alpn;
	size_t n_pins;
	struct net_tls_pin pin[NET_TLS_PINS_MAX];
};

struct net_tls_identity {
	atomic_uint users; /* sessions of several threads, and who has read it */
	gnutls_certificate_credentials_t credentials;
};

struct net_tls {
	gnutls_session_t session;
	const struct net_tls_trust *trust; /* NULL = this is the server */
	struct net_tls_identity *identity; /* of the server */
	struct net_inbox in;               /* from the peer, not yet looked at */
	size_t in_at;
	struct net_inbox out; /* for the peer */
	bool up, ended;
	char why[NET_TLS_WHY_MAX];
};

/* ---- what the library reads and writes ---- */

static ssize_t on_pull(gnutls_transport_ptr_t ptr, void *data, size_t len)
{
	struct net_tls *tls = ptr;
	size_t n = tls->in.len - tls->in_at;
	if (n == 0) {
		gnutls_transport_set_errno(tls->session, EAGAIN);
		return -1;
	}
	n = n < len ? n : len;
	memcpy(data, tls->in.data + tls->in_at, n);
	tls->in_at += n;
	return (ssize_t)n;
}

static int on_pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
	const struct net_tls *tls = ptr;
	return tls->in.len > tls->in_at;
}

static ssize_t on_push(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
	struct net_tls *tls = ptr;
	if (tls->out.len + len > WIRE_MAX || net_inbox_add(&tls->out, data, len) < 0) {
		gnutls_transport_set_errno(tls->session, ENOMEM);
		return -1;
	}
	return (ssize_t)len;
}

static int fail(struct net_tls *tls, const char *what, const char *detail)
{
	if (tls->why[0] == 0)
		snprintf(tls->why, sizeof tls->why, "TLS: %s%s%s", what, detail[0] != 0 ? ": " : "", detail);
	tls->ended = true;
	return BANYAN_EPROOF;
}

/* ---- who the server is ---- */

static int check_pins(struct net_tls *tls)
{
	unsigned n = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(tls->session, &n);
	gnutls_x509_crt_t certificate = NULL;
	uint8_t spki[4096], digest[32];
	size_t len = sizeof spki;
	bool good = false;
	if (chain == NULL || n == 0 || gnutls_x509_crt_init(&certificate) < 0)
		return fail(tls, "the server shows no certificate", "");
	gnutls_pubkey_t key = NULL;
	if (gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) == 0 && gnutls_pubkey_init(&key) == 0 &&
	    gnutls_pubkey_import_x509(key, certificate, 0) == 0 &&
	    gnutls_pubkey_export(key, GNUTLS_X509_FMT_DER, spki, &len) == 0 &&
	    gnutls_hash_fast(GNUTLS_DIG_SHA256, spki, len, digest) == 0)
		for (size_t i = 0; i < tls->trust->n_pins; i++)
			good |= memcmp(digest, tls->trust->pin[i].sha256, sizeof digest) == 0;
	gnutls_pubkey_deinit(key);
	gnutls_x509_crt_deinit(certificate);
	return good ? 0 : fail(tls, "the server's key is none of the pinned ones", "");
}

/* RFC 9103 section 7.1: the token must be selected, else the other side may speak something else altogether. */
static int check_token(struct net_tls *tls)
{
	gnutls_datum_t token;
	if (tls->trust->any_alpn || gnutls_alpn_get_selected_protocol(tls->session, &token) == 0)
		return 0; /* what can be selected is what was offered, "dot" alone */
	(void)gnutls_alert_send(tls->session, GNUTLS_AL_FATAL, GNUTLS_A_NO_APPLICATION_PROTOCOL);
	return fail(tls,
		    "the server does not select the ALPN token dot, as RFC 9103 asks; if it is too old to do so, "
		    "alpn=any takes it as it is",
		    "");
}

static void why_not_verified(struct net_tls *tls)
{
	gnutls_datum_t text = {0};
	unsigned status = gnutls_session_get_verify_cert_status(tls->session);
	if (status != 0 && gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) == 0)
		fail(tls, "the server's certificate", (const char *)text.data);
	gnutls_free(text.data);
}

/* ---- life ---- */

static int session_start(struct net_tls *tls, unsigned flags, gnutls_certificate_credentials_t credentials)
{
	static const gnutls_datum_t dot = {(unsigned char *)"dot", 3};
	if (gnutls_init(&tls->session, flags | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0)
		return BANYAN_ENOMEM;
	/* mandatory: a client that offers other tokens alone is refused (RFC 7301 section 3.2); one that offers none is not */
	if (gnutls_priority_set_direct(tls->session, PRIORITY, NULL) < 0 ||
	    gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE, credentials) < 0 ||
	    gnutls_alpn_set_protocols(tls->session, &dot, 1, GNUTLS_ALPN_MANDATORY) < 0)
		return BANYAN_EUNSUPP;
	gnutls_transport_set_ptr(tls->session, tls);
	gnutls_transport_set_pull_function(tls->session, on_pull);
	gnutls_transport_set_pull_timeout_function(tls->session, on_pull_timeout);
	gnutls_transport_set_push_function(tls->session, on_push);
	return 0;
}

static int tls_new(const struct net_tls_trust *trust, struct net_tls_identity *identity, struct net_tls **ret)
{
	struct net_tls *tls = calloc(1, sizeof *tls);
	if (tls == NULL)
		return BANYAN_ENOMEM;
	tls->trust = trust;
	tls->identity = identity != NULL ? net_tls_identity_use(identity) : NULL;
	int rc = BANYAN_EINVAL;
	if (trust != NULL)
		rc = session_start(tls, GNUTLS_CLIENT, trust->credentials);
	else if (identity != NULL)
		rc = session_start(tls, GNUTLS_SERVER, identity->credentials);
	if (rc == 0 && trust != NULL && trust->name != NULL) {
		struct addr literal;
		gnutls_session_set_verify_cert(tls->session, trust->name, 0);
		if (addr_parse(trust->name, 0, &literal) < 0 && /* an address is not named (RFC 6066 section 3) */
		    gnutls_server_name_set(tls->session, GNUTLS_NAME_DNS, trust->name, strlen(trust->name)) < 0)
			rc = BANYAN_EINVAL;
	}
	if (rc < 0) {
		net_tls_free(tls);
		return rc;
	}
	*ret = tls;
	return 0;
}

int net_tls_client(const struct net_tls_trust *trust, struct net_tls **ret)
{
	return tls_new(trust, NULL, ret);
}

int net_tls_server(struct net_tls_identity *identity, struct net_tls **ret)
{
	return tls_new(NULL, identity, ret);
}

void net_tls_free(struct net_tls *tls)
{
	if (tls == NULL)
		return;
	if (tls->session != NULL)
		gnutls_deinit(tls->session);
	net_tls_identity_free(tls->identity);
	net_inbox_done(&tls->in);
	net_inbox_done(&tls->out);
	free(tls);
}

const char *net_tls_why(const struct net_tls *tls)
{
	return tls->why;
}

bool net_tls_up(const struct net_tls *tls)
{
	return tls->up;
}

/* ---- bytes ---- */

static int handshake_failed(struct net_tls *tls, int error)
{
	bool alert = error == GNUTLS_E_FATAL_ALERT_RECEIVED;
	if (!alert)
		(void)gnutls_alert_send_appropriate(tls->session, error);
	gnutls_alert_description_t said = alert ? gnutls_alert_get(tls->session) : GNUTLS_A_CLOSE_NOTIFY;
	if ((alert && said == GNUTLS_A_PROTOCOL_VERSION) || error == GNUTLS_E_UNSUPPORTED_VERSION_PACKET)
		return fail(tls, "no session, since the other side speaks no version 1.3 (RFC 9103 section 7.2)", "");
	if ((alert && said == GNUTLS_A_NO_APPLICATION_PROTOCOL) || error == GNUTLS_E_NO_APPLICATION_PROTOCOL)
		return fail(tls, "no session, since one side does not take the ALPN token dot", "");
	if (alert && said == GNUTLS_A_HANDSHAKE_FAILURE)
		return fail(tls,
			    "no session, since the other side has no version and cipher that both take; version 1.3 is "
			    "needed",
			    "");
	if (alert && gnutls_alert_get_name(said) != NULL)
		return fail(tls, "no session, the other side ended it", gnutls_alert_get_name(said));
	if (error == GNUTLS_E_UNEXPECTED_PACKET_LENGTH || error == GNUTLS_E_UNEXPECTED_PACKET)
		return fail(tls, "no session", "what the other side speaks is no TLS");
	return fail(tls, "no session", gnutls_strerror(error));
}

static int handshake(struct net_tls *tls)
{
	int rc = gnutls_handshake(tls->session);
	if (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED || rc == GNUTLS_E_WARNING_ALERT_RECEIVED)
		return 0;
	if (rc < 0) {
		if (rc == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
			why_not_verified(tls);
		return handshake_failed(tls, rc);
	}
	if (tls->trust != NULL && tls->trust->n_pins > 0 && check_pins(tls) < 0) {
		(void)gnutls_alert_send(tls->session, GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE);
		return BANYAN_EPROOF;
	}
	if (tls->trust != NULL && check_token(tls) < 0)
		return BANYAN_EPROOF;
	tls->up = true;
	return 0;
}

int net_tls_take(struct net_tls *tls, const uint8_t *data, size_t len)
{
	if (tls->ended)
		return tls->why[0] != 0 ? BANYAN_EPROOF : 0; /* what comes after the end is nobody's */
	net_inbox_drop(&tls->in, tls->in_at);
	tls->in_at = 0;
	if (tls->in.len + len > WIRE_MAX)
		return fail(tls, "the peer sends more than a session needs", "");
	if (net_inbox_add(&tls->in, data, len) < 0)
		return BANYAN_ENOMEM;
	return tls->up ? 0 : handshake(tls);
}

int net_tls_read(struct net_tls *tls, uint8_t *out, size_t cap, size_t *ret_len)
{
	*ret_len = 0;
	if (!tls->up || tls->ended)
		return 0;
	for (;;) {
		size_t at = tls->in_at;
		ssize_t n = gnutls_record_recv(tls->session, out, cap);
		if (n > 0) {
			*ret_len = (size_t)n;
			return 0;
		}
		if (n == GNUTLS_E_INTERRUPTED || n == GNUTLS_E_REHANDSHAKE || n == GNUTLS_E_WARNING_ALERT_RECEIVED)
			continue;
		/* a message of the session itself was taken, as the tickets that OpenSSL sends first: what stands behind it waits */
		if (n == GNUTLS_E_AGAIN && tls->in_at > at && tls->in_at < tls->in.len)
			continue;
		if (n == GNUTLS_E_AGAIN)
			return 0;
		tls->ended = true;
		return n == 0 ? 0 : fail(tls, "the session broke", gnutls_strerror((int)n));
	}
}

bool net_tls_ended(const struct net_tls *tls)
{
	return tls->ended;
}

int net_tls_write(struct net_tls *tls, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = gnutls_record_send(tls->session, data, len);
		if (n == GNUTLS_E_INTERRUPTED || n == GNUTLS_E_AGAIN)
			continue; /* on_push() takes all or fails */
		if (n < 0)
			return fail(tls, "what is to be sent cannot be", gnutls_strerror((int)n));
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

struct net_inbox *net_tls_out(struct net_tls *tls)
{
	return &tls->out;
}

/* ---- whom a client trusts ---- */

static int trust_load(struct net_tls_trust *trust, const struct net_tls_trust_settings *settings,
		      char why[NET_TLS_WHY_MAX])
{
	int n;
	if (gnutls_global_init() < 0 || gnutls_certificate_allocate_credentials(&trust->credentials) < 0)
		return BANYAN_ENOMEM;
	if (settings->name == NULL)
		return 0;
	trust->name = strdup(settings->name);
	if (trust->name == NULL)
		return BANYAN_ENOMEM;
	if (settings->ca_file != NULL)
		n = gnutls_certificate_set_x509_trust_file(trust->credentials, settings->ca_file, GNUTLS_X509_FMT_PEM);
	else
		n = gnutls_certificate_set_x509_system_trust(trust->credentials);
	if (n > 0)
		return 0;
	if (settings->ca_file != NULL)
		snprintf(why, NET_TLS_WHY_MAX, "%.200s: no certificate could be read from it%s%s", settings->ca_file,
			 n < 0 ? ": " : "", n < 0 ? gnutls_strerror(n) : "");
	else
		snprintf(why, NET_TLS_WHY_MAX,
			 "this machine has no certificates of authorities: install ca-certificates, or name a file");
	return BANYAN_ECONFIG;
}

int net_tls_trust_new(const struct net_tls_trust_settings *settings, struct net_tls_trust **ret,
		      char why[NET_TLS_WHY_MAX])
{
	if (settings->n_pins > NET_TLS_PINS_MAX) {
		snprintf(why, NET_TLS_WHY_MAX, "more than %d pins", NET_TLS_PINS_MAX);
		return BANYAN_ELIMIT;
	}
	struct net_tls_trust *trust = calloc(1, sizeof *trust);
	if (trust == NULL)
		return BANYAN_ENOMEM;
	snprintf(why, NET_TLS_WHY_MAX, "out of memory");
	int rc = trust_load(trust, settings, why);
	if (rc < 0) {
		net_tls_trust_free(trust);
		return rc;
	}
	trust->any_alpn = settings->any_alpn;
	trust->n_pins = settings->n_pins;
	if (settings->n_pins > 0)
		memcpy(trust->pin, settings->pin, settings->n_pins * sizeof *settings->pin);
	*ret = trust;
	return 0;
}

void net_tls_trust_free(struct net_tls_trust *trust)
{
	if (trust == NULL)
		return;
	gnutls_certificate_free_credentials(trust->credentials);
	free(trust->name);
	free(trust);
}

int net_tls_identity_read(const char *certificate_file, const char *key_file, struct net_tls_identity **ret,
			  char why[NET_TLS_WHY_MAX])
{
	struct net_tls_identity *identity = calloc(1, sizeof *identity);
	snprintf(why, NET_TLS_WHY_MAX, "out of memory");
	if (identity == NULL)
		return BANYAN_ENOMEM;
	atomic_init(&identity->users, 1);
	if (gnutls_global_init() < 0 || gnutls_certificate_allocate_credentials(&identity->credentials) < 0) {
		free(identity);
		return BANYAN_ENOMEM;
	}
	int rc = gnutls_certificate_set_x509_key_file(identity->credentials, certificate_file, key_file,
						      GNUTLS_X509_FMT_PEM);
	if (rc < 0) {
		snprintf(why, NET_TLS_WHY_MAX, "the certificate %.150s and its key %.150s: %s", certificate_file,
			 key_file, gnutls_strerror(rc));
		net_tls_identity_free(identity);
		return BANYAN_ECONFIG;
	}
	*ret = identity;
	return 0;
}

struct net_tls_identity *net_tls_identity_use(struct net_tls_identity *identity)
{
	atomic_fetch_add(&identity->users, 1);
	return identity;
}

void net_tls_identity_free(struct net_tls_identity *identity)
{
	if (identity == NULL || atomic_fetch_sub(&identity->users, 1) > 1)
		return;
	gnutls_certificate_free_credentials(identity->credentials);
	free(identity);
}
