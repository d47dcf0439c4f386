"""Counts the reversals of an ODIN file, without Kitbag. Prints the JSON that the demo must equal.

Usage: recount_odin.py FILE.csv > EXPECTED.json
Codes and rules: cli/data/odin.toml, tests/fixtures/README.md.
"""

import collections
import csv
import datetime
import json
import sys

GENDER = {"Male": "man", "Female": "woman", "Unknown": "unknown"}
OUTCOME = {"Y": "survived", "N": "died", "U": "unknown"}
RESPONSE = {
    "<1 MINUTE": "under_1",
    "1-3 MINUTES": "1_3",
    "3-5 MINUTES": "3_5",
    ">5 MINUTES": "over_5",
    "DID NOT WORK": "no_response",
    "DON'T KNOW": "unknown",
}


def age(text):
    low, _, high = text.partition(" - ")
    return f"{low}_plus" if high == "*" else f"{low}_{high}"


def main():
    with open(sys.argv[1], encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        rows = list(reader)
    counts = collections.defaultdict(collections.Counter)
    refused = collections.Counter()
    for cells in rows:
        if len(cells) != len(header):
            refused["unreadable"] += 1
            continue
        row = dict(zip(header, cells))
        given = row["naloxone_administered"]
        if given == "N":
            refused["naloxone_not_given"] += 1
            continue
        if given != "Y":
            refused["unreadable"] += 1
            continue
        try:
            date = datetime.date.fromisoformat(row["incident_date"])
            datetime.time.fromisoformat(row["incident_time"])
            assert row["county"]
        except (ValueError, AssertionError):
            refused["invalid"] += 1
            continue
        month, quarter = f"{date:%Y-%m}", f"{date:%Y}-Q{(date.month + 2) // 3}"
        outcome = OUTCOME.get(row["survive"], row["survive"])
        counts["by_month"][month] += 1
        counts["by_outcome"][outcome] += 1
        counts["by_month_outcome"][f"{month} {outcome}"] += 1
        counts["by_site"][row["county"]] += 1
        counts["by_gender"][GENDER.get(row["gender"], row["gender"])] += 1
        counts["by_age_band"][age(row["age_range"])] += 1
        counts["by_quarter_site"][f"{quarter} {row['county']}"] += 1
        if row["response_time"] != "NA":
            counts["by_response_minutes"][RESPONSE[row["response_time"]]] += 1
        for drug in filter(None, row["suspected_drugs"].split(";")):
            counts["by_substance"][drug] += 1
    outcomes = counts["by_outcome"]
    expected = {
        "rows": len(rows),
        "reversals": sum(counts["by_month"].values()),
        "refused": dict(sorted(refused.items())),
        **{name: dict(sorted(of.items())) for name, of in sorted(counts.items())},
        "survival": round(
            outcomes["survived"] / (outcomes["survived"] + outcomes["died"]), 4
        ),
    }
    json.dump(expected, sys.stdout, indent=1)
    print()


main()
