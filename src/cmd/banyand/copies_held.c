// SPDX-License-Identifier: GPL-3.0-or-later
/* The operator's word that an older version is to stay, over restarts: a file in the store with the serial that is held. */
#include "copies.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HELD_MAX 32 /* bytes of the file */

static bool held_path(const struct copy *copy, char out[PATH_MAX])
{
	return snprintf(out, PATH_MAX, "%s/held", copy->store) < PATH_MAX;
}

void copy_held_set(struct copy *copy, uint32_t serial)
{
	char path[PATH_MAX], text[HELD_MAX];
	int len = snprintf(text, sizeof text, "%u\n", serial);
	if (!held_path(copy, path) || file_write_atomic(path, text, (size_t)len) < 0)
		log_warning(STATION,
			    "copy of %s: it cannot be written down in %s that it is held: a restart goes on to newer "
			    "versions",
			    copy->zone, copy->store);
}

void copy_held_end(struct copy *copy)
{
	char path[PATH_MAX];
	if (held_path(copy, path))
		(void)!unlinkat(AT_FDCWD, path, 0);
}

/* Of another version than the one in use it says nothing. */
bool copy_is_held(const struct copy *copy)
{
	_cleanup_(base_free) uint8_t *text = NULL;
	char path[PATH_MAX];
	unsigned serial;
	size_t len;
	return copy->current != NULL && held_path(copy, path) && file_read(path, HELD_MAX, &text, &len) == 0 &&
	       sscanf((const char *)text, "%u", &serial) == 1 && serial == copy->current->serial;
}
