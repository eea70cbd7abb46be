# SPDX-License-Identifier: MIT
# Makes a line of docs/survey.tsv of a record of tests/kernel/survey-guest.sh; the columns are named
# in survey.awk.
def sum(f): [.report.processes[] | f] | add // 0;
def pairs: [.report.processes[].pairs[]];
def list: unique | if . == [] then "-" else join(",") end;
def some: if . == "" or . == null then "-" else . end;

[
	.machine, .debian, .program, (.version | some), .way,
	.status, (if .ended then "ended" else "itself" end), .seconds,
	(.shown | some),
	([pairs[] | select(.call == "import" and .native == "ok") | .count] | add // 0),
	([pairs[] | select(.call == "import" and .native == "ok") |
		"\(.importer)<\(.exporter)"] | list),
	([pairs[] | select(.call == "import" and .native != "ok") | .native] | list),
	([pairs[] | select(.call == "map ioctl") | .count] | add // 0),
	([pairs[] | select(.call == "mmap") | .count] | add // 0),
	([pairs[] | select((.call == "map ioctl" or .call == "mmap") and .native != "not asked") |
		.native] | list),
	sum(.counters.own_syncs),
	sum(.counters.direct_dmabufs), sum(.counters.direct_dmabufs_synced),
	.report.situation
] | @tsv
