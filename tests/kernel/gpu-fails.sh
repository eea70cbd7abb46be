#!/bin/bash
# SPDX-License-Identifier: MIT
# A GPU whose driver does not take it: scripts/vm.sh ends with the first and the last error of the
# kernel's log, and does not run the command. The GPU is QEMU's vmware-svga, which vmwgfx refuses,
# as scripts/vm/README.md tells. Boots a virtual machine. Prints "ok - ..." and "not ok - ..."
# lines.
#
#   gpu-fails.sh [OPTION of vm.sh]...
set -u
src=$(realpath "$(dirname "$0")/../..")
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
# shellcheck source=tests/lib/promise.sh
. "$src/tests/lib/promise.sh" || exit 2

# vm.sh of a copy, which has one GPU more.
cp -r "$src/scripts" "$tmp" || exit 2
cat >"$tmp/scripts/vm/fails.conf" <<-'EOF'
about QEMU's VMware SVGA II
driver vmwgfx
kernel amd64 6.12
natively nothing
deny nothing
device vmware-svga
module vmwgfx
EOF
cd "$tmp" || exit 2
said='the GPU fails did not come up:'
timeout 300 "$tmp/scripts/vm.sh" --gpu fails "$@" -- echo 'the command runs' >out 2>err
status=$?
tail -n 1 err | sed 's/^/# /'
promise "a GPU that does not come up: status 125: $status" [ $status = 125 ]
promise 'the last line on stderr says so, with the first error' \
	grep -q "^vm.sh: $said \[.*hypervisor" <(tail -n 1 err)
promise 'and with the last, which has the errno' \
	grep -q '\[.* \[.*: probe with driver vmwgfx failed with error -38$' <(tail -n 1 err)
promise 'the end of the console is there before it' grep -q '^vm.sh: the end of the console:' err
promise 'the command was not run' [ ! -s out ]
exit $fail
