#!/bin/sh
# Installs the packages that package-lock.json names, Node 24 among them.
set -eu
cd "$(dirname "$0")/.."

fail() {
  printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
  exit 1
}

major() {
  node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0
}

command -v node >/dev/null || fail 'node is not installed' 'install Node.js 20 or newer, then run make again'
[ "$(major)" -ge 20 ] || fail "node $(node -v) is too old" 'install Node.js 20 or newer, then run make again'
command -v npm >/dev/null || fail 'npm is not installed' 'install npm (it comes with Node.js), then run make again'

echo 'installing packages …'
# Not `npm ci`: it refuses a package-lock.json that was written with a registry which lacks other platforms' packages.
npm install --no-save --no-progress --loglevel=error >/dev/null ||
  fail 'npm could not install the packages' 'its message is above; npm must reach a package registry'

PATH="$PWD/node_modules/.bin:$PATH"
[ "$(major)" -ge 24 ] ||
  fail "no Node 24 comes with the packages for $(uname -sm)" 'install Node.js 24 yourself, then run make again'
# npm may keep the file's old time; make compares it with package-lock.json.
touch node_modules/.package-lock.json
