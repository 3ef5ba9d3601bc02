"""The people and systems of the demonstration data, and the course of a regular application."""
import hashlib

from .contract import message_class

# Who does what at the core node. zwyd's demonstration data has the same for its cities.
CA, OP, DU = "core-ca", "core-op", "core-du"
SYSTEM, DEPARTMENT = "finance-portal", "provincial-finance"
CITY_CA, CITY_OP, CITY_DU = "suzhou-ca", "suzhou-op", "suzhou-du"
# Of the cases: who sees all, a node's, a department's, none; and the administrator.
READERS = (CA, CITY_CA, DU, CITY_DU, "core-reg", "suzhou-reg", "bootstrap", "demo")

DOCUMENTS = ("construction-plan", "construction-plan-approval", "security-filing")
PLAN = {"architecture": "three-tier, two availability zones", "demand": "a portal for 4,000 users",
        "quantities": "four servers", "operations_security": "backups, patching, monitoring"}
OPINION = {"result": "pass", "complexity": "low", "configuration": "reasonable", "architecture": "sound"}

# action, who, form, state afterwards
COURSE = (
    ("accept", CA, {}, "accepted"),
    ("assign", OP, {}, "under_review"),
    ("opinion", OP, OPINION, "review_passed"),
    ("forward", OP, {}, "pending_decision"),
    ("decide", CA, {"decision": "approve"}, "approved"),
    ("start", OP, {}, "provisioning"),
    ("deliver", OP, {}, "in_service"),
    ("confirm", DU, {}, "closed"),
)


def body(kind):
    return f"the {kind} of the tests\n".encode()


def digests(kinds=DOCUMENTS):
    return {kind: f"{kind}.pdf sha256:{hashlib.sha256(body(kind)).hexdigest()}" for kind in kinds}


def application(system=SYSTEM, items=(("block-storage", 4),), documents=DOCUMENTS, **fields):
    """An application that fulfils every rule, unless told otherwise. Items: (service, quantity[, spec])."""
    made = message_class("Application")(kind=1, system=system, zone=1, purpose="tests", **fields)
    for key, value in PLAN.items():
        setattr(made.cloud_plan, key, value)
    for kind, value in digests(documents).items():
        made.document[kind] = value
    for service, quantity, *spec in items:
        item = made.items.add(service=service, quantity=quantity)
        for key, value in (spec[0] if spec else {}).items():
            item.spec[key] = str(value)
    return made


def text(system=SYSTEM, items=(("block-storage", 4),), documents=DOCUMENTS):
    """The same as request text, `submit` included."""
    lines = ["kind=regular", f"system={system}", "zone=extranet", "purpose=tests"]
    lines += [f"cloud-plan.{key.replace('_', '-')}={value}" for key, value in PLAN.items()]
    lines += [f"document.{kind}={value}" for kind, value in digests(documents).items()]
    for service, quantity in items:
        lines += ["[items]", f"service={service}", f"quantity={quantity}"]
    return "\n".join(lines) + "\nsubmit\n"


def file(client, as_=DU, submit=True, request_id="", **fields):
    """Files an application; the record."""
    return client.call("CreateApplication", as_=as_, application=application(**fields), submit=submit,
                       request_id=request_id)


def act(client, name, action, as_, revision=0, **form):
    return client.call("ApplicationService.Act", as_=as_, name=name, action=action, form=form, revision=revision)


def walk(client, name, to):
    """Takes a submitted application along the usual course until it is in that state."""
    if to == "submitted":
        return
    for action, who, form, state in COURSE:
        answer = act(client, name, action, who, **form)
        assert answer.state == state, f"{action} led to {answer.state}"
        if state == to:
            return
    raise ValueError(to)


def in_state(client, state):
    """A new application that stands in that state; its name."""
    name = file(client, submit=state not in ("draft", "withdrawn from draft")).name
    aside = {
        "draft": (None, ()),
        "need_supplement": ("submitted", (("return_incomplete", CA, {"reason": "a page is missing"}),)),
        "not_accepted": ("submitted", (("refuse_accept", CA, {"reason": "not for the cloud"}),)),
        "review_returned": ("under_review", (("opinion", OP, OPINION | {"result": "return"}),)),
        "review_failed": ("under_review", (("opinion", OP, OPINION | {"result": "fail"}),)),
        "rejected": ("pending_decision", (("decide", CA, {"decision": "reject", "comment": "no"}),)),
        "provision_failed": ("provisioning", (("fail", OP, {"reason": "no host is free"}),)),
        "withdrawn": ("submitted", (("withdraw", DU, {"reason": "not needed"}),)),
        "cancelled": ("approved", (("cancel", CA, {"reason": "the department asked"}),)),
    }
    before, actions = aside.get(state, (state, ()))
    if before:
        walk(client, name, before)
    for action, who, form in actions:
        act(client, name, action, who, **form)
    assert get(client, name).state == state, get(client, name).state
    return name


def fill(client):
    """Applications of two nodes and three departments in several states."""
    for state in ("draft", "submitted", "accepted", "draft"):
        in_state(client, state)
    for who, system in (("core-du-health", "health-records"), (CITY_DU, "suzhou-budget")):
        file(client, as_=who, system=system, submit=False)


STATES = ("draft submitted need_supplement accepted not_accepted under_review review_passed review_returned review_failed "
          "pending_decision approved rejected provisioning provision_failed in_service closed withdrawn cancelled").split()
FINAL = "not_accepted rejected closed withdrawn cancelled".split()


def get(client, name, as_=DU):
    return client.call("GetApplication", as_=as_, name=name)


def quota(client, service="block-storage", department=DEPARTMENT, as_=CA):
    """Balances by dimension: (limit, reserved, committed)."""
    record = client.call("GetQuota", as_=as_, name=f"quotas/{department}/{service}")
    return {d.name: (d.limit, d.reserved, d.committed) for d in record.dimensions}


def set_limit(client, limit, service="block-storage", department=DEPARTMENT, as_=CA, **others):
    record = client.call("GetQuota", as_=as_, name=f"quotas/{department}/{service}")
    for dimension in record.dimensions:
        dimension.limit = others.get(dimension.name, limit if dimension.name == "quantity" else dimension.limit)
        dimension.ClearField("reserved")
        dimension.ClearField("committed")
    request = message_class("UpdateQuotaRequest")()
    request.quota.name = record.name
    request.quota.dimensions.extend(record.dimensions)
    request.update_mask.paths.append("dimensions")
    return client.call("UpdateQuota", request, as_=as_)
