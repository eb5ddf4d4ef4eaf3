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
  for object in "$work"/objects/*; do
    name=$(basename "$object" .yaml)
    if ! exists "${name#*-}"; then marked <"$object" >>"$work/create.yaml" && echo --- >>"$work/create.yaml"; fi
    cat "$object" >>"$work/apply.yaml" && echo --- >>"$work/apply.yaml"
  done
  if [ -s "$work/create.yaml" ]; then
    must "the cluster refuses what $1 describes" create --filename="$work/create.yaml" >"$work/applied"
    sed -n 's/ created$/ made/p' "$work/applied" | while read -r line; do detail "$line"; done
  fi
  must "the cluster refuses what $1 describes" apply --filename="$work/apply.yaml" >"$work/changed"
  # What was just made is not worth a second line.
  sed -n 's/ configured$//p' "$work/changed" | while read -r line; do
    grep -q -x "$line created" "$work/applied" 2>/dev/null || detail "$line changed"
  done
  rm -f "$work/applied"
}

apply_namespace() {
  step "Namespace $namespace"
  if may patch customresourcedefinitions.apiextensions.k8s.io && may patch namespaces; then
    apply_file namespace.yaml
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
  kubectl get secret deer-flow-api-key --namespace "$namespace" >/dev/null 2>&1 && return
  local key
  key=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
  must 'the key cannot be stored' apply --filename=- >/dev/null <<END
apiVersion: v1
kind: Secret
metadata:
  name: deer-flow-api-key
  namespace: $namespace
  labels: { app.kubernetes.io/part-of: paddock }
  annotations: { paddock.dev/created-by: setup }
stringData:
  api-key: $key
END
  detail 'secret/deer-flow-api-key made'
}

show_plan() {
  local file
  say "$(printf '▸ Nothing is changed. This would be applied to namespace %s:' "$namespace")"
  for file in namespace.yaml sandbox-service.yaml sandbox-deployment.yaml; do
    render "$here/$file"
    echo ---
  done
}

lower() { printf '%s' "$1" | tr '[:upper:]' '[:lower:]'; }
# For the right side of sed's s|…|…|.
escaped() { printf '%s' "$1" | sed -e 's/[\\&|]/\\&/g'; }
# As a string of YAML, whatever it holds.
quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/''/g")"; }
