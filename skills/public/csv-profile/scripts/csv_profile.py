#!/usr/bin/env python3
"""Profiles a CSV file: rows, columns, types, missing values, ranges, most frequent values.

Reads the file once, row by row; memory is bounded by the number of columns, not of rows.
"""

import argparse
import csv
import json
import math
import re
import sys
from collections import Counter
from datetime import date, datetime

MISSING = {"", "na", "n/a", "nan", "null", "none", "-"}
BOOLEANS = {"true", "false", "yes", "no"}
INTEGER = re.compile(r"[+-]?\d{1,300}")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?")

# Values beyond this many different ones are no longer counted one by one.
DISTINCT_LIMIT = 10_000
# Longer values are cut where they are shown, and counted as what is shown.
SHOWN_LENGTH = 60
SAMPLE_BYTES = 64 * 1024


class Column:
    """What is known of one column so far."""

    def __init__(self, name):
        self.name = name
        self.missing = 0
        self.kinds = Counter()
        self.values = Counter()
        self.more_values = False
        self.lowest = {}
        self.highest = {}
        self.numbers = 0
        self.mean = 0.0

    def add(self, field):
        text = field.strip()
        if text.lower() in MISSING:
            self.missing += 1
            return
        kind, value = classify(text)
        self.kinds[kind] += 1
        # Integers and other numbers are compared with each other, and everything as text in case the kinds are mixed.
        scale = "number" if kind == "integer" else kind
        self.widen(scale, value)
        if scale != "text":
            self.widen("text", text)
        if scale == "number":
            # A running mean: the sum of many large numbers would lose digits or overflow.
            self.numbers += 1
            self.mean += (float(value) - self.mean) / self.numbers
        shown = shorten(text)
        if shown in self.values or len(self.values) < DISTINCT_LIMIT:
            self.values[shown] += 1
        else:
            self.more_values = True

    def widen(self, scale, value):
        if scale not in self.lowest or value < self.lowest[scale]:
            self.lowest[scale] = value
        if scale not in self.highest or value > self.highest[scale]:
            self.highest[scale] = value

    @property
    def type(self):
        """The one type that fits all values."""
        kinds = set(self.kinds)
        if not kinds:
            return "empty"
        if kinds == {"integer"}:
            return "integer"
        if kinds <= {"integer", "number"}:
            return "number"
        return kinds.pop() if len(kinds) == 1 else "text"

    def summary(self, top):
        type_ = self.type
        result = {
            "name": self.name,
            "type": type_,
            "missing": self.missing,
            "distinct": len(self.values),
            "distinct_is_complete": not self.more_values,
        }
        if type_ in ("integer", "number"):
            result["min"] = self.lowest["number"]
            result["max"] = self.highest["number"]
            result["mean"] = self.mean
        elif type_ == "date":
            # The zone is for comparing; what a person sees is the value as it stood in the file.
            result["min"] = self.lowest["date"][1]
            result["max"] = self.highest["date"][1]
        elif type_ == "text":
            result["min"] = shorten(self.lowest["text"])
            result["max"] = shorten(self.highest["text"])
        result["top"] = [{"value": v, "count": n} for v, n in self.values.most_common(top)]
        return result


def classify(text):
    """The kind of one value, and the value in a form that can be compared within its kind."""
    if INTEGER.fullmatch(text) and text.isascii():
        # 007 and +49 are codes, not counts.
        if len(text.lstrip("+-")) == 1 or not text.lstrip("+-").startswith("0"):
            return "integer", int(text)
        return "text", text
    if NUMBER.fullmatch(text) and text.isascii():
        value = float(text)
        return ("number", value) if math.isfinite(value) else ("text", text)
    if DATE.fullmatch(text):
        moment = parse_date(text)
        if moment is not None:
            return "date", (moment, text)
    if text.lower() in BOOLEANS:
        return "boolean", text.lower()
    return "text", text


def parse_date(text):
    """Seconds since the year 1, or None for what only looks like a date."""
    try:
        if len(text) == 10:
            moment = datetime.combine(date.fromisoformat(text), datetime.min.time())
        else:
            moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    seconds = (moment.replace(tzinfo=None) - datetime.min).total_seconds()
    return seconds - (moment.utcoffset().total_seconds() if moment.utcoffset() is not None else 0)


def shorten(text):
    return text if len(text) <= SHOWN_LENGTH else text[: SHOWN_LENGTH - 1] + "…"


def profile(file, delimiter, has_header, top):
    """Profiles an open text file, whose lines may end in any way."""
    if delimiter is None:
        delimiter = guess_delimiter(file.read(SAMPLE_BYTES))
        file.seek(0)
    csv.field_size_limit(2**31 - 1)
    # A lone NUL byte is rubbish that the parser of older Pythons refuses.
    rows = csv.reader((line.replace("\0", "") for line in file), delimiter=delimiter)
    columns = None
    count = uneven = 0
    for row in rows:
        if not row:
            continue
        if columns is None:
            names = row if has_header else [f"column_{i}" for i in range(1, len(row) + 1)]
            columns = [Column(name.strip() or f"column_{i}") for i, name in enumerate(names, 1)]
            if has_header:
                continue
        count += 1
        if len(row) != len(columns):
            uneven += 1
        for i, column in enumerate(columns):
            column.add(row[i] if i < len(row) else "")
    return {
        "delimiter": delimiter,
        "rows": count,
        "uneven_rows": uneven,
        "columns": [column.summary(top) for column in columns or []],
    }


def guess_delimiter(sample):
    """The delimiter that splits the most of the first lines into the same number of fields, more than one."""
    lines = [line for line in sample.splitlines()[:50] if line.strip()]
    best = (0, 0, ",")
    for position, delimiter in enumerate(",;\t|"):
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter))
        width, agreeing = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        if width > 1:
            best = max(best, (agreeing, -position, delimiter))
    return best[2]


def render(result):
    """The profile as text for a reader."""
    names = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
    delimiter = names.get(result["delimiter"], repr(result["delimiter"]))
    lines = [
        f"{result['rows']} rows, {len(result['columns'])} columns, "
        f"delimiter {delimiter}, uneven rows {result['uneven_rows']}"
    ]
    for column in result["columns"]:
        distinct = f"{column['distinct']}{'' if column['distinct_is_complete'] else '+'}"
        parts = [f"missing {column['missing']}", f"distinct {distinct}"]
        for key in ("min", "max", "mean"):
            if key in column:
                value = column[key]
                parts.append(f"{key} {format(value, '.6g') if isinstance(value, float) else shorten(str(value))}")
        top = ", ".join(f"{entry['value']} ({entry['count']})" for entry in column["top"])
        lines += ["", f"{column['name']}: {column['type']}", f"  {', '.join(parts)}"]
        if top:
            lines.append(f"  most frequent: {top}")
    return "\n".join(lines)


def delimiter_of(text):
    if text in ("tab", "\\t"):
        return "\t"
    if len(text) != 1 or text in '"\r\n':
        raise argparse.ArgumentTypeError("must be one character, or tab")
    return text


def positive(text):
    if not text.isdecimal():
        raise argparse.ArgumentTypeError("must be a whole number from 0 on")
    return int(text)


def main():
    parser = argparse.ArgumentParser(description="Describe the columns of a CSV file.")
    parser.add_argument("file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--top", type=positive, default=5, help="how many frequent values to show (5)")
    parser.add_argument("--delimiter", type=delimiter_of, help="by default guessed; tab for a tab")
    parser.add_argument("--no-header", action="store_true", help="the first row is data")
    parser.add_argument("--encoding", default="utf-8-sig", help="by default UTF-8, with or without a byte order mark")
    args = parser.parse_args()
    # Output may hold anything that the file holds, whatever the terminal's own encoding is.
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    try:
        with open(args.file, encoding=args.encoding, newline="") as file:
            result = profile(file, args.delimiter, not args.no_header, args.top)
    except (OSError, LookupError, csv.Error) as error:
        sys.exit(f"error: {error}")
    except UnicodeDecodeError as error:
        sys.exit(f"error: {args.file} is not {error.encoding} at byte {error.start}; try --encoding latin-1")
    print(json.dumps(result, ensure_ascii=False, indent=2) if args.json else render(result))


if __name__ == "__main__":
    main()
