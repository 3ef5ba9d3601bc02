"""The province that is played: nodes, their people, departments with systems and quotas.

All of it is made through the public RPCs beside the demonstration data. A person has one
role and a diligence: the chance that he or she does what is to be done on a day."""
import dataclasses
import random

from zwytest import message

PROVINCE, CITY, COUNTY = 1, 2, 3
ROLES = {"ca": 1, "op": 2, "du": 3, "reg": 4, "aud": 5, "sp": 6}
ADMIN = "demo"
DIGEST = "sha256:" + "0123456789abcdef" * 4

# node: region, and whether the demonstration data has its people already
NODES = {"core": ("320000", True), "nanjing": ("320100", True), "suzhou": ("320500", True),
         "wuxi": ("320200", False), "xuzhou": ("320300", False)}
# service: largest quantity of an item, figures of one piece
SERVICES = {
    "cloud-server": (6, {"vcpu": (2, 4, 8, 16), "gib": (4, 8, 16, 32)}),
    "cloud-container": (8, {"vcpu": (1, 2, 4)}),
    "block-storage": (400, {}),
    "object-storage": (900, {}),
    "load-balancer": (2, {}),
    "relational-db": (3, {}),
    "message-queue": (2, {}),
}
SCARCE = "bare-metal"  # a limit of one: the prize of races
AMPLE = "file-storage"  # never runs out: for what must succeed


@dataclasses.dataclass(eq=False)
class Person:
    slug: str
    role: str
    node: str
    department: str
    diligence: float

    @property
    def name(self):
        return "principals/" + self.slug


@dataclasses.dataclass(eq=False)
class Department:
    slug: str
    node: str
    level: int
    region: str
    person: Person
    systems: dict = dataclasses.field(default_factory=dict)  # purpose: slug


class Province:
    def __init__(self, seed, cases):
        self.random = random.Random(f"{seed}/province")
        self.bodies = {}  # (node, role): [Person]
        self.departments = {}
        self.people = {}  # slug: Person
        self.limits = {}  # (quota, dimension): as it was made
        per_node = max(2, min(8, cases // 100))
        for node, (region, known) in NODES.items():
            self._bodies(node, known)
            for n in range(per_node):
                self._department(node, region, n)
        self.share = cases / len(self.departments)

    def _person(self, slug, role, node, department, diligence):
        self.people[slug] = Person(slug, role, node, department, diligence)
        return self.people[slug]

    def _bodies(self, node, known):
        office = "jiangsu" if node == "core" else node
        for role, body in (("ca", "data-bureau"), ("op", "bigdata-centre")):
            slugs = [f"{node}-{role}"] if known else []
            slugs += [f"sim-{node}-{role}-{n}" for n in range(2 - len(slugs))]
            self.bodies[node, role] = [self._person(slug, role, node, f"{office}-{body}", self.random.choice((.45, .6, .8)))
                                       for slug in slugs]

    def _department(self, node, region, n):
        level, slug = (PROVINCE if node == "core" else CITY), f"sim-{node}-{n}"
        if node != "core" and n % 4 == 3:
            level, region = COUNTY, region[:4] + "05"
        person = self._person(slug + "-du", "du", node, slug, self.random.choice((.2, .5, .7, .9)))
        department = Department(slug, node, level, region, person)
        for purpose in ("portal", "records", "permits", "trial", "apart", "rich", "secret"):
            department.systems[purpose] = f"{slug}-{purpose}"
        self.departments[slug] = department

    def responsible(self, role, node, department):
        if role == "du":
            return [self.departments[department].person] if department in self.departments else []
        return self.bodies.get((node, role), [])

    def others(self, role, node):
        """Persons of that role anywhere else."""
        return [p for p in self.people.values() if p.role == role and p.node != node]

    # ---- what has to be there before the year begins -----------------------------------

    def principals(self):
        levels = {d.slug: (d.level, d.region) for d in self.departments.values()}
        for person in self.people.values():
            if not person.slug.startswith("sim-"):
                continue
            region = NODES[person.node][0]
            level, region = levels.get(person.department, (PROVINCE if person.node == "core" else CITY, region))
            yield ADMIN, {"name": person.name, "display_name": person.slug, "roles": [ROLES[person.role]],
                          "organisation": person.department, "level": level, "region": region}

    def department_records(self):
        for d in self.departments.values():
            yield self.bodies[d.node, "ca"][0].slug, {"name": f"departments/{d.slug}", "name_zh": d.slug, "level": d.level,
                                                      "region": d.region}

    def systems(self):
        for d in self.departments.values():
            for purpose, slug in d.systems.items():
                yield d.person.slug, {
                    "name": f"systems/{slug}", "name_zh": slug, "department": d.slug, "funding": 2 if purpose == "rich" else 1,
                    "classified": purpose == "secret", "phase": "developing" if purpose == "trial" else "running",
                    "protection_grade": 2, "party_in_charge": d.slug, "party_building": d.slug, "party_running": d.slug,
                    "party_using": d.slug}

    def quotas(self):
        for who, row in self._quotas():
            self.limits.update({(row["name"], d["name"]): d["limit"] for d in row["dimensions"]})
            yield who, row

    def _quotas(self):
        """Ample for most departments; some come to their limits in the course of the year."""
        for d in self.departments.values():
            room = self.random.choice((.25, .6, 2., 4.)) * max(self.share, 4) / 4
            for service, (most, figures) in SERVICES.items():
                pieces = max(most, int(most * room))
                dimensions = [{"name": "quantity", "limit": pieces}]
                dimensions += [{"name": name, "limit": max(pieces * values[len(values) // 2], most * values[-1])}
                               for name, values in figures.items()]
                yield self.bodies[d.node, "ca"][0].slug, {"name": f"quotas/{d.slug}/{service}", "dimensions": dimensions,
                                                          "reason": "the year's plan"}
            for service, limit in ((SCARCE, 1), (AMPLE, 10 ** 9)):
                yield self.bodies[d.node, "ca"][0].slug, {"name": f"quotas/{d.slug}/{service}",
                                                          "dimensions": [{"name": "quantity", "limit": limit}]}

    def make(self, calls):
        """calls: a Calls. Everything that is made must be taken."""
        for method, field, rows in (("CreatePrincipal", "principal", self.principals()),
                                    ("CreateDepartment", "department", self.department_records()),
                                    ("CreateSystem", "system", self.systems()), ("CreateQuota", "quota", self.quotas())):
            calls.must([(method, who, message(f"{method}Request", **{field: row})) for who, row in rows])
