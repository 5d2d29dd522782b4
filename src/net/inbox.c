// SPDX-License-Identifier: GPL-3.0-or-later
/* Bytes of a stream that wait for the rest of their message. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

#define INBOX_FIRST 512

int net_inbox_add(struct net_inbox *inbox, const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	if (inbox->len + len > inbox->cap) {
		size_t cap = inbox->cap == 0 ? INBOX_FIRST : inbox->cap;
		while (cap < inbox->len + len)
			cap *= 2;
		uint8_t *grown = realloc(inbox->data, cap);
		if (grown == NULL)
			return BANYAN_ENOMEM;
		inbox->data = grown;
		inbox->cap = cap;
	}
	memcpy(inbox->data + inbox->len, data, len);
	inbox->len += len;
	return 0;
}

void net_inbox_drop(struct net_inbox *inbox, size_t len)
{
	if (inbox->len == 0)
		return;
	inbox->len -= len;
	memmove(inbox->data, inbox->data + len, inbox->len);
	if (inbox->len == 0) /* idle connections hold no memory but their own */
		net_inbox_done(inbox);
}

void net_inbox_done(struct net_inbox *inbox)
{
	free(inbox->data);
	*inbox = (struct net_inbox){0};
}
