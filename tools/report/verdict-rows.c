// SPDX-License-Identifier: MIT
/*
 * The table of situations; see verdict.h. tests/cli/verdicts.sh compares docs/verdicts.md with it,
 * and makes each situation.
 */
#include "config.h"

#include "verdict-rows.h"

#define CURE	"the cure is DMA_BUF_IOCTL_SYNC in the program"
#define WHERE	"coredumpctl gdb shows where it died, or run-with-shim --gdb COMMAND"

const struct verdict_row verdict_rows[ROW_COUNT + 1] = {
	/* The shim has made the maps. */
	[ROW_HEALED] = {
		"healed", ANSWER_HEALED,
		"maps that the driver refuses, or that would be SIGBUS, work",
		"its driver refuses maps of imports, and the shim has made them",
		"keep --mode redirect or rescue",
	},
	[ROW_HEALED_UNSYNCED] = {
		"healed-unsynced", ANSWER_HEALED,
		"the same, and the process ran out of descriptors",
		"the shim has made the maps, some without brackets, for want of descriptors",
		"raise ulimit -n: where caches are not coherent, pixels may be stale",
	},
	[ROW_HEALED_DIED] = {
		"healed-died", ANSWER_UNKNOWN,
		"the same, and a crash ends the program",
		"%s ended it, although the shim has made its maps of imports",
		"look for another cause: " WHERE "; if it lives with --mode off, please report "
		"that",
	},
	[ROW_SIGBUS_DMABUF] = {
		"sigbus-dmabuf", ANSWER_UNKNOWN,
		"SIGBUS while the shim's map of a dma-buf is open",
		"SIGBUS with a dma-buf mapped by the shim: the exporter's memory may be out of "
		"the CPU's reach, as a graphics card's is",
		"compare with --mode rescue and --mode observe; the report names the exporter",
	},
	/* Another mode would. */
	[ROW_REFUSED_DIED] = {
		"refused-died", ANSWER_OTHER_MODE,
		"a driver refuses maps, and a crash ends the program",
		"it maps imports and is refused, and then %s ended it",
		"run it with --mode rescue (if it dies there, too, the cause is another): "
		"run-with-shim --mode rescue COMMAND",
	},
	[ROW_REFUSED] = {
		"refused", ANSWER_OTHER_MODE,
		"a driver refuses maps, and the mode leaves it at that",
		"it maps imports and is refused",
		"run it with --mode rescue: run-with-shim --mode rescue COMMAND",
	},
	[ROW_SIGBUS] = {
		"sigbus", ANSWER_OTHER_MODE,
		"SIGBUS while a driver's map of an import is open",
		"SIGBUS with an import mapped natively",
		"run it with --mode redirect: run-with-shim --mode redirect COMMAND",
	},
	[ROW_DENIED] = {
		"denied", ANSWER_OTHER_MODE,
		"--mode deny has refused maps",
		"it maps imports, and deny has refused that",
		"a kernel with \"Don't map imported GEMs\" would, too; --mode redirect makes them",
	},
	/* It is not this. */
	[ROW_DENIED_NOTHING] = {
		"denied-nothing", ANSWER_NOT_THIS,
		"--mode deny had nothing to refuse",
		"deny has refused nothing",
		"",
	},
	[ROW_UNMAPPED] = {
		"unmapped", ANSWER_NOT_THIS,
		"imports, and no map",
		"it imports, and maps no import: nothing for primeshim to do",
		"",
	},
	[ROW_UNMAPPED_DIED] = {
		"unmapped-died", ANSWER_NOT_THIS,
		"imports, no map, and a crash",
		"%s ends it, and it maps no import: the cause is another",
		WHERE,
	},
	[ROW_CLOSED_DIED] = {
		"closed-died", ANSWER_NOT_THIS,
		"a crash after the last map was closed",
		"%s ended it when no import was mapped any more: the cause is another",
		WHERE,
	},
	[ROW_SYNCS] = {
		"syncs", ANSWER_NOT_THIS,
		"the driver's maps work, and the program syncs",
		"it maps imports, which works, and syncs them itself",
		"leave it as it is; deny would break it",
	},
	[ROW_OWN_REFUSAL] = {
		"own-refusal", ANSWER_NOT_THIS,
		"a map that no mode could make",
		"the kernel refuses a map as the program asks for it (%s), and so would any "
		"dma-buf",
		"open the device for reading and writing; map it MAP_SHARED, and not beyond its "
		"end",
	},
	[ROW_OWN] = {
		"own", ANSWER_NOT_THIS,
		"imports only what the same device has exported",
		"it imports only its own device's buffers, which the driver maps: nothing for "
		"primeshim to do",
		"",
	},
	[ROW_NOTHING] = {
		"nothing", ANSWER_NOT_THIS,
		"no import, and the shim was in every process",
		"it imports no dma-buf: nothing for primeshim to do",
		"",
	},
	[ROW_NOTHING_DIED] = {
		"nothing-died", ANSWER_NOT_THIS,
		"the same, or imports of its own device alone, and a crash",
		"%s ended it, and it had imported nothing of another device: the cause is another",
		WHERE,
	},
	/* The import was refused: there is nothing to map. */
	[ROW_IMPORT_NODEV] = {
		"import-enodev", ANSWER_NOT_THIS,
		"ENODEV, ENXIO or EXDEV for an import",
		"its driver refused an import (%s): it cannot reach the exporter's memory",
		"the program has to draw on the device that shows, or to copy; for virtio-gpu "
		"enable blob=on and hostmem",
	},
	[ROW_IMPORT_ACCES] = {
		"import-eacces", ANSWER_NOT_THIS,
		"EACCES or EPERM for an import",
		"its driver refused an import (%s): the program may not import on that device",
		"use the render node, or be the device's master: log in at the machine's own seat",
	},
	[ROW_IMPORT_NOSYS] = {
		"import-enosys", ANSWER_NOT_THIS,
		"ENOSYS, EOPNOTSUPP or ENOTTY for an import",
		"its driver takes no imports at all (%s)",
		"the program has to copy; or draw on the device that shows",
	},
	[ROW_IMPORT_INVAL] = {
		"import-einval", ANSWER_NOT_THIS,
		"EINVAL for an import",
		"its driver refused an import (%s): mostly for the layout, as scattered pages "
		"where the display wants them in one piece",
		"take the buffer from the display's device or a CMA heap, and import it on the "
		"GPU",
	},
	[ROW_IMPORT_NOMEM] = {
		"import-enomem", ANSWER_NOT_THIS,
		"ENOMEM, ENOSPC, EMFILE or ENFILE for an import",
		"an import failed for want of memory, address space or descriptors (%s)",
		"raise ulimit -n, or cma= on the kernel's command line; dmesg may say which",
	},
	[ROW_IMPORT_OTHER] = {
		"import-other", ANSWER_NOT_THIS,
		"any other error of an import",
		"its driver refused an import (%s)",
		"dmesg may say why, after echo 0x1ff >/sys/module/drm/parameters/debug as root",
	},
	/* It cannot be known. */
	[ROW_REDIRECTED] = {
		"redirected", ANSWER_UNKNOWN,
		"the shim maps, and asked no driver",
		"the shim maps the dma-bufs; the driver was not asked",
		"primeshim ab COMMAND says whether it works natively",
	},
	[ROW_SYNCED] = {
		"synced", ANSWER_UNKNOWN,
		"the driver's maps work, and the shim brackets them",
		"the driver's own mappings of its imports work, and the shim syncs them",
		"primeshim ab COMMAND says whether that makes a difference",
	},
	[ROW_UNSYNCED] = {
		"unsynced", ANSWER_UNKNOWN,
		"the driver's maps work, and nobody syncs",
		"it maps imports, which works, and syncs none: wrong where caches are not "
		"coherent",
		"primeshim ab COMMAND compares it with the shim's; deny would break it",
	},
	[ROW_NATIVE_DIED] = {
		"native-died", ANSWER_UNKNOWN,
		"a crash while a driver's map of an import is open",
		"%s ended it with an import mapped natively, which may be the cause",
		"run it with --mode redirect (if it dies there, too, the cause is another): "
		"run-with-shim --mode redirect COMMAND",
	},
	[ROW_TOUCHED] = {
		"touched", ANSWER_UNKNOWN,
		"--sync trap has caught touches",
		"it touches buffers while it is the device's turn",
		"the places are on stderr, and in primeshim trace",
	},
	/* The dma-buf could not be mapped. */
	[ROW_FALLBACK_ACCES] = {
		"fallback-eacces", ANSWER_UNKNOWN,
		"EACCES or EPERM for a map of the dma-buf",
		"some maps could not be made from the dma-buf (%s)",
		"the dma-buf was exported without write permission (DRM_RDWR): run the exporting "
		"program under the shim as well, or patch it",
	},
	[ROW_FALLBACK_FAULT] = {
		"fallback-efault", ANSWER_UNKNOWN,
		"a map of the dma-buf that cannot be read",
		"some maps could not be made from the dma-buf (%s)",
		"the dma-buf itself cannot be mapped or read by the CPU: its exporter has to allow "
		"that",
	},
	[ROW_FALLBACK_INVAL] = {
		"fallback-einval", ANSWER_UNKNOWN,
		"EINVAL for a map of the dma-buf",
		"some maps could not be made from the dma-buf (%s)",
		"MAP_PRIVATE, a range that the dma-buf does not have, or an exporter that "
		"refuses: only those can change that",
	},
	[ROW_FALLBACK_NOMEM] = {
		"fallback-enomem", ANSWER_UNKNOWN,
		"ENOMEM for a map of the dma-buf",
		"some maps could not be made from the dma-buf (%s)",
		"out of memory or of mappings, or a library loaded before the shim defines mmap: "
		"see primeshim doctor",
	},
	[ROW_FALLBACK_NODEV] = {
		"fallback-enodev", ANSWER_UNKNOWN,
		"an exporter without mmap (ENODEV, EOPNOTSUPP, 524)",
		"some maps could not be made from the dma-buf (%s)",
		"the exporter has no mmap, or the driver does not re-export: NVIDIA's nv_dmabuf "
		"has none",
	},
	[ROW_FALLBACK_MFILE] = {
		"fallback-emfile", ANSWER_UNKNOWN,
		"no descriptor left for a map of the dma-buf",
		"some maps could not be made from the dma-buf (%s)",
		"out of file descriptors: raise ulimit -n",
	},
	[ROW_FALLBACK_EXIST] = {
		"fallback-eexist", ANSWER_UNKNOWN,
		"MAP_FIXED in the middle of a buffer",
		"some maps could not be made from the dma-buf (%s)",
		"MAP_FIXED in the middle of a buffer, without room before it",
	},
	[ROW_FALLBACK_OTHER] = {
		"fallback-other", ANSWER_UNKNOWN,
		"any other error of a map of the dma-buf",
		"some maps could not be made from the dma-buf (%s)",
		"see primeshim watch, or --log, for which",
	},
	/* The program maps dma-bufs by their own descriptors. */
	[ROW_DIRECT_HEALED] = {
		"direct-healed", ANSWER_HEALED,
		"it maps dma-bufs itself, and --direct sync brackets them",
		"it maps %s itself and does not sync each of them; the shim syncs at map and unmap",
		"keep --direct sync; " CURE,
	},
	[ROW_DIRECT_REFUSED] = {
		"direct-refused", ANSWER_NOT_THIS,
		"it maps a read-only dma-buf itself, for writing (EACCES)",
		"it is refused (EACCES) to write a dma-buf that %s exported for reading only",
		"the exporter has to add DRM_RDWR (O_RDWR for V4L2 and dma-heaps): patch it; in a "
		"DRM program --mode redirect and rescue do so",
	},
	[ROW_DIRECT_SYNCS] = {
		"direct-syncs", ANSWER_NOT_THIS,
		"it maps dma-bufs itself, and syncs each of them",
		"it maps %s itself, and syncs itself",
		"",
	},
	[ROW_DIRECT_SOME] = {
		"direct-some", ANSWER_UNKNOWN,
		"it maps dma-bufs itself, and syncs some",
		"it maps %s itself, and syncs only some of them",
		"wrong where caches are not coherent: try --direct sync; " CURE,
	},
	[ROW_DIRECT_UNSYNCED] = {
		"direct-unsynced", ANSWER_UNKNOWN,
		"it maps dma-bufs itself, and nobody syncs",
		"it maps %s itself and never syncs",
		"wrong where caches are not coherent: try --direct sync; " CURE,
	},
	[ROW_DIRECT_LASTING] = {
		"direct-lasting", ANSWER_UNKNOWN,
		"it maps dma-bufs itself, mostly once each, and nobody syncs",
		"it maps %s itself and never syncs",
		"wrong where caches are not coherent: " CURE "; --direct sync begins a mapping "
		"that stays only once",
	},
	[ROW_DIRECT_DIED] = {
		"direct-died", ANSWER_UNKNOWN,
		"a crash with a dma-buf mapped that it maps itself",
		"%s ended it with a dma-buf mapped that it maps itself, which may be the cause",
		WHERE "; with SIGBUS the exporter's memory may be out of the CPU's reach",
	},
	/* The shim may have missed it. */
	[ROW_STATIC] = {
		"static", ANSWER_UNKNOWN,
		"a process is statically linked",
		"%s is statically linked: LD_PRELOAD has no effect on it",
		"use a dynamically linked build",
	},
	[ROW_ABI] = {
		"abi", ANSWER_UNKNOWN,
		"a process is of another architecture than the library",
		"%s is of another architecture: its ld.so found no library of the shim's",
		"install the library of that architecture, too (on Debian libprimeshim:ARCH)",
	},
	[ROW_ABSENT] = {
		"absent", ANSWER_UNKNOWN,
		"a process's ld.so has not loaded the library, which is of its architecture",
		"%s did not get the library: it runs in a container without it, or has another "
		"libc",
		"put the library into the container, as docs/desktop.md says of Flatpak; for musl "
		"build it with musl",
	},
	[ROW_PRIVILEGED] = {
		"privileged", ANSWER_UNKNOWN,
		"a process is setuid, or has file capabilities",
		"%s is setuid or has capabilities: ld.so ignored LD_PRELOAD",
		"primeshim doctor -- PROGRAM names the ways out",
	},
	[ROW_CLEARED] = {
		"cleared", ANSWER_UNKNOWN,
		"a process was started without LD_PRELOAD",
		"%s was started without LD_PRELOAD: what started it clears the environment",
		"put run-with-shim right before that program, behind sudo, env -i or systemd-run",
	},
	[ROW_USER] = {
		"user", ANSWER_UNKNOWN,
		"a process has dropped its privileges",
		"%s may not write into the directory of the status files: it runs as another user",
		"run it with --log, or as that user with --dir DIRECTORY of its own",
	},
	[ROW_COPIES] = {
		"copies", ANSWER_UNKNOWN,
		"a process has loaded libraries by dlmopen()",
		"%s has loaded libc a second time, by dlmopen(): the shim does not see such calls",
		"name the plugin that does so to its authors; no mode reaches it",
	},
	[ROW_DEEPBIND] = {
		"deepbind", ANSWER_UNKNOWN,
		"a library was loaded with RTLD_DEEPBIND",
		"%s has a library that calls libc past the shim, as after dlopen() with "
		"RTLD_DEEPBIND",
		"have the plugin loaded without RTLD_DEEPBIND: its authors can; no mode reaches it",
	},
	[ROW_SANDBOX] = {
		"sandbox", ANSWER_UNKNOWN,
		"a process with a DRM device has a seccomp filter, and reports nothing",
		"%s has a DRM device open and a seccomp filter, under which the shim makes no file",
		"run it without its sandbox (chromium --disable-gpu-sandbox), or see what --log "
		"says of it",
	},
	[ROW_RAW] = {
		"raw", ANSWER_UNKNOWN,
		"a process with a DRM device has code for system calls without libc",
		"%s has a DRM device open, and has code for system calls without libc (as Go, and "
		"Rust's linux_raw)",
		"strace -f -e ioctl shows whether it imports; the shim sees the calls of its C "
		"libraries alone",
	},
	[ROW_PAST] = {
		"past", ANSWER_UNKNOWN,
		"a process maps a dma-buf, and reports nothing",
		"%s maps a dma-buf, and the shim has seen nothing of it",
		"strace -f -e ioctl,mmap shows whether it imports; a library may call libc past "
		"the shim",
	},
	[ROW_CLOSED] = {
		"closed", ANSWER_UNKNOWN,
		"a process may not be looked at",
		"%s may not be looked at: it is another user's, or it forbids that",
		"run run-with-shim --report as that user, or as root",
	},
	[ROW_DIRECTORY] = {
		"directory", ANSWER_UNKNOWN,
		"nobody writes status files there",
		"no program writes a status file there: %s",
		"give --dir a directory of your own that others cannot write, on a tmpfs, as below "
		"/dev/shm",
	},
	[ROW_LIMIT] = {
		"limit", ANSWER_UNKNOWN,
		"the limit on the size of files is smaller than a status file",
		"ulimit -f leaves no room for a status file",
		"raise the limit, by ulimit -f unlimited or LimitFSIZE= of systemd",
	},
	[ROW_UNREADABLE] = {
		"unreadable", ANSWER_UNKNOWN,
		"status files cannot be read, and the others map no import",
		"%s cannot be read, and by the others there is nothing for primeshim to do",
		"the warning says why: have primeshim and the library of one version, and room "
		"on the disk, and run it again",
	},
	[ROW_LEFT_OUT] = {
		"left-out", ANSWER_UNKNOWN,
		"the settings leave programs or drivers out, and the others map no import",
		"%s leaves some out, and by the others there is nothing for primeshim to do",
		"run it without --only, --except and PRIMESHIM_DRIVERS",
	},
	[ROW_UNSEEN] = {
		"unseen", ANSWER_UNKNOWN,
		"no import, and nobody has looked for processes, or it ended too soon",
		"it imports no dma-buf that the shim has seen",
		"run-with-shim --report COMMAND looks for processes that the shim is not in; one "
		"that ends within some milliseconds is too short for that",
	},
	[ROW_FAILED] = {
		"failed", ANSWER_UNKNOWN,
		"an exit status other than 0, and no map of an import until then",
		"it ended with status %s, and until then the shim has seen nothing to do",
		"if it failed, its own messages say why: a client needs WAYLAND_DISPLAY or "
		"DISPLAY, a compositor a login at the machine's own screen",
	},
};

static const char *const answers[ANSWER_COUNT] = {
	[ANSWER_HEALED] = "healed",
	[ANSWER_OTHER_MODE] = "it may be healed by another mode",
	[ANSWER_NOT_THIS] = "it is not this",
	[ANSWER_UNKNOWN] = "it cannot be known",
};

const char *answer_text(enum answer answer)
{
	return answers[answer];
}
