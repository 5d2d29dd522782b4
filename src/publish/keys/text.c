// SPDX-License-Identifier: GPL-3.0-or-later
/* The state as text: a line a key, every value with its name. What is not known is refused: it may be from a newer version. */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

#define FIRST_LINE "banyan-keys 1"
#define LINE_MAX_  4096 /* bytes: a key takes 1,600 */
#define WORDS_MAX  32
#define TIME_MAX   (INT64_C(1) << 40) /* 34,000 years: sums of some never overflow */

/* ---- base64 ---- */

int keys_base64_append(struct buffer *out, const uint8_t *data, size_t len)
{
	int rc = buffer_reserve(out, (len + 2) / 3 * 4 + 1);
	if (rc < 0)
		return rc;
	out->len += (size_t)EVP_EncodeBlock(out->data + out->len, data, (int)len);
	return 0;
}

int keys_base64_read(const char *text, size_t len, uint8_t *out, size_t cap)
{
	uint8_t data[4 * KEYS_RDATA_MAX];
	size_t pad = len >= 2 && text[len - 1] == '=' ? (text[len - 2] == '=' ? 2 : 1) : 0;
	if (len == 0 || len % 4 != 0 || len / 4 * 3 > sizeof data)
		return BANYAN_EMALF;
	for (size_t i = 0; i < len - pad; i++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", text[i]) == NULL ||
		    text[i] == '\0')
			return BANYAN_EMALF;
	int n = EVP_DecodeBlock(data, (const uint8_t *)text, (int)len);
	if (n < 0 || (size_t)n < pad || (size_t)n - pad > cap)
		return BANYAN_EMALF;
	memcpy(out, data, (size_t)n - pad);
	return n - (int)pad;
}

/* ---- writing ---- */

static int key_write(const struct keys_key *key, struct buffer *out)
{
	int rc = buffer_printf(out, "key %s %s %u %u way=%s leave=%s hurry=%d since=%" PRId64 " at=",
			       keys_role_text(key->role), keys_phase_text(key->phase), key->algorithm, key->tag,
			       keys_way_text(key->way), keys_way_text(key->leave), key->hurry, key->since);
	for (int i = 0; i < KEYS_PHASES && rc >= 0; i++)
		rc = buffer_printf(out, "%s%" PRId64, i > 0 ? "," : "", key->at[i]);
	if (rc >= 0)
		rc = buffer_printf(out,
				   " ds-seen=%" PRId64 " ds-gone=%" PRId64 " shared=%" PRId64 " plan=%" PRId64
				   " place=%s dnskey=",
				   key->ds_seen, key->ds_gone, key->shared, key->plan, key->place);
	if (rc >= 0)
		rc = keys_base64_append(out, key->rdata, key->rdata_len);
	return rc < 0 ? rc : buffer_printf(out, "\n");
}

static int foreign_write(const struct keys_foreign *f, struct buffer *out)
{
	int rc = buffer_printf(out, "foreign name=%s since=%" PRId64 " left=%" PRId64 " dnskey=", f->name, f->since,
			       f->left);
	if (rc >= 0)
		rc = keys_base64_append(out, f->rdata, f->rdata_len);
	return rc < 0 ? rc : buffer_printf(out, "\n");
}

static int ttl_write(const char *name, const struct keys_ttl *ttl, struct buffer *out)
{
	return buffer_printf(out, "ttl %s value=%" PRId64 " before=%" PRId64 " delay=%" PRId64 " until=%" PRId64 "\n",
			     name, ttl->value_s, ttl->before_s, ttl->delay_s, ttl->before_until);
}

static int policy_write(const struct keys_policy *policy, struct buffer *out)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	int rc = keys_policy_write(policy, &text);
	if (rc < 0)
		return rc;
	char *save, *line = strtok_r((char *)text.data, "\n", &save);
	for (; line != NULL && rc >= 0; line = strtok_r(NULL, "\n", &save))
		rc = buffer_printf(out, "policy %s\n", line);
	return rc;
}

int keys_state_write(const struct keys_state *state, const struct keys_policy *policy, struct buffer *out)
{
	char name[WIRE_NAME_TEXT_MAX];
	int rc = buffer_printf(out, FIRST_LINE "\nzone %s\n", wire_name_text(state->apex, name));
	if (rc >= 0)
		rc = policy_write(policy, out);
	if (rc >= 0)
		rc = buffer_printf(out, "asked zsk=%d ksk=%d algorithm=%u multi=%d bundles-until=%" PRId64 "\n",
				   state->asked_zsk, state->asked_ksk, state->asked_algorithm, state->multi,
				   state->bundles_until);
	if (rc >= 0)
		rc = ttl_write("dnskey", &state->dnskey_ttl, out);
	if (rc >= 0)
		rc = ttl_write("data", &state->data_ttl, out);
	if (rc >= 0)
		rc = ttl_write("ds", &state->ds_ttl, out);
	for (size_t i = 0; i < state->n && rc >= 0; i++)
		rc = key_write(&state->key[i], out);
	for (size_t i = 0; i < state->n_foreign && rc >= 0; i++)
		rc = foreign_write(&state->foreign[i], out);
	if (rc >= 0)
		rc = buffer_printf(out, "end\n");
	return rc < 0 ? rc : 0;
}

/* ---- reading ---- */

struct words {
	size_t n;
	char *word[WORDS_MAX];
};

static bool number(const char *text, int64_t *ret)
{
	char *end;
	if (*text < '0' || *text > '9' || strlen(text) > 19)
		return false;
	*ret = strtoll(text, &end, 10);
	return *end == '\0';
}

static const char *value_of(const struct words *words, const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 1; i < words->n; i++)
		if (strncmp(words->word[i], name, len) == 0 && words->word[i][len] == '=')
			return words->word[i] + len + 1;
	return NULL;
}

static bool value_number(const struct words *words, const char *name, int64_t max, int64_t *ret)
{
	const char *value = value_of(words, name);
	return value != NULL && number(value, ret) && *ret <= max;
}

static int word_of(const char *text, const char *(*name)(unsigned), unsigned n)
{
	for (unsigned i = 0; text != NULL && i < n; i++)
		if (strcmp(text, name(i)) == 0)
			return (int)i;
	return -1;
}

static const char *role_name(unsigned i)
{
	return keys_role_text(i);
}

static const char *phase_name(unsigned i)
{
	return keys_phase_text(i);
}

static const char *way_name(unsigned i)
{
	return keys_way_text(i);
}

static bool dnskey_read(const struct words *words, uint8_t *rdata, uint16_t *ret_len)
{
	const char *text = value_of(words, "dnskey");
	int len = text != NULL ? keys_base64_read(text, strlen(text), rdata, KEYS_RDATA_MAX) : -1;
	if (len < 6)
		return false;
	*ret_len = (uint16_t)len;
	return true;
}

static bool times_read(const char *text, int64_t at[KEYS_PHASES])
{
	for (int i = 0; i < KEYS_PHASES; i++) {
		char *end;
		if (text == NULL || *text < '0' || *text > '9')
			return false;
		at[i] = strtoll(text, &end, 10);
		if (at[i] > TIME_MAX || *end != (i + 1 < KEYS_PHASES ? ',' : '\0'))
			return false;
		text = end + 1;
	}
	return true;
}

static bool key_read(const struct words *words, struct keys_state *state)
{
	struct keys_key key = {0};
	int64_t algorithm, tag, hurry;
	const char *place = value_of(words, "place");
	if (words->n != 16 || state->n == KEYS_MAX || place == NULL || strlen(place) >= sizeof key.place)
		return false;
	int role = word_of(words->word[1], role_name, 3), phase = word_of(words->word[2], phase_name, KEYS_PHASES);
	int way = word_of(value_of(words, "way"), way_name, KEYS_WAYS);
	int leave = word_of(value_of(words, "leave"), way_name, KEYS_WAYS);
	if (role < 0 || phase < 0 || way < 0 || leave < 0 || !number(words->word[3], &algorithm) ||
	    !number(words->word[4], &tag) || !value_number(words, "hurry", 1, &hurry) ||
	    !value_number(words, "since", TIME_MAX, &key.since) || !times_read(value_of(words, "at"), key.at) ||
	    !value_number(words, "ds-seen", TIME_MAX, &key.ds_seen) ||
	    !value_number(words, "ds-gone", TIME_MAX, &key.ds_gone) ||
	    !value_number(words, "shared", TIME_MAX, &key.shared) ||
	    !value_number(words, "plan", TIME_MAX, &key.plan) || !dnskey_read(words, key.rdata, &key.rdata_len))
		return false;
	key.role = (uint8_t)role;
	key.phase = (uint8_t)phase;
	key.way = (uint8_t)way;
	key.leave = (uint8_t)leave;
	key.hurry = hurry != 0;
	key.algorithm = key.rdata[3];
	key.tag = dnssec_key_tag(key.rdata, key.rdata_len);
	memcpy(key.place, place, strlen(place));
	if (key.algorithm != algorithm || key.tag != tag)
		return false;
	state->key[state->n++] = key;
	return true;
}

static bool foreign_read(const struct words *words, struct keys_state *state)
{
	struct keys_foreign f = {0};
	const char *name = value_of(words, "name");
	if (words->n != 5 || state->n_foreign == KEYS_FOREIGN_MAX || name == NULL || strlen(name) >= sizeof f.name ||
	    !value_number(words, "since", TIME_MAX, &f.since) || !value_number(words, "left", TIME_MAX, &f.left) ||
	    !dnskey_read(words, f.rdata, &f.rdata_len))
		return false;
	memcpy(f.name, name, strlen(name));
	f.tag = dnssec_key_tag(f.rdata, f.rdata_len);
	state->foreign[state->n_foreign++] = f;
	return true;
}

static bool ttl_read(const struct words *words, struct keys_state *state)
{
	struct keys_ttl *ttl = words->n != 6                           ? NULL
			       : strcmp(words->word[1], "dnskey") == 0 ? &state->dnskey_ttl
			       : strcmp(words->word[1], "data") == 0   ? &state->data_ttl
			       : strcmp(words->word[1], "ds") == 0     ? &state->ds_ttl
								       : NULL;
	return ttl != NULL && value_number(words, "value", UINT32_MAX, &ttl->value_s) &&
	       value_number(words, "before", UINT32_MAX, &ttl->before_s) &&
	       value_number(words, "delay", TIME_MAX, &ttl->delay_s) &&
	       value_number(words, "until", INT64_MAX, &ttl->before_until);
}

static bool asked_read(const struct words *words, struct keys_state *state)
{
	int64_t zsk, ksk, algorithm, multi;
	if (words->n != 6 || !value_number(words, "zsk", 1, &zsk) || !value_number(words, "ksk", 1, &ksk) ||
	    !value_number(words, "algorithm", 255, &algorithm) || !value_number(words, "multi", 1, &multi) ||
	    !value_number(words, "bundles-until", TIME_MAX, &state->bundles_until))
		return false;
	state->asked_zsk = zsk != 0;
	state->asked_ksk = ksk != 0;
	state->asked_algorithm = (uint8_t)algorithm;
	state->multi = multi != 0;
	return true;
}

static bool line_read(const struct words *words, struct keys_state *state, struct keys_policy *policy,
		      char why[KEYS_WHY_MAX])
{
	const char *first = words->word[0];
	uint8_t apex[WIRE_NAME_MAX];
	if (strcmp(first, "key") == 0)
		return key_read(words, state);
	if (strcmp(first, "foreign") == 0)
		return foreign_read(words, state);
	if (strcmp(first, "ttl") == 0)
		return ttl_read(words, state);
	if (strcmp(first, "asked") == 0)
		return asked_read(words, state);
	if (strcmp(first, "policy") == 0)
		return words->n == 3 && keys_policy_set(policy, words->word[1], words->word[2], why) == 0;
	if (strcmp(first, "zone") == 0 && words->n == 2 && wire_name_parse(words->word[1], apex) >= 0) {
		wire_name_lower(apex, state->apex);
		return true;
	}
	return false;
}

static void split(char *line, struct words *ret)
{
	char *save, *word = strtok_r(line, " ", &save);
	ret->n = 0;
	for (; word != NULL && ret->n < WORDS_MAX; word = strtok_r(NULL, " ", &save))
		ret->word[ret->n++] = word;
}

int keys_state_read(const char *name, const char *text, size_t len, struct keys_state *ret_state,
		    struct keys_policy *ret_policy, char why[KEYS_WHY_MAX])
{
	_cleanup_(base_free) struct keys_state *state = calloc(1, sizeof *state);
	struct keys_policy policy;
	unsigned long n = 0;
	bool ended = false;
	if (state == NULL)
		return keys_wrong(why, BANYAN_ENOMEM, "%s: out of memory", name);
	keys_policy_init(&policy);
	for (size_t pos = 0; pos < len;) {
		const char *end = memchr(text + pos, '\n', len - pos);
		size_t line_len = end != NULL ? (size_t)(end - text) - pos : 0;
		char line[LINE_MAX_];
		struct words words;
		n++;
		if (end == NULL || line_len >= sizeof line || memchr(text + pos, '\0', line_len) != NULL || ended)
			return keys_wrong(why, BANYAN_EMALF, "%s:%lu: this is not as banyan writes it", name, n);
		memcpy(line, text + pos, line_len);
		line[line_len] = '\0';
		pos += line_len + 1;
		if (n == 1 && strcmp(line, FIRST_LINE) != 0)
			return keys_wrong(why, BANYAN_EMALF, "%s:1: the first line is not '" FIRST_LINE "'", name);
		ended = strcmp(line, "end") == 0;
		split(line, &words);
		why[0] = '\0';
		if (n > 1 && !ended && (words.n == 0 || !line_read(&words, state, &policy, why)))
			return keys_wrong(why, BANYAN_EMALF,
					  "%s:%lu: this is not as banyan writes it; take the file from a backup", name,
					  n);
	}
	if (!ended)
		return keys_wrong(why, BANYAN_EMALF, "%s: it has no end: it was cut off; take it from a backup", name);
	*ret_state = *state;
	*ret_policy = policy;
	return 0;
}
