// SPDX-License-Identifier: GPL-3.0-or-later
/* Large zones are read by two threads: one scans the text, the other keeps the records; batches of records go from one to the other. */
#include "private.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_BYTES  ((size_t)256 << 10) /* some thousand records: handing over costs nothing beside them */
#define BATCHES      4                   /* under way: neither thread waits for every hiccup of the other */
#define RECORD_BYTES (sizeof(struct item) + WIRE_NAME_MAX + UINT16_MAX)

/* Followed by the owner and the data. */
struct item {
	uint32_t ttl, line;
	uint16_t type, len;
	uint8_t owner_len;
};

struct batch {
	size_t len;
	uint8_t data[BATCH_BYTES];
};

struct zone_pipe {
	struct zone_builder *builder;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t filled, emptied; /* batches, since the start */
	bool ended;
	int error; /* what went wrong in the builder, and with which line's record */
	unsigned long line;
	struct batch batch[BATCHES];
};

static int batch_build(struct zone_pipe *pipe, const struct batch *batch, unsigned long *ret_line)
{
	struct item item;
	for (size_t at = 0; at < batch->len; at += sizeof item + item.owner_len + item.len) {
		memcpy(&item, batch->data + at, sizeof item);
		const uint8_t *owner = batch->data + at + sizeof item;
		int rc = zone_builder_add(pipe->builder, owner, item.owner_len, item.type, item.ttl,
					  owner + item.owner_len, item.len, item.line);
		if (rc < 0) {
			*ret_line = item.line;
			return rc;
		}
	}
	return 0;
}

static void *builder_run(void *arg)
{
	struct zone_pipe *pipe = arg;
	int rc = 0;
	pthread_mutex_lock(&pipe->lock);
	for (;;) {
		while (pipe->filled == pipe->emptied && !pipe->ended)
			pthread_cond_wait(&pipe->changed, &pipe->lock);
		if (pipe->filled == pipe->emptied)
			break;
		const struct batch *batch = &pipe->batch[pipe->emptied % BATCHES];
		unsigned long line = 0;
		pthread_mutex_unlock(&pipe->lock);
		if (rc == 0) /* after an error what comes is only taken away */
			rc = batch_build(pipe, batch, &line);
		pthread_mutex_lock(&pipe->lock);
		if (rc < 0 && pipe->error == 0) {
			pipe->error = rc;
			pipe->line = line;
		}
		pipe->emptied++;
		pthread_cond_signal(&pipe->changed);
	}
	pthread_mutex_unlock(&pipe->lock);
	return NULL;
}

int zone_pipe_start(struct zone_builder *builder, struct zone_pipe **ret)
{
	struct zone_pipe *pipe = malloc(sizeof *pipe);
	if (pipe == NULL)
		return BANYAN_ENOMEM;
	pipe->builder = builder;
	pipe->filled = pipe->emptied = 0;
	pipe->ended = false;
	pipe->error = 0;
	pipe->line = 0;
	pipe->batch[0].len = 0;
	pthread_mutex_init(&pipe->lock, NULL);
	pthread_cond_init(&pipe->changed, NULL);
	int err = pthread_create(&pipe->thread, NULL, builder_run, pipe);
	if (err != 0) {
		free(pipe);
		return error_from_errno(err);
	}
	*ret = pipe;
	return 0;
}

/* The batch in hand goes over; there is an empty one afterwards. */
static int hand_over(struct zone_pipe *pipe)
{
	pthread_mutex_lock(&pipe->lock);
	pipe->filled++;
	pthread_cond_signal(&pipe->changed);
	while (pipe->filled - pipe->emptied == BATCHES)
		pthread_cond_wait(&pipe->changed, &pipe->lock);
	int rc = pipe->error;
	pthread_mutex_unlock(&pipe->lock);
	pipe->batch[pipe->filled % BATCHES].len = 0;
	return rc;
}

int zone_pipe_add(struct zone_pipe *pipe, const uint8_t *owner, size_t owner_len, uint16_t type, uint32_t ttl,
		  const uint8_t *rdata, uint16_t len, unsigned long line)
{
	struct batch *batch = &pipe->batch[pipe->filled % BATCHES];
	struct item item = {
		.ttl = ttl, .line = (uint32_t)line, .type = type, .len = len, .owner_len = (uint8_t)owner_len};
	memcpy(batch->data + batch->len, &item, sizeof item);
	memcpy(batch->data + batch->len + sizeof item, owner, owner_len);
	memcpy(batch->data + batch->len + sizeof item + owner_len, rdata, len);
	batch->len += sizeof item + owner_len + len;
	return BATCH_BYTES - batch->len < RECORD_BYTES ? hand_over(pipe) : 0;
}

int zone_pipe_finish(struct zone_pipe *pipe, unsigned long *ret_line)
{
	(void)hand_over(pipe);
	pthread_mutex_lock(&pipe->lock);
	pipe->ended = true;
	pthread_cond_signal(&pipe->changed);
	pthread_mutex_unlock(&pipe->lock);
	pthread_join(pipe->thread, NULL);
	int rc = pipe->error;
	*ret_line = pipe->line;
	pthread_cond_destroy(&pipe->changed);
	pthread_mutex_destroy(&pipe->lock);
	free(pipe);
	return rc;
}
