// SPDX-License-Identifier: GPL-3.0-or-later
/* Generations on disk: opened, looked at and closed. */
#include "private.h"

#include "sync/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int keep_refuse(char why[KEEP_WHY_MAX], int rc, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(why, KEEP_WHY_MAX, format, args);
	va_end(args);
	return rc;
}

void keep_name(uint64_t number, const char *kind, char out[KEEP_NAME_MAX])
{
	snprintf(out, KEEP_NAME_MAX, "%llu.%s", (unsigned long long)number, kind);
}

struct keep_generation *keep_find(const struct keep *keep, uint64_t number)
{
	for (size_t i = 0; i < keep->n; i++)
		if (keep->item[i].about.number == number)
			return &keep->item[i];
	return NULL;
}

bool keep_is_older(const struct keep *keep, uint32_t serial)
{
	return keep->state.has_highest && sync_serial_newer(keep->state.highest, serial);
}

/* ---- opening ---- */

/* What is to be done about a folder that cannot be opened. */
static const char *advice(int err)
{
	switch (err) {
	case ENOENT:
		return "; make the folder above it";
	case EACCES:
	case EPERM:
	case EROFS:
		return "; let the user that this runs as write there";
	case ENOTDIR:
		return "; give it the name of a folder, which is made if need be";
	default:
		return "";
	}
}

/* One process at a time. The lock belongs to the open file: it goes with the process, however that ends. */
static int lock_take(struct keep *keep, char why[KEEP_WHY_MAX])
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	keep->lock = openat(keep->folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, KEEP_MODE);
	if (keep->lock < 0)
		return keep_refuse(why, error_from_errno(errno), "cannot open %s/lock: %s%s", keep->path,
				   strerror(errno), advice(errno));
	if (fcntl(keep->lock, F_OFD_SETLK, &lock) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return keep_refuse(
			why, BANYAN_EAGAIN,
			"%s is in use by another process; give each daemon and each zone a folder of its own",
			keep->path);
	return keep_refuse(why, error_from_errno(errno), "cannot lock %s/lock: %s", keep->path, strerror(errno));
}

static int open_into(struct keep *keep, const char *dir, const uint8_t *apex, char why[KEEP_WHY_MAX])
{
	if (snprintf(keep->path, sizeof keep->path, "%s", dir) >= (int)sizeof keep->path)
		return keep_refuse(why, BANYAN_EINVAL, "the name of the folder is too long: %.100s...", dir);
	if (keep->settings.generations_max == 0)
		keep->settings.generations_max = KEEP_GENERATIONS_DEFAULT;
	if (keep->settings.generations_max > KEEP_GENERATIONS_MAX)
		keep->settings.generations_max = KEEP_GENERATIONS_MAX;
	if (apex != NULL)
		wire_name_text(apex, keep->apex_text);
	keep->folder = folder_open(dir, !keep->settings.look_only, KEEP_DIR_MODE);
	if (keep->folder < 0)
		return keep_refuse(why, keep->folder, "cannot open the folder %s: %s%s", dir, strerror(errno),
				   advice(errno));
	int rc = keep->settings.look_only ? 0 : lock_take(keep, why);
	if (rc == 0 && apex == NULL)
		rc = keep_zone_find(keep, why);
	return rc == 0 ? keep_load(keep, why) : rc;
}

int keep_open(const char *dir, const uint8_t *apex, const struct keep_settings *settings, struct keep **ret,
	      char why[KEEP_WHY_MAX])
{
	if (apex == NULL && !settings->look_only)
		return keep_refuse(why, BANYAN_EINVAL, "the zone of %.200s is not told", dir);
	struct keep *keep = calloc(1, sizeof *keep);
	if (keep == NULL)
		return keep_refuse(why, BANYAN_ENOMEM, "out of memory");
	keep->settings = *settings;
	keep->folder = keep->lock = -1;
	keep->state.next = 1;
	for (size_t i = 0; i < KEEP_INCOMING_MAX; i++)
		keep->inbox[i].fd = -1;
	int rc = open_into(keep, dir, apex, why);
	if (rc < 0) {
		keep_close(keep);
		return rc;
	}
	*ret = keep;
	return 0;
}

void keep_close(struct keep *keep)
{
	if (keep == NULL)
		return;
	for (size_t i = 0; i < KEEP_INCOMING_MAX; i++)
		if (keep->inbox[i].fd >= 0)
			keep_incoming_done(keep, keep->inbox[i].fd);
	if (keep->folder >= 0)
		close(keep->folder);
	if (keep->lock >= 0)
		close(keep->lock);
	free(keep->item);
	free(keep);
}

/* ---- looking ---- */

const char *keep_zone(const struct keep *keep)
{
	return keep->apex_text;
}

size_t keep_count(const struct keep *keep)
{
	size_t n = 0;
	for (size_t i = 0; i < keep->n; i++)
		n += keep->item[i].damage[0] == '\0';
	return n;
}

const struct keep_about *keep_about_at(const struct keep *keep, size_t i)
{
	for (size_t k = 0; k < keep->n; k++)
		if (keep->item[k].damage[0] == '\0' && i-- == 0)
			return &keep->item[k].about;
	return NULL;
}

const char *keep_damaged_at(const struct keep *keep, size_t i, uint64_t *ret_number)
{
	for (size_t k = 0; k < keep->n; k++) {
		if (keep->item[k].damage[0] == '\0' || i-- > 0)
			continue;
		*ret_number = keep->item[k].about.number;
		return keep->item[k].damage;
	}
	return NULL;
}

const struct keep_about *keep_about_of(const struct keep *keep, uint64_t number)
{
	const struct keep_generation *generation = keep_find(keep, number);
	return generation != NULL && generation->damage[0] == '\0' ? &generation->about : NULL;
}

uint64_t keep_current(const struct keep *keep)
{
	return keep->current;
}

bool keep_is_rolled_back(const struct keep *keep)
{
	for (size_t i = 0; i < keep->n; i++) {
		const struct keep_generation *g = &keep->item[i];
		if (g->damage[0] == '\0' && g->about.number > keep->current && g->about.valid_until == 0)
			return true;
	}
	return false;
}

bool keep_highest(const struct keep *keep, uint32_t *ret_serial)
{
	if (keep->state.has_highest)
		*ret_serial = keep->state.highest;
	return keep->state.has_highest;
}
