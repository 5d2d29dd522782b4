// SPDX-License-Identifier: GPL-3.0-or-later
/* Which changes need a restart. */
#include "value.h"

#include <string.h>

int config_compare(const struct config *from, const struct config *to, struct buffer *ret_restart)
{
	int count = 0;
	for (size_t i = 0; i < config_options_count; i++) {
		const struct config_option *option = &config_options[i];
		bool of_item = strstr(option->path, "[].") != NULL; /* its offset is not into struct config */
		if (of_item || option->scope != CONFIG_RESTART || value_equal(option, from, to))
			continue;
		int rc = buffer_printf(ret_restart, "%s%s", count > 0 ? ", " : "", option->path);
		if (rc < 0)
			return rc;
		count++;
	}
	return count;
}
