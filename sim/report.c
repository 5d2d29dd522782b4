// SPDX-License-Identifier: GPL-3.0-or-later
/* What came of runs, for people: a table, and curves as text and as SVG. */
#include "sim.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define PRINT(rc, out, ...) ((rc) = (rc) < 0 ? (rc) : buffer_printf((out), __VA_ARGS__))

#define TEXT_WIDTH  72
#define TEXT_HEIGHT 20
#define SVG_WIDTH   760
#define SVG_HEIGHT  420
#define SVG_LEFT    60
#define SVG_TOP     20
#define SVG_LEGEND  250
#define SVG_BOTTOM  50
#define DECADES     5 /* of the time axis: 0.1 s to 10,000 s */
#define FIRST_S     0.1

/* ---- numbers in words ---- */

static const char *bytes_text(uint64_t bytes, char out[32])
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
	double value = (double)bytes;
	unsigned unit = 0;
	for (; value >= 1000 && unit + 1 < ARRAY_SIZE(units); unit++)
		value /= 1000;
	snprintf(out, 32,
		 value < 10 && unit > 0    ? "%.2f %s"
		 : value < 100 && unit > 0 ? "%.1f %s"
					   : "%.0f %s",
		 value, units[unit]);
	return out;
}

static const char *time_text(int64_t ms, char out[32])
{
	if (ms < 0)
		snprintf(out, 32, "never");
	else if (ms < 100000)
		snprintf(out, 32, "%.1f s", (double)ms / 1000);
	else
		snprintf(out, 32, "%.1f min", (double)ms / 60000);
	return out;
}

static const char *run_text(const struct sim_settings *s, char out[64])
{
	snprintf(out, 64, "%s, %u, %g %% lost", sim_shape_text(s->shape), s->nodes, s->loss_permille / 10.0);
	return out;
}

/* ---- the table ---- */

int sim_write_table(const struct sim_row *row, size_t n, struct buffer *out)
{
	int rc = 0;
	PRINT(rc, out,
	      "| network | resolvers | loss | liars | publisher sends | each second before | 50 %% | 99 %% | 100 %% | "
	      "NOTIFY | "
	      "fetches | refused | wrong | memory a node |\n"
	      "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
	for (size_t i = 0; i < n; i++) {
		const struct sim_settings *s = &row[i].settings;
		const struct sim_result *r = &row[i].result;
		char sent[32], idle[32], half[32], most[32], all[32], memory[32];
		PRINT(rc, out,
		      "| %s | %u | %g %% | %g %% | %s | %s | %s | %s | %s | %" PRIu64 " | %" PRIu64 " | %" PRIu64
		      " | %u | %s |\n",
		      sim_shape_text(s->shape), s->nodes, s->loss_permille / 10.0, s->liars_permille / 10.0,
		      bytes_text(r->publisher_bytes, sent), bytes_text(r->publisher_bytes_idle, idle),
		      time_text(r->half_ms, half), time_text(r->most_ms, most), time_text(r->all_ms, all),
		      r->notifies + r->repeats, r->fetches, r->refused, r->wrong,
		      bytes_text(r->honest == 0 ? 0 : r->memory / r->honest, memory));
	}
	return rc;
}

/* ---- curves: time in decades, hundredths of the nodes ---- */

/* 0 at FIRST_S, 1 at the end of the axis. */
static double place_of(int64_t ms)
{
	double s = (double)ms / 1000;
	double place = s <= FIRST_S ? 0 : log10(s / FIRST_S) / DECADES;
	return place > 1 ? 1 : place;
}

int sim_write_plot(const struct sim_row *row, size_t n, struct buffer *out)
{
	static const char marks[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char grid[TEXT_HEIGHT + 1][TEXT_WIDTH + 2], text[64];
	int rc = 0;
	for (int y = 0; y <= TEXT_HEIGHT; y++) {
		for (int x = 0; x <= TEXT_WIDTH; x++)
			grid[y][x] = ' ';
		grid[y][TEXT_WIDTH + 1] = 0;
	}
	for (size_t i = 0; i < n && i < sizeof marks - 1; i++)
		for (int p = 1; p <= SIM_POINTS; p++)
			if (row[i].result.at_ms[p] >= 0)
				grid[TEXT_HEIGHT - p * TEXT_HEIGHT / SIM_POINTS]
				    [(int)(place_of(row[i].result.at_ms[p]) * TEXT_WIDTH)] = marks[i];
	for (int y = 0; y <= TEXT_HEIGHT; y++)
		PRINT(rc, out, "%3d %% |%s\n", (TEXT_HEIGHT - y) * 100 / TEXT_HEIGHT, grid[y]);
	PRINT(rc, out, "      +");
	for (int x = 0; x <= TEXT_WIDTH; x++)
		PRINT(rc, out, "-");
	PRINT(rc, out, "\n      0.1 s         1 s           10 s          100 s         1000 s     10000 s\n\n");
	for (size_t i = 0; i < n && i < sizeof marks - 1; i++)
		PRINT(rc, out, "  %c  %s\n", marks[i], run_text(&row[i].settings, text));
	return rc;
}

static int svg_axes(struct buffer *out)
{
	const int width = SVG_WIDTH - SVG_LEFT - SVG_LEGEND, height = SVG_HEIGHT - SVG_TOP - SVG_BOTTOM;
	int rc = 0;
	for (int d = 0; d <= DECADES; d++) {
		int x = SVG_LEFT + width * d / DECADES;
		PRINT(rc, out,
		      "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"#ddd\"/>\n"
		      "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%g s</text>\n",
		      x, SVG_TOP, x, SVG_TOP + height, x, SVG_TOP + height + 18, FIRST_S * pow(10, d));
	}
	for (int p = 0; p <= 100; p += 25) {
		int y = SVG_TOP + height - height * p / 100;
		PRINT(rc, out,
		      "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"#ddd\"/>\n"
		      "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%d %%</text>\n",
		      SVG_LEFT, y, SVG_LEFT + width, y, SVG_LEFT - 6, y + 4, p);
	}
	PRINT(rc, out,
	      "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">time since the version was published "
	      "(logarithmic)</text>\n",
	      SVG_LEFT + width / 2, SVG_HEIGHT - 8);
	return rc;
}

int sim_write_svg(const struct sim_row *row, size_t n, struct buffer *out)
{
	static const char *const colours[SIM_SHAPES] = {"#888888", "#1f77b4", "#2ca02c", "#d62728"};
	static const char *const dashes[] = {"none", "8 3", "4 3", "1 3"};
	const int width = SVG_WIDTH - SVG_LEFT - SVG_LEGEND, height = SVG_HEIGHT - SVG_TOP - SVG_BOTTOM;
	int rc = 0;
	PRINT(rc, out,
	      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" "
	      "font-size=\"11\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
	      SVG_WIDTH, SVG_HEIGHT);
	rc = rc < 0 ? rc : svg_axes(out);
	for (size_t i = 0; i < n; i++) {
		char text[64];
		const struct sim_result *r = &row[i].result;
		unsigned dash = row[i].settings.nodes >= 1000000  ? 0
				: row[i].settings.nodes >= 100000 ? 1
				: row[i].settings.nodes >= 10000  ? 2
								  : 3;
		const char *style = colours[row[i].settings.shape];
		PRINT(rc, out,
		      "<polyline fill=\"none\" stroke-width=\"1.5\" stroke=\"%s\" stroke-dasharray=\"%s\" points=\"",
		      style, dashes[dash]);
		for (int p = 1; p <= SIM_POINTS; p++)
			if (r->at_ms[p] >= 0)
				PRINT(rc, out, "%.1f,%.1f ", SVG_LEFT + place_of(r->at_ms[p]) * width,
				      SVG_TOP + height - height * p / (double)SIM_POINTS);
		int x = SVG_WIDTH - SVG_LEGEND + 10, y = SVG_TOP + 12 + 15 * (int)i;
		PRINT(rc, out,
		      "\"/>\n<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke-width=\"1.5\" stroke=\"%s\" "
		      "stroke-dasharray=\"%s\"/>\n<text x=\"%d\" y=\"%d\">%s</text>\n",
		      x, y - 4, x + 28, y - 4, style, dashes[dash], x + 34, y, run_text(&row[i].settings, text));
	}
	PRINT(rc, out, "</svg>\n");
	return rc;
}
