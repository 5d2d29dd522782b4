// SPDX-License-Identifier: GPL-3.0-or-later
/* Private halves: made, found again, taken from elsewhere. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"

#define GENERATE_TRIES_MAX 16 /* tags meet once in thousands: more is a broken random number generator */

static void secret_done(struct buffer *buffer)
{
	if (buffer->data != NULL)
		OPENSSL_cleanse(buffer->data, buffer->cap);
	buffer_done(buffer);
}

uint16_t keys_flags(const struct keys_key *key)
{
	return wire_get16(key->rdata);
}

static uint16_t make_flags(enum keys_role role)
{
	return role == KEYS_ZSK ? MAKE_FLAGS_ZSK : MAKE_FLAGS_KSK;
}

/* ---- making ---- */

/* A new file: never one in the place of another. */
static int write_secret(struct keys_folder *folder, const char *name, const struct buffer *pem, char why[KEYS_WHY_MAX])
{
	int fd = openat(folder->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = fd < 0 ? error_from_errno(errno) : fchmod(fd, 0600) < 0 ? error_from_errno(errno) : 0;
	if (rc == 0)
		rc = file_write_flush(fd, pem->data, pem->len);
	int err = errno;
	if (fd >= 0 && close(fd) < 0 && rc == 0) {
		rc = error_from_errno(errno);
		err = errno;
	}
	if (rc == 0) {
		rc = folder_flush(folder->fd);
		err = errno;
	}
	if (rc != 0 && rc != BANYAN_EEXIST && fd >= 0)
		(void)unlinkat(folder->fd, name, 0);
	if (rc == 0)
		return 0;
	folder->failed = KEYS_FAILED_DISK;
	return keys_wrong(why, rc, "%s/%s cannot be written: %s%s", folder->path, name, error_text(rc),
			  rc == BANYAN_EIO ? file_advice(err) : "");
}

/* It has been in this phase for long enough that all caches have it: whoever takes a running zone over knows when it may not be so. */
static void set_phase(const struct keys_policy *policy, struct keys_key *key, enum keys_phase phase, int64_t now)
{
	if (phase == KEYS_GENERATED)
		return;
	for (int i = KEYS_PUBLISHED; i <= (int)phase; i++)
		key->at[i] = now;
	key->way = key->leave = keys_way_of(policy, key->role);
	key->phase = (uint8_t)phase;
	key->since = phase == KEYS_PUBLISHED ? 0 : now; /* published ones go through their interval */
	if (keys_for_keys(key) && (phase == KEYS_ACTIVE || phase == KEYS_RETIRED))
		key->ds_seen = now;
}

/* A key that is new in the state. */
struct adding {
	enum keys_role role;
	enum keys_phase phase;
	const uint8_t *rdata;
	size_t len;
	const char *place;
	int64_t now;
};

/* Adds the key and saves. *ret_there tells, on failure too, whether the state on the disk has it; if not, it is as before. */
static int add_saved(struct keys_folder *folder, const struct adding *adding, struct keys_key **ret, bool *ret_there,
		     char why[KEYS_WHY_MAX])
{
	struct keys_key *key;
	bool there = false;
	int rc = keys_add(&folder->state, adding->role, adding->rdata, adding->len, adding->place, adding->now, &key);
	*ret_there = false;
	if (rc == BANYAN_ELIMIT)
		return keys_wrong(why, rc, "%s: %d keys are the most; let rolls end first", folder->path, KEYS_MAX);
	if (rc == BANYAN_EEXIST)
		return keys_wrong(why, rc, "%s: a key with algorithm %u and tag %u is there already", folder->path,
				  adding->rdata[3], dnssec_key_tag(adding->rdata, adding->len));
	if (rc != 0)
		return keys_wrong(why, rc, "%s: this is no key for this folder", folder->path);
	set_phase(&folder->policy, key, adding->phase, adding->now);
	rc = keys_save_look(folder, &there, why);
	*ret_there = there;
	if (rc == 0)
		*ret = key;
	else if (!there)
		folder->state.n--;
	return rc;
}

/* Is there room for it, and is its tag free? Before anything is written. */
static int probe(struct keys_folder *folder, const struct make_key *key, enum keys_role role, const char *name)
{
	size_t len;
	const uint8_t *rdata = make_key_rdata(key, &len);
	struct keys_key *added;
	int rc = keys_add(&folder->state, role, rdata, len, name, 0, &added);
	if (rc == 0)
		folder->state.n--;
	return rc;
}

static int keep_in_file(struct keys_folder *folder, const struct make_key *key, enum keys_role role,
			enum keys_phase phase, int64_t now, struct keys_key **ret, char why[KEYS_WHY_MAX])
{
	_cleanup_(secret_done) struct buffer pem = {0};
	char name[KEYS_PLACE_MAX];
	struct adding adding = {.role = role, .phase = phase, .place = name, .now = now};
	bool there;
	adding.rdata = make_key_rdata(key, &adding.len);
	keys_file_name(folder, make_key_algorithm(key), make_key_tag(key), name);
	int rc = probe(folder, key, role, name);
	if (rc == BANYAN_EEXIST)
		return keys_wrong(why, rc, "%s: a key with algorithm %u and tag %u is there already", folder->path,
				  make_key_algorithm(key), make_key_tag(key));
	if (rc == 0) {
		rc = buffer_reserve(&pem, MAKE_KEY_PEM_MAX); /* so that no copy stays behind when it grows */
		rc = rc != 0 ? rc : make_key_to_pem(key, &pem);
	}
	if (rc != 0)
		return keys_wrong(why, rc, "%s: the key cannot be kept: %s", folder->path, error_text(rc));
	rc = write_secret(folder, name, &pem, why);
	if (rc != 0)
		return rc;
	rc = add_saved(folder, &adding, ret, &there, why);
	if (rc != 0 && !there)
		(void)unlinkat(folder->fd, name, 0);
	return rc;
}

static int generate_token(struct keys_folder *folder, enum keys_role role, uint8_t algorithm, unsigned bits,
			  const char *token, int64_t now, struct keys_key **ret, char why[KEYS_WHY_MAX])
{
	char label[128], place[KEYS_PLACE_MAX], zone[WIRE_NAME_TEXT_MAX], words[KEYS_WHY_MAX];
	uint8_t rdata[KEYS_RDATA_MAX];
	struct adding adding = {.role = role, .rdata = rdata, .place = place, .now = now};
	struct random random;
	bool there = false, made = false;
	random_init_kernel(&random);
	snprintf(label, sizeof label, "%.60s %s %08x", wire_name_text(folder->state.apex, zone), keys_role_text(role),
		 (unsigned)random_u64(&random));
	int rc = keys_token_place(token, place, why);
	if (rc == 0)
		rc = keys_making_note(folder, place, why);
	if (rc != 0)
		return rc;
	rc = keys_token_generate(token, place, algorithm, bits, label, make_flags(role), &made, rdata, &adding.len,
				 why);
	if (rc == BANYAN_EIO)
		folder->failed = KEYS_FAILED_TOKEN;
	if (rc == 0)
		rc = add_saved(folder, &adding, ret, &there, why);
	if (there || !made || keys_token_remove(place, words) == 0) /* what is not known to be away stays noted */
		keys_making_strike(folder, place);
	return rc;
}

int keys_generate(struct keys_folder *folder, enum keys_role role, uint8_t algorithm, const char *token, int64_t now,
		  struct keys_key **ret, char why[KEYS_WHY_MAX])
{
	bool rsa = algorithm == DNSSEC_RSASHA256 || algorithm == DNSSEC_RSASHA512;
	unsigned bits = !rsa ? 0 : role == KEYS_ZSK ? folder->policy.zsk_bits : folder->policy.ksk_bits;
	int rc = BANYAN_EEXIST;
	if (!folder->write)
		return keys_wrong(why, BANYAN_EINVAL, "%s: it was opened to be looked at", folder->path);
	for (int i = 0; i < GENERATE_TRIES_MAX && rc == BANYAN_EEXIST; i++) {
		struct make_key *key;
		if (token != NULL) {
			rc = generate_token(folder, role, algorithm, bits, token, now, ret, why);
			continue;
		}
		rc = make_key_generate(algorithm, bits, make_flags(role), &key);
		if (rc != 0)
			return keys_wrong(why, rc, "a key of algorithm %u with %u bits cannot be made: %s", algorithm,
					  bits, error_text(rc));
		rc = keep_in_file(folder, key, role, KEYS_GENERATED, now, ret, why);
		make_key_free(key);
	}
	return rc;
}

/* ---- taking ---- */

/* One key of a role is active, and all that are in the zone have one algorithm: any other comes by an algorithm roll. */
static int may_be(struct keys_folder *folder, uint8_t algorithm, enum keys_role role, enum keys_phase phase,
		  char why[KEYS_WHY_MAX])
{
	if (phase == KEYS_GENERATED)
		return 0;
	for (size_t i = 0; i < folder->state.n; i++) {
		const struct keys_key *key = &folder->state.key[i];
		bool active = key->phase == KEYS_ACTIVE && phase == KEYS_ACTIVE;
		if (active && (key->role == role || key->role == KEYS_CSK || role == KEYS_CSK))
			return keys_wrong(
				why, BANYAN_EINVAL,
				"%s: the %s %u is active already: bring the other one in as `--state generated` and "
				"roll to it",
				folder->path, keys_role_text(key->role), key->tag);
		if (keys_live(key) && key->algorithm != algorithm)
			return keys_wrong(
				why, BANYAN_EINVAL,
				"%s: the %s %u has algorithm %u: a zone is signed whole with each of its algorithms "
				"(RFC 4035 section 2.2)",
				folder->path, keys_role_text(key->role), key->tag, key->algorithm);
	}
	for (size_t i = 0; i < folder->state.n_foreign; i++)
		if (folder->state.foreign[i].rdata[3] != algorithm)
			return keys_wrong(why, BANYAN_EINVAL,
					  "%s: the other signers' keys have algorithm %u: all must have the same "
					  "(RFC 8901 section 4)",
					  folder->path, folder->state.foreign[i].rdata[3]);
	return 0;
}

int keys_import(struct keys_folder *folder, const struct make_key *key, enum keys_role role, enum keys_phase phase,
		int64_t now, struct keys_key **ret, char why[KEYS_WHY_MAX])
{
	int rc = may_be(folder, make_key_algorithm(key), role, phase, why);
	return rc != 0 ? rc : keep_in_file(folder, key, role, phase, now, ret, why);
}

int keys_import_token(struct keys_folder *folder, const char *uri, uint8_t algorithm, enum keys_role role,
		      enum keys_phase phase, int64_t now, struct keys_key **ret, char why[KEYS_WHY_MAX])
{
	uint8_t rdata[KEYS_RDATA_MAX];
	struct adding adding = {.role = role, .phase = phase, .rdata = rdata, .place = uri, .now = now};
	bool there;
	int rc = may_be(folder, algorithm, role, phase, why);
	if (rc == 0)
		rc = keys_token_public(uri, algorithm, make_flags(role), rdata, &adding.len, why);
	return rc != 0 ? rc : add_saved(folder, &adding, ret, &there, why);
}

/* ---- finding ---- */

static int open_secret(const struct keys_folder *folder, const char *name, struct stat *ret, char why[KEYS_WHY_MAX])
{
	int fd = strchr(name, '/') != NULL ? -1
					   : openat(folder->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int err = strchr(name, '/') != NULL ? EINVAL : errno;
	if (fd < 0 || fstat(fd, ret) < 0) {
		if (fd >= 0)
			close(fd);
		return keys_wrong(why, error_from_errno(err),
				  "%s/%s: the private key is not to be had: %s; bring it back "
				  "from a backup, or roll to another key",
				  folder->path, name, strerror(err));
	}
	const char *trouble = !S_ISREG(ret->st_mode)      ? "this is no file"
			      : (ret->st_mode & 077) != 0 ? "others may read this private key"
			      : ret->st_uid != geteuid() && ret->st_uid != 0 && geteuid() ? "this key is another user's"
											  : NULL;
	if (trouble == NULL)
		return fd;
	close(fd);
	return keys_wrong(why, BANYAN_EACCES,
			  "%s/%s: %s (mode %04o): chmod 600 it; if others could have read it, roll to a new "
			  "key",
			  folder->path, name, trouble, (unsigned)ret->st_mode & 07777);
}

static int read_secret(int fd, const struct stat *st, struct buffer *out)
{
	if (st->st_size <= 0 || st->st_size > MAKE_KEY_PEM_MAX)
		return BANYAN_EMALF;
	int rc = buffer_reserve(out, (size_t)st->st_size + 1);
	while (rc == 0 && out->len < (size_t)st->st_size) {
		ssize_t n = read(fd, out->data + out->len, (size_t)st->st_size - out->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return BANYAN_EIO;
		out->len += (size_t)n;
	}
	return rc;
}

/* Is it the key of which the state says so? */
static int check_public(const struct keys_folder *folder, const struct keys_key *key, const struct make_key *made,
			char why[KEYS_WHY_MAX])
{
	size_t len;
	const uint8_t *rdata = make_key_rdata(made, &len);
	if (len == key->rdata_len && memcmp(rdata, key->rdata, len) == 0)
		return 0;
	return keys_wrong(why, BANYAN_EINVAL, "%s/%s: this is another key than the one with the tag %u", folder->path,
			  key->place, key->tag);
}

static int load_file(struct keys_folder *folder, const struct keys_key *key, struct keys_loaded *loaded,
		     char why[KEYS_WHY_MAX])
{
	_cleanup_(secret_done) struct buffer pem = {0};
	struct make_key *made;
	struct stat st = {0};
	int fd = open_secret(folder, key->place, &st, why);
	if (fd < 0)
		return fd;
	uint64_t mark[4] = {(uint64_t)st.st_dev, st.st_ino, (uint64_t)st.st_size,
			    (uint64_t)st.st_ctim.tv_sec * 1000000000u + (uint64_t)st.st_ctim.tv_nsec};
	if (loaded->key != NULL && memcmp(mark, loaded->mark, sizeof mark) == 0) {
		close(fd);
		return 0;
	}
	int rc = read_secret(fd, &st, &pem);
	close(fd);
	if (rc == 0)
		rc = make_key_from_pem((const char *)pem.data, pem.len, key->algorithm, keys_flags(key), &made);
	if (rc != 0)
		return keys_wrong(why, rc, "%s/%s: there is no private key of algorithm %u in it: %s", folder->path,
				  key->place, key->algorithm, error_text(rc));
	rc = check_public(folder, key, made, why);
	if (rc != 0) {
		make_key_free(made);
		return rc;
	}
	make_key_free(loaded->key);
	make_key_free(loaded->revoked);
	loaded->key = made;
	loaded->revoked = NULL;
	memcpy(loaded->mark, mark, sizeof mark);
	return 0;
}

static int load_token(struct keys_folder *folder, const struct keys_key *key, struct keys_loaded *loaded,
		      char why[KEYS_WHY_MAX])
{
	struct make_key *made;
	if (loaded->key != NULL && folder->trouble[0] == '\0')
		return 0;
	int rc = keys_token_open(key->place, key->rdata, key->rdata_len, folder->trouble, &made, why);
	if (rc == BANYAN_EIO)
		folder->failed = KEYS_FAILED_TOKEN;
	if (rc != 0)
		return rc;
	make_key_free(loaded->key);
	make_key_free(loaded->revoked);
	loaded->key = made;
	loaded->revoked = NULL;
	return 0;
}

static struct keys_loaded *find_loaded(struct keys_folder *folder, const struct keys_key *key)
{
	for (size_t i = 0; i < folder->n_loaded; i++)
		if (folder->loaded[i].algorithm == key->algorithm && folder->loaded[i].tag == key->tag)
			return &folder->loaded[i];
	if (folder->n_loaded == KEYS_MAX) { /* of keys that went: the first makes room */
		make_key_free(folder->loaded[0].key);
		make_key_free(folder->loaded[0].revoked);
		memmove(&folder->loaded[0], &folder->loaded[1], (KEYS_MAX - 1) * sizeof folder->loaded[0]);
		folder->n_loaded--;
	}
	struct keys_loaded *loaded = &folder->loaded[folder->n_loaded++];
	*loaded = (struct keys_loaded){.algorithm = key->algorithm, .tag = key->tag};
	return loaded;
}

int keys_private(struct keys_folder *folder, const struct keys_key *key, struct make_key **ret, char why[KEYS_WHY_MAX])
{
	struct keys_loaded *loaded = find_loaded(folder, key);
	int rc;
	if (key->place[0] == '\0')
		return keys_wrong(why, BANYAN_ENOENT, "%s: the private half of key %u is not here", folder->path,
				  key->tag);
	if (keys_place_token(key->place))
		rc = load_token(folder, key, loaded, why);
	else
		rc = load_file(folder, key, loaded, why);
	if (rc != 0)
		return rc;
	if (key->phase == KEYS_REVOKED && loaded->revoked == NULL) {
		rc = make_key_revoked(loaded->key, &loaded->revoked);
		if (rc != 0)
			return keys_wrong(why, rc, "out of memory");
	}
	*ret = key->phase == KEYS_REVOKED ? loaded->revoked : loaded->key;
	return 0;
}
