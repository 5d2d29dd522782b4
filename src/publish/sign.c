// SPDX-License-Identifier: GPL-3.0-or-later
/* A zone, signed: what there is to sign, what the version before has of it, what is made anew, the digest. */
#include "sign.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int sign_fail(struct sign *s, int error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(s->out->text, sizeof s->out->text, format, args);
	va_end(args);
	return error;
}

/* What of the version before does not stand in this one. */
static void count_old(struct sign *s)
{
	for (size_t i = 0; s->before != NULL && i < s->before->n_sets; i++) {
		const struct wire_rrset *set = &s->before->set[i];
		s->n_old_sigs += set->type == WIRE_TYPE_RRSIG ? set->count : 0;
		s->n_old_denial += set->type == WIRE_TYPE_NSEC || set->type == WIRE_TYPE_NSEC3;
	}
}

static void count_denial(struct sign *s)
{
	size_t same = 0, known = 0;
	for (size_t i = 0; i < s->n_sets; i++) {
		const struct sign_set *set = &s->set[i];
		if (set->set.type != WIRE_TYPE_NSEC && set->set.type != WIRE_TYPE_NSEC3)
			continue;
		s->out->denial++;
		known += set->old != NULL;
		same += set->sigs != NULL;
	}
	s->out->denial_changed = s->out->denial - same + (s->n_old_denial - known);
}

static int sign_run(struct sign *s, struct zone **ret)
{
	int rc = sign_prepare(s);
	count_old(s);
	if (rc == 0)
		rc = sign_names(s);
	if (rc == 0 && s->is_signed && s->in->denial == MAKE_NSEC3)
		rc = sign_nsec3(s);
	if (rc == 0)
		rc = sign_sigs(s);
	if (rc == 0)
		rc = sign_write(s, ret);
	if (rc != 0)
		return rc;
	count_denial(s);
	s->out->serial = s->plain->serial;
	s->out->sets = s->is_signed ? s->n_sets : 0;
	s->out->dropped = s->n_old_sigs - s->out->kept;
	return 0;
}

int publish_sign(const struct zone *plain, const struct zone *before, const struct make_signing *signing,
		 struct zone **ret, struct publish_sign_result *ret_result)
{
	struct publish_sign_result result = {.first_expiry = INT64_MAX, .ready_until = INT64_MAX, .next = INT64_MAX};
	struct sign sign = {.plain = plain, .before = before, .in = signing, .out = &result};
	sign.arena.large = true;
	int rc = sign_run(&sign, ret);
	if (rc != 0 && result.text[0] == '\0')
		snprintf(result.text, sizeof result.text, "%s: it cannot be signed: %s", plain->source, error_text(rc));
	if (rc != 0)
		snprintf(ret_result->text, sizeof ret_result->text, "%s", result.text);
	else
		*ret_result = result;
	free(sign.live);
	free(sign.member);
	free(sign.set);
	free(sign.sig);
	arena_done(&sign.arena);
	return rc;
}
