# SPDX-License-Identifier: MIT
# Reads docs/matrix.md and prints it as a picture, docs/matrix.svg: a row for each importer, and for
# each of its answers the exporters that have it. tests/source/pictures.sh holds them together.
function text(x, y, class, s)
{
	gsub(/&/, "\\&amp;", s)
	gsub(/</, "\\&lt;", s)
	gsub(/>/, "\\&gt;", s)
	body = body sprintf("<text x=\"%d\" y=\"%d\" class=\"%s\">%s</text>\n", x, y, class, s)
}

# What a cell says: right; lost bytes or none; refused; SIGBUS; other bytes.
function class_of(cell)
{
	if (cell == "right" || cell ~ /^0 /)
		return "right"
	if (cell == "SIGBUS" || cell == "other bytes" || cell ~ /^[0-9]/)
		return "wrong"
	return cell ~ /^import/ ? "none" : "refused"
}

function cell(x, width, s)
{
	body = body sprintf("<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"18\" rx=\"2\" " \
			    "class=\"%s\"/>\n", x, y - 14, width - 3, class_of(s))
	text(x + 6, y, "cell", s)
}

# flush: draws the rows of the table that has just ended
function flush(   i, j, n, width, shown)
{
	for (i = 1; i <= rows; i++) {
		n = split(answers[i], parts, "|")
		width = 128
		text(24, y, "name", importers[i] == shown ? "" : importers[i])
		shown = importers[i]
		text(150, y, "small", exporters[i])
		for (j = 1; j <= n; j++)
			cell(455 + (j - 1) * width, width, parts[j])
		y += 21
	}
	rows = 0
}

BEGIN {
	FS = " *[|] *"
	y = 88
}

/^## / {
	flush()
	y += 22
	text(24, y, "kernel", substr($0, 4))
	y += 24
	next
}

/^[|] importer / {
	deny = $3 == "exporter"
	text(150, y, "small", deny ? "from" : "bytes lost")
	for (i = deny ? 4 : 3; i < NF; i++)
		text(455 + (i - (deny ? 4 : 3)) * 128 + 6, y, "head", $i)
	y += 22
	next
}

/^[|] ---/ || !/^[|]/ {
	next
}

{
	first = deny ? 4 : 3
	answer = $first
	for (i = first + 1; i < NF; i++)
		answer = answer "|" $i
	same = 0
	for (i = 1; i <= rows; i++)
		if (importers[i] == $2 && answers[i] == answer)
			same = i
	if (same) {
		exporters[same] = exporters[same] ", " $3
		next
	}
	rows++
	importers[rows] = $2
	answers[rows] = answer
	exporters[rows] = deny ? $3 : ""
}

END {
	flush()
	height = y + 12
	print "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"1110\" " \
		"height=\"%d\" viewBox=\"0 0 1110 %d\">\n", height, height
	print "<title>What comes of mapping an import: docs/matrix.md as a picture</title>"
	print "<style>text{font:12px sans-serif;fill:#24292f}" \
		".title{font-size:19px;font-weight:bold}" \
		".kernel{font-size:14px;font-weight:bold}.head{font-weight:bold}" \
		".small{font-size:11px;fill:#57606a}.cell{fill:#111}.paper{fill:#fff}" \
		".right{fill:#8fd19e}.wrong{fill:#f4a3a0}" \
		".refused{fill:#f7d08a}.none{fill:#c9ced6}" \
		"@media(prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9da7b3}" \
		".cell{fill:#111}.paper{fill:#0d1117}}</style>"
	print "<rect width=\"100%\" height=\"100%\" class=\"paper\"/>"
	print "<text x=\"24\" y=\"36\" class=\"title\">What comes of mapping an import</text>"
	x = 24
	split("right wrong refused none", kinds, " ")
	split("right;SIGBUS, other bytes, lost bytes;the map is refused;the import is refused", \
	      means, ";")
	for (i = 1; i <= 4; i++) {
		printf "<rect x=\"%d\" y=\"54\" width=\"22\" height=\"14\" rx=\"2\" " \
			"class=\"%s\"/>\n", x, kinds[i]
		printf "<text x=\"%d\" y=\"65\">%s</text>\n", x + 28, means[i]
		x += 60 + 7 * length(means[i])
	}
	printf "%s</svg>\n", body
}
