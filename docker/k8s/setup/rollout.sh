# shellcheck shell=bash
# Waiting until gateway and sandboxes are ready, and saying why they do not get there.

wait_for_rollout() {
  step "Waiting until they are ready (at most $timeout_seconds s)"
  local deployment state told='' trouble noted='' since=$SECONDS deadline=$((SECONDS + timeout_seconds))
  for deployment in deer-flow-gateway deer-flow-sandbox; do
    while :; do
      see_rollout
      state=$(rollout_state "$deployment")
      case $state in
        done*) break ;;
      esac
      if [ "$deployment $state" != "$told" ]; then
        detail "$deployment: $state"
        told="$deployment $state"
      fi
      trouble=$(trouble_of "$deployment")
      # What the cluster mends by itself takes a moment.
      if [ -z "$trouble" ]; then since=$SECONDS; fi
      # Each reason once, and before it is the last word.
      if [ $((SECONDS - since)) -ge 3 ]; then
        case $noted in
          *" ${trouble%%:*} "*) ;;
          *) note "$deployment: $trouble" && noted="$noted ${trouble%%:*} " ;;
        esac
      fi
      [ $((SECONDS - since)) -lt "$(patience_with "$trouble")" ] || give_up "$deployment" "$trouble"
      [ "$SECONDS" -lt "$deadline" ] || give_up "$deployment" "${trouble:-$(last_event)}"
      sleep 0.5
    done
    done_with "$deployment: ${state#done, }"
    since=$SECONDS noted=''
  done
}

# What there is to know of the rollout, in one question, since each takes a start of kubectl: lines of $work/rollout, with the fields
# `deployment`, NAME, done or not, words; `failure`, NAME, why no pod is made; `pod`, NAME, its Deployment, ready or its phase;
# `waiting`, POD, why; `event`, POD, REASON, what happened. Sandboxes that belong to conversations
# or to another pool are not looked at.
see_rollout() {
  kubectl get deployments,pods,events --namespace "$namespace" --output "go-template=$(
    cat <<'END'
{{range .items}}{{$name := .metadata.name}}{{$s := .status}}
{{- if eq .kind "Deployment"}}{{$want := .spec.replicas}}{{$ready := or $s.availableReplicas 0}}{{$new := or $s.updatedReplicas 0}}{{$all := or $s.replicas 0}}
{{- "deployment\t"}}{{$name}}{{"\t"}}{{if and (ge (or $s.observedGeneration 0) .metadata.generation) (ge $new $want) (ge $ready $want) (le $all $new)}}done, {{end}}
{{- $ready}} of {{$want}} ready{{if lt $new $want}}, {{$new}} of the new template{{end}}{{if gt $all $new}}, some of the old template still there{{end}}{{"\n"}}
{{- range $s.conditions}}{{if eq .type "ReplicaFailure"}}{{"failure\t"}}{{$name}}{{"\t"}}{{printf "%q" (printf "%s: %s" .reason .message)}}{{"\n"}}{{end}}{{end}}
{{- else if eq .kind "Pod"}}{{$of := ""}}{{with .metadata.labels}}{{if not (or (index . "paddock.dev/sandbox") (index . "paddock.dev/template"))}}{{$of = or (index . "app") ""}}{{end}}{{end}}
{{- if and $of (not .metadata.deletionTimestamp)}}{{$state := $s.phase}}
{{- range $s.conditions}}{{if eq .type "Ready"}}{{if eq .status "True"}}{{$state = "ready"}}{{end}}{{end}}
{{- if eq (or .reason "") "Unschedulable"}}{{"waiting\t"}}{{$name}}{{"\t"}}{{printf "%q" (printf "Unschedulable: %s" .message)}}{{"\n"}}{{end}}{{end}}
{{- "pod\t"}}{{$name}}{{"\t"}}{{$of}}{{"\t"}}{{$state}}{{"\n"}}
{{- range $s.containerStatuses}}{{with .state.waiting}}{{"waiting\t"}}{{$name}}{{"\t"}}{{printf "%q" (printf "%s: %s" .reason (or .message ""))}}{{"\n"}}{{end}}{{end}}{{end}}
{{- else if .involvedObject.name}}{{"event\t"}}{{.involvedObject.name}}{{"\t"}}{{.reason}}{{"\t"}}{{printf "%q" (printf "%s: %s" .reason (or .message ""))}}{{"\n"}}{{end}}{{end}}
END
  )" 2>/dev/null | sed -e 's/"\(.*\)"$/\1/' -e 's/\\n/ /g' -e 's/\\"/"/g' >"$work/rollout" || true
}

# `done, N of N ready`, or how far it is.
rollout_state() { awk -F '\t' -v name="$1" '$1 == "deployment" && $2 == name { print $3; found = 1 } END { if (!found) print "0 of ? ready" }' "$work/rollout"; }

# What keeps a Deployment's pods from being ready, as the cluster says it; nothing when they only take their time.
trouble_of() {
  awk -F '\t' -v name="$1" '
    $1 == "failure" && $2 == name { failure = $3 }
    $1 == "pod" && $3 == name { state[$2] = $4 }
    $1 == "waiting" { waiting[$2] = $3 }
    $1 == "event" { if ($3 == "FailedMount") mount[$2] = $4; if ($3 == "Unhealthy") probe[$2] = $4; if ($3 ~ /^(TriggeredScaleUp|Nominated)$/) scales[$2] = 1 }
    END {
      for (pod in state) {
        if (state[pod] == "ready") continue
        said = waiting[pod]
        if (said ~ /^(ErrImage|ImagePullBackOff|InvalidImageName|CreateContainer|CrashLoopBackOff|RunContainerError)/) stuck = said
        # A node is on its way.
        if (said ~ /^Unschedulable/ && !(pod in scales)) homeless = said
        # Events of what has passed are still there.
        if (state[pod] == "Pending" && mount[pod] !~ /configmap "paddock-keys" not found/) unmounted = mount[pod] ? mount[pod] : unmounted
        if (state[pod] == "Running" && probe[pod]) silent = probe[pod]
      }
      print stuck ? stuck : homeless ? homeless : failure ? failure : unmounted ? unmounted : silent
    }' "$work/rollout"
}

# Seconds that a trouble may last.
patience_with() {
  case $1 in
    '') echo 1000000 ;;
    FailedCreate* | InvalidImageName* | *'hostPath type check failed'*) echo 4 ;;
    # Somebody brings it to the nodes.
    ErrImage* | ImagePullBackOff*) if [ "$skip_pull" = true ]; then echo "$timeout_seconds"; else echo 10; fi ;;
    Unschedulable*) echo 20 ;;
    # As long as the startup probe.
    Unhealthy*) echo 60 ;;
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
  broken=$(awk -F '\t' -v name="$1" '$1 == "pod" && $3 == name && $4 != "ready" { print $2; exit }' "$work/rollout")
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
    *'hostPath type check failed: '*' is not a directory'*)
      set -- "${1##*hostPath type check failed: }"
      echo "the node has no folder ${1%% is not a directory*}: put it there, or have sandbox-deployment.yaml say __SKILLS_PATH__, which is looked for on the node first"
      ;;
    *'exceeded quota'*) echo "the namespace's quota is full: kubectl describe quota --namespace $namespace; fewer sandboxes: --replicas 1" ;;
    *'violates PodSecurity'*) echo "the namespace enforces a level of pod security that refuses these pods: kubectl get namespace $namespace --show-labels" ;;
    *'unbound immediate PersistentVolumeClaims'* | *persistentvolumeclaim*) echo 'the claim of the skills has no volume: see skills-pv-pvc.yaml.bak' ;;
    Unschedulable* | *FailedScheduling*) echo 'no node has room: free some, add a node, or lower the requests in sandbox-deployment.yaml' ;;
    *CrashLoop* | *'Back-off restarting'*) echo "its log says why; an image of your own must be FROM paddock/sandbox and keep its start" ;;
    *Unhealthy* | *probe*) echo 'the probe GET /v1/sandbox is not answered; an image of your own must be FROM paddock/sandbox and keep its start' ;;
    *) echo 'give it more time: --timeout SECONDS' ;;
  esac
}
