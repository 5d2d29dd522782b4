// SPDX-License-Identifier: GPL-3.0-or-later
/* Views: which clients are told what. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

struct policy {
	size_t n;
	struct policy_view view[];
};

int policy_new(const struct policy_view *view, size_t n, struct policy **ret)
{
	if (n == 0 || n > POLICY_VIEWS_MAX)
		return BANYAN_ELIMIT;
	for (size_t i = 0; i < n; i++)
		if (view[i].n_rpz > POLICY_RPZ_MAX)
			return BANYAN_ELIMIT;
	struct policy *policy = malloc(sizeof *policy + n * sizeof *view);
	if (policy == NULL)
		return BANYAN_ENOMEM;
	policy->n = n;
	memcpy(policy->view, view, n * sizeof *view);
	*ret = policy;
	return 0;
}

void policy_free(struct policy *policy)
{
	free(policy);
}

const struct policy_view *policy_view_of(const struct policy *policy, const struct addr *client)
{
	const struct policy_view *found = &policy->view[0];
	int best = -1;
	for (size_t i = 1; i < policy->n; i++) {
		const struct policy_view *view = &policy->view[i];
		for (size_t m = 0; m < view->n_match; m++)
			if (view->match[m].bits > best && addr_prefix_match(&view->match[m], client)) {
				best = view->match[m].bits;
				found = view;
			}
	}
	return found;
}
