// SPDX-License-Identifier: GPL-3.0-or-later
/* One pointer, read by all workers without waiting, replaced by the keeper: liburcu's QSBR around it. */
#include "daemon.h"

#include <urcu-qsbr.h>

/* liburcu orders by barriers that ThreadSanitizer does not see; it is told of the one edge that matters here: what a
 * reader did before it fell asleep comes before what the keeper does after the grace period. */
#if defined(__SANITIZE_THREAD__)
#define SWAP_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SWAP_TSAN 1
#endif
#endif
#ifdef SWAP_TSAN
#include <sanitizer/tsan_interface.h>
static char grace;
#define GRACE_RELEASE() __tsan_release(&grace)
#define GRACE_ACQUIRE() __tsan_acquire(&grace)
#else
#define GRACE_RELEASE() ((void)0)
#define GRACE_ACQUIRE() ((void)0)
#endif

void swap_wait(void)
{
	urcu_qsbr_synchronize_rcu();
	GRACE_ACQUIRE();
}

struct generation *swap_publish(struct swap *swap, struct generation *generation)
{
	struct generation *old = atomic_exchange_explicit(&swap->current, generation, memory_order_acq_rel);
	swap_wait();
	return old;
}

void swap_reader_start(void)
{
	urcu_qsbr_register_thread();
}

void swap_reader_stop(void)
{
	GRACE_RELEASE();
	urcu_qsbr_unregister_thread();
}

void swap_reader_asleep(void *unused)
{
	GRACE_RELEASE();
	urcu_qsbr_thread_offline();
}

void swap_reader_awake(void *unused)
{
	urcu_qsbr_thread_online();
}
