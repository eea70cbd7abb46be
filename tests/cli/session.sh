#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests what run-with-shim --install-session and --remove-session promise, with an installed copy of
# the launcher: a session's file and a unit's drop-in, written below DESTDIR, shown, and taken back.
# tests/kernel/kernel-session.sh tries both under a running systemd.
# Quoted text for another sh and words to split are meant as they are:
# shellcheck disable=SC2016,SC2086

# shellcheck source-path=SCRIPTDIR source=launcher-checks.sh
. "${top_srcdir:-.}/tests/cli/launcher-checks.sh"

# An installed copy, which another user can read, too.
usr=$tmp/usr
mkdir -p "$usr/bin" "$usr/lib/primeshim" "$usr/libexec/primeshim"
sed "s|^prefix=.*|prefix=$usr|; s|^exec_prefix=.*|exec_prefix=$usr|; s|^libdir=.*|libdir=$usr/lib|
	s|^pkglibexecdir=.*|pkglibexecdir=$usr/libexec/primeshim|" "$launcher" \
	>"$usr/bin/run-with-shim.sh"
cp "$top/scripts/install-session.sh" "$usr/libexec/primeshim/install-session"
cp "$lib" "$usr/lib/primeshim/"
[ ! -x "$companion" ] || cp "$companion" "$usr/bin/primeshim"
chmod -R a+rX "$usr"
chmod 755 "$usr/bin/run-with-shim.sh"
launcher=$usr/bin/run-with-shim.sh
lib=$usr/lib/primeshim/libprimeshim.so
unset SUDO_UID PRIMESHIM_DRIVERS XDG_DATA_HOME XDG_RUNTIME_DIR

# What is there: a session, and units of the user's.
root=$tmp/root
sessions=$root/usr/share/wayland-sessions
own=$tmp/home/config
units=$root$own/systemd/user
export DESTDIR="$root" XDG_CONFIG_HOME="$own" HOME="$tmp/home"
mkdir -p "$sessions" "$units" "$tmp/home"
cat >"$sessions/demo.desktop" <<-'EOT'
	[Desktop Entry]
	Name=Demo
	Name[de]=Vorführung
	Comment=A session
	Exec=cat -- /proc/self/maps "/no\\$file %%"
	TryExec=cat
	DBusActivatable=true
	Type=Application

	[Desktop Action other]
	Name=Other
	Exec=cat
EOT
printf '[Service]\nExecStart=-%s /dev/null\n' "$cat" >"$units/demo.service"
cp "$units/demo.service" "$units/many@.service"
chmod -R a+rX "$tmp/root" "$tmp/home"
written=$sessions/primeshim-demo.desktop
drop_in=$units/demo.service.d/primeshim.conf

# tree: prints what is below DESTDIR, with the contents
tree() {
	find "$root" -exec ls -ld {} + | awk '{ print $1, $3, $4, $NF }' && find "$root" -type f \
		-exec cksum {} +
}

# same_tree: nothing has changed since $tmp/before was written
same_tree() {
	tree >"$tmp/after" && diff "$tmp/before" "$tmp/after"
}
tree >"$tmp/before"

# refused_all PATTERN: status 2, one line that says why, and nothing was written
refused_all() {
	refused 2 "$1" && same_tree
}

# has FILE LINE
has() {
	grep -qxF -e "$2" "$1"
}

# body FILE: prints it without the comments at its top
body() {
	sed '1,3{/^# /d;}' "$1"
}

# holds FILE TEXT: that is all of it
holds() {
	[ "$(body "$1")" = "$2" ]
}

# shown FILE: each of its lines is on stdout
shown() {
	[ "$status" = 0 ] && grep -qxF "$1:" "$tmp/out" && sed 's/^/    /' "$1" >"$tmp/lines" &&
		[ "$(grep -cxFf "$tmp/lines" "$tmp/out")" -ge "$(wc -l <"$tmp/lines")" ]
}

# A session
run --install-session demo
check 'a session is written beside the one of that name' [ "$status-$(wc -c <"$tmp/err")" = 0-0 ]
check "only the name and the command differ from it, and are the launcher's" holds "$written" \
	"[Desktop Entry]
Name=Demo (primeshim)
Name[de]=Vorführung (primeshim)
Comment=A session
Exec=$launcher --mode rescue -- cat -- /proc/self/maps \"/no\\\\\$file %%\"
TryExec=cat
Type=Application

[Desktop Action other]
Name=Other
Exec=cat"
check 'what is written is shown' shown "$written"
check 'how to undo it is told' grep -q "To undo: $(basename "$launcher") --remove-session demo" \
	"$tmp/out"
exec_line=$(sed -n 's/^Exec=\(.*maps\).*/\1/p' "$written")
sh -c "$exec_line" >"$tmp/out"
status=$?
check 'the session that it starts has the shim' loaded
run --remove-session demo
check 'removed, all is as it was' same_tree
check 'and it says what went' grep -qxF "removed: $written" "$tmp/out"
run --sync off --log --only a,b --mode=observe --install-session=demo.desktop
check 'options are those of the session, and no mode is added' has "$written" \
	"Exec=$launcher --mode observe --sync off --log --only a,b -- cat -- /proc/self/maps \
\"/no\\\\\$file %%\""
run --install-session demo
check 'installed again with other options, the file is the new one' [ "$status-$(grep -c \
	-e '--mode rescue -- cat' "$written")" = 0-1 ]
run --remove-session demo
before="env PRIMESHIM_DRIVERS=-i915 PRIMESHIM_LOG=/tmp/a%b PRIMESHIM_EXPORT=keep"
run --install-session demo
check 'what has no option goes by env' grep -qF "Exec=env PRIMESHIM_LOG=/tmp/a%%b \
PRIMESHIM_DRIVERS=-i915 $launcher --mode rescue --export keep -- cat" "$written"
before='env PRIMESHIM_MODE=nonsense'
run --remove-session demo
run --install-session demo
check 'a wrong value in the environment is refused now, not at the login' \
	refused_all "cannot be 'nonsense'"
before=
(umask 077 && rm -rf "$tmp/new" && DESTDIR=$tmp/new run --install-session "$cat")
check "the modes are 755 and 644 whatever the caller's umask" [ "$(stat -c %a \
	"$tmp/new" "$tmp/new/usr/share/wayland-sessions/primeshim-cat.desktop" | tr '\n' ' ')" = \
	'755 644 ' ]
(DESTDIR=$tmp/new run --remove-session cat)
check 'directories that were made for it go with it' [ ! -e "$tmp/new" ]
run --install-session cat
check 'a command is a session, too' holds "$sessions/primeshim-cat.desktop" "[Desktop Entry]
Name=cat (primeshim)
Exec=$launcher --mode rescue -- $(command -v cat)
Type=Application"
run --remove-session cat
odd="$tmp/it's \"a\` \$c \\d %e"
mkdir "$odd" && cp "$cat" "$odd/prog" && chmod -R a+rX "$odd"
run --install-session "$odd/prog"
check "a path's special characters are quoted as desktop entries want" grep -qxF \
	"Exec=$launcher --mode rescue -- \"$tmp/it's \\\\\"a\\\\\` \\\\\$c \\\\\\\\d %%e/prog\"" \
	"$sessions/primeshim-prog.desktop"
if command -v gio >/dev/null; then
	script ran '#!/bin/sh
echo "$PRIMESHIM_MODE $LD_PRELOAD" >"$0.says.new" && mv "$0.says.new" "$0.says"'
	mv "$tmp/ran" "$odd/prog"
	gio launch "$sessions/primeshim-prog.desktop" >"$tmp/out" 2>"$tmp/err"
	status=$?
	waits=0
	until [ -e "$odd/prog.says" ] || [ $((waits += 1)) -gt 6000 ]; do sleep 0.1; done
	check "GLib starts it by that path, with the shim" grep -qx "rescue $lib" "$odd/prog.says"
	cp "$cat" "$odd/prog"
else
	skip 'GLib starts it by that path, with the shim' 'there is no gio'
fi
run --remove-session "$odd/prog"
check 'and it is found again to be removed' same_tree

# Names that are none
for given in '' 'a b' "a'b" 'a"b' 'a%b' 'a
b' 'a;b' 'a$b' '-a' '.a' 'a/' '../demo' primeshim-demo no-such-session '[]' 'a\b'; do
	run --install-session "$given"
	check "refuses to install '$(echo "$given" | tr '\n' '?')'" refused_all ''
	run --remove-session "$given"
	check "and to remove it" refused_all ''
	run --install-session "$given.service"
	check "the same with .service" refused_all ''
done

# What others have written stays
for entry in 'demo primeshim-demo.desktop' 'cat primeshim-cat.desktop'; do
	given=${entry% *} file=$sessions/${entry#* }
	echo 'mine' >"$file"
	tree >"$tmp/before"
	run --install-session "$given"
	check "a file of another's is not written over: $given" refused_all 'nothing is changed'
	run --remove-session "$given"
	check "nor removed: $given" refused_all 'nothing is removed'
	rm "$file"
	ln -s "$tmp/elsewhere" "$file"
	tree >"$tmp/before"
	run --install-session "$given"
	check "nor is a link followed: $given" refused_all 'nothing is changed'
	check "or what it names made: $given" [ ! -e "$tmp/elsewhere" ]
	rm "$file"
done
tree >"$tmp/before"
run --remove-session demo
check 'what is not installed cannot be removed' refused_all 'nothing is installed for demo'
printf 'Name=Demo\r\n[Desktop Entry]\r\nExec=cat a\r\n' >"$sessions/dos.desktop"
printf '[Desktop Entry]\nName=None\n' >"$sessions/none.desktop"
printf '[Desktop Entry]\nName=\033[2J\nExec=cat\n' >"$sessions/esc.desktop"
tree >"$tmp/before"
run --install-session none
check 'a session without a command is refused' refused_all 'has no one Exec='
run --install-session dos
check "a file with a carriage return in each line is read" \
	has "$sessions/primeshim-dos.desktop" "Exec=$launcher --mode rescue -- cat a"
run --remove-session dos
run --install-session esc
check 'control characters of a session are not shown' [ "$status-$(tr -cd '\033' <"$tmp/out" |
	wc -c)" = 0-0 ]
run --remove-session esc
rm "$sessions/dos.desktop" "$sessions/none.desktop" "$sessions/esc.desktop"
tree >"$tmp/before"

# A unit
before='env LD_PRELOAD=libm.so.6'
run --install-session demo.service
check "a service's drop-in has the lines of --env, and not the caller's LD_PRELOAD" \
	holds "$drop_in" "[Service]
Environment=\"LD_PRELOAD=$lib\"
Environment=\"PRIMESHIM_MODE=rescue\""
before=
check 'it is shown' shown "$drop_in"
check 'it is told what makes systemd read it, and how to undo it' [ "$(grep -c -e daemon-reload \
	-e "--remove-session demo.service" "$tmp/out")" -ge 2 ]
echo '[Service]' >"$units/demo.service.d/mine.conf"
run --remove-session demo.service
check "another's drop-in stays where it is" [ "$(ls "$units/demo.service.d")" = mine.conf ]
rm -r "$units/demo.service.d"
before='env PRIMESHIM_LOG=/a_"b"_\c_%d_$e'
run --mode redirect --only demo --install-session demo.service
check 'values are quoted as systemd wants' holds "$drop_in" "[Service]
Environment=\"LD_PRELOAD=$lib\"
Environment=\"PRIMESHIM_MODE=redirect\"
Environment=\"PRIMESHIM_LOG=/a_\\\"b\\\"_\\\\c_%%d_\$e\"
Environment=\"PRIMESHIM_ONLY=demo\""
before=
run --remove-session demo.service
check 'removed, all is as it was, without the directory' same_tree
run --only 'a
b' --install-session demo.service
check 'a newline in a value is refused' refused_all 'has a newline'
run --install-session many@1.service
check 'an instance is found by its template' [ "$status" = 0 ]
run --remove-session many@1.service
run --install-session no.service
check 'a unit that is not there is refused' refused_all 'there is no unit no.service'
ln -s /dev/null "$units/masked.service"
tree >"$tmp/before"
run --install-session masked.service
check 'so is one that is masked' refused_all 'there is no unit masked.service'
cd "$tmp" || exit 1
run --dir status --install-session demo.service
check '--dir is for a service, as a path from the root' has "$drop_in" \
	"Environment=\"PRIMESHIM_DIR=$(pwd -P)/status\""
run --remove-session demo.service
run --dir status2 --install-session demo
check '--dir is not for a session' refused_all '--dir is for a UNIT.service'
check 'and is not made' [ ! -e status2 ]
cd "$OLDPWD" || exit 1
mkdir "$units/demo.service.d" && echo mine >"$drop_in"
tree >"$tmp/before"
run --install-session demo.service
check "another's drop-in of that name is not written over" refused_all 'nothing is changed'
rm -r "$units/demo.service.d"
tree >"$tmp/before"

# Bad use
run --install-session
check 'a name is needed' refused_all 'needs a value'
run --install-session demo sway
check 'a command besides is refused' refused_all 'one name, and no command'
for option in --report --env --survey --gdb --valgrind '--ab 2' '--trace x'; do
	run $option --install-session demo
	check "refuses ${option% *} with it" refused_all "goes without ${option% *}"
done
run --install-session demo --remove-session demo
check 'both at once are refused' refused_all 'one session at a time'
before='env DESTDIR=here'
run --install-session demo
check 'a DESTDIR that is no path from the root is refused' refused_all 'DESTDIR'
before='env -u HOME -u XDG_CONFIG_HOME'
run --install-session demo.service
check 'no home is no place for a unit' refused_all 'neither HOME nor XDG_CONFIG_HOME'
before=

# Who may
user=
nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'
if [ "$(id -u)" != 0 ]; then
	nobody='env'
elif ! $nobody test -r "$lib" 2>/dev/null; then
	user='needs a second user, and setpriv'
fi
if [ "$user" ]; then
	skip 'a user may install units and no sessions' "$user"
else
	before="$nobody env DESTDIR="
	run --install-session demo
	check "a user's session is refused, as it would be everybody's" refused_all 'as root'
	run --remove-session demo
	check 'its removal, too' refused_all 'as root'
	mkdir "$tmp/nobody" && mkdir -p "$tmp/nobody/systemd/user"
	cp "$units/demo.service" "$tmp/nobody/systemd/user/"
	[ "$nobody" = env ] || chown -R 65534:65534 "$tmp/nobody"
	before="$nobody env DESTDIR= XDG_CONFIG_HOME=$tmp/nobody"
	run --install-session demo.service
	check "a user's unit is the user's" [ "$status-$(stat -c '%a' \
		"$tmp/nobody/systemd/user/demo.service.d/primeshim.conf")" = 0-644 ]
	run --remove-session demo.service
	check 'and goes as it came' [ "$status-$(ls "$tmp/nobody/systemd/user")" = 0-demo.service ]
	chmod 555 "$tmp/nobody/systemd/user"
	run --install-session demo.service
	check 'a directory that cannot be made costs a line' refused 2 'cannot make the directory'
	chmod 755 "$tmp/nobody/systemd/user"
	before=
fi
before='env SUDO_UID=1000'
if [ "$(id -u)" = 0 ]; then
	run --install-session demo.service
	check 'a unit by sudo is refused: it would be of the user root' refused_all 'without sudo'
	before=
	chmod 4755 "$odd/prog" && chown 65534 "$odd/prog" && chmod 4755 "$odd/prog"
	mv "$odd/prog" "$tmp/raised"
	printf '[Service]\nExecStart=%s\n' "$tmp/raised" >"$units/raised.service"
	tree >"$tmp/before"
	if [ -x "$companion" ] && ! grep -q '^NoNewPrivs:[[:space:]]*1' /proc/self/status; then
		run --install-session raised.service
		check 'a unit whose program ld.so would not preload into is refused, and why' \
			refused_all 'is setuid to another'
		run --install-session "$tmp/raised"
		check 'so is a session' refused_all 'is setuid to another'
	else
		skip 'a program that ld.so would not preload into' 'primeshim is not built'
	fi
else
	skip 'a unit by sudo is refused' 'needs root'
fi
before=
echo "$passed promises kept, $failed not"
[ "$failed" = 0 ]
