// SPDX-License-Identifier: GPL-3.0-or-later
/* JSON to standard output. */
#include <stdio.h>

#include "print.h"

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
