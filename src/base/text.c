// SPDX-License-Identifier: GPL-3.0-or-later
/* Words for errors and reasons. */
#include "base.h"

#include <errno.h>

const char *error_text(int error)
{
	switch ((enum banyan_error)error) {
	case BANYAN_OK:
		return "no error";
	case BANYAN_ENOMEM:
		return "out of memory";
	case BANYAN_EINVAL:
		return "invalid argument";
	case BANYAN_EMALF:
		return "malformed data";
	case BANYAN_ELIMIT:
		return "a limit was reached";
	case BANYAN_ENOENT:
		return "not found";
	case BANYAN_EEXIST:
		return "exists already";
	case BANYAN_ESPACE:
		return "does not fit";
	case BANYAN_EIO:
		return "input/output error";
	case BANYAN_EACCES:
		return "not allowed";
	case BANYAN_EAGAIN:
		return "not now";
	case BANYAN_ETIMEOUT:
		return "timed out";
	case BANYAN_EUNSUPP:
		return "not supported";
	case BANYAN_EPROOF:
		return "not proved";
	case BANYAN_ECONFIG:
		return "the configuration is wrong";
	case BANYAN_EOTHER:
		return "error";
	}
	return error > 0 ? "no error" : "unknown error";
}

int error_from_errno(int err)
{
	switch (err) {
	case 0:
		return BANYAN_OK;
	case ENOMEM:
	case ENOBUFS:
		return BANYAN_ENOMEM;
	case EINVAL:
		return BANYAN_EINVAL;
	case ENOENT:
		return BANYAN_ENOENT;
	case EEXIST:
	case EADDRINUSE:
		return BANYAN_EEXIST;
	case EACCES:
	case EPERM:
		return BANYAN_EACCES;
	case EAGAIN:
	case EINTR:
		return BANYAN_EAGAIN;
	case ETIMEDOUT:
		return BANYAN_ETIMEOUT;
	case EMFILE:
	case ENFILE:
		return BANYAN_ELIMIT;
	case EOPNOTSUPP:
	case EAFNOSUPPORT:
		return BANYAN_EUNSUPP;
	default:
		return BANYAN_EIO;
	}
}

static const struct {
	const char *code, *words;
	int ede;
} reasons[REASON_COUNT] = {
#define REASON(id, code, ede, words) [REASON_##id] = {code, words, ede},
#include "reasons.def"
#undef REASON
};

const char *reason_code(enum reason reason)
{
	return (unsigned)reason < REASON_COUNT ? reasons[reason].code : "unknown";
}

const char *reason_words(enum reason reason)
{
	return (unsigned)reason < REASON_COUNT ? reasons[reason].words : "unknown reason";
}

int reason_ede(enum reason reason)
{
	return (unsigned)reason < REASON_COUNT ? reasons[reason].ede : -1;
}
