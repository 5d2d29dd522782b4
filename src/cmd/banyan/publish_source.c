// SPDX-License-Identifier: GPL-3.0-or-later
/* The sources of an edition, asked one after the other, each by a process of its own (publish_taker.c): what comes from outside is not parsed where
 * keys are. What is left to do here is to start it, to end it when it takes too long, and to read the wire form that it hands back. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "publish.h"
#include "sources.h"

#define GRACE_MS 2000 /* it ends by itself before, and says what it waited for */
#define ENV_MAX  16

struct publish_taking {
	struct publishing *p;
	publish_source_fn done;
	size_t at; /* of the sources */
	uv_process_t process;
	uv_timer_t timer;
	bool late;
	unsigned handles;
	int request, wire, reply; /* files without a name */
	enum reason reason;       /* of the last one that failed */
	char why[EDITION_WHY_MAX];
};

static const struct publish_copy *newest(const struct publishing *p)
{
	return p->candidate.zone != NULL ? &p->candidate : &p->accepted;
}

void publish_copy_done(struct publish_copy *copy)
{
	zone_free(copy->zone);
	if (copy->fd >= 0)
		close(copy->fd);
	*copy = (struct publish_copy){.fd = -1};
}

/* ---- the end ---- */

static void on_closed(uv_handle_t *handle)
{
	struct publish_taking *taking = handle->data;
	if (--taking->handles > 0)
		return;
	free(taking);
}

static void files_close(struct publish_taking *taking)
{
	int *fd[] = {&taking->request, &taking->wire, &taking->reply};
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++) {
		if (*fd[i] >= 0)
			close(*fd[i]);
		*fd[i] = -1;
	}
}

/* Whoever had begun it does not hear of it any more. */
static void taking_end(struct publish_taking *taking)
{
	taking->p->under_way = NULL;
	files_close(taking);
	uv_close((uv_handle_t *)&taking->timer, on_closed);
	uv_close((uv_handle_t *)&taking->process, on_closed);
}

void publish_source_cancel(struct publishing *p)
{
	if (p->under_way == NULL)
		return;
	uv_process_kill(&p->under_way->process, SIGKILL);
	taking_end(p->under_way);
}

/* ---- what came ---- */

/* All of a file without a name: whoever wrote there has ended. */
static int file_all(int fd, size_t max, uint8_t **ret, size_t *ret_len)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return BANYAN_EIO;
	if ((uint64_t)st.st_size > max)
		return BANYAN_ELIMIT;
	size_t len = (size_t)st.st_size, pos = 0;
	uint8_t *data = malloc(len + 1);
	if (data == NULL)
		return BANYAN_ENOMEM;
	while (pos < len) {
		ssize_t n = pread(fd, data + pos, len - pos, (off_t)pos);
		if (n <= 0 && !(n < 0 && errno == EINTR)) {
			free(data);
			return BANYAN_EIO;
		}
		pos += n > 0 ? (size_t)n : 0;
	}
	*ret = data;
	*ret_len = len;
	return 0;
}

static void words_of_end(const struct publish_taking *taking, int64_t status, int signal, char *why)
{
	const struct config_edition_source *source = &taking->p->config->source;
	if (taking->late)
		snprintf(why, EDITION_WHY_MAX, "not done after %u s (source.time-max)", source->time_max_s);
	else if (signal == SIGXCPU)
		snprintf(why, EDITION_WHY_MAX, "reading it took more than %u s of a CPU (source.time-max)",
			 source->time_max_s);
	else if (signal == SIGXFSZ)
		snprintf(why, EDITION_WHY_MAX, "it is larger than %llu bytes (source.size-max)",
			 (unsigned long long)source->size_max);
	else if (signal == SIGSYS)
		snprintf(
			why, EDITION_WHY_MAX,
			"the process that read it made a system call that it may not make, and was ended: what came is "
			"not to be trusted");
	else if (signal == SIGKILL)
		snprintf(why, EDITION_WHY_MAX,
			 "the process that read it was killed from outside, perhaps for want of memory "
			 "(source.size-max)");
	else if (signal != 0)
		snprintf(why, EDITION_WHY_MAX, "the process that read it crashed: %s; what came is not to be trusted",
			 strsignal(signal));
	else
		snprintf(why, EDITION_WHY_MAX, "the process that reads it ended with status %lld", (long long)status);
}

/* The zone that was handed back takes the place of what was refused, or was not looked at yet. */
static int zone_take(struct publish_taking *taking, struct publish_reply *reply)
{
	struct publishing *p = taking->p;
	struct zone_read_settings settings = {.origin = p->settings.zone};
	_cleanup_(base_free) uint8_t *data = NULL;
	struct zone_error error = {0};
	struct zone *zone;
	size_t len;
	int rc = file_all(taking->wire, (size_t)reply->wire_len, &data, &len);
	if (rc == 0)
		rc = zone_read_wire(p->source[taking->at].at.text, data, len, &settings, &zone, &error);
	if (rc < 0) {
		snprintf(reply->why, sizeof reply->why, "what was handed back cannot be read: %s",
			 error.text[0] != '\0' ? error.text : error_text(rc));
		return rc;
	}
	publish_copy_done(&p->candidate);
	p->candidate = (struct publish_copy){.zone = zone, .fd = taking->wire};
	taking->wire = -1;
	return 0;
}

static void reply_take(struct publish_taking *taking, int64_t status, int signal, struct publish_reply *ret)
{
	struct publish_source *source = &taking->p->source[taking->at];
	_cleanup_(base_free) uint8_t *data = NULL;
	size_t len = 0;
	bool ended = status == 0 && signal == 0 && !taking->late;
	if (!ended || file_all(taking->reply, sizeof *ret, &data, &len) < 0 || publish_reply_read(data, len, ret) < 0) {
		*ret = (struct publish_reply){.outcome = PUBLISH_SOURCE_FAILED, .reason = REASON_SOURCE_UNREADABLE};
		words_of_end(taking, status, signal, ret->why);
		return;
	}
	bool same = ret->outcome == PUBLISH_SOURCE_SAME;
	if (ret->outcome == PUBLISH_SOURCE_NEW && zone_take(taking, ret) < 0) {
		ret->outcome = PUBLISH_SOURCE_FAILED;
		ret->reason = REASON_SOURCE_UNREADABLE;
	}
	if (ret->tag[0] != '\0' || !same)
		memcpy(source->tag, ret->tag, sizeof source->tag);
	source->good = ret->outcome != PUBLISH_SOURCE_FAILED;
}

/* ---- one after the other ---- */

static int taking_start(struct publishing *p, size_t at, publish_source_fn done, enum reason reason, const char *why);

static void words_add(struct publish_taking *taking, const char *why)
{
	const struct pull_source *source = &taking->p->source[taking->at].at;
	bool here = source->kind == PULL_SOURCE_FILE || source->kind == PULL_SOURCE_DIR;
	size_t len = strlen(taking->why);
	snprintf(taking->why + len, sizeof taking->why - len, "%s%.300s: %.600s%s", len > 0 ? "; " : "", source->text,
		 why, here ? "" : "; `banyan sources --fetch` shows what it gives");
}

static void on_exit_of(uv_process_t *process, int64_t status, int signal)
{
	struct publish_taking *taking = process->data;
	struct publishing *p = taking->p;
	publish_source_fn done = taking->done;
	struct publish_reply reply;
	char why[EDITION_WHY_MAX];
	reply_take(taking, status, signal, &reply);
	if (reply.outcome == PUBLISH_SOURCE_FAILED) {
		words_add(taking, reply.why);
		taking->reason = reply.reason;
	}
	size_t next = taking->at + 1;
	memcpy(why, taking->why, sizeof why);
	enum reason reason = taking->reason;
	taking_end(taking);
	if (reply.outcome != PUBLISH_SOURCE_FAILED) {
		done(p, reply.outcome, REASON_NONE, "");
	} else if (next == p->n_sources || taking_start(p, next, done, reason, why) < 0) {
		done(p, PUBLISH_SOURCE_FAILED, reason, why);
	}
}

static void on_late(uv_timer_t *timer)
{
	struct publish_taking *taking = timer->data;
	taking->late = true;
	uv_process_kill(&taking->process, SIGKILL);
}

/* What the loader, the C library and tools that watch memory go by; nothing else of the environment is for that process. */
static void environment_make(char *out[ENV_MAX + 1])
{
	static const char *const wanted[] = {"LC_ALL=",  "LD_",          "ASAN_",        "UBSAN_", "TSAN_",
					     "FAKETIME", "RES_OPTIONS=", "LOCALDOMAIN=", "TZ=",    "DONT_FAKE_"};
	size_t n = 0;
	for (char **at = environ; *at != NULL && n < ENV_MAX; at++)
		for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
			if (strncmp(*at, wanted[i], strlen(wanted[i])) == 0) {
				out[n++] = *at;
				break;
			}
	out[n] = NULL;
}

static int process_start(struct publish_taking *taking)
{
	struct publishing *p = taking->p;
	const struct publish_copy *base = newest(p);
	char *args[] = {(char *)(uintptr_t) "banyan", (char *)(uintptr_t) "publish",
			(char *)(uintptr_t)PUBLISH_TAKER_OPTION, NULL};
	char *env[ENV_MAX + 1];
	uv_stdio_container_t stdio[] = {
		{.flags = UV_INHERIT_FD, .data.fd = taking->request},
		{.flags = UV_INHERIT_FD, .data.fd = taking->wire},
		{.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
		{.flags = UV_INHERIT_FD, .data.fd = taking->reply},
		{.flags = base->fd >= 0 ? UV_INHERIT_FD : UV_IGNORE, .data.fd = base->fd},
	};
	uv_process_options_t options = {.file = "/proc/self/exe",
					.args = args,
					.env = env,
					.stdio = stdio,
					.stdio_count = ARRAY_SIZE(stdio),
					.exit_cb = on_exit_of};
	environment_make(env);
	int rc = uv_spawn(&p->run->loop, &taking->process, &options);
	return rc == 0 ? 0 : error_from_errno(-rc);
}

static int request_make(struct publish_taking *taking)
{
	struct publishing *p = taking->p;
	const struct config_edition_source *config = &p->config->source;
	const struct publish_source *source = &p->source[taking->at];
	const struct publish_copy *base = newest(p);
	_cleanup_(buffer_done) struct buffer out = {0};
	_cleanup_(base_free) struct publish_request *request = calloc(1, sizeof *request);
	if (request == NULL)
		return BANYAN_ENOMEM;
	bool transfer = source->at.kind == PULL_SOURCE_XFR || source->at.kind == PULL_SOURCE_XOT;
	request->source = source->at;
	memcpy(request->apex, p->settings.zone, sizeof request->apex);
	bool whole = p->run->request.force || p->run->request.accept_serial; /* somebody wants it looked at */
	request->have = base->zone != NULL && (transfer || source->good) && !whole;
	request->serial = request->have ? base->zone->serial : 0;
	request->changes = request->have && transfer && base->fd >= 0;
	memcpy(request->tag, source->tag, sizeof request->tag);
	request->now = publish_now(p->run);
	request->threads = p->settings.signing.threads;
	request->bytes_max = config->size_max;
	request->time_max_ms = config->time_max_s * 1000;
	int rc = publish_request_write(request, config->tsig, &p->anchors, &out);
	if (rc == 0)
		rc = pwrite(taking->request, out.data, out.len, 0) == (ssize_t)out.len ? 0 : BANYAN_EIO;
	return rc;
}

static int taking_start(struct publishing *p, size_t at, publish_source_fn done, enum reason reason, const char *why)
{
	struct publish_taking *taking = calloc(1, sizeof *taking);
	if (taking == NULL)
		return BANYAN_ENOMEM;
	*taking = (struct publish_taking){.p = p, .done = done, .at = at, .reason = reason, .handles = 2};
	snprintf(taking->why, sizeof taking->why, "%s", why);
	taking->request = sources_file();
	taking->wire = sources_file();
	taking->reply = sources_file();
	taking->process.data = taking->timer.data = taking;
	int rc = taking->request < 0 || taking->wire < 0 || taking->reply < 0 ? BANYAN_EIO : request_make(taking);
	if (rc < 0 || uv_timer_init(&p->run->loop, &taking->timer) < 0) {
		files_close(taking);
		free(taking);
		return rc < 0 ? rc : BANYAN_ENOMEM;
	}
	p->under_way = taking;
	rc = process_start(taking);
	if (rc < 0) /* libuv wants the handle closed all the same */
		taking_end(taking);
	else
		uv_timer_start(&taking->timer, on_late, p->config->source.time_max_s * UINT64_C(1000) + GRACE_MS, 0);
	return rc;
}

int publish_source_ask(struct publishing *p, publish_source_fn done)
{
	return taking_start(p, 0, done, REASON_SOURCE_UNREADABLE, "");
}

bool publish_source_looked_at(const struct publishing *p)
{
	char tag[PULL_TAG_MAX];
	const struct publish_source *source = &p->source[0];
	if (pull_file_tag(&source->at, tag) < 0)
		tag[0] = '\0'; /* as when it was not there */
	return strcmp(tag, source->tag) == 0;
}

/* ---- what was taken before this run began ---- */

void publish_source_kept(struct publishing *p)
{
	_cleanup_(buffer_done) struct buffer wire = {0};
	struct publish_copy *copy = &p->accepted;
	char why[EDITION_WHY_MAX], since[32];
	int64_t at;
	int rc = edition_source_kept(p->edition, &copy->zone, &at, why);
	if (rc < 0) {
		if (rc != BANYAN_ENOENT)
			log_warning("publish", "%s", why);
		return;
	}
	if (zone_write_wire(copy->zone, &wire) == 0 && (copy->fd = sources_file()) >= 0 &&
	    pwrite(copy->fd, wire.data, wire.len, 0) != (ssize_t)wire.len) {
		close(copy->fd); /* then the whole of it is fetched */
		copy->fd = -1;
	}
	log_info("publish", "%s: serial %u was taken of the source at %s", p->settings.folder, copy->zone->serial,
		 clock_format(at, since));
}
