"""The ways in which people read a file: one table for all tests of what is read."""
import collections
import pathlib

# A way to read the file {path}, for bash with the mount as working directory. {copy}: a file with the bytes that are
# expected; {out}: one to write.
#   says: how its output compares: "bytes", "text" (but for newlines at the end), "size", "sum" (SHA-256),
#         "nothing", "screen" (the first line is on it)
#   kind: of what places; None: of all
Reader = collections.namedtuple("Reader", "name script says needs kind")
LOOK = f"/usr/bin/python3 {pathlib.Path(__file__).with_name('terminal.py')}"


def row(name, script, says="bytes", needs=None, kind=None):
    return Reader(name, script, says, needs or name.split()[0].replace("python", "python3"), kind)


READERS = (
    row("cat", "cat {path}"),
    row("cat -v", "cat -v {path} > /dev/null; cat - < {path}"),
    row("bash $(<)", "printf '%s\\n' \"$(<{path})\"", "text"),
    row("bash read", "while IFS= read -r line; do printf '%s\\n' \"$line\"; done < {path}"),
    row("bash mapfile", "mapfile < {path}; printf %s \"${{MAPFILE[@]}}\""),
    row("dash read", "dash -c 'while IFS= read -r line; do printf \"%s\\n\" \"$line\"; done < {path}'"),
    row("zsh $(<)", "zsh -c 'print -r -- \"$(<{path})\"'", "text"),
    row("busybox cat", "busybox cat {path}"),
    row("busybox tail", "busybox tail -c +1 {path}"),
    row("busybox cp", "busybox cp {path} {out} && cat {out}"),
    row("busybox tar", "busybox tar c {path} | busybox tar xO"),
    row("busybox awk", "busybox awk 1 {path}"),
    row("busybox grep", "busybox grep -h '' {path}"),
    row("busybox wc", "busybox wc -c < {path}", "size"),
    row("head", "head -c 1000000 {path}"),
    row("tail -n", "tail -n +1 {path}"),
    row("tail -c", "tail -c 1000000 {path}"),
    row("tail -n 1", "head -n -1 {path}; tail -n 1 {path}"),
    row("tac", "tac {path} | tac"),
    row("dd bs=1", "dd if={path} bs=1 count=200 status=none; dd if={path} bs=1 skip=200 status=none"),
    row("dd bs=7", "dd if={path} bs=7 status=none"),
    row("dd iflag=direct", "dd if={path} iflag=direct bs=4096 status=none"),
    row("cp", "cp {path} {out} && cat {out}"),
    row("cp -a", "cp -a {path} {out} && cat {out}"),
    row("cp --sparse", "cp --sparse=always {path} {out} && cat {out}"),
    row("install", "install {path} {out} && cat {out}"),
    row("tee", "tee < {path}"),
    row("split", "split -b 13 -a 6 {path} {out}. && cat {out}.*; rm -f {out}.*"),
    row("wc -c", "wc -c < {path}", "size"),
    row("wc by stat", "wc -c {path} | cut -d' ' -f1", "size"),
    row("stat", "stat -c %s {path}", "size"),
    row("find -printf", "find {path} -printf '%s\\n'", "size"),
    row("ls -l", "ls -ln {path} | cut -d' ' -f5", "size"),
    row("du -b", "du -b {path} | cut -f1", "size"),
    row("sha256sum", "sha256sum < {path}", "sum"),
    row("cmp", "cmp {path} {copy}", "nothing"),
    row("diff", "diff {path} {copy}", "nothing"),
    row("grep", "grep -h '' {path}"),
    row("grep -r", "grep -rh '' {path}"),
    row("grep -c", "[ $(grep -c '' {path}) = $(grep -c '' {copy}) ]", "nothing"),
    row("sed", "sed -n p {path}"),
    row("sort", "sort -s -t '\1' -k 2 {path}"),
    row("paste", "paste -d '\\0' {path}"),
    row("gawk", "gawk 1 {path}"),
    row("mawk", "mawk 1 {path}"),
    row("perl", "perl -pe 1 {path}"),
    row("python", "python3 -c 'import sys; sys.stdout.buffer.write(open(\"{path}\", \"rb\").read())'"),
    row("python readinto", "python3 -c 'import os, sys; f = os.open(\"{path}\", 0); n = os.fstat(f).st_size; "
        "sys.stdout.buffer.write(os.pread(f, n + 10, 0))'"),
    row("python mmap", "python3 -c 'import mmap, sys; f = open(\"{path}\", \"rb\"); n = f.seek(0, 2); "
        "sys.stdout.buffer.write(mmap.mmap(f.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ)[:]) if n else None'"),
    row("python sendfile", "python3 -c 'import shutil; shutil.copy(\"{path}\", \"{out}\")' && cat {out}"),
    row("node", "node -e 'process.stdout.write(fs.readFileSync(\"{path}\"))'"),
    row("jq -Rr", "jq -Rr . {path}"),
    row("jq", "jq -S . {path} > {out} && jq -S . {copy} | cmp - {out}", "nothing", kind="json"),
    row("jq --slurp", "[ $(jq -s length {path}) = 1 ]", "nothing", kind="json"),
    row("curl", "curl -sS file://$PWD/{path}"),
    row("tar", "tar c {path} | tar xO"),
    row("rsync", "rsync {path} {out} && cat {out}"),
    row("rsync -c", "cp {copy} {out}; rsync -ci --no-times {path} {out}", "nothing"),
    row("git hash-object", "git hash-object {path} > {out} && git hash-object {copy} | cmp - {out}", "nothing"),
    row("git diff", "git diff --no-index {path} {copy}", "nothing"),
    row("ed", "ed -s {path} <<< ',p'"),
    row("less to a pipe", "less {path}"),
    row("less", LOOK + " less {path}", "screen"),
    row("vim -es", "vim -Nu NONE -n -es -c 'w! {out}' -c 'qa!' {path} && cat {out}"),
    row("vim", LOOK + " vim {path}", "screen"),
    row("nano", LOOK + " nano {path}", "screen"),
    row("emacs --batch", "emacs -Q --batch {path} --eval '(write-region nil nil \"{out}\" nil 0)' && cat {out}"),
    row("emacs", LOOK + " emacs {path}", "screen"),
    row("source in bash", "source {path} && printf '%s\\n' \"$purpose\" | cmp - {copy}.purpose", "nothing", needs="bash", kind="env"),
    row("source in dash", "dash -c '. {path} && printf \"%s\\n\" \"$purpose\"' | cmp - {copy}.purpose", "nothing", needs="dash", kind="env"),
    row("source in zsh", "zsh -c '. {path} && print -r -- \"$purpose\"' | cmp - {copy}.purpose", "nothing", needs="zsh", kind="env"),
    row("source in busybox", "busybox sh -c '. ./{path} && printf \"%s\\n\" \"$purpose\"' | cmp - {copy}.purpose", "nothing", needs="busybox",
        kind="env"),
)
BY_NAME = {reader.name: reader for reader in READERS}
