"""What happens beside the cases in a year: the server stops or is killed and days pass meanwhile,
limits are changed, a city tightens its rules, the calendar of the next year is published, and
the registers of Articles 5, 6 and 9 get their records."""
import datetime

from zwytest import Refused, demo, eventually, message
from kinds import exchange, exemption, forecast, legacy_cloud
from players import Contradiction
from world import AMPLE

IMPORT_FROM = "2026-12-21"
NEXT_YEAR = "2027"
# Invented: the State Council publishes it in the autumn before.
NEXT_DAYS = ([(f"2027-01-0{d}", "holiday") for d in (1, 2, 3)] + [(f"2027-02-{d:02}", "holiday") for d in range(5, 12)] +
             [("2027-02-14", "workday"), ("2027-02-20", "workday"), ("2027-04-05", "holiday"), ("2027-05-03", "holiday"),
              ("2027-06-09", "holiday"), ("2027-10-01", "holiday")])
CITY = "suzhou"
TIGHTER = {"provision.wd": "3", "supplement.wd": "10", "review.target_wd": "4"}


def later(day, days):
    return (datetime.date.fromisoformat(day) + datetime.timedelta(days=days)).isoformat()


class Incidents:
    def __init__(self, year):
        self.year = year
        self.imported = False
        self.number = 0
        self.squeezed = []  # (department, service) whose limit is to be raised again
        days = year.days
        # On which days of the year.
        self.plan = {}
        for share, what in ((.06, self.registers), (.1, self.stop), (.2, self.registers), (.25, self.squeeze), (.3, self.kill),
                            (.4, self.release), (.45, self.registers), (.5, self.tighten), (.55, self.stop), (.6, self.squeeze),
                            (.68, self.kill), (.7, self.registers), (.75, self.release), (.85, self.stop), (.95, self.kill)):
            self.plan.setdefault(int(share * days), []).append(what)

    def of(self, number):
        for what in self.plan.get(number, ()):
            what()
        if self.year.day[5:7] in ("09", "10", "11", "12") and number % 4 == 0:
            self.forecasts()
        if not self.imported and self.year.day >= IMPORT_FROM:
            self.import_calendar()

    # ---- the server goes away ---------------------------------------------------------------------

    def _away(self):
        """Days pass while nobody is there; the clocks of those days fire when it is back."""
        r = self.year.players.draw("away")
        day = self.year.day
        for _ in range(r.choice((1, 2, 4, 8))):
            day = later(day, 1)
        self.year.server._write_clock(f"{day}T09:30:00+08:00")  # pylint: disable=protected-access
        self.year.server.start()
        self.year.calls.connect()
        self.year.set_clock(day, "09:30:00")

    def stop(self):
        self.year.count("stops")
        assert self.year.server.stop() == 0, self.year.server.log_text()
        self._away()

    def kill(self):
        """In the middle of submissions. What was acknowledged is there; what was not is sent again, and is there once."""
        year, calls = self.year, self.year.calls
        year.count("kills")
        r = year.players.draw("kill")
        wanted = []
        for n in range(24):
            d = r.choice(list(year.province.departments.values()))
            made = demo.application(system=d.systems["portal"], items=((AMPLE, 1),))
            made.purpose = f"{year.day} killed {n}"
            wanted.append(("CreateApplication", d.person.slug, message(
                "CreateApplicationRequest", application=made, submit=r.random() < .5, request_id=f"kill-{year.day}-{n}")))
        futures = [calls.send(call) for call in wanted]
        calls.answer(futures[r.randrange(len(futures))])
        year.server.kill()
        first = [calls.answer(f) for f in futures]
        for client in year.server._clients:  # pylint: disable=protected-access
            client.close()
        self._away()
        for call, before, after in zip(wanted, first, year.calls.all(wanted)):
            if isinstance(after, Refused):
                raise Contradiction(call[2].application.purpose, f"after the kill: {after}; before: {before}")
            if not isinstance(before, Refused) and before.name != after.name:
                raise Contradiction(before.name, f"acknowledged, but after the kill it is {after.name}")
            year.count("begun")

    # ---- limits and rules ---------------------------------------------------------------------------

    def _limit(self, quota, limit, reason):
        authority = self.year.province.bodies[quota.node, "ca"][0].slug
        request = message("UpdateQuotaRequest", quota={"name": quota.name, "reason": reason})
        for d in quota.dimensions:
            request.quota.dimensions.add(name=d.name, limit=limit if d.name == "quantity" else d.limit, unlimited=d.unlimited)
        request.update_mask.paths.extend(["dimensions", "reason"])
        self.year.calls.must([("UpdateQuota", authority, request)])

    def squeeze(self):
        """Below what is in use: nothing is taken away, growth is refused."""
        year = self.year
        used = [q for q in year.calls.list("ListQuotas", "core-ca") if q.department in year.province.departments
                and not q.name.endswith(AMPLE) and next(d for d in q.dimensions if d.name == "quantity").committed > 1]
        for q in year.players.draw("squeeze").sample(used, min(3, len(used))):
            d = next(d for d in q.dimensions if d.name == "quantity")
            self._limit(q, d.committed // 2, "less money")
            made = demo.application(system=year.province.departments[q.department].systems["portal"],
                                    items=((q.name.rpartition("/")[2], 1),))
            made.purpose = "beyond the limit"
            answer = year.calls.all([("CreateApplication", year.province.departments[q.department].person.slug, message(
                "CreateApplicationRequest", application=made, submit=True))])[0]
            if not isinstance(answer, Refused) or answer.reason != "QUOTA_EXCEEDED":
                raise Contradiction(q.name, f"its limit lies below its use, and more was given: {answer}")
            year.count("forbidden", answer.reason)
            self.squeezed.append(q.name)

    def release(self):
        for name in self.squeezed:
            q = self.year.calls.one("GetQuota", "core-ca", name=name)
            d = next(d for d in q.dimensions if d.name == "quantity")
            self._limit(q, 2 * (d.committed + d.reserved) + 8, "more money")
        self.squeezed = []

    def tighten(self):
        """A city's own rules: for what is handed in from now on; a loosening is refused."""
        who = self.year.province.bodies[CITY, "ca"][0].slug
        for key, value in TIGHTER.items():
            self.year.calls.must([("CreateNodeParameter", who, message("CreateNodeParameterRequest", node_parameter={
                "name": f"nodes/{CITY}/parameters/{key}", "value": value, "basis": "实施细则第八条", "reason": "试点"}))])
        answer = self.year.calls.all([("CreateNodeParameter", who, message("CreateNodeParameterRequest", node_parameter={
            "name": f"nodes/{CITY}/parameters/accept.target_wd", "value": "30", "basis": "实施细则第九条"}))])[0]
        if not isinstance(answer, Refused) or answer.reason != "RULE_LOOSENED":
            raise Contradiction(f"nodes/{CITY}", f"a city loosened a rule: {answer}")
        self.year.count("forbidden", answer.reason)

    def import_calendar(self):
        """Every clock that runs into the next year is computed again, with an event."""
        year, self.imported = self.year, True
        filed = year.calls.must([self._returned_case()])[0]
        authority = year.province.bodies[filed.node, "ca"][0].slug
        year.calls.must([("ApplicationService.Act", authority, message("ActRequest", name=filed.name, action="return_incomplete",
                                                                       form={"reason": "a page is missing"}))])
        year.open_records()
        provisional = {(a.name, c.term) for a in year.open for c in a.clocks if c.provisional and not c.HasField("stop_time")}
        if (filed.name, "supplement") not in provisional:
            raise Contradiction(filed.name, "its term ends in a year that is not known, and is not provisional")
        year.calls.must([("CreateCalendarYear", "demo", message("CreateCalendarYearRequest", calendar_year={
            "name": f"calendar/{NEXT_YEAR}", "source": "invented for this",
            "days": [{"date": date, "kind": kind, "name": kind} for date, kind in NEXT_DAYS]}))])

        def left():
            year.open_records()
            return [a.name for a in year.open for c in a.clocks if c.provisional and not c.HasField("stop_time")
                    and c.due_date[:4] <= NEXT_YEAR]
        eventually(lambda: not left(), "clocks to be computed again")
        for name, term in provisional:
            events = [e for e in year.calls.list("ListEvents", "core-ca", parent=name)
                      if e.action == "recompute" and e.comment.startswith(term + ":")]
            if len(events) != 1:
                raise Contradiction(name, f"{len(events)} events tell that {term} was computed again")
        year.count("recomputed")

    def _returned_case(self):
        d = next(iter(self.year.province.departments.values()))
        made = demo.application(system=d.systems["portal"], items=((AMPLE, 1),))
        made.purpose = f"{self.year.day} over the year's end"
        return "CreateApplication", d.person.slug, message("CreateApplicationRequest", application=made, submit=True)

    # ---- the registers -----------------------------------------------------------------------------------

    def registers(self):
        year, calls = self.year, []
        r = year.players.draw("registers")
        for d in r.sample(list(year.province.departments.values()), min(6, len(year.province.departments))):
            self.number += 1
            n = f"{self.number}"
            made = [legacy_cloud(d, r, n, later(year.day, r.randint(20, 120))), exchange(d, r, n, later(year.day, 150))]
            if not year.calls.one("GetSystem", d.person.slug, name="systems/" + d.systems["apart"]).exemption:
                made.append(exemption(d, r, n))
            calls += [(method, d.person.slug, message(method + "Request", **fields)) for method, fields in made]
        year.calls.must(calls)

    def forecasts(self):
        """Of next year: too early, in the window, late; and those that are to be adjusted are changed."""
        year = self.year
        r = year.players.draw("forecasts")
        wanted = str(int(year.day[:4]) + 1)
        d = r.choice(list(year.province.departments.values()))
        there = year.forecasts.get(f"forecasts/{d.slug}/{wanted}")
        if not there:
            year.calls.must([("CreateForecast", d.person.slug, message("CreateForecastRequest", **forecast(d, r, wanted)))])
        for f in year.forecasts.values():
            if f.state == "opinion_adjust" and r.random() < .5:
                d = year.province.departments[f.department]
                request = message("UpdateForecastRequest", **forecast(d, r, f.year))
                request.update_mask.paths.append("items")
                year.calls.must([("UpdateForecast", d.person.slug, request)])
