# shellcheck shell=bash
# What is said, and how the script ends. Progress goes to standard error: with --dry-run standard output is the manifests.

work=$(mktemp -d "${TMPDIR:-/tmp}/paddock-setup.XXXXXX")
# What to do besides when the script ends.
at_end=:
trap 'end $?' EXIT
trap 'printf "\n" >&2; say "interrupted. Run the same again to go on, or ./setup.sh --cleanup to remove what was made."; exit 130' INT
trap 'exit 143' TERM

end() {
  trap - EXIT
  if [ "$1" -ne 0 ] && [ "$1" -lt 128 ] && [ ! -e "$work/told" ]; then
    say "error: this script came to an end that it does not know: $(last_words)"
    say 'hint: run the same again; it goes on from where it is'
  fi
  $at_end
  rm -rf "$work"
  exit "$1"
}

say() { printf '%s\n' "$*" >&2; }
step() { printf '%s %s\n' '▸' "$*" >&2; }
done_with() { printf '  ✓ %s\n' "$*" >&2; }
note() { printf '  ! %s\n' "$*" >&2; }
detail() { printf '    %s\n' "$*" >&2; }

# fail MESSAGE [HINT…]: ends with exit code 1. A part of a pipeline ends by itself, so that it was told is kept in a file.
fail() {
  : >"$work/told"
  printf 'error: %s\n' "$1" >&2
  shift
  while [ $# -gt 0 ]; do
    printf 'hint: %s\n' "$1" >&2
    shift
  done
  exit 1
}

# wrong_use MESSAGE: ends with exit code 2.
wrong_use() {
  : >"$work/told"
  printf 'error: %s\nhint: ./setup.sh --help lists the options\n' "$1" >&2
  exit 2
}

has() { command -v "$1" >/dev/null 2>&1; }

# Runs kubectl; a failure ends the script with what kubectl said. The first argument says what was tried.
must() {
  local what=$1
  shift
  kubectl "$@" 2>"$work/said" && return
  fail "$what: $(last_words)" "the command was: kubectl $*"
}

last_words() { [ ! -f "$work/said" ] || tail -n 3 "$work/said" | tr '\n' ' ' | sed -e 's/^error: //' -e 's/^Error from server //' -e 's/ *$//'; }
