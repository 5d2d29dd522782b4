// SPDX-License-Identifier: GPL-3.0-or-later
/* A fetch over HTTP: requests to banyan-fetch, one after the other, and what they bring. */
#pragma once

#include "fetch.h"

/* What banyan-fetch tells; what it does not is 0 or "". */
struct pull_http_reply {
	unsigned status;
	char error[16];
	char why[PULL_WHY_MAX];
	char url[PULL_URL_MAX + 1];
	char etag[PULL_TAG_MAX], modified[PULL_TAG_MAX];
	bool packed; /* on the way alone: parts of it are no parts of the file */
	uint64_t bytes, received;
	uint32_t first_ms;
	struct addr from;
};

struct pull_http_get {
	bool head, conditional;
	int fd;
	uint64_t bytes_max;
	void (*then)(struct pull_fetch *fetch, const struct pull_http_reply *reply); /* status 200, 206 or 304 */
};

struct pull_http {
	char url[PULL_URL_MAX + 1];
	bool head, conditional;
	int fd;       /* where the body goes */
	int small_fd; /* in memory, for what is read here; -1 = none yet */
	uint64_t bytes_max, resume_at;
	char resume_tag[PULL_TAG_MAX];
	unsigned resumes, redirects;
	bool reached;          /* the source itself has been, and is */
	enum addr_reach reach; /* ... so far away */
	void (*then)(struct pull_fetch *fetch, const struct pull_http_reply *reply);
	struct pull_tree *tree;
	char tree_tag[PULL_TAG_MAX]; /* as it was given */
	uint32_t tree_newest;        /* kept, by that tag: as in the result */
	int64_t tree_until;
};

void pull_http_get(struct pull_fetch *fetch, const char *url, const struct pull_http_get *get);
int pull_http_small(struct pull_fetch *fetch) _must_use_; /* an empty file in memory; BANYAN_EIO */
void pull_http_tag(struct pull_fetch *fetch, const struct pull_http_reply *reply);
void pull_http_unchanged(struct pull_fetch *fetch); /* tells */
void pull_http_reply_parse(const char *text, size_t len, struct pull_http_reply *ret);

void pull_fetch_tree(struct pull_fetch *fetch); /* fetch_tree.c */
