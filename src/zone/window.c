// SPDX-License-Identifier: GPL-3.0-or-later
/* The text of a large file, a part at a time: a window moves over it, so that the text never is in memory as a whole. */
#include "private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads until the window is full or the file ends; CR LF becomes LF on the way, also where a read ends between the two. */
static int window_fill(struct zone_window *w)
{
	while (w->len + 1 < w->cap && !w->ended) {
		char *from = w->data + w->len, *to = from;
		if (w->cr)
			*to++ = '\r';
		ssize_t n = read(w->fd, to, w->cap - w->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_from_errno(errno);
		char *end = to + n;
		w->ended = n == 0;
		w->total += (size_t)n;
		if (w->total > w->max)
			return BANYAN_ELIMIT;
		w->cr = !w->ended && end > from && end[-1] == '\r';
		end -= w->cr;
		struct buffer text = {.data = (uint8_t *)from, .len = (size_t)(end - from)};
		zone_text_plain_lines(&text);
		w->len += text.len;
	}
	return 0;
}

/* BANYAN_ESPACE: a small file is not worth it, and a FIFO has no size. */
static int size_check(const struct stat *st, size_t max)
{
	if (!S_ISREG(st->st_mode) || (uint64_t)st->st_size < 2 * ZONE_WINDOW_SIZE)
		return BANYAN_ESPACE;
	return (uint64_t)st->st_size > max ? BANYAN_ELIMIT : 0;
}

int zone_window_open(const char *path, size_t max, struct zone_window *ret)
{
	struct stat st;
	struct zone_window w = {.fd = -1, .max = max, .first_line = 1, .cap = ZONE_WINDOW_SIZE};
	/* looked at before it is opened: who writes to a FIFO would see its reader come and go */
	int rc = stat(path, &st) < 0 ? error_from_errno(errno) : size_check(&st, max);
	if (rc < 0)
		return rc;
	w.fd = file_open(path);
	if (w.fd < 0)
		return w.fd;
	rc = fstat(w.fd, &st) < 0 ? error_from_errno(errno) : size_check(&st, max); /* it may be another by now */
	if (rc == 0)
		rc = (w.data = malloc(ZONE_WINDOW_SIZE)) == NULL ? BANYAN_ENOMEM : window_fill(&w);
	if (rc == 0 && (zone_text_is_compressed(w.data, w.len) || zone_is_wire(w.data, w.len)))
		rc = BANYAN_ESPACE;
	if (rc < 0) {
		zone_window_done(&w);
		return rc;
	}
	w.size = (size_t)st.st_size;
	*ret = w;
	return 0;
}

int zone_window_move(struct zone_window *w, size_t used)
{
	const char *p = w->data, *end = p + used;
	for (; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
		w->first_line++;
	w->len -= used;
	memmove(w->data, end, w->len);
	return window_fill(w);
}

void zone_window_done(struct zone_window *w)
{
	if (w->fd >= 0)
		close(w->fd);
	free(w->data);
	w->fd = -1;
	w->data = NULL;
}
