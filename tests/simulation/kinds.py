"""How cases of each kind are made, and how the forms of actions are filled.

One row for each process that the server may have; those that it has not are not played. What
may be done with a case, by whom and where it leads is asked of the server, never known here."""
import dataclasses
import typing

from zwytest import demo, message
from world import DIGEST, SERVICES

REGULAR, CHANGE, RECLAIM, TEST, TEMPORARY, EXTENSION = range(1, 7)
RETURN, PROVIDER_LEAVES = 1, 4
FORMAL_USE, TEST_USE, TEMPORARY_USE = 1, 2, 3
EXTRANET, INTERNET = 1, 2


def item(random, service=None, **fields):
    service = service or random.choice(tuple(SERVICES))
    most, figures = SERVICES[service]
    spec = {name: str(random.choice(values)) for name, values in figures.items()}
    return {"service": service, "quantity": random.randint(1, most), "spec": spec, **fields}


def case(kind, purpose, department, system, random, **fields):
    return message("Application", kind=kind, purpose=purpose, system=department.systems[system], zone=EXTRANET, **fields)


def regular(year, department, random, purpose):
    documents = demo.DOCUMENTS if random.random() < .9 else random.sample(demo.DOCUMENTS, 2)
    items = [item(random, s) for s in random.sample(tuple(SERVICES), random.choice((1, 1, 1, 2, 2, 3)))]
    system = random.choice(("portal", "records", "permits"))
    taken = year.free_resource(department, random, (TEST_USE, TEMPORARY_USE)) if random.random() < .3 else None
    if taken and year.plays("test"):
        # Conversion: what was used for a term goes into regular service, with the figures it has.
        items = [{"service": taken.service, "quantity": taken.quantity, "spec": dict(taken.spec), "takes_over": taken.name}]
        system = next(p for p, slug in department.systems.items() if slug == taken.system)
    exchange = year.exchange_of(department.systems[system])
    if exchange and not taken:
        items[0] |= {"link": INTERNET, "exchange": exchange}
    return case(REGULAR, purpose, department, system, random, cloud_plan=demo.PLAN, forecast=year.forecast_of(department),
                document=demo.digests(documents), items=items)


def change(year, department, random, purpose):
    resource = year.free_resource(department, random, (FORMAL_USE,))
    if not resource:
        return None
    wanted = {}
    figures = SERVICES.get(resource.service, (0, {}))[1]
    what = random.random()
    if figures and what < .4:
        name = random.choice(tuple(figures))
        wanted["spec"] = {name: str(random.choice(figures[name]))}
        if wanted["spec"][name] == resource.spec[name]:
            wanted = {"quantity": resource.quantity + 1}
    elif what < .46:
        wanted["architecture"] = "another one, in two halls"
    elif what < .8 or resource.quantity == 1:
        wanted["quantity"] = resource.quantity + random.randint(1, max(1, resource.quantity // 3))
    else:
        wanted |= {"quantity": random.randint(1, resource.quantity - 1), "consent": random.random() < .7}
    return message("Application", kind=CHANGE, purpose=purpose, resource=resource.name.partition("/")[2], change=wanted)


def reclaim(year, department, random, purpose):
    """Given back by the department, or taken back: then it is the operator's case."""
    resource = year.free_resource(department, random, (FORMAL_USE, TEST_USE, TEMPORARY_USE))
    if not resource:
        return None
    complete = random.random() < .85
    origin = PROVIDER_LEAVES if random.random() < .15 else RETURN
    return message("Application", kind=RECLAIM, purpose=purpose, resource=resource.name.partition("/")[2],
                   reclaim={"offline": True, "migrated": True, "backed_up": complete, "origin": origin})


def term_fields(random):
    return {"months": random.choice((0, 0, 1, 2, 3))}


def test(_year, department, random, purpose):
    return case(TEST, purpose, department, "trial", random, items=[item(random)], document=demo.digests(
        ("project-establishment",)), **term_fields(random))


def temporary(_year, department, random, purpose):
    return case(TEMPORARY, purpose, department, random.choice(("portal", "records")), random, items=[item(random)],
                urgency="a flood has cut off the county's own machines", document=demo.digests(("urgency-justification",)),
                **term_fields(random))


def extension(year, department, random, purpose):
    resource = year.free_resource(department, random, (TEMPORARY_USE,))
    if not resource:
        return None
    return message("Application", kind=EXTENSION, purpose=purpose, resource=resource.name.partition("/")[2],
                   months=random.choice((1, 2, 3)), urgency="the flood has not gone down")


@dataclasses.dataclass
class Kind:
    number: int
    make: typing.Callable
    share: float
    # What creating or handing in may be refused for, though nobody did anything wrong.
    refusals: frozenset


def row(number, make, share, refusals=""):
    return Kind(number, make, share, frozenset(f"QUOTA_EXCEEDED DOCUMENT_MISSING SYSTEM_EXEMPT {refusals}".split()))


KINDS = {
    "regular": row(REGULAR, regular, 8, "LINK_UNAPPROVED RESOURCE_BUSY WRONG_STATE PLAN_INCOMPLETE"),
    "change": row(CHANGE, change, 3, "RESOURCE_BUSY WRONG_STATE INVALID_FIELD"),
    "reclaim": row(RECLAIM, reclaim, 2, "RESOURCE_BUSY ATTESTATION_MISSING WRONG_STATE"),
    "test": row(TEST, test, 2),
    "temporary": row(TEMPORARY, temporary, 3),
    "extension": row(EXTENSION, extension, 2, "EXT_TOO_LATE NOT_EXTENDABLE RESOURCE_BUSY WRONG_STATE"),
}

# ---- forms -------------------------------------------------------------------------------

# Which of the values that an action's rows name: result=pass|return|fail, decision=approve|reject, …
VALUES = {"support": 5, "adjust": 3, "oppose": 1, "pass": 8, "return": 2, "fail": 1.2, "approve": 9, "reject": 1.2, "accept": 9, "grant": 8, "deny": 2, "major": .5}
# Which of the actions that are possible; others weigh 1.
ACTIONS = {"withdraw": .06, "return_incomplete": .2, "refuse_accept": .06, "cancel": .06, "fail": .2, "suspend": .05,
           "refuse": .3, "end": .05, "begin_retirement": .1, "reclaim": .5}
TEXTS = {"complexity": "low", "configuration": "reasonable", "architecture": "sound", "endpoint": "10.1.2.3:443"}


def choose(random, weights, names):
    names = sorted(names)
    return random.choices(names, [weights.get(n, 1) for n in names])[0]


def figures_of(resource):
    return {"quantity": resource.quantity} | {name: resource.quantity * int(value) for name, value in resource.spec.items()}


def reading(year, record, random):
    """What the meter shows of the case's resource: a part of what it has."""
    share = random.choice((.3, .5, 1))
    resource = year.resource("resources/" + record.resource)
    return " ".join(f"{name}={int(n * share)}" for name, n in sorted(figures_of(resource).items()))


# What a department adds where Explain says that it is missing.
MISSING = {"DOCUMENT_MISSING": {"document": demo.digests(demo.DOCUMENTS + ("project-establishment", "urgency-justification"))},
           "PLAN_INCOMPLETE": {"cloud_plan": demo.PLAN},
           "ATTESTATION_MISSING": {"reclaim": {"offline": True, "migrated": True, "backed_up": True, "origin": RETURN}}}


def form(year, record, action, keys, values, random):
    """values: {key: those that the rows of this action name}; keys: as the server lists them."""
    made = {}
    for key in keys:
        key = key.rstrip("*")
        if key in values:
            made[key] = choose(random, VALUES, values[key])
        elif key == "reading":
            made[key] = reading(year, record, random)
        else:
            made[key] = TEXTS.get(key, f"{action}, day {year.day}")
    return made


# ---- records with a small life of their own --------------------------------------------------


def exemption(department, random, number):
    return "CreateExemption", {"exemption": {
        "name": f"exemptions/sim-{number}", "system": department.systems["apart"], "basis": "档案法 第三十七条",
        "document": f"basis.pdf {DIGEST}"}}


def legacy_cloud(department, random, number, end_date):
    return "CreateLegacyCloud", {"legacy_cloud": {
        "name": f"legacy-clouds/sim-{number}", "department": department.slug, "name_zh": "旧云", "vcpu": 64,
        "tenure": random.choice(("owned", "leased")), "platform": "OpenStack Queens", "end_date": end_date}}


def exchange(department, random, number, end_date):
    system = department.systems[random.choice(("portal", "records"))]
    return "CreateExchange", {"exchange": {
        "name": f"exchanges/sim-{number}", "from_system": system, "from_zone": EXTRANET, "to_system": system, "to_zone": INTERNET,
        "purpose": "notices, one way", "valid_until": end_date}}


def forecast(department, random, year):
    """May be changed until it is handed in, and when the operator asks for that."""
    items = [{key: value for key, value in item(random, s).items() if key != "takes_over"}
             for s in random.sample(tuple(SERVICES), 2)]
    return {"forecast": {"name": f"forecasts/{department.slug}/{year}", "plan": "年度信息化项目建设计划",
                         "demand_intent": f"intent.pdf {DIGEST}", "items": items}}
