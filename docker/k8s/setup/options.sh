# shellcheck shell=bash
# The options, which win over the environment, and what holds without them.

# What the manifests say holds, also where somebody has edited them.
sandbox_image=${SANDBOX_IMAGE:-$(sed -n 's/^ *image: //p' "$here/sandbox-deployment.yaml")}
gateway_image=$(sed -n 's/^ *image: //p' "$here/sandbox-service.yaml")
skills_path=${SKILLS_PATH:-$project/skills}
namespace=deer-flow
replicas=
push=
timeout_seconds=180
cleanup=false
with_crd=false
skip_pull=false
allow_namespace=false
dry_run=false
auth=false
recycle=false

read_options() {
  local option
  while [ $# -gt 0 ]; do
    # --name=value is --name value.
    case $1 in --*=*)
      option=$1
      shift
      set -- "${option%%=*}" "${option#*=}" ${@+"$@"}
      ;;
    esac
    case $1 in
      -h | --help) usage && exit 0 ;;
      -c | --cleanup) cleanup=true ;;
      -p | --skip-pull) skip_pull=true ;;
      --crd) with_crd=true ;;
      --allow-namespace) allow_namespace=true ;;
      --dry-run) dry_run=true ;;
      --auth) auth=true ;;
      --recycle) recycle=true ;;
      --image | --gateway-image | --skills-path | --namespace | --replicas | --push | --timeout)
        [ -n "${2:-}" ] || wrong_use "$1 needs a value"
        set_option "$1" "$2"
        shift
        ;;
      *) wrong_use "unknown option: $1" ;;
    esac
    shift
  done
  [ "$with_crd" = false ] || [ "$cleanup" = true ] || wrong_use '--crd goes with --cleanup'
  matches "$sandbox_image" '^[^[:space:]]+$' || wrong_use "not an image: '$sandbox_image'"
}

set_option() {
  case $1 in
    --image) matches "$2" '^[A-Za-z0-9][^[:space:]]*$' || wrong_use "$1: not an image: '$2'" && sandbox_image=$2 ;;
    --gateway-image) matches "$2" '^[A-Za-z0-9][^[:space:]]*$' || wrong_use "$1: not an image: '$2'" && gateway_image=$2 ;;
    --skills-path) skills_path=$2 ;;
    --namespace)
      matches "$2" '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$' || wrong_use "--namespace: not a name for a namespace: '$2'"
      namespace=$2
      ;;
    --replicas) matches "$2" '^[0-9]{1,4}$' || wrong_use "--replicas: not a number: '$2'" && replicas=$2 ;;
    --push) push=${2%/} ;;
    --timeout) matches "$2" '^[1-9][0-9]{0,4}$' || wrong_use "--timeout: not a number of seconds: '$2'" && timeout_seconds=$2 ;;
  esac
}

matches() { [[ $1 =~ $2 ]]; }

usage() {
  cat <<END
Usage: ./setup.sh [options]

Puts sandboxes and their gateway on the cluster that kubectl points at, and shows that they work.
Run again, it brings what is there up to date.

Options:
  -h, --help                Show this help
  -c, --cleanup             Remove what this script made, and only that; --crd: the definition of sandboxes too
  -p, --skip-pull           Take the image as the nodes have it
      --image <image>       The image that sandboxes run              (now: $sandbox_image)
      --gateway-image <image>  The image of the gateway               (now: $gateway_image)
      --skills-path <path>  The folder of skills                      (now: $skills_path)
      --namespace <name>    Where all of it goes                      (default: deer-flow)
      --allow-namespace     Go into a namespace that somebody else made
      --replicas <n>        Sandboxes kept ready for new conversations (default: 1, or as many as there are)
      --push <registry>     Push the images there, for nodes that are not this machine
      --auth                Ask callers for a key, which is made and kept in a Secret
      --recycle             Replace the sandbox that callers share who name none, now
      --timeout <seconds>   How long to wait for sandboxes to be ready (default: 180)
      --dry-run             Print what would be applied, and change nothing

Environment:
  SANDBOX_IMAGE             As --image
  SKILLS_PATH               As --skills-path

Examples:
  ./setup.sh
  ./setup.sh --skills-path /custom/path
  ./setup.sh --skip-pull --image registry.example.com/sandbox:1
  SKILLS_PATH=/custom/path ./setup.sh
END
}
