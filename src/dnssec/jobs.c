// SPDX-License-Identifier: GPL-3.0-or-later
/* Every signature of a zone: found, shared out among threads, judged in the order of the records. */
#include "private.h"

#include <stdio.h>
#include <stdlib.h>

/* Signatures that one call of the parallel loop verifies: enough to pay for its contexts, few enough to share well. */
#define JOBS_PER_BLOCK_MIN 64
#define BLOCKS_PER_THREAD  8

/* The RRset of this type at this name, NO_INDEX if there is none. */
static size_t name_find_set(const struct check *c, const struct check_name *name, uint16_t type)
{
	struct wire_rrset set;
	for (size_t i = name->first; i < name->first + name->count; i++) {
		check_set(c, i, &set);
		if (set.type == type)
			return i;
	}
	return NO_INDEX;
}

/* Must this RRset be signed? (RFC 4035 section 2.2) */
static bool set_needs_signature(const struct check_name *name, uint16_t type)
{
	if (type == WIRE_TYPE_RRSIG || (name->flags & NAME_BELOW) != 0)
		return false;
	if ((name->flags & NAME_CUT) != 0)
		return type == WIRE_TYPE_DS || type == WIRE_TYPE_NSEC;
	return type == WIRE_TYPE_NSEC3 || (name->flags & NAME_UNDER_DNAME) == 0 || (name->flags & NAME_HAS_NSEC) != 0;
}

/* May it be? Data below a DNAME are signed by some and left out by others. */
static bool set_may_be_signed(const struct check_name *name, uint16_t type)
{
	return set_needs_signature(name, type) ||
	       (type != WIRE_TYPE_RRSIG && (name->flags & (NAME_BELOW | NAME_CUT)) == 0);
}

static void job_times(struct check *c, const struct rrsig *sig, size_t index)
{
	int64_t expiry = rrsig_time(sig->expiration, c->in->now), inception = rrsig_time(sig->inception, c->in->now);
	if (expiry < c->out->first_expiry) {
		c->out->first_expiry = expiry;
		c->out->first_expiry_index = index;
	}
	if (inception > c->out->last_inception)
		c->out->last_inception = inception;
}

/* Is there a key that this signature may have been made with? What can be said without computing is said here. */
static enum reason job_find_key(const struct check *c, struct check_job *job, const struct rrsig *sig)
{
	bool sha1 = sig->algorithm == DNSSEC_RSASHA1 || sig->algorithm == DNSSEC_RSASHA1_NSEC3;
	/* When an algorithm rolls, its signatures come before its keys and go after them (RFC 6781 section 4.1.4). They prove nothing, and are no fault. It
	 * has signed the SOA then, too, and what is there the digest covers: whoever passes a zone on can add no such signature to that of the digest. */
	job->early = c->n_keys > 0 && c->at_soa[sig->algorithm];
	for (size_t k = 0; k < c->n_keys; k++) {
		const struct check_key *key = &c->key[k];
		job->early &= key->algorithm != sig->algorithm;
		if (key->tag != sig->tag || key->algorithm != sig->algorithm || (key->flags & DNSSEC_FLAG_ZONE) == 0)
			continue;
		job->key = (uint16_t)k;
		if (!dnssec_algorithm_supported(sig->algorithm) || (sha1 && c->in->refuse_sha1)) {
			job->unsupported = true;
			return REASON_ALGORITHM_UNSUPPORTED;
		}
		if (key->key != NULL) {
			job->pending = true;
			return REASON_NONE;
		}
	}
	return REASON_RRSIG_NO_KEY;
}

/* Everything but the arithmetic: RFC 4035 section 5.3.1, and for a zone at rest also equal TTLs and labels. */
static enum reason job_prepare(struct check *c, const struct check_name *name, struct check_job *job)
{
	struct wire_rrset sigs, set;
	struct rrsig sig;
	check_set(c, job->sigs, &sigs);
	if (rrsig_parse(&sigs.rdata[job->item], &sig) < 0)
		return REASON_RRSIG_MALFORMED;
	job->covered = name_find_set(c, name, sig.covered);
	if (job->covered == NO_INDEX || !set_may_be_signed(name, sig.covered))
		return REASON_RRSIG_STRAY;
	check_set(c, job->covered, &set);
	if (!wire_name_equal(sig.signer, c->in->apex) || sig.labels != rrsig_labels(name->owner) ||
	    sig.original_ttl != set.ttl || sigs.ttl != set.ttl || job->item >= DNSSEC_SIGS_PER_SET_MAX)
		return REASON_RRSIG_MALFORMED;
	enum reason reason = job_find_key(c, job, &sig), time = rrsig_time_check(&sig, c->in->now);
	if (job->early) /* it decides nothing: its dates do not, either */
		return reason;
	job_times(c, &sig, job->sigs);
	if (time == REASON_NONE)
		return reason;
	job->pending = job->unsupported = false;
	return time;
}

static void at_soa_find(struct check *c)
{
	for (size_t i = 0; i < c->n_names && c->soa != NO_INDEX; i++) {
		const struct check_name *name = &c->name[i];
		if (c->soa < name->first || c->soa >= name->first + name->count)
			continue;
		for (size_t s = name->first; s < name->first + name->count; s++) {
			struct wire_rrset set;
			struct rrsig sig;
			check_set(c, s, &set);
			for (uint32_t r = 0; set.type == WIRE_TYPE_RRSIG && r < set.count; r++)
				if (rrsig_parse(&set.rdata[r], &sig) == 0 && sig.covered == WIRE_TYPE_SOA)
					c->at_soa[sig.algorithm] = true;
		}
		return;
	}
}

int check_jobs_make(struct check *c)
{
	size_t n = 0;
	c->state = calloc(c->records->count + 1, sizeof *c->state);
	c->job = calloc(c->n_jobs + 1, sizeof *c->job);
	if (c->state == NULL || c->job == NULL)
		return BANYAN_ENOMEM;
	at_soa_find(c);
	for (size_t i = 0; i < c->n_names; i++) {
		const struct check_name *name = &c->name[i];
		for (size_t s = name->first; s < name->first + name->count; s++) {
			struct wire_rrset set;
			check_set(c, s, &set);
			for (uint32_t r = 0; set.type == WIRE_TYPE_RRSIG && r < set.count; r++) {
				struct check_job *job = &c->job[n++];
				*job = (struct check_job){.sigs = s, .covered = NO_INDEX, .item = r};
				job->reason = (uint16_t)job_prepare(c, name, job);
			}
		}
	}
	return 0;
}

/* The arithmetic, unless it was done for the same bytes before. */
static int job_compute(struct check *c, struct check_job *job, struct verifier *verifier, const struct rrsig *sig,
		       const struct check_key *key)
{
	struct memo_sum sum;
	int rc = c->sum == NULL ? 0 : memo_sum(verifier->md_ctx, &key->rdata, sig, &verifier->data, &sum);
	job->known = rc == 0 && c->sum != NULL && memo_has(c->in->memo, &sum);
	if (rc == 0 && !job->known)
		rc = verifier_compute(verifier, sig, key->key);
	if (rc == 0 && c->sum != NULL)
		c->sum[job - c->job] = sum;
	return rc;
}

/* Tries each key that has the tag and algorithm: tags are not unique. */
static int job_run(struct check *c, struct check_job *job, struct verifier *verifier)
{
	struct wire_rrset sigs, set;
	struct rrsig sig;
	check_set(c, job->sigs, &sigs);
	check_set(c, job->covered, &set);
	int rc = rrsig_parse(&sigs.rdata[job->item], &sig);
	if (rc == 0)
		rc = verifier_data(verifier, &set, &sigs.rdata[job->item], &sig);
	job->reason = REASON_RRSIG_BOGUS;
	for (size_t k = job->key; rc == 0 && k < c->n_keys; k++) {
		const struct check_key *key = &c->key[k];
		if (key->key == NULL || key->tag != sig.tag || key->algorithm != sig.algorithm ||
		    (key->flags & DNSSEC_FLAG_ZONE) == 0)
			continue;
		rc = job_compute(c, job, verifier, &sig, key);
		if (rc == 0) {
			job->reason = REASON_NONE;
			job->key = (uint16_t)k;
			return 0;
		}
		if (rc == BANYAN_EPROOF)
			rc = 0;
	}
	return rc;
}

/* The parallel loop's body: first the digests, since they are the longest pieces, then blocks of signatures. */
static int block_run(void *ctx, size_t i)
{
	struct check *c = ctx;
	if (i < ARRAY_SIZE(c->digest))
		return check_zonemd_run(c, (unsigned)i);
	_cleanup_(verifier_done) struct verifier verifier = {0};
	size_t from = (i - ARRAY_SIZE(c->digest)) * c->jobs_per_block, to = from + c->jobs_per_block;
	for (size_t j = from; j < to && j < c->n_jobs; j++)
		if (c->job[j].pending) {
			int rc = job_run(c, &c->job[j], &verifier);
			if (rc < 0)
				return rc;
		}
	return 0;
}

int check_jobs_run(struct check *c)
{
	size_t threads = c->in->threads > 0 ? c->in->threads : cpu_count();
	c->jobs_per_block = c->n_jobs / (threads * BLOCKS_PER_THREAD) + 1;
	if (c->jobs_per_block < JOBS_PER_BLOCK_MIN)
		c->jobs_per_block = JOBS_PER_BLOCK_MIN;
	size_t blocks = (c->n_jobs + c->jobs_per_block - 1) / c->jobs_per_block + ARRAY_SIZE(c->digest);
	if (c->in->memo != NULL && (c->sum = calloc(c->n_jobs + 1, sizeof *c->sum)) == NULL)
		return BANYAN_ENOMEM;
	int rc = parallel_for(c->in->threads, blocks, 1, block_run, c);
	return rc == 0 && c->sum != NULL ? memo_replace(c->in->memo, c->sum, c->n_jobs) : rc;
}

/* Why it is malformed, in words: the reader of the report should not have to compare the fields. */
static void malformed_words(const struct check *c, const struct check_job *job, const uint8_t *owner, char *out,
			    size_t size)
{
	struct wire_rrset sigs, set;
	struct rrsig sig;
	char type[16], name[WIRE_NAME_TEXT_MAX];
	check_set(c, job->sigs, &sigs);
	if (rrsig_parse(&sigs.rdata[job->item], &sig) < 0 || job->covered == NO_INDEX) {
		snprintf(out, size, "the signature's fields cannot be read");
		return;
	}
	check_set(c, job->covered, &set);
	wire_type_text(sig.covered, type);
	if (!wire_name_equal(sig.signer, c->in->apex))
		snprintf(out, size, "over %s: the signer is %.180s, not the zone", type,
			 wire_name_text(sig.signer, name));
	else if (sig.labels != rrsig_labels(owner))
		snprintf(out, size, "over %s: it counts %u labels, the name has %u", type, sig.labels,
			 rrsig_labels(owner));
	else if (sig.original_ttl != set.ttl || sigs.ttl != set.ttl)
		snprintf(out, size, "over %s: it was made for TTL %u and has TTL %u, the RRset has %u", type,
			 sig.original_ttl, sigs.ttl, set.ttl);
	else if (job->item >= DNSSEC_SIGS_PER_SET_MAX)
		snprintf(out, size, "over %s: more than %d signatures", type, DNSSEC_SIGS_PER_SET_MAX);
	else
		snprintf(out, size, "over %s: it expires before it begins", type);
}

static void job_report(struct check *c, const struct check_job *job, const uint8_t *owner)
{
	struct wire_rrset sigs;
	struct rrsig sig = {0};
	char type[16] = "?", date[32], words[240] = "";
	check_set(c, job->sigs, &sigs);
	if (rrsig_parse(&sigs.rdata[job->item], &sig) == 0)
		wire_type_text(sig.covered, type);
	switch (job->reason) {
	case REASON_RRSIG_EXPIRED:
		snprintf(words, sizeof words, "over %s by key %u: expired %s", type, sig.tag,
			 clock_format(rrsig_time(sig.expiration, c->in->now), date));
		break;
	case REASON_RRSIG_NOT_YET:
		snprintf(words, sizeof words, "over %s by key %u: begins %s", type, sig.tag,
			 clock_format(rrsig_time(sig.inception, c->in->now), date));
		break;
	case REASON_RRSIG_MALFORMED:
		malformed_words(c, job, owner, words, sizeof words);
		break;
	case REASON_RRSIG_STRAY:
		snprintf(words, sizeof words, "over %s by key %u: %s", type, sig.tag,
			 job->covered == NO_INDEX ? "there is no such RRset" : "this RRset is not the zone's to sign");
		break;
	case REASON_ALGORITHM_UNSUPPORTED:
		snprintf(words, sizeof words, "over %s by key %u: algorithm %u (%s) was not checked", type, sig.tag,
			 sig.algorithm, dnssec_algorithm_text(sig.algorithm));
		break;
	default:
		snprintf(words, sizeof words, "over %s by key %u, algorithm %u (%s)", type, sig.tag, sig.algorithm,
			 dnssec_algorithm_text(sig.algorithm));
		break;
	}
	/* an unchecked signature is no proof, but another one may do; then it is only named */
	check_report(c, !job->unsupported && !job->early, (enum reason)job->reason, owner, WIRE_TYPE_RRSIG, job->sigs,
		     "%s", words);
}

/* RRsets that must be signed and have no signature that counts; one whose signature is at fault was reported already. */
static void name_report_missing(struct check *c, const struct check_name *name)
{
	for (size_t s = name->first; s < name->first + name->count; s++) {
		struct wire_rrset set;
		char type[16];
		if (c->state[s] == SET_GOOD || c->state[s] == SET_FAULTY)
			continue;
		check_set(c, s, &set);
		if (!set_needs_signature(name, set.type))
			continue;
		wire_type_text(set.type, type);
		if (c->state[s] == SET_UNSUPPORTED)
			check_report(c, true, REASON_ALGORITHM_UNSUPPORTED, name->owner, set.type, s,
				     "no signature over %s has an algorithm that counts", type);
		else
			check_report(c, true, REASON_RRSIG_MISSING, name->owner, set.type, s,
				     "%s has no signature by a key of the zone", type);
	}
}

void check_jobs_report(struct check *c)
{
	size_t j = 0;
	for (size_t i = 0; i < c->n_names; i++) {
		const struct check_name *name = &c->name[i];
		for (; j < c->n_jobs && c->job[j].sigs < name->first + name->count; j++) {
			const struct check_job *job = &c->job[j];
			enum set_state state = job->unsupported ? SET_UNSUPPORTED
					       : job->early     ? SET_UNSIGNED
								: SET_FAULTY;
			if (job->reason != REASON_NONE) {
				job_report(c, job, name->owner);
			} else {
				c->out->signatures_good++;
				c->out->signatures_known += job->known;
				/* a revoked key vouches for nothing but its own revocation (RFC 5011 section 2.1) */
				state = (c->key[job->key].flags & DNSSEC_FLAG_REVOKE) == 0 ? SET_GOOD : SET_UNSIGNED;
			}
			if (job->covered != NO_INDEX && c->state[job->covered] < state)
				c->state[job->covered] = (uint8_t)state;
		}
		name_report_missing(c, name);
	}
}
