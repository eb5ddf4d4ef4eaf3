# shellcheck shell=bash
# Waiting until gateway and sandboxes are ready, and saying why they do not get there.

wait_for_rollout() {
  step "Waiting until they are ready (at most $timeout_seconds s)"
  local deployment state told='' deadline=$((SECONDS + timeout_seconds)) trouble='' troubled=0
  for deployment in deer-flow-gateway deer-flow-sandbox; do
    while :; do
      state=$(rollout_state "$deployment") || state='0 of ? ready'
      case $state in
        done*) break ;;
      esac
      if [ "$deployment $state" != "$told" ]; then
        detail "$deployment: $state"
        told="$deployment $state"
      fi
      trouble=$(trouble_of "$deployment")
      # What the cluster mends by itself takes a moment.
      if [ -z "$trouble" ]; then troubled=$SECONDS; fi
      [ $((SECONDS - troubled)) -lt "$(patience_with "$trouble")" ] || give_up "$deployment" "$trouble"
      [ "$SECONDS" -lt "$deadline" ] || give_up "$deployment" "${trouble:-$(last_event)}"
      sleep 0.5
    done
    done_with "$deployment: ${state#done, }"
  done
}

# `done, N of N ready`, or how far it is.
rollout_state() {
  kubectl get deployment "$1" --namespace "$namespace" --output "go-template=$(
    cat <<'END'
{{$s := .status}}{{$want := .spec.replicas}}{{$ready := or $s.availableReplicas 0}}{{$new := or $s.updatedReplicas 0}}
{{- if and (ge (or $s.observedGeneration 0) .metadata.generation) (ge $new $want) (ge $ready $want) (le (or $s.replicas 0) $new)}}done, {{end}}
{{- $ready}} of {{$want}} ready{{if lt $new $want}}, {{$new}} of the new template{{end}}{{if gt (or $s.replicas 0) $new}}, some of the old template still there{{end}}
END
  )" 2>/dev/null
}

# What keeps a Deployment's pods from being ready, as the cluster says it; nothing when they only take their time.
trouble_of() {
  local waiting
  waiting=$(kubectl get pods --namespace "$namespace" --selector "app=$1" --output \
    'jsonpath={range .items[*]}{range .status.conditions[?(@.reason=="Unschedulable")]}Unschedulable: {.message}{"\n"}{end}{range .status.containerStatuses[*]}{.state.waiting.reason}: {.state.waiting.message}{"\n"}{end}{end}' 2>/dev/null |
    grep -E '^(Unschedulable|ErrImage|ImagePullBackOff|InvalidImageName|CreateContainer|CrashLoopBackOff|RunContainerError)' | head -n 1)
  [ -n "$waiting" ] || waiting=$(kubectl get deployment "$1" --namespace "$namespace" --output \
    'jsonpath={range .status.conditions[?(@.type=="ReplicaFailure")]}{.reason}: {.message}{end}' 2>/dev/null)
  [ -n "$waiting" ] || waiting=$(failed_mount "$1")
  printf '%s' "$waiting"
}

# A volume that the pods of a Deployment wait for. Events of pods that have gone are still there.
failed_mount() {
  local pods
  pods=$(kubectl get pods --namespace "$namespace" --selector "app=$1" --field-selector status.phase=Pending --output name 2>/dev/null)
  [ -z "$pods" ] || kubectl get events --namespace "$namespace" --field-selector reason=FailedMount --output \
    'jsonpath={range .items[*]}pod/{.involvedObject.name} {.reason}: {.message}{"\n"}{end}' 2>/dev/null |
    grep -F "$pods" | grep -v 'configmap "paddock-keys" not found' | tail -n 1 | sed 's/^[^ ]* //' || true
}

# Seconds that a trouble may last.
patience_with() {
  case $1 in
    '') echo 1000000 ;;
    FailedCreate* | InvalidImageName* | *'hostPath type check failed'*) echo 3 ;;
    Unschedulable*) echo 20 ;;
    *) echo 10 ;;
  esac
}

last_event() {
  kubectl get events --namespace "$namespace" --sort-by=.lastTimestamp --field-selector type=Warning --output \
    'jsonpath={range .items[*]}{.reason}: {.message}{"\n"}{end}' 2>/dev/null | tail -n 1
}

give_up() {
  local said broken
  say "$(kubectl get pods --namespace "$namespace" --selector "app=$1" 2>/dev/null | sed 's/^/    /')"
  broken=$(kubectl get pods --namespace "$namespace" --selector "app=$1" --output \
    'jsonpath={range .items[?(@.status.containerStatuses[0].ready==false)]}{.metadata.name}{"\n"}{end}' 2>/dev/null | head -n 1)
  said=$(kubectl logs "$broken" --namespace "$namespace" --tail=3 2>/dev/null) || said=
  [ -z "$said" ] || say "$(printf '%s\n' "$said" | sed 's/^/    log: /')"
  fail "$1 does not get ready: ${2:-it takes longer than $timeout_seconds s}" "$(way_out "$2")" \
    "see all of it: kubectl describe pods --namespace $namespace --selector app=$1"
}

# What to do about what an event or a state says.
way_out() {
  case $1 in
    *ErrImage* | *ImagePull* | *InvalidImageName*)
      echo "the nodes cannot get the image $sandbox_image or $gateway_image: check the name, push it with --push REGISTRY, or bring it to the nodes"
      ;;
    *'hostPath type check failed'*) echo "the node has no folder $skills_path: run again without --skip-pull, which copies the skills to a claim" ;;
    *'exceeded quota'*) echo "the namespace's quota is full: kubectl describe quota --namespace $namespace; fewer sandboxes: --replicas 1" ;;
    *'violates PodSecurity'*) echo "the namespace enforces a level of pod security that refuses these pods: kubectl get namespace $namespace --show-labels" ;;
    *'unbound immediate PersistentVolumeClaims'* | *persistentvolumeclaim*) echo 'the claim of the skills has no volume: see skills-pv-pvc.yaml.bak' ;;
    Unschedulable* | *FailedScheduling*) echo 'no node has room: free some, add a node, or lower the requests in sandbox-deployment.yaml' ;;
    *CrashLoop* | *'Back-off restarting'*) echo "its log says why; an image of your own must be FROM paddock/sandbox and keep its start" ;;
    *Unhealthy* | *probe*) echo 'the probe GET /v1/sandbox is not answered; an image of your own must be FROM paddock/sandbox and keep its start' ;;
    *) echo 'give it more time: --timeout SECONDS' ;;
  esac
}
