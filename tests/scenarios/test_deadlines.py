#!/usr/bin/python3
"""The golden deadlines (domain, section 4) through `zwy deadline` and over RPC."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import main  # noqa: E402

WORKING_DAYS = (
    ("2024-02-08", 5, "2024-02-21"), ("2024-04-26", 2, "2024-04-29"), ("2024-09-30", 5, "2024-10-12"),
    ("2025-01-24", 5, "2025-02-07"), ("2025-09-26", 3, "2025-09-30"), ("2025-12-31", 3, "2026-01-06"),
    ("2026-02-13", 5, "2026-02-27"), ("2026-10-10", 5, "2026-10-16"), ("2026-10-03", 5, "2026-10-13"),
)
MONTHS = (
    ("2024-11-29", "2025-02-28", "2025-02-08"), ("2024-11-30", "2025-02-28", "2025-02-08"),
    ("2025-07-08", "2025-10-08", "2025-09-11"), ("2025-11-30", "2026-02-28", "2026-02-02"),
)


def deadline(server, *words):
    ran = server.zwy("deadline", *words)
    assert ran.status == 0, ran
    return ran.out.strip()


def test_golden_working_days(server):
    for start, count, end in WORKING_DAYS:
        assert deadline(server, "--from", start, "--working-days", count) == end, (start, count)


def test_golden_months_and_last_days_to_apply_for_an_extension(server):
    for start, end, last in MONTHS:
        assert deadline(server, "--from", start, "--months", 3) == end, start
        assert deadline(server, "--from", end, "--before", 15) == last, end


def test_a_year_that_was_not_imported_makes_it_provisional(server):
    assert deadline(server, "--from", "2026-12-30", "--working-days", 5).endswith(" provisional")
    assert deadline(server, "--from", "2026-11-30", "--months", 3) == "2027-02-28 provisional"


def test_explain_tells_every_day(server):
    said = deadline(server, "--from", "2026-10-03", "--working-days", 5, "--explain").splitlines()
    assert "2026-10-13" in said[0], said
    assert sum("2026-10-10" in line for line in said) == 1, said


def test_hours_are_natural_ones(server):
    assert deadline(server, "--from", "2026-09-30T23:00:00+08:00", "--hours", 4) == "2026-10-01T03:00:00+08:00"
    assert deadline(server, "--from", "2026-10-01", "--hours", 24) == "2026-10-02T00:00:00+08:00"
    assert server.zwy("deadline", "--from", "2026-09-30T23:00:00+08:00", "--months", 1).status == 2


def test_over_rpc(server):
    client = server.client()
    for start, count, end in WORKING_DAYS:
        answer = client.call("ComputeDeadline", **{"from": start, "working_days": count})
        assert (answer.date, answer.provisional) == (end, False), start


def test_bad_dates_are_usage_errors_or_refused(server):
    for words in (("--from", "2026-02-30", "--working-days", "5"), ("--from", "2026-02-01"),
                  ("--from", "2026-02-01", "--working-days", "0"), ("--from", "2026-02-01", "--working-days", "x")):
        ran = server.zwy("deadline", *words)
        assert ran.status in (1, 2) and ran.err, (words, ran)


if __name__ == "__main__":
    main()
