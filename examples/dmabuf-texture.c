// SPDX-License-Identifier: MIT
/*
 * Draws a dma-buf as a GL texture. An ordinary GBM/EGL program, which knows nothing of primeshim.
 * It puts a test picture into another device's dma-buf, imports the dma-buf into EGL, draws it on a
 * quad, reads that back by glReadPixels(), and writes a PNG. If imports work, the two pictures are
 * equal.
 */
#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GLES2/gl2.h>
#include <GLES2/gl2ext.h>
#include <drm_fourcc.h>
#include <gbm.h>

#include "dmabuf-picture.h"

static const char usage[] =
	"Usage: dmabuf-texture [options] OUT.png [IN.png]\n"
	"Puts a test picture into a dma-buf, imports that into EGL, draws it as a texture and\n"
	"writes what glReadPixels() returns to OUT.png, and to IN.png what was put in.\n"
	"\n"
	"Options:\n"
	"  --device FILE            the DRM device to draw with (default: first /dev/dri/card*)\n"
	"  --driver NAME            instead of that: the first card of this driver, say vgem\n"
	"  --exporter udmabuf|heap  what makes the dma-buf (default: udmabuf)\n"
	"  --help                   prints this\n"
	"\n"
	"Exit status: 0 drawn without an error, 1 a step failed, 2 bad use\n"
	"\n"
	"Example:\n"
	"  GBM_ALWAYS_SOFTWARE=1 dmabuf-texture --driver vgem out.png in.png\n";

static void __attribute__((noreturn)) bad_use(const char *why)
{
	fprintf(stderr, "dmabuf-texture: %s; see --help\n", why);
	exit(2);
}

/* Makes a GLES 2 context without a surface current. */
static EGLDisplay start_egl(int drm)
{
	static const EGLint config_attribs[] = {
		EGL_SURFACE_TYPE, 0, EGL_RENDERABLE_TYPE, EGL_OPENGL_ES2_BIT, EGL_NONE
	};
	static const EGLint context_attribs[] = { EGL_CONTEXT_CLIENT_VERSION, 2, EGL_NONE };
	struct gbm_device *gbm = gbm_create_device(drm);
	const char *extensions;
	EGLDisplay display;
	EGLContext context;
	EGLConfig config;
	EGLint n;

	if (!gbm)
		fail("gbm_create_device: %s", strerror(errno));
	display = eglGetPlatformDisplay(EGL_PLATFORM_GBM_KHR, gbm, NULL);
	if (display == EGL_NO_DISPLAY || !eglInitialize(display, NULL, NULL))
		fail("eglInitialize: EGL error 0x%x", eglGetError());
	extensions = eglQueryString(display, EGL_EXTENSIONS);
	if (!strstr(extensions, "EGL_EXT_image_dma_buf_import"))
		fail("this EGL has no EGL_EXT_image_dma_buf_import");
	if (!strstr(extensions, "EGL_KHR_surfaceless_context"))
		fail("this EGL has no EGL_KHR_surfaceless_context");
	if (!eglBindAPI(EGL_OPENGL_ES_API) ||
	    !eglChooseConfig(display, config_attribs, &config, 1, &n) || !n)
		fail("eglChooseConfig: EGL error 0x%x", eglGetError());
	context = eglCreateContext(display, config, EGL_NO_CONTEXT, context_attribs);
	if (context == EGL_NO_CONTEXT)
		fail("eglCreateContext: EGL error 0x%x", eglGetError());
	if (!eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, context))
		fail("eglMakeCurrent: EGL error 0x%x", eglGetError());
	return display;
}

/* Binds the dma-buf as the texture; every driver takes an import for GL_TEXTURE_EXTERNAL_OES. */
static void import(EGLDisplay display, int dmabuf)
{
	EGLint attribs[] = {
		EGL_WIDTH, WIDTH,
		EGL_HEIGHT, HEIGHT,
		EGL_LINUX_DRM_FOURCC_EXT, DRM_FORMAT_XRGB8888,
		EGL_DMA_BUF_PLANE0_FD_EXT, dmabuf,
		EGL_DMA_BUF_PLANE0_OFFSET_EXT, 0,
		EGL_DMA_BUF_PLANE0_PITCH_EXT, STRIDE,
		EGL_NONE
	};
	PFNGLEGLIMAGETARGETTEXTURE2DOESPROC image_target_texture =
		(PFNGLEGLIMAGETARGETTEXTURE2DOESPROC)eglGetProcAddress(
			"glEGLImageTargetTexture2DOES");
	PFNEGLCREATEIMAGEKHRPROC create_image =
		(PFNEGLCREATEIMAGEKHRPROC)eglGetProcAddress("eglCreateImageKHR");
	EGLImageKHR image;
	GLuint texture;
	GLenum err;

	if (!create_image || !image_target_texture ||
	    !strstr((const char *)glGetString(GL_EXTENSIONS), "GL_OES_EGL_image_external"))
		fail("this GL has no GL_OES_EGL_image_external");
	image = create_image(display, EGL_NO_CONTEXT, EGL_LINUX_DMA_BUF_EXT, NULL, attribs);
	if (image == EGL_NO_IMAGE_KHR)
		fail("importing the dma-buf with eglCreateImageKHR: EGL error 0x%x", eglGetError());
	glGenTextures(1, &texture);
	glBindTexture(GL_TEXTURE_EXTERNAL_OES, texture);
	glTexParameteri(GL_TEXTURE_EXTERNAL_OES, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
	glTexParameteri(GL_TEXTURE_EXTERNAL_OES, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
	image_target_texture(GL_TEXTURE_EXTERNAL_OES, image);
	err = glGetError();
	if (err)
		fail("glEGLImageTargetTexture2DOES: GL error 0x%x", err);
}

static void add_shader(GLuint program, GLenum type, const char *source)
{
	GLuint shader = glCreateShader(type);

	glShaderSource(shader, 1, &source, NULL);
	glCompileShader(shader);
	glAttachShader(program, shader);
}

static void use_program(void)
{
	GLuint program = glCreateProgram();
	GLint linked;

	add_shader(program, GL_VERTEX_SHADER,
		   "attribute vec2 pos;\n"
		   "varying vec2 at;\n"
		   "void main() {\n"
		   "	at = pos * 0.5 + 0.5;\n"
		   "	gl_Position = vec4(pos, 0.0, 1.0);\n"
		   "}\n");
	add_shader(program, GL_FRAGMENT_SHADER,
		   "#extension GL_OES_EGL_image_external : require\n"
		   "precision mediump float;\n"
		   "uniform samplerExternalOES picture;\n"
		   "varying vec2 at;\n"
		   "void main() {\n"
		   "	gl_FragColor = vec4(texture2D(picture, at).rgb, 1.0);\n"
		   "}\n");
	glBindAttribLocation(program, 0, "pos");
	glLinkProgram(program);
	glGetProgramiv(program, GL_LINK_STATUS, &linked);
	if (!linked)
		fail("glLinkProgram: the shaders do not link");
	glUseProgram(program);
}

/* Draws into a texture, in which the first row of the picture is the first one again. */
static void draw(void)
{
	static const GLfloat quad[] = { -1, -1, 1, -1, -1, 1, 1, 1 };
	GLuint target, framebuffer;
	GLenum err;

	use_program();
	glGenTextures(1, &target);
	glBindTexture(GL_TEXTURE_2D, target);
	glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA, WIDTH, HEIGHT, 0, GL_RGBA, GL_UNSIGNED_BYTE, NULL);
	glGenFramebuffers(1, &framebuffer);
	glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
	glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, target, 0);
	if (glCheckFramebufferStatus(GL_FRAMEBUFFER) != GL_FRAMEBUFFER_COMPLETE)
		fail("glCheckFramebufferStatus: the framebuffer is not complete");
	glBindTexture(GL_TEXTURE_2D, 0);
	glViewport(0, 0, WIDTH, HEIGHT);
	glVertexAttribPointer(0, 2, GL_FLOAT, GL_FALSE, 0, quad);
	glEnableVertexAttribArray(0);
	glDrawArrays(GL_TRIANGLE_STRIP, 0, 4);
	err = glGetError();
	if (err)
		fail("glDrawArrays: GL error 0x%x", err);
}

static void read_back(const char *out)
{
	uint8_t *pixels = calloc(1, SIZE);
	GLenum err;

	if (!pixels)
		fail("out of memory");
	glReadPixels(0, 0, WIDTH, HEIGHT, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
	err = glGetError();
	if (err)
		fail("glReadPixels: GL error 0x%x", err);
	write_rgb(out, pixels, false);
	free(pixels);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "driver", required_argument, NULL, 'r' },
		{ "exporter", required_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	const char *device = NULL, *driver = NULL, *exporter = "udmabuf";
	EGLDisplay display;
	int c, drm, dmabuf;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'd':
			device = optarg;
			break;
		case 'r':
			driver = optarg;
			break;
		case 'e':
			exporter = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return 2;	/* getopt_long() has said why */
		}
	}
	if (strcmp(exporter, "udmabuf") && strcmp(exporter, "heap"))
		bad_use("--exporter is neither udmabuf nor heap");
	if (device && driver)
		bad_use("--device and --driver exclude each other");
	if (argc - optind < 1 || argc - optind > 2)
		bad_use("give OUT.png, or OUT.png and IN.png");

	dmabuf = make_dmabuf(exporter, argv[optind + 1]);
	drm = open_device(device, driver);
	display = start_egl(drm);
	import(display, dmabuf);
	draw();
	read_back(argv[optind]);
	eglTerminate(display);
	return 0;
}
