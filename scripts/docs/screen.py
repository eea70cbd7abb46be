#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Prints what a terminal showed, of a recording that script(1) made with --log-timing:

screen.py COLUMNS ROWS TIMING RECORDING PATTERN...

the last screen that stood for a while and has each pattern, without its empty lines."""
import re
import sys

import pyte

columns, rows = int(sys.argv[1]), int(sys.argv[2])
patterns = sys.argv[5:]
with open(sys.argv[3]) as timing, open(sys.argv[4], "rb") as recording:
    recording.readline()  # script's own
    screen = pyte.Screen(columns, rows)
    stream = pyte.ByteStream(screen)
    found = None
    for line in timing:
        delay, size = line.split()
        shown = "\n".join(text.rstrip() for text in screen.display).rstrip()
        # What comes at once belongs to the same screen.
        if float(delay) > 0.3 and all(re.search(pattern, shown) for pattern in patterns):
            found = shown
        stream.feed(recording.read(int(size)))
if found is None:
    sys.exit("screen.py: no screen has all of: " + " ".join(patterns))
print("\n".join(line for line in found.split("\n") if line))
