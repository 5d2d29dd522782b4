// SPDX-License-Identifier: GPL-3.0-or-later
/* What tests of the cache share. */
#pragma once

#include "resolve/cache.h"

#include "../test.h"

#define MIB ((size_t)1 << 20)

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1 /* resident memory is not ours alone */
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

static inline struct resolve_cache *cache_of(size_t bytes)
{
	struct random random;
	struct resolve_cache *cache;
	random_init_seed(&random, 5);
	assert_int_equal(resolve_cache_new_random(bytes, &random, &cache), 0);
	return cache;
}
