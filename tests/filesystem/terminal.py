#!/usr/bin/python3
"""A person at a terminal: runs an editor or pager on a file and types what people type.

    terminal.py PROGRAM FILE [SOURCE]

An editor puts the text of SOURCE in the place of FILE's and saves it; without SOURCE, FILE is looked at and left.
What was shown goes to standard output; the exit status is the program's."""
import os
import pty
import re
import select
import signal
import sys
import time

PATIENCE = 60  # seconds; a program that shows nothing new for that long hangs
CONTROL = re.compile(rb"\x1b\[[0-9;?>=]*[a-zA-Z@`]|\x1b[()][0-9A-Z]|\x1b[=>78cDEHMNOZ]|\x1b\][^\x07]*\x07|[\x00-\x08\x0e-\x1f]")
ESC = "\x1b"
ERRORS = "Bad message|exceeded|denied|exists|too large|not permitted"


def c(key):
    """Control and that key."""
    return chr(ord(key) & 0x1f)


# Command; what to wait for on the screen and what to type then, in that order; the same for what
# may come at any time, once each.
SAVE = {
    "nano": (["nano"], (("Help", ESC + "\\" + ESC + "t" + c("R")), ("insert", "{source}\r"), ("Read [0-9]+ line", c("O")),
                        ("Name to Write", "\r"), ("Wrote [0-9]+ line", c("X"))),
             (("Error writing", c("X")), ("ave modified", "n"), ("continue saving", "y"))),
    "vim": (["vim", "-Nu", "NONE"], (("New\\]|[0-9]+L, ", ":%d\r:r {source}\r:1d\r:wq\r"),), (("E[0-9]+: ", "\r:q!\r"),)),
    "emacs": (["emacs", "-Q", "-nw"], (("Fundamental", c("X") + "h" + c("W") + c("X") + "i"), ("Insert file:", c("A") + c("K") + "{source}\r"),
                                       ("Mark set", c("X") + c("S")), ("Wrote", c("X") + c("C"))),
              ((ERRORS, c("X") + c("C")), ("Save file", "n"), ("exit anyway", "yes\r"))),
}
LOOK = {
    "nano": (["nano"], (("Help", c("X")),), ()),
    "vim": (["vim", "-Nu", "NONE"], (("[0-9]+L, [0-9]+B", ":q\r"),), ()),
    "emacs": (["emacs", "-Q", "-nw"], (("(All|Top) +L1", c("X") + c("C")),), ()),
    "less": (["less", "-M"], (("lines 1-", "G"), ("END", "q")), ()),
}


class Screen:
    """What the program shows, and what of it has not been answered."""

    def __init__(self, command):
        self.shown, self.unread, self.changed = b"", b"", time.monotonic()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="linux", LINES="40", COLUMNS="200")
            os.execvp(command[0], command)

    def read(self):
        """False: the program has ended."""
        if not select.select([self.terminal], [], [], 0.2)[0]:
            return True
        try:
            got = os.read(self.terminal, 65536)
        except OSError:
            got = b""
        self.shown, self.unread, self.changed = self.shown + got, self.unread + got, time.monotonic() if got else self.changed
        return bool(got)

    def answer(self, wait, keys):
        """Types the keys if that is on the screen."""
        if not re.search(wait, CONTROL.sub(b"", self.unread).decode("utf-8", "replace")):
            return False
        self.unread = b""
        os.write(self.terminal, keys.encode())
        return True

    def end(self):
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def converse(command, course, at_any_time):
    """Types along the course; returns the exit status and what was shown."""
    screen, course, at_any_time = Screen(command), list(course), list(at_any_time)
    while screen.read():
        if course and screen.answer(*course[0]):
            course.pop(0)
        else:
            at_any_time = [rule for rule in at_any_time if not screen.answer(*rule)]
        if time.monotonic() - screen.changed > PATIENCE:
            os.kill(screen.pid, signal.SIGKILL)
            sys.stderr.write(f"{command[0]} waits; not yet seen: {course} {at_any_time}\n")
    return screen.end(), CONTROL.sub(b"", screen.shown)


def run(program, file, source=None):
    command, course, at_any_time = (SAVE if source else LOOK)[program]
    status, shown = converse(command + [file], [(wait, keys.format(source=source)) for wait, keys in course], at_any_time)
    sys.stdout.buffer.write(shown)
    return status


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))
