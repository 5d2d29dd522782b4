// SPDX-License-Identifier: GPL-3.0-or-later
/* Large memory straight from the system: address space is reserved at once, memory comes as it is used, and goes back whole. Nothing is
 * moved while it grows, and no other allocation stands in the way when it goes. */
#include "base.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE ((size_t)2 << 20)  /* on x86-64 and arm64; elsewhere the advice does neither good nor harm */
#define HUGE_FROM ((size_t)8 << 20)  /* used bytes from which on huge pages are asked for: a small zone stays small */
#define GROW_STEP ((size_t)32 << 20) /* bytes made usable at a time, at most */

static size_t round_up(size_t size, size_t unit)
{
	return (size + unit - 1) / unit * unit;
}

/* Whole huge pages between two places get the advice; that it is followed is not needed. */
static void advise(const struct region *region, size_t from, size_t to)
{
	uintptr_t base = (uintptr_t)region->data;
	uintptr_t start = round_up(base + from, HUGE_PAGE), end = (base + to) / HUGE_PAGE * HUGE_PAGE;
	if (start < end)
		(void)madvise(region->data + (start - base), end - start, MADV_HUGEPAGE);
}

int region_reserve(struct region *region, size_t most)
{
	size_t size = round_up(most, (size_t)sysconf(_SC_PAGESIZE));
	if (most == 0 || size < most)
		return BANYAN_EINVAL;
	void *data = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (data == MAP_FAILED)
		return BANYAN_ENOMEM;
	*region = (struct region){.data = data, .reserved = size};
	return 0;
}

/* What did not fit moves to twice the room. */
static int move(struct region *region, size_t need)
{
	struct region larger = {0};
	int rc = region_reserve(&larger, 2 * need);
	larger.huge = region->huge;
	if (rc == 0)
		rc = region_grow(&larger, need);
	if (rc < 0) {
		region_done(&larger);
		return rc;
	}
	memcpy(larger.data, region->data, region->usable);
	region_done(region);
	*region = larger;
	return 0;
}

int region_grow(struct region *region, size_t need)
{
	if (need <= region->usable)
		return 0;
	if (need > region->reserved)
		return need > SIZE_MAX / 4 ? BANYAN_ENOMEM : move(region, need);
	size_t step = need / 4 < GROW_STEP ? need / 4 : GROW_STEP;
	size_t usable = round_up(need + step, (size_t)sysconf(_SC_PAGESIZE));
	if (usable > region->reserved)
		usable = region->reserved;
	if (mprotect(region->data, usable, PROT_READ | PROT_WRITE) < 0)
		return BANYAN_ENOMEM;
	if (region->huge && usable >= HUGE_FROM)
		advise(region, region->usable < HUGE_FROM ? 0 : region->usable / HUGE_PAGE * HUGE_PAGE, usable);
	region->usable = usable;
	return 0;
}

void region_trim(struct region *region, size_t len)
{
	size_t keep = round_up(len, (size_t)sysconf(_SC_PAGESIZE));
	if (len == 0 || keep >= region->reserved)
		return;
	(void)munmap(region->data + keep, region->reserved - keep);
	region->reserved = keep;
	if (region->usable > keep)
		region->usable = keep;
}

void region_done(struct region *region)
{
	if (region->reserved > 0)
		(void)munmap(region->data, region->reserved);
	*region = (struct region){0};
}
