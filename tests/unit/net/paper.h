// SPDX-License-Identifier: GPL-3.0-or-later
/* A certificate for two days, its key and its pin, for tests of TLS. After cmocka.h. */
#pragma once

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "net/net.h"

struct paper {
	char folder[64], certificate[96], key[96];
	struct net_tls_pin pin;
};

static inline void write_file(const char *path, const gnutls_datum_t *data)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data->data, 1, data->size, file), data->size);
	assert_int_equal(fclose(file), 0);
}

static inline void paper_make(struct paper *paper, const char *name)
{
	static const uint8_t serial[] = {1, 2, 3};
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	gnutls_datum_t out;
	uint8_t spki[512];
	size_t len = sizeof spki;
	strcpy(paper->folder, "/tmp/banyan-tls.XXXXXX");
	assert_int_equal(gnutls_global_init(), 0);
	assert_non_null(mkdtemp(paper->folder));
	snprintf(paper->certificate, sizeof paper->certificate, "%s/certificate", paper->folder);
	snprintf(paper->key, sizeof paper->key, "%s/key", paper->folder);
	assert_int_equal(gnutls_x509_privkey_init(&key), 0);
	assert_int_equal(
		gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
		0);
	assert_int_equal(gnutls_x509_crt_init(&crt), 0);
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_serial(crt, serial, sizeof serial);
	gnutls_x509_crt_set_activation_time(crt, time(NULL) - 86400);
	gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 86400);
	gnutls_x509_crt_set_dn(crt, "CN=a test", NULL);
	gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name), GNUTLS_FSAN_SET);
	gnutls_x509_crt_set_basic_constraints(crt, 1, -1);
	gnutls_x509_crt_set_key(crt, key);
	assert_int_equal(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0), 0);
	assert_int_equal(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &out), 0);
	write_file(paper->certificate, &out);
	gnutls_free(out.data);
	assert_int_equal(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &out), 0);
	write_file(paper->key, &out);
	gnutls_free(out.data);
	gnutls_pubkey_t public;
	gnutls_pubkey_init(&public);
	assert_int_equal(gnutls_pubkey_import_x509(public, crt, 0), 0);
	assert_int_equal(gnutls_pubkey_export(public, GNUTLS_X509_FMT_DER, spki, &len), 0);
	gnutls_hash_fast(GNUTLS_DIG_SHA256, spki, len, paper->pin.sha256);
	gnutls_pubkey_deinit(public);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
}

static inline void paper_done(struct paper *paper)
{
	unlink(paper->certificate);
	unlink(paper->key);
	rmdir(paper->folder);
}
