// SPDX-License-Identifier: GPL-3.0-or-later
/* The folder: opened, locked, saved. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"

#define STATE_FILE "state"
#define LOCK_FILE  "lock"

struct keys_state *keys_folder_state(struct keys_folder *folder)
{
	return &folder->state;
}

const struct keys_policy *keys_folder_policy(const struct keys_folder *folder)
{
	return &folder->policy;
}

void keys_folder_policy_set(struct keys_folder *folder, const struct keys_policy *policy)
{
	folder->policy = *policy;
}

void keys_folder_token(struct keys_folder *folder, const char *token)
{
	folder->token = token;
}

enum keys_failed keys_folder_failed(const struct keys_folder *folder)
{
	return folder->failed;
}

const char *keys_trouble(const struct keys_folder *folder)
{
	return folder->trouble[0] != '\0' ? folder->trouble : NULL;
}

void keys_file_name(const struct keys_folder *folder, uint8_t algorithm, uint16_t tag, char out[KEYS_PLACE_MAX])
{
	char name[WIRE_NAME_TEXT_MAX];
	size_t len = strlen(wire_name_text(folder->state.apex, name));
	if (len > 1)
		name[len - 1] = '\0'; /* the last dot */
	if (len == 1 || len > 200 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != strlen(name) ||
	    name[0] == '.')
		snprintf(name, sizeof name, "%s", len == 1 ? "root" : "zone");
	snprintf(out, KEYS_PLACE_MAX, "%s.%u.%u.pem", name, algorithm, tag);
}

/* Whoever may write here can put keys in place of ours. */
static int check_folder(const struct keys_folder *folder, char why[KEYS_WHY_MAX])
{
	struct stat st;
	if (fstat(folder->fd, &st) < 0)
		return keys_wrong(why, error_from_errno(errno), "%s: %s", folder->path, strerror(errno));
	if ((st.st_mode & 022) != 0)
		return keys_wrong(why, BANYAN_EACCES,
				  "%s: others may write in this folder (mode %04o): chmod 700 it, and look "
				  "at what is in it",
				  folder->path, (unsigned)st.st_mode & 07777);
	return 0;
}

static int take_lock(struct keys_folder *folder, char why[KEYS_WHY_MAX])
{
	folder->lock = openat(folder->fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (folder->lock < 0)
		return keys_wrong(why, error_from_errno(errno), "%s/" LOCK_FILE ": %s%s", folder->path, strerror(errno),
				  file_advice(errno));
	if (flock(folder->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return keys_wrong(why, BANYAN_EAGAIN, "%s: another banyan works with these keys; try again when it is done",
			  folder->path);
}

static int load_state(struct keys_folder *folder, const struct keys_open *open, char why[KEYS_WHY_MAX])
{
	_cleanup_(base_free) uint8_t *text = NULL;
	char name[KEYS_PLACE_MAX + 16], zone[WIRE_NAME_TEXT_MAX];
	size_t len = 0;
	snprintf(name, sizeof name, "%s/" STATE_FILE, folder->path);
	int rc = folder_read(folder->fd, STATE_FILE, KEYS_STATE_BYTES_MAX, &text, &len);
	if (rc == BANYAN_ENOENT && open->write && open->apex != NULL) {
		keys_policy_init(&folder->policy);
		keys_state_init(&folder->state, open->apex);
	} else if (rc == BANYAN_ENOENT) {
		return keys_wrong(
			why, rc,
			"%s: there are no keys here yet: `banyan publish` makes those of its edition; without one, "
			"`banyan key generate --zone NAME` makes some, or, if the KSK is to be offline, `banyan key "
			"policy "
			"--zone NAME offline=yes` here and `ksk-only=yes` in the folder of the KSK",
			folder->path);
	} else if (rc != 0) {
		return keys_wrong(why, rc, "%s: %s", name, error_text(rc));
	} else {
		rc = keys_state_read(name, (const char *)text, len, &folder->state, &folder->policy, why);
		if (rc != 0)
			return rc;
	}
	if (open->apex != NULL && !wire_name_equal(open->apex, folder->state.apex))
		return keys_wrong(why, BANYAN_EINVAL, "%s: these are the keys of %s: each zone has a folder of its own",
				  folder->path, wire_name_text(folder->state.apex, zone));
	if (open->policy == NULL)
		return open->mend ? 0 : keys_policy_check(&folder->policy, why);
	rc = keys_check(&folder->state, open->policy, &folder->policy, why);
	if (rc == 0)
		folder->policy = *open->policy;
	return rc;
}

int keys_open(const struct keys_open *open, struct keys_folder **ret, char why[KEYS_WHY_MAX])
{
	struct keys_folder *folder = calloc(1, sizeof *folder);
	if (folder == NULL)
		return keys_wrong(why, BANYAN_ENOMEM, "%s: out of memory", open->path);
	folder->fd = folder->lock = -1;
	folder->write = open->write;
	int rc = strlen(open->path) < sizeof folder->path ? 0 : BANYAN_EINVAL;
	if (rc == 0) {
		memcpy(folder->path, open->path, strlen(open->path) + 1);
		folder->fd = folder_open(open->path, open->write && open->apex != NULL, 0700);
		rc = folder->fd < 0 ? folder->fd : 0;
	}
	if (rc != 0)
		keys_wrong(why, rc, "%s: the folder of keys cannot be opened: %s", open->path, error_text(rc));
	if (rc == 0)
		rc = check_folder(folder, why);
	if (rc == 0 && open->write)
		rc = take_lock(folder, why);
	if (rc == 0)
		rc = load_state(folder, open, why);
	if (rc != 0) {
		keys_close(folder);
		return rc;
	}
	*ret = folder;
	return 0;
}

void keys_close(struct keys_folder *folder)
{
	if (folder == NULL)
		return;
	for (size_t i = 0; i < folder->n_loaded; i++) {
		make_key_free(folder->loaded[i].revoked);
		make_key_free(folder->loaded[i].key);
	}
	for (size_t i = 0; i < folder->n_other; i++)
		make_key_free(folder->other[i]);
	keys_responses_drop(folder);
	buffer_done(&folder->ready_bytes);
	if (folder->lock >= 0)
		close(folder->lock);
	if (folder->fd >= 0)
		close(folder->fd);
	free(folder);
}

int keys_save_look(struct keys_folder *folder, bool *ret_seen, char why[KEYS_WHY_MAX])
{
	_cleanup_(buffer_done) struct buffer text = {0};
	bool seen = false;
	if (!folder->write) {
		*ret_seen = false;
		return keys_wrong(why, BANYAN_EINVAL, "%s: it was opened to be looked at", folder->path);
	}
	int rc = keys_state_write(&folder->state, &folder->policy, &text);
	if (rc == 0)
		rc = folder_replace(folder->fd, STATE_FILE, text.data, text.len, 0600, &seen);
	*ret_seen = seen;
	if (rc == 0)
		return 0;
	folder->failed = KEYS_FAILED_DISK;
	return keys_wrong(why, rc, "%s/" STATE_FILE " cannot be written: %s%s", folder->path, error_text(rc),
			  rc == BANYAN_EIO ? file_advice(errno) : "");
}

int keys_save(struct keys_folder *folder, char why[KEYS_WHY_MAX])
{
	bool seen;
	return keys_save_look(folder, &seen, why);
}
