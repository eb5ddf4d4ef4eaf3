# shellcheck shell=bash
# Removes what this script made, told by its mark, and what the gateway made for it. All else stays.

remove_all() {
  must "namespace $namespace cannot be looked at" get namespace "$namespace" --ignore-not-found --output name >"$work/namespace"
  if [ ! -s "$work/namespace" ]; then
    done_with "there is no namespace $namespace"
    remove_definition
    return
  fi
  step "Removing what this script made in namespace $namespace"
  find_marked
  # The sandboxes first, and the gateway while it can see them off.
  remove_marked deployment/deer-flow-sandbox
  remove_marked deployment/
  # Also when an earlier cleanup was interrupted after this.
  if ! gateway_stays; then
    wait_for_pods
    remove_made_by_gateway
  fi
  local kind
  for kind in pod service rolebinding role serviceaccount networkpolicy persistentvolumeclaim secret configmap; do
    remove_marked "$kind/"
  done
  tell_what_stays
  remove_namespace
  remove_definition
}

# Writes the objects that carry the mark to $work/marked, as KIND/NAME.
find_marked() {
  kubectl get deployments,pods,services,rolebindings.rbac.authorization.k8s.io,roles.rbac.authorization.k8s.io,serviceaccounts,networkpolicies.networking.k8s.io,persistentvolumeclaims,secrets,configmaps \
    --namespace "$namespace" --output \
    'go-template={{range .items}}{{$object := printf "%s/%s\n" .kind .metadata.name}}{{with .metadata.annotations}}{{if eq (or (index . "paddock.dev/created-by") "") "setup"}}{{$object}}{{end}}{{end}}{{end}}' \
    >"$work/listed" 2>"$work/said" || fail "not all of namespace $namespace can be looked at: $(last_words)" \
    'nothing was removed; ask whoever runs the cluster for the rights, or to run this'
  local kind name
  while IFS=/ read -r kind name; do printf '%s/%s\n' "$(lower "$kind")" "$name"; done <"$work/listed" >"$work/marked"
}

# remove_marked KIND/NAME: the marked objects of which this is the beginning.
remove_marked() {
  local object
  while read -r object; do
    case $object in "$1"*) remove "$object" ;; esac
  done <"$work/marked"
  grep -v "^$1" "$work/marked" >"$work/left" || true
  mv "$work/left" "$work/marked"
}

# Whether there is a gateway that this script did not make.
gateway_stays() {
  ! grep -q -x Deployment/deer-flow-gateway "$work/listed" &&
    [ -n "$(kubectl get deployment deer-flow-gateway --namespace "$namespace" --ignore-not-found --output name)" ]
}

remove() {
  if [ "$dry_run" = true ]; then
    say "    would remove $1"
    return
  fi
  must "$1 cannot be removed" delete "$1" --namespace "$namespace" --ignore-not-found --timeout="${timeout_seconds}s" >/dev/null </dev/null
  detail "$1 removed"
}

# The pool's pods, and those of sandboxes, which end with the Deployment that they came from.
wait_for_pods() {
  [ "$dry_run" = false ] || return 0
  kubectl wait --for=delete pods --selector 'app in (deer-flow-sandbox, deer-flow-gateway)' --namespace "$namespace" \
    --timeout="${timeout_seconds}s" >/dev/null 2>"$work/said" || note "pods are still ending: $(last_words)"
}

remove_made_by_gateway() {
  local object
  for object in $(kubectl get secrets,configmaps --namespace "$namespace" --output name 2>/dev/null | grep -x -E '(secret|configmap)/paddock-keys') \
    $(kubectl get leases.coordination.k8s.io --namespace "$namespace" --output name 2>/dev/null | grep '/paddock-'); do
    remove "$object"
  done
}

# What has our names and was made by hand.
tell_what_stays() {
  local stays
  stays=$(kubectl get deployments,services,networkpolicies,roles,rolebindings,serviceaccounts --namespace "$namespace" \
    --selector app.kubernetes.io/part-of=paddock --output name 2>/dev/null) || stays=
  if [ -z "$stays" ] || [ "$dry_run" = true ]; then return; fi
  note 'these were not made by this script, and stay (kubectl delete -f sandbox-deployment.yaml -f sandbox-service.yaml removes them):'
  printf '%s\n' "$stays" | sed 's/^/      /' >&2
}

remove_namespace() {
  local others
  if [ "$(kubectl get namespace "$namespace" --output 'jsonpath={.metadata.annotations.paddock\.dev/created-by}')" != setup ]; then
    note "namespace $namespace stays: this script did not make it"
    [ "$dry_run" = true ] || kubectl annotate namespace "$namespace" paddock.dev/used-by- >/dev/null 2>&1 || true
    return
  fi
  [ "$dry_run" = false ] || { say "    would remove namespace/$namespace if nothing else is in it" && return; }
  others=$(everything_else)
  if [ -n "$others" ]; then
    note "namespace $namespace stays: other things are in it"
    printf '%s\n' "$others" | sed 's/^/      /' >&2
    return
  fi
  must "namespace $namespace cannot be removed" delete namespace "$namespace" --timeout="${timeout_seconds}s" >/dev/null
  detail "namespace/$namespace removed"
}

# All objects in the namespace but those that a cluster puts into every one, and those that follow others.
everything_else() {
  local kinds
  kinds=$(kubectl api-resources --verbs=list --namespaced --output name 2>/dev/null |
    grep -v -E '^(events|events\.events\.k8s\.io|endpoints|endpointslices\..*|pods\.metrics\.k8s\.io|localsubjectaccessreviews\..*)$' | tr '\n' ',')
  kubectl get "${kinds%,}" --namespace "$namespace" --ignore-not-found --output name 2>/dev/null |
    grep -v -x -E 'serviceaccount/default|configmap/(kube-root-ca\.crt|openshift-service-ca\.crt|istio-ca-root-cert)|secret/default-token-[a-z0-9]+' || true
}

remove_definition() {
  local sandboxes
  [ "$with_crd" = true ] || return 0
  kubectl get crd sandboxes.paddock.dev >/dev/null 2>&1 || return 0
  sandboxes=$(kubectl get sandboxes.paddock.dev --all-namespaces --output name 2>/dev/null | head -n 3)
  if [ -n "$sandboxes" ]; then
    note 'the definition of sandboxes stays: there are some in other namespaces'
  elif [ "$(kubectl get crd sandboxes.paddock.dev --output 'jsonpath={.metadata.annotations.paddock\.dev/created-by}')" != setup ]; then
    note 'the definition of sandboxes stays: this script did not make it'
  elif [ "$dry_run" = true ]; then
    say '    would remove crd/sandboxes.paddock.dev'
  else
    must 'the definition of sandboxes cannot be removed' delete crd sandboxes.paddock.dev --timeout="${timeout_seconds}s" >/dev/null
    detail 'crd/sandboxes.paddock.dev removed'
  fi
}
