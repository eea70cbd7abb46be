# SPDX-License-Identifier: MIT
"""Opens a session of logind (elogind's, which wants no systemd) and runs a command in it.

  survey-login.py UID COMMAND [ARG]...

For compositors that take their devices from logind alone. As root, for survey-guest.sh. The session
lives while the command has the descriptor that logind has given.
"""
import os
import sys
import time

import dbus

bus = dbus.SystemBus()
manager = dbus.Interface(bus.get_object('org.freedesktop.login1', '/org/freedesktop/login1'),
                         'org.freedesktop.login1.Manager')
session = manager.CreateSession(
    dbus.UInt32(int(sys.argv[1])), dbus.UInt32(os.getpid()), 'survey', 'wayland', 'user', '',
    'seat0', dbus.UInt32(1), 'tty1', '', False, '', '', dbus.Array([], signature='(sv)'))
fd = session[3].take()
os.set_inheritable(fd, True)
state = dbus.Interface(bus.get_object('org.freedesktop.login1', session[1]),
                       'org.freedesktop.DBus.Properties')
for _ in range(20):
    manager.ActivateSession(session[0])
    if state.Get('org.freedesktop.login1.Session', 'Active'):
        break
    time.sleep(.5)
else:
    print('survey-login.py: the session does not become active', file=sys.stderr)
os.environ.update(XDG_SESSION_ID=str(session[0]), XDG_SEAT='seat0', XDG_VTNR='1',
                  XDG_SESSION_TYPE='wayland', XDG_SESSION_CLASS='user')
os.execvp(sys.argv[2], sys.argv[2:])
