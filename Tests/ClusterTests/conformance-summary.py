#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts what the suite's JUnit reports say, by special interest group, and names what failed and why.

Usage: conformance-summary.py JUNIT...
"""
import collections, re, sys, xml.etree.ElementTree as tree

passed, failed = collections.Counter(), collections.defaultdict(list)
for path in sys.argv[1:]:
    for case in tree.parse(path).getroot().iter("testcase"):
        name = case.get("name")
        group = re.search(r"\[(sig-[a-z-]+)\]", name)
        if case.get("status") == "skipped" or case.find("skipped") is not None or not group:
            continue
        trouble = case.find("failure") if case.find("failure") is not None else case.find("error")
        if trouble is None:
            passed[group[1]] += 1
        else:
            reason = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", trouble.get("message") or trouble.text or "").split())
            failed[group[1]].append((re.sub(r"^\[It\] ", "", name), reason[:300], float(case.get("time") or 0)))

for group in sorted(set(passed) | set(failed)):
    print(f"{group}: {passed[group]} of {passed[group] + len(failed[group])} passed")
print(f"all: {sum(passed.values())} of {sum(passed.values()) + sum(map(len, failed.values()))} passed")
for group in sorted(failed):
    for name, reason, seconds in sorted(failed[group]):
        print(f"\n{name} ({seconds:.0f} s)\n    {reason}")
