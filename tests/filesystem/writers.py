"""The ways in which people write a file: one table for all tests of the write protocol."""
import collections
import pathlib

# A way to put the file {src}, whole, into requests/{name}, for bash with the mount as working directory.
#   refused:    how it tells that a write or rename was refused: "said" (its exit status is not 0),
#               "words" (a message alone), "silent" (it cannot: results/ tells)
#   unfinished: the same of a document that is not complete, which close or rename refuses
#   says:       what it prints then (a pattern); None: the text of the errno
#   json:       it is tried with requests/*.json too, or "only" with those
#   pieces:     it writes in pieces that end after `submit`: what follows comes too late to prevent anything
#   rewrites:   what it writes are not the bytes of {src}; "letters": only where those are no letters
#   repeats:    a second time it succeeds like the first; some begin with other bytes
Writer = collections.namedtuple("Writer", "name script refused unfinished says json pieces rewrites repeats needs")
TYPE = f"/usr/bin/python3 {pathlib.Path(__file__).with_name('terminal.py')}"
# For those who change what is there.
BEGIN = "[ -s requests/{name} ] || echo '{first}' > requests/{name} 2> /dev/null; "
PART = "cp {src} requests/{name}.part && "
TAR = "tar cf {src}.tar -C $(dirname {src}) --transform s/.*/{name}/ $(basename {src}) && "
ECHO = "while IFS= read -r line; do {echo} \"$line\"; done < {{src}} > requests/{{name}}"
SORT = "sort -s -t '\1' -k 2 -o requests/{name} "  # by nothing: the lines keep their order


def row(name, script, refused="said", unfinished="said", says=None, json=False, pieces=False, rewrites=False, repeats=True, needs=None):
    needs = needs or name.split()[0].replace("python", "python3")
    return Writer(name, script, refused, unfinished, says, json, pieces, rewrites, repeats, needs)


def echo(shell, word="echo", says=None):
    script = ECHO.format(echo=word)
    return row(shell + " " + word, f"{shell} -c '{script}'", unfinished="silent", pieces=True, says=says)


WRITERS = (
    row("bash cat", "cat {src} > requests/{name}", json=True),
    row("bash printf", 'text=$(cat {src}; echo .) && printf %s "${{text%.}}" > requests/{name}', unfinished="silent", pieces=True),
    row("bash here-string", 'cat > requests/{name} <<< "$(cat {src})"'),
    row("bash append", "head -n 5 {src} > requests/{name} 2> /dev/null; tail -n +6 {src} >> requests/{name}", repeats=False),
    row("bash group", "(head -n 5 {src} 2> /dev/null; tail -n +6 {src}) > requests/{name}"),
    row("bash exec", "exec 3> requests/{name}; cat {src} >&3; s=$?; exec 3>&-; exit $s"),
    echo("bash"), echo("dash", says="I/O error"), echo("zsh"), echo("zsh", "print -r --"), echo("busybox sh")._replace(name="busybox echo"),
    row("dash cat", "dash -c 'cat {src} > requests/{name}'"),
    row("zsh cat", "zsh -c 'cat {src} > requests/{name}'"),
    row("busybox cat", "busybox sh -c 'busybox cat {src} > requests/{name}'", unfinished="silent"),
    row("busybox cp", "busybox cp {src} requests/{name}"),
    row("busybox mv", "cp {src} {src}.2 && busybox mv {src}.2 requests/{name}"),
    row("busybox mv within", PART + "busybox mv requests/{name}.part requests/{name}"),
    row("busybox tee", "busybox tee requests/{name} < {src} > /dev/null", unfinished="silent", says="I/O error"),
    row("busybox dd bs=7", "busybox dd if={src} of=requests/{name} bs=7"),
    row("busybox awk", "busybox awk '{{ print }}' {src} > requests/{name}", refused="silent", unfinished="silent", pieces=True),
    row("busybox sed -i", BEGIN + "busybox sed -i -n '$r {src}' requests/{name}"),
    row("busybox sort -o", "busybox " + SORT + "{src}", refused="words", unfinished="silent"),
    row("busybox tar", TAR + "busybox tar xf {src}.tar -C requests", unfinished="silent"),
    row("cp", "cp {src} requests/{name}", json=True),
    row("cp -a", "cp -a {src} requests/{name}"),
    row("cp -f", "cp -f {src} requests/{name}"),
    row("cp -b", "cp -b {src} requests/{name}"),
    row("cp --remove-dest.", "cp --remove-destination {src} requests/{name}"),
    row("cp --sparse", "cp --sparse=always --reflink=never {src} requests/{name}"),
    row("mv", "cp {src} {src}.2 && mv {src}.2 requests/{name}", json=True),
    row("mv from drafts", "cp {src} drafts/d && mv drafts/d requests/{name}", json=True),
    row("mv within", PART + "mv requests/{name}.part requests/{name}"),
    row("tee", "tee requests/{name} < {src} > /dev/null", json=True),
    row("dd", "dd if={src} of=requests/{name} status=none"),
    row("dd bs=1", "dd if={src} of=requests/{name} bs=1 status=none", pieces=True, json=True),
    row("dd bs=7", "dd if={src} of=requests/{name} bs=7 status=none"),
    row("dd conv=fsync", "dd if={src} of=requests/{name} conv=fsync status=none"),
    row("dd oflag=direct", "dd if={src} of=requests/{name} oflag=direct bs=512 status=none"),
    row("dd conv=sparse", "dd if={src} of=requests/{name} conv=sparse bs=512 status=none"),
    row("stdbuf", "stdbuf -o 13 cat {src} > requests/{name}"),
    row("install", "install -m 644 {src} requests/{name}"),
    row("install -b -C", "install -b -C -m 644 {src} requests/{name}"),
    row("head", "head -c 1000000 {src} > requests/{name}"),
    row("sort -o", SORT + "{src}"),
    row("sort -o in place", PART + "mv requests/{name}.part requests/{name} && " + SORT + "requests/{name}"),
    row("sed", "sed -n p {src} > requests/{name}"),
    row("sed w", "sed -n 'w requests/{name}' {src}"),
    row("sed -i", BEGIN + "sed -i -n '$r {src}' requests/{name}"),
    row("sed -i.bak", BEGIN + "sed -i.bak -n '$r {src}' requests/{name}"),
    row("gawk", "gawk '{{ print }}' {src} > requests/{name}", unfinished="silent"),
    row("gawk to a file", "gawk '{{ print > \"requests/{name}\" }}' {src}", unfinished="silent"),
    row("gawk -i inplace", BEGIN + "gawk -i inplace 'ENDFILE {{ while ((getline line < \"{src}\") > 0) print line }}' requests/{name}"),
    row("mawk", "mawk '{{ print }}' {src} > requests/{name}"),
    row("mawk to a file", "mawk '{{ print > \"requests/{name}\" }}' {src}"),
    row("jq .", "jq . {src} > requests/{name}", json="only", rewrites=True, pieces=True, says="jq: error|parse error|Error: writing output failed"),
    row("jq -Rr", "jq -Rr . {src} > requests/{name}", rewrites="letters"),
    row("curl -o", "curl -sSo requests/{name} file://{src}", json=True, says="curl: "),
    row("curl -T", "curl -sST {src} file://$PWD/requests/{name}", json=True, says="curl: ", unfinished="silent"),
    row("rsync", "rsync {src} requests/{name}"),
    row("rsync -a", "rsync -a {src} requests/{name}", json=True),
    row("rsync -I", "rsync -I {src} requests/{name}"),
    row("rsync --inplace", "rsync -I --inplace {src} requests/{name}"),
    row("rsync --no-whole-file", "rsync -I --inplace --no-whole-file {src} requests/{name}"),
    row("rsync --append-verify", "rsync --append-verify {src} requests/{name}"),
    row("rsync --temp-dir", "rsync -I --temp-dir=$PWD/drafts {src} requests/{name}"),
    row("tar", TAR + "tar xf {src}.tar -C requests"),
    row("tar --overwrite", TAR + "tar xf {src}.tar --overwrite -C requests"),
    row("git checkout", "git -C $(dirname {src}) init -q . && cp {src} $(dirname {src})/{name} && export GIT_DIR=$(dirname {src})/.git && "
        "git --work-tree=$(dirname {src}) add -f {name} && git --work-tree=requests checkout-index -f {name}", unfinished="silent", says="unable to write"),
    row("patch", BEGIN + "diff -a -u requests/{name} {src} | patch -s requests/{name}"),
    row("patch -o", ": > {src}.0; diff -a -u {src}.0 {src} | patch -s -o requests/{name} {src}.0"),
    row("ed", BEGIN + "printf '%%d\\nr {src}\\nw\\nq\\n' | ed -s requests/{name}"),
    row("perl", "perl -e 'open(F, \">\", \"requests/{name}\"); open(G, \"{src}\"); print F <G>; close(F) or die $!'"),
    row("perl syswrite", "perl -e 'open(F, \">\", \"requests/{name}\"); open(G, \"{src}\"); local $/ = \\11; "
        "while (<G>) {{ syswrite(F, $_) or die $! }} close(F) or die $!'"),
    row("perl -i", BEGIN + "perl -i -ne 'if (eof) {{ open(G, \"{src}\"); print <G> }}' requests/{name}"),
    row("perl copy", "perl -MFile::Copy -e 'copy(\"{src}\", \"requests/{name}\") or die $!'"),
    row("python unclosed", "python3 -c 'open(\"requests/{name}\", \"wb\").write(open(\"{src}\", \"rb\").read())'",
        refused="silent", unfinished="silent"),
    row("python print", "python3 -c 'print(open(\"{src}\", errors=\"surrogateescape\").read(), end=\"\")' > requests/{name}", unfinished="silent"),
    row("python with", "python3 -c 'with open(\"requests/{name}\", \"wb\") as f: f.write(open(\"{src}\", \"rb\").read())'"),
    row("python lines", "python3 -c 'f = open(\"requests/{name}\", \"w\", 1, errors=\"surrogateescape\"); "
        "f.writelines(open(\"{src}\", errors=\"surrogateescape\")); f.close()'", pieces=True),
    row("python shutil", "python3 -c 'import shutil; shutil.copy(\"{src}\", \"requests/{name}\")'"),
    row("python replace", "python3 -c 'import os, shutil; shutil.copy(\"{src}\", \"requests/.new\"); "
        "os.replace(\"requests/.new\", \"requests/{name}\")'"),
    row("node", "node -e 'fs.writeFileSync(\"requests/{name}\", fs.readFileSync(\"{src}\"))'", says="E[A-Z]+: "),
    row("vim -es", "vim -Nu NONE -es -c 'w! requests/{name}' -c 'qa!' {src}", says=""),
    row("vim -es in place", BEGIN + "vim -Nu NONE -es -c '%!cat {src}' -c 'wq!' requests/{name}", says="", rewrites="letters"),
    row("vim backupcopy=yes", BEGIN + "vim -Nu NONE -es -c 'set backup backupcopy=yes' -c '%!cat {src}' -c 'wq!' requests/{name}",
        says="", rewrites="letters"),
    row("vim", TYPE + " vim requests/{name} {src}", refused="words", unfinished="words", says="E[0-9]+: ", rewrites="letters"),
    row("nano", TYPE + " nano requests/{name} {src}", refused="words", unfinished="words"),
    row("emacs --batch", "emacs -Q --batch --eval '(progn (find-file \"requests/{name}\") (erase-buffer) "
        "(insert-file-contents \"{src}\") (save-buffer))'"),
    row("emacs", TYPE + " emacs requests/{name} {src}", refused="words", unfinished="words"),
)
BY_NAME = {writer.name: writer for writer in WRITERS}
