# shellcheck shell=bash
# What is on the cluster already under our names: ours, what people set up by hand, the published deployment, or another's.

# Lines `KIND.NAME MARK PART GENERATION`: who made it, what it is a part of, and how often it was changed, each - when it does not say.
find_existing() {
  local file
  for file in namespace.yaml sandbox-service.yaml sandbox-deployment.yaml; do
    # Not everybody may look at what is wider than a namespace.
    if [ "$file" = namespace.yaml ] && ! may get customresourcedefinitions.apiextensions.k8s.io; then
      render "$here/$file" | sed '/^---$/,$d'
    else
      render "$here/$file"
    fi
    echo ---
  done >"$work/all.yaml"
  local line='{{.kind}}.{{.metadata.name}} {{with .metadata.annotations}}{{or (index . "paddock.dev/created-by") "-"}}{{else}}-{{end}} {{with .metadata.labels}}{{or (index . "app.kubernetes.io/part-of") "-"}}{{else}}-{{end}} {{or .metadata.generation "-"}}{{"\n"}}'
  must 'what is on the cluster cannot be read' get --filename="$work/all.yaml" --ignore-not-found \
    --output "go-template={{if .items}}{{range .items}}$line{{end}}{{else if .kind}}$line{{end}}" | sed 's/^/./' |
    while read -r object rest; do printf '%s %s\n' "$(lower "${object#.}")" "$rest"; done >"$work/existing"
}

exists() { grep -q "^$1 " "$work/existing"; }
# There before, and neither made by this script nor of these manifests.
is_anothers() { awk -v object="$1" '$1 == object && $2 != "setup" && $3 != "paddock" { found = 1 } END { exit !found }' "$work/existing"; }
generation_before() { awk -v object="$1" '$1 == object { print $4 }' "$work/existing"; }

# Whether the deployment that users had before stands here: one Deployment of our name and label, and its Service.
is_published() {
  [ "$(field deployment '{.spec.template.metadata.labels.app}')" = deer-flow-sandbox ] ||
    [ "$(field service '{.spec.selector.app} {.spec.clusterIP}')" = 'deer-flow-sandbox None' ]
}

# Whether an earlier run was let into a namespace that somebody else made.
is_used_here() {
  [ "$(kubectl get namespace "$namespace" --ignore-not-found --output 'jsonpath={.metadata.annotations.paddock\.dev/used-by}' 2>/dev/null)" = setup ]
}

# A field of our Deployment or Service as it is on the cluster.
field() {
  kubectl get "$1" deer-flow-sandbox --namespace "$namespace" --ignore-not-found --output "jsonpath=$2" 2>/dev/null
}

check_namespace() {
  local phase object
  phase=$(kubectl get namespace "$namespace" --ignore-not-found --output 'jsonpath={.status.phase}' 2>/dev/null) || phase=
  [ "$phase" != Terminating ] || fail "namespace $namespace is being deleted" \
    "wait until it has gone: kubectl wait --for=delete namespace/$namespace --timeout=120s"
  if is_anothers "namespace.$namespace" && [ "$allow_namespace" = false ] && ! is_used_here && ! is_published; then
    fail "namespace $namespace is there, and somebody else made it" \
      'go into it all the same: --allow-namespace' 'or use another: --namespace NAME'
  fi
  while read -r object _; do
    case $object in
      namespace.* | service.deer-flow-sandbox | deployment.deer-flow-sandbox) continue ;;
    esac
    if is_anothers "$object"; then
      fail "${object%%.*} ${object#*.} is there, and belongs to something else" \
        'use another namespace: --namespace NAME' "or remove it: kubectl delete ${object%%.*} ${object#*.}"
    fi
  done <"$work/existing"
  for object in service deployment; do
    if is_anothers "$object.deer-flow-sandbox" && ! is_published; then
      fail "$object deer-flow-sandbox in namespace $namespace belongs to something else" \
        'use another namespace: --namespace NAME' "or remove it: kubectl delete $object deer-flow-sandbox --namespace $namespace"
    fi
  done
}

# What an earlier run or a person chose stays when this run does not say otherwise.
keep_what_was_chosen() {
  exists deployment.deer-flow-sandbox && ! is_anothers deployment.deer-flow-sandbox || return 0
  # A number that somebody wrote into the file is meant.
  if [ -z "$replicas" ] && [ "$(written_replicas)" = 1 ]; then replicas=$(field deployment '{.spec.replicas}'); fi
  local image
  image=$(field deployment '{.spec.template.spec.containers[0].image}')
  [ "$image" = "$sandbox_image" ] || [ -n "$push" ] || note "new sandboxes run $sandbox_image from now on; so far it was $image"
  image=$(kubectl get deployment deer-flow-gateway --namespace "$namespace" --ignore-not-found --output 'jsonpath={.spec.template.spec.containers[0].image}')
  [ -z "$image" ] || [ "$image" = "$gateway_image" ] || [ -n "$push" ] || note "gateways run $gateway_image from now on; so far it was $image"
  if [ "$auth" = false ] && [ "$(gateway_setting PADDOCK_ALLOW_UNAUTHENTICATED)" = false ]; then
    auth=true
    note 'callers are asked for a key, as before'
  fi
}

gateway_setting() {
  kubectl get deployment deer-flow-gateway --namespace "$namespace" --ignore-not-found \
    --output "jsonpath={.spec.template.spec.containers[0].env[?(@.name==\"$1\")].value}"
}

# Removes what cannot be changed into ours. A Service keeps `clusterIP: None`, whatever is applied over it, and a Deployment its
# selector.
make_way() {
  local object
  for object in deployment service; do
    is_anothers "$object.deer-flow-sandbox" || continue
    case $object in
      deployment) note 'the earlier Deployment deer-flow-sandbox is replaced; what its pods hold is lost' ;;
      service) note 'the earlier Service deer-flow-sandbox, which has no address of its own, is replaced' ;;
    esac
    must "the earlier $object cannot be removed" delete "$object" deer-flow-sandbox --namespace "$namespace" \
      --cascade=foreground --timeout="${timeout_seconds}s" >/dev/null
    grep -v "^$object.deer-flow-sandbox " "$work/existing" >"$work/left" || true
    mv "$work/left" "$work/existing"
  done
}
