# shellcheck shell=bash
# Whether it works, seen as a backend in the cluster sees it; and what to do with it now.

# Of an earlier run that was interrupted there may be another.
trial_sandbox=deer-flow-setup-$$

check_answers() {
  local answer pool
  step 'Trying it'
  gateway_pod=$(newest_gateway)
  # With an empty pool that a sandbox can be had is known once there was one.
  pool=$(field deployment '{.spec.replicas}')
  [ "$pool" = 0 ] || check_probe
  # A sandbox of its own, which goes also when this is interrupted.
  at_end=remove_trial_sandbox
  answer=$(from_gateway POST /v1/shell/exec "{\"command\":\"echo it works; $skills_sum\"}") ||
    fail "no sandbox can be bound to a conversation and run a command: $(last_words)" \
      'an image of your own must be FROM paddock/sandbox and keep its start' \
      "see the gateway's log: kubectl logs --namespace $namespace --selector app=deer-flow-gateway"
  case $answer in *'it works'*) ;; *) fail "a command in a sandbox printed something else: $answer" ;; esac
  done_with "a command ran in a sandbox, $SECONDS s after the start of this script"
  [ "$pool" != 0 ] || check_probe
  remove_trial_sandbox
  at_end=:
  case $answer in
    *"$(local_sum)"*) done_with 'the sandbox sees the skills of this folder' ;;
    *) fail "a sandbox sees other skills than $skills_path has" 'run again without --skip-pull, which copies them to a claim' ;;
  esac
  [ "$recycle" = false ] || recycle_default
}

check_probe() {
  local body
  # Nodes learn a moment later than we do that the Service leads somewhere.
  local deadline=$((SECONDS + 20))
  until body=$(from_gateway GET /v1/sandbox ''); do
    [ "$SECONDS" -lt "$deadline" ] || fail "GET /v1/sandbox is not answered: $(last_words)" \
      'an image of your own must be FROM paddock/sandbox and keep its start' \
      "see the gateway's log: kubectl logs --namespace $namespace --selector app=deer-flow-gateway"
    sleep 0.5
  done
  done_with "GET /v1/sandbox answers 200 $(printf '%s' "$body" | sed -n 's/.*"version":"\([^"]*\)".*/(version \1)/p')"
}

remove_trial_sandbox() { from_gateway DELETE "/api/sandboxes/$trial_sandbox" '' >/dev/null 2>&1 || true; }

recycle_default() {
  from_gateway DELETE /api/sandboxes/default '' >/dev/null ||
    fail "the sandbox that callers share cannot be replaced: $(last_words)"
  done_with 'the sandbox that callers share who name none is a new one from the next request on'
}

# from_gateway METHOD PATH BODY: asks the Service from inside the cluster, with what the gateway's image has. Prints the body; fails
# with the status on standard error unless it is 200.
from_gateway() {
  # shellcheck disable=SC2016 # It is JavaScript.
  local program='
    const [url, id, method, path, body] = process.argv.slice(1);
    const key = process.env.SANDBOX_API_KEY;
    const headers = { "x-sandbox-id": id, "content-type": "application/json", ...(key && { "x-api-key": key }) };
    fetch(url + path, { method, headers, ...(body && { body }) }).then(async (response) => {
      const text = await response.text();
      if (response.status === 200) return process.stdout.write(text);
      console.error(response.status + " " + text.slice(0, 500));
      process.exit(1);
    }).catch((error) => { console.error(String(error.cause ?? error)); process.exit(1); });'
  kubectl exec "$gateway_pod" --namespace "$namespace" --container gateway -- node -e "$program" \
    "http://deer-flow-sandbox.$namespace.svc.cluster.local:8080" "$trial_sandbox" "$1" "$2" "$3" 2>"$work/said"
}

# The pod that was made last: of those before, some may still be ending.
newest_gateway() {
  kubectl get pods --namespace "$namespace" --selector app=deer-flow-gateway --sort-by=.metadata.creationTimestamp --output name 2>/dev/null | tail -n 1
}

# Sandboxes outlive a change of the template: their conversations are in them.
tell_older_sandboxes() {
  local current older
  current=$(kubectl get deployment deer-flow-sandbox --namespace "$namespace" --output 'jsonpath={.spec.template.spec.containers[0].image}')
  older=$(kubectl get pods --namespace "$namespace" --selector 'paddock.dev/sandbox,!paddock.dev/template' --output \
    'jsonpath={range .items[*]}{.metadata.name} {.spec.containers[0].image}{"\n"}{end}' 2>/dev/null |
    awk -v current="$current" 'NF == 2 && $2 != current { print "    " $1 " runs " $2 }')
  [ -z "$older" ] || say "  ! these conversations go on in sandboxes of before (--recycle replaces the one that callers share):
$older"
}

tell_what_next() {
  local inside="deer-flow-sandbox.$namespace.svc.cluster.local:8080" outside=127.0.0.1:8080
  printf '\nFor a backend in the cluster, config.yaml:\n\n'
  backend_config "$inside"
  printf 'For a backend on this machine:\n\n  kubectl port-forward --namespace %s svc/deer-flow-sandbox 8080:8080\n\n' "$namespace"
  backend_config "$outside"
  cat <<END
A backend in another namespace: kubectl label namespace NAME paddock.dev/client=true

Ready for new conversations: $(field deployment '{.spec.replicas}'). Each conversation gets one of these to itself and another takes its place; all of a
conversation's requests reach the same one, however many there are (--replicas, or kubectl scale).
END
}

# The lines for a backend that reaches the gateway at an address. A key goes into the address, which backends pass on as it is.
backend_config() {
  local url=http://$1
  if [ "$auth" = true ]; then
    # shellcheck disable=SC2016 # config.yaml names a variable.
    url='$SANDBOX_URL'
    cat <<END
  export SANDBOX_URL=http://:\$(kubectl get secret deer-flow-api-key --namespace $namespace --output 'jsonpath={.data.api-key}' | base64 --decode)@$1

END
  fi
  cat <<END
  sandbox:
    use: src.community.aio_sandbox:AioSandboxProvider
    base_url: $url

END
}
