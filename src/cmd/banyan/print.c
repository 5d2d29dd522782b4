// SPDX-License-Identifier: GPL-3.0-or-later
/* JSON and whole files. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "print.h"

bool print_to_stdout(const char *path)
{
	return strcmp(path, "-") == 0;
}

int print_whole(const char *path, const struct buffer *data)
{
	if (!print_to_stdout(path))
		return file_write_atomic(path, data->data, data->len);
	errno = 0;
	if (fwrite(data->data, 1, data->len, stdout) == data->len && fflush(stdout) == 0)
		return 0;
	return errno != 0 ? error_from_errno(errno) : BANYAN_EIO;
}

void print_json_text(const char *text)
{
	putchar('"');
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

void print_json_member(const char *key, const char *value)
{
	printf("\"%s\": ", key);
	if (value == NULL)
		printf("null");
	else
		print_json_text(value);
}

void print_json_optional(const char *key, const char *value)
{
	print_json_member(key, value != NULL && value[0] != '\0' ? value : NULL);
}
