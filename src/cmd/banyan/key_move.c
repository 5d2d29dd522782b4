// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan key import and export: private keys of other programs (BIND, ldns), PEM, tokens. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "key.h"

#define KEY_FILE_MAX 65536

static void secret_done(struct buffer *buffer)
{
	if (buffer->data != NULL)
		OPENSSL_cleanse(buffer->data, buffer->cap);
	buffer_done(buffer);
}

static void made_done(struct make_key **key)
{
	make_key_free(*key);
}

static int phase_read(const char *text)
{
	for (int phase = KEYS_GENERATED; text != NULL && phase <= KEYS_ACTIVE; phase++)
		if (phase != KEYS_SIGNING && strcmp(text, keys_phase_text(phase)) == 0)
			return phase;
	if (text == NULL)
		return KEYS_ACTIVE;
	fprintf(stderr, "banyan key: --state is generated, published, ready or active, not '%s'\n", text);
	return -1;
}

static int read_secret(const char *path, struct buffer *out)
{
	int rc = file_read(path, KEY_FILE_MAX, &out->data, &out->len);
	if (rc != 0)
		fprintf(stderr, "banyan key: %s: %s\n", path, error_text(rc));
	else
		out->cap = out->len;
	return rc;
}

/* The DNSKEY of a K*.private file is in the .key file beside it. */
static int read_public(const char *path, struct dnssec_anchors *ret)
{
	_cleanup_(base_free) uint8_t *text = NULL;
	struct dnssec_text_error error = {0};
	char name[1024];
	size_t len, stem = strlen(path) - strlen(".private");
	if (snprintf(name, sizeof name, "%.*s.key", (int)stem, path) >= (int)sizeof name)
		return BANYAN_EINVAL;
	int rc = file_read(name, KEY_FILE_MAX, &text, &len);
	if (rc != 0) {
		fprintf(stderr, "banyan key: %s: %s; it belongs to %s\n", name, error_text(rc), path);
		return rc;
	}
	rc = dnssec_anchors_parse(name, (const char *)text, len, ret, &error);
	if (rc != 0 || ret->count != 1 || ret->item[0].type != WIRE_TYPE_DNSKEY) {
		fprintf(stderr, "banyan key: %s\n", rc != 0 ? error.text : "one DNSKEY is expected in the .key file");
		return BANYAN_EMALF;
	}
	return 0;
}

/* As a role asks for: CSKs and KSKs have the SEP bit, ZSKs have not. Some signers make CSKs without it: they stay as they are. */
static bool role_fits(int role, uint16_t flags)
{
	return role == KEYS_ZSK ? flags == MAKE_FLAGS_ZSK : role == KEYS_KSK ? flags == MAKE_FLAGS_KSK : true;
}

static int read_key(const struct key_options *options, const char *path, int role, struct make_key **ret)
{
	_cleanup_(secret_done) struct buffer text = {0};
	_cleanup_(dnssec_anchors_done) struct dnssec_anchors public = {0};
	size_t len = strlen(path);
	bool bind = len > 8 && strcmp(path + len - 8, ".private") == 0;
	int algorithm = options->algorithm != NULL ? keys_algorithm_parse(options->algorithm) : 0;
	int rc = read_secret(path, &text);
	if (rc == 0 && bind)
		rc = read_public(path, &public);
	if (rc == 0 && !bind && algorithm <= 0) {
		fprintf(stderr, "banyan key: a PEM file needs --algorithm (8, 10, 13, 14, 15 or 16)\n");
		return BANYAN_EINVAL;
	}
	if (rc != 0)
		return rc;
	if (bind)
		rc = make_key_from_bind((const char *)text.data, text.len, public.item[0].rdata, public.item[0].len,
					ret);
	else
		rc = make_key_from_pem((const char *)text.data, text.len, (uint8_t)algorithm,
				       role == KEYS_ZSK ? MAKE_FLAGS_ZSK : MAKE_FLAGS_KSK, ret);
	if (rc != 0)
		fprintf(stderr, "banyan key: %s: this is no private key%s: %s\n", path,
			bind ? " of the DNSKEY beside it" : " of this algorithm", error_text(rc));
	return rc;
}

int key_import(const struct key_options *options)
{
	_cleanup_(key_closed) struct keys_folder *folder = NULL;
	_cleanup_(made_done) struct make_key *made = NULL;
	char why[KEYS_WHY_MAX];
	struct keys_key *key;
	if (options->n_words != 1) {
		fprintf(stderr, "usage: banyan key import --role zsk|ksk|csk FILE.private | FILE.pem | pkcs11:URI\n");
		return CMD_ERROR;
	}
	int role = key_role_read(options->role), phase = phase_read(options->phase), rc;
	bool token = strncmp(options->word[0], "pkcs11:", 7) == 0;
	int algorithm = options->algorithm != NULL ? keys_algorithm_parse(options->algorithm) : 0;
	if (role < 0 || phase < 0 || (!token && read_key(options, options->word[0], role, &made) != 0))
		return CMD_ERROR;
	if (token && algorithm <= 0) {
		fprintf(stderr, "banyan key: a key in a token needs --algorithm\n");
		return CMD_ERROR;
	}
	if (made != NULL && !role_fits(role, make_key_flags(made))) {
		fprintf(stderr, "banyan key: %s has the flags %u: that is a %s\n", options->word[0],
			make_key_flags(made), make_key_flags(made) == MAKE_FLAGS_ZSK ? "zsk" : "ksk, or a csk");
		return CMD_NO;
	}
	if (key_open(options, true, &folder) != 0)
		return CMD_ERROR;
	rc = token ? keys_import_token(folder, options->word[0], (uint8_t)algorithm, role, phase, options->now, &key,
				       why)
		   : keys_import(folder, made, role, phase, options->now, &key, why);
	if (rc == 0)
		printf("%s %u, algorithm %u, %s, %s\n", keys_role_text(key->role), key->tag, key->algorithm,
		       keys_phase_text(key->phase), key->place);
	return key_tell(rc, why);
}

/* ---- export ---- */

static int write_file(const char *path, const struct buffer *text, unsigned mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	int rc = fd < 0 ? error_from_errno(errno) : file_write_flush(fd, text->data, text->len);
	if (fd >= 0 && close(fd) < 0 && rc == 0)
		rc = error_from_errno(errno);
	if (rc != 0)
		fprintf(stderr, "banyan key: %s cannot be written: %s\n", path, error_text(rc));
	if (rc != 0 && fd >= 0) /* part of a private key is no use to anybody good */
		(void)unlink(path);
	return rc;
}

static int export_public(const struct keys_folder *folder, const struct keys_state *state, const struct keys_key *key,
			 const char *path)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	struct wire_rdata rdata = {.data = key->rdata, .len = key->rdata_len};
	int rc = wire_record_text(state->apex, (uint32_t)keys_folder_policy(folder)->dnskey_ttl_s, WIRE_CLASS_IN,
				  WIRE_TYPE_DNSKEY, &rdata, &text);
	if (rc >= 0)
		rc = buffer_printf(&text, "\n");
	return rc < 0 ? rc : write_file(path, &text, 0644);
}

int key_export(const struct key_options *options)
{
	_cleanup_(key_closed) struct keys_folder *folder = NULL;
	_cleanup_(secret_done) struct buffer text = {0};
	char why[KEYS_WHY_MAX], zone[WIRE_NAME_TEXT_MAX], path[2048];
	const struct keys_key *key = NULL;
	struct make_key *made;
	unsigned long tag;
	if (options->n_words != 1 || options->bind == NULL || !key_tag_read(options->word[0], &tag)) {
		fprintf(stderr, "usage: banyan key export --bind FOLDER TAG\n");
		return CMD_ERROR;
	}
	if (key_open(options, false, &folder) != 0)
		return CMD_ERROR;
	const struct keys_state *state = keys_folder_state(folder);
	for (size_t i = 0; i < state->n; i++) /* tags come again: one that is there before one that is gone */
		if (state->key[i].tag == tag && (key == NULL || key->phase == KEYS_REMOVED))
			key = &state->key[i];
	if (key == NULL) {
		fprintf(stderr, "banyan key: %s: there is no key %lu\n", options->folder, tag);
		return CMD_NO;
	}
	int rc = keys_private(folder, key, &made, why);
	if (rc != 0)
		return key_tell(rc, why);
	rc = buffer_reserve(&text, MAKE_KEY_PEM_MAX);
	if (rc == 0)
		rc = make_key_to_bind(made, &text);
	if (rc == BANYAN_ENOENT)
		fprintf(stderr, "banyan key: key %lu is in a token and cannot leave it\n", tag);
	if (rc != 0)
		return CMD_NO;
	wire_name_text(state->apex, zone);
	if (strchr(zone, '/') != NULL)
		return key_tell(BANYAN_EINVAL, "the zone's name makes no name for a file");
	snprintf(path, sizeof path, "%s/K%s+%03u+%05u.private", options->bind, zone, key->algorithm, key->tag);
	if (write_file(path, &text, 0600) != 0)
		return CMD_ERROR;
	snprintf(path, sizeof path, "%s/K%s+%03u+%05u.key", options->bind, zone, key->algorithm, key->tag);
	return export_public(folder, state, key, path) == 0 ? CMD_OK : CMD_ERROR;
}
