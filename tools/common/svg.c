/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (C) 2026 The giambio developers */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/svg_draw.h"
#include "common/utf8.h"

/*
 * A viewer that knows no media queries leaves the last block out and shows the
 * light colours. The eight hues can be told apart by people who see fewer
 * colours; the dashes help where they are printed without any.
 */
static const char style[] =
	"<style>\n"
	"text{font-family:\"DejaVu Sans\",Verdana,sans-serif;font-size:12px;"
	"fill:#30363d}\n"
	".title{font-size:17px;font-weight:bold}\n"
	".panel{font-size:13px;font-weight:bold}\n"
	".soft{fill:#6a737d}\n"
	".mono{font-family:\"DejaVu Sans Mono\",monospace;font-size:11px;"
	"fill:#6a737d}\n"
	".page{fill:#ffffff}\n"
	".grid{stroke:#e4e7eb;stroke-width:1;fill:none}\n"
	".axis{stroke:#8c959f;stroke-width:1;fill:none}\n"
	".line{fill:none;stroke-width:2;stroke-linejoin:round}\n"
	".area{stroke:none;opacity:0.18}\n"
	".pale{opacity:0.4}\n"
	".c0{stroke:#0069b4;fill:#0069b4}.c1{stroke:#d1500a;fill:#d1500a}\n"
	".c2{stroke:#0a8a63;fill:#0a8a63}.c3{stroke:#a3478a;fill:#a3478a}\n"
	".c4{stroke:#b07d00;fill:#b07d00}.c5{stroke:#2f9fd0;fill:#2f9fd0}\n"
	".c6{stroke:#7a5230;fill:#7a5230}.c7{stroke:#5b5f66;fill:#5b5f66}\n"
	".line.c0,.line.c1,.line.c2,.line.c3,.line.c4,.line.c5,.line.c6,"
	".line.c7{fill:none}\n"
	".line.c4,.line.c5{stroke-dasharray:7 3}\n"
	".line.c6,.line.c7{stroke-dasharray:2 3}\n"
	"@media (prefers-color-scheme:dark){\n"
	"text{fill:#d6dce3}.soft,.mono{fill:#929ba5}.page{fill:#0d1117}\n"
	".grid{stroke:#262c34}.axis{stroke:#6a737d}\n"
	".c0{stroke:#58a8f0;fill:#58a8f0}.c1{stroke:#ff8c4c;fill:#ff8c4c}\n"
	".c2{stroke:#3ecf9e;fill:#3ecf9e}.c3{stroke:#e291cb;fill:#e291cb}\n"
	".c4{stroke:#e8b93c;fill:#e8b93c}.c5{stroke:#8fd4f7;fill:#8fd4f7}\n"
	".c6{stroke:#c89a72;fill:#c89a72}.c7{stroke:#aab1b9;fill:#aab1b9}\n"
	".line.c0,.line.c1,.line.c2,.line.c3,.line.c4,.line.c5,.line.c6,"
	".line.c7{fill:none}\n"
	"}\n"
	"</style>\n";

static const char *const anchors[] = { "start", "middle", "end" };

void svg_escape(FILE *out, const char *text)
{
	const unsigned char *c;
	unsigned int n;

	for (c = (const unsigned char *)text; *c; c += n ? n : 1) {
		n = utf8_length(c);
		switch (*c) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			/* XML has no way to say these, nor U+FFFE, U+FFFF. */
			if (*c < 0x20)
				fputc(' ', out);
			else if (n && !(n == 3 && c[0] == 0xef &&
					c[1] == 0xbf && c[2] >= 0xbe))
				fwrite(c, 1, n, out);
			else
				fputs("\xef\xbf\xbd", out);
		}
	}
}

double svg_text_width(const char *text)
{
	double width = 0;

	for (; *text; text++) {
		if ((*text & 0xc0) != 0x80)
			width += 7.3;
	}
	return width;
}

void svg_text(struct svg *svg, double x, double y, enum svg_anchor anchor,
	      const char *class, const char *text)
{
	fprintf(svg->body, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"", x,
		y, anchors[anchor]);
	if (class)
		fprintf(svg->body, " class=\"%s\"", class);
	fputs(">", svg->body);
	svg_escape(svg->body, text);
	fputs("</text>\n", svg->body);
}

void svg_panel_title(struct svg *svg, const char *title)
{
	svg->y += 12;
	if (!title)
		return;
	svg->y += 16;
	svg_text(svg, SVG_RIGHT, svg->y, SVG_START, "panel", title);
	svg->y += 8;
}

void svg_legend(struct svg *svg, const char *const *names, size_t count)
{
	double x = SVG_LEFT, width;
	size_t i;

	svg->y += 16;
	for (i = 0; i < count; i++) {
		width = 26 + svg_text_width(names[i]) + 14;
		if (x > SVG_LEFT && x + width > SVG_WIDTH - SVG_RIGHT) {
			x = SVG_LEFT;
			svg->y += 18;
		}
		fprintf(svg->body, "<line class=\"line c%zu\" x1=\"%.1f\" "
			"y1=\"%d\" x2=\"%.1f\" y2=\"%d\" "
			"style=\"stroke-width:4\"/>\n", i % SVG_COLOURS, x,
			svg->y - 4, x + 20, svg->y - 4);
		svg_text(svg, x + 26, svg->y, SVG_START, NULL, names[i]);
		x += width;
	}
	svg->y += 8;
}

static void draw_head(struct svg *svg, const struct svg_head *head)
{
	char *copy, *line, *save = NULL;

	svg->y = 12;
	if (head->title) {
		svg->y += 20;
		svg_text(svg, SVG_RIGHT, svg->y, SVG_START, "title",
			 head->title);
	}
	if (!head->subtitle)
		return;
	copy = strdup(head->subtitle);
	if (!copy) {
		svg->error = -ENOMEM;
		return;
	}
	for (line = strtok_r(copy, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		svg->y += 18;
		svg_text(svg, SVG_RIGHT, svg->y, SVG_START, "soft", line);
	}
	free(copy);
}

struct svg *svg_open(const struct svg_head *head)
{
	struct svg *svg = calloc(1, sizeof(*svg));

	if (!svg)
		return NULL;
	svg->body = open_memstream(&svg->text, &svg->size);
	if (!svg->body) {
		free(svg);
		return NULL;
	}
	if (head->footer) {
		svg->foot = strdup(head->footer);
		if (!svg->foot)
			svg->error = -ENOMEM;
	}
	draw_head(svg, head);
	return svg;
}

static int write_picture(const struct svg *svg, FILE *out)
{
	fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" "
		"viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
		"role=\"img\">\n", SVG_WIDTH, svg->y, SVG_WIDTH, svg->y);
	fputs(style, out);
	fprintf(out, "<rect class=\"page\" width=\"%d\" height=\"%d\"/>\n",
		SVG_WIDTH, svg->y);
	fwrite(svg->text, 1, svg->size, out);
	fputs("</svg>\n", out);
	errno = 0;
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}

int svg_close(struct svg *svg, FILE *out)
{
	int rc;

	if (!svg)
		return -ENOMEM;
	svg->y += 14;
	if (svg->foot) {
		svg->y += 10;
		svg_text(svg, SVG_RIGHT, svg->y, SVG_START, "mono", svg->foot);
		svg->y += 12;
	}
	/* The text is complete only when its stream is closed. */
	if (fclose(svg->body))
		svg->error = -ENOMEM;
	rc = svg->error;
	if (rc == 0 && out)
		rc = write_picture(svg, out);
	free(svg->foot);
	free(svg->text);
	free(svg);
	return rc;
}
