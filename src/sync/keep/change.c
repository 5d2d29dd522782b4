// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What changes a folder. The order of the steps is what holds through a crash:
 *
 *	add:   the two files are whole on the disk (fsync) and get their names; N.about, which makes them a generation, is written beside them
 *	       and the folder made durable; then `state` is replaced. Before that the old generation is current, after it the new one. What
 *	       `state` does not know of is swept away when the folder is opened.
 *	drop:  N.about goes first; what is then left of N is nothing, and swept away.
 */
#include "private.h"

#include "sync/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- incoming ---- */

static struct keep_inbox *inbox_find(struct keep *keep, int fd)
{
	for (size_t i = 0; i < KEEP_INCOMING_MAX; i++)
		if (keep->inbox[i].fd == fd)
			return &keep->inbox[i];
	return NULL;
}

int keep_incoming(struct keep *keep)
{
	struct keep_inbox *box = inbox_find(keep, -1);
	if (box == NULL)
		return BANYAN_ELIMIT;
	if (keep->settings.look_only)
		return BANYAN_EINVAL;
	snprintf(box->name, sizeof box->name, "incoming-%llu", (unsigned long long)++keep->n_incoming);
	int fd = openat(keep->folder, box->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, KEEP_MODE);
	if (fd < 0)
		return error_from_errno(errno);
	box->fd = fd;
	box->taken = false;
	return fd;
}

void keep_incoming_done(struct keep *keep, int fd)
{
	struct keep_inbox *box = fd >= 0 ? inbox_find(keep, fd) : NULL;
	if (box == NULL)
		return;
	if (!box->taken)
		(void)unlinkat(keep->folder, box->name, 0);
	close(fd);
	box->fd = -1;
}

/* ---- steps ---- */

int keep_state_save(struct keep *keep, const struct keep_state *state)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	bool seen = false;
	int rc = keep_state_write(keep->apex_text, state, &text);
	if (rc == 0)
		rc = folder_replace(keep->folder, "state", text.data, text.len, KEEP_MODE, &seen);
	if (seen)
		keep->state = *state;
	return rc;
}

static int about_save(struct keep *keep, const struct keep_generation *generation, bool *ret_seen)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	char name[KEEP_NAME_MAX];
	keep_name(generation->about.number, "about", name);
	*ret_seen = false;
	int rc = keep_about_write(keep->apex_text, generation, &text);
	return rc < 0 ? rc : folder_replace(keep->folder, name, text.data, text.len, KEEP_MODE, ret_seen);
}

int keep_files_delete(struct keep *keep, uint64_t number)
{
	static const char *const kinds[] = {"about", "wire", "image"};
	char name[KEEP_NAME_MAX];
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		keep_name(number, kinds[i], name);
		if (unlinkat(keep->folder, name, 0) == 0 || errno == ENOENT)
			continue;
		log_warning(KEEP_STATION, "cannot delete %s/%s: %s", keep->path, name, strerror(errno));
		if (i == 0) /* it is still a generation: it stays whole */
			return BANYAN_EIO;
	}
	return 0;
}

static void forget(struct keep *keep, struct keep_generation *generation)
{
	size_t i = (size_t)(generation - keep->item);
	memmove(generation, generation + 1, (keep->n - i - 1) * sizeof *generation);
	keep->n--;
}

/* A candidate's file, whole on the disk, gets the name that it will have. */
static int file_take(struct keep *keep, int fd, uint64_t number, const char *kind, struct keep_file *ret)
{
	struct keep_inbox *box = inbox_find(keep, fd);
	char name[KEEP_NAME_MAX];
	int rc = keep_sum_fd(fd, ret);
	if (rc < 0)
		return rc;
	if (fsync(fd) < 0)
		return error_from_errno(errno);
	keep_name(number, kind, name);
	if (renameat(keep->folder, box->name, keep->folder, name) < 0)
		return error_from_errno(errno);
	box->taken = true;
	return 0;
}

/* ---- adding ---- */

/* The oldest beyond what shall be kept go, those that are damaged, and one with the same content as the new one. */
static void prune(struct keep *keep)
{
	size_t left = 0;
	const struct keep_generation added = keep->item[0];
	for (size_t i = 0; i < keep->n;) {
		struct keep_generation *g = &keep->item[i];
		bool twin = g->about.number != added.about.number && g->wire.len == added.wire.len &&
			    memcmp(g->wire.sum, added.wire.sum, KEEP_SUM_LEN) == 0;
		bool goes = (g->damage[0] != '\0' && !g->unread) || twin || left >= keep->settings.generations_max;
		if (goes && g->about.number != keep->current) {
			(void)!keep_files_delete(keep, g->about.number); /* else the next time */
			forget(keep, g);
			continue;
		}
		left++;
		i++;
	}
}

static int steps_add(struct keep *keep, struct keep_generation *g, int wire_fd, int image_fd)
{
	bool seen;
	int rc = file_take(keep, wire_fd, g->about.number, "wire", &g->wire);
	if (rc == 0 && g->wire.len == 0)
		rc = BANYAN_EINVAL;
	if (rc == 0 && image_fd >= 0)
		rc = file_take(keep, image_fd, g->about.number, "image", &g->image);
	return rc == 0 ? about_save(keep, g, &seen) : rc;
}

/* The very version of a generation that is kept: taken before, so it may be older than others that were. */
static bool is_again(const struct keep *keep, const struct keep_about *about)
{
	const struct keep_generation *was = about->number == 0 ? NULL : keep_find(keep, about->number);
	return was != NULL && was->about.serial == about->serial;
}

static int check_add(struct keep *keep, const struct keep_about *about, int wire_fd, int image_fd,
		     char why[KEEP_WHY_MAX])
{
	const struct keep_inbox *wire = wire_fd < 0 ? NULL : inbox_find(keep, wire_fd);
	const struct keep_inbox *image = image_fd < 0 ? wire : inbox_find(keep, image_fd);
	if (wire == NULL || image == NULL || wire->taken || image->taken || wire_fd == image_fd)
		return keep_refuse(why, BANYAN_EINVAL, "%s: what shall be kept is no candidate's file", keep->path);
	if (keep_is_older(keep, about->serial) && !is_again(keep, about))
		return keep_refuse(why, BANYAN_EINVAL, "%s: serial %u is older than %u, which was seen before",
				   keep->path, about->serial, keep->state.highest);
	return 0;
}

static int add(struct keep *keep, const struct keep_about *about, int wire_fd, int image_fd, bool ahead,
	       uint64_t *ret_number, char why[KEEP_WHY_MAX])
{
	int rc = check_add(keep, about, wire_fd, image_fd, why);
	struct keep_generation *more = rc < 0 ? NULL : realloc(keep->item, (keep->n + 2) * sizeof *keep->item);
	if (rc < 0)
		return rc;
	if (more == NULL)
		return keep_refuse(why, BANYAN_ENOMEM, "out of memory");
	keep->item = more;
	const struct keep_state before = keep->state;
	struct keep_state after = before;
	uint64_t number = keep->state.next;
	struct keep_generation g = {.about = *about, .verified = true};
	g.about.number = number;
	after.current = ahead ? before.current : number;
	after.next = number + 1;
	if (!keep_is_older(keep, about->serial))
		after.highest = about->serial;
	after.has_highest = g.has_highest = true;
	g.highest = after.highest;
	rc = steps_add(keep, &g, wire_fd, image_fd);
	int err = errno;
	if (rc == 0 && (rc = keep_state_save(keep, &after)) < 0) {
		err = errno;
		if (keep->state.next ==
		    after.next) { /* it is seen, but a loss of power might undo that: so it is undone now */
			struct keep_state back = before;
			back.next = after.next;
			if (keep_state_save(keep, &back) < 0)
				log_warning(KEEP_STATION,
					    "%s: after a loss of power either serial may be the current one",
					    keep->path);
		}
	}
	if (rc < 0) {
		bool ours = rc == BANYAN_ENOMEM || rc == BANYAN_EINVAL;
		if (keep->state.current != number)
			(void)!keep_files_delete(keep, number); /* else it is swept away when the folder is opened */
		return keep_refuse(why, rc, "cannot keep serial %u in %s: %s%s", about->serial, keep->path,
				   ours ? error_text(rc) : strerror(err), ours ? "" : file_advice(err));
	}
	memmove(keep->item + 1, keep->item, keep->n * sizeof *keep->item);
	keep->item[0] = g;
	keep->n++;
	keep->current = ahead ? keep->current : number;
	prune(keep);
	*ret_number = number;
	return 0;
}

int keep_add(struct keep *keep, const struct keep_about *about, int wire_fd, int image_fd, uint64_t *ret_number,
	     char why[KEEP_WHY_MAX])
{
	return add(keep, about, wire_fd, image_fd, false, ret_number, why);
}

int keep_add_ahead(struct keep *keep, const struct keep_about *about, int wire_fd, int image_fd, uint64_t *ret_number,
		   char why[KEEP_WHY_MAX])
{
	if (keep->current == 0)
		return keep_refuse(why, BANYAN_EINVAL, "%s: there is nothing that this would come after", keep->path);
	return add(keep, about, wire_fd, image_fd, true, ret_number, why);
}

int keep_update(struct keep *keep, const struct keep_about *about, char why[KEEP_WHY_MAX])
{
	struct keep_generation *g = keep_find(keep, about->number);
	bool seen;
	if (g == NULL || g->damage[0] != '\0')
		return keep_refuse(why, BANYAN_ENOENT, "%s: there is no generation %llu", keep->path,
				   (unsigned long long)about->number);
	struct keep_generation next = *g;
	next.about.fetched_at = about->fetched_at;
	next.about.proved_at = about->proved_at;
	next.about.first_expiry = about->first_expiry;
	next.about.last_inception = about->last_inception;
	next.about.valid_from = about->valid_from;
	next.about.valid_until = about->valid_until;
	memcpy(next.about.edition, about->edition, sizeof next.about.edition);
	memcpy(next.about.source, about->source, sizeof next.about.source);
	memcpy(next.about.proof, about->proof, sizeof next.about.proof);
	int rc = about_save(keep, &next, &seen);
	if (seen)
		*g = next;
	return rc == 0 ? 0
		       : keep_refuse(why, rc, "cannot write what is said about generation %llu in %s: %s%s",
				     (unsigned long long)about->number, keep->path, strerror(errno),
				     file_advice(errno));
}

/* ---- the operator's hand ---- */

int keep_forget_highest(struct keep *keep, char why[KEEP_WHY_MAX])
{
	struct keep_state next = keep->state;
	next.has_highest = false;
	next.highest = 0;
	int rc = keep_state_save(keep, &next);
	return rc == 0 ? 0
		       : keep_refuse(why, rc, "cannot write %s/state: %s%s", keep->path, strerror(errno),
				     file_advice(errno));
}

int keep_roll_back(struct keep *keep, uint64_t number, char why[KEEP_WHY_MAX])
{
	struct keep_generation *g = keep_find(keep, number);
	struct keep_state next = keep->state;
	if (g == NULL)
		return keep_refuse(why, BANYAN_ENOENT, "%s: there is no generation %llu", keep->path,
				   (unsigned long long)number);
	g->verified = false;
	int rc = keep_verify(keep, g);
	if (rc < 0)
		return keep_refuse(why, rc, "%s: generation %llu cannot be used: %s", keep->path,
				   (unsigned long long)number, rc == BANYAN_EMALF ? g->damage : error_text(rc));
	next.current = number;
	rc = keep_state_save(keep, &next);
	if (keep->state.current == number)
		keep->current = number;
	return rc == 0 ? 0
		       : keep_refuse(why, rc, "cannot write %s/state: %s%s", keep->path, strerror(errno),
				     file_advice(errno));
}

int keep_drop(struct keep *keep, uint64_t number, char why[KEEP_WHY_MAX])
{
	struct keep_generation *g = keep_find(keep, number);
	if (g == NULL)
		return keep_refuse(why, BANYAN_ENOENT, "%s: there is no generation %llu", keep->path,
				   (unsigned long long)number);
	if (number == keep->current)
		return keep_refuse(why, BANYAN_EINVAL,
				   "%s: generation %llu is the current one; go back to another one first", keep->path,
				   (unsigned long long)number);
	int rc = keep_files_delete(keep, number);
	if (rc < 0)
		return keep_refuse(why, rc, "%s: generation %llu cannot be deleted: %s", keep->path,
				   (unsigned long long)number, strerror(errno));
	forget(keep, g);
	rc = folder_flush(keep->folder);
	return rc == 0 ? 0 : keep_refuse(why, rc, "cannot make it durable in %s: %s", keep->path, strerror(errno));
}
