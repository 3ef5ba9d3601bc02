"""All that the server says of itself at one moment, as plain dictionaries of its records."""
import collections
import copy
import datetime

from zwytest import message

CHINA = datetime.timezone(datetime.timedelta(hours=8))
READERS = ("core-ca", "demo")  # who together may read every event
REGISTERS = {"exemptions": "Exemption", "legacy-clouds": "LegacyCloud", "exchanges": "Exchange", "forecasts": "Forecast"}
VIEWED = {"applications": "ListApplications", "resources": "ListResources", "quotas": "ListQuotas", "systems": "ListSystems",
          "exemptions": "ListExemptions", "legacy-clouds": "ListLegacyClouds", "exchanges": "ListExchanges", "forecasts": "ListForecasts",
          "ledger": "ListLedgerEntries", "events": "ListEvents"}
DAY = 86400


def day_of(stamp):
    return datetime.datetime.fromtimestamp(stamp.seconds, CHINA).date().isoformat()


def day_start(date):
    return int(datetime.datetime.fromisoformat(date).replace(tzinfo=CHINA).timestamp())


def by_name(records):
    return {r.name: r for r in records}


def kind_of(record):
    """The number of an application's kind, else the collection: what processes are known by here."""
    return record.kind if record.DESCRIPTOR.name == "Application" else record.name.partition("/")[0]


class Processes:
    """The rows of each process, of applications and of registers."""

    def __init__(self, items):
        self.names = {p.name for p in items if p.kind}
        self.states = {(p.kind or p.name, s.name): s for p in items for s in p.states}
        self.steps = collections.defaultdict(list)  # (kind, from): rows
        self.terms = {(p.kind or p.name, t.name): t for p in items for t in p.terms}
        self.actions = collections.defaultdict(set)  # kind: those of people
        for p in items:
            for s in p.steps:
                self.steps[p.kind or p.name, getattr(s, "from")].append(s)
                if s.roles:
                    self.actions[p.kind or p.name].add(s.action)

    def state(self, record):
        return self.states[kind_of(record), record.state]

    def final(self, record):
        return self.state(record).final

    def rows(self, record, action, state=None):
        return [s for s in self.steps[kind_of(record), state or record.state] if s.action == action]

    def then(self, record, clock):
        """What the system does when the clock has passed; empty: nothing."""
        return self.terms[kind_of(record), clock.term].then


class Snapshot:
    """`full` has the ledger's entries, the events and what people see as well."""

    def __init__(self, calls, now, processes, province=None, full=False):
        self.calls, self.now, self.processes, self.province, self.full = calls, now, processes, province, full
        self.applications = by_name(calls.list("ListApplications", "core-ca"))
        self.resources = by_name(calls.list("ListResources", "core-ca"))
        self.quotas = by_name(calls.list("ListQuotas", "core-ca"))
        self.registers = {c: by_name(calls.list(f"List{kind}s", "core-ca")) for c, kind in REGISTERS.items()}
        self._deadlines = {}
        if not full:
            return
        self.head = calls.head()
        self.entries = collections.defaultdict(list)  # quota: entries in order
        for entry in calls.list("ListLedgerEntries", "core-ca"):
            self.entries[entry.name.partition("/entries/")[0]].append(entry)
        for entries in self.entries.values():
            entries.sort(key=lambda e: int(e.name.rpartition("/")[2]))
        seen = {e.revision: e for who in READERS for e in calls.list("ListEvents", who)}
        self.events = [seen[r] for r in sorted(seen)]
        self.parameters = self._parameters()
        self.possible = self._possible()
        self.views = self._views()

    def copy(self):
        """One whose records, entries, events and views can be changed."""
        made = copy.copy(self)
        for field in ("applications", "resources", "quotas", "registers", "possible"):
            setattr(made, field, copy.deepcopy(getattr(self, field)))
        made.events, made.entries, made.views = copy.deepcopy((self.events, self.entries, self.views))
        made.province = copy.copy(self.province)
        made.province.limits = dict(self.province.limits)
        return made

    def cases(self):
        """Everything that goes through a process."""
        yield from self.applications.values()
        for records in self.registers.values():
            yield from records.values()

    def records(self):
        """Everything that has a state of its own."""
        yield from self.cases()
        yield from self.resources.values()

    def province_has(self, record):
        """Whether it lies where there are people who play."""
        return record.department in self.province.departments

    # ---- asked once, answered from memory ----------------------------------------------------

    def deadline(self, date, **term):
        key = (date, *term.items())
        if key not in self._deadlines:
            self._deadlines[key] = self.calls.one("ComputeDeadline", "core-ca", **{"from": date}, **term)
        return self._deadlines[key]

    def _parameters(self):
        """(node or "", key): [(version, value)], the oldest first."""
        history = {}
        for p in self.calls.list("ListParameters", "core-ca"):
            history["", p.name.partition("/")[2]] = [(1, p.default_value)] + [(c.version, c.value) for c in p.changes]
        for node in sorted({a.node for a in self.applications.values()}):
            for p in self.calls.list("ListNodeParameters", "core-ca", parent=f"nodes/{node}"):
                history[node, p.name.rpartition("/")[2]] = [(c.version, c.value) for c in p.changes]
        return history

    def parameter(self, node, key, version):
        """What held for cases that were handed in then: the city's own value, else the province's."""
        value = ""
        for place in ("", node):
            values = [v for at, v in self.parameters.get((place, key), ()) if at <= version]
            value = values[-1] if values and values[-1] else value
        return value

    def _possible(self):
        """For each open record what the roles that must act can do: {name: (who, {action, …})}."""
        asked = [(r.name, person.slug) for r in self.cases() if not self.processes.final(r)
                 for role in self.processes.state(r).roles for person in self.province.responsible(role, r.node, r.department)]
        answers = self.calls.must(("Explain", who, message("ExplainRequest", name=name)) for name, who in asked)
        found = {}
        for (name, _), answer in zip(asked, answers):
            who, actions = found.get(name, ("", set()))
            found[name] = (answer.who or who, actions | {n.action for n in answer.next})
        return found

    def _views(self):
        """What a few people get to see: {person: {collection: [records]}}."""
        people = [self.province.bodies[node, "ca"][0] for node in ("core", "suzhou")]
        people += [d.person for d in list(self.province.departments.values())[::5]]
        return {p.slug: {c: self.calls.list(method, p.slug) for c, method in VIEWED.items()} for p in people}
