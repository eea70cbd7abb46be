# SPDX-License-Identifier: MIT
# Prints what frames.sh measured in the virtual machine: as tables (part=tables), or as "ok - ..."
# and "not ok - ..." lines, with exit status 1 if a limit is exceeded (part=promises). Runs in any
# awk, with median.awk. It reads:
#
#   frame CLOCK SYNC ROUND NS		a frame; CLOCK as in maps.awk
#   frame-call SYNC CALL N BEFORE	system calls of the last frame, and of the one before
#   frames-guest TEXT

BEGIN {
	nclocks = split("instructions time emulated", clocks)
	nsyncs = split("map driver status trap", syncs)
	title["status"] = "`driver`, with a status file"
	# Of a frame's two accesses: one bracket each, two ioctls; map has one for both.
	limit["map"] = 2
	limit["driver"] = limit["status"] = limit["trap"] = 4
}

$1 == "frame" {
	ns[$2, $3, $4] = $5
	if ($4 > rounds[$2])
		rounds[$2] = $4
}
$1 == "frame-call" {
	calls[$2, $3] = $4
	uneven[$2] += $4 != $5
	total[$2] += $4
}
$1 == "frames-guest" { sub(/^frames-guest /, ""); guest = $0 }

# The median over rounds of a frame with a status file, as a multiple of one without
function with_status(clock,	round, v)
{
	for (round = 1; round <= rounds[clock]; round++)
		v[round] = ns[clock, "status", round] / ns[clock, "driver", round]
	return median(v, rounds[clock])
}

# The median over rounds of what a policy adds, in thousands, to the same round without brackets;
# in_all is the whole as a multiple
function added(clock, sync,	round, v, w, n, m)
{
	n = rounds[clock]
	for (round = 1; round <= n; round++) {
		v[round] = (ns[clock, sync, round] - ns[clock, "off", round]) / 1000
		w[round] = ns[clock, sync, round] / ns[clock, "off", round]
	}
	in_all = median(w, n)
	m = median(v, n)
	spread = deviation(v, n, m)
	return m
}

function base(clock,	round, v)
{
	for (round = 1; round <= rounds[clock]; round++)
		v[round] = ns[clock, "off", round] / 1000
	return median(v, rounds[clock])
}

function tables(	c, s, sync, sep, name, text, m)
{
	print "\n## Frames with brackets on a real kernel\n"
	print "A udmabuf of 640 by 480 pixels imported into " guest ". A frame is: map, write all" \
	      " of it, DIRTYFB,\n`poll()` of the dma-buf, read all of it, unmap. What a policy of" \
	      " brackets adds to `--sync off`, in the same\nround of the same run;" \
	      " the median over the rounds with the median deviation.\n"
	printf "| `--sync` | system calls | of these START and END |"
	sep = "|---|---|---|"
	for (c = 1; c <= nclocks; c++)
		if (rounds[clocks[c]]) {
			printf " %s | the frame becomes |", clocks[c] == "instructions" ? \
				"instructions, thousands" : \
				clocks[c] == "time" ? "µs" : "µs, emulated"
			sep = sep "---|---|"
		}
	print "\n" sep
	for (s = 1; s <= nsyncs; s++) {
		sync = syncs[s]
		printf "| %s | %d | %d |", sync in title ? title[sync] : "`" sync "`",
			total[sync] - total["off"],
			calls[sync, "DMA_BUF_IOCTL_SYNC"]
		for (c = 1; c <= nclocks; c++)
			if (rounds[clocks[c]]) {
				m = added(clocks[c], sync)
				printf " %.0f ± %.0f of %.0f | %.2f |", m, spread, base(clocks[c]),
					in_all
			}
		print ""
	}
	print "\nBesides START and END: `poll()` before a START, `fstat` before an END," \
	      " what hides and drops the private\ndescriptor at the map and the unmap, and with" \
	      " `trap` the `mprotect()`s, and `rt_sigprocmask()` around\nevery lock."
}

function promise(text, kept)
{
	print (kept ? "ok - " : "not ok - ") text
	failed = failed || !kept
}

function promises(	s, sync, c, m)
{
	promise("without brackets there is none", !calls["off", "DMA_BUF_IOCTL_SYNC"])
	# Emulated time is told, and too rough for this.
	for (c in rounds) {
		if (c == "emulated")
			continue
		m = with_status(c)
		promise(sprintf("with a status file, %s: a frame becomes %.3f times as long, less" \
			" than " \
				"1.01", c, m), m < 1.01)
	}
	for (s = 1; s <= nsyncs; s++) {
		sync = syncs[s]
		m = calls[sync, "DMA_BUF_IOCTL_SYNC"] + 0
		promise("--sync " sync ": " m " STARTs and ENDs a frame, " limit[sync] \
			" for its two accesses", m == limit[sync])
		promise("--sync " sync ": each frame makes the same system calls", !uneven[sync])
		for (c in rounds) {
			added(c, sync)
			promise(sprintf("--sync %s, %s: a frame becomes %.2f times as long, " \
					"less than 1.5", sync, c, in_all), in_all < 1.5)
		}
	}
}

END {
	if (!guest)
		exit
	if (part == "tables")
		tables()
	else
		promises()
	exit failed
}
