#!/usr/bin/python3
"""A province's registers as files to import: departments, systems, quotas.

    bulk.py DIR [--seed N] [--departments N] [--systems N] [--quotas N] [--form csv|jsonl]

Writes the files and DIR/plan: a line for each, in the order in which they can be
imported: principal, collection, file. The demonstration data must be there already.
Who may write what: departments and quotas the competent authority of each node, systems
the department that they belong to. The same seed and sizes give the same bytes."""
import argparse
import csv
import json
import pathlib
import random

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROVINCE = (22_600, 7_300, 1_000_000)
ADMIN, PROVINCE_CA = "principals/demo", "principals/core-ca"
DEPARTMENTS_WITH_SYSTEMS = 60

# node, name, code, districts and counties
CITIES = (
    ("nanjing", "南京市", "3201", 11), ("wuxi", "无锡市", "3202", 7), ("xuzhou", "徐州市", "3203", 10),
    ("changzhou", "常州市", "3204", 6), ("suzhou", "苏州市", "3205", 9), ("nantong", "南通市", "3206", 7),
    ("lianyungang", "连云港市", "3207", 6), ("huaian", "淮安市", "3208", 7), ("yancheng", "盐城市", "3209", 9),
    ("yangzhou", "扬州市", "3210", 6), ("zhenjiang", "镇江市", "3211", 6), ("taizhou", "泰州市", "3212", 6),
    ("suqian", "宿迁市", "3213", 5))
FIELDS = (
    ("finance", "财政"), ("education", "教育"), ("health", "卫生健康"), ("civil-affairs", "民政"), ("transport", "交通运输"),
    ("housing", "住房和城乡建设"), ("natural-resources", "自然资源"), ("environment", "生态环境"), ("water", "水利"),
    ("agriculture", "农业农村"), ("commerce", "商务"), ("culture-tourism", "文化和旅游"), ("emergency", "应急管理"),
    ("audit", "审计"), ("market", "市场监督管理"), ("statistics", "统计"), ("medical-insurance", "医疗保障"),
    ("human-resources", "人力资源和社会保障"), ("justice", "司法"), ("industry", "工业和信息化"), ("science", "科学技术"),
    ("veterans", "退役军人事务"), ("sports", "体育"), ("forestry", "林业"), ("petitions", "信访"), ("archives", "档案"),
    ("planning", "发展和改革"), ("state-assets", "国有资产监督管理"), ("public-security", "公安"), ("urban-management", "城市管理"),
    ("food-reserves", "粮食和物资储备"), ("government-services", "政务服务管理"), ("ethnic-affairs", "民族宗教事务"))
UNITS = (("bureau", "局"), ("information-centre", "局信息中心"), ("service-centre", "局服务中心"), ("inspection", "局执法支队"),
         ("training", "局培训中心"), ("research", "局研究所"), ("archive", "局档案馆"), ("logistics", "局保障中心"))
SYSTEMS = (("portal", "服务门户"), ("permits", "行政许可系统"), ("records", "档案管理系统"), ("reporting", "统计直报系统"),
           ("monitoring", "监测预警平台"), ("analysis", "数据分析平台"), ("payments", "收费支付系统"), ("inspection", "执法办案系统"))
NEW_SERVICES = (("provincial-gis", "全省地理信息服务"), ("provincial-notary", "全省电子存证服务"))


def _places():
    """Every unit's place: node, slug, name, level, code. The province's, the cities', the counties'."""
    yield "core", "js", "江苏省", "province", "320000"
    for node, name, code, count in CITIES:
        yield node, node, name, "city", code + "00"
        for n in range(1, count + 1):
            yield node, f"{node}-{n:02}", f"{name}第{n}区县", "county", f"{code}{n:02}"


def departments(count):
    """Place by place and field by field, so that every place has its first offices before its third."""
    places, made, round_ = list(_places()), 0, 0
    while True:
        for unit, unit_zh in UNITS:
            for field, field_zh in FIELDS:
                for node, place, place_zh, level, region in places:
                    if made == count:
                        return
                    made += 1
                    more = f"-{round_ + 1}" if round_ else ""
                    more_zh = f"(第{round_ + 1}分部)" if round_ else ""
                    yield node, {"slug": f"{place}-{field}-{unit}{more}", "name-zh": place_zh + field_zh + unit_zh + more_zh,
                                 "level": level, "region": region}
        round_ += 1


def systems(random_, owners, count):
    for n in range(count):
        owner = owners[n % len(owners)]
        kind, kind_zh = SYSTEMS[n // len(owners) % len(SYSTEMS)]
        yield owner["slug"], {
            "slug": f"{owner['slug']}-{kind}-{n // len(owners) + 1}"[-63:].lstrip("-"), "name-zh": owner["name-zh"] + kind_zh,
            "department": owner["slug"], "funding": random_.choice(("fiscal", "fiscal", "other")),
            "phase": random_.choice(("planned", "developing", "running", "running")),
            "protection-grade": random_.randint(1, 4), "party-in-charge": owner["slug"]}


def services():
    """slug and dimensions of each, as the catalogue has them, and the new ones."""
    with open(ROOT / "server/data/catalogue.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield row["slug"], [row[f"dimensions.{n}.name"] for n in (1, 2) if row[f"dimensions.{n}.name"]]
    for slug, _ in NEW_SERVICES:
        yield slug, []


def quotas(random_, slugs, count):
    known, made = list(services()), 0
    for slug in slugs:
        for service, dimensions in known:
            if made == count:
                return
            made += 1
            row = {"name": f"quotas/{slug}/{service}"}
            for n, dimension in enumerate(("quantity", *dimensions), 1):
                row[f"dimensions.{n}.name"], row[f"dimensions.{n}.limit"] = dimension, random_.randint(1, 500) * 4
            yield row


class Writer:
    """Files by collection and owner, each begun when its first row comes; the plan in that order."""

    def __init__(self, directory, form):
        self.directory, self.form, self.files, self.plan = pathlib.Path(directory), form, {}, []
        self.directory.mkdir(parents=True, exist_ok=True)

    def add(self, principal, collection, owner, columns, row):
        key = (collection, owner)
        if key not in self.files:
            path = self.directory / f"{collection}-{owner}.{self.form}"
            self.files[key] = open(path, "w", encoding="utf-8", newline="\n")
            self.plan.append((principal, collection, path.name))
            if self.form == "csv":
                self.files[key].write(",".join(columns) + "\n")
        if self.form == "csv":
            self.files[key].write(",".join(str(row.get(column, "")) for column in columns) + "\n")
        else:
            self.files[key].write(json.dumps(as_json(collection, row), ensure_ascii=False) + "\n")

    def close(self):
        for file in self.files.values():
            file.close()
        (self.directory / "plan").write_text("".join(" ".join(line) + "\n" for line in self.plan))


def as_json(collection, row):
    """A row as the record's JSON."""
    made = {}
    for column, value in row.items():
        words = column.replace("-", "_").split(".")
        if column == "slug":
            made["name"] = f"{collection}/{value}"
        elif column == "roles":
            made["roles"] = ["ROLE_" + value.upper()]
        elif column == "level":
            made["level"] = "LEVEL_" + value.upper()
        elif len(words) == 3:
            elements = made.setdefault(words[0], [])
            while len(elements) < int(words[1]):
                elements.append({})
            elements[int(words[1]) - 1][words[2]] = value
        else:
            made[words[0]] = value
    return made


PRINCIPAL = ("slug", "display-name", "roles", "organisation", "level", "region")
SERVICE = ("slug", "layer", "subcategory", "name-zh", "requirement", "unit")
DEPARTMENT = ("slug", "name-zh", "level", "region")
SYSTEM = ("slug", "name-zh", "department", "funding", "phase", "protection-grade", "party-in-charge")
QUOTA = ("name", *(f"dimensions.{n}.{key}" for n in (1, 2, 3) for key in ("name", "limit")))


def authority_of(node):
    return f"principals/{node}-ca"


def write(directory, seed=1, department_count=PROVINCE[0], system_count=PROVINCE[1], quota_count=PROVINCE[2], form="csv"):
    """All of it; returns the plan as [(principal, collection, path)]."""
    random_ = random.Random(seed)
    out = Writer(directory, form)
    every = list(departments(department_count))
    owners = [d for _, d in every[:DEPARTMENTS_WITH_SYSTEMS]] if system_count else []
    for slug, name in NEW_SERVICES:
        out.add(PROVINCE_CA, "catalogue", "new", SERVICE, {
            "slug": slug, "layer": "paas", "subcategory": "data", "name-zh": name, "requirement": "optional", "unit": "套·月"})
    for node, name, code, _ in CITIES:
        if node not in ("nanjing", "suzhou"):
            out.add(ADMIN, "principals", "new", PRINCIPAL, {
                "slug": f"{node}-ca", "display-name": f"{name}数据局", "roles": "ca", "organisation": f"{node}-data-bureau",
                "level": "city", "region": code + "00"})
    for owner in owners:
        out.add(ADMIN, "principals", "new", PRINCIPAL, {
            "slug": f"{owner['slug']}-du"[:63], "display-name": owner["name-zh"], "roles": "du", "organisation": owner["slug"],
            "level": owner["level"], "region": owner["region"]})
    at = {}
    for node, department in every:
        at.setdefault(node, []).append(department["slug"])
        out.add(authority_of(node), "departments", node, DEPARTMENT, department)
    for owner, row in systems(random_, owners, system_count):
        out.add(f"principals/{owner}-du"[:74], "systems", owner, SYSTEM, row)
    left, departments_left = quota_count, len(every)
    for node, slugs in at.items():
        share = left * len(slugs) // departments_left
        for row in quotas(random_, slugs, share):
            out.add(authority_of(node), "quotas", node, QUOTA, row)
        left, departments_left = left - share, departments_left - len(slugs)
    out.close()
    return [(who, collection, str(out.directory / name)) for who, collection, name in out.plan]


def bring_in(server, plan):
    """Imports everything in turn: collection, path, and what zwy said of each."""
    for who, collection, path in plan:
        ran = server.zwy("import", collection, path, as_=who, timeout=600)
        assert ran.status == 0, (path, ran)
        yield collection, path, ran


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--departments", type=int, default=PROVINCE[0])
    parser.add_argument("--systems", type=int, default=PROVINCE[1])
    parser.add_argument("--quotas", type=int, default=PROVINCE[2])
    parser.add_argument("--form", choices=("csv", "jsonl"), default="csv")
    given = parser.parse_args()
    for line in write(given.directory, given.seed, given.departments, given.systems, given.quotas, given.form):
        print(*line)


if __name__ == "__main__":
    main()
