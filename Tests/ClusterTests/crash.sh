# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# kill -9 of everything that can die, under load: running pods keep their pid and IP, and the node converges.

need_server

crash_pods() {
    cat <<end
apiVersion: apps/v1
kind: Deployment
metadata: {name: steady}
spec:
  replicas: 4
  selector: {matchLabels: {app: steady}}
  template:
    metadata: {labels: {app: steady}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: $example_image
          command: [/bin/sh, -c, 'mkdir /tmp/www; hostname >/tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www']
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1}
        - name: side
          image: $example_image
          command: [/bin/sh, -c, 'i=0; while :; do i=\$((i+1)); echo count \$i; sleep 0.1; done']
---
apiVersion: v1
kind: Service
metadata: {name: steady}
spec:
  selector: {app: steady}
  ports: [{port: 80, targetPort: http}]
end
}

steady_pods() {
    crash_pods | k apply -f -
    k rollout status deployment/steady --timeout=60s
    pods_as_they_are app=steady
}
check "pods to be left alone are running" steady_pods

# Requests to the Service, writes to the API and pods that come and go; every line of the first is a status.
start_load() {
    url=http://$(field .spec.clusterIP service steady)/
    (while :; do
        status=0
        curl -s --max-time 2 "$url" -o /dev/null || status=$?
        echo "${EPOCHREALTIME/./} $status"
        sleep 0.01
    done) >"$work/crash-loop.out" &
    echo $! >"$work/load.pids"
    (i=0
    while :; do
        i=$((i + 1))
        if timeout 10 kubectl create configmap "acknowledged-$i" --from-literal=i=$i >/dev/null 2>&1; then echo $i; fi
    done) >"$work/acknowledged.out" &
    echo $! >>"$work/load.pids"
    (i=0
    while :; do
        i=$((i + 1))
        timeout 10 kubectl run "passing-$i" --image=$example_image --labels=app=passing --restart=Never -- sleep 2
        sleep 0.5
        timeout 20 kubectl delete pod "passing-$i" --now --wait=false
    done) >"$work/passing.out" 2>&1 &
    echo $! >>"$work/load.pids"
}
stop_load() {
    local pid
    while read -r pid; do
        kill "$pid" 2>/dev/null || true
    done <"$work/load.pids"
}

ten_crashes() {
    local before after round
    before=$(pods_as_they_are app=steady)
    start_load
    for round in $(seq 10); do
        # Not always at the same point of what it does.
        sleep 0.$((RANDOM % 9))
        crash_server
        start_server
        after=$(pods_as_they_are app=steady)
        [ "$after" = "$before" ] || {
            stop_load
            diff <(echo "$before") <(echo "$after")
            echo "after crash $round pods are not as they were"
            return 1
        }
        echo "crash $round: ready again"
    done
    stop_load
    # What was reported a moment late would show here.
    sleep 2
    equal "$(pods_as_they_are app=steady)" "$before"
}
check "ten times kill -9 under load: every pod keeps its pid, IP and restart count" ten_crashes
stop_load

known_neighbours() { ip neigh show dev swiftlet0 nud permanent | sort; }
neighbours_stay() {
    local before
    before=$(known_neighbours)
    [ "$(wc -l <<<"$before")" -ge 4 ]
    crash_server
    start_server
    equal "$(known_neighbours)" "$before"
}
check "the node knows its pods' hardware addresses as before, without asking" neighbours_stay

early_crashes() {
    local round number
    for round in 1 2 3 4 5 6; do
        for number in 1 2 3; do k run "early-$round-$number" --labels=app=early --image=$example_image -- sleep 3600; done
        sleep 0.$((RANDOM % 9))
        crash_server
        start_server
    done
    k wait pods -l app=early --for=condition=Ready --timeout=60s >/dev/null
    equal "$(field '.items[*].status.containerStatuses[0].restartCount' pods -l app=early | tr ' ' '\n' | sort -u)" 0
    k delete pods -l app=early --now
}
check "what was being started when the server was killed is started, and that is no restart" early_crashes

service_kept_answering() {
    local count bad
    count=$(wc -l <"$work/crash-loop.out")
    bad=$(awk '$2 != 0' "$work/crash-loop.out" | wc -l)
    echo "$bad of $count requests failed"
    [ "$bad" = 0 ] && [ "$count" -gt 100 ]
}
check "the Service answered every request while the server was dead" service_kept_answering

nothing_acknowledged_lost() {
    local missing i stored
    stored=$(k get configmaps -o name | sed -n 's|^configmap/acknowledged-||p')
    missing=$(comm -23 <(sort "$work/acknowledged.out") <(sort <<<"$stored") | tr '\n' ' ')
    echo "$(wc -l <"$work/acknowledged.out") acknowledged; missing: $missing"
    [ -z "$missing" ] && [ "$(wc -l <"$work/acknowledged.out")" -gt 10 ]
}
check "no object whose creation was acknowledged is lost" nothing_acknowledged_lost

logs_have_no_hole() {
    local pod
    pod=$(k get pods -l app=steady -o 'jsonpath={.items[0].metadata.name}')
    k logs "$pod" -c side | awk '$2 != NR { print "line " NR " is " $0; exit 1 } END { if (NR < 100) { print NR " lines only"; exit 1 } }'
}
check "the pods' logs have no hole" logs_have_no_hole

passing_pods_go() {
    k delete pods -l app=passing --now --ignore-not-found
    within 20 has_field "" '.items[*].metadata.name' pods -l app=passing
    # All at once; kubectl would take them one by one.
    k delete --raw /api/v1/namespaces/default/configmaps >/dev/null
    # One shim for each pod there is, and no other.
    one_shim_a_pod() { equal "$(ls -l /proc/[0-9]*/exe 2>/dev/null | grep -c '/swiftlet-shim$')" "$(k get pods -A -o name | wc -l)"; }
    within 20 one_shim_a_pod || {
        k get pods -A
        ps -eo pid,etimes,args | grep '[s]wiftlet-shim' | cut -c 1-200
        return 1
    }
}
check "pods that came and went between crashes leave no shim" passing_pods_go

init_killed() {
    local pod before
    pod=$(k get pods -l app=steady -o 'jsonpath={.items[0].metadata.name}')
    before=$(k get pods -l app=steady -o 'jsonpath={.items[1:].status.containerStatuses[*].containerID}')
    kill -9 "$(container_init "$pod")"
    restarted() { says '^(1 0|0 1)$' field '.status.containerStatuses[*].restartCount' pod "$pod"; }
    within 15 restarted
    says '^137$' k get pod "$pod" -o 'jsonpath={.status.containerStatuses[?(@.restartCount==1)].lastState.terminated.exitCode}'
    k wait --for=condition=Ready "pod/$pod" --timeout=20s
    equal "$(k get pods -l app=steady -o 'jsonpath={.items[1:].status.containerStatuses[*].containerID}')" "$before"
}
check "kill -9 of a container's init restarts that container and no other" init_killed

shim_killed() {
    local pod shim
    pod=$(k get pods -l app=steady -o 'jsonpath={.items[0].metadata.name}')
    shim=$(shim_of "$pod")
    kill -9 "$shim"
    all_ready() { has_field 4 .status.readyReplicas deployment steady && no_stray; }
    # Whatever it ran, nobody runs it twice: each pod has two containers.
    no_stray() {
        local uid
        for uid in $(k get pods -l app=steady -o 'jsonpath={.items[*].metadata.uid}'); do
            equal "$(inits_of "$uid" | wc -l)" 2 || return 1
        done
    }
    gone_or_new() { ! [ -d "/proc/$shim" ]; }
    within 5 gone_or_new
    sleep 1
    within 40 all_ready
    pod=$(k get pods -l app=steady -o 'jsonpath={.items[0].metadata.name}')
    within 5 answers "http://$(field .status.podIP pod "$pod"):8080/"
    equal "$(k exec "$pod" -c web -- hostname)" "$pod"
}
check "kill -9 of a shim: the node converges, the pod runs again" shim_killed

shim_killed_while_away() {
    local pod
    pod=$(k get pods -l app=steady -o 'jsonpath={.items[1].metadata.name}')
    shim=$(shim_of "$pod")
    init=$(container_init "$pod")
    crash_server
    kill -9 "$shim" "$init"
    start_server
    sleep 1
    all_available() { has_field 4 .status.availableReplicas deployment steady; }
    within 40 all_available
    for pod in $(k get pods -l app=steady -o 'jsonpath={.items[*].metadata.name}'); do
        within 10 says "$pod" k exec "$pod" -c web -- hostname
    done
}
check "a shim and a container that died while the server was dead are found and replaced" shim_killed_while_away

terminated_while_away() {
    local pid
    k run leaving --image=$example_image --restart=Never -- sh -c 'sleep 2; echo bye; exit 3'
    k wait --for=condition=Ready pod/leaving --timeout=20s
    crash_server
    sleep 2.5
    start_server
    within 10 has_field 3 '.status.containerStatuses[0].state.terminated.exitCode' pod leaving
    equal "$(k logs leaving)" bye
    k delete pod leaving --now
}
check "a container that ended while the server was dead keeps its exit code and log" terminated_while_away

# files_of <uid>: the directories a pod has on its node.
files_of() { find /var/lib/kubelet/pods /var/log/pods -maxdepth 1 -name "*$1"; }

over_before_start() {
    local over gone=6f2b0c1e-0000-4000-8000-000000000001
    k run over --image=$example_image --restart=Never -- echo done
    within 20 has_field Succeeded .status.phase pod over
    over=$(field .metadata.uid pod over)
    crash_server
    # As a pod leaves it whose node was off when it was deleted.
    mkdir -p /var/lib/kubelet/pods/$gone/volumes /var/log/pods/default_gone_$gone/web
    start_server
    within 10 sh -c "! find /var/lib/kubelet/pods /var/log/pods -name '*$gone' | grep ."
    equal "$(k logs over)" "done"
    files_of "$over" | grep /var/log/pods
    k delete pod over
    within 10 sh -c "! find /var/lib/kubelet/pods /var/log/pods -name '*$over' | grep ."
}
check "what a pod left that was over before a start goes with it, and what a deleted one left at once" over_before_start

graceful_stop() {
    local before pid
    before=$(pods_as_they_are app=steady)
    pid=$(server_pid)
    kill -TERM "$pid"
    within 10 sh -c "[ ! -d /proc/$pid ] || grep -q '^State:.Z' /proc/$pid/status"
    start_server
    equal "$(pods_as_they_are app=steady)" "$before"
}
check "a stop and a start leave pods as they were" graceful_stop

clean_crash() {
    k delete deployment,service steady --timeout=60s
    within 30 has_field "" '.items[*].metadata.name' pods -l app=steady
    within 10 sh -c '! ls -l /proc/[0-9]*/exe 2>/dev/null | grep "/swiftlet-shim$"'
}
check "deleted, they leave no shim" clean_crash
