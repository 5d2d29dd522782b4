// SPDX-License-Identifier: GPL-3.0-or-later
/* A candidate, in a child of the attendant: read, proved, and written as wire form and image. */
#include "prover.h"
#include "daemon.h"

#include "image/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct proving {
	struct prove_settings settings;
	uint8_t apex[WIRE_NAME_MAX];
	char edition[ZONE_EDITION_MAX];
	struct dnssec_anchors anchors;
	const int *fd;
	struct zone *zone;
	char finding[512]; /* the first fatal one */
	struct prove_reply reply;
};

static int failed(struct proving *p, int error, enum reason reason, const char *format, ...) _printf_(4, 5);
static int failed(struct proving *p, int error, enum reason reason, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(p->reply.words, sizeof p->reply.words, format, args);
	va_end(args);
	/* memory has a limit here, which is no fault of this machine: what unpacks without end must not look like one */
	p->reply.error = error == BANYAN_ENOMEM ? BANYAN_ELIMIT : error;
	p->reply.reason = error == BANYAN_ENOMEM ? REASON_TOO_LARGE : reason;
	return error;
}

/* ---- reading ---- */

/* The descriptor, from its begin, becomes standard input: what zone/ and base/ read as "-". */
static int as_input(struct proving *p, int fd, const char *what)
{
	if (fd < 0 || (lseek(fd, 0, SEEK_SET) < 0 && errno != ESPIPE) || dup2(fd, STDIN_FILENO) < 0)
		return failed(p, BANYAN_EIO, REASON_NONE, "%s cannot be read: %s", what,
			      strerror(fd < 0 ? EBADF : errno));
	return 0;
}

static size_t bytes_max(const struct proving *p)
{
	return p->settings.bytes_max > 0 && p->settings.bytes_max < ZONE_FILE_MAX ? (size_t)p->settings.bytes_max
										  : ZONE_FILE_MAX;
}

/* All of it, as it stands. */
static int input_bytes(struct proving *p, int fd, const char *what, uint8_t **ret, size_t *ret_len)
{
	int rc = as_input(p, fd, what);
	if (rc < 0)
		return rc;
	errno = 0;
	rc = file_read("-", bytes_max(p), ret, ret_len);
	if (rc == BANYAN_ELIMIT)
		return failed(p, rc, REASON_TOO_LARGE, "%s is larger than the limit of %zu bytes", what, bytes_max(p));
	return rc == 0 ? 0
		       : failed(p, rc == BANYAN_ENOMEM ? rc : BANYAN_EIO, REASON_NONE, "%s cannot be read: %s", what,
				errno != 0 ? strerror(errno) : error_text(rc));
}

/* A sentence of the reader, without the name that it has for its input. */
static const char *without_name(const char *text)
{
	static const char *const names[] = {"standard input", "-"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t len = strlen(names[i]);
		if (strncmp(text, names[i], len) == 0 && text[len] == ':')
			return text + len + 1 + strspn(text + len + 1, " ");
	}
	return text;
}

/* Whose fault it is that something could not be read. */
static int unreadable(struct proving *p, int rc, const struct zone_error *error)
{
	bool theirs = rc == BANYAN_EMALF || rc == BANYAN_ELIMIT || rc == BANYAN_EINVAL || rc == BANYAN_EUNSUPP;
	return failed(p, rc == BANYAN_EUNSUPP ? BANYAN_EMALF : rc, theirs ? error->reason : REASON_NONE, "%s",
		      rc == BANYAN_ENOMEM ? "it needs more memory than is allowed for proving"
					  : without_name(error->text));
}

static int read_file(struct proving *p, int fd, const char *what, struct zone **ret)
{
	struct zone_read_settings settings = {.origin = p->apex, .max_bytes = bytes_max(p)};
	struct zone_error error = {0};
	int rc = as_input(p, fd, what);
	if (rc < 0)
		return rc;
	rc = zone_read_file("-", &settings, NULL, NULL, ret, &error);
	return rc < 0 ? unreadable(p, rc, &error) : 0;
}

static int read_changes(struct proving *p)
{
	_cleanup_(base_free) uint8_t *data = NULL;
	struct zone *base = NULL;
	size_t len;
	int rc = input_bytes(p, p->fd[PROVE_FD_CANDIDATE], "the list of changes", &data, &len);
	if (rc == 0 && p->fd[PROVE_FD_BASE] >= 0)
		rc = read_file(p, p->fd[PROVE_FD_BASE], "the version that is there", &base);
	if (rc < 0)
		return rc;
	rc = sync_changes_apply(data, len, p->apex, base, &p->zone);
	zone_free(base);
	if (rc == BANYAN_EAGAIN)
		return failed(p, rc, REASON_NONE, "the differences do not fit the version that is there");
	return rc == 0 ? 0
		       : failed(p, rc, rc == BANYAN_EMALF ? REASON_SYNTAX : REASON_NONE,
				"the changes cannot be read: %s", error_text(rc));
}

static int read_delta(struct proving *p)
{
	_cleanup_(base_free) uint8_t *base = NULL, *delta = NULL;
	_cleanup_(buffer_done) struct buffer wire = {0};
	struct zone_read_settings settings = {.origin = p->apex, .max_bytes = bytes_max(p)};
	struct zone_error error = {0};
	size_t base_len = 0, delta_len = 0;
	int rc = input_bytes(p, p->fd[PROVE_FD_CANDIDATE], "the delta", &delta, &delta_len);
	if (rc == 0)
		rc = input_bytes(p, p->fd[PROVE_FD_BASE], "the version that is there", &base, &base_len);
	if (rc < 0)
		return rc;
	rc = zone_delta_apply("delta", base, base_len, delta, delta_len, bytes_max(p), &wire, &error);
	if (rc == BANYAN_EINVAL)
		return failed(p, BANYAN_EAGAIN, REASON_NONE, "%s", error.text);
	if (rc == 0)
		rc = zone_read_wire("delta", wire.data, wire.len, &settings, &p->zone, &error);
	return rc < 0 ? unreadable(p, rc, &error) : 0;
}

static int read_candidate(struct proving *p)
{
	switch (p->settings.form) {
	case PROVE_TEXT:
	case PROVE_WIRE:
		return read_file(p, p->fd[PROVE_FD_CANDIDATE], "the candidate", &p->zone);
	case PROVE_CHANGES:
		return read_changes(p);
	case PROVE_DELTA:
		return read_delta(p);
	}
	return failed(p, BANYAN_EINVAL, REASON_NONE, "the candidate has a form that is not known");
}

/* ---- proving ---- */

static void on_finding(void *ctx, const struct zone_finding *finding)
{
	struct proving *p = ctx;
	char owner[WIRE_NAME_TEXT_MAX] = "", type[16] = "", where[32] = "";
	if (!finding->fatal || p->finding[0] != '\0')
		return;
	if (finding->owner != NULL)
		wire_name_text(finding->owner, owner);
	if (finding->type != 0)
		wire_type_text(finding->type, type);
	if (finding->line != 0)
		snprintf(where, sizeof where, "line %lu: ", finding->line);
	snprintf(p->finding, sizeof p->finding, "%s%.200s %s: %s", where, owner, type,
		 finding->text != NULL ? finding->text : "");
}

/* Which of the digests at the apex is the one of this zone? */
static int zonemd_find(struct proving *p)
{
	const struct zone_node *apex = zone_find(p->zone, p->zone->apex);
	const struct wire_rrset *set = apex == NULL ? NULL : zone_node_set(p->zone, apex, WIRE_TYPE_ZONEMD);
	struct dnssec_records records = zone_records(p->zone);
	for (uint32_t i = 0; set != NULL && i < set->count; i++) {
		const struct wire_rdata *rdata = &set->rdata[i];
		uint8_t digest[64];
		size_t len;
		if (rdata->len < 6 || rdata->data[4] != 1 || (rdata->data[5] != 1 && rdata->data[5] != 2))
			continue;
		int rc = dnssec_zonemd_compute(&records, p->zone->apex, rdata->data[5], digest, &len);
		if (rc < 0)
			return rc;
		if (rdata->len != len + 6 || memcmp(rdata->data + 6, digest, len) != 0)
			continue;
		memcpy(p->reply.zonemd, digest, len);
		p->reply.zonemd_len = (uint8_t)len;
		p->reply.zonemd_scheme = rdata->data[4];
		p->reply.zonemd_algorithm = rdata->data[5];
		break;
	}
	return 0;
}

static int told(struct proving *p, const struct zone_prove_settings *settings, const struct zone_proof *proof)
{
	const struct dnssec_zone_result *d = &proof->dnssec;
	struct dated dated = {0};
	if (d->signatures_good > 0) {
		p->reply.first_expiry = d->first_expiry;
		p->reply.last_inception = d->last_inception;
	}
	if (proof->proved) {
		p->reply.edition = proof->edition;
		proof_words(p->settings.prove, proof, p->reply.proof);
		bool holds = d->zonemd == DNSSEC_ZONEMD_PROVED || d->zonemd == DNSSEC_ZONEMD_UNSIGNED_OK;
		return holds && !settings->structure_only ? zonemd_find(p) : 0;
	}
	clock_judge(p->zone, settings, proof, &dated);
	p->reply.dated_from = dated.from;
	p->reply.dated_until = dated.until;
	return failed(p, BANYAN_EPROOF, proof->reason, "not proved: %s: %s%s%.300s%s", reason_code(proof->reason),
		      reason_words(proof->reason), p->finding[0] != '\0' ? ": " : "", p->finding, dated.words);
}

static int prove(struct proving *p)
{
	struct sync_timers timers;
	p->reply.serial = p->zone->serial;
	p->reply.records = p->zone->n_records;
	p->reply.names = p->zone->n_nodes;
	p->reply.on_loopback = zone_names_loopback(p->zone);
	if (sync_timers_of(p->zone, &timers)) {
		p->reply.refresh_s = timers.refresh;
		p->reply.retry_s = timers.retry;
		p->reply.expire_s = timers.expire;
	}
	if (p->zone->rclass != WIRE_CLASS_IN)
		return failed(p, BANYAN_EMALF, REASON_CLASS_MIXED, "its class is not IN");
	struct zone_prove_settings settings = {
		.anchors = &p->anchors,
		.now = p->settings.now,
		.threads = p->settings.threads > 0 ? p->settings.threads : 1,
		.digest_only = p->settings.prove == CONFIG_PROVE_DIGEST,
		.structure_only = p->settings.prove == CONFIG_PROVE_STRUCTURE,
		.require_zonemd = p->settings.require_zonemd && p->settings.prove != CONFIG_PROVE_STRUCTURE,
		.known_only = p->settings.known_only,
		.refuse_sha1 = p->settings.refuse_sha1,
		.edition = p->settings.edition,
		.report = on_finding,
		.report_ctx = p,
	};
	struct zone_proof proof;
	int rc = zone_prove(p->zone, &settings, &proof);
	if (rc == 0)
		rc = told(p, &settings, &proof);
	if (rc < 0 && p->reply.error == 0)
		return failed(p, rc, REASON_NONE, "it cannot be proved: %s", error_text(rc));
	return rc;
}

/* ---- writing ---- */

static int write_file(struct proving *p, int fd, const void *data, size_t len)
{
	size_t done = 0;
	int rc = ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0 ? -1 : 0;
	while (rc == 0 && done < len) {
		ssize_t n = write(fd, (const uint8_t *)data + done, len - done);
		if (n < 0 && errno != EINTR)
			rc = -1;
		done += n > 0 ? (size_t)n : 0;
	}
	return rc == 0 ? 0
		       : failed(p, BANYAN_EIO, REASON_NONE, "what was proved cannot be written: %s", strerror(errno));
}

static int write_both(struct proving *p)
{
	_cleanup_(buffer_done) struct buffer wire = {0};
	struct image *image;
	int rc = zone_write_wire(p->zone, &wire);
	if (rc < 0)
		return failed(p, rc, REASON_NONE, "its wire form cannot be made: %s", error_text(rc));
	p->reply.wire_len = wire.len;
	rc = write_file(p, p->fd[PROVE_FD_WIRE], wire.data, wire.len);
	if (rc < 0 || p->fd[PROVE_FD_IMAGE] < 0)
		return rc;
	buffer_done(&wire);
	rc = image_compile(p->zone, &image);
	if (rc < 0)
		return failed(p, rc, REASON_NONE, "it cannot be compiled: %s", error_text(rc));
	size_t len;
	const void *bytes = image_bytes(image, &len);
	p->reply.image_len = len;
	rc = write_file(p, p->fd[PROVE_FD_IMAGE], bytes, len);
	image_free(image);
	return rc;
}

/* ---- the request and the reply, as bytes ---- */

#define REQUEST_HEAD                                                                                                   \
	(32 +                                                                                                          \
	 ZONE_EDITION_MAX) /* bytes: form, how to prove, three choices, is there an edition, two of nothing; time; bytes_max;
				 * threads; number of anchors; the edition */

int prove_request_write(const struct prove_settings *settings, struct buffer *out)
{
	uint8_t head[REQUEST_HEAD] = {(uint8_t)settings->form, (uint8_t)settings->prove, settings->require_zonemd,
				      settings->known_only,    settings->refuse_sha1,    settings->edition != NULL};
	size_t n = settings->anchors != NULL ? settings->anchors->count : 0;
	wire_put32(head + 8, (uint32_t)((uint64_t)settings->now >> 32));
	wire_put32(head + 12, (uint32_t)settings->now);
	wire_put32(head + 16, (uint32_t)(settings->bytes_max >> 32));
	wire_put32(head + 20, (uint32_t)settings->bytes_max);
	wire_put32(head + 24, settings->threads);
	wire_put32(head + 28, (uint32_t)n);
	if (settings->edition != NULL)
		snprintf((char *)head + 32, ZONE_EDITION_MAX, "%s", settings->edition);
	int rc = buffer_append(out, head, sizeof head);
	if (rc == 0)
		rc = buffer_append(out, settings->apex, wire_name_len(settings->apex));
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct dnssec_anchor *anchor = &settings->anchors->item[i];
		uint8_t type[4];
		wire_put16(type, anchor->type);
		wire_put16(type + 2, anchor->len);
		rc = buffer_append(out, anchor->owner, wire_name_len(anchor->owner));
		if (rc == 0)
			rc = buffer_append(out, type, sizeof type);
		if (rc == 0)
			rc = buffer_append(out, anchor->rdata, anchor->len);
	}
	return rc;
}

/* It comes from this very program, and is as it was written. */
static int request_read(struct proving *p, const uint8_t *request, size_t len)
{
	if (len < REQUEST_HEAD + 1)
		return BANYAN_EINVAL;
	p->settings = (struct prove_settings){
		.form = request[0],
		.prove = request[1],
		.require_zonemd = request[2],
		.known_only = request[3],
		.refuse_sha1 = request[4],
		.now = (int64_t)((uint64_t)wire_get32(request + 8) << 32 | wire_get32(request + 12)),
		.bytes_max = (uint64_t)wire_get32(request + 16) << 32 | wire_get32(request + 20),
		.threads = wire_get32(request + 24),
	};
	memcpy(p->edition, request + 32, ZONE_EDITION_MAX - 1);
	p->settings.edition = request[5] != 0 ? p->edition : NULL;
	size_t pos = REQUEST_HEAD;
	pos += wire_name_lower(request + pos, p->apex);
	for (uint32_t n = wire_get32(request + 28); n > 0; n--) {
		const uint8_t *owner = request + pos, *type = owner + wire_name_len(owner);
		struct wire_rdata rdata = {.data = type + 4, .len = wire_get16(type + 2)};
		pos = (size_t)(rdata.data - request) + rdata.len;
		int rc = dnssec_anchors_add(&p->anchors, owner, wire_get16(type), &rdata);
		if (rc < 0)
			return rc;
	}
	return pos == len ? 0 : BANYAN_EINVAL;
}

int prove_reply_read(const uint8_t *reply, size_t len, struct prove_reply *ret)
{
	struct prove_reply r;
	if (len != sizeof r)
		return BANYAN_EMALF;
	memcpy(&r, reply, sizeof r);
	const struct zone_edition *e = &r.edition;
	bool dated = e->valid_from > 0 && e->valid_until > e->valid_from;
	if (memchr(e->name, '\0', sizeof e->name) == NULL || (e->name[0] != '\0' && !zone_edition_name_good(e->name)) ||
	    (!dated && (e->valid_from != 0 || e->valid_until != 0)))
		return BANYAN_EMALF;
	bool whole = memchr(r.words, '\0', sizeof r.words) != NULL && memchr(r.proof, '\0', sizeof r.proof) != NULL;
	uint8_t loopback;
	memcpy(&loopback, reply + offsetof(struct prove_reply, on_loopback), 1);
	if (!whole || r.error > 0 || r.error < BANYAN_EOTHER || (unsigned)r.reason >= REASON_COUNT || loopback > 1 ||
	    r.zonemd_len > sizeof r.zonemd || (r.error == 0 && r.wire_len == 0))
		return BANYAN_EMALF;
	*ret = r;
	return 0;
}

static int reply_send(const struct prove_reply *reply, int fd)
{
	const uint8_t *data = (const uint8_t *)reply;
	for (size_t done = 0; done < sizeof *reply;) {
		ssize_t n = write(fd, data + done, sizeof *reply - done);
		if (n < 0 && errno != EINTR)
			return 1;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int prover_run(const uint8_t *request, size_t len, const int fd[], int reply_fd)
{
	struct proving *p = calloc(1, sizeof *p);
	if (p == NULL)
		return 1;
	p->fd = fd;
	int rc = request_read(p, request, len);
	if (rc < 0)
		rc = failed(p, rc, REASON_NONE, "the request to prove cannot be read: %s", error_text(rc));
	if (rc == 0)
		rc = read_candidate(p);
	if (rc == 0)
		rc = prove(p);
	if (rc == 0)
		(void)write_both(p);            /* the reply has it */
	return reply_send(&p->reply, reply_fd); /* the memory goes with the process */
}
