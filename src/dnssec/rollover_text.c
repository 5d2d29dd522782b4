// SPDX-License-Identifier: GPL-3.0-or-later
/* The state of rolling trust anchors as lines that people can read: written, and read back with every field checked. */
#include "anchors_text.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES_MAX 2047 /* a key of 1024 bytes is 1368 characters of base64 */

static const char *const states[] = {"START", "ADDPEND", "VALID", "MISSING", "REVOKED", "REMOVED"};

const char *dnssec_rollover_state_text(enum dnssec_rollover_state state)
{
	return (unsigned)state < ARRAY_SIZE(states) ? states[state] : "?";
}

char *dnssec_rollover_change_text(const struct dnssec_rollover_change *change, char out[160])
{
	char date[32];
	clock_format(change->until, date);
	const char *words = "";
	switch (change->to) {
	case DNSSEC_ROLLOVER_START:
		snprintf(out, 160,
			 "key %u: gone before its time had come; it is not trusted and starts anew when it is seen "
			 "again",
			 change->tag);
		return out;
	case DNSSEC_ROLLOVER_ADDPEND:
		snprintf(out, 160, "key %u: seen for the first time; trusted from %s on, if it stays", change->tag,
			 date);
		return out;
	case DNSSEC_ROLLOVER_VALID:
		words = change->from == DNSSEC_ROLLOVER_MISSING ? "back in the key set"
			: change->from == DNSSEC_ROLLOVER_ADDPEND
				? "has stayed long enough and is trusted now"
				: "in the key set, and named by a configured anchor: trusted";
		break;
	case DNSSEC_ROLLOVER_MISSING:
		words = "no more in the key set; still trusted";
		break;
	case DNSSEC_ROLLOVER_REVOKED:
		words = "revoked by its owner; not trusted any more";
		break;
	case DNSSEC_ROLLOVER_REMOVED:
		words = "was revoked so long ago that it may be forgotten";
		break;
	}
	snprintf(out, 160, "key %u: %s", change->tag, words);
	return out;
}

int dnssec_rollover_write(const struct dnssec_rollover *rollover, struct buffer *out)
{
	char zone[WIRE_NAME_TEXT_MAX], since[32], until[32], text[LINE_BYTES_MAX];
	int rc = buffer_printf(
		out,
		"; The trust anchors of %s as RFC 5011 keeps them, written by banyand. To start anew from the\n"
		"; configured anchors: stop it, remove this file, start it.\n"
		"rollover 1\nzone %s\n",
		wire_name_text(rollover->zone, zone), zone);
	if (rc >= 0)
		rc = buffer_printf(out, "proved %s\nnext %s\nretry %u\n", clock_format(rollover->proved, since),
				   clock_format(rollover->next, until), rollover->retry_s);
	for (size_t i = 0; rc >= 0 && i < rollover->n; i++) {
		const struct dnssec_rollover_key *key = &rollover->key[i];
		EVP_EncodeBlock((unsigned char *)text, key->rdata + 4, key->len - 4);
		rc = buffer_printf(out, "key %s tag %u since %s until %s DNSKEY %u %u %u %s\n",
				   dnssec_rollover_state_text(key->state), key->tag, clock_format(key->since, since),
				   clock_format(key->until, until), wire_get16(key->rdata), key->rdata[2],
				   key->rdata[3], text);
	}
	if (rc >= 0)
		rc = buffer_printf(out, "end %zu\n", rollover->n);
	return rc < 0 ? rc : 0;
}

/* ---- reading ---- */
struct state_reading {
	const char *source;
	unsigned long line;
	struct dnssec_text_error *error;
	struct dnssec_rollover rollover;
	bool head, zone, proved, next, retry, end;
};

static int bad(struct state_reading *r, const char *what)
{
	return text_error(r->error, r->source, r->line, BANYAN_EMALF,
			  "%s; if nobody knows why, remove the file: the configured anchors are used then", what);
}

static int key_line(struct state_reading *r, char *text)
{
	struct dnssec_rollover_key *key = &r->rollover.key[r->rollover.n];
	char state[16], since[40], until[40], zone[WIRE_NAME_TEXT_MAX],
		record[WIRE_NAME_TEXT_MAX + LINE_BYTES_MAX + 16];
	unsigned tag;
	int at = -1;
	if (sscanf(text, "key %15s tag %5u since %39s until %39s %n", state, &tag, since, until, &at) != 4 || at < 0)
		return bad(r, "the line of a key is not whole");
	if (r->rollover.n == DNSSEC_ROLLOVER_KEYS_MAX)
		return bad(r, "there are too many keys");
	*key = (struct dnssec_rollover_key){.state = DNSSEC_ROLLOVER_START};
	for (unsigned i = DNSSEC_ROLLOVER_ADDPEND; i < ARRAY_SIZE(states); i++)
		if (strcmp(states[i], state) == 0)
			key->state = (enum dnssec_rollover_state)i;
	if (key->state == DNSSEC_ROLLOVER_START)
		return bad(r, "the state of a key is none of ADDPEND, VALID, MISSING, REVOKED, REMOVED");
	if (clock_parse(since, &key->since) < 0 || clock_parse(until, &key->until) < 0)
		return bad(r, "a date of a key is not readable");
	struct dnssec_anchors anchors = {0};
	struct dnssec_text_error error;
	snprintf(record, sizeof record, "%s %s\n", wire_name_text(r->rollover.zone, zone), text + at);
	int rc = dnssec_anchors_parse(r->source, record, strlen(record), &anchors, &error);
	if (rc == 0 && (anchors.count != 1 || anchors.item->type != WIRE_TYPE_DNSKEY))
		rc = BANYAN_EMALF;
	if (rc == 0) {
		key->len = anchors.item->len;
		memcpy(key->rdata, anchors.item->rdata, key->len);
		key->tag = dnssec_key_tag(key->rdata, key->len);
	}
	dnssec_anchors_done(&anchors);
	if (rc < 0)
		return rc == BANYAN_ENOMEM ? rc : bad(r, "the DNSKEY of a key is not readable");
	if (key->tag != tag)
		return bad(r, "a key has not the tag that is written beside it");
	for (size_t i = 0; i < r->rollover.n; i++)
		if (r->rollover.key[i].len == key->len && memcmp(r->rollover.key[i].rdata, key->rdata, key->len) == 0)
			return bad(r, "a key stands there twice");
	r->rollover.n++;
	return 0;
}

static int zone_line(struct state_reading *r, const char *text)
{
	uint8_t zone[WIRE_NAME_MAX];
	if (wire_name_parse(text, zone) < 0 || !wire_name_equal(zone, r->rollover.zone))
		return bad(r, "the file is of another zone");
	r->zone = true;
	return 0;
}

/* "WORD N", with N of one to nine digits and nothing else. */
static bool number_line(const char *text, const char *word, uint32_t *ret)
{
	size_t len = strlen(word);
	if (strncmp(text, word, len) != 0 || text[len] != ' ')
		return false;
	const char *digits = text + len + 1;
	size_t n = strspn(digits, "0123456789");
	if (n == 0 || n > 9 || digits[n] != '\0')
		return false;
	*ret = (uint32_t)strtoul(digits, NULL, 10);
	return true;
}

static int state_line(struct state_reading *r, char *text)
{
	uint32_t n;
	if (text[0] == ';' || text[0] == '\0')
		return 0;
	if (r->end)
		return bad(r, "something stands behind the end");
	if (!r->head) {
		r->head = strcmp(text, "rollover 1") == 0;
		return r->head ? 0
			       : bad(r, "it does not begin with 'rollover 1': no state of trust anchors, or of another "
					"version");
	}
	if (!r->zone)
		return strncmp(text, "zone ", 5) == 0 ? zone_line(r, text + 5) : bad(r, "the zone is missing");
	if (strncmp(text, "proved ", 7) == 0 && !r->proved && clock_parse(text + 7, &r->rollover.proved) == 0)
		r->proved = true;
	else if (strncmp(text, "next ", 5) == 0 && !r->next && clock_parse(text + 5, &r->rollover.next) == 0)
		r->next = true;
	else if (!r->retry && number_line(text, "retry", &n) && n > 0) {
		r->rollover.retry_s = n;
		r->retry = true;
	} else if (strncmp(text, "key ", 4) == 0)
		return key_line(r, text);
	else if (number_line(text, "end", &n) && n == r->rollover.n)
		r->end = true;
	else
		return bad(r, "the line is not understood");
	return 0;
}

int dnssec_rollover_read(const char *source, const char *text, size_t len, const uint8_t *zone,
			 struct dnssec_rollover *rollover, struct dnssec_text_error *ret_error)
{
	char line[LINE_BYTES_MAX + 1];
	const char *end = text + len;
	struct state_reading *r = calloc(1, sizeof *r);
	int rc = 0;
	if (r == NULL)
		return text_error(ret_error, source, 0, BANYAN_ENOMEM, "no memory");
	r->source = source;
	r->error = ret_error;
	dnssec_rollover_init(&r->rollover, zone);
	while (rc == 0 && text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((stop != NULL ? stop : end) - text);
		r->line++;
		if (n > LINE_BYTES_MAX || memchr(text, '\0', n) != NULL) {
			rc = bad(r, "the line is too long, or no text");
			break;
		}
		memcpy(line, text, n);
		line[n] = '\0';
		rc = state_line(r, line);
		text += n + 1;
	}
	r->line = 0;
	if (rc == 0 && (!r->end || !r->proved || !r->next || !r->retry))
		rc = bad(r, "it is cut short");
	if (rc == 0)
		*rollover = r->rollover;
	free(r);
	return rc;
}
