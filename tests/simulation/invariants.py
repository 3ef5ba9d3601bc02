"""What must hold of every snapshot, each as a function that tells what contradicts it.

`@invariant` ones need the records only and are looked at every month; `@at_the_end` ones need
the ledger's entries, the history or what people see. A finding is (record's name, text)."""
import collections
import re

from kinds import CHANGE, EXTENSION, FORMAL_USE, RECLAIM
from snapshot import DAY, day_of, day_start, kind_of

MONTHLY, AT_THE_END = [], []


def invariant(function):
    MONTHLY.append(function)
    return function


def at_the_end(function):
    AT_THE_END.append(function)
    return function


def examine(s):
    """Every finding as (invariant, record, text)."""
    found = []
    for function in MONTHLY + (AT_THE_END if s.full else []):
        found += [(function.__name__, name, text) for name, text in function(s)]
    return found


# ---- the ledger -----------------------------------------------------------------------------


def figure(thing, dimension):
    """Of an item or a resource: quantity times what one piece has."""
    if dimension == "quantity":
        return thing.quantity
    spec = dict(thing.spec)
    return thing.quantity * int(spec[dimension]) if spec.get(dimension, "").isdigit() else 0


@invariant
def committed_is_what_resources_hold(s):
    held = collections.Counter()
    for r in s.resources.values():
        if r.state == "reclaimed":
            continue
        name = f"quotas/{r.department}/{r.service}"
        if name not in s.quotas:
            yield r.name, f"has no {name}"
            continue
        for d in s.quotas[name].dimensions:
            held[name, d.name] += figure(r, d.name)
    for name, quota in s.quotas.items():
        for d in quota.dimensions:
            if d.committed != held[name, d.name]:
                yield name, f"{d.name}: {d.committed} committed, resources hold {held[name, d.name]}"


def holds_a_reservation(s, a):
    """Handed in, and neither at its end nor has it got what it asked for."""
    return bool(a.HasField("submit_time") and not s.processes.final(a) and not a.resources and a.state not in ("changed", "reclaimed"))


def held_by(s, a):
    """The resources that the case changes, returns or takes over."""
    names = {f"resources/{i.takes_over}" for i in a.items if i.takes_over}
    if a.resource and a.kind in (CHANGE, RECLAIM):
        names.add(f"resources/{a.resource}")
    return [s.resources[n] for n in sorted(names) if n in s.resources]


@invariant
def reserved_is_what_open_cases_hold(s):
    reserved = collections.Counter()
    for a in s.applications.values():
        if not holds_a_reservation(s, a):
            continue
        growth = collections.Counter()
        for sign, things in ((1, a.items), (-1, held_by(s, a))):
            for thing in things:
                name = f"quotas/{a.department}/{thing.service}"
                for d in s.quotas[name].dimensions if name in s.quotas else ():
                    growth[name, d.name] += sign * figure(thing, d.name)
        reserved.update({key: n for key, n in growth.items() if n > 0})
    for name, quota in s.quotas.items():
        for d in quota.dimensions:
            if d.reserved != reserved[name, d.name]:
                yield name, f"{d.name}: {d.reserved} reserved, open cases ask for {reserved[name, d.name]}"


@at_the_end
def entries_add_up_to_the_balance(s):
    """With the limits that the quota was made with, of which there is no entry."""
    for name, quota in s.quotas.items():
        sums = collections.Counter()
        for entry in s.entries[name]:
            for a in entry.amounts:
                sums[a.dimension, "reserved"] += a.reserved
                sums[a.dimension, "committed"] += a.committed
                sums[a.dimension, "limit"] += a.limit
        for d in quota.dimensions:
            first = s.province.limits.get((name, d.name))
            sums[d.name, "limit"] += d.limit if first is None else first
            for field in ("reserved", "committed", "limit"):
                if sums[d.name, field] != getattr(d, field):
                    yield name, f"{d.name}: {field} is {getattr(d, field)}, its entries add up to {sums[d.name, field]}"


@at_the_end
def no_reservation_goes_beyond_the_limit_of_its_day(s):
    for name in s.quotas:
        limit = collections.Counter({d: n for (quota, d), n in s.province.limits.items() if quota == name})
        used = collections.Counter()
        for entry in s.entries[name] if limit else ():
            for a in entry.amounts:
                limit[a.dimension] += a.limit
                used[a.dimension] += a.reserved + a.committed
                if entry.movement == "reserve" and a.reserved > 0 and used[a.dimension] > limit[a.dimension]:
                    yield entry.name, f"{a.dimension}: {used[a.dimension]} in use after it, the limit is {limit[a.dimension]}"


# ---- clocks -----------------------------------------------------------------------------------


def running(a):
    return [c for c in getattr(a, "clocks", ()) if not c.HasField("stop_time")]


@invariant
def final_cases_have_no_running_clock(s):
    for a in s.cases():
        if s.processes.final(a):
            yield from ((a.name, f"{a.state}, but {c.term} runs") for c in running(a))


@invariant
def clocks_end_on_the_day_that_the_calendar_gives(s):
    for a in s.applications.values():
        for c in a.clocks:
            if c.provisional and c.HasField("stop_time"):
                continue  # was counted before its year was known, and nothing depends on it any more
            if c.before:
                other = [o for o in a.clocks if o.term == c.before]
                wanted = {s.deadline(o.due_date, before=c.working_days).date for o in other}
            else:
                unit = "months" if c.months else "hours" if c.hours else "working_days"
                wanted = {s.deadline(day_of(c.start_time), **{unit: getattr(c, unit)}).date}
                if c.due_time.seconds != day_start(c.due_date) + DAY:
                    yield a.name, f"{c.term}: due on {c.due_date}, but at {c.due_time.seconds}"
            if c.due_date not in wanted:
                yield a.name, f"{c.term} is due on {c.due_date}, the calendar says {sorted(wanted)}"


@invariant
def passed_clocks_are_marked_or_have_moved_their_case(s):
    for a in s.cases():
        for c in running(a):
            if c.due_time.seconds > s.now:
                continue
            if s.processes.then(a, c):
                yield a.name, f"{c.term} passed on {c.due_date}, and {s.processes.then(a, c)} did not happen"
            elif not c.overdue:
                yield a.name, f"{c.term} passed on {c.due_date} and is not overdue"


@invariant
def nothing_is_used_beyond_its_term(s):
    """The day is the same in the resource, its case and the case's clock."""
    for r in s.resources.values():
        a = s.applications.get(r.application)
        if r.kind == FORMAL_USE or r.state == "reclaimed" or not a:
            if r.kind == FORMAL_USE and r.end_date:
                yield r.name, f"is in regular service and would end on {r.end_date}"
            continue
        if r.state == "active" and day_start(r.end_date) + DAY <= s.now:
            yield r.name, f"is active, its term ended on {r.end_date}"
        if (r.end_date, r.last_extension_date) != (a.end_date, a.last_extension_date):
            yield r.name, f"ends on {r.end_date} (extension by {r.last_extension_date}), {a.name} on {a.end_date} ({a.last_extension_date})"
        yield from ((r.name, f"ends on {r.end_date}, its clock on {c.due_date}") for c in running(a)
                    if c.term == "term" and c.due_date != r.end_date)


@at_the_end
def terms_are_as_long_as_the_rules_said_at_submission(s):
    for a in s.applications.values():
        for c in a.clocks:
            term = s.processes.terms[a.kind, c.term]
            if term.unit != "working_days" or a.rules_version == 0:
                continue
            wanted = s.parameter(a.node, term.parameter, a.rules_version)
            if str(c.working_days) != wanted:
                yield a.name, f"{c.term} has {c.working_days} working days, {term.parameter} was {wanted} (version {a.rules_version})"


FIRED = re.compile(r"([a-z_-]+): (?:.*?(\d{4}-\d\d-\d\d))?")


def firings(s):
    """Events by which a clock was seen to have passed: (event, case, term, instant at which it could be seen)."""
    for e in s.events:
        found = FIRED.match(e.comment) if e.kind == "clock" else None
        a = s.applications.get(e.name)
        if not found or not a or (a.kind, found[1]) not in s.processes.terms:
            continue
        clocks = [c for c in a.clocks if c.term == found[1]]
        clock = next((c for c in clocks if c.due_date == found[2]), clocks[0] if len(clocks) == 1 else None)
        # Of a clock that was computed again only the event knows when it was due.
        due = day_start(found[2]) + DAY if found[2] else None
        if clock:
            due, start = clock.due_time.seconds, clock.start_time.seconds
            if due < start <= e.time.seconds:
                due = start  # it began when its instant had passed already, and was seen at once
        yield e, a, found[1], due


def recomputed(s):
    """(case, term) whose clock a calendar moved: {…: how often}."""
    return collections.Counter((e.name, e.comment.partition(":")[0]) for e in s.events if e.action == "recompute")


@at_the_end
def no_clock_fires_twice(s):
    again = recomputed(s)
    counts = collections.Counter((a.name, term) for _, a, term, _ in firings(s))
    for (name, term), n in counts.items():
        clocks = [c for c in s.applications[name].clocks if c.term == term]
        if n > len(clocks) + again[name, term]:
            yield name, f"{term} fired {n} times, it has {len(clocks)} clocks"
    for cloud in s.registers["legacy-clouds"].values():
        n = sum(e.kind == "clock" for e in s.events if e.name == cloud.name)
        if n > 1:
            yield cloud.name, f"its end came {n} times"


@at_the_end
def clocks_fire_after_their_instants_and_in_their_order(s):
    again, latest = recomputed(s), 0
    for e, a, term, due in firings(s):
        if due is None:
            continue
        if due > e.time.seconds:
            yield e.name, f"{term} was due at {due}, its event {e.revision} is older"
        if due < latest and (a.name, term) not in again:
            yield e.name, f"{term} was due at {due}; event {e.revision} comes after those of later clocks"
        latest = max(latest, due)


# ---- links ------------------------------------------------------------------------------------


@invariant
def resources_and_the_cases_that_brought_them_name_each_other(s):
    for r in s.resources.values():
        a = s.applications.get(r.application)
        if not a or r.name not in a.resources:
            yield r.name, f"came of {r.application or 'nothing'}, which does not name it"
    for a in s.applications.values():
        for name in a.resources:
            if name not in s.resources or s.resources[name].department != a.department:
                yield a.name, f"names {name}, which is not its department's"
        brought = {i.resource for i in a.items if i.resource}
        if a.resources and brought != set(a.resources):
            yield a.name, f"its items brought {sorted(brought)}, it names {sorted(a.resources)}"


@invariant
def held_resources_and_the_cases_that_hold_them_name_each_other(s):
    for r in s.resources.values():
        a = s.applications.get(r.open_case)
        if r.open_case and (not a or s.processes.final(a) or r not in held_by(s, a)):
            yield r.name, f"is held by {r.open_case} ({a.state if a else 'unknown'}), which does not hold it"
        x = s.applications.get(r.open_extension)
        if r.open_extension and (not x or s.processes.final(x) or f"resources/{x.resource}" != r.name):
            yield r.name, f"is extended by {r.open_extension}, which is not about it or has ended"
    for a in s.applications.values():
        if not holds_a_reservation(s, a):
            continue
        yield from ((a.name, f"{a.state}, but {r.name} is held by {r.open_case or 'nothing'}")
                    for r in held_by(s, a) if r.open_case != a.name)
        if a.kind == EXTENSION and s.resources[f"resources/{a.resource}"].open_extension != a.name:
            yield a.name, f"{a.state}, but resources/{a.resource} does not know it"


@invariant
def forecasts_and_the_applications_that_rely_on_them_name_each_other(s):
    forecasts = s.registers["forecasts"]
    for a in s.applications.values():
        name = f"forecasts/{a.department}/{a.forecast}"
        if a.forecast and a.HasField("submit_time") and (name not in forecasts or a.name not in forecasts[name].applications):
            yield a.name, f"relies on {name}, which does not name it"
    for f in forecasts.values():
        yield from ((f.name, f"names {name}, which does not rely on it") for name in f.applications
                    if name not in s.applications or s.applications[name].forecast != str(f.year))


@invariant
def linked_cases_name_each_other(s):
    for a in s.applications.values():
        yield from ((a.name, f"links {other}, whose origin it is not") for other in a.linked
                    if other not in s.applications or s.applications[other].origin != a.name)
        if a.origin and (a.origin not in s.applications or a.name not in s.applications[a.origin].linked):
            yield a.name, f"came from {a.origin}, which does not link it"


# ---- nobody waits for nobody ---------------------------------------------------------------------

STANDING = {("exchanges", "approved")}  # holds until its last day, and nobody need do anything


def a_case_about_it_is_open(s, a):
    """It waits for others that hold what it brought, of which the same is asked: take-overs, extensions, returns."""
    held = [name for n in a.resources if n in s.resources for name in (s.resources[n].open_case, s.resources[n].open_extension)]
    return any(name in s.applications and not s.processes.final(s.applications[name]) for name in held)


@at_the_end
def somebody_can_move_every_open_case(s):
    for r in s.cases():
        if not s.province_has(r) or s.processes.final(r) or (kind_of(r), r.state) in STANDING:
            continue
        if any(s.processes.then(r, c) for c in running(r)):
            continue
        who, actions = s.possible.get(r.name, ("", ()))
        waits = r.name in s.applications and a_case_about_it_is_open(s, r)
        if not waits and (not who or not actions):
            yield r.name, f"{r.state}: {who or 'nobody'} must act and can do {sorted(actions) or 'nothing'}"


# ---- history --------------------------------------------------------------------------------------


@at_the_end
def events_have_no_gap(s):
    revisions = [e.revision for e in s.events]
    if revisions != list(range(1, s.head + 1)):
        missing = sorted(set(range(1, s.head + 1)) - set(revisions))[:5]
        yield "audit", f"{len(revisions)} events of {s.head}; missing: {missing}"


def histories(s):
    made = collections.defaultdict(list)
    for e in s.events:
        if e.to_state:
            made[e.name].append(e)
    return made


@at_the_end
def history_leads_to_the_present_state(s):
    made = histories(s)
    for r in s.records():
        state = ""
        for e in made.get(r.name, ()):
            if e.from_state != state:
                yield r.name, f"event {e.revision} ({e.action}) goes from {e.from_state or 'nothing'}, it was {state or 'nothing'}"
            state = e.to_state
        if state != r.state:
            yield r.name, f"is {r.state}, its history ends at {state or 'nothing'}"


STILL = {"overdue", "warn", "recompute", "update", "rely"}  # events that leave the state as it is


@at_the_end
def every_step_is_a_row_of_its_process_and_taken_by_its_role(s):
    cases = {r.name: r for r in s.cases()}
    for name, events in histories(s).items():
        a = cases.get(name)
        for e in events if a else ():
            if not e.from_state or (e.from_state == e.to_state and e.action in STILL):
                continue
            rows = [r for r in s.processes.rows(a, e.action, e.from_state) if r.to == e.to_state]
            person = s.province.people.get((e.on_behalf_of or e.actor).partition("/")[2])
            role = "" if e.kind in ("clock", "update") else person.role if person else "unknown"
            if not rows:
                yield name, f"event {e.revision}: {e.from_state} {e.action} {e.to_state} is no row"
            elif not role and getattr(a, "origin", "") and e.from_state == "draft":
                continue  # what another case brings about is handed in by the system (a term that has ended)
            elif not any(role in r.roles if role else not r.roles for r in rows):
                yield name, f"event {e.revision}: {e.action} by {role or 'the system'}, it is for {[list(r.roles) for r in rows]}"


@at_the_end
def each_request_made_one_case(s):
    counts = collections.Counter(a.purpose for a in s.applications.values() if a.purpose and not a.origin)
    yield from ((purpose, f"{n} cases") for purpose, n in counts.items() if n > 1)


# ---- who sees what -----------------------------------------------------------------------------------


@at_the_end
def nobody_sees_what_is_not_theirs_and_everybody_what_is(s):
    for slug, views in s.views.items():
        person = s.province.people[slug]
        field, own = ("department", person.department) if person.role == "du" else ("node", person.node)
        for collection, records in views.items():
            if person.role != "du" and person.node == "core":
                continue  # the province sees everything
            if collection == "events":
                records = [s.applications[e.name] for e in records if e.name in s.applications]
            foreign = [r.name for r in records if getattr(r, field) != own]
            if foreign:
                yield slug, f"sees {len(foreign)} of others in {collection}, e.g. {foreign[0]}"
            everything = s.registers.get(collection) or getattr(s, "applications" if collection == "events" else collection, None)
            if isinstance(everything, dict):
                missed = {n for n, r in everything.items() if getattr(r, field) == own} - {r.name for r in records}
                if missed:
                    yield slug, f"does not see its own {min(missed)}"
