// SPDX-License-Identifier: GPL-3.0-or-later
/* What a thread keeps for the next proof, and sets brought into canonical form. */
#include "message.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;

static void scratch_free(void *pointer)
{
	struct scratch *scratch = pointer;
	verifier_done(&scratch->verifier);
	EVP_MD_CTX_free(scratch->nsec3_ctx);
	buffer_done(&scratch->copy);
	free(scratch->rdata);
	free(scratch);
}

static void scratch_key_make(void)
{
	if (pthread_key_create(&scratch_key, scratch_free) != 0)
		abort(); /* at the first proof of the process, with no key in use yet */
}

struct scratch *scratch_get(void)
{
	pthread_once(&scratch_once, scratch_key_make);
	struct scratch *scratch = pthread_getspecific(scratch_key);
	if (scratch != NULL)
		return scratch;
	scratch = calloc(1, sizeof *scratch);
	if (scratch != NULL &&
	    ((scratch->nsec3_ctx = EVP_MD_CTX_new()) == NULL || pthread_setspecific(scratch_key, scratch) != 0)) {
		scratch_free(scratch);
		return NULL;
	}
	return scratch;
}

static int rdata_compare(const void *a, const void *b)
{
	return wire_rdata_cmp(a, b);
}

static int rdata_reserve(struct scratch *scratch, size_t n)
{
	if (n <= scratch->cap_rdata)
		return 0;
	size_t cap = n < 64 ? 64 : n;
	struct wire_rdata *more = realloc(scratch->rdata, cap * sizeof *more);
	if (more == NULL)
		return BANYAN_ENOMEM;
	scratch->rdata = more;
	scratch->cap_rdata = cap;
	return 0;
}

int set_canonical(struct scratch *scratch, const struct wire_rrset *set, struct wire_rrset *ret)
{
	size_t size = 0;
	for (uint32_t i = 0; i < set->count; i++)
		size += set->rdata[i].len;
	scratch->copy.len = 0;
	if (rdata_reserve(scratch, set->count) < 0 || buffer_reserve(&scratch->copy, size + 1) < 0)
		return BANYAN_ENOMEM;
	uint8_t *p = scratch->copy.data;
	for (uint32_t i = 0; i < set->count; i++) {
		uint16_t len = set->rdata[i].len;
		if (len > 0)
			memcpy(p, set->rdata[i].data, len);
		wire_rdata_canonical(p, len, set->type);
		scratch->rdata[i] = (struct wire_rdata){.data = p, .len = len};
		p += len;
	}
	uint32_t n = set->count > 0;
	if (set->count > 1)
		qsort(scratch->rdata, set->count, sizeof *scratch->rdata, rdata_compare);
	for (uint32_t i = 1; i < set->count; i++)
		if (wire_rdata_cmp(&scratch->rdata[i], &scratch->rdata[n - 1]) != 0)
			scratch->rdata[n++] = scratch->rdata[i];
	*ret = *set;
	ret->count = n;
	ret->rdata = scratch->rdata;
	return 0;
}
