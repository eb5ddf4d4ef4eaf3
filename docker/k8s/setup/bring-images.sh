# shellcheck shell=bash
# Makes images with whichever builder there is, and brings them to nodes as that kind of cluster wants them.

bring_images() {
  local image
  if [ "$kind" = other ]; then
    fail "the nodes cannot get $missing_image: $missing_why" \
      'push the images to a registry that the nodes reach, which builds them where needed: --push REGISTRY' \
      'or bring them to the nodes by hand'
  fi
  find_builder
  for image in "$sandbox_image" "$gateway_image"; do
    have_image "$image" || get_image "$image"
    load_image "$image"
  done
}

push_images() {
  find_builder
  local image
  for image in "$sandbox_image" "$gateway_image"; do
    have_image "$image" || get_image "$image"
    detail "pushing $(pushed "$image")"
    "$builder" tag "$image" "$(pushed "$image")"
    "$builder" push "$(pushed "$image")" >"$work/built" 2>&1 || fail "$(pushed "$image") cannot be pushed: $(tail -n 1 "$work/built")" \
      "log in to the registry first: $builder login ${push%%/*}"
  done
  name_pushed
}

pushed() { printf '%s/%s' "$push" "${1#docker.io/}"; }

# From now on the images are those of the registry.
name_pushed() {
  sandbox_image=$(pushed "$sandbox_image")
  gateway_image=$(pushed "$gateway_image")
}

find_builder() {
  builder=$(first_builder)
  [ -n "$builder" ] || fail 'the nodes do not have the images, and there is nothing here to build them with' \
    'install docker, podman, nerdctl or buildah; or name images that the nodes can pull: --image, --gateway-image'
}

have_image() {
  case $builder in
    buildah) buildah inspect --type=image "$1" >/dev/null 2>&1 ;;
    *) "$builder" image inspect "$1" >/dev/null 2>&1 ;;
  esac
}

# Pulls the image, or builds it when it is one of ours, which no registry has.
get_image() {
  detail "pulling $1"
  "$builder" pull "$1" >"$work/built" 2>&1 && return
  case $1 in
    paddock/sandbox:* | docker.io/paddock/sandbox:*) build_image sandbox "$1" ;;
    paddock/gateway:* | docker.io/paddock/gateway:*) build_image gateway "$1" ;;
    *) fail "$1 cannot be pulled: $(tail -n 1 "$work/built")" "check its name, or log in: $builder login" ;;
  esac
}

build_image() {
  detail "building $2 with $builder; this takes some minutes the first time"
  BUILDER=$builder "$project/docker/build-image.sh" "$1" "$2" >"$work/built" 2>&1 && return
  tail -n 20 "$work/built" >&2
  fail "$2 cannot be built" 'the end of what the builder said is above; it must reach package registries'
}

# The clusters of desktops that share their images with docker need nothing.
load_image() {
  case $kind in
    docker-desktop | orbstack) return ;;
    minikube) detail "loading $1 into minikube" && run_tool minikube image load "$1" ;;
    kind) detail "loading $1 into kind" && run_tool kind load docker-image "$1" --name "${context#kind-}" ;;
    k3d) detail "loading $1 into k3d" && run_tool k3d image import "$1" --cluster "${context#k3d-}" ;;
    k3s) detail "loading $1 into k3s" && save_image "$1" | run_tool k3s ctr images import - ;;
  esac
}

save_image() {
  case $builder in
    buildah) buildah push "$1" "docker-archive:$work/image.tar:$1" >/dev/null 2>&1 && cat "$work/image.tar" ;;
    *) "$builder" save "$1" ;;
  esac
}

run_tool() {
  has "$1" || fail "$1 is not installed, which brings images to this cluster" "install it, or push the image: --push REGISTRY"
  "$@" >"$work/built" 2>&1 || fail "$1 failed: $(tail -n 1 "$work/built")" "the command was: $*"
}
