// SPDX-License-Identifier: MIT
/*
 * Judges pictures by their pixels: against the picture that the program got, or, for a screenshot,
 * against what weston-simple-dmabuf-egl has to draw. Makes the desktop for a dock's monitor, and a
 * picture of what the monitor shows.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

/* The exit statuses. */
#define RIGHT		0
#define WRONG		1
#define UNUSABLE	2
#define UNDECIDED	3

/* The monitor that tests/kernel/dock plugs in. */
#define MONITOR_WIDTH	640
#define MONITOR_HEIGHT	480

struct picture {
	const char *file;
	int width, height;
	uint8_t *rgba;
};

static const char usage[] =
	"Usage: pictures same A.png B.png\n"
	"       pictures square SHOT.png [WANT.png]\n"
	"       pictures desktop WANT.png\n"
	"       pictures monitor SHOWN OUT.png\n"
	"same: the two agree in every pixel and channel, but for 2 of 255.\n"
	"square: SHOT, a screenshot of weston, shows what weston-simple-dmabuf-egl draws; what it\n"
	"had to draw there is written to WANT.\n"
	"desktop: writes a picture for a monitor of 640x480 to WANT.\n"
	"monitor: writes SHOWN, the file of tests/kernel/dock, as a picture to OUT.\n"
	"\n"
	"Exit status: 0 right, 1 wrong, 2 bad use or a file that cannot be read or written,\n"
	"3 cannot be judged: no window of the client is in the screenshot (yet)\n";

/* Ends the program with one line that says why. */
static void __attribute__((noreturn, format(printf, 2, 3))) end(int status, const char *fmt, ...)
{
	FILE *to = status == UNUSABLE ? stderr : stdout;
	va_list ap;

	fputs("pictures: ", to);
	va_start(ap, fmt);
	vfprintf(to, fmt, ap);
	va_end(ap);
	fputc('\n', to);
	exit(status);
}

static void read_picture(struct picture *p, const char *file)
{
	png_image image = { .version = PNG_IMAGE_VERSION };

	if (!png_image_begin_read_from_file(&image, file))
		end(UNUSABLE, "cannot read %s: %s", file, image.message);
	image.format = PNG_FORMAT_RGBA;	/* as RGB, it would be blended */
	p->file = file;
	p->width = image.width;
	p->height = image.height;
	/* Larger ones are no screenshots, and their size might not fit in an int. */
	if (image.width > 16384 || image.height > 16384)
		end(UNUSABLE, "cannot read %s: it is too large", file);
	p->rgba = malloc(PNG_IMAGE_SIZE(image));
	if (!p->rgba)
		end(UNUSABLE, "cannot read %s: out of memory", file);
	if (!png_image_finish_read(&image, NULL, p->rgba, 0, NULL))
		end(UNUSABLE, "cannot read %s: %s", file, image.message);
}

static const uint8_t *pixel(const struct picture *p, int x, int y)
{
	return p->rgba + ((size_t)y * p->width + x) * 4;
}

static bool agree(const uint8_t *a, const uint8_t *b, int tolerance)
{
	for (int c = 0; c < 3; c++)
		if (abs(a[c] - b[c]) > tolerance)
			return false;
	return true;
}

static void __attribute__((noreturn)) judge_same(const char *file_a, const char *file_b)
{
	struct picture a, b;
	int differ = 0, x = 0, y = 0;

	read_picture(&a, file_a);
	read_picture(&b, file_b);
	if (a.width != b.width || a.height != b.height)
		end(WRONG, "%s is %dx%d, %s is %dx%d", a.file, a.width, a.height, b.file, b.width,
		    b.height);
	for (int i = 0; i < a.width * a.height; i++) {
		if (agree(a.rgba + i * 4, b.rgba + i * 4, 2))
			continue;
		if (!differ++) {
			x = i % a.width;
			y = i / a.width;
		}
	}
	if (differ)
		end(WRONG, "%d of %d pixels differ, the first at %d,%d", differ, a.width * a.height,
		    x, y);
	end(RIGHT, "all %d pixels agree", a.width * a.height);
}

/*
 * weston-simple-dmabuf-egl: in a black window of 256x256, a square of 128x128 with one colour in
 * each corner moves from the lower left corner to the upper right one, again and again. It is a
 * strip of two triangles: the edge they share goes from the green corner to the blue one.
 *
 *	green +-----+ yellow
 *	      |     |
 *	  red +-----+ blue
 */
#define WINDOW	256
#define SQUARE	128

static bool black(const struct picture *p, int x, int y)
{
	static const uint8_t zero[3];

	return agree(pixel(p, x, y), zero, 2);
}

static bool black_run(const struct picture *p, int x, int y, int dx, int dy)
{
	int length = 0;

	if (x >= dx && y >= dy && black(p, x - dx, y - dy))
		return false;
	for (; x < p->width && y < p->height && black(p, x, y); x += dx, y += dy)
		length++;
	return length == WINDOW;
}

/* Half of the window's rows and half of its columns are black, wherever the square is. */
static bool find_window(const struct picture *p, int *left, int *top)
{
	for (int i = 0; i < p->width * p->height; i++) {
		*left = i % p->width;
		if (!black_run(p, *left, i / p->width, 1, 0))
			continue;
		for (int j = 0; j < WINDOW * p->height; j++) {
			*top = j / WINDOW;
			if (black_run(p, *left + j % WINDOW, *top, 0, 1))
				return true;
		}
	}
	return false;
}

/* The window, whose corner is at @left,@top, as it has to be if the square is at @x,@y in it. */
static void draw_window(struct picture *want, int x, int y)
{
	want->width = want->height = WINDOW;
	want->rgba = calloc(WINDOW * WINDOW, 4);
	if (!want->rgba)
		end(UNUSABLE, "out of memory");
	for (int i = 0; i < SQUARE * SQUARE; i++) {
		uint8_t *rgb = want->rgba + ((y + i / SQUARE) * WINDOW + x + i % SQUARE) * 4;
		double u = (i % SQUARE + 0.5) / SQUARE, v = 1 - (i / SQUARE + 0.5) / SQUARE;
		bool lower = u + v < 1;
		/* The barycentric coordinates in the pixel's triangle. */
		double red = lower ? 1 - u - v : 0, yellow = lower ? 0 : u + v - 1;
		double green = lower ? v : 1 - u, blue = lower ? u : 1 - v;

		rgb[0] = 255 * (red + yellow) + 0.5;
		rgb[1] = 255 * (green + yellow) + 0.5;
		rgb[2] = 255 * blue + 0.5;
	}
}

static void write_picture(const struct picture *p, const char *file)
{
	png_image image = {
		.version = PNG_IMAGE_VERSION,
		.width = p->width,
		.height = p->height,
		.format = PNG_FORMAT_RGB,
	};
	uint8_t *rgb = malloc((size_t)p->width * p->height * 3);

	if (!rgb)
		end(UNUSABLE, "cannot write %s: out of memory", file);
	for (size_t i = 0; i < (size_t)p->width * p->height * 3; i++)
		rgb[i] = p->rgba[i / 3 * 4 + i % 3];
	if (!png_image_write_to_file(&image, file, 0, rgb, 0, NULL))
		end(UNUSABLE, "cannot write %s: %s", file, image.message);
	free(rgb);
}

static void __attribute__((noreturn)) judge_square(const char *file, const char *want_file)
{
	int left, top, x0 = WINDOW, y0 = WINDOW, x1 = -1, y1 = -1, differ = 0;
	struct picture shot, want;

	read_picture(&shot, file);
	if (!find_window(&shot, &left, &top))
		end(UNDECIDED, "no window of %dx%d with much black in %s", WINDOW, WINDOW, file);
	for (int i = 0; i < WINDOW * WINDOW; i++) {
		int x = i % WINDOW, y = i / WINDOW;

		if (black(&shot, left + x, top + y))
			continue;
		x0 = x < x0 ? x : x0;
		x1 = x > x1 ? x : x1;
		y0 = y < y0 ? y : y0;
		y1 = y > y1 ? y : y1;
	}
	if (x1 < 0)
		end(WRONG, "the window at %d,%d is all black", left, top);
	if (x1 - x0 != SQUARE - 1 || y1 - y0 != SQUARE - 1)
		end(WRONG, "in the window at %d,%d is something of %dx%d, not of %dx%d", left, top,
		    x1 - x0 + 1, y1 - y0 + 1, SQUARE, SQUARE);
	if (abs(x0 + y0 - SQUARE) > 1)
		end(WRONG, "the square is at %d,%d, which is not on its way", x0, y0);
	draw_window(&want, x0, y0);
	if (want_file)
		write_picture(&want, want_file);
	/* A colour changes by 2 in a pixel, and the square may begin within one. */
	for (int i = 0; i < WINDOW * WINDOW; i++)
		differ += !agree(pixel(&shot, left + i % WINDOW, top + i / WINDOW),
				 want.rgba + i * 4, 3);
	if (differ)
		end(WRONG, "%d of %d pixels of the window differ", differ, WINDOW * WINDOW);
	end(RIGHT, "all %d pixels of the window at %d,%d agree", WINDOW * WINDOW, left, top);
}

/* Gradients of each colour, and a block in the upper left corner: no flip or swap keeps it. */
static void draw_desktop(const char *file)
{
	struct picture p = { .width = MONITOR_WIDTH, .height = MONITOR_HEIGHT };

	p.rgba = calloc(MONITOR_WIDTH * MONITOR_HEIGHT, 4);
	if (!p.rgba)
		end(UNUSABLE, "out of memory");
	for (int i = 0; i < MONITOR_WIDTH * MONITOR_HEIGHT; i++) {
		int x = i % MONITOR_WIDTH, y = i / MONITOR_WIDTH;
		bool block = x < 80 && y < 40;

		p.rgba[i * 4] = block ? 255 : x * 255 / (MONITOR_WIDTH - 1);
		p.rgba[i * 4 + 1] = block ? 255 : y * 255 / (MONITOR_HEIGHT - 1);
		p.rgba[i * 4 + 2] = block ? 0 : (x ^ y) & 255;
	}
	write_picture(&p, file);
}

/* The file has four bytes a pixel: blue, green, red, and one that means nothing. */
static void convert_monitor(const char *from, const char *to)
{
	static uint8_t bgrx[MONITOR_WIDTH * MONITOR_HEIGHT * 4];
	struct picture p = { .width = MONITOR_WIDTH, .height = MONITOR_HEIGHT, .rgba = bgrx };
	FILE *f = fopen(from, "rb");

	if (!f || fread(bgrx, sizeof(bgrx), 1, f) != 1)
		end(UNUSABLE, "cannot read %s", from);
	fclose(f);
	for (size_t i = 0; i < sizeof(bgrx); i += 4) {
		uint8_t blue = bgrx[i];

		bgrx[i] = bgrx[i + 2];
		bgrx[i + 2] = blue;
	}
	write_picture(&p, to);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "same"))
		judge_same(argv[2], argv[3]);
	if ((argc == 3 || argc == 4) && !strcmp(argv[1], "square"))
		judge_square(argv[2], argc == 4 ? argv[3] : NULL);
	if (argc == 3 && !strcmp(argv[1], "desktop")) {
		draw_desktop(argv[2]);
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "monitor")) {
		convert_monitor(argv[2], argv[3]);
		return 0;
	}
	end(UNUSABLE, "bad use; see --help");
}
