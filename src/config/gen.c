// SPDX-License-Identifier: GPL-3.0-or-later
/* Used by the build: writes the manual page or the sample file to standard output. */
#include "config.h"
#include "config/edition/edition.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	_cleanup_(buffer_done) struct buffer out = {0};
	int rc = BANYAN_EINVAL;
	if (argc == 2 && strcmp(argv[1], "manual") == 0)
		rc = config_write_manual(&out);
	else if (argc == 2 && strcmp(argv[1], "sample") == 0)
		rc = config_write_sample(&out);
	else if (argc == 2 && strcmp(argv[1], "edition") == 0)
		rc = config_edition_sample(&out);
	if (rc < 0) {
		fprintf(stderr, "usage: config-gen manual|sample|edition (%s)\n", error_text(rc));
		return 1;
	}
	if (fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout) != 0) {
		perror("config-gen");
		return 1;
	}
	return 0;
}
