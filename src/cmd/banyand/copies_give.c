// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Copies that are given on by transfer. What is newly stored is made ready before it comes into use (copies_store.c); what is in use already,
 * after a restart, a roll back, or a reload that allows transfers, in a thread of the pool meanwhile.
 */
#include "copies.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sync/push/push.h"
#include "zone/zone.h"

struct push_version *copy_give_make(const struct copy *copy, const struct transfers_journal *journal,
				    const uint8_t *wire, size_t len)
{
	const struct zone_read_settings settings = {.origin = copy->apex};
	struct push_version *version;
	struct zone_error error;
	struct zone *zone;
	char why[REFUSAL_TEXT_MAX];
	if (zone_read_wire(copy->zone, wire, len, &settings, &zone, &error) < 0) {
		log_warning(STATION, "copy of %s: it is not given on: %.400s", copy->zone, error.text);
		return NULL;
	}
	int rc = transfers_make(journal, copy->zone, zone, &version, why);
	zone_free(zone);
	if (rc < 0)
		log_warning(STATION, "copy of %s: %.500s", copy->zone, why);
	return rc < 0 ? NULL : version;
}

/* ---- of what is in use already ---- */

static void give_work(uv_work_t *work)
{
	struct copy *copy = work->data;
	struct stat about;
	background_begin();
	if (fstat(copy->give.fd, &about) < 0 || about.st_size <= 0)
		return;
	size_t len = (size_t)about.st_size;
	void *wire = mmap(NULL, len, PROT_READ, MAP_PRIVATE, copy->give.fd, 0);
	if (wire == MAP_FAILED)
		return;
	copy->give.version = copy_give_make(copy, &copy->give.journal, wire, len);
	munmap(wire, len);
}

void copy_give_free(struct copy *copy)
{
	push_version_release(copy->give.version);
	loaded_release(copy->give.loaded);
	copy->give.version = NULL;
	copy->give.loaded = NULL;
	copy->give.ready = false;
}

void copy_give_end(struct copy *copy)
{
	struct copy_give *give = &copy->give;
	if (!give->ready)
		return;
	/* another serial: the files of the one in use were damaged meanwhile, and the store went back to the one before it */
	if (give->version != NULL && give->loaded == copy->current &&
	    push_version_serial(give->version) == copy->current->serial) {
		atomic_store(&give->loaded->push, give->version);
		give->version = NULL;
		transfers_adopt(swap_read(&copy->keeper->swap));
	}
	copy_give_free(copy);
}

static void give_done(uv_work_t *work, int status)
{
	struct copy *copy = work->data;
	copy->give.running = false;
	copy->give.ready = true;
	close(copy->give.fd);
	if (copy->gone || copy->keeper->stopping)
		copy_free_if_done(copy);
	else if (!copy->keeper->reloading)
		copy_give_end(copy);
}

void copy_give_look(struct copy *copy)
{
	struct copy_give *give = &copy->give;
	char why[KEEP_WHY_MAX];
	sigset_t all, before;
	if (!copy->gives || copy->current == NULL || give->running || give->ready || copy->storing || copy->gone ||
	    atomic_load(&copy->current->push) != NULL)
		return;
	give->fd = keep_open_wire(copy->keep, keep_current(copy->keep), why);
	if (give->fd < 0) {
		log_warning(STATION, "copy of %s: it is not given on: %s", copy->zone, why);
		return;
	}
	give->journal = copy->journal;
	give->work.data = copy;
	sigfillset(&all); /* as in reload.c: the pool's threads take no signals */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	give->running = uv_queue_work(&copy->keeper->loop, &give->work, give_work, give_done) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!give->running) {
		close(give->fd);
		return;
	}
	give->loaded = copy->current;
	give->loaded->users++;
}
