"""Runs cases against a gateway, one for each line on standard input, and answers each with a line of JSON.

main.py --list VERSION       the cases for a version of the client
main.py VERSION BASE_URL     runs them, by the number that --list gave
"""

import faulthandler
import importlib
import json
import pathlib
import sys
import traceback

from cases import Box, cases_for

for module in sorted(pathlib.Path(__file__).parent.glob("*_cases.py")):
    importlib.import_module(module.stem)


def main(argv):
    if argv[0] == "--list":
        print(json.dumps([{"group": one.group, "promise": one.promise} for one in cases_for(argv[1])]))
        return
    version, base_url = argv
    faulthandler.enable()
    box = Box(version, base_url)
    cases = cases_for(version)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps(outcome(cases[int(line)], box)), flush=True)


def outcome(case, box):
    try:
        case.run(box)
        return {"passed": True}
    except Exception:
        return {"passed": False, "error": traceback.format_exc(limit=-6)}


main(sys.argv[1:])
