# SPDX-License-Identifier: MIT
# docs/survey.svg, of what survey.awk has read: a grid of programs and machines

function escaped(text) {
	gsub(/&/, "\\&amp;", text)
	gsub(/</, "\\&lt;", text)
	return text
}

# What a cell of the picture says
function kind(row, way, c) {
	c = class(row, way)
	if (c == "none")
		return "none"
	if (c == "died" || c == "failed")
		return c
	if (way == "rescue")
		return "healed"
	if (asked[row, way])
		return "mapped"
	if (direct[row, way])
		return "direct"
	if (unseen(row))
		return "unseen"
	return imports[row, way] ? "unmapped" : "nothing"
}

function cell(x, y, row, way, k, mark) {
	k = kind(row, way)
	if (k == "none")
		return
	mark = k == "died" ? "✕" : k == "failed" ? "!" : k == "healed" ? "✓" : \
		k == "mapped" ? "m" : k == "unmapped" ? "i" : k == "direct" ? "d" : \
		k == "unseen" ? "?" : "·"
	printf "<g><title>%s</title>", escaped(told(row) ", " \
		(way == "native" ? "natively" : "--mode rescue") ": " how(row, way))
	box(x, y, k, mark)
	print "</g>"
}

function told(row, part) {
	split(row, part, SUBSEP)
	return part[1] ", Debian " part[2] ", " about[part[3]]
}

function box(x, y, k, mark) {
	printf "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"15\" rx=\"2\"/>", \
		k, x, y, wide
	printf "<text class=\"c\" x=\"%d\" y=\"%.1f\">%s</text>", x + wide / 2, y + 11.5, mark
}

function legend(x, y, k, mark, text) {
	box(x, y, k, mark)
	printf "<text x=\"%d\" y=\"%.1f\">%s</text>\n", x + wide + 6, y + 11.5, text
}

function output(i, p, list, d, m, x, y, row, width, height, left, top) {
	wide = 34
	left = 150
	top = 64
	width = left + 6 * (2 * wide + 22) + 10
	height = top + n_programs * 18 + 110
	print "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
	print "<!-- SPDX-License-Identifier: MIT -->"
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"%d\" " \
		"height=\"%d\" viewBox=\"0 0 %d %d\">\n", width, height, width, height
	print "<title>What programs do with imported dma-bufs</title>"
	printf "<desc>%d programs; of %d that map imports %d end natively, and %d of those go on " \
		"with --mode rescue</desc>\n", n_programs, n_mapping, n_bad, n_healed
	print "<style>text{font:12px sans-serif;fill:#24292f}.c{text-anchor:middle;fill:#fff;" \
		"font-weight:bold}.h{text-anchor:middle}.s{text-anchor:middle;font-size:10px;" \
		"fill:#57606a}.back{fill:#fff}.died{fill:#c1272d}.failed{fill:#a0387a}" \
		".healed{fill:#00795c}.mapped{fill:#0067a5}.unmapped{fill:#5c7f9e}" \
		".direct{fill:#8a6100}.nothing{fill:#8c959f}.unseen{fill:#57606a}" \
		"@media (prefers-color-scheme:dark){.back{fill:#0d1117}" \
		"text{fill:#e6edf3}.s{fill:#9da7b3}}</style>"
	printf "<rect class=\"back\" width=\"%d\" height=\"%d\"/>\n", width, height
	for (m = 1; m <= 3; m++)
		for (d = 12; d <= 13; d++) {
			x = left + ((m - 1) * 2 + d - 12) * (2 * wide + 22)
			printf "<text class=\"h\" x=\"%d\" y=\"18\">%s</text>\n", x + wide, \
				machines[m] == "virtio" ? "virtio-gpu" : "+ " machines[m]
			printf "<text class=\"h\" x=\"%d\" y=\"34\">Debian %d</text>\n", x + wide, d
			printf "<text class=\"s\" x=\"%d\" y=\"52\">native</text>\n", x + wide / 2
			printf "<text class=\"s\" x=\"%d\" y=\"52\">rescue</text>\n", \
				x + wide + 2 + wide / 2
		}
	for (p in programs)
		list[programs[p]] = p
	for (i = 1; i <= n_programs; i++) {
		y = top + (i - 1) * 18
		printf "<text x=\"8\" y=\"%.1f\">%s</text>\n", y + 11.5, list[i]
		for (m = 1; m <= 3; m++)
			for (d = 12; d <= 13; d++) {
				x = left + ((m - 1) * 2 + d - 12) * (2 * wide + 22)
				row = list[i] SUBSEP d SUBSEP machines[m]
				cell(x, y, row, "native")
				cell(x + wide + 2, y, row, "rescue")
			}
	}
	y = top + n_programs * 18 + 12
	legend(8, y, "died", "✕", "a crash ends it")
	legend(160, y, "failed", "!", "it ends with an error")
	legend(360, y, "healed", "✓", "goes on with --mode rescue")
	y += 22
	legend(8, y, "nothing", "·", "imports nothing")
	legend(160, y, "unmapped", "i", "imports, and maps none")
	legend(360, y, "mapped", "m", "maps imports, and goes on")
	y += 22
	legend(8, y, "direct", "d", "maps dma-bufs by their own descriptors, and goes on")
	y += 22
	legend(8, y, "unseen", "?", "cannot be known")
	printf "<text x=\"%d\" y=\"%.1f\">an empty place: not run</text>\n", 200, y + 11.5
	print "</svg>"
}
