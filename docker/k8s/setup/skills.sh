# shellcheck shell=bash
# The skills folder: on this machine, as the nodes see it, and in a claim where they do not.

# What tells whether two folders hold the same: the sum of the sums of their files.
sum_of_files='find . -type f -exec cksum {} + | LC_ALL=C sort | cksum'
skills_sum="cd /mnt/skills && $sum_of_files"
# The folder that the trial pod is to look at; empty for none.
skills_to_try=
# What a node has at the folder's path: same, other, none.
skills_on_node=unknown

find_skills() {
  [ -e "$skills_path" ] || fail "the skills folder $skills_path does not exist" \
    'name one that does: --skills-path PATH, or the variable SKILLS_PATH'
  [ -d "$skills_path" ] || fail "$skills_path is not a folder" 'name a folder of skills: --skills-path PATH'
  skills_path=$(cd "$skills_path" && pwd) || fail "the skills folder $skills_path cannot be read"
  skills_to_try=$skills_path
}

local_sum() { (cd "$skills_path" && eval "$sum_of_files"); }

# Without asking the nodes: as before, or what is most likely.
choose_skills_by_kind() {
  case "$kind $(field deployment '{.spec.template.spec.volumes[?(@.name=="skills")].persistentVolumeClaim.claimName}')" in
    *' deer-flow-skills') skills_from=claim ;;
    'kind '* | 'k3d '* | 'minikube '*) exists deployment.deer-flow-sandbox || skills_from=claim ;;
  esac
}

# Takes the folder from the node where that has the same as this machine, else copies it to a claim.
provide_skills() {
  step "Skills $skills_path"
  local sum seen
  sum=$(local_sum)
  seen=$(trial_said) || seen=
  if [ -z "$seen" ] && [ "$skills_on_node" = unknown ]; then
    choose_skills_by_kind
    note 'not compared with what the nodes have'
  elif [ "$seen" = "$sum" ] && [ "$(node_count)" -le 1 ]; then
    skills_from=hostPath
    done_with 'the node has the same files there'
  else
    skills_from=claim
  fi
  [ "$skills_from" = hostPath ] || copy_skills "$sum"
  remove_trial_pod
  at_end=:
}

node_count() { grep -c '"kubeletVersion"' "$work/nodes.json" 2>/dev/null || echo 1; }

# Brings the claim's files up to date, by a pod that may write to it.
copy_skills() {
  local seen
  detail 'the nodes do not have these files; sandboxes take them from the claim deer-flow-skills'
  make_claim
  remove_trial_pod
  at_end=remove_trial_pod
  copy_pod | must 'no pod can be made to copy the skills with' create --filename=- \
    --output 'jsonpath={.metadata.uid}' >"$work/trial"
  if ! kubectl wait --for=condition=Ready pod/deer-flow-setup --namespace "$namespace" \
    --timeout="${timeout_seconds}s" >/dev/null 2>"$work/said"; then
    fail "the pod that copies the skills does not start: $(last_event_of_trial)" \
      "$(way_out "$(last_event_of_trial)")" 'without a StorageClass, make the volume first: see skills-pv-pvc.yaml.bak'
  fi
  seen=$(in_copy_pod "$skills_sum")
  if [ "$seen" != "$1" ]; then
    [ "$(kubectl get pvc deer-flow-skills --namespace "$namespace" \
      --output 'jsonpath={.metadata.annotations.paddock\.dev/created-by}')" = setup ] ||
      fail "the claim deer-flow-skills holds other files than $skills_path, and this script did not make it" \
        'put the files there yourself' 'or name the folder that it holds: --skills-path PATH'
    tar -C "$skills_path" -cf - . 2>/dev/null | kubectl exec --stdin deer-flow-setup --namespace "$namespace" -- \
      /bin/sh -c 'cd /mnt/skills && find . -mindepth 1 -delete && tar -xf - --no-same-owner --no-same-permissions -m' 2>"$work/said" ||
      fail "the skills cannot be copied: $(last_words)"
    seen=$(in_copy_pod "$skills_sum")
  fi
  [ "$seen" = "$1" ] || fail 'the copy of the skills differs from the folder' 'run it again; did the folder change meanwhile?'
  done_with 'the claim has the same files'
}

in_copy_pod() { kubectl exec deer-flow-setup --namespace "$namespace" -- /bin/sh -c "$1" 2>/dev/null; }

make_claim() {
  kubectl get pvc deer-flow-skills --namespace "$namespace" >/dev/null 2>&1 && return
  local classes
  classes=$(kubectl get storageclasses --output \
    'jsonpath={range .items[*]}{.metadata.name} {.metadata.annotations.storageclass\.kubernetes\.io/is-default-class}{"\n"}{end}' 2>/dev/null) || classes='? true'
  case $classes in
    *' true'*) ;;
    *)
      fail 'the nodes do not have the skills, and the cluster has no default StorageClass to make a volume for a copy' \
        "put the folder on the nodes at the same path, $skills_path" 'or make the volume yourself: see skills-pv-pvc.yaml.bak'
      ;;
  esac
  must 'the claim cannot be made' apply --filename=- >/dev/null <<END
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: deer-flow-skills
  namespace: $namespace
  labels: { app.kubernetes.io/part-of: paddock }
  annotations: { paddock.dev/created-by: setup }
spec:
  accessModes: [ReadWriteOnce]
  resources: { requests: { storage: 1Gi } }
END
  detail 'persistentvolumeclaim/deer-flow-skills made'
}

copy_pod() {
  cat <<END
$(helper_pod)
  terminationGracePeriodSeconds: 0
  securityContext: { runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000, seccompProfile: { type: RuntimeDefault } }
  containers:
    - name: sandbox
      image: $(quoted "$sandbox_image")
      imagePullPolicy: IfNotPresent
      command: [/bin/sleep, '3600']
      resources: { requests: { cpu: 10m, memory: 16Mi, ephemeral-storage: 1Mi }, limits: { cpu: 500m, memory: 128Mi, ephemeral-storage: 16Mi } }
      securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: [ALL] } }
      volumeMounts: [{ name: skills, mountPath: /mnt/skills }]
  volumes:
    - name: skills
      persistentVolumeClaim: { claimName: deer-flow-skills }
END
}
