// SPDX-License-Identifier: MIT
/*
 * What GBM and EGL do by the CPU alone with a linear dma-buf in Mesa's etnaviv, on a GPU that does
 * no work. An ordinary program, which knows nothing of the shim. For kernel-etnaviv.sh.
 *
 *   etnaviv-mesa EXPORTER
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GLES2/gl2.h>
#include <GLES2/gl2ext.h>
#include <drm_fourcc.h>
#include <gbm.h>
#include <xf86drm.h>

#include "lib/client.h"

enum { WIDTH = 64, HEIGHT = 64, STRIDE = 4 * WIDTH };

static struct export e;

static struct gbm_device *device(void)
{
	int fd = open_card("etnaviv");
	struct gbm_device *gbm;
	char *node;

	if (fd < 0)
		errx(2, "there is no device with the driver etnaviv");
	node = drmGetRenderDeviceNameFromFd(fd);
	close(fd);
	fd = node ? open(node, O_RDWR | O_CLOEXEC) : -1;
	gbm = fd < 0 ? NULL : gbm_create_device(fd);
	if (!gbm)
		errx(2, "gbm_create_device on etnaviv's render node");
	return gbm;
}

static void map_by_gbm(struct gbm_device *gbm)
{
	struct gbm_import_fd_data data = {
		.fd = e.dmabuf, .width = WIDTH, .height = HEIGHT, .stride = STRIDE,
		.format = GBM_FORMAT_ARGB8888,
	};
	struct gbm_bo *bo = gbm_bo_import(gbm, GBM_BO_IMPORT_FD, &data, GBM_BO_USE_RENDERING);
	void *cookie = NULL;
	uint32_t stride = 0;
	uint8_t *p;

	check(bo, "gbm_bo_import takes it");
	if (!bo)
		return;
	p = gbm_bo_map(bo, 0, 0, WIDTH, HEIGHT, GBM_BO_TRANSFER_READ_WRITE, &stride, &cookie);
	check(p && stride == STRIDE, "gbm_bo_map maps it");
	if (p) {
		check(shows(p, 0, e.size, 1), "and shows the exporter's bytes");
		fill(p, e.size, 2);
		gbm_bo_unmap(bo, cookie);
		check(shows(e.view, 0, e.size, 2), "what it writes arrives");
	}
	gbm_bo_destroy(bo);
}

static EGLDisplay context(struct gbm_device *gbm)
{
	static const EGLint config_attribs[] = {
		EGL_SURFACE_TYPE, 0, EGL_RENDERABLE_TYPE, EGL_OPENGL_ES2_BIT, EGL_NONE
	};
	static const EGLint context_attribs[] = { EGL_CONTEXT_CLIENT_VERSION, 2, EGL_NONE };
	EGLDisplay display = eglGetPlatformDisplay(EGL_PLATFORM_GBM_KHR, gbm, NULL);
	EGLConfig config;
	EGLContext c;
	EGLint n = 0;

	if (!eglInitialize(display, NULL, NULL) || !eglBindAPI(EGL_OPENGL_ES_API) ||
	    !eglChooseConfig(display, config_attribs, &config, 1, &n) || !n)
		errx(2, "EGL error %#x", eglGetError());
	c = eglCreateContext(display, config, EGL_NO_CONTEXT, context_attribs);
	if (!eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, c))
		errx(2, "eglMakeCurrent: EGL error %#x", eglGetError());
	return display;
}

/* ARGB8888 is BGRA in memory, what is read RGBA. */
static bool same(const uint8_t *rgba, const uint8_t *bgra)
{
	for (size_t i = 0; i < e.size; i += 4)
		if (rgba[i] != bgra[i + 2] || rgba[i + 1] != bgra[i + 1] ||
		    rgba[i + 2] != bgra[i] || rgba[i + 3] != bgra[i + 3])
			return false;
	return true;
}

static void read_by_gl(EGLDisplay display)
{
	const EGLAttrib attribs[] = {
		EGL_WIDTH, WIDTH, EGL_HEIGHT, HEIGHT,
		EGL_LINUX_DRM_FOURCC_EXT, DRM_FORMAT_ARGB8888,
		EGL_DMA_BUF_PLANE0_FD_EXT, e.dmabuf, EGL_DMA_BUF_PLANE0_OFFSET_EXT, 0,
		EGL_DMA_BUF_PLANE0_PITCH_EXT, STRIDE, EGL_NONE
	};
	static uint8_t pixels[STRIDE * HEIGHT];
	PFNGLEGLIMAGETARGETTEXTURE2DOESPROC bind =
		(PFNGLEGLIMAGETARGETTEXTURE2DOESPROC)
		eglGetProcAddress("glEGLImageTargetTexture2DOES");
	EGLImage image = eglCreateImage(display, EGL_NO_CONTEXT, EGL_LINUX_DMA_BUF_EXT, NULL,
					attribs);
	GLuint texture, fbo;

	check(image != EGL_NO_IMAGE, "eglCreateImage takes it");
	glGenTextures(1, &texture);
	glBindTexture(GL_TEXTURE_2D, texture);
	bind(GL_TEXTURE_2D, image);
	glGenFramebuffers(1, &fbo);
	glBindFramebuffer(GL_FRAMEBUFFER, fbo);
	glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, texture, 0);
	check(glCheckFramebufferStatus(GL_FRAMEBUFFER) == GL_FRAMEBUFFER_COMPLETE,
	      "it makes a complete framebuffer");
	for (int round = 3; round < 5; round++) {
		fill(e.view, e.size, round);
		glReadPixels(0, 0, WIDTH, HEIGHT, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
		check(!glGetError() && same(pixels, e.view), "glReadPixels shows its pixels");
	}
}

int main(int argc, char **argv)
{
	struct gbm_device *gbm;
	EGLDisplay display;

	if (argc != 2)
		errx(2, "see the top of etnaviv-mesa.c for how to use it");
	setvbuf(stdout, NULL, _IOLBF, 0);
	importer = "Mesa's etnaviv";
	exporter = argv[1];
	e = export_new(exporter, STRIDE * HEIGHT);
	fill(e.view, e.size, 1);
	gbm = device();
	map_by_gbm(gbm);
	display = context(gbm);
	check(strstr((const char *)glGetString(GL_RENDERER), "Vivante GC7000") != NULL,
	      "it draws with etnaviv");
	read_by_gl(display);
	eglTerminate(display);
	return broken;
}
