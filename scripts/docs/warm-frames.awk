# SPDX-License-Identifier: MIT
# Reads the table "Frames of compositors" of bench/RESULTS.md and prints the frames a second, for
# docs/warm.tsv: "frames COMPOSITOR COLD WARM" with tabs.
BEGIN {
	FS = " *[|] *"
}

/^## / {
	frames = /^## Frames of compositors/
}

frames && /keep off/ {
	split($2, words, ",")
	cold = 1000 / $5
}

frames && /pages kept/ {
	printf "frames\t%s\t%.1f\t%.1f\n", words[1], cold, 1000 / $5
}
