# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# essentials <namespace>: what both generations of kubectl must do, in a namespace of its own. `kubectl` is the program.

essentials() {
    essential_namespace=$1
    essential_label="kubectl $("$kubectl" version --client 2>/dev/null | grep -oE 'v1\.[0-9]+' | head -n 1)"
    manifest=$work/web-$1.yaml
    web_manifest >"$manifest"
    e_check "create namespace" k create namespace "$1"
    e_check "apply" says 'deployment.apps/web created' e apply -f "$manifest"
    e_check "apply again changes nothing" says 'deployment.apps/web unchanged' e apply -f "$manifest"
    e_check "rollout status" says 'successfully rolled out' e rollout status deployment/web --timeout=60s
    e_check "wait" says 'condition met' e wait --for=condition=available deployment/web --timeout=30s
    e_check "get" says 'web-[a-z0-9-]+ +1/1 +Running +0' e get pods
    e_check "get -o wide" says 'Running .* 10\.42\..* node-1' e get pods -o wide
    e_check "get -o yaml" says '^  phase: Running' e get pod "$(e_pod)" -o yaml
    e_check "get -o custom-columns" says '^web +2 +docker.io/swiftlet/hello:1$' e get deployments -o custom-columns=NAME:.metadata.name,WANTED:.spec.replicas,IMAGE:.spec.template.spec.containers[0].image
    e_check "get nodes -o wide" says 'node-1 +Ready .*v1\.36\.0.* 10\.99\.0\.2 .*swiftlet' k get nodes -o wide
    e_check "get -w" e_watch
    e_check "describe pod" says 'Started +[0-9<]+.*kubelet|Started container' e describe pod "$(e_pod)"
    e_check "describe deployment" says 'ScalingReplicaSet' e describe deployment web
    e_check "describe service" says 'Endpoints: +10\.42\.' e describe service web
    e_check "describe node" says 'KubeletReady' k describe node node-1
    e_check "logs" says '^line 1$' e logs "$(e_pod)"
    e_check "logs --tail --timestamps" says '^20[0-9-]+T[0-9:.]+(Z|[+-].*) line' e logs "$(e_pod)" --tail=1 --timestamps
    e_check "logs -f" e_follow
    e_check "logs of a deployment and by label" e_many_logs
    e_check "exec" says '^a b  c$' e exec "$(e_pod)" -- echo 'a b  c'
    e_check "exec passes standard input and the exit status" e_exec_status
    e_check "exec -it has a terminal" e_exec_terminal
    e_check "attach" e_attach
    e_check "cp" e_copy
    e_check "port-forward" e_forward
    e_check "run --rm -it" e_run_rm
    e_check "scale" e_scale
    e_check "set image, rollout history and undo" e_rollouts
    e_check "rollout restart" e_restart
    e_check "edit" e_edit
    e_check "label and annotate" e_label
    e_check "expose" e_expose
    e_check "replace" e_replace
    e_check "explain" says 'Number of desired pods|[Rr]eplicas' k explain deployment.spec.replicas
    e_check "explain --recursive" says 'livenessProbe' k explain pod --recursive
    e_check "auth can-i" e_can_i
    e_check "api-resources" says '^deployments +deploy +apps/v1 +true +Deployment' k api-resources
    e_check "api-versions" says '^networking.k8s.io/v1$' k api-versions
    e_check "version" says 'v1\.36\.0' k version
    e_check "cluster-info" says 'is running at' k cluster-info
    e_check "delete" e_delete
    e_check "an unknown kind is refused" refuses "doesn't have a resource type \"gizmos\"" "$kubectl" get gizmos
    e_check "an unknown object is refused" refuses '\(NotFound\): pods "nobody" not found' "$kubectl" get pod nobody
}

e_check() { check "$essential_label: $1" "${@:2}"; }
e() { k -n "$essential_namespace" "$@"; }
e_pod() { standing_pod -n "$essential_namespace" -l app=web; }

web_manifest() {
    cat <<end
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: $example_image
          command: [/bin/sh, -c]
          args: ["mkdir /tmp/www; echo hello from \$(POD_NAME) >/tmp/www/index.html; for i in 1 2 3; do echo line \$i; done; exec httpd -f -p 8080 -h /tmp/www"]
          env: [{name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
          ports: [{name: http, containerPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: http}]
---
apiVersion: v1
kind: Pod
metadata: {name: parrot}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: parrot
      image: $example_image
      stdin: true
      command: [/bin/sh, -c, 'while read line; do echo "you said \$line"; done; sleep 1000']
end
}

e_watch() {
    local watcher
    rm -f "$work/watch.out"
    e get pods -w >"$work/watch.out" 2>&1 &
    watcher=$!
    within 5 grep -q '^web-' "$work/watch.out"
    e run watched --image=$example_image --restart=Never -- true
    within 20 grep -Eq '^watched .*(Completed|Succeeded)' "$work/watch.out" || { cat "$work/watch.out"; kill $watcher; return 1; }
    kill $watcher
    e delete pod watched --now
}

e_follow() {
    local follower
    e run ticker --image=$example_image --restart=Never -- sh -c 'for i in 1 2 3 4; do echo tick $i; sleep 0.3; done'
    e wait --for=condition=Ready pod/ticker --timeout=20s || true
    e logs -f ticker >"$work/follow.out" &
    follower=$!
    # The log ends with the container, and kubectl with the log.
    within 10 sh -c "[ ! -d /proc/$follower ] || grep -q '^State:.Z' /proc/$follower/status"
    equal "$(tr '\n' ' ' <"$work/follow.out")" "tick 1 tick 2 tick 3 tick 4 "
    e delete pod ticker --now
}

e_many_logs() {
    says '^line 3$' e logs deployment/web
    equal "$(e logs -l app=web --tail=1 | sort -u)" "line 3"
}

e_exec_status() {
    local status=0 output
    output=$(echo 'from afar' | e exec -i "$(e_pod)" -- sh -c 'cat; echo aside >&2; exit 7' 2>"$work/exec.err") || status=$?
    equal "$output" "from afar"
    equal "$status" 7
    grep -q '^aside' "$work/exec.err"
}

e_exec_terminal() {
    local output
    output=$(in_terminal "$kubectl -n $essential_namespace exec -it $(e_pod) -- sh -c 'test -t 0 && test -t 1 && echo a terminal; sleep 0.3; stty size'")
    echo "$output"
    grep -q 'a terminal' <<<"$output"
    # The size comes along.
    grep -q '33 101' <<<"$output"
    if grep -i 'stream' <<<"$output"; then return 1; fi
}

e_attach() {
    e wait --for=condition=Ready pod/parrot --timeout=20s
    (echo 'pretty bird'; sleep 2) | timeout 5 "$kubectl" -n "$essential_namespace" attach -i parrot >"$work/attach.out" 2>&1 || true
    cat "$work/attach.out"
    grep -q 'you said pretty bird' "$work/attach.out"
}

e_copy() {
    local pod
    pod=$(e_pod)
    head -c 3000000 /dev/urandom >"$work/copy.in"
    e cp "$work/copy.in" "$pod:/tmp/copied"
    e cp "$pod:/tmp/copied" "$work/copy.out"
    cmp "$work/copy.in" "$work/copy.out"
}

e_forward() {
    local forwarder status=0
    rm -f "$work/forward.out"
    "$kubectl" -n "$essential_namespace" port-forward "$(e_pod)" 18080:8080 >"$work/forward.out" 2>&1 &
    forwarder=$!
    within 10 grep -q 'Forwarding from 127.0.0.1' "$work/forward.out" || status=1
    within 5 answers http://127.0.0.1:18080/ || status=1
    for _ in 1 2; do answers http://127.0.0.1:18080/ || status=1; done
    kill $forwarder
    cat "$work/forward.out"
    [ $status = 0 ]
}

e_run_rm() {
    local output
    output=$(in_terminal "$kubectl -n $essential_namespace run once --rm -it --restart=Never --image=$example_image -- sh -c 'sleep 1; echo said and gone'")
    echo "$output"
    grep -q 'said and gone' <<<"$output"
    grep -q 'pod "once" deleted' <<<"$output"
    refuses NotFound "$kubectl" -n "$essential_namespace" get pod once
}

e_scale() {
    e scale deployment/web --replicas=3
    e rollout status deployment/web --timeout=60s
    has_field 3 .status.readyReplicas -n "$essential_namespace" deployment web
}

e_rollouts() {
    e set image deployment/web web=docker.io/swiftlet/hello:2
    e rollout status deployment/web --timeout=60s
    has_field docker.io/swiftlet/hello:2 '.spec.template.spec.containers[0].image' -n "$essential_namespace" deployment web
    says '^2 ' e rollout history deployment/web
    says 'hello:2' e rollout history deployment/web --revision=2
    e rollout undo deployment/web
    e rollout status deployment/web --timeout=60s
    has_field $example_image '.spec.template.spec.containers[0].image' -n "$essential_namespace" deployment web
}

e_restart() {
    e rollout restart deployment/web
    e rollout status deployment/web --timeout=60s
    says 'kubectl.kubernetes.io/restartedAt' e get deployment web -o yaml
}

e_edit() {
    printf '#!/bin/sh\nexec sed -i "s/^  replicas: 3/  replicas: 2/" "$1"\n' >"$work/editor"
    chmod +x "$work/editor"
    KUBE_EDITOR=$work/editor says 'edited' e edit deployment web
    has_field 2 .spec.replicas -n "$essential_namespace" deployment web
    # Three again, for the checks that come after.
    e scale deployment/web --replicas=3
}

e_label() {
    e label deployment web tier=front
    says 'tier=front' e get deployment web --show-labels
    refuses 'already has a value' "$kubectl" -n "$essential_namespace" label deployment web tier=back
    e label deployment web tier=back --overwrite
    e label deployment web tier-
    e annotate deployment web note='a b'
    has_field 'a b' .metadata.annotations.note -n "$essential_namespace" deployment web
}

e_expose() {
    local address
    e expose deployment web --name=exposed --port=81 --target-port=8080
    address=$(field .spec.clusterIP -n "$essential_namespace" service exposed)
    within 5 answers "http://$address:81/"
}

e_replace() {
    e get service exposed -o yaml | sed 's/port: 81/port: 82/' | e replace -f -
    has_field 82 '.spec.ports[0].port' -n "$essential_namespace" service exposed
}

e_can_i() {
    says '^yes$' k auth can-i create deployments
    says '^yes$' k auth can-i '*' '*' --all-namespaces
    refuses '^no' "$kubectl" auth can-i list secrets --as=system:serviceaccount:default:default
}

e_delete() {
    e delete service exposed
    e delete pod parrot --wait
    refuses NotFound "$kubectl" -n "$essential_namespace" get pod parrot
    e delete deployment web --cascade=foreground --wait --timeout=60s
    within 20 has_field "" '.items[*].metadata.name' pods -n "$essential_namespace" -l app=web
    e apply -f "$manifest"
    e rollout status deployment/web --timeout=60s
    e scale deployment/web --replicas=3
    e rollout status deployment/web --timeout=60s
}
