// SPDX-License-Identifier: GPL-3.0-or-later
/* Fetching from a source of any kind: begin, limits, end. */
#include "fetch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the end ---- */

static void on_closed(uv_handle_t *handle)
{
	struct pull_fetch *fetch = handle->data;
	if (--fetch->handles == 0)
		free(fetch);
}

static void fetch_end(struct pull_fetch *fetch)
{
	fetch->over = true;
	if (fetch->resolving != NULL)
		fetch->settings.resolver->cancel(fetch->settings.resolver->ctx, fetch->resolving);
	if (fetch->helping != NULL)
		fetch->settings.helper->cancel(fetch->settings.helper->ctx, fetch->helping);
	net_datagram_close(fetch->datagram);
	net_client_close(fetch->client);
	sync_pull_cancel(fetch->pull);
	net_tls_trust_free(fetch->trust);
	wire_tsig_done(&fetch->tsig);
	pull_http_done(fetch);
	if (fetch->file_fd >= 0)
		close(fetch->file_fd);
	uv_close((uv_handle_t *)&fetch->step, on_closed);
	uv_close((uv_handle_t *)&fetch->limit, on_closed);
}

void pull_fetch_tell(struct pull_fetch *fetch, enum pull_fetched fetched)
{
	struct pull_fetch_result result = fetch->result;
	if (fetch->over)
		return;
	result.fetched = fetched;
	result.whole_ms = (uint32_t)(clock_mono_ms() - fetch->started_ms);
	if (fetched != PULL_GOT)
		result.form = PULL_NOTHING;
	fetch_end(fetch);
	fetch->settings.done(fetch->settings.ctx, &result);
}

void pull_fetch_fail(struct pull_fetch *fetch, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(fetch->result.why, sizeof fetch->result.why, format, args);
	va_end(args);
	pull_fetch_tell(fetch, PULL_FAILED);
}

void pull_fetch_cancel(struct pull_fetch *fetch)
{
	if (fetch != NULL && !fetch->over)
		fetch_end(fetch);
}

/* ---- what the ways share ---- */

enum pull_fetched pull_fetch_compare(const struct pull_fetch *fetch, uint32_t serial)
{
	return fetch->settings.have && !sync_serial_newer(serial, fetch->settings.serial) ? PULL_UNCHANGED : PULL_GOT;
}

uint64_t pull_fetch_bytes_max(const struct pull_fetch *fetch)
{
	return fetch->settings.bytes_max > 0 ? fetch->settings.bytes_max : PULL_BYTES_DEFAULT;
}

uint32_t pull_fetch_left_ms(const struct pull_fetch *fetch)
{
	int64_t left = (int64_t)fetch->settings.time_max_ms - (clock_mono_ms() - fetch->started_ms);
	return left > 1 ? (uint32_t)left : 1;
}

void pull_fetch_next(struct pull_fetch *fetch, uv_timer_cb fn)
{
	uv_timer_start(&fetch->step, fn, 0, 0);
}

int pull_fd_write(int fd, const void *data, size_t len)
{
	const char *p = data;
	while (len > 0) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return BANYAN_EIO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* ---- addresses ---- */

static void on_resolved(void *ctx, size_t n, const struct addr *address, const char *why)
{
	struct pull_fetch *fetch = ctx;
	uint16_t port = fetch->address[0].port;
	fetch->resolving = NULL;
	for (fetch->n_addresses = 0; fetch->n_addresses < n && fetch->n_addresses < PULL_SOURCE_ADDRESSES_MAX;
	     fetch->n_addresses++) {
		fetch->address[fetch->n_addresses] = address[fetch->n_addresses];
		fetch->address[fetch->n_addresses].port = port;
	}
	if (n == 0)
		pull_fetch_fail(fetch, "the host has no address that could be found: %.150s", why != NULL ? why : "");
	else
		fetch->resolved(fetch);
}

void pull_fetch_resolve(struct pull_fetch *fetch, const char *host, uint16_t port,
			void (*then)(struct pull_fetch *fetch))
{
	const struct pull_resolver *resolver = fetch->settings.resolver;
	fetch->at = 0;
	if (addr_parse(host, port, &fetch->address[0]) == 0) {
		fetch->n_addresses = 1;
		then(fetch);
		return;
	}
	fetch->address[0] = (struct addr){.port = port};
	fetch->resolved = then;
	if (resolver == NULL)
		pull_fetch_fail(fetch,
				"the host %.100s is a name, and nobody is here to find its address; add address=ADDR",
				host);
	else if (resolver->start(resolver->ctx, host, on_resolved, fetch, &fetch->resolving) < 0)
		pull_fetch_fail(fetch, "the address of %.100s cannot be looked for now", host);
}

/* ---- the begin ---- */

static void on_limit(uv_timer_t *timer)
{
	struct pull_fetch *fetch = timer->data;
	pull_fetch_fail(fetch, "not done after %u ms", fetch->settings.time_max_ms);
}

static void begin_there(struct pull_fetch *fetch)
{
	bool tls = fetch->source.kind == PULL_SOURCE_XOT;
	if (tls && pull_fetch_trust(fetch) < 0)
		return;
	if (fetch->source.kind != PULL_SOURCE_XFR && !tls)
		pull_fetch_http(fetch);
	else if (fetch->settings.mode == PULL_MODE_PROBE || fetch->settings.mode == PULL_MODE_RELEASE)
		pull_fetch_probe_dns(fetch);
	else
		pull_fetch_transfer(fetch);
}

static void on_begin(uv_timer_t *timer)
{
	struct pull_fetch *fetch = timer->data;
	const struct pull_source *source = &fetch->source;
	bool by_helper = source->kind == PULL_SOURCE_HTTP || (source->kind == PULL_SOURCE_LIST && !source->here);
	if (source->kind == PULL_SOURCE_BUILTIN)
		pull_fetch_fail(fetch, "builtin stands for many sources; they are asked one by one");
	else if (by_helper && fetch->settings.helper == NULL)
		pull_fetch_fail(fetch, "nobody is here to run banyan-fetch");
	else if (source->host[0] == '\0')
		pull_fetch_file(fetch);
	else if (source->proxy[0] != '\0' && by_helper)
		begin_there(fetch); /* the proxy finds the host */
	else if (source->n_addresses == 0)
		pull_fetch_resolve(fetch, source->host, source->port, begin_there);
	else
		begin_there(fetch);
}

int pull_fetch_start(struct uv_loop_s *loop, const struct pull_fetch_settings *settings, struct pull_fetch **ret)
{
	bool asks = settings->mode == PULL_MODE_PROBE || settings->mode == PULL_MODE_RELEASE;
	if (!asks && settings->fd < 0)
		return BANYAN_EINVAL;
	struct pull_fetch *fetch = calloc(1, sizeof *fetch);
	if (fetch == NULL)
		return BANYAN_ENOMEM;
	fetch->settings = *settings;
	fetch->source = *settings->source;
	wire_name_lower(settings->apex, fetch->apex);
	if (settings->tag != NULL)
		snprintf(fetch->tag, sizeof fetch->tag, "%s", settings->tag);
	if (fetch->settings.time_max_ms == 0)
		fetch->settings.time_max_ms = PULL_TIME_DEFAULT_MS;
	if (fetch->settings.idle_ms == 0)
		fetch->settings.idle_ms = PULL_IDLE_MS;
	if (fetch->settings.rate_min == 0)
		fetch->settings.rate_min = PULL_RATE_DEFAULT;
	fetch->n_addresses = fetch->source.n_addresses;
	memcpy(fetch->address, fetch->source.address, sizeof fetch->address);
	fetch->loop = loop;
	fetch->file_fd = -1;
	fetch->started_ms = clock_mono_ms();
	uv_timer_init(loop, &fetch->step);
	uv_timer_init(loop, &fetch->limit);
	fetch->handles = 2;
	fetch->step.data = fetch->limit.data = fetch;
	uv_timer_start(&fetch->limit, on_limit, fetch->settings.time_max_ms, 0);
	pull_fetch_next(fetch, on_begin);
	*ret = fetch;
	return 0;
}
