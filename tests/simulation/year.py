#!/usr/bin/python3
"""A year of a province: departments, operators and authorities at a real server whose clock runs fast.

    year.py [--seed N] [--cases N] [--days N] [--start DATE] [--quick]

Prints a line for each month, and at the end what became of the cases. Ends with 1, and says how to
repeat it, where the server did what it should not have done or a record contradicts another."""
import argparse
import collections
import pathlib
import random
import sys
import time
import traceback

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1] / "harness")]
# pylint: disable=wrong-import-position
from zwytest import Refused, Server, eventually, message, message_class, zwy_check  # noqa: E402
from calls import Calls  # noqa: E402
from incidents import Incidents  # noqa: E402
from invariants import examine  # noqa: E402
from kinds import KINDS  # noqa: E402
from players import Contradiction, Players  # noqa: E402
from snapshot import REGISTERS, Processes, Snapshot, by_name  # noqa: E402
from world import Province  # noqa: E402

START = "2026-02-24"  # the first working day after the spring festival
QUICK, NORMAL, LONG = 250, 600, 6000  # cases
DAYS = 250
MORNING, EVENING = "09:30:00", "20:15:00"


class Year:
    def __init__(self, seed, cases, days=DAYS, start=START, out=print):
        self.seed, self.cases, self.days, self.start, self.out = seed, cases, days, start, out
        self.day, self.time = start, MORNING
        self.counts = collections.Counter()  # of the month
        self.totals = collections.Counter()
        self.reasons = collections.Counter()
        self.resources = {}
        self.exchanges, self.forecasts = {}, {}
        self.snapshot = None

    # ---- what players ask -----------------------------------------------------------------------

    def count(self, what, reason=None):
        self.counts[what] += 1
        self.totals[what] += 1
        if reason:
            self.reasons[f"{what}: {reason}"] += 1

    def plays(self, kind):
        return kind in self.processes.names

    def free_resource(self, department, r, uses):
        """One of the department's that no case holds; None if there is none."""
        free = [x for x in self.resources.values() if x.department == department.slug and x.kind in uses
                and x.state == "active" and not x.open_case and not x.open_extension]
        return r.choice(free) if free else None

    def resource(self, name):
        if name not in self.resources:
            self.resources[name] = self.calls.one("GetResource", "core-ca", name=name)
        return self.resources[name]

    def exchange_of(self, system):
        return next((e.name for e in self.exchanges.values() if e.from_system == system and e.state == "approved"
                     and e.valid_until >= self.day), None)

    def forecast_of(self, department):
        """The year of one on which an application of this year can rely; empty: there is none."""
        year = self.day[:4]
        found = self.forecasts.get(f"forecasts/{department.slug}/{year}")
        return year if found and found.state in ("opinion_support", "opinion_adjust", "consumed") else ""

    def roles_of(self, record):
        return self.processes.state(record).roles or ("du", "ca")

    def values_of(self, record, action):
        """The values of the form that the rows of an action name: {"result": {"pass", …}}."""
        values = collections.defaultdict(set)
        for row in self.processes.rows(record, action):
            key, equals, value = row.when.partition("=")
            if equals:
                values[key].add(value)
        return values

    def targets(self, record, action, values):
        rows = self.processes.rows(record, action)
        found = {row.to for row in rows if "=" not in row.when or values.get(row.when.partition("=")[0]) == row.when.partition("=")[2]}
        # What the system does in the same command.
        return {next((row.to for row in self.processes.rows(record, "apply", to) if not row.roles), to) for to in found}

    def handing_in(self, record, action):
        """What a submission of this kind may be refused for."""
        kind = next((k for k in KINDS.values() if k.number == getattr(record, "kind", 0)), None)
        return kind.refusals if kind and action in ("submit", "resubmit", "revise") else set()

    # ---- the clock -------------------------------------------------------------------------------------

    @property
    def now(self):
        return f"{self.day}T{self.time}+08:00"

    @property
    def seconds(self):
        stamp = message_class("google.protobuf.Timestamp")()
        stamp.FromJsonString(self.now)
        return stamp.seconds

    def open_records(self):
        self.open = self.calls.list("ListApplications", "core-ca", filter="open=true")
        registers = [r for kind in REGISTERS.values() for r in self.calls.list(f"List{kind}s", "core-ca")]
        self.exchanges = by_name(r for r in registers if r.DESCRIPTOR.name == "Exchange")
        self.forecasts = by_name(r for r in registers if r.DESCRIPTOR.name == "Forecast")
        self.alive = [r for r in registers if not self.processes.final(r) and self.province.departments.get(r.department)]
        return self.open + self.alive

    def _waiting(self):
        """A clock that has passed and is not carried out yet; None: all are."""
        now = self.seconds
        for r in self.open_records():
            for c in getattr(r, "clocks", ()):
                if not c.HasField("stop_time") and not c.overdue and c.due_time.seconds <= now:
                    return r.name, c.term
        return None

    def settled_head(self):
        """The last event, once the clocks that have passed are carried out."""
        eventually(lambda: not self._waiting(), f"the clocks that have passed by {self.now}", timeout=120)
        return self.calls.head()

    def set_clock(self, day, at):
        self.day, self.time = day, at
        self.server.set_clock(self.now, self.calls.client)
        self.settled_head()

    def next_working_day(self, day):
        return self.calls.one("ComputeDeadline", "core-ca", **{"from": day}, working_days=1).date

    # ---- the course of the year ----------------------------------------------------------------------------

    def begin(self):
        settings = {"clock_file_interval": 1}
        self.server = Server(clock=self.now, settings=settings, start=False)
        self.server.start()
        self.calls = Calls(self.server)
        self.processes = Processes(self.calls.one("ListProcesses", "core-ca").items)
        self.province = Province(self.seed, self.cases)
        self.province.make(self.calls)
        self.players = Players(self)
        self.incidents = Incidents(self)

    def new_cases(self, number):
        """Of one day: their share, more before the holidays end."""
        r = random.Random(f"{self.seed}/{number}/new")
        share = self.cases / self.days * r.choice((.4, .8, 1, 1, 1.2, 1.6))
        return int(share) + (r.random() < share % 1)

    def play_day(self, number):
        r = random.Random(f"{self.seed}/{number}/day")
        self.set_clock(self.day, MORNING)
        if number % 5 == 0 or len(self.resources) < 500:
            self.resources = by_name(self.calls.list("ListResources", "core-ca"))
        self.incidents.of(number)
        self.players.file(self.new_cases(number))
        self.players.act(self.open_records())
        if r.random() < .3:
            self.set_clock(self.day, EVENING)
            self.players.act(self.open)
        self.open_records()
        here = [a for a in self.open if a.department in self.province.departments]
        if r.random() < .4:
            self.players.misbehave(here, 3 + self.cases // 500)
        if r.random() < .25:
            self.players.race(here)
        if r.random() < .06:
            self.players.race_for_the_last_unit()

    def play(self):
        self.begin()
        for number in range(self.days):
            before = self.day
            self.play_day(number)
            self.day = self.next_working_day(max(self.day, before))
            if self.day[:7] != before[:7] or number == self.days - 1:
                self.month_ends(before[:7])
        self.look(full=True)
        return self

    def look(self, full):
        self.snapshot = Snapshot(self.calls, self.seconds, self.processes, self.province, full)
        findings = examine(self.snapshot)
        if findings:
            text = "\n".join(f"{function}: {name}: {text}" for function, name, text in findings[:20])
            raise Contradiction(findings[0][1], f"{len(findings)} findings\n{text}")

    def month_ends(self, month):
        self.set_clock(self.day, "00:00:01")
        self.look(full=False)
        late = sum(any(c.overdue for c in a.clocks) for a in self.snapshot.applications.values())
        ended = sum(self.processes.final(a) for a in self.snapshot.applications.values())
        c = self.counts
        self.out(f"{month}: {c['begun']:4} begun, {ended - self.totals['ended']:4} ended, {late - self.totals['late']:4} late, "
                 f"{c['refused']:3} refused, {c['forbidden']:3} forbidden, {c['acts']:5} acts, "
                 f"{len(self.snapshot.applications) - ended:4} open")
        self.totals["ended"], self.totals["late"] = ended, late
        self.counts.clear()

    def end(self):
        """Stops the server and has its store checked."""
        status = self.server.stop()
        assert status == 0, f"zwyd ended with {status}: {self.server.log_text()}"
        ran = zwy_check(self.server.data)
        assert ran.status == 0, f"zwy check: {ran.out}{ran.err}"
        self.out(f"zwy check: {ran.out.strip().splitlines()[-1]}")

    def close(self):
        if getattr(self, "server", None):
            self.server.kill()
            self.server.close(check=False)

    # ---- what is told ----------------------------------------------------------------------------------------

    def outcomes(self):
        """Of each kind: how many, by state."""
        found = collections.defaultdict(collections.Counter)
        for a in self.snapshot.applications.values():
            found[a.DESCRIPTOR.fields_by_name["kind"].enum_type.values_by_number[a.kind].name.partition("KIND_")[2].lower()][a.state] += 1
        for collection, records in self.snapshot.registers.items():
            found[collection].update(r.state for r in records.values())
        return found

    def report(self):
        for kind, states in sorted(self.outcomes().items()):
            self.out(f"{kind}: {sum(states.values())} ({', '.join(f'{n} {state}' for state, n in states.most_common())})")
        self.out("refused: " + ", ".join(f"{n} {reason}" for reason, n in self.reasons.most_common()))
        t = self.totals
        self.out(f"{self.calls.counts['calls']} calls, {t['acts']} acts, {t['races']} races, {t['retried']} requests sent again, "
                 f"{t['stops']} stops, {t['kills']} kills; {len(self.snapshot.resources)} resources, {self.snapshot.head} events")

    def repeat(self):
        return f"tests/simulation/year.py --seed {self.seed} --cases {self.cases} --days {self.days} --start {self.start}"

    def tell(self, error):
        """The seed, the case and its history: what is needed to look for the cause."""
        self.out(f"failed on {self.day} {self.time}; repeat it: {self.repeat()}")
        name = getattr(error, "case", "")
        try:
            for e in self.calls.list("ListEvents", "core-ca", parent=name) if name.count("/") == 1 else ():
                self.out(f"  {e.revision} {e.time.ToJsonString()} {e.kind} {e.action} {e.from_state}->{e.to_state} "
                         f"{e.on_behalf_of or e.actor} {e.comment}")
        except Exception as other:  # pylint: disable=broad-except
            self.out(f"  (its history cannot be read: {other})")


def run(seed, cases, days=DAYS, start=START, out=print):
    """Plays it to its end; the Year, whose snapshot is the last one. The caller closes it."""
    out(f"seed {seed}, {cases} cases, {days} days from {start}")
    year = Year(seed, cases, days, start, out)
    try:
        year.play()
        year.report()
        year.end()
    except Exception as error:
        year.tell(error)
        year.close()
        raise
    return year


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--cases", type=int, default=NORMAL)
    parser.add_argument("--days", type=int, default=DAYS, help="working days")
    parser.add_argument("--start", default=START)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} cases")
    given = parser.parse_args()
    begin = time.monotonic()
    try:
        run(given.seed, QUICK if given.quick else given.cases, given.days, given.start, lambda text: print(text, flush=True)).close()
    except Exception:  # pylint: disable=broad-except
        traceback.print_exc()
        return 1
    print(f"{time.monotonic() - begin:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
