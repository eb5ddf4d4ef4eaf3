# shellcheck shell=bash
# The manifests as they are applied: the files of this folder with what was chosen put in, one file an object.

# Where the skills come from: hostPath or claim.
skills_from=hostPath

# Writes the objects of one of the files to $work/objects/, each to a file named KIND.NAME.yaml, in the order of applying.
split_objects() {
  local file=$1 kind name object number
  mkdir -p "$work/objects"
  rm -f "$work"/objects/*
  render "$here/$file" | awk -v folder="$work/objects" '
    BEGIN { n = 10 }
    /^---$/ { n++; next }
    { print > (folder "/" n) }'
  for number in "$work"/objects/*; do
    kind=$(sed -n 's/^kind: //p' "$number")
    # The first name below metadata.
    name=$(sed -n 's/^  name: //p' "$number" | head -n 1)
    object=$(basename "$number")-$(lower "$kind")
    mv "$number" "$work/objects/$object.$name.yaml"
  done
}

render() {
  local in_namespace="s|^  namespace: deer-flow\$|  namespace: $namespace|"
  case $1 in
    */namespace.yaml) sed -e "/^kind: Namespace\$/,/^---\$/ s|^  name: deer-flow\$|  name: $namespace|" "$1" ;;
    */sandbox-service.yaml) sed -e "$in_namespace" -e "s|^\( *image: \).*|\1$(escaped "$gateway_image")|" "$1" | with_auth ;;
    */sandbox-deployment.yaml)
      sed -e "$in_namespace" -e "s|^\( *image: \).*|\1$(escaped "$sandbox_image")|" \
        -e "s|^  replicas: .*|  replicas: ${replicas:-$(written_replicas)}|" \
        -e "s|__SKILLS_PATH__|$(escaped "$(quoted "$skills_path")")|" "$1" | with_skills
      ;;
  esac
}

written_replicas() { sed -n 's/^  replicas: \([0-9]*\).*/\1/p' "$here/sandbox-deployment.yaml"; }

# In place of the node's folder the claim, when that is where the skills are.
with_skills() {
  if [ "$skills_from" = claim ]; then
    awk -v claim=deer-flow-skills '
      /^          hostPath:$/ { print "          persistentVolumeClaim:"; print "            claimName: " claim; print "            readOnly: true"; skip = 2; next }
      skip > 0 { skip--; next }
      { print }'
  else
    cat
  fi
}

with_auth() {
  if [ "$auth" = true ]; then
    awk '/name: PADDOCK_ALLOW_UNAUTHENTICATED$/ { print; getline; sub(/"true"/, "\"false\"") } { print }'
  else
    cat
  fi
}

# Adds the mark by which cleanup knows what this script made.
marked() { awk '{ print } /^metadata:$/ { print "  annotations:"; print "    paddock.dev/created-by: setup" }'; }

# Applies the objects of a file. What was not there is made with our mark first: what is applied does not have it, so that
# it stays when people apply the files by hand, and what they made before never gets it.
apply_file() {
  local object name
  split_objects "$1"
  : >"$work/create.yaml"
  : >"$work/apply.yaml"
  : >"$work/made"
  for object in "$work"/objects/*; do
    name=$(basename "$object" .yaml)
    # Applied over somebody's namespace, ours would take labels away from it, such as its level of pod security.
    if [ "${name#*-}" = "namespace.$namespace" ] && is_anothers "namespace.$namespace"; then continue; fi
    if ! exists "${name#*-}"; then marked <"$object" >>"$work/create.yaml" && echo --- >>"$work/create.yaml"; fi
    cat "$object" >>"$work/apply.yaml" && echo --- >>"$work/apply.yaml"
  done
  if [ -s "$work/create.yaml" ]; then
    # What somebody else made in this moment is there, and is applied.
    kubectl create --filename="$work/create.yaml" >"$work/created" 2>"$work/said" || ! grep -q -v AlreadyExists "$work/said" ||
      fail "the cluster refuses what $1 describes: $(last_words)"
    sed -n 's/ created$//p' "$work/created" >"$work/made"
    while read -r object; do detail "$object made"; done <"$work/made"
  fi
  must "the cluster refuses what $1 describes" apply --filename="$work/apply.yaml" >"$work/applied"
  sed -n 's/ configured$//p' "$work/applied" >"$work/configured"
  while read -r object; do
    if is_changed "$object"; then detail "$object changed" && echo "$object" >>"$work/made"; fi
  done <"$work/configured"
  [ -s "$work/made" ] || done_with 'up to date'
}

# Whether what was applied to KIND.GROUP/NAME made a difference. kubectl says `configured` also when a number was spelt in another way.
is_changed() {
  local before
  # What was just made is not worth a second line.
  ! grep -q -x "$1" "$work/made" || return 1
  before=$(generation_before "${1%%[./]*}.${1#*/}")
  [ -z "$before" ] || [ "$before" = - ] ||
    [ "$(kubectl get "$1" --namespace "$namespace" --output 'jsonpath={.metadata.generation}' 2>/dev/null)" != "$before" ]
}

apply_namespace() {
  step "Namespace $namespace"
  if may patch customresourcedefinitions.apiextensions.k8s.io && may patch namespaces; then
    apply_file namespace.yaml
    # So that a second run is let in without being told again.
    if is_anothers "namespace.$namespace"; then
      must "namespace $namespace cannot be marked as used" annotate --overwrite namespace "$namespace" paddock.dev/used-by=setup >/dev/null
      note 'somebody else made it: its labels stay as they are'
    fi
    must 'the definition of sandboxes does not come into effect' wait --for=condition=Established --timeout=30s \
      crd/sandboxes.paddock.dev >/dev/null
  else
    note 'left as it is: you may not change namespaces and definitions'
  fi
}

apply_rest() {
  step 'Service and gateway'
  [ "$auth" = false ] || make_key
  apply_file sandbox-service.yaml
  step 'Sandboxes'
  apply_file sandbox-deployment.yaml
}

make_key() {
  has_key && return
  api_key | must 'the key cannot be stored' apply --filename=- >/dev/null
  detail 'secret/deer-flow-api-key made'
}

has_key() { kubectl get secret deer-flow-api-key --namespace "$namespace" >/dev/null 2>&1; }

api_key() {
  cat <<END
apiVersion: v1
kind: Secret
metadata:
  name: deer-flow-api-key
  namespace: $namespace
  labels: { app.kubernetes.io/part-of: paddock }
  annotations: { paddock.dev/created-by: setup }
stringData:
  api-key: $(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
END
}

# Prints what would be applied, in an order in which it can be.
show_plan() {
  say "▸ Nothing is changed. This would be applied to namespace $namespace:"
  [ -z "$push" ] || name_pushed
  if is_anothers "namespace.$namespace"; then
    render "$here/namespace.yaml" | sed '1,/^---$/d'
  else
    render "$here/namespace.yaml"
  fi
  echo ---
  if [ "$auth" = true ] && ! has_key; then
    api_key
    echo ---
  fi
  if [ "$skills_from" = claim ] && ! kubectl get pvc deer-flow-skills --namespace "$namespace" >/dev/null 2>&1; then
    note "the skills would be copied to the claim deer-flow-skills"
    skills_claim
    echo ---
  fi
  render "$here/sandbox-service.yaml"
  echo ---
  render "$here/sandbox-deployment.yaml"
}

lower() { printf '%s' "$1" | tr '[:upper:]' '[:lower:]'; }
# For the right side of sed's s|…|…|.
escaped() { printf '%s' "$1" | sed -e 's/[\\&|]/\\&/g'; }
# As a string of YAML, whatever it holds.
quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/''/g")"; }
