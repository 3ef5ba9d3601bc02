"""Medians over the rounds as a table, and the ratios beside the goals."""
import statistics

from common import BARE, CXX, HTTP2, LMDB, SSHFS, TMPFS, ZWYD, ZWYFS, Line
from mount_lines import COMMIT, EACH, LIST, LONG_LIST, READ, SAME

COLUMNS = (("per second", "rate", 0), ("p50 us", "p50_us", 1), ("p90", "p90_us", 1), ("p99", "p99_us", 1), ("p99.9", "p999_us", 1),
           ("CPU us", "cpu_us", 2), ("busy", "busy", 2), ("client us", "client_us", 2), ("busy", "client_busy", 2))


def medians(samples):
    return {line: {key: statistics.median(r[key] for r in results) for key in set.intersection(*map(set, results))}
            for line, results in samples.items()}


def extra(values):
    """What only some lines have."""
    if "event_rate" in values:
        return f"  {values['event_rate']:.0f} events/s, {values['event_cpu_us']:.2f} us each"
    if "entries" in values:
        first = f", the first after {values['first_us']:.1f} us" if "first_us" in values else ""
        return f"  {values['entries']:.0f} entries, {each(values):.2f} us each{first}"
    if "changes" in values:
        return f"  {values['stale_reads']:.0f} stale reads of {values['changes']:.0f} changes"
    return ""


def each(values):
    return values["p50_us"] / values["entries"]


def table(lines):
    group = ""
    for line, values in lines.items():
        if "rate" not in values:
            continue
        if line.group != group:
            group = line.group
            print(f"-- {group:<52}" + "".join(f"{title:>10}" for title, _, _ in COLUMNS))
        where = f"{line.over} {line.n}".strip()
        cells = "".join(f"{values[key]:>10.{digits}f}" if key in values else f"{'':>10}" for _, key, digits in COLUMNS)
        print(f"{line.what:<31} {where:<9} {line.who:<13}{cells}{extra(values)}")


def memory(lines):
    found = [(line, values) for line, values in lines.items() if line.group == "memory"]
    if found:
        print(f"-- memory, private KiB{'':<33}{'at rest':>10}{'fresh':>10}{'idle':>10}  (each connection)")
    for line, values in found:
        print(f"{line.n} connections{'':<13} {line.over:<9} {line.who:<13}{values['rest']:>10.0f}{values['fresh']:>10.1f}"
              f"{values['idle']:>10.1f}")
    found = [(line, values) for line, values in lines.items() if line.group == "mount memory"]
    if found:
        print(f"-- memory after the crowd's lines, KiB{'':<18}{'before':>10}{'after':>10}{'grown':>10}")
    for line, values in found:
        print(f"{line.what:<55}{values['before']:>10.0f}{values['after']:>10.0f}{values['after'] - values['before']:>10.0f}")


class Goals:
    """What perf.md of the design asks for, where both sides of a ratio were measured."""

    def __init__(self, lines):
        self.lines = lines
        self.rows = []

    def value(self, key, *line):
        return self.lines.get(Line(*line), {}).get(key)

    def row(self, text, goal, above, below, most=True):
        """above / below shall be at most, or at least, the goal."""
        if above is None or not below:
            return
        ratio = above / below
        good = ratio <= goal if most else ratio >= goal
        self.rows.append((text, f"{'<=' if most else '>='} {goal:g}", f"{ratio:.2f}", "reached" if good else "missed"))

    def collect(self):
        get = self.value("cpu_us", "read", "get", "", "", LMDB)
        for n in (1, 10, 100):
            floor = self.value("cpu_us", "read", "the same bytes", "unix", n, HTTP2)
            self.row(f"read, CPU: zwyd / (HTTP/2 + LMDB get), unix {n}", 1.25,
                     self.value("cpu_us", "read", "GetApplication", "unix", n, ZWYD), floor and floor + get)
        for over in ("unix", "tcp", "tls"):
            self.pair("read, CPU", 0.2, "cpu_us", "read", "GetApplication", over, 100)
            self.pair("read, calls per second", 4, "rate", "read", "GetApplication", over, 100, most=False)
        for what in sorted({line.what for line in self.lines if line.group == "list"}):
            for n in (1, 10):
                self.pair("list, CPU", 1.5, "cpu_us", "list", what, "unix", n)
        for n in (1, 10, 100):
            below = ("write", "the same puts, one commit", "", n, LMDB)
            this = ("write", "CreateApplication", "unix", n, ZWYD)
            if n == 1:
                self.row("create, p50: zwyd / LMDB, 1", 1.5, self.value("p50_us", *this), self.value("p50_us", *below))
            self.row(f"create, per second: zwyd / LMDB, {n}", 0.7, self.value("rate", *this), self.value("rate", *below), most=False)
            self.pair("create, per second", 1, "rate", "write", "CreateApplication", "unix", n, most=False)
        for what in sorted({line.what for line in self.lines if line.group == "watch"}, key=lambda w: int(w.split()[2])):
            self.pair(what + ", CPU", 0.5, "event_cpu_us", "watch", what, "unix", 1)
        for line, values in self.lines.items():
            if line.group == "memory" and line.who == ZWYD:
                self.row(f"memory at rest, MiB ({line.over})", 12, values["rest"], 1024)
                self.row(f"memory of an idle connection, KiB ({line.over})", 20, values["idle"], 1)

        self.collect_files()

    def collect_files(self):
        """Of files, the median of each."""
        for what in (READ, SAME, EACH):
            this = self.file(what, ZWYFS)
            self.row(f"{what}, cached: zwyfs / bare", 1.3, this, self.file(what, BARE))
        self.row(f"{READ}, cached: sshfs / zwyfs", 8, self.file(READ, SSHFS), self.file(READ, ZWYFS), most=False)
        for text, what, how, goal, call in (("uncached: zwyfs / (bare + unary call)", EACH, "uncached", 2, "GetApplication"),
                                            ("zwyfs / (bare + durable unary call)", COMMIT, "cached", 1.5, "CreateApplication")):
            unary, floor = self.value("p50_us", "mount", call, "unix", 1, ZWYD), self.file(what, BARE, how)
            self.row(f"{what}, {text}", goal, self.file(what, ZWYFS, how), floor and unary and floor + unary)
        sides = [self.lines.get(Line("mount", what, "cached", "", who)) for what, who in
                 ((LONG_LIST, ZWYFS), (LONG_LIST, TMPFS), (LIST, BARE))]
        if all(sides):
            this, tmpfs, listing = map(each, sides)
            self.row(f"{LONG_LIST}, an entry: (zwyfs - bare readdir) / tmpfs", 3, this - listing, tmpfs)

    def file(self, what, who, how="cached"):
        return self.value("p50_us", "mount", what, how, "", who)

    def pair(self, text, goal, key, group, what, over, n, most=True):
        self.row(f"{text}: zwyd / gRPC C++, {over} {n}", goal, self.value(key, group, what, over, n, ZWYD),
                 self.value(key, group, what, over, n, CXX), most)

    def print(self):
        self.collect()
        if self.rows:
            print(f"-- {'goals':<62}{'goal':>10}{'here':>10}")
        for text, goal, ratio, verdict in self.rows:
            print(f"{text:<65}{goal:>10}{ratio:>10}  {verdict}")
