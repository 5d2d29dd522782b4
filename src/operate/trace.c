// SPDX-License-Identifier: GPL-3.0-or-later
/* The walk of one question, for people and for programs: who was asked what, what was said, how long it took. */
#include "operate/operate.h"
#include "json.h"

#include <inttypes.h>
#include <stdio.h>

#define PRINT(rc, out, ...) ((rc) = (rc) < 0 ? (rc) : buffer_printf((out), __VA_ARGS__))

static const char *kind_text(enum resolve_step_kind kind)
{
	switch (kind) {
	case RESOLVE_STEP_ROOT:
		return "root";
	case RESOLVE_STEP_CACHE:
		return "cache";
	case RESOLVE_STEP_REPLY:
		return "reply";
	case RESOLVE_STEP_TIMEOUT:
		return "timeout";
	case RESOLVE_STEP_REJECTED:
		return "rejected";
	case RESOLVE_STEP_FAILED:
		return "failed";
	case RESOLVE_STEP_POLICY:
		return "policy";
	case RESOLVE_STEP_PROOF:
		return "proof";
	}
	return "unknown";
}

/* Who said it: the proved root and the cache are marked, all else is a server. */
static int who_text(const struct resolve_trace_step *step, struct buffer *out)
{
	char name[WIRE_NAME_TEXT_MAX], addr[ADDR_TEXT_MAX];
	if (step->kind == RESOLVE_STEP_ROOT)
		return buffer_printf(out, "[proved root]");
	if (step->kind == RESOLVE_STEP_CACHE)
		return buffer_printf(out, "[cache]");
	if (step->kind == RESOLVE_STEP_POLICY)
		return buffer_printf(out, "[policy]");
	if (step->kind == RESOLVE_STEP_PROOF)
		return buffer_printf(out, "[proof]");
	int rc = 0;
	PRINT(rc, out, "%s", step->server != NULL ? wire_name_text(step->server, name) : "server");
	if (step->addr.family != 0)
		PRINT(rc, out, " %s %s", addr_format(&step->addr, true, addr), step->tcp ? "tcp" : "udp");
	return rc;
}

/* Header flags as dig(1) names them, without qr. Returns out. */
#define FLAGS_TEXT_MAX 24
static const char *flags_text(uint16_t flags, char out[FLAGS_TEXT_MAX])
{
	snprintf(out, FLAGS_TEXT_MAX, "%s%s%s%s%s%s", flags & WIRE_AA ? " aa" : "", flags & WIRE_TC ? " tc" : "",
		 flags & WIRE_RD ? " rd" : "", flags & WIRE_RA ? " ra" : "", flags & WIRE_AD ? " ad" : "",
		 flags & WIRE_CD ? " cd" : "");
	return out[0] == ' ' ? out + 1 : out;
}

static int step_text(const struct resolve_trace_step *step, struct buffer *out)
{
	char name[WIRE_NAME_TEXT_MAX], type[16], flags[FLAGS_TEXT_MAX];
	int rc = buffer_printf(out, "%6" PRId64 " ms  %*s", step->at_ms, (int)step->depth * 2, "");
	if (rc == 0)
		rc = who_text(step, out);
	PRINT(rc, out, ": %s %s?", wire_name_text(step->qname, name), wire_type_text(step->qtype, type));
	if (step->kind == RESOLVE_STEP_TIMEOUT)
		PRINT(rc, out, " no reply");
	else if (step->what != NULL)
		PRINT(rc, out, " %s", step->what);
	else
		PRINT(rc, out, " %s", wire_rcode_text(step->rcode));
	if (step->kind == RESOLVE_STEP_REJECTED || step->kind == RESOLVE_STEP_FAILED ||
	    (step->kind == RESOLVE_STEP_PROOF && step->reason != REASON_NONE))
		PRINT(rc, out, " (%s: %s)", reason_code(step->reason), reason_words(step->reason));
	if (step->flags != 0 && step->kind != RESOLVE_STEP_ROOT)
		PRINT(rc, out, " {%s}", flags_text(step->flags, flags));
	if (step->took_ms > 0 || step->kind == RESOLVE_STEP_REPLY)
		PRINT(rc, out, " [%" PRId64 " ms]", step->took_ms);
	PRINT(rc, out, "\n");
	return rc;
}

typedef int (*record_fn)(void *ctx, const struct wire_rrset *set, const struct wire_rdata *rdata);

static int each_record(const struct wire_rrset *set, size_t n, record_fn fn, void *ctx)
{
	int rc = 0;
	for (size_t i = 0; i < n && rc == 0; i++)
		for (uint32_t j = 0; j < set[i].count && rc == 0; j++)
			rc = fn(ctx, &set[i], &set[i].rdata[j]);
	return rc;
}

static int record_text(void *ctx, const struct wire_rrset *set, const struct wire_rdata *rdata)
{
	struct buffer *out = ctx;
	int rc = wire_record_text(set->owner, set->ttl, set->rclass, set->type, rdata, out);
	return rc < 0 ? rc : buffer_printf(out, "\n");
}

int operate_trace_text(const uint8_t *qname, uint16_t qtype, const struct resolve_result *result, struct buffer *out)
{
	char name[WIRE_NAME_TEXT_MAX], type[16];
	int rc = buffer_printf(out, "%s %s\n", wire_name_text(qname, name), wire_type_text(qtype, type));
	for (size_t i = 0; i < result->n_steps && rc == 0; i++)
		rc = step_text(&result->step[i], out);
	PRINT(rc, out, "%s", wire_rcode_text(result->rcode));
	if (result->reason != REASON_NONE)
		PRINT(rc, out, " (%s: %s)", reason_code(result->reason),
		      result->detail != NULL ? result->detail : reason_words(result->reason));
	PRINT(rc, out, "%s%s, %" PRIu32 " message%s sent, %" PRId64 " ms\n", result->authentic ? ", authentic" : "",
	      result->from_cache ? ", from the cache" : "", result->upstream, result->upstream == 1 ? "" : "s",
	      result->took_ms);
	if (rc == 0)
		rc = each_record(result->answer, result->n_answer, record_text, out);
	if (rc == 0 && result->n_answer == 0)
		rc = each_record(result->authority, result->n_authority, record_text, out);
	return rc;
}

static void step_json(struct json *json, const struct resolve_trace_step *step)
{
	char name[WIRE_NAME_TEXT_MAX], type[16], addr[ADDR_TEXT_MAX], flags[FLAGS_TEXT_MAX];
	json_open(json, NULL, '{');
	json_text(json, "kind", kind_text(step->kind));
	json_number(json, "at_ms", step->at_ms);
	json_number(json, "took_ms", step->took_ms);
	json_number(json, "depth", step->depth);
	json_text(json, "qname", wire_name_text(step->qname, name));
	json_text(json, "qtype", wire_type_text(step->qtype, type));
	if (step->zone != NULL)
		json_text(json, "zone", wire_name_text(step->zone, name));
	if (step->server != NULL)
		json_text(json, "server", wire_name_text(step->server, name));
	if (step->addr.family != 0) {
		json_text(json, "address", addr_format(&step->addr, true, addr));
		json_text(json, "transport", step->tcp ? "tcp" : "udp");
	}
	json_text(json, "rcode", wire_rcode_text(step->rcode));
	json_text(json, "flags", flags_text(step->flags, flags));
	json_text(json, "reason", reason_code(step->reason));
	json_text(json, "what", step->what != NULL ? step->what : "");
	json_close(json, '}');
}

static int record_json(void *ctx, const struct wire_rrset *set, const struct wire_rdata *rdata)
{
	struct json *json = ctx;
	char name[WIRE_NAME_TEXT_MAX], type[16];
	_cleanup_(buffer_done) struct buffer text = {0};
	int rc = wire_rdata_text(set->type, rdata, &text);
	if (rc == 0)
		rc = buffer_append(&text, "", 1);
	if (rc < 0)
		return rc;
	json_open(json, NULL, '{');
	json_text(json, "name", wire_name_text(set->owner, name));
	json_text(json, "type", wire_type_text(set->type, type));
	json_number(json, "ttl", set->ttl);
	json_text(json, "data", (const char *)text.data);
	json_close(json, '}');
	return json->error;
}

int operate_trace_json(const uint8_t *qname, uint16_t qtype, const struct resolve_result *result, struct buffer *out)
{
	struct json json = {.out = out};
	char name[WIRE_NAME_TEXT_MAX], type[16];
	json_open(&json, NULL, '{');
	json_text(&json, "qname", wire_name_text(qname, name));
	json_text(&json, "qtype", wire_type_text(qtype, type));
	json_text(&json, "rcode", wire_rcode_text(result->rcode));
	json_text(&json, "reason", reason_code(result->reason));
	json_bool(&json, "authentic", result->authentic);
	json_bool(&json, "from_cache", result->from_cache);
	json_number(&json, "upstream", result->upstream);
	json_number(&json, "took_ms", result->took_ms);
	json_open(&json, "steps", '[');
	for (size_t i = 0; i < result->n_steps; i++)
		step_json(&json, &result->step[i]);
	json_close(&json, ']');
	json_open(&json, "answer", '[');
	int rc = each_record(result->answer, result->n_answer, record_json, &json);
	json_close(&json, ']');
	json_open(&json, "authority", '[');
	if (rc == 0)
		rc = each_record(result->authority, result->n_authority, record_json, &json);
	json_close(&json, ']');
	json_close(&json, '}');
	if (rc < 0 || json.error < 0)
		return rc < 0 ? rc : json.error;
	return buffer_append(out, "\n", 1);
}
