#!/bin/sh
# shellcheck source-path=SCRIPTDIR
# Builds one of the images:
#
#   docker/build-image.sh sandbox|gateway [TAG [OPTION…]]
#
# The options are the builder's own, such as --volume=/etc/ssl/certs:/etc/ssl/certs:ro where a proxy has its own authority.
# BUILDER is docker, podman, nerdctl or buildah, else the first that works; BASE another base; TARGET a target of the Dockerfile;
# PLATFORM such as linux/arm64.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=builder.sh
. "$root/docker/builder.sh"

program=${1:-}
[ -f "$root/docker/$program/Dockerfile" ] || { echo 'usage: docker/build-image.sh sandbox|gateway [TAG [OPTION…]]' >&2 && exit 2; }
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$root/package.json")
tag=${2:-paddock/$program:$version}
builder=${BUILDER:-$(first_builder)}
if [ -z "$builder" ]; then
  echo 'error: there is nothing here to build images with' >&2
  echo 'hint: install docker, podman, nerdctl or buildah' >&2
  exit 1
fi

[ $# -lt 2 ] || shift
[ $# -lt 1 ] || shift
set -- "$@" --file="$root/docker/$program/Dockerfile" --tag="$tag" \
  --build-arg=VERSION="$version" \
  --build-arg=REVISION="$(git -C "$root" rev-parse HEAD 2>/dev/null || echo unknown)" \
  --build-arg=CREATED="$(date -u +%Y-%m-%dT%H:%M:%SZ)"
[ -z "${BASE:-}" ] || set -- "$@" --build-arg=BASE="$BASE"
[ -z "${TARGET:-}" ] || set -- "$@" --target="$TARGET"
[ -z "${PLATFORM:-}" ] || set -- "$@" --platform="$PLATFORM"
echo "building $tag with $builder" >&2
exec "$builder" build "$@" "$root"
