# shellcheck shell=bash
# The skills folder: on this machine, as the nodes see it, and in a claim where they do not.

# What tells whether two folders hold the same: the sum of the sums of their files.
# File systems have a lost+found of their own.
sum_of_files='find . -path ./lost+found -prune -o -type f -exec cksum {} + | LC_ALL=C sort | cksum'
skills_sum="cd /mnt/skills && $sum_of_files"
# The folder that the trial pod is to look at; empty for none.
skills_to_try=
# Why a node's folder cannot be compared: unknown, none there, refused by the namespace.
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
  # Without the node's folder it saw the image's own, which is empty, as this one may be.
  [ "$skills_on_node" = unknown ] || seen=
  if [ -z "$seen" ] && [ "$skills_on_node" = unknown ]; then
    choose_skills_by_kind
    note 'not compared with what the nodes have'
  elif [ "$seen" = "$sum" ] && [ "$(node_count)" -le 1 ]; then
    skills_from=hostPath
    done_with 'the node has the same files there'
  elif [ "$seen" = "$sum" ] && ! can_claim; then
    skills_from=hostPath
    note "one of the nodes has the same files there; see to it that all $(node_count) have"
  else
    skills_from=claim
  fi
  [ "$skills_from" = hostPath ] || copy_skills "$sum"
  remove_trial_pod
  at_end=:
}

why_not_from_node() {
  if [ "$skills_on_node" = refused ]; then
    echo 'this namespace refuses pods that use folders of their node'
  else
    echo 'the nodes do not have these files'
  fi
}

# 0 for whoever may not look at nodes.
node_count() { grep -c '"kubeletVersion"' "$work/nodes.json" || true; }

# Brings the claim's files up to date, by a pod that may write to it.
copy_skills() {
  local seen
  detail "$(why_not_from_node); sandboxes take the skills from the claim deer-flow-skills"
  make_claim
  remove_trial_pod
  at_end=remove_trial_pod
  copy_pod | must 'no pod can be made to copy the skills with' create --filename=- \
    --output 'jsonpath={.metadata.uid}' >"$work/trial"
  wait_for_copy_pod
  seen=$(in_copy_pod "$skills_sum") || seen=
  if [ "$seen" != "$1" ]; then
    [ "$(kubectl get pvc deer-flow-skills --namespace "$namespace" \
      --output 'jsonpath={.metadata.annotations.paddock\.dev/created-by}')" = setup ] ||
      fail "the claim deer-flow-skills holds other files than $skills_path, and this script did not make it" \
        'put the files there yourself' 'or name the folder that it holds: --skills-path PATH'
    # Sandboxes read meanwhile: what is the same stays there. Where a file became a folder only a new start helps.
    fill_claim "$over_what_is_there" || fill_claim "$anew" || fail "the skills cannot be copied: $(last_words)"
    seen=$(in_copy_pod "$skills_sum") || seen=
  fi
  [ "$seen" = "$1" ] || fail 'the copy of the skills differs from the folder' 'run it again; did the folder change meanwhile?'
  done_with 'the claim has the same files'
}

wait_for_copy_pod() {
  local said told='' deadline=$((SECONDS + timeout_seconds))
  until kubectl wait --for=condition=Ready pod/deer-flow-setup --namespace "$namespace" --timeout=5s >/dev/null 2>&1; do
    said=$(last_event_of_trial)
    [ "$said" = "$told" ] || note "the pod that copies the skills waits: $said"
    [ "$SECONDS" -lt "$deadline" ] || fail "the pod that copies the skills does not start: $said" \
      "$(way_out "$said")" 'without a StorageClass, make the volume first: see skills-pv-pvc.yaml.bak'
    told=$said
  done
}

# Commands that bring a folder to what an archive on standard input has.
unpack='tar -xvif - --no-same-owner --no-same-permissions -m --quoting-style=literal'
over_what_is_there="$unpack >/tmp/files && sed 's|/\$||' /tmp/files >/tmp/kept &&
  find . -depth -mindepth 1 ! -path './lost+found*' | grep -v -x -F -f /tmp/kept | while IFS= read -r old; do rm -rf \"\$old\"; done"
anew="find . -mindepth 1 ! -path './lost+found*' -delete && $unpack >/dev/null"

# All but the folder itself: the claim's own belongs to somebody else. macOS would add files of its own to an archive.
fill_claim() {
  packed_skills 2>/dev/null |
    kubectl exec --stdin deer-flow-setup --namespace "$namespace" -- /bin/sh -c "cd /mnt/skills && $1" 2>"$work/said"
}

packed_skills() {
  cd "$skills_path" || return
  if [ -z "$(ls -A)" ]; then
    tar -cf - -T /dev/null
  else
    COPYFILE_DISABLE=1 find . ! -name . -prune -exec tar -cf - {} +
  fi
}

in_copy_pod() { kubectl exec deer-flow-setup --namespace "$namespace" -- /bin/sh -c "$1" 2>/dev/null; }

make_claim() {
  kubectl get pvc deer-flow-skills --namespace "$namespace" >/dev/null 2>&1 && return
  can_claim || fail "$(why_not_from_node), and the cluster has no default StorageClass to make a volume for a copy" \
    "put the folder on the nodes at the same path, $skills_path" 'or make the volume yourself: see skills-pv-pvc.yaml.bak'
  skills_claim | must 'the claim cannot be made' apply --filename=- >/dev/null
  detail 'persistentvolumeclaim/deer-flow-skills made'
}

# Whether a claim is there, or would get a volume. Who may not look at StorageClasses tries it.
can_claim() {
  local classes
  kubectl get pvc deer-flow-skills --namespace "$namespace" >/dev/null 2>&1 && return
  classes=$(kubectl get storageclasses --output \
    'jsonpath={range .items[*]}{.metadata.annotations.storageclass\.kubernetes\.io/is-default-class} {end}' 2>/dev/null) || classes=true
  case $classes in
    *true*) ;;
    *) return 1 ;;
  esac
}

skills_claim() {
  cat <<END
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
      volumeMounts: [{ name: skills, mountPath: /mnt/skills }, { name: tmp, mountPath: /tmp }]
  volumes:
    - name: tmp
      emptyDir: {}
    - name: skills
      persistentVolumeClaim: { claimName: deer-flow-skills }
END
}
