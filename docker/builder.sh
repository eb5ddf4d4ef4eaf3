# shellcheck shell=sh
# Which program builds images here: docker may be installed without its daemon. Prints nothing when none does.
first_builder() {
  for builder in docker podman nerdctl buildah; do
    if command -v "$builder" >/dev/null 2>&1 && "$builder" info >/dev/null 2>&1; then
      echo "$builder"
      return
    fi
  done
}
