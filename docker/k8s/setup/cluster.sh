# shellcheck shell=bash
# The cluster: whether it can be reached, which kind it is, and what may be done there.

find_cluster() {
  step 'Looking for the cluster'
  has kubectl || fail 'kubectl is not installed' \
    'install it: https://kubernetes.io/docs/tasks/tools/ (macOS: brew install kubectl)'
  context=$(kubectl config current-context 2>/dev/null) || context=
  kubectl get --raw /version --request-timeout=10s >/dev/null 2>"$work/said" || fail \
    "the cluster${context:+ of the context '$context'} does not answer: $(last_words)" \
    'start one (Docker Desktop, OrbStack: Settings, Kubernetes, Enable; minikube start), then: kubectl cluster-info' \
    'another cluster: kubectl config get-contexts, then kubectl config use-context NAME'
  kind=other
  if kubectl get nodes -o json >"$work/nodes.json" 2>/dev/null; then
    kind=$(cluster_kind <"$work/nodes.json")
  fi
  done_with "$(kind_in_words "$kind"), context ${context:-in use}"
}

# Which kind of cluster has the nodes that standard input lists: docker-desktop, orbstack, minikube, kind, k3d, k3s, other.
cluster_kind() {
  local nodes
  nodes=$(tr -d ' \n\t')
  case $nodes in
    *'"name":"orbstack"'* | *+orb* | *'"osImage":"OrbStack'*) echo orbstack ;;
    *'"name":"docker-desktop"'* | *'"name":"desktop-control-plane"'*) echo docker-desktop ;;
    *'"minikube.k8s.io/name"'*) echo minikube ;;
    *'"providerID":"kind://'*) echo kind ;;
    *'"providerID":"k3s://k3d-'*) echo k3d ;;
    *'"kubeletVersion":"'*+k3s*) echo k3s ;;
    *) echo other ;;
  esac
}

kind_in_words() {
  case $1 in
    docker-desktop) echo 'Docker Desktop' ;;
    orbstack) echo OrbStack ;;
    other) echo 'a Kubernetes cluster' ;;
    *) echo "$1" ;;
  esac
}

# Everything that has to be known before anything is changed.
look_around() {
  check_rights
  find_existing
  check_namespace
  keep_what_was_chosen
}

check_rights() {
  local denied needed='deployments.apps services serviceaccounts roles.rbac.authorization.k8s.io
    rolebindings.rbac.authorization.k8s.io networkpolicies.networking.k8s.io pods pods/exec'
  kubectl get namespace "$namespace" >/dev/null 2>&1 || needed="$needed namespaces"
  # Whoever makes a role must have the rights that it gives.
  if knows_sandboxes; then needed="$needed sandboxes.paddock.dev"; else needed="$needed customresourcedefinitions.apiextensions.k8s.io"; fi
  ask_for_rights "$needed" | must 'the cluster does not say what you may do there' create --validate=false --filename=- --output \
    'go-template={{if not .status.allowed}}{{with .spec.resourceAttributes}}{{.verb}} {{.resource}}{{with .group}}.{{.}}{{end}}{{with .subresource}}/{{.}}{{end}}{{"\n"}}{{end}}{{end}}' \
    >"$work/denied"
  denied=$(grep '^create ' "$work/denied" | tr '\n' ',' | sed -e 's/,$//' -e 's/,/, /g') || true
  [ -z "$denied" ] || fail "you may not do this in namespace $namespace: $denied" \
    "ask whoever runs the cluster for these rights, or to apply namespace.yaml for you; kubectl auth whoami says who you are"
}

# Questions whether these may be created, and what else makes a difference, all at once: one by one each takes a start of kubectl.
ask_for_rights() {
  local verb resource group part
  {
    # shellcheck disable=SC2086 # They are many.
    printf 'create %s\n' $1
    printf '%s\n' 'patch namespaces' 'patch customresourcedefinitions.apiextensions.k8s.io' 'get customresourcedefinitions.apiextensions.k8s.io'
  } | while read -r verb resource; do
    part= group=
    case $resource in */*) part=${resource#*/} resource=${resource%%/*} ;; esac
    case $resource in *.*) group=${resource#*.} resource=${resource%%.*} ;; esac
    cat <<END
apiVersion: authorization.k8s.io/v1
kind: SelfSubjectAccessReview
spec: { resourceAttributes: { namespace: $namespace, verb: $verb, group: '$group', resource: $resource, subresource: '$part' } }
---
END
  done
}

# Whether that is among the rights which were asked for.
may() { ! grep -q -x "$1 $2" "$work/denied"; }

# Who may look at nothing outside of a namespace learns this too.
knows_sandboxes() { kubectl get --raw /apis/paddock.dev/v1alpha1 >/dev/null 2>&1; }
