# SPDX-License-Identifier: MIT
# Prints what desktop.sh measured in virtual machines: as a table (part=tables), or as "ok - ..."
# and "not ok - ..." lines, with exit status 1 if a limit is exceeded (part=promises). Runs in any
# awk. It reads:
#
#   desktop CLOCK NAME KEEP FRAMES FAULTS US CPU-US MAPPINGS KIB MAPS WARM
#		a compositor with PRIMESHIM_KEEP=off, or with the default (on); faults and time
#		of all its threads; at the end so many dma-bufs are mapped or kept; the shim has
#		made so many maps of them, of which so many were kept before
#   desktop-guest NAME TEXT

BEGIN {
	MOST_FAULTS = 1		# a frame, of imports
	n = split("off on", keeps)
	title["off"] = "`--keep off`"
	title["on"] = "pages kept"
}

$1 == "desktop" && $5 > 0 {
	if (!($3 in known))
		names[++nnames] = $3
	known[$3] = 1
	frames[$3, $4] = $5
	faults[$3, $4] = $6 / $5
	wall[$3, $4] = $7 / $5 / 1000
	cpu[$3, $4] = $8 / $5 / 1000
	mapped[$3, $4] = $9
	kib[$3, $4] = $10
	maps[$3, $4] = $11
	warm[$3, $4] = $12
}
$1 == "desktop-guest" { name = $2; sub(/^[^ ]+ [^ ]+ /, ""); guest[name] = $0 }

function tables(	i, j, k)
{
	print "\n## Frames of compositors\n"
	print "sway on one virtio-gpu imports what it draws into; weston on cirrus imports the" \
	      " buffers of a client\non vgem, and maps what it shows, which is no import." \
	      " Natively both end by SIGSEGV. Page faults and\nprocessor time are those of the" \
	      " whole process; times are those of software emulation.\n"
	print "| | frames | page faults a frame | ms a frame | processor, ms a frame |" \
	      " maps of imports | of these kept before | dma-bufs mapped or kept |"
	print "|---|---|---|---|---|---|---|---|"
	for (i = 1; i <= nnames; i++)
		for (j = 1; j <= n; j++) {
			k = names[i] SUBSEP keeps[j]
			printf "| %s, %s, %s | %d | %.2f | ",
			       names[i], guest[names[i]], title[keeps[j]], frames[k], faults[k]
			printf "%.1f | %.1f | %d | %d | %d, %.1f MiB |\n",
			       wall[k], cpu[k], maps[k], warm[k], mapped[k], kib[k] / 1024
		}
}

function promise(text, kept)
{
	print (kept ? "ok - " : "not ok - ") text
	failed = failed || !kept
}

function promises(	i, on, off)
{
	promise("there are frames of sway and weston", "sway" in known && "weston" in known)
	for (i = 1; i <= nnames; i++) {
		on = names[i] SUBSEP "on"
		off = names[i] SUBSEP "off"
		promise(sprintf("%s: of %d maps of imports %d have kept pages, at least 95 %%",
				names[i], maps[on], warm[on]),
			warm[on] >= 0.95 * maps[on] && maps[on] >= 100)
		promise(sprintf("%s: with kept pages a frame has %.2f page faults, fewer than %.2f",
				names[i], faults[on], faults[off]), faults[on] < faults[off])
	}
	# All that sway maps for a frame is imports.
	promise(sprintf("sway: with kept pages a frame has %.2f page faults, at most %d",
			faults["sway", "on"], MOST_FAULTS), faults["sway", "on"] <= MOST_FAULTS)
}

END {
	if (nnames && part == "tables")
		tables()
	else if (nnames)
		promises()
	exit failed
}
