# SPDX-License-Identifier: MIT
# Prints what bench.sh measured: as tables (part=tables), or as "ok - ..." and "not ok - ..." lines,
# with exit status 1 if a limit is exceeded (part=promises). Runs in any awk, with median.awk. It
# reads:
#
#   ir NAME ROW IMPORTS CALLS INSTRUCTIONS ENTRIES	of all calls; entries of the fake kernel
#   ns NAME ROW IMPORTS ROUND NS			a call
#   hooks NAME SYMBOL					what a preloaded object defines
#   ran NAME ROW FUNCTION OBJECT			a function that ran in the loop
#   at ROW ADDRESS, code ADDRESS TEXT			the shim's instructions: that ran, and all
#   weight NAME LABEL RESERVED MAPPED TOUCHED DESCRIPTORS	of a process
#   machine TEXT

function row(name, symbols, limit, text)
{
	rows[++nrows] = name
	needs[name] = symbols
	limits[name] = limit
	title[name] = text
}

BEGIN {
	npeers = split("v4l2convert umockdev socket_wrapper socket_wrapper-used", peers)
	# Name, libc's functions that it calls, instructions that may be added to it, title.
	row("fionread", "ioctl", 12, "ioctl of another kind (`FIONREAD`)")
	row("version", "ioctl", 20, "`DRM_IOCTL_VERSION`")
	row("gem_close", "ioctl", 20, "`DRM_IOCTL_GEM_CLOSE`")
	row("handle_to_fd", "ioctl", 50, "`DRM_IOCTL_PRIME_HANDLE_TO_FD` for writing")
	row("handle_to_ro", "ioctl", "", "`DRM_IOCTL_PRIME_HANDLE_TO_FD` for reading")
	row("submit", "ioctl", 15, "a driver's submit (`RADEON_CS`)")
	row("poll", "poll", 15, "`poll`")
	row("select", "select", 15, "`select`")
	row("epoll", "epoll_wait", 15, "`epoll_wait`")
	row("map_dumb", "ioctl", "", "`DRM_IOCTL_MODE_MAP_DUMB`, refused")
	row("anon_pair", "mmap munmap", 30, "anonymous `mmap`, then `munmap`")
	row("anon_mmap", "mmap", 15, "anonymous `mmap`")
	row("anon_munmap", "munmap", 15, "its `munmap`")
	row("file_pair", "mmap munmap", 30, "`mmap` of a file, then `munmap`")
	row("file_mmap", "mmap", 15, "`mmap` of a file")
	row("file_munmap", "munmap", 15, "its `munmap`")
	row("dup", "dup", 15, "`dup`")
	row("close", "close", 15, "`close`")
	title["frame-list"] = "a list of one buffer (etnaviv), all are its file's"
	title["frame-file"] = "no list (panthor), all are its file's"
	title["frame-one"] = "no list, one is its file's"
	title["frame-idle"] = "no submit, a wait alone"
	nframes = split("frame-list frame-one frame-file frame-idle", frames)
	title["import-growing"] = "`PRIME_FD_TO_HANDLE`, mean since the column before"
	title["offset-growing"] = "first `MODE_MAP_DUMB` of each, likewise"
	title["import"] = "`PRIME_FD_TO_HANDLE`, one more"
	title["lookup"] = "`MODE_MAP_DUMB`, again"
	title["close-import"] = "`GEM_CLOSE`"
	nscale = split("import-growing offset-growing import lookup close-import", scale)
}

$1 == "ir" { made[$2, $3, $4] = $5; ir[$2, $3, $4] = $6; entries[$2, $3, $4] = $7 }
$1 == "ns" { ns[$2, $3, $4, $5] = $6 }
$1 == "hooks" { hooks[$2, $3] = 1 }
$1 == "ran" { ran[$2, $3, $4 " " $5] = 1 }
$1 == "at" { at[$2, $3] = 1 }
$1 == "code" { address = $2; sub(/^code [^ ]* /, ""); code[address] = $0 }
$1 == "weight" {
	reserved[$2, $3] = $4
	mapped[$2, $3] = $5
	touched[$2, $3] = $6
	descriptors[$2, $3] = $7
}
$1 == "machine" { sub(/^machine /, ""); machine = machine (machine ? "; " : "") $0 }

function die(text)
{
	printf "report.awk: %s\n", text >"/dev/stderr"
	died = 1
	exit 2
}

function hooked(name, r,	symbols, n)
{
	n = split(needs[r], symbols)
	for (; n; n--)
		if (!((name, symbols[n]) in hooks))
			return 0
	return 1
}

# Instructions of a call
function added(name, base, r, live)
{
	if (!made[name, r, live] || made[name, r, live] != made[base, r, live])
		die("there is no count of " name " and " base ", " r " " live)
	return (ir[name, r, live] - ir[base, r, live]) / made[name, r, live]
}

function entered(name, base, r, live)
{
	return (entries[name, r, live] - entries[base, r, live]) / made[name, r, live]
}

function number(v)
{
	return v == int(v) ? v "" : sprintf("%.1f", v)
}

# The median over rounds of what name takes longer than base in the same round; without a base, of
# what it takes. spread: and how far from that the rounds are, in the median.
function time(name, base, r, live, spread,	round, v, n, m)
{
	for (round = 1; round <= rounds; round++)
		if ((name, r, live, round) in ns)
			v[++n] = ns[name, r, live, round] - \
				 (base ? ns[base, r, live, round] : 0)
	if (!n)
		die("there is no time of " name " " r " " live)
	m = median(v, n)
	if (!spread)
		return sprintf("%.1f", m)
	return sprintf("%.1f ± %.1f", m, deviation(v, n, m))
}

# The median over rounds of two threads' throughput, one's being 1
function threads(name, two,	round, v)
{
	name = name "-threads"
	for (round = 1; round <= rounds; round++)
		v[round] = ns[name, "one", 0, round] / ns[name, two, 0, round]
	return sprintf("%.2f", median(v, rounds))
}

# What the imports of the whole process hold, less what they do under the fake kernel alone
function held(what, label)
{
	return what["imports", label] - what["imports", "start"] - \
	       what["kernel", label] + what["kernel", "start"]
}

function head(text,	n)
{
	n = gsub(/\|/, "|", text)
	print text
	while (--n)
		printf "|---"
	print "|"
}

# The rows' table of kind, with columns[1..n]
function table(kind, columns, n,	i, j, text)
{
	text = "| call |"
	for (j = 1; j <= n; j++)
		text = text " " columns[j] " |"
	head(text)
	for (i = 1; i <= nrows; i++) {
		text = "| " title[rows[i]] " |"
		for (j = 1; j <= n; j++)
			text = text " " cell(kind, columns[j], rows[i]) " |"
		print text
	}
}

function cell(kind, column, r,	suffix, live)
{
	if (kind ~ /^alone/) {
		if (column == "native")
			return kind == "alone-ns" ? time("native", "", r, 0) : \
			       sprintf("%.0f", ir["native", r, 0] / made["native", r, 0])
		if (column == "noise")
			return time("again", "native", r, 0, 1)
		if (!hooked(column, r))
			return "-"
		return kind == "alone-ns" ? time(column, "native", r, 0) : \
					    number(added(column, "native", r, 0))
	}
	if (column == "none")
		return kind == "imports-ns" ? time("shim", "native", r, 0, 1) : \
					      number(added("shim", "native", r, 0))
	suffix = column == "1" ? "-1" : column == "1, mapped" ? "-mapped" : ""
	live = suffix ? 1 : most
	return kind == "imports-ns" ? time("imports" suffix, "kernel" suffix, r, live, 1) : \
				      number(added("imports" suffix, "kernel" suffix, r, live))
}

function imports_table(	i, r, live, text)
{
	text = "| call |"
	for (live = 1; live <= most; live *= 10)
		text = text " " live " |"
	text = text " calls of the fake kernel |"
	head(text (quick ? "" : " ns, " most " |"))
	for (i = 1; i <= nscale; i++) {
		r = scale[i]
		text = "| " title[r] " |"
		for (live = 1; live <= most; live *= 10)
			text = text " " number(added("imports", "kernel", r, live)) " |"
		text = text " " number(entered("imports", "kernel", r, most)) " |"
		print text (quick ? "" : " " time("imports", "kernel", r, most, 1) " |")
	}
}

function frame(what, r, live)
{
	if (what == "added")
		return number(added("imports", "kernel", r, live))
	if (what == "entered")
		return number(entered("imports", "kernel", r, live))
	return time("imports", "kernel", r, live, 1)
}

# A table of what frames take more, by the number of mapped imports: @what is added, entered or ns
function frames_table(what,	i, r, live, text)
{
	head("| the submit | 1 | 10 | 100 | 1000 |")
	for (i = 1; i <= nframes; i++) {
		r = frames[i]
		text = "| " title[r] " |"
		for (live = 1; live <= 1000; live *= 10)
			text = text " " frame(what, r, live) " |"
		print text
	}
}

function turns_tables()
{
	print "\n## Turns\n"
	print "A frame is a submit and a wait for a fence, with so many imports mapped, over the" \
	      " fake kernel. Each\nbuffer that is handed over and begun again takes five calls:" \
	      " END and START, `poll()` before the one\nand `fstat()` before both.\n\n" \
	      "Instructions that the shim adds to a frame outside of the kernel:\n"
	frames_table("added")
	print "\nCalls of the kernel that the shim makes in a frame:\n"
	frames_table("entered")
}

# What frame-calls takes longer than a frame with nothing mapped
function beyond(live,	round, v, n, m)
{
	for (round = 1; round <= import_rounds; round++)
		v[++n] = ns["kernel", "frame-calls", live, round] - \
			 ns["kernel", "frame-file", live, round]
	m = median(v, n)
	return sprintf("%.1f ± %.1f", m, deviation(v, n, m))
}

function tables(	alone, states, i, text)
{
	split("native forwarder shim", alone)
	for (i = 1; i <= npeers; i++)
		alone[3 + i] = peers[i]
	split("none/1/1, mapped/" most, states, "/")

	print "<!-- SPDX-License-Identifier: MIT -->"
	print "# What primeshim costs\n"
	print "Written by `bench/bench.sh" (quick ? " --quick" : "") " --out FILE`. `make bench`" \
	      " measures again, in about seven minutes,\nand says whether the limits are kept;" \
	      " `make bench BENCH_FLAGS=--quick` leaves most times out and takes a\nminute.\n"
	print machine ".\n"

	print "## A process without imports\n"
	print "Instructions added to a call: those that callgrind counts with the object" \
	      " preloaded, less those that\nit counts natively. The PLT, and all that is called" \
	      " up to the system call, are contained; so is, in\nevery other column, what a bare" \
	      " forwarder costs, the price of being preloaded at all. \"native\" is\nall that a" \
	      " call takes. \"-\": that object does not hook it. \"used\": with" \
	      " `SOCKET_WRAPPER_DIR` set.\nThe DRM ioctls are made on a pipe, which refuses" \
	      " them. A refused\n`MODE_MAP_DUMB` is looked into wherever it happens, as imports" \
	      " made unseen are learned from it;\nand an export for reading is made one for" \
	      " writing. These two have no limit.\n"
	table("alone", alone, 3 + npeers)

	print "\n## A process with imports\n"
	print "Instructions that the shim adds to the same calls, by the number of live imports." \
	      " A fake kernel\n(`tests/fake/fake.h`) provides the imports; what runs in it is not" \
	      " counted.\n"
	table("imports", states, 4)

	print "\n## Imports\n"
	print "Instructions that the shim adds outside of the kernel, with so many imports live" \
	      " that all have been\nmapped once; and how often it calls the kernel itself, with" \
	      " " most ".\n"
	imports_table()
	printf "\nAn import holds %.1f bytes (%.1f touched), one with an offset handed out %.1f" \
	       " (%.1f touched); and\n%d descriptors. That is the growth of private anonymous" \
	       " mappings in `/proc/PID/smaps`, and of\n`/proc/PID/fd`, over %d imports, less" \
	       " the growth under the fake kernel alone. %.1f MiB of\naddress space are reserved" \
	       " for more, PROT_NONE.\n",
	       held(mapped, "imported") / most, held(touched, "imported") / most,
	       held(mapped, "offsets") / most, held(touched, "offsets") / most,
	       held(descriptors, "imported"), most,
	       held(reserved, "imported") / 1048576
	turns_tables()
	if (quick)
		return

	print "\n## Nanoseconds\n"
	print "Added to a call: the median over " rounds " rounds, in each of which every object" \
	      " has its turn, so that what\ndrifts hits all alike; of each turn the fastest of 60" \
	      " batches. \"noise\" is a second native turn,\nwith the median deviation of the" \
	      " rounds.\n"
	alone[3 + npeers + 1] = "noise"
	table("alone-ns", alone, 3 + npeers + 1)
	print "\nBy the number of live imports, over the fake kernel alone, with the median" \
	      " deviation; with " most "\nimports, and of the calls above, over " import_rounds \
	      " rounds.\n"
	table("imports-ns", states, 4)
	print "\nA frame, as under \"Turns\", over " import_rounds " rounds; the last row" \
	      " is of a program that makes the calls of\n\"all are its file's\" by itself:" \
	      " so much of that is the fake kernel's, whose calls are slow ones.\n"
	frames_table("ns")
	text = "| those calls alone |"
	for (i = 1; i <= 1000; i *= 10)
		text = text " " beyond(i) " |"
	print text
	print "\nTwo threads, `PRIME_HANDLE_TO_FD` of an import and `close`: the throughput of" \
	      " both, one alone having 1.\nThe fake kernel has one lock for everything, so that" \
	      " only the difference tells.\n"
	head("| | on two open files | on one |")
	print "| fake kernel alone | " threads("kernel", "two-files") " | " \
	      threads("kernel", "one-file") " |"
	print "| with the shim | " threads("imports", "two-files") " | " \
	      threads("imports", "one-file") " |"
}

function promise(text, kept)
{
	print (kept ? "ok - " : "not ok - ") text
	failed = failed || !kept
}

# Functions that ran under the shim and not natively: they are to be the shim's own.
function foreign(r,	k, part, text, ours)
{
	for (k in ran) {
		split(k, part, SUBSEP)
		if (part[1] != "shim" || part[2] != r || ("native", r, part[3]) in ran)
			continue
		if (part[3] ~ / libprimeshim\.so$/)
			ours++
		else
			text = text ", " part[3]
	}
	return ours || !hooked("shim", r) ? substr(text, 3) : "the shim was not seen"
}

# Instructions of the shim's that ran and that lock, order memory, or call the kernel (amd64, arm64)
function heavy(r,	k, part, text)
{
	for (k in at) {
		split(k, part, SUBSEP)
		if (part[1] != r)
			continue
		if (!(part[2] in code))
			text = text ", nothing known at " part[2]
		else if (code[part[2]] ~ \
			 /^lock|^xchg.*\(|fence|^syscall|^svc|^dmb|^(ld|st)a?l?xr|^(cas|swp|ldadd)/)
			text = text ", " code[part[2]]
	}
	return substr(text, 3)
}

# Nothing is paid for what is not handed over.
function frame_promises(	n, r, i)
{
	for (i = 1; i <= 2; i++) {
		r = frames[i]
		n = added("imports", "kernel", r, 1000) / added("imports", "kernel", r, 1)
		promise(sprintf("%s: with 1000 mapped %.2f times the instructions as with 1, at" \
				" most 1.05", title[r], n), n <= 1.05)
		n = entered("imports", "kernel", r, 1000)
		promise(title[r] ": " number(n) " calls of the kernel a frame, at most 6", n <= 6)
	}
	n = added("imports", "kernel", "frame-file", 1000) / 1000
	promise(sprintf("%s: %.0f instructions for each, at most 4000", title["frame-file"], n),
		n <= 4000)
	promise(sprintf("and %.2f times that as with 100, at most 1.1",
			n * 100 / added("imports", "kernel", "frame-file", 100)),
		n * 100 <= 1.1 * added("imports", "kernel", "frame-file", 100))
	n = entered("imports", "kernel", "frame-file", 1000) / 1000
	promise(title["frame-file"] ": " number(n) " calls of the kernel for each, at most 5.1",
		n <= 5.1)
	n = entered("imports", "kernel", "frame-idle", 1000)
	promise(title["frame-idle"] ": " number(n) " calls of the kernel, at most 0", n == 0)
}

function promises(	i, j, r, n, peer, text, ratio, twice)
{
	# From a refused map imports are learned that were made unseen, and an export is made one
	# for writing: map_dumb and handle_to_ro have something to do.
	for (i = 1; i <= nrows; i++) {
		r = rows[i]
		n = added("shim", "native", r, 0)
		twice += added("again", "native", r, 0) == 0
		if (limits[r])
			promise(r ": " number(n) " instructions added, at most " limits[r],
				n <= limits[r])
		for (j = 1; j <= npeers; j++) {
			peer = peers[j]
			if (hooked(peer, r) && r !~ /^(map_dumb|handle_to_ro)$/)
				promise(r ": fewer than " peer "'s " \
					number(added(peer, "native", r, 0)),
					n < added(peer, "native", r, 0))
		}
		if (r ~ /^(map_dumb|handle_to_ro)$/)
			continue
		text = foreign(r)
		promise(r ": no lock, no allocation: no function runs but the shim's own" \
			(text ? ": " text : ""), !text)
		text = heavy(r)
		promise(r ": no system call, and no locked access" (text ? ": " text : ""), !text)
	}
	n = added("imports-1", "kernel-1", "submit", 1)
	promise("submit: " number(n) \
			" instructions added with an import and no bracket, at most 10",
		n <= 10)
	n = added("imports-mapped", "kernel-mapped", "madvise", 1)
	promise("madvise: " number(n) \
			" instructions added with an import mapped elsewhere, at most 30",
		n <= 30)
	promise("the native counts are the same a second time", twice == nrows)
	for (i = 3; i <= nscale; i++) {
		n = added("imports", "kernel", scale[i], 100)
		ratio = n > 0 ? added("imports", "kernel", scale[i], most) / n : 1e9
		promise(sprintf("%s: with %d imports %.2f times the instructions as with 100, " \
				"at most 1.5", scale[i], most, ratio), ratio <= 1.5)
	}
	frame_promises()
	n = held(mapped, "imported") / most
	promise(sprintf("an import holds %.1f bytes, at most 128", n), n > 0 && n <= 128)
	n = held(descriptors, "imported")
	promise(most " imports hold " n " descriptors, at most 0", n == 0)
	n = held(reserved, "imported")
	promise(sprintf("%.1f MiB of address space are reserved and not used, at most 16",
				n / 1048576),
		n <= 16777216)
}

END {
	if (died)
		exit 2
	if (part == "tables")
		tables()
	else
		promises()
	exit failed
}
