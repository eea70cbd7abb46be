#!/bin/bash
# SPDX-License-Identifier: MIT
# What the scripts say and do about Debian packages that are missing: as root, as a user with sudo
# and without, and where none is missing. Stand-ins play dpkg-query, apt-get, id and sudo.
# shellcheck disable=SC2317 # functions that promise() calls
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
src=$(cd "${top_srcdir:-.}" && pwd -P)
[ -e "$src/scripts/lib/packages.sh" ] || exit 77
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
promise_log=$tmp/why
mkdir "$tmp/bin" "$tmp/sudo"

# stand_in PATH: makes that program of stdin
stand_in() {
	{ echo '#!/bin/bash' && cat; } >"$tmp/$1" && chmod +x "$tmp/$1"
}

# Packages are there whose names are in $tmp/there.
# shellcheck disable=SC2016
stand_in bin/dpkg-query <<<'grep -qx "${@: -1}" "$THERE" && echo "ii "'
# shellcheck disable=SC2016
stand_in bin/apt-get <<<'echo "apt-get $*" >>"$RAN"; [[ $* != *"$BROKEN"* ]]'
# shellcheck disable=SC2016
stand_in bin/id <<<'echo "$WHO"'
# shellcheck disable=SC2016
stand_in sudo/sudo <<<'echo "sudo $*" >>"$RAN"; env "$@"'
ln -s "$(command -v bash)" "$(command -v grep)" "$(command -v env)" "$tmp/bin/"

# need WHO PATH: packages_need() of a group of two packages, as that user ID
need() {
	: >"$tmp/ran"
	WHO=$1 THERE=$tmp/there RAN=$tmp/ran BROKEN=${broken:-nothing} PATH=$2 \
		bash -c '. "$1" && packages_of[two]="one-package two-package" &&
			packages_need two' try.sh "$src/scripts/lib/packages.sh" \
		>"$tmp/out" 2>"$tmp/err"
}

fails() {
	! "$@"
}

# said LINE: that is all
said() {
	[ "$(cat "$tmp/err")" = "$1" ]
}

# ran LINE...: these programs were run, and no other
ran() {
	[ "$(cat "$tmp/ran")" = "$(printf '%s\n' "$@")" ]
}

none=$tmp/bin with=$tmp/bin:$tmp/sudo
install='--no-install-recommends one-package two-package'
: >"$tmp/there"
promise 'a user without sudo is refused' fails need 1000 "$none"
promise 'in one line, with the command for root' said "try.sh: packages are missing and there is no\
 sudo; as root, run: apt-get install $install"
promise 'and nothing is run' ran ''
promise 'a user with sudo gets them' need 1000 "$with"
promise 'by sudo alone' ran 'sudo DEBIAN_FRONTEND=noninteractive apt-get -q -y update' \
	'apt-get -q -y update' \
	"sudo DEBIAN_FRONTEND=noninteractive apt-get -q -y install $install" \
	"apt-get -q -y install $install"
promise 'root gets them without' need 0 "$with"
promise 'by apt-get' ran 'apt-get -q -y update' "apt-get -q -y install $install"
promise 'and is told which' said 'try.sh: installing one-package two-package'
broken=install
promise 'where apt-get fails, so does the script' fails need 0 "$with"
promise 'and says what is missing' grep -q 'missing are: one-package two-package$' "$tmp/err"
broken=''
echo one-package >"$tmp/there"
promise 'only what is missing is installed' need 0 "$with"
promise 'and no other package' ran 'apt-get -q -y update' \
	'apt-get -q -y install --no-install-recommends two-package'
printf '%s\n' one-package two-package >"$tmp/there"
promise 'with all of them there a user without sudo goes on' need 1000 "$none"
promise 'without a word' said ''
promise 'and nothing is run' ran ''
rm "$tmp/bin/apt-get"
promise 'on another system the script goes on' need 1000 "$none"
promise 'and says that it installs nothing' said \
	'try.sh: this is no Debian: nothing is installed, all has to be there'
exit $fail
