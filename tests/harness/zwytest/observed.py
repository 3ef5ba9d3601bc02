"""What a server says of itself: its log lines and its metrics."""
import http.client
import re

from prometheus_client.parser import text_string_to_metric_families

FIELD = re.compile(r'([a-z_0-9]+)=(?:"((?:[^"\\]|\\.)*)"|([!#-<>-\[\]-~]+))(?: |$)')
LEVELS = {"error", "warn", "info", "debug"}


def log_line(line):
    """A line of key=value as a dictionary; AssertionError unless it is wholly one."""
    fields, at = {}, 0
    while at < len(line):
        found = FIELD.match(line, at)
        assert found, f"not logfmt at {at}: {line!r}"
        key, quoted, bare = found.groups()
        assert key not in fields, f"{key} twice: {line!r}"
        fields[key] = bare if bare is not None else re.sub(
            r"\\(u[0-9a-f]{4}|.)", lambda m: {"n": "\n", "r": "\r", "t": "\t"}.get(
                m[1], chr(int(m[1][1:], 16)) if m[1][0] == "u" and len(m[1]) == 5 else m[1]), quoted)
        at = found.end()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", fields.get("time", "")), line
    assert fields.get("level") in LEVELS, line
    assert list(fields)[:2] == ["time", "level"], line
    return fields


def log_lines(text):
    """All whole lines; every one must be sound."""
    lines = text.split("\n")[:-1]
    for line in lines:
        assert all(c >= " " and c != "\x7f" and not "\x80" <= c <= "\x9f" for c in line), repr(line)
    return [log_line(line) for line in lines]


def page(target, path="/metrics"):
    """Of an HTTP/1.1 listener: status, content type, text."""
    host, port = target.removeprefix("http:").rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.getheader("content-type"), reply.read().decode()
    finally:
        connection.close()


SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? '
                    r"([+-]?(?:Inf|[0-9.]+(?:e[+-]?[0-9]+)?)|NaN)")


def strict(text):
    """The grammar of version 0.0.4, line by line; each family once, with its HELP and TYPE before its samples."""
    assert text.endswith("\n") and "\r" not in text
    declared, current, seen = {}, None, set()
    helped = None
    for line in text.split("\n")[:-1]:
        if line.startswith("# HELP "):
            helped = line.split(" ", 3)[2]
            assert helped not in declared and len(line.split(" ", 3)) == 4, line
        elif line.startswith("# TYPE "):
            _, _, current, kind = line.split(" ")
            assert current == helped and current not in declared and kind in ("counter", "gauge", "histogram"), line
            declared[current] = kind
        else:
            found = SAMPLE.fullmatch(line)
            assert found, f"not a sample: {line!r}"
            name, labels, _ = found.groups()
            family = re.sub("_(bucket|sum|count)$", "", name) if declared[current] == "histogram" else name
            assert family == current, f"{line!r} stands under {current}"
            assert declared[current] != "counter" or name.endswith("_total"), line
            assert (name, labels) not in seen, f"twice: {line!r}"
            seen.add((name, labels))
    return declared


def metrics(text):
    """{(name, labels as a frozenset of pairs): value}, after a strict look at the text."""
    declared = strict(text)
    samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples[sample.name, frozenset(sample.labels.items())] = sample.value
    for (name, labels), count in samples.items():
        if name.endswith("_count") and declared.get(name[:-6]) == "histogram":
            buckets = sorted((float(dict(at)["le"]), value) for (other, at), value in samples.items()
                             if other == name[:-6] + "_bucket" and labels == frozenset(p for p in at if p[0] != "le"))
            assert [v for _, v in buckets] == sorted(v for _, v in buckets), f"{name}{labels} is not cumulative"
            assert buckets and buckets[-1] == (float("inf"), count), f"{name}{labels}"
    return samples


def sample(samples, name, **labels):
    return samples.get((name, frozenset(labels.items())))
