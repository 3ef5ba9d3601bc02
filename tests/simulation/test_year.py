#!/usr/bin/python3
"""A simulated year ends without contradictions, and each invariant can fail."""
# timeout: 300
# smoke: yes
import functools
import os
import pathlib
import random
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1] / "harness")]
# pylint: disable=wrong-import-position
from zwytest import main  # noqa: E402
import invariants  # noqa: E402
import year as simulation  # noqa: E402

# cases, working days, first day; the calendar of the next year comes in December
SIZES = {"quick": (100, 110, "2026-09-01"), "normal": (simulation.QUICK, simulation.DAYS, simulation.START),
         "long": (simulation.LONG, simulation.DAYS, simulation.START)}


@functools.lru_cache(maxsize=None)
def played():
    """The year, played to its end; its server has stopped."""
    seed = int(os.environ.get("ZWY_SEED") or random.randrange(1 << 30))
    cases, days, start = SIZES[os.environ.get("ZWY_ROUNDS", "normal")]
    made = simulation.run(seed, cases, days, start, lambda text: print("# " + text, flush=True))
    made.close()
    return made


def test_a_simulated_year_leaves_no_contradiction():
    year = played()
    outcomes = year.outcomes()
    wanted = year.processes.names - ({"extension"} if year.cases < simulation.LONG else set())  # which a short year may lack
    assert year.cases < simulation.QUICK or set(outcomes) >= wanted, sorted(outcomes)
    for what in ("begun", "acts", "refused", "forbidden", "races", "retried", "stops", "kills", "recomputed", "late", "ended"):
        assert year.totals[what] > 0, (what, year.totals)
    assert {"closed", "withdrawn", "rejected"} <= set(outcomes["regular"]), outcomes["regular"]


# ---- each invariant catches what it is for ------------------------------------------------


def first(records, condition=lambda r: True):
    return next(r for r in (records.values() if isinstance(records, dict) else records) if condition(r))


def closed_case(s):
    return first(s.applications, lambda a: a.state == "closed" and a.clocks and a.resources)


def open_case(s):
    return first(s.applications, lambda a: not s.processes.final(a) and invariants.running(a)
                 and not s.processes.then(a, invariants.running(a)[0]))


def firing(s):
    return next(e for e, *_ in invariants.firings(s))


def committed(s):
    first(s.resources, lambda r: r.state != "reclaimed").quantity += 1


def given_back_twice(s):
    next(d for q in s.quotas.values() for d in q.dimensions if d.committed).committed -= 1


def still_reserved(s):
    a = closed_case(s)
    s.quotas[f"quotas/{a.department}/{a.items[0].service}"].dimensions[0].reserved += 1


def lost_entry(s):
    first(s.entries, bool).pop()


def lower_limit(s):
    name = next(e.name.partition("/entries/")[0] for entries in s.entries.values() for e in entries
                if e.movement == "reserve" and s.province.limits.get((e.name.partition("/entries/")[0], "quantity")))
    s.province.limits[name, "quantity"] = 0


def runs_on(s):
    closed_case(s).clocks[0].ClearField("stop_time")


def other_day(s):
    clock = closed_case(s).clocks[0]
    clock.due_date, clock.provisional = "2026-03-01", False


def other_instant(s):
    clock = closed_case(s).clocks[0]
    clock.due_time.seconds, clock.provisional = clock.due_time.seconds + 3600, False


def not_marked(s):
    clock = invariants.running(open_case(s))[0]
    clock.due_time.seconds, clock.overdue = s.now - 1, False


def in_use_for_a_term(s):
    return first(s.resources, lambda r: r.end_date and r.state != "reclaimed")


def used_on(s):
    r = in_use_for_a_term(s)
    r.state, r.end_date = "active", "2026-03-01"


def other_end(s):
    in_use_for_a_term(s).end_date = "2031-01-01"


def other_parameter(s):
    a = closed_case(s)
    key = s.processes.terms[a.kind, a.clocks[0].term].parameter
    s.parameters = {**s.parameters, ("", key): [(1, "59")]}


def twice(s):
    e = firing(s)
    s.events += [e] * (1 + sum(f is not e and f.name == e.name for f in s.events) + len(s.applications[e.name].clocks))


def too_early(s):
    firing(s).time.seconds -= 30 * 86400


def out_of_order(s):
    found = [e for e, *_ in invariants.firings(s)]
    s.events.append(found[0])


def nobodys_resource(s):
    first(s.resources).application = "applications/A-2026-999999"


def resource_of_nothing(s):
    closed_case(s).resources.append("resources/R-2026-999999")


def held_by_a_closed_case(s):
    first(s.resources).open_case = closed_case(s).name


def extended_by_nothing(s):
    first(s.resources).open_extension = closed_case(s).name


def unforecast(s):
    closed_case(s).forecast = "2031"


def forecast_of_a_stranger(s):
    first(s.registers["forecasts"]).applications.append(closed_case(s).name)


def linked_to_a_stranger(s):
    closed_case(s).linked.append(open_case(s).name)


def foundling(s):
    closed_case(s).origin = open_case(s).name


def stuck(s):
    for name, (who, _) in s.possible.items():
        s.possible[name] = (who, set())


def gap(s):
    s.events.pop(len(s.events) // 2)


def history_cut(s):
    last = [e for e in s.events if e.name == closed_case(s).name][-1]
    s.events.remove(last)


def other_state(s):
    closed_case(s).state = "draft"


def shortcut(s):
    e = first(s.events, lambda e: e.action == "accept" and e.kind == "act")
    e.to_state = "approved"


def usurper(s):
    e = first(s.events, lambda e: e.action == "accept" and e.kind == "act")
    e.on_behalf_of = next(p.name for p in s.province.people.values() if p.role == "op")


def made_twice(s):
    s.applications["applications/A-2026-999999"] = closed_case(s)


def peeping(s):
    views = first(s.views, lambda v: v["applications"] and len({a.department for a in v["applications"]}) == 1)
    views["applications"].append(first(s.applications, lambda a: a.department != views["applications"][0].department))


def overheard(s):
    slug = next(w for w in s.views if s.province.people[w].role == "du")
    s.views[slug]["events"].append(first(s.events, lambda e: e.name in s.applications and
                                         s.applications[e.name].department != s.province.people[slug].department))


def hidden(s):
    first({w: v for w, v in s.views.items() if s.province.people[w].role == "du"}, lambda v: v["applications"])["applications"].pop()


TAMPERED = {
    "committed_is_what_resources_hold": (committed, given_back_twice),
    "reserved_is_what_open_cases_hold": (still_reserved,),
    "entries_add_up_to_the_balance": (lost_entry,),
    "no_reservation_goes_beyond_the_limit_of_its_day": (lower_limit,),
    "final_cases_have_no_running_clock": (runs_on,),
    "clocks_end_on_the_day_that_the_calendar_gives": (other_day, other_instant),
    "passed_clocks_are_marked_or_have_moved_their_case": (not_marked,),
    "nothing_is_used_beyond_its_term": (used_on, other_end),
    "terms_are_as_long_as_the_rules_said_at_submission": (other_parameter,),
    "no_clock_fires_twice": (twice,),
    "clocks_fire_after_their_instants_and_in_their_order": (too_early, out_of_order),
    "resources_and_the_cases_that_brought_them_name_each_other": (nobodys_resource, resource_of_nothing),
    "held_resources_and_the_cases_that_hold_them_name_each_other": (held_by_a_closed_case, extended_by_nothing),
    "forecasts_and_the_applications_that_rely_on_them_name_each_other": (unforecast, forecast_of_a_stranger),
    "linked_cases_name_each_other": (linked_to_a_stranger, foundling),
    "somebody_can_move_every_open_case": (stuck,),
    "events_have_no_gap": (gap,),
    "history_leads_to_the_present_state": (history_cut, other_state),
    "every_step_is_a_row_of_its_process_and_taken_by_its_role": (shortcut, usurper),
    "each_request_made_one_case": (made_twice,),
    "nobody_sees_what_is_not_theirs_and_everybody_what_is": (peeping, overheard, hidden),
}


def test_every_invariant_catches_its_violation():
    whole = played().snapshot
    assert not invariants.examine(whole)
    names = {f.__name__ for f in invariants.MONTHLY + invariants.AT_THE_END}
    assert names == set(TAMPERED), names ^ set(TAMPERED)
    for name, ways in TAMPERED.items():
        for way in ways:
            made_up = whole.copy()
            way(made_up)
            found = list(getattr(invariants, name)(made_up))
            assert found, f"{name} does not see {way.__name__}"


if __name__ == "__main__":
    main()
