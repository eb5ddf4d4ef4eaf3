# shellcheck shell=bash
# The images: whether the nodes have or get them, and if not, making and bringing them there.

# What the trial pod ends with where an image is not one of ours.
not_ours=70

# Whether the nodes can start both images is tried, with a pod that ends at once: it is they that run them.
provide_images() {
  step "Images $sandbox_image, $gateway_image"
  if [ -n "$push" ]; then
    push_images
  elif try_images; then
    done_with 'the nodes have them'
    return
  elif [ "$skip_pull" = true ]; then
    note "the nodes do not have $missing_image yet; the rollout waits for it"
    return
  else
    bring_images
  fi
  try_images && done_with 'the nodes have them' && return
  fail "the nodes cannot start $missing_image: $missing_why" \
    'for a cluster that is not on this machine, push it to a registry that its nodes reach: --push REGISTRY' \
    "bring it to the nodes by hand, then: ./setup.sh --skip-pull"
}

# Starts the trial pod, which prints the sum of the skills folder if it is to look at one, and waits for its end.
# Sets missing_image and missing_why when an image is what it waits for.
try_images() {
  local policy=IfNotPresent state deadline=$((SECONDS + timeout_seconds)) told=$SECONDS
  [ "$skip_pull" = false ] || policy=Never
  missing_image=$sandbox_image missing_why='it is not there'
  remove_trial_pod
  at_end=remove_trial_pod
  if ! trial_pod "$policy" | kubectl create --filename=- --output 'jsonpath={.metadata.uid}' >"$work/trial" 2>"$work/said"; then
    # A namespace may refuse folders of its nodes.
    if [ -n "$skills_to_try" ] && grep -q 'violates PodSecurity.*hostPath' "$work/said"; then
      without_node_folder refused
      return
    fi
    fail "no pod can be made to try the images with: $(last_words)" "$(way_out "$(last_words)")"
  fi
  while :; do
    state=$(kubectl get pod deer-flow-setup --namespace "$namespace" --output \
      'jsonpath={.status.phase}{range .status.containerStatuses[*]}{"\n"}{.image} {.state.waiting.reason} {.state.waiting.message}{end}' 2>/dev/null) || state=
    case $state in
      Succeeded*) return 0 ;;
      Failed*) trial_failed ;;
      *ErrImage* | *ImagePullBackOff* | *InvalidImageName*)
        missing_image=$(printf '%s\n' "$state" | sed -E -n 's/ (ErrImage[A-Za-z]*|ImagePullBackOff|InvalidImageName) .*//p' | head -n 1)
        missing_why=$(printf '%s\n' "$state" | sed -E -n 's/^[^ ]* (ErrImage[A-Za-z]*|ImagePullBackOff|InvalidImageName) /\1: /p' | head -n 1)
        return 1
        ;;
    esac
    if [ -n "$skills_to_try" ] && events_of_trial | grep -q 'FailedMount: .*hostPath type check failed'; then
      without_node_folder none
      return
    fi
    [ "$SECONDS" -lt "$deadline" ] || trial_failed
    if [ $((SECONDS - told)) -ge 10 ]; then
      detail "waiting for the nodes to get them ($((deadline - SECONDS)) s left): $(last_event_of_trial)"
      told=$SECONDS
    fi
    sleep 0.5
  done
}

# Tries the images alone.
without_node_folder() {
  skills_on_node=$1
  skills_to_try=
  try_images
}

trial_failed() {
  tell_wrong_image sandbox "$sandbox_image"
  tell_wrong_image gateway "$gateway_image"
  fail "a pod that tries the images does not end: $(last_event_of_trial)" \
    "$(way_out "$(last_event_of_trial)")" "see all of it: kubectl get events --namespace $namespace --sort-by=.lastTimestamp"
}

# tell_wrong_image NAME IMAGE: ends with what is wrong when that container of the trial pod has failed.
tell_wrong_image() {
  local said
  said=$(kubectl get pod deer-flow-setup --namespace "$namespace" --output \
    "jsonpath={range .status.containerStatuses[?(@.name==\"$1\")]}{.state.terminated.exitCode} {.state.terminated.message}{end}" 2>/dev/null) || return 0
  case $said in
    '' | ' ' | '0 '*) ;;
    "$not_ours "*) fail "$2 is not built FROM paddock/$1, which brings the server that the gateway binds to a conversation" \
      "an image of your own begins with FROM paddock/$1 and keeps its user and its start: see README.md, Custom Sandbox Image" ;;
    *) fail "$2 cannot be started: ${said#* }" "an image of your own must be built FROM paddock/$1" ;;
  esac
}

# What the trial pod printed of the skills folder as its node sees it.
trial_said() { kubectl logs deer-flow-setup --namespace "$namespace" --container sandbox 2>/dev/null; }

# Events of earlier pods of that name are still there.
events_of_trial() {
  kubectl get events --namespace "$namespace" --sort-by=.lastTimestamp --output \
    'jsonpath={range .items[*]}{.reason}: {.message}{"\n"}{end}' --field-selector "involvedObject.uid=$(cat "$work/trial")" 2>/dev/null
}

last_event_of_trial() { events_of_trial | tail -n 1; }

remove_trial_pod() {
  kubectl delete pod deer-flow-setup --namespace "$namespace" --ignore-not-found --now --wait=true >/dev/null 2>&1 || true
}

# How the pods begin that setup needs for a moment.
helper_pod() {
  cat <<END
apiVersion: v1
kind: Pod
metadata:
  name: deer-flow-setup
  namespace: $namespace
  labels: { app: deer-flow-setup, app.kubernetes.io/part-of: paddock }
  annotations: { paddock.dev/created-by: setup }
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
END
}

trial_pod() {
  cat <<END
$(helper_pod)
  enableServiceLinks: false
  securityContext: { runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, seccompProfile: { type: RuntimeDefault } }
  containers:
$(trial_container sandbox "$sandbox_image" "$1" "test -x /opt/paddock/bin/start || exit $not_ours; $skills_sum" "${skills_to_try:+/mnt/skills}")
$(trial_container gateway "$gateway_image" "$1" "test -f /opt/paddock/gateway/main.cjs || exit $not_ours" '')
END
  [ -z "$skills_to_try" ] || cat <<END
  volumes:
    - name: skills
      hostPath: { path: $(quoted "$skills_to_try"), type: Directory }
END
}

# trial_container NAME IMAGE PULL-POLICY COMMAND MOUNT
trial_container() {
  cat <<END
    - name: $1
      image: $(quoted "$2")
      imagePullPolicy: $3
      command: [/bin/sh, -c, $(quoted "$4")]
      resources: { requests: { cpu: 10m, memory: 16Mi, ephemeral-storage: 1Mi }, limits: { cpu: 500m, memory: 64Mi, ephemeral-storage: 16Mi } }
      securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: [ALL] } }
END
  if [ -n "$5" ]; then printf '      volumeMounts: [{ name: skills, mountPath: %s, readOnly: true }]\n' "$5"; fi
}
