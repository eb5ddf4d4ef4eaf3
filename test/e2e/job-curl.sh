#!/bin/sh
# A small real job with nothing but curl: two conversations at once each write a CSV of 100,000 rows, analyse it with Python,
# change the script, run it again and read the result; then neither can see the other's files, processes or environment.
#
#   PADDOCK_URL=http://127.0.0.1:8080 sh job-curl.sh
set -eu
url=${PADDOCK_URL:-http://127.0.0.1:8080}
workspace=/mnt/user-data/workspace
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

# ask CONVERSATION PATH [curl's arguments]: a request to the sandbox of a conversation, which is made when it is first used.
ask() {
  conversation=$1 path=$2
  shift 2
  curl --silent --show-error --fail-with-body --header "X-Sandbox-Id: $conversation" "$@" "$url$path"
}

# shell CONVERSATION COMMAND: prints the answer; the command must end with 0. It holds no double quote and no backslash.
shell() {
  answer=$(ask "$1" /v1/shell/exec --json "{\"command\": \"$2\"}") || fail "$2: $answer"
  case $answer in
    *'"status":"completed"'*'"exit_code":0'* | *'"exit_code":0'*'"status":"completed"'*) printf '%s\n' "$answer" ;;
    *) fail "$2: $answer" ;;
  esac
}

put() { ask "$1" /v1/file/upload --form "path=$2" --form "file=@$3" >/dev/null; }
get() { ask "$1" /v1/file/download --get --data-urlencode "path=$2"; }

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
with open('/mnt/user-data/outputs/result.txt', 'w') as f:
    print(len(rows), sum(int(row['amount']) for row in rows), file=f)
PY
sed "s/ in ('north', 'south')/ == 'north'/" "$folder/analyse.py" >"$folder/changed.py"

job() {
  put "$1" "$workspace/make.py" "$folder/make.py"
  put "$1" "$workspace/analyse.py" "$folder/analyse.py"
  shell "$1" "cd $workspace && python3 make.py $2 && python3 analyse.py" >/dev/null
  get "$1" /mnt/user-data/outputs/result.txt >"$folder/$1.whole"
  put "$1" "$workspace/analyse.py" "$folder/changed.py"
  shell "$1" 'python3 analyse.py' >/dev/null
  get "$1" /mnt/user-data/outputs/result.txt >"$folder/$1.north"
}

job one 1 &
first=$!
job two 2 &
second=$!
wait "$first" || fail 'the first conversation'
wait "$second" || fail 'the second conversation'

for conversation in one two; do
  read -r rows total <"$folder/$conversation.whole"
  read -r north_rows north_total <"$folder/$conversation.north"
  [ "$rows" -eq 100000 ] || fail "$conversation has $rows rows"
  if [ "$north_rows" -lt 40000 ] || [ "$north_rows" -gt 60000 ]; then
    fail "$conversation has $north_rows rows in the north"
  fi
  [ "$north_total" -lt "$total" ] || fail "$conversation: $north_total of $total in the north"
done
cmp -s "$folder/one.whole" "$folder/two.whole" && fail 'both have the same result'

# What the agent finds: the skills, which it can use and cannot change.
shell one 'python3 /mnt/skills/public/csv-profile/scripts/csv_profile.py sales.csv' | grep -q amount || fail 'the skill'
shell one 'if touch /mnt/skills/x; then false; fi' >/dev/null

# What the one has, the other does not see.
shell one "echo mine > $workspace/mine.txt; export MARKER=of-the-first; (exec sleep 4711s) > /dev/null & true" >/dev/null
shell two "test ! -e $workspace/mine.txt" >/dev/null
seen=$(shell two "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2> /dev/null | tr -c '[:print:]' ' '; true")
case $seen in *4711s* | *of-the-first*) fail 'the second sees the processes of the first' ;; esac
case $seen in *SANDBOX_ID=two*) ;; *) fail 'the second does not see its own' ;; esac

for conversation in one two; do
  curl --silent --show-error --fail-with-body --request DELETE "$url/api/sandboxes/$conversation" >/dev/null
done
echo 'done'
