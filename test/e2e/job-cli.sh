#!/bin/sh
# A small real job with nothing but paddock: two conversations at once each write a CSV of 100,000 rows, analyse it with Python,
# change the script, run it again and read the result; then neither can see the other's files, processes or environment.
#
#   PADDOCK_URL=http://127.0.0.1:8080 sh job-cli.sh ./paddock
set -eu
paddock=${1:-paddock}
workspace=/mnt/user-data/workspace
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

cat >"$folder/make.py" <<'PY'
import csv, random, sys
random.seed(int(sys.argv[1]))
with open('sales.csv', 'w', newline='') as f:
    out = csv.writer(f)
    out.writerow(['id', 'region', 'amount'])
    for i in range(100_000):
        out.writerow([i, random.choice(['north', 'south']), random.randint(1, 1000)])
PY
cat >"$folder/analyse.py" <<'PY'
import csv
rows = [row for row in csv.DictReader(open('sales.csv')) if row['region'] in ('north', 'south')]
print(len(rows), sum(int(row['amount']) for row in rows))
PY

job() {
  "$paddock" create "$1" >/dev/null
  "$paddock" cp "$folder/make.py" "$1:"
  "$paddock" cp "$folder/analyse.py" "$1:"
  "$paddock" exec "$1" -- python3 make.py "$2"
  "$paddock" exec "$1" -- bash -c 'python3 analyse.py > /mnt/user-data/outputs/whole.txt'
  sed "s/ in ('north', 'south')/ == 'north'/" "$folder/analyse.py" |
    "$paddock" exec "$1" -- bash -c 'cat > analyse.py && python3 analyse.py > /mnt/user-data/outputs/north.txt'
  "$paddock" cp "$1:/mnt/user-data/outputs" "$folder/$1"
}

job one 1 &
first=$!
job two 2 &
second=$!
wait "$first" || fail 'the first conversation'
wait "$second" || fail 'the second conversation'

for conversation in one two; do
  read -r rows total <"$folder/$conversation/whole.txt"
  read -r north_rows north_total <"$folder/$conversation/north.txt"
  [ "$rows" -eq 100000 ] || fail "$conversation has $rows rows"
  if [ "$north_rows" -lt 40000 ] || [ "$north_rows" -gt 60000 ]; then
    fail "$conversation has $north_rows rows in the north"
  fi
  [ "$north_total" -lt "$total" ] || fail "$conversation: $north_total of $total in the north"
done
cmp -s "$folder/one/whole.txt" "$folder/two/whole.txt" && fail 'both have the same result'

# What the agent finds: the skills, which it can use and cannot change.
"$paddock" exec one -- python3 /mnt/skills/public/csv-profile/scripts/csv_profile.py sales.csv | grep -q amount ||
  fail 'the skill'
if "$paddock" exec one -- touch /mnt/skills/x 2>/dev/null; then fail 'the skills can be changed'; fi

# What the one has, the other does not see.
"$paddock" exec one -- bash -c 'echo mine > mine.txt; MARKER=of-the-first setsid sleep 4711s > /dev/null 2>&1 & true'
if "$paddock" exec two -- test -e "$workspace/mine.txt"; then fail 'the second sees the files of the first'; fi
"$paddock" exec two -- bash -c 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2> /dev/null; true' |
  tr -c '[:print:]' ' ' >"$folder/seen"
if grep -q -e 4711s -e of-the-first "$folder/seen"; then fail 'the second sees the processes of the first'; fi
grep -q SANDBOX_ID=two "$folder/seen" || fail 'the second does not see its own'

"$paddock" rm one two
[ -z "$("$paddock" ls --all --quiet)" ] || fail 'a sandbox is left'
echo 'done'
