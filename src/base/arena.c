// SPDX-License-Identifier: GPL-3.0-or-later
/* Memory by lifetime: arenas and growing buffers. */
#include "base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_LARGE_CHUNK ((size_t)64 << 20) /* chunks of a large arena grow to this */
#define ARENA_MAPPED_FROM ((size_t)1 << 20)  /* and come from the system from this size on */

struct arena_chunk {
	struct arena_chunk *older;
	size_t size;   /* bytes behind this header */
	size_t mapped; /* bytes that came from the system; 0 = malloc() */
	_Alignas(16) uint8_t data[];
};

static struct arena_chunk *chunk_new(const struct arena *arena, size_t size)
{
	struct arena_chunk *chunk;
	struct region region;
	size_t mapped = 0;
	if (arena->large && size >= ARENA_MAPPED_FROM) {
		if (region_reserve(&region, sizeof *chunk + size) < 0)
			return NULL;
		if (region_grow(&region, sizeof *chunk + size) < 0) {
			region_done(&region);
			return NULL;
		}
		chunk = (struct arena_chunk *)region.data;
		mapped = region.reserved;
	} else {
		chunk = malloc(sizeof *chunk + size);
		if (chunk == NULL)
			return NULL;
	}
	chunk->size = size;
	chunk->mapped = mapped;
	return chunk;
}

static void chunk_free(struct arena_chunk *chunk)
{
	if (chunk->mapped > 0)
		region_done(&(struct region){.data = (uint8_t *)chunk, .reserved = chunk->mapped});
	else
		free(chunk);
}

/* The size of the next chunk, with its header. */
static size_t chunk_size(const struct arena *arena)
{
	size_t size = arena->large ? arena->total / 4 : 0;
	return size < ARENA_CHUNK_SIZE ? ARENA_CHUNK_SIZE : size > ARENA_LARGE_CHUNK ? ARENA_LARGE_CHUNK : size;
}

static struct arena_chunk *arena_grow(struct arena *arena, size_t need)
{
	size_t usual = chunk_size(arena) - sizeof(struct arena_chunk), size = need > usual ? need : usual;
	if (arena->limit != 0 && arena->total + size > arena->limit) {
		/* the last chunk may be a small one, so that the limit can be used to its end */
		size = need;
		if (arena->total + size > arena->limit)
			return NULL;
	}
	struct arena_chunk *chunk = chunk_new(arena, size);
	if (chunk == NULL)
		return NULL;
	chunk->older = arena->chunk;
	arena->chunk = chunk;
	arena->used = 0;
	arena->total += size;
	return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + 15) & ~(size_t)15;
	struct arena_chunk *chunk = arena->chunk;
	if (chunk == NULL || chunk->size - arena->used < size) {
		chunk = arena_grow(arena, size);
		if (chunk == NULL)
			return NULL;
	}
	void *p = chunk->data + arena->used;
	arena->used += size;
	return p;
}

void *arena_alloc0(struct arena *arena, size_t size)
{
	void *p = arena_alloc(arena, size);
	if (p != NULL)
		memset(p, 0, size);
	return p;
}

void *arena_dup(struct arena *arena, const void *data, size_t size)
{
	void *p = arena_alloc(arena, size);
	if (p != NULL && size > 0)
		memcpy(p, data, size);
	return p;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		return NULL;
	char *text = arena_alloc(arena, (size_t)len + 1);
	if (text == NULL)
		return NULL;
	va_start(args, format);
	vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return text;
}

static void chunk_free_all(struct arena_chunk *chunk)
{
	while (chunk != NULL) {
		struct arena_chunk *older = chunk->older;
		chunk_free(chunk);
		chunk = older;
	}
}

void arena_reset(struct arena *arena)
{
	struct arena_chunk *chunk = arena->chunk;
	if (chunk == NULL)
		return;
	chunk_free_all(chunk->older);
	chunk->older = NULL;
	arena->used = 0;
	arena->total = chunk->size;
}

void arena_done(struct arena *arena)
{
	chunk_free_all(arena->chunk);
	arena->chunk = NULL;
	arena->used = arena->total = 0;
}

int buffer_reserve(struct buffer *buffer, size_t more)
{
	if (more > SIZE_MAX / 4 || buffer->len > SIZE_MAX / 4)
		return BANYAN_ENOMEM;
	if (buffer->cap - buffer->len >= more)
		return 0;
	size_t cap = buffer->cap < 256 ? 256 : buffer->cap;
	while (cap - buffer->len < more)
		cap *= 2;
	uint8_t *data = realloc(buffer->data, cap);
	if (data == NULL)
		return BANYAN_ENOMEM;
	buffer->data = data;
	buffer->cap = cap;
	return 0;
}

int buffer_append(struct buffer *buffer, const void *data, size_t len)
{
	int rc = buffer_reserve(buffer, len);
	if (rc < 0)
		return rc;
	if (len > 0)
		memcpy(buffer->data + buffer->len, data, len);
	buffer->len += len;
	return 0;
}

int buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		return BANYAN_EINVAL;
	int rc = buffer_reserve(buffer, (size_t)len + 1);
	if (rc < 0)
		return rc;
	va_start(args, format);
	vsnprintf((char *)buffer->data + buffer->len, (size_t)len + 1, format, args);
	va_end(args);
	buffer->len += (size_t)len;
	return 0;
}

void buffer_done(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){0};
}

void base_free(void *pointer_to_pointer)
{
	free(*(void **)pointer_to_pointer);
}
