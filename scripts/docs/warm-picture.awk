# SPDX-License-Identifier: MIT
# Reads docs/warm.tsv and prints it as a picture of bars, docs/warm.svg. tests/source/pictures.sh
# holds the one to the other.
function bar(label, class, value, most, unit,   width)
{
	width = value * 520 / most
	body = body sprintf("<text x=\"24\" y=\"%d\">%s</text>\n", y + 12, label)
	body = body sprintf("<rect x=\"240\" y=\"%d\" width=\"%.1f\" height=\"15\" " \
			    "class=\"%s\"/>\n", y, width < 1 ? 1 : width, class)
	body = body sprintf("<text x=\"%.1f\" y=\"%d\">%s</text>\n", 248 + width, y + 12, \
			    value unit)
	y += 19
}

function group(title)
{
	y += 14
	body = body sprintf("<text x=\"24\" y=\"%d\" class=\"head\">%s</text>\n", y + 6, title)
	y += 16
}

BEGIN {
	FS = "\t"
	y = 60
}

/^#/ {
	next
}

$1 == "cycle" {
	if (!cycles++)
		group("Map, touch each page, unmap: instructions, " \
		      "in percent of the exporter's own mmap")
	n++
	what[n] = $2 ($2 == 1 ? " page" : " pages")
	cold[n] = $3
	warm[n] = $4
	if ($3 > top)
		top = $3
	if ($4 > top)
		top = $4
	next
}

$1 == "faults" {
	for (i = 1; i <= n; i++) {
		bar(what[i], "cold", cold[i], top, " %")
		bar("", "warm", warm[i], top, " %")
		y += 4
	}
	group("Page faults of 100 such cycles of " $2 " pages")
	bar("", "cold", $3, $3, "")
	bar("", "warm", $4, $3, "")
	next
}

$1 == "frames" {
	if (!frames++)
		group("Frames a second, in software emulation (60 at most)")
	bar($2, "cold", $3, 60, "")
	bar("", "warm", $4, 60, "")
	y += 4
}

END {
	height = y + 16
	print "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"860\" " \
		"height=\"%d\" viewBox=\"0 0 860 %d\">\n", height, height
	print "<title>Mappings kept warm, and not: docs/warm.tsv as a picture</title>"
	print "<style>text{font:12px sans-serif;fill:#24292f}" \
		".title{font-size:19px;font-weight:bold}" \
		".head{font-weight:bold}.paper{fill:#fff}.cold{fill:#7aa7d9}.warm{fill:#d9822b}" \
		"@media(prefers-color-scheme:dark){text{fill:#e6edf3}.paper{fill:#0d1117}}</style>"
	print "<rect width=\"100%\" height=\"100%\" class=\"paper\"/>"
	print "<text x=\"24\" y=\"36\" class=\"title\">Mappings kept warm</text>"
	print "<rect x=\"300\" y=\"24\" width=\"22\" height=\"14\" class=\"cold\"/>"
	print "<text x=\"328\" y=\"35\">PRIMESHIM_KEEP=off</text>"
	print "<rect x=\"490\" y=\"24\" width=\"22\" height=\"14\" class=\"warm\"/>"
	print "<text x=\"518\" y=\"35\">kept warm</text>"
	printf "%s</svg>\n", body
}
