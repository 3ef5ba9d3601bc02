#!/usr/bin/python3
"""Whatever a client sends, it gets an answer and the server goes on. smoke: yes

Requests are made at random from the contract, out of values that mean something
here and values that do not; every unary method is called as every kind of person."""
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import Refused, contract, demo, main, rounds  # noqa: E402
from zwytest.client import method_client_streams, method_server_streams  # noqa: E402

PERSONS = ("core-ca", "core-op", "core-du", "core-reg", "core-aud", "suzhou-ca", "suzhou-du", "bootstrap", "demo")
WORDS = ("", "x", "applications", "applications/A-2026-000001", "A-2026-000001", "applications/A-2026-999999",
         "systems/finance-portal", "finance-portal", "finance-training", "provincial-finance", "core", "suzhou",
         "cloud-server", "catalogue/cloud-server", "block-storage", "nlp", "quotas/provincial-finance/cloud-server",
         "departments/provincial-finance", "principals/core-du", "principals/demo/requests/r", "calendar/2026",
         "parameters/provision.wd", "rules/14", "nodes/core", "resources/R-2026-000001", "audit/1", "delegations/demo",
         "applications/A-2026-000001/documents/construction-plan", "construction-plan", "plan.pdf sha256:" + "a" * 64,
         "submit", "accept", "opinion", "decide", "deliver", "withdraw", "result", "pass", "approve", "vcpu", "gib", "8",
         "-1", "99999999999999999999", "state=draft", "open=true", "name desc", "quantity", "fiscal", "draft", "active",
         "name", "state", "quotas", "quotas/provincial-finance", "department", "month",
         "2026-02-13", "*", "a/b", "政务云", "\t\n", "x" * 300)
BROKEN = ("UNAVAILABLE", "UNKNOWN", "INTERNAL", "DATA_LOSS", "DEADLINE_EXCEEDED")
DROPPED = ("since",)  # a watch from now on never ends by itself; streams have tests of their own


def value(dice, field):
    kind = field.type
    if kind == field.TYPE_STRING:
        return dice.choice(WORDS)
    if kind == field.TYPE_BOOL:
        return dice.random() < 0.5
    if kind == field.TYPE_ENUM:
        return dice.choice(field.enum_type.values).number
    if kind == field.TYPE_BYTES:
        return bytes(dice.randrange(256) for _ in range(dice.randrange(20)))
    if kind == field.TYPE_DOUBLE:
        return dice.random()
    low = -3 if kind in (field.TYPE_INT32, field.TYPE_INT64, field.TYPE_SINT64, field.TYPE_SINT32) else 0
    return dice.choice((low, 0, 1, 2, 5, 14, 2**31 - 1))


def fill(dice, message, chance, depth=0):
    """Gives each field a value with that chance."""
    for field in message.DESCRIPTOR.fields:
        if field.name in DROPPED or dice.random() > chance:
            continue
        is_map = field.message_type and field.message_type.GetOptions().map_entry
        if is_map:
            for _ in range(dice.randrange(3)):
                getattr(message, field.name)[dice.choice(WORDS)] = dice.choice(WORDS)
        elif field.type == field.TYPE_MESSAGE:
            if depth == 4:
                continue
            if field.label == field.LABEL_REPEATED:
                for _ in range(dice.randrange(3)):
                    fill(dice, getattr(message, field.name).add(), chance, depth + 1)
            else:
                part = getattr(message, field.name)
                part.SetInParent()
                fill(dice, part, chance, depth + 1)
        elif field.label == field.LABEL_REPEATED:
            getattr(message, field.name).extend(value(dice, field) for _ in range(dice.randrange(3)))
        else:
            setattr(message, field.name, value(dice, field))


def unary_methods():
    return [method for service in contract.services() for method in service.methods
            if not method_client_streams(method) and not method_server_streams(method)]


def calls_get_answers(server, seed, count):
    dice = random.Random(seed)
    client = server.client()
    demo.file(client)
    methods = unary_methods()
    assert len(methods) > 40
    for number in range(count):
        method = dice.choice(methods)
        request = contract.message_class(method.input_type.full_name)()
        fill(dice, request, dice.choice((0.3, 0.7, 1)))
        what = f"seed {seed}, call {number}: {method.full_name}"
        try:
            client.call(f"{method.containing_service.name}.{method.name}", request, as_=dice.choice(PERSONS))
        except Refused as error:
            assert error.status not in BROKEN, f"{what}: {error}\n{request}"


def test_random_requests_get_answers(server):
    for seed in range(rounds(4, quick=2, long=60)):
        calls_get_answers(server, seed, 500)


def near_miss(dice, request):
    """A request that is right but for one thing."""
    asked = request.application
    change = dice.randrange(9)
    if change == 0:
        asked.items[0].ClearField("spec")
    elif change == 1:
        asked.ClearField(dice.choice([f.name for f, _ in asked.ListFields()]))
    elif change == 2:
        asked.items.add(service=dice.choice(WORDS), quantity=dice.choice((0, 1, 2**63)))
    elif change == 3:
        asked.items[0].spec[dice.choice(WORDS)] = dice.choice(WORDS)
    elif change == 4:
        asked.document[dice.choice(WORDS)] = dice.choice(WORDS)
    elif change == 5:
        del asked.items[:]
    elif change == 6:
        asked.document.clear()
    elif change == 7:
        asked.items[0].service = dice.choice(("cloud-server", "cloud-container", "nlp", "bare-metal", "search"))
    else:
        asked.system = dice.choice(WORDS)


def test_requests_that_are_nearly_right_get_answers(server):
    client = server.client()
    dice = random.Random(5)
    for _ in range(rounds(600, quick=200)):
        request = contract.message("CreateApplicationRequest", application=demo.application(
            items=((dice.choice(("cloud-server", "block-storage")), 1, {"vcpu": 2}),)), submit=True)
        for _ in range(dice.randrange(3)):
            try:
                near_miss(dice, request)
            except (IndexError, ValueError):
                continue  # what it would change is gone already
        try:
            client.call("CreateApplication", request, as_=demo.DU)
        except Refused as error:
            assert error.status not in BROKEN, f"{error}\n{request}"


def test_an_item_may_be_as_short_as_service_and_number(server):
    client = server.client()
    record = demo.file(client, items=(("cloud-server", 1),))
    assert dict(record.items[0].spec) == {"vcpu": "2", "gib": "4"}, record.items
    assert demo.quota(client, "cloud-server")["vcpu"][1] == 2


if __name__ == "__main__":
    main()
