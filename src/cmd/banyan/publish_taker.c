// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The process in which the source of an edition is fetched, read and proved. It is this program, executed anew for each time, so that nothing of
 * what `banyan publish` has had in memory is in it; it may read what names and certificates need and no other file while it talks to a network, and
 * makes no system call that opens anything while it reads what came. What it hands back is the wire form of a zone, which is read strictly and proved
 * once more by who asked: whoever takes this process over gains no key, and no signature for what is not proved.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cmd.h"
#include "cmd/confined.h"
#include "cmd/sanitized.h"
#include "publish.h"
#include "sources.h"
#include "sync/sync.h"

#define MAGIC        UINT64_C(0x62616e79616e0001)
#define MEMORY_FLOOR ((uint64_t)256 << 20) /* bytes: libraries, threads, what a transfer holds */
#define MEMORY_TIMES 12                    /* what a zone takes in memory while it is read and proved, of its text */

struct taker {
	struct publish_request request;
	struct dnssec_anchors anchors;
	struct wire_tsig_key *key;
	uv_loop_t loop;
	struct pull_helper helper;
	struct pull_resolver resolver;
	int fd; /* what came */
	bool changes;
	struct pull_fetch_result result;
	struct pull_fetch *fetch;
	struct publish_reply reply;
};

/* ---- the request and the reply, as bytes ---- */

int publish_request_write(struct publish_request *request, const char *tsig, const struct dnssec_anchors *anchors,
			  struct buffer *out)
{
	request->magic = MAGIC;
	request->parent = getpid();
	request->tsig_len = (uint32_t)strlen(tsig);
	request->n_anchors = (uint32_t)anchors->count;
	int rc = buffer_append(out, request, sizeof *request);
	if (rc == 0)
		rc = buffer_append(out, tsig, request->tsig_len);
	for (size_t i = 0; rc == 0 && i < anchors->count; i++) {
		const struct dnssec_anchor *anchor = &anchors->item[i];
		uint8_t head[4];
		wire_put16(head, anchor->type);
		wire_put16(head + 2, anchor->len);
		rc = buffer_append(out, head, sizeof head);
		if (rc == 0)
			rc = buffer_append(out, anchor->owner, wire_name_len(anchor->owner));
		if (rc == 0)
			rc = buffer_append(out, anchor->rdata, anchor->len);
	}
	return rc == 0 && out->len > PUBLISH_REQUEST_MAX ? BANYAN_ELIMIT : rc;
}

/* ALGORITHM:NAME:SECRET, as it was looked at already. */
static int key_read(struct taker *t, char *text)
{
	char *name = strchr(text, ':'), *secret = name != NULL ? strchr(name + 1, ':') : NULL;
	if (secret == NULL)
		return text[0] == '\0' ? 0 : BANYAN_EINVAL;
	*name++ = *secret++ = '\0';
	return wire_tsig_key_new(text, name, secret, &t->key);
}

/* It comes from this very program, and is as it was written. */
static int request_read(struct taker *t)
{
	_cleanup_(base_free) uint8_t *data = NULL;
	size_t len, pos = sizeof t->request;
	int rc = file_read("-", PUBLISH_REQUEST_MAX, &data, &len);
	if (rc < 0 || len < pos)
		return BANYAN_EINVAL;
	memcpy(&t->request, data, sizeof t->request);
	if (t->request.magic != MAGIC || t->request.tsig_len > len - pos)
		return BANYAN_EINVAL;
	_cleanup_(base_free) char *tsig = strndup((const char *)data + pos, t->request.tsig_len);
	if (tsig == NULL)
		return BANYAN_ENOMEM;
	rc = key_read(t, tsig);
	pos += t->request.tsig_len;
	for (uint32_t i = 0; rc == 0 && i < t->request.n_anchors; i++) {
		const uint8_t *head = data + pos, *owner = head + 4;
		struct wire_rdata rdata = {.data = owner + wire_name_len(owner), .len = wire_get16(head + 2)};
		pos = (size_t)(rdata.data - data) + rdata.len;
		rc = dnssec_anchors_add(&t->anchors, owner, wire_get16(head), &rdata);
	}
	return rc;
}

int publish_reply_read(const uint8_t *data, size_t len, struct publish_reply *ret)
{
	struct publish_reply reply;
	if (len != sizeof reply)
		return BANYAN_EMALF;
	memcpy(&reply, data, sizeof reply);
	unsigned outcome, reason; /* numbers of somebody else, until they were looked at */
	memcpy(&outcome, data + offsetof(struct publish_reply, outcome), sizeof outcome);
	memcpy(&reason, data + offsetof(struct publish_reply, reason), sizeof reason);
	if (outcome > PUBLISH_SOURCE_FAILED || reason >= REASON_COUNT || reply.wire_len > ZONE_FILE_MAX ||
	    memchr(reply.tag, '\0', sizeof reply.tag) == NULL || memchr(reply.why, '\0', sizeof reply.why) == NULL)
		return BANYAN_EMALF;
	for (char *c = reply.why; *c != '\0'; c++) /* it is told on a terminal */
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	*ret = reply;
	return 0;
}

static int failed(struct taker *t, enum reason reason, const char *format, ...) _printf_(3, 4);
static int failed(struct taker *t, enum reason reason, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(t->reply.why, sizeof t->reply.why, format, args);
	va_end(args);
	t->reply.outcome = PUBLISH_SOURCE_FAILED;
	t->reply.reason = reason;
	return BANYAN_EOTHER;
}

static int all_write(int fd, const void *data, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, (const uint8_t *)data + done, len - done);
		if (n < 0 && errno != EINTR)
			return BANYAN_EIO;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* ---- confined ---- */

static int limits_take(const struct taker *t)
{
	uint64_t bytes = t->request.bytes_max;
	const struct confine_limits limits = {
		.memory_max = MEMORY_FLOOR + MEMORY_TIMES * bytes,
		.bytes_max = 2 * bytes + (1 << 20), /* changes and wire form have some bytes beside the records */
		.time_max_ms = t->request.time_max_ms,
		.cpus = cpu_count(),
	};
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != t->request.parent)
		return BANYAN_EIO;
	return confine_limits(&limits);
}

/* What the C library, GnuTLS and libcurl read on their way to a server. Keys and descriptions of editions are in none of these places. */
static int files_take(const struct taker *t)
{
	char program[PATH_MAX];
	const char *path[] = {"/usr",
			      "/lib",
			      "/lib64",
			      "/etc/ld.so.cache",
			      "/etc/ld.so.preload",
			      "/etc/resolv.conf",
			      "/etc/hosts",
			      "/etc/host.conf",
			      "/etc/nsswitch.conf",
			      "/etc/gai.conf",
			      "/etc/services",
			      "/etc/localtime",
			      "/etc/ssl/certs",
			      "/etc/ssl/openssl.cnf",
			      "/etc/pki/tls/certs",
			      "/etc/pki/ca-trust",
			      "/etc/gnutls",
			      "/etc/crypto-policies",
			      "/dev/null",
			      "/dev/urandom",
			      IS_SANITIZED ? "/proc" : "/dev/null", /* which looks for leaks at its end */
			      t->request.source.ca,
			      program};
	size_t n = ARRAY_SIZE(path);
	if (sources_fetch_path(program) < 0)
		n--;
	int rc = confine_files(path, n);
	return rc == BANYAN_EUNSUPP ? 0 : rc; /* then rights of the user have to do */
}

static bool is_file(const struct taker *t)
{
	return t->request.source.kind == PULL_SOURCE_FILE || t->request.source.kind == PULL_SOURCE_DIR;
}

/* A file is copied as it is, and nobody outside has a word in that. */
static int fetching_take(const struct taker *t)
{
	bool http = t->request.source.kind == PULL_SOURCE_HTTP;
	if (is_file(t))
		return 0;
	int rc = files_take(t);
	return rc < 0 ? rc : confine_fetcher(http ? CONFINE_PROGRAMS_CHILDREN : CONFINE_PROGRAMS_NONE);
}

/* ---- fetching ---- */

static void on_fetched(void *ctx, const struct pull_fetch_result *result);

static int fetch_start(struct taker *t, bool changes)
{
	const struct publish_request *r = &t->request;
	struct pull_fetch_settings settings = {
		.source = &r->source,
		.apex = r->apex,
		.mode = changes ? PULL_MODE_CHANGES : PULL_MODE_WHOLE,
		.have = r->have,
		.serial = r->serial,
		.tag = r->tag,
		.key = t->key,
		.bytes_max = r->bytes_max,
		.time_max_ms = r->time_max_ms,
		.fd = t->fd,
		.helper = &t->helper,
		.resolver = &t->resolver,
		.done = on_fetched,
		.ctx = t,
	};
	t->changes = changes;
	return pull_fetch_start(&t->loop, &settings, &t->fetch);
}

static void on_fetched(void *ctx, const struct pull_fetch_result *result)
{
	struct taker *t = ctx;
	t->result = *result;
	bool again = result->fetched == PULL_MISFIT && t->changes; /* then the whole of it */
	if (again && (ftruncate(t->fd, 0) < 0 || lseek(t->fd, 0, SEEK_SET) < 0 || fetch_start(t, false) < 0))
		t->result.fetched = PULL_FAILED;
}

/* The option that a limit is set by: whoever fetches knows its value only. */
static const char *limit_of(const char *why)
{
	return strstr(why, "larger than the limit") != NULL ? " (source.size-max)"
	       : strstr(why, "not done after") != NULL      ? " (source.time-max)"
							    : "";
}

static int fetch(struct taker *t)
{
	const struct pull_fetch_result *got = &t->result;
	t->helper = sources_helper(&t->loop);
	t->resolver = sources_resolver(&t->loop);
	t->fd = sources_file();
	if (t->fd < 0 || fetch_start(t, t->request.changes) < 0)
		return failed(t, REASON_SOURCE_UNREADABLE, "out of memory or of descriptors");
	uv_run(&t->loop, UV_RUN_DEFAULT);
	memcpy(t->reply.tag, got->tag, sizeof t->reply.tag);
	bool back = t->request.have && got->has_serial && got->serial != t->request.serial &&
		    !sync_serial_newer(got->serial, t->request.serial);
	if (got->fetched == PULL_UNCHANGED && back)
		return failed(t, REASON_SOURCE_SERIAL_BACK,
			      "the serial of the source has gone back, from %u to %u; if that is meant, run once with "
			      "--accept-serial (a --watch is ended before that, and started again after)",
			      t->request.serial, got->serial);
	if (got->fetched == PULL_UNCHANGED)
		t->reply.outcome = PUBLISH_SOURCE_SAME;
	else if (got->fetched != PULL_GOT)
		return failed(t, REASON_SOURCE_UNREADABLE, "%s%s", got->why, limit_of(got->why));
	return 0;
}

/* ---- reading and proving ---- */

static int as_input(int fd)
{
	return lseek(fd, 0, SEEK_SET) < 0 || dup2(fd, STDIN_FILENO) < 0 ? BANYAN_EIO : 0;
}

/* A sentence of the reader, without the name that it has for its input. */
static const char *without_name(const char *text)
{
	static const char *const names[] = {"standard input:", "-:"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strncmp(text, names[i], strlen(names[i])) == 0)
			return text + strlen(names[i]) + strspn(text + strlen(names[i]), " ");
	return text;
}

static int too_much(struct taker *t, int rc, const char *words)
{
	bool large = rc == BANYAN_ELIMIT || rc == BANYAN_ENOMEM;
	return failed(t, REASON_SOURCE_UNREADABLE, "%s%s", words,
		      large ? "; source.size-max is how large it may be, and with that how much memory reading it may "
			      "take"
			    : "; look at the file where it comes from");
}

static int zone_of(struct taker *t, int fd, struct zone **ret)
{
	struct zone_read_settings settings = {.origin = t->request.apex, .max_bytes = (size_t)t->request.bytes_max};
	struct zone_error error = {0};
	int rc = as_input(fd);
	if (rc < 0)
		return failed(t, REASON_SOURCE_UNREADABLE, "what came cannot be read again: %s", strerror(errno));
	rc = zone_read_file("-", &settings, NULL, NULL, ret, &error);
	return rc < 0 ? too_much(t, rc, without_name(error.text)) : 0;
}

static int changes_of(struct taker *t, struct zone **ret)
{
	_cleanup_(base_free) uint8_t *data = NULL;
	struct zone *base = NULL;
	size_t len;
	int rc = as_input(t->fd);
	if (rc == 0)
		rc = file_read("-", 2 * (size_t)t->request.bytes_max, &data, &len);
	if (rc < 0)
		return too_much(t, rc, error_text(rc));
	if (t->request.changes && (rc = zone_of(t, PUBLISH_FD_BASE, &base)) < 0)
		return rc;
	rc = sync_changes_apply(data, len, t->request.apex, base, ret);
	zone_free(base);
	return rc < 0 ? failed(t, REASON_SOURCE_UNREADABLE, "what came does not make a zone: %s", error_text(rc)) : 0;
}

static int prove(struct taker *t, struct zone *zone)
{
	const struct edition_source_check check = {
		.anchors = &t->anchors, .now = t->request.now, .threads = t->request.threads};
	char why[EDITION_WHY_MAX] = "";
	enum reason reason = REASON_SOURCE_NOT_PROVED;
	zone->source = "";
	if (edition_source_prove(&check, zone, &reason, why) < 0)
		return failed(t, reason, "%s", why[0] == ':' ? why + 2 : why);
	return 0;
}

/* What the wire form does not have: what was left out or changed does no harm to the edition, but may be somebody's mistake. */
static void remarks_tell(const struct taker *t, const struct zone *zone)
{
	char name[WIRE_NAME_TEXT_MAX], type[16];
	for (size_t i = 0; i < zone->n_remarks; i++) {
		const struct zone_remark *remark = &zone->remark[i];
		bool outside = remark->reason == REASON_OUT_OF_ZONE;
		if (!outside && remark->reason != REASON_TTL_MIXED)
			continue;
		size_t more = (outside ? zone->n_out_of_zone : zone->n_ttl_mixed) - 1;
		log_notice("publish", "%s: %.255s %s%s: %s", t->request.source.text,
			   wire_name_text(remark->owner, name), wire_type_text(remark->type, type),
			   more > 0 ? " and others" : "",
			   outside ? "the record is outside of the zone, and is left out"
				   : "there is more than one TTL; the lowest is taken (RFC 2181 section 5.2)");
		return;
	}
}

static int hand_over(struct taker *t, const struct zone *zone)
{
	_cleanup_(buffer_done) struct buffer wire = {0};
	int rc = zone_write_wire(zone, &wire);
	if (rc == 0)
		rc = all_write(PUBLISH_FD_WIRE, wire.data, wire.len);
	if (rc < 0)
		return too_much(t, rc, error_text(rc));
	t->reply.wire_len = wire.len;
	t->reply.outcome = PUBLISH_SOURCE_NEW;
	return 0;
}

static void read_and_prove(struct taker *t)
{
	struct zone *zone = NULL;
	int rc = t->result.form == PULL_CHANGES ? changes_of(t, &zone) : zone_of(t, t->fd, &zone);
	if (rc == 0 && zone != NULL && prove(t, zone) == 0) {
		remarks_tell(t, zone);
		(void)hand_over(t, zone); /* the reply has it */
	}
}

/* ---- all of it ---- */

static void take(struct taker *t)
{
	if (limits_take(t) < 0 || uv_loop_init(&t->loop) < 0 || fetching_take(t) < 0) {
		failed(t, REASON_SOURCE_UNREADABLE, "the process that reads it cannot be confined: %s",
		       strerror(errno));
		return;
	}
	if (fetch(t) < 0 || t->reply.outcome == PUBLISH_SOURCE_SAME)
		return;
	if (confine_prover() < 0)
		failed(t, REASON_SOURCE_UNREADABLE, "the process that reads it cannot be confined: %s",
		       strerror(errno));
	else
		read_and_prove(t);
}

/* The memory goes with the process, and nothing is looked for at its end. */
int publish_take(void)
{
	struct taker *t = calloc(1, sizeof *t);
	if (t == NULL || fcntl(PUBLISH_FD_REPLY, F_GETFD) < 0 || request_read(t) < 0) {
		fprintf(stderr, "banyan publish: " PUBLISH_TAKER_OPTION " is for `banyan publish` itself\n");
		if (t != NULL) {
			dnssec_anchors_done(&t->anchors);
			wire_tsig_key_free(t->key);
			free(t);
		}
		return CMD_ERROR;
	}
	/* what a program that fetches is not given */
	for (int fd = PUBLISH_FD_REPLY; fd <= PUBLISH_FD_BASE; fd++)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	prctl(PR_SET_NAME, "banyan-source", 0, 0, 0);
	signal(SIGPIPE, SIG_IGN);
	t->reply.outcome = PUBLISH_SOURCE_FAILED;
	t->reply.reason = REASON_SOURCE_UNREADABLE;
	confine_warm_up();
	take(t);
	_exit(all_write(PUBLISH_FD_REPLY, &t->reply, sizeof t->reply) < 0 ? CMD_ERROR : CMD_OK);
}
