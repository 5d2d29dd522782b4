// SPDX-License-Identifier: GPL-3.0-or-later
/* A store that cannot be written to: found out, told once with what to do, and told again when it is over. */
#include "copies.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ROOM_LEAST 65536 /* bytes that must find room: what is left behind by a file that did not fit is less */

/* Who fetches and who proves are other processes, whose errno is gone: so it is tried. Not flushed: the keeper's loop waits for no disk. */
static int room_try(struct copy *copy)
{
	static const uint8_t nothing[ROOM_LEAST];
	errno = 0;
	int fd = keep_incoming(copy->keep), err = fd < 0 ? errno : 0;
	if (fd < 0)
		return err; /* 0: too many files at once, which is another matter */
	for (size_t done = 0; err == 0 && done < sizeof nothing;) {
		ssize_t n = write(fd, nothing, sizeof nothing - done);
		err = n < 0 && errno != EINTR ? errno : 0;
		done += n > 0 ? (size_t)n : 0;
	}
	keep_incoming_done(copy->keep, fd);
	return err;
}

static void room_tell(struct copy *copy, const char *why)
{
	counter_add(&copy->keeper->counters, COUNTER_COPY_UNWRITTEN, 1);
	if (copy->unwritable)
		return;
	copy->unwritable = true;
	log_error(STATION, "copy of %s: %s; what is in use stays so, and newer versions are tried again", copy->zone,
		  why);
}

bool copy_room_missing(struct copy *copy, char why[KEEP_WHY_MAX])
{
	int err = room_try(copy);
	if (err == 0)
		return false;
	snprintf(why, KEEP_WHY_MAX, "its store %.300s cannot be written to: %s%s", copy->store, strerror(err),
		 file_advice(err));
	room_tell(copy, why);
	return true;
}

void copy_room_stored(struct copy *copy, bool good, const char *why)
{
	if (!good)
		room_tell(copy, why);
	else if (copy->unwritable)
		log_notice(STATION, "copy of %s: its store %s can be written to again", copy->zone, copy->store);
	copy->unwritable = !good;
}
