// SPDX-License-Identifier: GPL-3.0-or-later
/* IANA's root-anchors.xml (RFC 9718), and the detached signature that comes with it. */
#include "anchors_text.h"

#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XML_DEPTH_MAX 8 /* the format has three levels */

enum field {
	FIELD_NONE,
	FIELD_ZONE,
	FIELD_TAG,
	FIELD_ALGORITHM,
	FIELD_DIGEST_TYPE,
	FIELD_DIGEST,
	FIELD_KEY,
	FIELD_FLAGS,
	FIELD_COUNT
};

static const char *const field_names[FIELD_COUNT] = {"",           "Zone",   "KeyTag",    "Algorithm",
						     "DigestType", "Digest", "PublicKey", "Flags"};

struct xml_reading {
	XML_Parser parser;
	const char *source;
	struct dnssec_text_error *error;
	struct dnssec_anchors *anchors;
	int64_t now;
	int rc;
	unsigned depth;
	bool root, in_digest;
	enum field field;
	char text[FIELD_COUNT][ANCHOR_WORD_MAX];
	size_t len[FIELD_COUNT];
	int64_t from, until;     /* of the KeyDigest in hand */
	size_t digests, current; /* KeyDigests, and those that are valid now */
	int64_t next_from;       /* the earliest that will be */
};

static void stop(struct xml_reading *x, int rc, const char *what, const char *detail)
{
	if (x->rc < 0)
		return;
	x->rc = text_error(x->error, x->source, XML_GetCurrentLineNumber(x->parser), rc, "%s%.64s", what, detail);
	XML_StopParser(x->parser, XML_FALSE);
}

/* dateTime of XML: "2017-02-02T00:00:00+00:00", "...Z" */
static bool time_read(const char *text, int64_t *ret)
{
	char plain[32];
	int hours = 0, minutes = 0;
	char sign = '+';
	size_t len = strlen(text);
	if (len < 20 || len > 25)
		return false;
	snprintf(plain, sizeof plain, "%.19sZ", text);
	if (strcmp(text + 19, "Z") != 0 &&
	    (len != 25 || sscanf(text + 19, "%c%2d:%2d", &sign, &hours, &minutes) != 3 ||
	     (sign != '+' && sign != '-') || hours < 0 || hours > 14 || minutes < 0 || minutes > 59))
		return false;
	if (clock_parse(plain, ret) < 0)
		return false;
	*ret += (sign == '+' ? -1 : 1) * (hours * 3600LL + minutes * 60LL);
	return true;
}

static void digest_begin(struct xml_reading *x, const char **attributes)
{
	x->in_digest = true;
	x->from = INT64_MIN;
	x->until = INT64_MAX;
	for (enum field f = FIELD_TAG; f < FIELD_COUNT; f++)
		x->len[f] = 0;
	for (; attributes[0] != NULL; attributes += 2) {
		bool from = strcmp(attributes[0], "validFrom") == 0;
		if ((from || strcmp(attributes[0], "validUntil") == 0) &&
		    !time_read(attributes[1], from ? &x->from : &x->until))
			stop(x, BANYAN_EMALF, "a date is not readable: ", attributes[1]);
	}
}

static void XMLCALL on_start(void *ctx, const char *name, const char **attributes)
{
	struct xml_reading *x = ctx;
	x->field = FIELD_NONE;
	if (++x->depth > XML_DEPTH_MAX) {
		stop(x, BANYAN_ELIMIT, "elements stand too deep in each other", "");
	} else if (x->depth == 1) {
		x->root = strcmp(name, "TrustAnchor") == 0;
		if (!x->root)
			stop(x, BANYAN_EMALF, "this is no TrustAnchor document (RFC 9718), but ", name);
	} else if (x->depth == 2 && strcmp(name, "KeyDigest") == 0) {
		digest_begin(x, attributes);
	} else if (x->depth == 2 && strcmp(name, field_names[FIELD_ZONE]) == 0) {
		x->field = FIELD_ZONE;
	} else if (x->depth == 3 && x->in_digest) {
		for (enum field f = FIELD_TAG; f < FIELD_COUNT; f++)
			if (strcmp(name, field_names[f]) == 0)
				x->field = f;
	}
	if (x->field != FIELD_NONE && x->len[x->field] > 0)
		stop(x, BANYAN_EMALF, "an element stands there twice: ", name);
}

static void XMLCALL on_text(void *ctx, const char *text, int len)
{
	struct xml_reading *x = ctx;
	if (x->field == FIELD_NONE)
		return;
	for (int i = 0; i < len; i++) {
		if (strchr(" \t\r\n", text[i]) != NULL)
			continue;
		if (x->len[x->field] + 1 == sizeof x->text[0]) {
			stop(x, BANYAN_ELIMIT, "too long: ", field_names[x->field]);
			return;
		}
		x->text[x->field][x->len[x->field]++] = text[i];
	}
}

/* The record in the form that other anchors have, so that the same checks are made. */
static int record_parse(struct xml_reading *x, const char *record, struct dnssec_anchors *anchors)
{
	struct dnssec_text_error error = {0};
	int rc = dnssec_anchors_parse(x->source, record, strlen(record), anchors, &error);
	if (rc < 0) {
		const char *words = strstr(error.text, ":1: ");
		stop(x, rc, "", words != NULL ? words + 4 : error.text);
	}
	return rc;
}

/* The public key may stand beside its digest; then they must be of one key. */
static void key_compare(struct xml_reading *x, const struct dnssec_anchor *ds)
{
	char record[2 * ANCHOR_WORD_MAX];
	struct dnssec_anchors key = {0};
	if (x->len[FIELD_KEY] == 0)
		return;
	snprintf(record, sizeof record, ". DNSKEY %.8s 3 %.8s %s",
		 x->len[FIELD_FLAGS] > 0 ? x->text[FIELD_FLAGS] : "257", x->text[FIELD_ALGORITHM], x->text[FIELD_KEY]);
	if (record_parse(x, record, &key) == 0) {
		struct wire_rdata a = {ds->rdata, ds->len}, b = {key.item->rdata, key.item->len};
		if (dnssec_ds_match(ds->owner, &a, &b) != 1)
			stop(x, BANYAN_EMALF, "the public key is not the one of the digest; key tag ",
			     x->text[FIELD_TAG]);
	}
	dnssec_anchors_done(&key);
}

static void digest_end(struct xml_reading *x)
{
	char record[2 * ANCHOR_WORD_MAX];
	struct dnssec_anchors one = {0};
	for (enum field f = FIELD_ZONE; f < FIELD_COUNT; f++)
		x->text[f][x->len[f]] = '\0';
	x->in_digest = false;
	x->digests++;
	for (enum field f = FIELD_ZONE; f <= FIELD_DIGEST; f++)
		if (x->len[f] == 0) {
			stop(x, BANYAN_EMALF, "an element is missing: ", field_names[f]);
			return;
		}
	snprintf(record, sizeof record, "%.255s DS %.8s %.8s %.8s %.256s", x->text[FIELD_ZONE], x->text[FIELD_TAG],
		 x->text[FIELD_ALGORITHM], x->text[FIELD_DIGEST_TYPE], x->text[FIELD_DIGEST]);
	if (record_parse(x, record, &one) == 0) {
		key_compare(x, one.item);
		if (x->from <= x->now && x->now < x->until) {
			struct wire_rdata rdata = {one.item->rdata, one.item->len};
			int rc = dnssec_anchors_add(x->anchors, one.item->owner, WIRE_TYPE_DS, &rdata);
			if (rc < 0)
				stop(x, rc, "the anchor cannot be kept: ", error_text(rc));
			x->current++;
		} else if (x->from > x->now && x->from < x->next_from) {
			x->next_from = x->from;
		}
	}
	dnssec_anchors_done(&one);
}

static void XMLCALL on_end(void *ctx, const char *name)
{
	struct xml_reading *x = ctx;
	if (x->depth-- == 2 && x->in_digest)
		digest_end(x);
	x->field = FIELD_NONE;
}

/* Without a DOCTYPE there are no entities, inside or outside, that could grow or fetch something. */
static void XMLCALL on_doctype(void *ctx, const char *name, const char *system, const char *public, int internal)
{
	stop(ctx, BANYAN_EMALF, "a DOCTYPE is not allowed here", "");
}

static int xml_judge(struct xml_reading *x, bool parsed)
{
	char date[32];
	if (x->rc < 0)
		return x->rc;
	if (!parsed)
		return text_error(x->error, x->source, XML_GetCurrentLineNumber(x->parser), BANYAN_EMALF,
				  "this is no XML: %s", XML_ErrorString(XML_GetErrorCode(x->parser)));
	if (x->digests == 0)
		return text_error(x->error, x->source, 0, BANYAN_ENOENT, "there is no KeyDigest");
	if (x->current > 0)
		return 0;
	return text_error(x->error, x->source, 0, BANYAN_ENOENT,
			  "none of its %zu anchors is valid at %s by validFrom and validUntil; get a newer file, or "
			  "look at the clock",
			  x->digests, clock_format(x->now, date));
}

int dnssec_anchors_parse_xml(const char *source, const char *xml, size_t len, int64_t now,
			     struct dnssec_anchors *anchors, struct dnssec_text_error *ret_error)
{
	struct xml_reading *x = calloc(1, sizeof *x);
	XML_Parser parser = XML_ParserCreate(NULL);
	int rc;
	if (x == NULL || parser == NULL || len > DNSSEC_XML_MAX) {
		rc = text_error(ret_error, source, 0, len > DNSSEC_XML_MAX ? BANYAN_ELIMIT : BANYAN_ENOMEM,
				len > DNSSEC_XML_MAX ? "it is too long for a file of trust anchors" : "no memory");
	} else {
		x->parser = parser;
		x->source = source;
		x->error = ret_error;
		x->anchors = anchors;
		x->now = now;
		x->next_from = INT64_MAX;
		XML_SetUserData(parser, x);
		XML_SetElementHandler(parser, on_start, on_end);
		XML_SetCharacterDataHandler(parser, on_text);
		XML_SetStartDoctypeDeclHandler(parser, on_doctype);
		rc = xml_judge(x, XML_Parse(parser, xml, (int)len, XML_TRUE) == XML_STATUS_OK);
	}
	if (parser != NULL)
		XML_ParserFree(parser);
	free(x);
	return rc;
}
