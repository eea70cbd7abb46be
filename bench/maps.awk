# SPDX-License-Identifier: MIT
# Prints what maps.sh measured in the virtual machine: as tables (part=tables), or as "ok - ..." and
# "not ok - ..." lines, with exit status 1 if a limit is exceeded (part=promises). Runs in any awk,
# with median.awk. It reads:
#
#   map CLOCK SYNC KEEP EXPORTER WAY BYTES ROUND NS
#					a map, touch and unmap; see maps.c. By CLOCK a ns is one,
#					one of software emulation (emulated), or an instruction
#					of the guest, its kernel's among them (instructions)
#   call SYNC CYCLE PHASE CALL ON	a system call, and what it is about: device, dma-buf or -
#   guest TEXT

# A system call that the shim adds, how often with --sync map and off, and what for
function call(phase, name, on, map, off, text,	k)
{
	k = phase SUBSEP name SUBSEP on
	keys[++nkeys] = k
	limit["map", k] = map
	limit["off", k] = off
	reason[k] = text
}

BEGIN {
	MOST_TIMES = 1.5	# the exporter's own mmap, from FROM bytes up
	# Where the shim keeps the pages. tests/kernel/kernel-warm.sh holds 64 KiB to 0.5, by the
	# shortest of many cycles: a median is too close to it.
	most_warm[1048576] = 0.25
	most_warm[8388608] = most_warm[33554432] = 0.15
	# Emulation makes what is not in a loop dear: code and page tables are looked up anew after
	# each unmap. So there smaller maps are told only; the instructions are held to it.
	from["instructions"] = from["time"] = 65536
	from["emulated"] = 1048576
	nclocks = split("instructions time emulated", clocks)
	nsyncs = split("map off", syncs)
	nphases = split("MAP_DUMB mmap touch munmap", phases)
	# What the program makes itself, and makes natively too.
	own["MAP_DUMB", "DRM_IOCTL_MODE_MAP_DUMB", "device"] = 1
	own["mmap", "mmap", "dma-buf"] = 1
	own["munmap", "munmap", "-"] = 1

	call("MAP_DUMB", "DRM_IOCTL_PRIME_HANDLE_TO_FD", "device", 1, 1,
	     "the dma-buf behind the handle now")
	call("MAP_DUMB", "fstat", "dma-buf", 1, 1, "is it the one that was noted")
	call("MAP_DUMB", "close", "dma-buf", 1, 1, "nothing is kept for an import")
	call("mmap", "DRM_IOCTL_PRIME_HANDLE_TO_FD", "device", 1, 1, "the dma-buf, to be mapped")
	call("mmap", "fstat", "dma-buf", 1, 1, "is it the one that was noted")
	call("mmap", "fcntl", "dma-buf", 1, 0, "the private descriptor, for the END, out of the" \
	     " program's way")
	call("mmap", "close", "dma-buf", 1, 1, "the number that the program expects to be free")
	call("mmap", "poll", "dma-buf", 1, 0, "would START wait for a fence: then it is left out")
	call("mmap", "DMA_BUF_IOCTL_SYNC", "dma-buf", 1, 0, "START")
	call("munmap", "fstat", "dma-buf", 1, 0, "is the private descriptor still the dma-buf's")
	call("munmap", "DMA_BUF_IOCTL_SYNC", "dma-buf", 1, 0, "END")
	call("munmap", "close", "dma-buf", 1, 0, "the private descriptor, which nobody needs now")
}

$1 == "map" {
	run = $3 ($4 == "on" ? " warm" : "")
	used[$2] = 1
	if ($5 != "udmabuf") {
		run = run " " $5
		if (!(run in others))
			others[++nothers] = $5 " " $7
		others[run] = 1
	} else if (!($7 in known)) {
		sizes[++nsizes] = $7
		known[$7] = 1
	}
	ns[$2, run, $6, $7, $8] = $9
	if ($8 > rounds[$2, run, $7])
		rounds[$2, run, $7] = $8
}
$1 == "call" {
	if ($3 > cycles[$2])
		cycles[$2] = $3
	k = $4 SUBSEP $5 SUBSEP $6
	n[$2, $3, k]++
	if (!(k in reason) && !(k in own) && !(k in strange)) {
		strange[k] = 1
		keys[++nkeys] = k
	}
}
$1 == "guest" { sub(/^guest /, ""); guest = $0 }

function die(text)
{
	printf "maps.awk: %s\n", text >"/dev/stderr"
	died = 1
	exit 2
}

# How often the shim makes a call in a cycle, beyond those of the program
function made(sync, cycle, k)
{
	return n[sync, cycle, k] - (k in own ? 1 : 0)
}

# The calls of a phase, or of all of them
function sum(what, sync, phase,	i, part, all)
{
	for (i = 1; i <= nkeys; i++) {
		split(keys[i], part, SUBSEP)
		if (!phase || part[1] == phase)
			all += what == "made" ? made(sync, cycles[sync], keys[i]) : \
						limit[sync, keys[i]]
	}
	return all + 0
}

# Is every cycle but the first, in which things are asked once, like the last?
function steady(sync,	cycle, i)
{
	for (cycle = 2; cycle < cycles[sync]; cycle++)
		for (i = 1; i <= nkeys; i++)
			if (made(sync, cycle, keys[i]) != made(sync, cycles[sync], keys[i]))
				return 0
	return cycles[sync] > 2
}

# The median over rounds of way's time as a multiple of base's in the same round; spread is set
function times(clock, sync, way, base, size,	round, v, n, m)
{
	n = rounds[clock, sync, size]
	for (round = 1; round <= n; round++) {
		if (!ns[clock, sync, way, size, round] || !ns[clock, sync, base, size, round])
			die("there is no time of " way " and " base ", " size " bytes")
		v[round] = ns[clock, sync, way, size, round] / ns[clock, sync, base, size, round]
	}
	if (!n)
		die("there is no time with --sync " sync ", " size " bytes")
	m = median(v, n)
	spread = deviation(v, n, m)
	return m
}

function cell(clock, sync, way, base, size,	m)
{
	m = times(clock, sync, way, base, size)
	return sprintf(m < 0.1 ? "%.4f ± %.4f" : "%.2f ± %.2f", m, spread)
}

# In thousands
function absolute(clock, sync, way, size,	round, v, n)
{
	n = rounds[clock, sync, size]
	for (round = 1; round <= n; round++)
		v[round] = ns[clock, sync, way, size, round] / 1000
	return sprintf("%.0f", median(v, n))
}

function kib(size)
{
	return size < 1048576 ? size / 1024 " KiB" : size / 1048576 " MiB"
}

function times_table(clock,	s, i, sync, size)
{
	if (clock == "instructions")
		print "\nInstructions that the guest executes, its kernel's among them, which" \
		      " depend little on the machine;\nwhat entering the kernel by a call or a" \
		      " fault takes beyond its instructions is not in them."
	else if (clock == "time")
		print "\nTime."
	else
		print "\nTime in software emulation, which makes a system call and a page fault" \
		      " many times dearer, each by\nanother factor: so it is held to the limit" \
		      " from " kib(from[clock]) " up only."
	print "Over " rounds[clock, "map", sizes[1]] " rounds.\n"
	print "| | dma-buf, " (clock == "instructions" ? "thousands" : "µs") \
	      " | import | offset kept | bracketed | import over bracketed |"
	print "|---|---|---|---|---|---|"
	for (s = 1; s <= nsyncs; s++)
		for (i = 1; i <= nsizes; i++) {
			sync = syncs[s]
			size = sizes[i]
			print "| " kib(size) ", `--sync " sync "` | " \
			      absolute(clock, sync, "dmabuf", size) " | " \
			      cell(clock, sync, "handle", "dmabuf", size) " | " \
			      cell(clock, sync, "offset", "dmabuf", size) " | " \
			      cell(clock, sync, "bracketed", "dmabuf", size) " | " \
			      cell(clock, sync, "handle", "bracketed", size) " |"
		}
}

# A cycle as a multiple of the exporter's own: cold, with the pages kept, and what stays mapped
function warm_row(clock, name, sync, cold, warm, size)
{
	print "| " kib(size) " of " name ", `--sync " sync "` | " \
	      (cold ? cell(clock, cold, "handle", "dmabuf", size) : "") " | " \
	      cell(clock, warm, "handle", "dmabuf", size) " | " \
	      cell(clock, warm, sync == "off" ? "stays" : "stays-bracketed", "dmabuf", size) " |"
}

function warm_table(clock,	s, i, sync, part)
{
	print "\n" (clock == "instructions" ? "Instructions." : clock == "time" ? "Time." : \
	      "Time in software emulation.") "\n"
	print "| | import, `--keep off` | import, pages kept | a mapping that stays |"
	print "|---|---|---|---|"
	for (s = 1; s <= nsyncs; s++)
		for (i = 1; i <= nsizes; i++) {
			sync = syncs[s]
			warm_row(clock, "udmabuf", sync, sync, sync " warm", sizes[i])
		}
	for (i = 1; i <= nothers; i++) {
		split(others[i], part, " ")
		warm_row(clock, part[1], "map", "", "map warm " part[1], part[2])
	}
}

function tables(	i, j, part, k)
{
	print "\n## Maps of imports on a real kernel\n"
	print "A udmabuf imported into " guest ". Map, touch every page (read and write) and" \
	      " unmap, as a\nmultiple of the exporter's own mmap of the same dma-buf by system" \
	      " calls that no preloaded object sees,\nin the same round of the same run; the" \
	      " median over the rounds with the median deviation. \"Import\" is\n`MODE_MAP_DUMB`," \
	      " `mmap`, touch, `munmap`; \"offset kept\" the same without `MODE_MAP_DUMB`;" \
	      "\n\"bracketed\" the dma-buf again, with the SYNC START and END of a careful client."
	for (i = 1; i <= nclocks; i++)
		if (clocks[i] in used)
			times_table(clocks[i])
	print "\n### Pages kept between an unmap and the next map\n"
	print "The same cycle of `MODE_MAP_DUMB`, `mmap`, touch, `munmap` with `--keep off` and" \
	      " by default,\nas a multiple of the exporter's own in the same run; and, as a" \
	      " bound, a mapping that stays, which is\ntouched alone, or with `--sync map` with" \
	      " START and END."
	for (i = 1; i <= nclocks; i++)
		if (clocks[i] in used)
			warm_table(clocks[i])
	print "\nThe system calls that the shim adds to one cycle, with `--keep off`, from the" \
	      " second on, as strace lists them.\n"
	print "| in | call | on | `--sync map` | `--sync off` | what for |"
	print "|---|---|---|---|---|---|"
	for (i = 1; i <= nphases; i++)
		for (j = 1; j <= nkeys; j++) {
			k = keys[j]
			split(k, part, SUBSEP)
			if (part[1] != phases[i] || (made("map", cycles["map"], k) < 1 && \
						     made("off", cycles["off"], k) < 1))
				continue
			sub(/^DRM_IOCTL_/, "", part[2])
			print "| `" (i == 1 ? "MODE_" : "") part[1] "` | `" part[2] "` | " \
			      part[3] " | " made("map", cycles["map"], k) + 0 " | " \
			      made("off", cycles["off"], k) + 0 " | " \
			      (k in reason ? reason[k] : "?") " |"
		}
	print "| all | | | " sum("made", "map") " | " sum("made", "off") " | |"
}

function promise(text, kept)
{
	print (kept ? "ok - " : "not ok - ") text
	failed = failed || !kept
}

# Calls that are made more or less often than the list says
function unlike(sync,	i, k, part, m, text)
{
	for (i = 1; i <= nkeys; i++) {
		k = keys[i]
		m = made(sync, cycles[sync], k) + 0
		if (m == limit[sync, k] + 0)
			continue
		split(k, part, SUBSEP)
		text = text ", " m " " part[2] " (" part[3] ") in " part[1] ", not " \
		       limit[sync, k] + 0
	}
	return substr(text, 3)
}

function limit_times(clock, sync,	i, m)
{
	for (i = 1; i <= nsizes; i++) {
		if (sizes[i] < from[clock])
			continue
		m = times(clock, sync, "handle", "dmabuf", sizes[i])
		promise(sprintf("--sync %s, %s: map, touch and unmap of %s take %.2f times the " \
				"exporter's own, at most %.1f", sync, clock, kib(sizes[i]), m,
				MOST_TIMES), m <= MOST_TIMES)
	}
	if (clock == "instructions")
		for (i = 1; i <= nsizes; i++)
			limit_warm(sync, sizes[i])
}

function limit_warm(sync, size,	m, most)
{
	m = times("instructions", sync " warm", "handle", "dmabuf", size)
	most = size in most_warm ? most_warm[size] : \
	       times("instructions", sync, "handle", "dmabuf", size)
	promise(sprintf("--sync %s: with its pages kept %s take %.2f times the exporter's own, " \
			"at most %.2f", sync, kib(size), m, most), m <= most)
}

function promises(	s, c, k, sync, m, text)
{
	for (s = 1; s <= nsyncs; s++) {
		sync = syncs[s]
		for (k in own)
			text = text (n[sync, cycles[sync], k] ? "" : ", " k)
		gsub(SUBSEP, " ", text)
		promise("--sync " sync ": the program's own calls are in the trace" text, !text)
		promise("--sync " sync ": a map and unmap makes the same system calls each time",
			steady(sync))
		m = sum("made", sync)
		promise("--sync " sync ": " m " system calls added to MODE_MAP_DUMB, mmap and " \
			"munmap, at most " sum("limit", sync), m <= sum("limit", sync))
		text = unlike(sync)
		promise("--sync " sync ": they are those of the list, each with its reason" \
			(text ? ": " text : ""), !text)
		text = ""
		for (c in used)
			limit_times(c, sync)
	}
	promise("there are times of " nsizes " sizes, at least 4", nsizes >= 4)
}

END {
	if (died)
		exit 2
	if (part == "tables")
		tables()
	else
		promises()
	exit died ? 2 : failed
}
