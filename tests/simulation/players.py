"""What people do on a day: hand in, act, forget, retry, run into each other, try what they may not.

A player asks Explain what can be done, chooses, and fills the form. Every draw comes from
a generator of its own, made of the seed, the day and the case: what happens to one case does
not change what is drawn for another."""
import random

from zwytest import Refused, demo, message
from kinds import ACTIONS, KINDS, MISSING, RETURN, choose, form
from world import AMPLE, SCARCE

PUBLIC = 2
SERVICE = {"applications": "ApplicationService", "exemptions": "ExemptionService", "legacy-clouds": "LegacyCloudService",
           "exchanges": "ExchangeService", "forecasts": "ForecastService"}
# What somebody who follows Explain may still be told, by action.
KNOWN = {
    "decide": {"NEGATIVE_OPINION", "QUOTA_EXCEEDED", "SYSTEM_EXEMPT", "LINK_UNAPPROVED", "WRONG_STATE"},
    "review": {"MAJOR_CHANGE", "BELOW_USE", "WRONG_STATE"},  # what a term's end takes back is only accepted
    "start": {"WRONG_STATE"},  # of a resource that is not active any more
    "complete": {"DATA_PRESERVED"},
    "revise": {"WRONG_STATE"},  # of a forecast that was not changed
}


class Contradiction(AssertionError):
    """The server did what it should not have done; `case` is the record that it is about."""

    def __init__(self, case, text):
        super().__init__(f"{case}: {text}")
        self.case = case


def act_request(name, action, values, request_id="", revision=0):
    return message("ActRequest", name=name, action=action, form=values, request_id=request_id, revision=revision)


def act_call(name, *arguments, who, **more):
    return f"{SERVICE[name.partition('/')[0]]}.Act", who, act_request(name, *arguments, **more)


def shared(row):
    """A row for the department or the operator: for the one of them whose case it is."""
    return "du" in row.roles and len(row.roles) > 1


class Players:
    def __init__(self, year):
        self.year, self.calls = year, year.calls
        self.other_result = {}  # case: what is decided instead of what was refused
        self.hopeless = set()  # cases that cannot be handed in any more: the department withdraws them

    def draw(self, *words):
        return random.Random("/".join(map(str, (self.year.seed, self.year.day, *words))))

    # ---- new cases ------------------------------------------------------------------------

    def file(self, count):
        """So many new cases, of kinds in their shares; some are only drafts, some are sent twice."""
        names = sorted(n for n in KINDS if self.year.plays(n))
        chosen = []
        for n in range(count):
            r = self.draw("file", n)
            department = r.choice(sorted(self.year.province.departments))
            department = self.year.province.departments[department]
            kind = KINDS[r.choices(names, [KINDS[k].share for k in names])[0]]
            purpose = f"{self.year.day} #{n}"
            made = kind.make(self.year, department, r, purpose)
            if made is None:
                kind = KINDS["regular"]
                made = kind.make(self.year, department, r, purpose)
            chosen.append((kind, ("CreateApplication", department.person.slug, message(
                "CreateApplicationRequest", application=made, submit=r.random() < .85,
                request_id=f"new-{self.year.day}-{n}" if r.random() < .15 else ""))))
            if made.reclaim.origin > RETURN:
                chosen[-1] = (kind, (chosen[-1][1][0], self.year.province.bodies[department.node, "op"][0].slug, chosen[-1][1][2]))
        answers = self.calls.all(call for _, call in chosen)
        for (kind, call), answer in zip(chosen, answers):
            self._filed(kind, call, answer)
        self._retry([call for _, call in chosen], answers)

    def _filed(self, kind, call, answer):
        if not isinstance(answer, Refused):
            self.year.count("begun")
        elif answer.reason in kind.refusals:
            self.year.count("refused", answer.reason)
        else:
            raise Contradiction(call[2].application.purpose, f"not taken: {answer}\n{call[2]}")

    def _retry(self, calls, answers):
        """What had a request id is sent once more, as by somebody whose answer was lost."""
        again = [(call, answer) for call, answer in zip(calls, answers)
                 if call[2].request_id and not isinstance(answer, Refused)]
        if not again:
            return
        before = self.year.settled_head()
        for (call, first), second in zip(again, self.calls.all(call for call, _ in again)):
            if isinstance(second, Refused) or second.name != first.name or second.revision < first.revision:
                raise Contradiction(first.name, f"the same request again was answered {second}, before {first}")
            self.year.count("retried")
        self._reuse_of_a_key(again[0][0])
        if self.calls.head() != before:
            raise Contradiction("audit", "a repeated request left a trace")

    def _reuse_of_a_key(self, call):
        """The same request id for something else."""
        other = type(call[2]).FromString(call[2].SerializeToString())
        if call[0] == "CreateApplication":
            other.application.purpose += ", and more"
        else:
            other.form["comment"] = "something else"
        answer = self.calls.all([(call[0], call[1], other)])[0]
        if not isinstance(answer, Refused) or answer.reason != "KEY_REUSED":
            raise Contradiction("audit", f"a request id was taken twice: {answer}\n{other}")
        self.year.count("forbidden", answer.reason)

    # ---- what is to be done ------------------------------------------------------------------

    def _actors(self, record):
        """Who might act on it today: usually whoever must, seldom somebody else who may."""
        r = self.draw("who", record.name)
        roles = list(self.year.roles_of(record))
        slow = random.Random(f"{self.year.seed}/{record.name}").random()
        if "du" in roles and slow < .06:
            return  # abandoned by its department
        for role in roles:
            people = self.year.province.responsible(role, record.node, record.department)
            person = r.choice(people) if people else None
            slower = .25 if slow > .9 or record.state == "in_service" else 1
            if person and r.random() < person.diligence * slower:
                yield person
                return
        other = [p for role in ("du", "ca") if role not in roles
                 for p in self.year.province.responsible(role, record.node, record.department)]
        if other and r.random() < .02:
            yield r.choice(other)

    def act(self, records):
        """One round over the open records."""
        pairs = [(record, person) for record in records for person in self._actors(record)]
        said = self.calls.must(("Explain", person.slug, message("ExplainRequest", name=record.name)) for record, person in pairs)
        chosen = []
        for (record, person), x in zip(pairs, said):
            r = self.draw("act", record.name)
            if not x.next:
                continue
            following = {n.action: n for n in x.next}
            if r.random() > sum(ACTIONS.get(a, 1) for a in following):
                continue  # only what is seldom done
            action = choose(r, ACTIONS, following)
            if record.name in self.hopeless and "withdraw" in following:
                action = "withdraw"
            if action == "submit" and r.random() < .1:
                continue
            values = self.year.values_of(record, action)
            filled = form(self.year, record, action, following[action].form, values, r)
            for key, known in values.items():
                if self.other_result.get(record.name) in known:
                    filled[key] = self.other_result[record.name]
            if r.random() < .7:
                self._complete(record, person, {w.reason for w in x.why} & set(MISSING))
            chosen.append((record, act_call(record.name, action, filled, who=person.slug,
                                            request_id=f"act-{self.year.day}-{x.revision}" if r.random() < .05 else "")))
        answers = self.calls.all(call for _, call in chosen)
        for (record, call), answer in zip(chosen, answers):
            self._acted(record, call, answer)
        self._retry([call for _, call in chosen], answers)

    def _complete(self, record, person, reasons):
        """What Explain said was missing."""
        if not reasons:
            return
        fields = {field: value for reason in reasons for field, value in MISSING[reason].items()}
        request = message("UpdateApplicationRequest", application={"name": record.name, **fields})
        request.update_mask.paths.extend(fields)
        answer = self.calls.all([("UpdateApplication", person.slug, request)])[0]
        if isinstance(answer, Refused) and answer.reason not in self.year.handing_in(record, "submit"):
            raise Contradiction(record.name, f"what was missing was not taken: {answer}")

    def _acted(self, record, call, answer):
        action, values = call[2].action, call[2].form
        if isinstance(answer, Refused):
            known = KNOWN.get(action, set()) | self.year.handing_in(record, action)
            if answer.reason not in known:
                raise Contradiction(record.name, f"{action} {dict(values)} as {call[1]} in {record.state}: {answer}")
            self.year.count("refused", answer.reason)
            self._learn(record, action, answer.reason)
            return
        self.year.count("acts")
        wanted = self.year.targets(record, action, values)
        if wanted and answer.state not in wanted:
            raise Contradiction(record.name, f"{action} {dict(values)} led from {record.state} to {answer.state}, its rows say {wanted}")

    def _learn(self, record, action, reason):
        """What is done instead, the next time."""
        if reason == "BELOW_USE" and self.draw("consent", record.name).random() < .6:
            owner = self.year.province.departments[record.department].person.slug
            self.calls.must([act_call(record.name, "consent", {"comment": "we agree"}, who=owner)])
        elif action in ("decide", "review"):
            self.other_result[record.name] = "major" if reason == "MAJOR_CHANGE" else \
                {"review": "accept", "decide": "deny"}[action] if reason == "WRONG_STATE" else "reject"
        elif reason not in MISSING and reason != "QUOTA_EXCEEDED" and action in ("submit", "resubmit", "revise"):
            self.hopeless.add(record.name)

    # ---- what must not happen -------------------------------------------------------------------

    def _misdeeds(self, a, r):
        """(what, call, statuses, reasons) of things that are not allowed now."""
        year, kind = self.year, a.kind
        rows = [row for row in year.processes.steps[kind, a.state] if row.roles and not shared(row)]
        department = year.province.departments[a.department]
        owner = department.person.slug
        foreign = r.choice([d for d in year.province.departments.values() if d.slug != a.department]).person
        for method in ("GetApplication", "Explain"):
            yield (method, foreign.slug, message(method + "Request", name=a.name)), "PERMISSION_DENIED", {"FOREIGN_RECORD"}
        if "du" in (role for row in rows for role in row.roles):
            action = next(row.action for row in rows if "du" in row.roles)
            yield act_call(a.name, action, {"reason": "mine now"}, who=foreign.slug), "PERMISSION_DENIED", {"FOREIGN_RECORD"}
        for role, reasons in (("ca", {"WRONG_JURISDICTION", "FOREIGN_RECORD"}), ("op", {"WRONG_JURISDICTION", "FOREIGN_RECORD"})):
            action = next((row.action for row in rows if role in row.roles and "du" not in row.roles), None)
            if action:
                stranger = r.choice(year.province.others(role, a.node))
                yield act_call(a.name, action, {"reason": "x"}, who=stranger.slug), "PERMISSION_DENIED", reasons
                yield act_call(a.name, action, {"reason": "x"}, who=owner), "PERMISSION_DENIED", {"WRONG_ROLE"}
        elsewhere = sorted(year.processes.actions[kind] - {row.action for row in year.processes.steps[kind, a.state]})
        if elsewhere:
            action = r.choice(elsewhere)
            row = next(row for (k, _), there in year.processes.steps.items() for row in there
                       if k == kind and row.action == action and row.roles)
            people = [p for role in row.roles if not shared(row) for p in year.province.responsible(role, a.node, a.department)
                      if role == "du" or p.name not in a.submitters]
            if people:
                yield act_call(a.name, action, {"reason": "now"}, who=people[0].slug), "FAILED_PRECONDITION", {"WRONG_STATE"}
        yield act_call(a.name, "bribe", {}, who=owner), "INVALID_ARGUMENT", {"UNKNOWN_ACTION"}
        for row in rows:
            if any(key.endswith("*") for key in row.form) and "du" in row.roles:
                yield act_call(a.name, row.action, {}, who=owner), "INVALID_ARGUMENT", {"FORM_INCOMPLETE"}
                yield act_call(a.name, row.action, {"reason": "old"}, who=owner, revision=1), "ABORTED", {"STALE_REVISION"}
                break

    def misbehave(self, cases, count):
        """All are refused as they should be, and leave no trace."""
        r = self.draw("misbehave")
        tried = []
        for a in r.sample(cases, min(count, len(cases))):
            every = list(self._misdeeds(a, r))
            tried += [(a, *deed) for deed in r.sample(every, min(2, len(every)))]
        tried += self._forbidden_requests(r)
        before = self.year.settled_head()
        for (a, call, status, reasons), answer in zip(tried, self.calls.all(call for _, call, _, _ in tried)):
            name = a.name if a else call[2].application.purpose
            if not isinstance(answer, Refused):
                raise Contradiction(name, f"was allowed: {call[0]} as {call[1]}: {call[2]}")
            if answer.status != status or answer.reason not in reasons:
                raise Contradiction(name, f"wanted {status} {reasons}, got {answer} for {call[0]} as {call[1]} in "
                                          f"{a.state if a else 'nothing'}: {call[2]}")
            self.year.count("forbidden", answer.reason)
        if self.calls.head() != before:
            raise Contradiction("audit", "a refused request left a trace")

    def _forbidden_requests(self, r):
        """Applications that break a rule of the regulation."""
        d = r.choice(list(self.year.province.departments.values()))
        other = r.choice([x for x in self.year.province.departments.values() if x.node != d.node])
        person = d.person.slug

        def ask(who=person, system="portal", quantity=1, service="block-storage", **fields):
            made = demo.application(system=d.systems[system], items=((service, quantity),), **fields)
            made.purpose = "not allowed"
            return "CreateApplication", who, message("CreateApplicationRequest", application=made, submit=True)

        failed = "FAILED_PRECONDITION"
        every = [(None, ask(system="rich"), failed, {"NOT_FISCAL"}), (None, ask(system="secret"), failed, {"CLASSIFIED"}),
                 (None, ask(quantity=10 ** 9), "RESOURCE_EXHAUSTED", {"QUOTA_EXCEEDED"}),
                 (None, ask(service="philosophers-stone"), failed, {"UNKNOWN_SERVICE"}),
                 (None, ask(node=other.node), failed, {"NODE_MISMATCH"}),
                 (None, ask(who=other.person.slug), "PERMISSION_DENIED", {"FOREIGN_RECORD"}),
                 (None, ask(who=self.year.province.bodies[d.node, "op"][0].slug), "PERMISSION_DENIED", {"WRONG_ROLE"})]
        if self.year.plays("test"):
            kinds = (("test", failed, {"NOT_DEVELOPING"}, {"system": d.systems["portal"]}),
                     ("test", failed, {"TEST_EXPOSED"}, {"exposure": PUBLIC}),
                     ("test", failed, {"TERM_TOO_LONG"}, {"months": 4}),
                     ("temporary", failed, {"URGENCY_MISSING"}, {"urgency": ""}),
                     ("temporary", failed, {"TERM_TOO_LONG"}, {"months": 12}))
            for kind, status, reasons, fields in kinds:
                made = KINDS[kind].make(self.year, d, r, "not allowed")
                made.MergeFrom(message("Application", **fields))
                for field in (f for f, value in fields.items() if not value):
                    made.ClearField(field)
                del made.items[1:]
                made.items[0].service, made.items[0].quantity = AMPLE, 1
                made.items[0].spec.clear()
                call = "CreateApplication", person, message("CreateApplicationRequest", application=made, submit=True)
                every.append((None, call, status, reasons))
        return r.sample(every, 3)

    # ---- two at a time ------------------------------------------------------------------------------

    def race(self, cases):
        """Two people do the same at the same time: one of them has done it."""
        r = self.draw("race")
        for a in r.sample(cases, min(2, len(cases))):
            role = r.choice(sorted(self.year.processes.state(a).roles) or [""])
            people = [p for p in self.year.province.responsible(role, a.node, a.department)
                      if role == "du" or p.name not in a.submitters]
            if not people:
                continue
            said = self.calls.one("Explain", people[0].slug, name=a.name)
            forms = {n.action: n.form for n in said.next if a.state not in self.year.targets(a, n.action, {})
                     and n.action not in ("submit", "resubmit", "revise", "decide", "withdraw")}
            if not forms:
                continue
            action = choose(r, {}, forms)
            filled = form(self.year, a, action, forms[action], self.year.values_of(a, action), r)
            answers = self.calls.all(act_call(a.name, action, filled, who=p.slug) for p in (people[0], people[-1]))
            lost = [x for x in answers if isinstance(x, Refused)]
            if len(lost) == 2 and lost[0].reason == lost[1].reason and lost[0].reason in KNOWN.get(action, ()):
                continue
            if len(lost) != 1 or lost[0].reason != "WRONG_STATE":
                raise Contradiction(a.name, f"two at once did {action}: {[str(x) for x in answers]}")
            self.year.count("races")

    def race_for_the_last_unit(self):
        """Two applications of a department for the only unit there is."""
        r = self.draw("last unit")
        d = r.choice(list(self.year.province.departments.values()))
        made = []
        for n, system in enumerate(("portal", "records")):
            a = demo.application(system=d.systems[system], items=((SCARCE, 1),))
            a.purpose = f"{self.year.day} the last unit {n}"
            made.append(("CreateApplication", d.person.slug, message("CreateApplicationRequest", application=a, submit=True)))
        answers = self.calls.all(made)
        won = [x for x in answers if not isinstance(x, Refused)]
        lost = [x for x in answers if isinstance(x, Refused)]
        if len(won) > 1 or any(x.reason != "QUOTA_EXCEEDED" for x in lost):
            raise Contradiction("quotas/" + d.slug + "/" + SCARCE, f"asked for twice: {[str(x) for x in answers]}")
        self.year.count("races")
        for _ in won:
            self.year.count("begun")
