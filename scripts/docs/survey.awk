# SPDX-License-Identifier: MIT
# Reads docs/survey.tsv for survey-page.awk and survey-svg.awk, each of which defines output().
# Exits with 2, and says which line is wrong, if one is. With -v what=columns it prints the line
# that names the columns.

BEGIN {
	FS = OFS = "\t"
	columns = "machine debian program version way status ended seconds shown imports pairs " \
		"refused asked mapped kernel syncs direct direct_synced situation"
	n_columns = split(columns, column, " ")
	split("virtio cirrus evdi", machines, " ")
	about["virtio"] = "virtio-gpu"
	about["cirrus"] = "virtio-gpu + cirrus"
	about["evdi"] = "virtio-gpu + evdi"
	if (what == "columns") {
		gsub(/ /, "\t", columns)
		print columns
		exit 0
	}
	signal[4] = "SIGILL"; signal[5] = "SIGTRAP"; signal[6] = "SIGABRT"; signal[7] = "SIGBUS"
	signal[8] = "SIGFPE"; signal[9] = "SIGKILL"; signal[11] = "SIGSEGV"; signal[13] = "SIGPIPE"
	signal[15] = "SIGTERM"
}

function wrong(text) {
	printf "%s:%d: %s\n", FILENAME, FNR, text >"/dev/stderr"
	failed = 1
	exit 2
}

function number(name) {
	if ($at[name] !~ /^[0-9]+$/)
		wrong(name " is '" $at[name] "', which is no number")
	return $at[name] + 0
}

# A row is a program on a machine with a Debian release; a run is that and a way.
function take_run(row, way, i) {
	for (i = 1; i <= n_columns; i++)
		at[column[i]] = i
	row = $at["program"] SUBSEP $at["debian"] SUBSEP $at["machine"]
	way = $at["way"]
	if (!($at["machine"] in about))
		wrong("there is no machine '" $at["machine"] "'")
	if ($at["debian"] !~ /^1[23]$/)
		wrong("there is no Debian '" $at["debian"] "'")
	if (way != "native" && way != "rescue")
		wrong("there is no way '" way "'")
	if ($at["ended"] != "ended" && $at["ended"] != "itself")
		wrong("ended is '" $at["ended"] "'")
	if ((row, way) in status)
		wrong("the run is there twice")
	if (way == "rescue" && !((row, "native") in status))
		wrong("the native run has to be before it")
	n_rows += !(row in rows)
	rows[row] = 1
	if (!($at["program"] in programs))
		programs[$at["program"]] = ++n_programs
	version[row] = $at["version"]
	status[row, way] = number("status")
	ended[row, way] = $at["ended"]
	number("seconds")
	shown[row, way] = $at["shown"]
	imports[row, way] = number("imports")
	pairs[row, way] = $at["pairs"]
	refused[row, way] = $at["refused"]
	asked[row, way] = number("asked") + number("mapped")
	kernel[row, way] = $at["kernel"]
	syncs[row, way] = number("syncs")
	direct[row, way] = number("direct")
	direct_synced[row, way] = number("direct_synced")
	situation[row, way] = $at["situation"]
}

/^#/ || /^$/ { next }
$1 == "not run" {
	if (NF != 4)
		wrong("a line of what was not run has 4 fields, this one has " NF)
	not_run[++n_not_run] = $2 "|" $3 "|" $4
	next
}
$1 == "machine" { next }
NF != n_columns { wrong("there are " NF " fields of " n_columns) }
{ take_run() }

# How a run ended: its class, and in words
function class(row, way) {
	if (!((row, way) in status))
		return "none"
	if (status[row, way] > 128 && (status[row, way] - 128) in signal &&
	    status[row, way] != 143 && status[row, way] != 137 && status[row, way] != 141)
		return ended[row, way] == "ended" ? "late" : "died"
	if (ended[row, way] == "itself" && status[row, way] != 0)
		return "failed"
	if (ended[row, way] == "ended" && shown[row, way] == "-")
		return "runs"
	return "drawn"
}

function how(row, way, c, s) {
	c = class(row, way)
	s = status[row, way] - 128
	if (c == "none")
		return imports[row, "native"] ? "not run" : "–"
	if (c == "died")
		return signal[s]
	if (c == "late")
		return (shown[row, way] == "-" ? "runs" : "shows it") ", " signal[s] " at its end"
	if (c == "failed")
		return "status " status[row, way]
	if (ended[row, way] == "itself")
		return "done"
	return c == "drawn" ? "shows it" : "runs"
}

# unseen(ROW): may the shim have missed an import?
function unseen(row) {
	return !imports[row, "native"] && situation[row, "native"] ~ \
		/^(static|abi|absent|privileged|cleared|user|copies|deepbind)$/ ||
		!imports[row, "native"] && situation[row, "native"] ~ \
		/^(sandbox|raw|past|closed|unseen)$/
}

# good CLASS: it has gone on running, or has done its work
function good(c) {
	return c == "drawn" || c == "runs" || c == "late"
}

function most(row, what) {
	return what[row, "native"] > what[row, "rescue"] ? what[row, "native"] : \
		what[row, "rescue"] + 0
}

# names(SET, DEBIAN): the keys of a set, in the order of the programs; or those of a release
function names(set, debian, p, i, text, list) {
	for (p in programs)
		list[programs[p]] = p
	for (i = 1; i <= n_programs; i++)
		if (debian ? (debian, list[i]) in set : list[i] in set)
			text = text (text ? ", " : "") list[i]
	return text ? text : "none"
}

function size(set, k, n) {
	for (k in set)
		n++
	return n + 0
}

# sort_rows: by program, Debian and machine
function sort_rows(p, i, d, m, row, list, n) {
	for (p in programs)
		list[programs[p]] = p
	for (i = 1; i <= n_programs; i++)
		for (d = 12; d <= 13; d++)
			for (m = 1; m <= 3; m++) {
				row = list[i] SUBSEP d SUBSEP machines[m]
				if (row in rows)
					order[++n] = row
			}
}

function count_all(i, row, part, program) {
	for (i = 1; i <= n_rows; i++) {
		row = order[i]
		split(row, part, SUBSEP)
		program = part[1]
		used[part[3]] = 1
		if (most(row, imports))
			importing[program] = 1
		if (most(row, asked))
			mapping[program] = mapping_of[part[2], program] = 1
		if (most(row, syncs))
			syncing[program] = 1
		if (most(row, direct)) {
			directly[program] = 1
			if (most(row, direct_synced) >= most(row, direct))
				directly_synced[program] = 1
		}
		if (!most(row, asked))
			continue
		n_mapping++
		if (!good(class(row, "native"))) {
			n_bad++
			bad[program] = 1
			if (good(class(row, "rescue")))
				n_healed++
			else
				not_healed[program] = 1
		}
	}
}

# both(ROW, WHAT): the words of both ways
function both(row, what, text, word, n, i, seen) {
	n = split(what[row, "native"] "," what[row, "rescue"], word, ",")
	for (i = 1; i <= n; i++) {
		if (word[i] == "" || word[i] == "-" || word[i] in seen)
			continue
		seen[word[i]] = 1
		text = text (text == "" ? "" : ", ") word[i]
	}
	return text == "" ? "–" : text
}

# counts(ROW, WHAT): the numbers of both ways
function counts(row, what) {
	if (!most(row, what))
		return "–"
	return what[row, "native"] + 0 ", " what[row, "rescue"] + 0
}

END {
	if (what == "columns")
		exit 0
	if (failed)
		exit 2
	if (!n_rows)
		wrong("there is no run")
	sort_rows()
	count_all()
	output()
}
