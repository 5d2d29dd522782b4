// SPDX-License-Identifier: GPL-3.0-or-later
/* What the operator says of a client, and whether he says anything of a name. */
#include "private.h"

void reply_admit(struct reply *reply)
{
	const struct answer_view *view = reply->view;
	reply->policy = NULL;
	if (view->policy == NULL || !view->recursion)
		return;
	reply->policy = policy_view_of(view->policy, &reply->request->peer);
	switch (reply->policy->access) {
	case POLICY_ACCESS_DEFAULT:
		break;
	case POLICY_ACCESS_ALLOW:
		reply->access = ACCESS_ALLOW;
		break;
	case POLICY_ACCESS_REFUSE:
		reply->access = ACCESS_REFUSE;
		break;
	case POLICY_ACCESS_DROP:
		reply->access = ACCESS_DROP;
		break;
	}
}

bool reply_is_policed(const struct reply *reply)
{
	struct policy_hit hit;
	if (reply->policy == NULL)
		return false;
	struct policy_subject subject = {.view = reply->policy,
					 .client = &reply->request->peer,
					 .name = reply->question->lower,
					 .qtype = reply->question->qtype};
	switch (policy_check(&subject, &hit)) {
	case POLICY_NOTHING:
		return hit.noted;
	case POLICY_HIT:
		/* the root proves what the default zones can only say */
		return !hit.by_default || hit.action != POLICY_NXDOMAIN;
	default:
		return true;
	}
}
