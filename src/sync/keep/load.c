// SPDX-License-Identifier: GPL-3.0-or-later
/* What is in a folder: its state, its generations, and what a crash has left there. */
#include "private.h"

#include "sync/sync.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the state ---- */

static int state_load(struct keep *keep, bool *ret_known, char why[KEEP_WHY_MAX])
{
	_cleanup_(base_free) uint8_t *data = NULL;
	size_t len = 0;
	*ret_known = false;
	int rc = folder_read(keep->folder, "state", KEEP_TEXT_MAX, &data, &len);
	if (rc == BANYAN_ENOENT)
		return 0; /* an empty folder, or a crash before the first generation was finished */
	if (rc < 0)
		return keep_refuse(why, rc, "cannot read %s/state: %s", keep->path,
				   rc == BANYAN_EIO || rc == BANYAN_EACCES ? strerror(errno) : error_text(rc));
	rc = keep_state_read(keep->apex_text, data, len, &keep->state);
	if (rc == BANYAN_EEXIST)
		return keep_refuse(why, rc, "%s holds generations of another zone than %s (see its file state)",
				   keep->path, keep->apex_text);
	if (rc == BANYAN_EUNSUPP)
		return keep_refuse(why, rc,
				   "%s/state was written by another version of this program; give it a new folder",
				   keep->path);
	if (rc == BANYAN_ENOMEM)
		return keep_refuse(why, rc, "out of memory");
	*ret_known = rc == 0;
	if (rc < 0)
		log_warning(KEEP_STATION,
			    "%s/state is damaged: the newest generation is taken for the current one, and its serial "
			    "for the highest that was seen",
			    keep->path);
	return 0;
}

/* A state that is not there or damaged, made anew from the generations. */
static void state_guess(struct keep *keep)
{
	keep->state = (struct keep_state){.next = 1};
	for (size_t i = keep->n; i-- > 0;) {
		const struct keep_generation *g = &keep->item[i];
		if (g->about.number >= keep->state.next)
			keep->state.next = g->about.number + 1;
		if (g->damage[0] != '\0')
			continue;
		keep->state.current = g->about.number;
		if (!keep->state.has_highest || sync_serial_newer(g->about.serial, keep->state.highest))
			keep->state.highest = g->about.serial;
		keep->state.has_highest = true;
		if (g->has_highest && sync_serial_newer(g->highest, keep->state.highest))
			keep->state.highest = g->highest;
	}
}

/* ---- the files ---- */

struct listing {
	size_t n;
	char (*name)[KEEP_NAME_MAX];
};

static void listing_done(struct listing *listing)
{
	free(listing->name);
}

static int listing_add(struct listing *listing, const char *name)
{
	if (strlen(name) >= KEEP_NAME_MAX || name[0] == '.')
		return 0; /* nothing of ours */
	if (listing->n == KEEP_FILES_MAX)
		return BANYAN_ELIMIT;
	if ((listing->n & (listing->n + 1)) == 0) { /* 0, 1, 3, 7, 15: twice as many */
		void *more = realloc(listing->name, (listing->n + 1) * 2 * sizeof *listing->name);
		if (more == NULL)
			return BANYAN_ENOMEM;
		listing->name = more;
	}
	strcpy(listing->name[listing->n++], name);
	return 0;
}

static int listing_make(const struct keep *keep, struct listing *listing, char why[KEEP_WHY_MAX])
{
	int fd = openat(keep->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int rc = 0;
	if (dir == NULL) {
		int err = errno;
		if (fd >= 0)
			close(fd);
		return keep_refuse(why, error_from_errno(err), "cannot list %s: %s", keep->path, strerror(err));
	}
	errno = 0;
	for (const struct dirent *entry; rc == 0 && (entry = readdir(dir)) != NULL; errno = 0)
		rc = listing_add(listing, entry->d_name);
	if (rc == 0 && errno != 0)
		rc = keep_refuse(why, error_from_errno(errno), "cannot list %s: %s", keep->path, strerror(errno));
	else if (rc < 0)
		(void)keep_refuse(why, rc, "cannot list %s: %s", keep->path,
				  rc == BANYAN_ELIMIT ? "there are too many files in it" : error_text(rc));
	closedir(dir);
	return rc;
}

/* "17.wire" -> 17 and "wire"; 0: another name. */
static uint64_t number_of(const char *name, const char **ret_kind)
{
	char *end;
	errno = 0;
	uint64_t number = strtoull(name, &end, 10);
	*ret_kind = end + 1;
	bool ours = name[0] >= '1' && name[0] <= '9' && *end == '.' && errno == 0 && number < UINT64_MAX;
	return ours && (strcmp(end, ".about") == 0 || strcmp(end, ".wire") == 0 || strcmp(end, ".image") == 0) ? number
													       : 0;
}

static bool is_unfinished(const char *name)
{
	size_t len = strlen(name);
	return strncmp(name, "incoming-", 9) == 0 || (len > 4 && strcmp(name + len - 4, ".tmp") == 0);
}

int keep_zone_find(struct keep *keep, char why[KEEP_WHY_MAX])
{
	_cleanup_(listing_done) struct listing listing = {0};
	int rc = listing_make(keep, &listing, why);
	for (size_t i = 0; rc == 0 && i < listing.n; i++) {
		_cleanup_(base_free) uint8_t *data = NULL;
		const char *kind;
		size_t len;
		bool about = number_of(listing.name[i], &kind) != 0 && strcmp(kind, "about") == 0;
		if ((about || strcmp(listing.name[i], "state") == 0) &&
		    folder_read(keep->folder, listing.name[i], KEEP_TEXT_MAX, &data, &len) == 0 &&
		    keep_text_zone(data, len, keep->apex_text))
			return 0;
	}
	return rc < 0 ? rc
		      : keep_refuse(why, BANYAN_ENOENT,
				    "%s holds no generations of a zone; give the folder of one zone", keep->path);
}

/* ---- generations ---- */

static void damage(struct keep *keep, struct keep_generation *g, const char *words)
{
	if (g->damage[0] != '\0')
		return;
	snprintf(g->damage, sizeof g->damage, "%s", words);
	log_warning(KEEP_STATION, "%s: generation %llu (serial %u) cannot be used: %s", keep->path,
		    (unsigned long long)g->about.number, g->about.serial, words);
}

/* Is the file there, with the length that it had? A look that costs nothing. */
static void file_look(struct keep *keep, struct keep_generation *g, const char *kind, const struct keep_file *file)
{
	char name[KEEP_NAME_MAX];
	struct stat st;
	if (!file->there)
		return;
	keep_name(g->about.number, kind, name);
	if (fstatat(keep->folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		g->unread = errno != ENOENT;
		damage(keep, g, "a file of it cannot be found");
	} else if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != file->len)
		damage(keep, g, "a file of it has another length than when it was written");
}

static int generation_load(struct keep *keep, uint64_t number, struct keep_generation *ret)
{
	_cleanup_(base_free) uint8_t *data = NULL;
	char name[KEEP_NAME_MAX];
	size_t len;
	*ret = (struct keep_generation){.about.number = number};
	keep_name(number, "about", name);
	int rc = folder_read(keep->folder, name, KEEP_TEXT_MAX, &data, &len);
	if (rc == BANYAN_ENOMEM)
		return rc;
	if (rc < 0) {
		ret->unread = true;
		damage(keep, ret, "what is said about it cannot be read");
		return 0;
	}
	rc = keep_about_read(keep->apex_text, data, len, ret);
	if (rc == BANYAN_ENOMEM)
		return rc;
	if (rc < 0 || ret->about.number != number) {
		ret->about.number = number;
		damage(keep, ret,
		       rc == BANYAN_EEXIST    ? "it is of another zone"
		       : rc == BANYAN_EUNSUPP ? "another version of this program has written it"
					      : "what is said about it is damaged");
		return 0;
	}
	file_look(keep, ret, "wire", &ret->wire);
	file_look(keep, ret, "image", &ret->image);
	return 0;
}

static int newest_first(const void *a, const void *b)
{
	uint64_t x = ((const struct keep_generation *)a)->about.number;
	uint64_t y = ((const struct keep_generation *)b)->about.number;
	return (x < y) - (x > y);
}

/* Those that were finished. What is above the state's word was not: it is swept away with the rest. */
static int generations_load(struct keep *keep, const struct listing *listing, bool state_known)
{
	keep->item = calloc(listing->n + 1, sizeof *keep->item);
	if (keep->item == NULL)
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < listing->n; i++) {
		const char *kind;
		uint64_t number = number_of(listing->name[i], &kind);
		if (number == 0 || strcmp(kind, "about") != 0 || (state_known && number >= keep->state.next))
			continue;
		int rc = generation_load(keep, number, &keep->item[keep->n]);
		if (rc < 0)
			return rc;
		keep->n++;
	}
	qsort(keep->item, keep->n, sizeof *keep->item, newest_first);
	return 0;
}

static void sweep(struct keep *keep, const struct listing *listing)
{
	for (size_t i = 0; i < listing->n; i++) {
		const char *kind;
		uint64_t number = number_of(listing->name[i], &kind);
		if (is_unfinished(listing->name[i]) || (number != 0 && keep_find(keep, number) == NULL))
			(void)unlinkat(keep->folder, listing->name[i], 0);
	}
}

static int file_verify(struct keep *keep, struct keep_generation *g, const char *kind, const struct keep_file *file)
{
	char name[KEEP_NAME_MAX], words[sizeof g->damage];
	struct keep_file is = {0};
	if (!file->there)
		return 0;
	keep_name(g->about.number, kind, name);
	int fd = openat(keep->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int rc = fd < 0 ? error_from_errno(errno) : keep_sum_fd(fd, &is), err = errno;
	if (fd >= 0)
		close(fd);
	if (rc == BANYAN_ENOMEM || rc == BANYAN_ELIMIT)
		return rc;
	if (rc < 0) {
		g->unread = rc != BANYAN_ENOENT;
		snprintf(words, sizeof words, "the file %s cannot be read: %s", name, strerror(err));
		damage(keep, g, words);
	} else if (is.len != file->len || memcmp(is.sum, file->sum, KEEP_SUM_LEN) != 0) {
		snprintf(words, sizeof words, "the checksum of %s is wrong", name);
		damage(keep, g, words);
	}
	return g->damage[0] != '\0' ? BANYAN_EMALF : 0;
}

int keep_verify(struct keep *keep, struct keep_generation *g)
{
	if (g->damage[0] != '\0')
		return BANYAN_EMALF;
	int rc = g->verified ? 0 : file_verify(keep, g, "wire", &g->wire);
	if (rc == 0 && !g->verified)
		rc = file_verify(keep, g, "image", &g->image);
	g->verified = rc == 0;
	return rc;
}

/* The number of the one to try next: the newest below `number`, else the oldest above it; 0 = none is left. */
static uint64_t nearest(const struct keep *keep, uint64_t number)
{
	uint64_t below = 0, above = 0;
	for (size_t i = 0; i < keep->n; i++) {
		uint64_t n = keep->item[i].about.number;
		if (keep->item[i].damage[0] != '\0')
			continue;
		if (n <= number && n > below)
			below = n;
		if (n > number && (above == 0 || n < above))
			above = n;
	}
	return below != 0 ? below : above;
}

int keep_settle(struct keep *keep, uint64_t number)
{
	uint64_t n;
	int rc = 0;
	while ((n = nearest(keep, number)) != 0 && (rc = keep_verify(keep, keep_find(keep, n))) == BANYAN_EMALF)
		;
	if (n != 0 && rc < 0)
		return rc;
	keep->current = n;
	return 0;
}

int keep_load(struct keep *keep, char why[KEEP_WHY_MAX])
{
	_cleanup_(listing_done) struct listing listing = {0};
	bool known;
	int rc = state_load(keep, &known, why);
	if (rc == 0)
		rc = listing_make(keep, &listing, why);
	if (rc < 0)
		return rc;
	rc = generations_load(keep, &listing, known);
	for (size_t i = 0; rc == 0 && keep->settings.look_only && i < keep->n; i++)
		if ((rc = keep_verify(keep, &keep->item[i])) == BANYAN_EMALF)
			rc = 0;
	if (rc == 0 && !known)
		state_guess(keep);
	if (rc == 0)
		rc = keep_settle(keep, keep->state.current);
	if (rc < 0)
		return keep_refuse(why, rc, "cannot read the generations in %s: %s", keep->path, error_text(rc));
	if (keep->settings.look_only)
		return 0;
	if (keep->state.current != 0 && keep->current != keep->state.current)
		log_warning(KEEP_STATION, "%s: generation %llu is used instead of %llu, which cannot be used",
			    keep->path, (unsigned long long)keep->current, (unsigned long long)keep->state.current);
	sweep(keep, &listing);
	bool all_read = keep->n > 0;
	for (size_t i = 0; i < keep->n; i++)
		all_read &= !keep->item[i].unread;
	/* what was guessed is written: from then on, what a crash leaves can be told from what was finished */
	if (!known && all_read && keep_state_save(keep, &keep->state) < 0)
		log_warning(KEEP_STATION, "%s/state cannot be written: %s", keep->path, strerror(errno));
	return 0;
}
