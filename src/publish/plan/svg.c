// SPDX-License-Identifier: GPL-3.0-or-later
/* Bytes of the whole reply against the number of servers, as SVG. */
#include "plan.h"

#include <stdio.h>

#define WIDTH  860
#define HEIGHT 520
#define LEFT   60
#define RIGHT  20
#define TOP    20
#define BOTTOM 44
#define LEGEND (WIDTH - 330)
#define ROW    16 /* of the legend */

struct picture {
	struct buffer *out;
	size_t most_n, most_bytes;
	int error;
};

_printf_(2, 3) static void put(struct picture *p, const char *format, ...)
{
	char text[1024];
	va_list args;
	va_start(args, format);
	int len = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (p->error == 0 && (len < 0 || (size_t)len >= sizeof text))
		p->error = BANYAN_ESPACE;
	if (p->error == 0)
		p->error = buffer_append(p->out, text, (size_t)len);
}

static double x_of(const struct picture *p, size_t n)
{
	return LEFT + (double)(WIDTH - LEFT - RIGHT) * (double)n / (double)p->most_n;
}

static double y_of(const struct picture *p, size_t bytes)
{
	return HEIGHT - BOTTOM - (double)(HEIGHT - TOP - BOTTOM) * (double)bytes / (double)p->most_bytes;
}

/* 1, 2, 5, 10, 20 ...: so that there are at most ten lines */
static size_t step_of(size_t most)
{
	static const size_t factors[] = {1, 2, 5};
	for (size_t ten = 1;; ten *= 10)
		for (unsigned i = 0; i < ARRAY_SIZE(factors); i++)
			if (most / (ten * factors[i]) <= 10)
				return ten * factors[i];
}

static void axes(struct picture *p, const uint16_t *size, size_t n_sizes)
{
	for (size_t n = 0; n <= p->most_n; n += step_of(p->most_n))
		put(p,
		    "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#eee\"/>\n"
		    "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%zu</text>\n",
		    x_of(p, n), TOP, x_of(p, n), HEIGHT - BOTTOM, x_of(p, n), HEIGHT - BOTTOM + 16, n);
	put(p, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"#333\"/>\n", LEFT, HEIGHT - BOTTOM,
	    WIDTH - RIGHT, HEIGHT - BOTTOM);
	for (size_t i = 0; i < n_sizes; i++)
		if (size[i] <= p->most_bytes)
			put(p,
			    "<line class=\"limit\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#b00\" "
			    "stroke-dasharray=\"5 4\"/>\n<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%u</text>\n",
			    LEFT, y_of(p, size[i]), WIDTH - RIGHT, y_of(p, size[i]), LEFT - 6, y_of(p, size[i]) + 4,
			    size[i]);
	put(p, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">servers; bytes of the whole reply upwards</text>\n",
	    (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8);
}

/* The last point of a curve at or below each size, with its number of servers. */
static void marks(struct picture *p, const struct plan_curve *curve, const char *colour, bool below,
		  const uint16_t *size, size_t n_sizes)
{
	for (size_t i = 0; i < n_sizes; i++) {
		size_t n = 0;
		while (n < curve->n && curve->bytes[n] <= size[i])
			n++;
		if (n == 0 || n == curve->n)
			continue;
		put(p,
		    "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n"
		    "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"%s\">%zu</text>\n",
		    x_of(p, n), y_of(p, curve->bytes[n - 1]), colour, x_of(p, n) + (below ? 5 : -5),
		    y_of(p, curve->bytes[n - 1]) + (below ? 13 : -4), below ? "start" : "end", colour, n);
	}
}

static void draw(struct picture *p, const struct plan_curve *curve, size_t index, const uint16_t *size, size_t n_sizes)
{
	static const char *const colours[PLAN_CURVES_MAX] = {"#1f77b4", "#2ca02c", "#9467bd", "#ff7f0e",
							     "#8c564b", "#17becf", "#e377c2", "#7f7f7f"};
	const char *colour = colours[index % PLAN_CURVES_MAX];
	put(p, "<polyline fill=\"none\" stroke-width=\"1.5\" stroke=\"%s\" points=\"", colour);
	for (size_t n = 0; n < curve->n; n++)
		put(p, "%.1f,%.1f ", x_of(p, n + 1), y_of(p, curve->bytes[n]));
	put(p, "\"/>\n");
	marks(p, curve, colour, index % 2 == 1, size, n_sizes); /* neighbours do not write over each other */
	int y = HEIGHT - BOTTOM - 14 - ROW * (int)index;
	put(p,
	    "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke-width=\"2\" stroke=\"%s\"/>\n<text x=\"%d\" "
	    "y=\"%d\">",
	    LEGEND, y - 4, LEGEND + 24, y - 4, colour, LEGEND + 30, y);
	for (const char *c = curve->label; *c != 0; c++) /* names may have any byte in them */
		if (*c == '<' || *c == '&' || *c == '>' || *c < ' ' || *c > '~')
			put(p, "&#%u;", (unsigned char)*c < ' ' ? '?' : (unsigned char)*c);
		else
			put(p, "%c", *c);
	put(p, "</text>\n");
}

int plan_svg(const struct plan_curve *curve, size_t n, const uint16_t *size, size_t n_sizes, struct buffer *out)
{
	struct picture p = {.out = out, .most_n = 1, .most_bytes = 1};
	for (size_t i = 0; i < n; i++) {
		if (curve[i].n > p.most_n)
			p.most_n = curve[i].n;
		if (curve[i].n > 0 && curve[i].bytes[curve[i].n - 1] > p.most_bytes)
			p.most_bytes = curve[i].bytes[curve[i].n - 1];
	}
	for (size_t i = 0; i < n_sizes; i++)
		if (size[i] > p.most_bytes)
			p.most_bytes = size[i];
	put(&p,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
	    "font-family=\"sans-serif\" "
	    "font-size=\"11\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
	    WIDTH, HEIGHT, WIDTH, HEIGHT);
	axes(&p, size, n_sizes);
	put(&p, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"white\"/>\n", LEGEND - 8,
	    HEIGHT - BOTTOM - 10 - ROW * (int)n, WIDTH - RIGHT - LEGEND + 8, ROW * (int)n + 4);
	for (size_t i = 0; i < n; i++)
		draw(&p, &curve[i], i, size, n_sizes);
	put(&p, "</svg>\n");
	return p.error;
}
