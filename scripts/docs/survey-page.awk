# SPDX-License-Identifier: MIT
# docs/survey.md, of what survey.awk has read

function plural(n, text) {
	return n " " text (n == 1 ? "" : "s")
}

function output(i, row, part, text) {
	print "<!-- SPDX-License-Identifier: MIT -->"
	print "# Who maps imports"
	print ""
	printf "%s of Debian 12 and 13 ran in virtual machines without a GPU, %d times in all: " \
		"%d of them import dma-bufs there, and %d map an import with the CPU. ", \
		plural(n_programs, "program"), n_rows, \
		size(importing), size(mapping)
	printf "Of the %d times that a program maps an import, %d end natively in a crash or an " \
		"error, and %d of those go on with `--mode rescue`. ", n_mapping, n_bad, n_healed
	printf "%s of the %d syncs its imports, and of %d programs that map a dma-buf by its own " \
		"descriptor %s.\n", size(syncing) ? size(syncing) : "None", size(mapping), \
		size(directly), size(directly_synced) ? size(directly_synced) \
		" sync it" : "none syncs it"
	print ""
	print "![Each program on each machine, natively and with --mode rescue](survey.svg)"
	print ""
	print "* They map imports in Debian 12: " names(mapping_of, 12) "; in Debian 13: " \
		names(mapping_of, 13) "."
	print "* They crash or fail natively where they do: " names(bad) "."
	print "* Not with `--mode rescue`, except: " names(not_healed) "."
	print "* They map dma-bufs by their own descriptors: " names(directly) "; and sync them: " \
		names(directly_synced) "."
	print ""
	print "`scripts/docs/survey.sh` wrote this page, the picture, and the data of both, " \
		"[survey.tsv](survey.tsv), from what `run-with-shim --survey` and " \
		"`run-with-shim --mode rescue --report` said of each run."
	print ""
	print "| program | Debian | machine | importer ← exporter | maps | the kernel | syncs | " \
		"dma-bufs mapped directly, synced | natively | `--mode rescue` |"
	print "|---|---|---|---|---|---|---|---|---|---|"
	for (i = 1; i <= n_rows; i++) {
		row = order[i]
		split(row, part, SUBSEP)
		text = unseen(row) ? "cannot be known: " situation[row, "native"] : both(row, pairs)
		gsub(/</, " ← ", text)
		if (both(row, refused) != "–")
			text = (text == "–" ? "" : text "; ") "refused: " both(row, refused)
		printf "| %s %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", part[1], \
			version[row], part[2], about[part[3]], text, counts(row, asked), \
			both(row, kernel), counts(row, syncs), \
			most(row, direct) ? most(row, direct) ", " most(row, direct_synced) : "–", \
			how(row, "native"), how(row, "rescue")
	}
	print ""
	print "*Shows it*: a picture of the program's was on the display when the survey ended"
	print "it by SIGTERM. *Runs*: the program ran until then. *Done*: it did its work and"
	print "ended with status 0. *Maps* are the map ioctls and the mmaps of imports. The two"
	print "numbers of a cell are the native run's and the run's"
	print "with `--mode rescue`, of the program and its children: a program that dies at its"
	print "first map has no second. A program that imports nothing natively was not run"
	print "again. *Cannot be known* names a [verdict](verdicts.md): a process may import what"
	print "the shim does not see. An import of a buffer that the device itself made counts"
	print "only where the driver refuses to map it."
	print ""
	print "## The machines"
	print ""
	print "QEMU without KVM, and Linux 6.12 of Debian 12. Mesa draws on the processor " \
		"(llvmpipe): none of the machines has a GPU."
	print ""
	print "* **virtio-gpu**: `vm.sh --device virtio-gpu-pci`, a plain one, without 3D."
	print "* **virtio-gpu + cirrus**: `--device cirrus-vga` is the second device. A program " \
		"for two devices has both, another one has cirrus."
	print "* **virtio-gpu + evdi**: `--gpu evdi`, a DisplayLink dock with a monitor plugged " \
		"in is the second device."
	print ""
	print "*-wayland* is a client of Wayland; *-drm*, *-gbm* and *-kmsdrm* draw without a " \
		"display server. *weston-dmabuf* is Weston with a client of vgem buffers; " \
		"*v4l2-convert*, *kmssink*, *waylandsink* and *glimagesink* are pipelines of " \
		"GStreamer that take dma-bufs from a camera (vivid), *kmsgrab* is ffmpeg, " \
		"*simple-egl* is a client that comes with Weston."
	print ""
	print "*glimagesink-test* shows a test picture, no dma-buf: where it crashes, so does " \
		"*glimagesink-gbm*, and not for want of a map. *cage-pixman* is Cage without " \
		"GL: its SIGABRT at the end is no matter of imports either. *gamescope* wants " \
		"DRM format modifiers, which Mesa's Vulkan on the processor lacks in Debian 12. " \
		"*labwc* with two devices imports nothing before it dies: wlroots finds no " \
		"buffer that the second output takes. *sway* 1.10 has `--unsupported-gpu` on evdi."
	print ""
	print "Wayland clients ran in sway with `--mode rescue`, which is not counted with them. " \
		"`tests/kernel/survey-programs.sh` has each " \
		"program's command."
	if (!n_not_run)
		return
	print ""
	print "## What was not run"
	print ""
	print "| program | Debian | why |"
	print "|---|---|---|"
	for (i = 1; i <= n_not_run; i++) {
		split(not_run[i], part, "|")
		printf "| %s | %s | %s |\n", part[1], part[2], part[3]
	}
}
