# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# The README's promise: one command, and a Deployment answers on its Service address.

check "an image is made from this machine's busybox" import_example_image
check "the server starts and its node becomes Ready" start_server
check "the example is applied" k apply -f docs/examples/hello.yaml
check "the example's three replicas roll out" k rollout status deployment/hello --timeout=60s

hello_url() { echo "http://$(field .spec.clusterIP service hello)/"; }

# Forty answers, from exactly the pods there are.
answers_of_all_pods() {
    local url pods got
    url=$(hello_url)
    within 3 answers "$url"
    pods=$(k get pods -l app=hello -o jsonpath='{range .items[*]}{.metadata.name}{"\n"}{end}' | sort)
    got=$(for _ in $(seq 40); do answers "$url"; done | sed 's/^hello from //' | sort -u)
    equal "$got" "$pods"
}
check "the Service address answers from each of the three pods" answers_of_all_pods

from_a_pod() {
    local pod
    pod=$(k get pods -l app=hello -o jsonpath='{.items[0].metadata.name}')
    says 'hello from hello-' k exec "$pod" -- timeout 3 wget -q -O - "$(hello_url)"
    # Some of these come back to the pod that asks.
    says "hello from $pod" k exec "$pod" -- sh -c "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do timeout 3 wget -q -O - $(hello_url); done"
}
check "a pod reaches the Service, also where the answer is its own" from_a_pod

# A connection out carries the node's address: the machine outside has no route to pods, so an answer proves it.
reaches_outside() {
    local pod server got status=0
    mkdir -p "$work/outside"
    echo "greetings from outside" >"$work/outside/index.html"
    from_outside busybox httpd -f -p 9000 -h "$work/outside" &
    server=$!
    pod=$(k get pods -l app=hello -o jsonpath='{.items[0].metadata.name}')
    got=$(within 3 k exec "$pod" -- timeout 3 wget -q -O - http://10.99.0.1:9000/) || status=1
    got="$got $(k exec "$pod" -- timeout 3 wget -q -O - 'http://[fd99::1]:9000/' 2>&1)" || status=1
    kill $server
    echo "$got"
    [ $status = 0 ]
    equal "$got" "greetings from outside greetings from outside"
}
check "pods reach machines outside, over IPv4 and IPv6" reaches_outside

refused_at_once() {
    local url began took status=0
    url=$(hello_url)
    k scale deployment/hello --replicas=0
    # A terminating pod that still serves is asked where no other is ready, as upstream's proxy does.
    within 20 has_field "" '.items[*].metadata.name' pods -l app=hello
    within 5 has_field "" '.items[*].endpoints[*].addresses[0]' endpointslices -l kubernetes.io/service-name=hello
    sleep 0.2
    began=${EPOCHREALTIME/./}
    curl -sS --max-time 5 "$url" || status=$?
    took=$(((${EPOCHREALTIME/./} - began) / 1000))
    echo "curl ended with status $status after $took ms"
    # 7: could not connect; 28 would be the timeout.
    [ $status = 7 ] && [ $took -lt 1000 ]
}
check "scaled to 0, the Service address refuses at once" refused_at_once

comes_back() {
    k scale deployment/hello --replicas=3
    k rollout status deployment/hello --timeout=60s
    answers_of_all_pods
}
check "scaled back to 3, the Service address answers again" comes_back

# Pods of the last minute must have left nothing: neither processes, nor mounts, nor interfaces.
leaves_nothing() {
    k delete -f docs/examples/hello.yaml --wait
    within 20 has_field "" '.items[*].metadata.name' pods -l app=hello
    within 10 sh -c '! ls /proc/*/exe -l 2>/dev/null | grep -q /swiftlet-shim'
    within 5 sh -c '! grep -q /var/lib/kubelet/pods /proc/self/mountinfo'
    within 5 sh -c '! ip -o link show type veth | grep -v eth0 | grep .'
    within 5 sh -c '! find /sys/fs/cgroup/kubepods -type d -name "pod*" | grep .'
    within 5 sh -c '[ -z "$(ls /var/lib/kubelet/pods)" ]'
}
check "deleted pods leave no process, mount, interface, cgroup or file" leaves_nothing
