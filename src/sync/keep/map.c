// SPDX-License-Identifier: GPL-3.0-or-later
/* The files of a generation as memory: read if they are small, mapped if they are large, the checksum right. */
#include "private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file of exactly this length; BANYAN_EMALF: it has another one. */
static int file_open_kept(const struct keep *keep, uint64_t number, const char *kind, const struct keep_file *file)
{
	char name[KEEP_NAME_MAX];
	struct stat st;
	keep_name(number, kind, name);
	int fd = openat(keep->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return error_from_errno(errno);
	if (fstat(fd, &st) == 0 && (uint64_t)st.st_size == file->len)
		return fd;
	close(fd);
	return BANYAN_EMALF;
}

static int fill(int fd, uint8_t *data, size_t len)
{
	for (size_t have = 0; have < len;) {
		ssize_t n = pread(fd, data + have, len - have, (off_t)have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_from_errno(errno);
		if (n == 0)
			return BANYAN_EMALF;
		have += (size_t)n;
	}
	return 0;
}

static int copy_in(int fd, const struct keep_file *file, struct region *memory)
{
	uint8_t sum[KEEP_SUM_LEN];
	size_t len = (size_t)file->len;
	int rc = region_reserve(memory, len);
	memory->huge = true;
	if (rc == 0)
		rc = region_grow(memory, len);
	if (rc == 0)
		rc = fill(fd, memory->data, len);
	if (rc == 0)
		rc = keep_sum(memory->data, len, sum);
	if (rc == 0 && memcmp(sum, file->sum, sizeof sum) != 0)
		rc = BANYAN_EMALF;
	if (rc == 0)
		(void)mprotect(memory->data, memory->usable, PROT_READ);
	return rc;
}

static int map_in(int fd, const struct keep_file *file, struct region *memory)
{
	void *data = mmap(NULL, (size_t)file->len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return error_from_errno(errno);
	*memory = (struct region){.data = data, .usable = (size_t)file->len, .reserved = (size_t)file->len};
	return 0;
}

static int part_map(struct keep *keep, struct keep_generation *g, const char *kind, const struct keep_file *file,
		    struct region *memory)
{
	if (file->len > SIZE_MAX)
		return BANYAN_ENOMEM;
	int fd = file_open_kept(keep, g->about.number, kind, file);
	if (fd < 0)
		return fd;
	int rc = file->len <= KEEP_COPY_MAX ? copy_in(fd, file, memory) : map_in(fd, file, memory);
	close(fd);
	return rc;
}

static int parts_map(struct keep *keep, struct keep_generation *g, unsigned parts, struct keep_mapped *mapped)
{
	int rc = 0;
	bool large = ((parts & KEEP_WIRE) && g->wire.len > KEEP_COPY_MAX) ||
		     ((parts & KEEP_IMAGE) && g->image.len > KEEP_COPY_MAX);
	if (large) /* what is copied is checked on the way */
		rc = keep_verify(keep, g);
	if (rc == 0 && (parts & KEEP_WIRE)) {
		rc = part_map(keep, g, "wire", &g->wire, &mapped->memory[0]);
		mapped->wire = mapped->memory[0].data;
		mapped->wire_len = (size_t)g->wire.len;
	}
	if (rc == 0 && (parts & KEEP_IMAGE) && g->image.there && g->image.len > 0) {
		rc = part_map(keep, g, "image", &g->image, &mapped->memory[1]);
		mapped->image = mapped->memory[1].data;
		mapped->image_len = (size_t)g->image.len;
	}
	return rc;
}

/* Errors that say something about the file and not about this process. */
static bool is_damage(int rc)
{
	return rc == BANYAN_EMALF || rc == BANYAN_EIO || rc == BANYAN_ENOENT;
}

static int damaged(struct keep *keep, struct keep_generation *g, int rc, char why[KEEP_WHY_MAX])
{
	uint64_t number = g->about.number;
	if (is_damage(rc) && g->damage[0] == '\0') {
		g->verified = false;
		if (keep_verify(keep, g) == 0) /* finds the file, and the words for it */
			log_warning(KEEP_STATION, "%s: generation %llu could not be read at first", keep->path,
				    (unsigned long long)number);
	}
	int refusal = g->damage[0] != '\0' ? BANYAN_EMALF : rc;
	(void)keep_refuse(why, rc, "%s: generation %llu cannot be used: %s", keep->path, (unsigned long long)number,
			  g->damage[0] != '\0' ? g->damage : error_text(rc));
	if (g->damage[0] != '\0' && keep->current == number && keep_settle(keep, number) < 0)
		keep->current = 0;
	return refusal;
}

static struct keep_generation *usable(struct keep *keep, uint64_t number, int *ret_rc, char why[KEEP_WHY_MAX])
{
	struct keep_generation *g = keep_find(keep, number);
	if (g != NULL && g->damage[0] == '\0')
		return g;
	*ret_rc = keep_refuse(why, g == NULL ? BANYAN_ENOENT : BANYAN_EMALF,
			      g == NULL ? "%s: there is no generation %llu" : "%s: generation %llu is damaged",
			      keep->path, (unsigned long long)number);
	return NULL;
}

int keep_map(struct keep *keep, uint64_t number, unsigned parts, struct keep_mapped *ret, char why[KEEP_WHY_MAX])
{
	struct keep_mapped mapped = {0};
	int rc = 0;
	struct keep_generation *g = usable(keep, number, &rc, why);
	if (g == NULL)
		return rc;
	rc = parts_map(keep, g, parts, &mapped);
	if (rc < 0) {
		keep_unmap(&mapped);
		return damaged(keep, g, rc, why);
	}
	*ret = mapped;
	return 0;
}

void keep_unmap(struct keep_mapped *mapped)
{
	region_done(&mapped->memory[0]);
	region_done(&mapped->memory[1]);
	*mapped = (struct keep_mapped){0};
}

int keep_open_wire(struct keep *keep, uint64_t number, char why[KEEP_WHY_MAX])
{
	int rc = 0;
	struct keep_generation *g = usable(keep, number, &rc, why);
	if (g == NULL)
		return rc;
	g->verified = false;
	rc = keep_verify(keep, g);
	int fd = rc == 0 ? file_open_kept(keep, number, "wire", &g->wire) : rc;
	return fd >= 0 ? fd : damaged(keep, g, fd, why);
}
