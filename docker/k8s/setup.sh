#!/usr/bin/env bash
# shellcheck source-path=SCRIPTDIR
# Puts the sandboxes and their gateway on the cluster that kubectl points at, and shows that they work. See README.md.
# It runs with the bash of macOS, 3.2, and needs kubectl only.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(cd "$here/../.." && pwd)
# shellcheck source=setup/say.sh
. "$here/setup/say.sh"
# shellcheck source=setup/options.sh
. "$here/setup/options.sh"
# shellcheck source=setup/cluster.sh
. "$here/setup/cluster.sh"
# shellcheck source=setup/conflicts.sh
. "$here/setup/conflicts.sh"
# shellcheck source=setup/manifests.sh
. "$here/setup/manifests.sh"
# shellcheck source=setup/images.sh
. "$here/setup/images.sh"
# shellcheck source=../builder.sh
. "$project/docker/builder.sh"
# shellcheck source=setup/bring-images.sh
. "$here/setup/bring-images.sh"
# shellcheck source=setup/skills.sh
. "$here/setup/skills.sh"
# shellcheck source=setup/rollout.sh
. "$here/setup/rollout.sh"
# shellcheck source=setup/check.sh
. "$here/setup/check.sh"
# shellcheck source=setup/cleanup.sh
. "$here/setup/cleanup.sh"

main() {
  read_options "$@"
  if [ "$cleanup" = true ]; then
    find_cluster
    remove_all
    return
  fi
  find_skills
  find_cluster
  look_around
  if [ "$dry_run" = true ]; then
    choose_skills_by_kind
    show_plan
    return
  fi

  apply_namespace
  provide_images
  provide_skills
  make_way
  apply_rest
  wait_for_rollout
  check_answers
  tell_older_sandboxes
  tell_what_next
}

main "$@"
