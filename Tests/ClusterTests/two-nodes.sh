# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# A second machine: joined by a token over a switch, with pods that talk across, and everything that can happen to it.
# Certificates of nodes last two minutes here, so that the second machine has to renew its own.

node2=$work/node-2

# The machine outside becomes a switch as well: its end of node-1's wire and that of node-2's are ports of one bridge.
# Node-2 is a set of namespaces of its own, with what a machine has of its own: name, network, cgroups and directories.
plug_in_node_2() {
    local holder directory
    mkdir -p "$node2"
    nsenter -t "$outside" -n sh -euc 'ip link add switch type bridge; ip link set switch up
        ip addr flush dev eth0; ip link set eth0 master switch
        ip addr add 10.99.0.1/24 dev switch; ip addr add fd99::1/64 dev switch nodad
        ip link add port2 type veth peer name wire2; ip link set port2 master switch up'
    mkdir /sys/fs/cgroup/node-2
    setsid bash -c 'echo $$ >/sys/fs/cgroup/node-2/cgroup.procs
        exec unshare --net --mount --uts --cgroup --propagation private sleep infinity' &
    holder=$!
    until [ "$(readlink /proc/$holder/ns/cgroup)" != "$(readlink /proc/self/ns/cgroup)" ]; do sleep 0.01; done
    nsenter -t "$outside" -n ip link set wire2 netns $holder name eth0
    echo $holder >"$node2/holder"
    printf '#!/bin/sh\nexec nsenter -t %d -n -m -u -C -- "$@"\n' $holder >"$on_node_2"
    chmod +x "$on_node_2"
    "$on_node_2" bash -euc 'hostname node-2
        mount -t sysfs sysfs /sys && mount -t cgroup2 cgroup2 /sys/fs/cgroup
        mkdir /sys/fs/cgroup/harness && echo '$holder' >/sys/fs/cgroup/harness/cgroup.procs
        for directory in /var/lib/swiftlet /var/lib/kubelet /var/log/pods /var/log/containers /etc/swiftlet \
            /etc/kubernetes /run/swiftlet; do
            mkdir -p "$0$directory"
            mount --bind "$0$directory" $directory
        done
        ip link set lo up
        ip addr add 10.99.0.3/24 dev eth0
        ip addr add fd99::3/64 dev eth0 nodad
        ip link set eth0 up
        ip route add default via 10.99.0.1
        ip -6 route add default via fd99::1' "$node2"
}

# $on_node_2 <command>...: there.
on_node_2=$node2/on-node-2

# start_agent [flag]...: and returns at once.
start_agent() {
    local holder
    holder=$(cat "$node2/holder")
    setsid bash -c 'echo $$ >/sys/fs/cgroup/node-2/harness/cgroup.procs
        holder=$1; shift; exec nsenter -t $holder -n -m -u -C -- "$@"' bash "$holder" "$programs/swiftlet" agent "$@" \
        >>"$logs/agent.log" 2>&1 </dev/null &
    echo $! >"$node2/agent.pid"
}

kill_agent() {
    local pid
    pid=$(cat "$node2/agent.pid")
    kill -9 "$pid"
    await_end "$pid"
}

# node_is <True|Unknown|...> <node>
node_is() { has_field "$1" '.status.conditions[?(@.type=="Ready")].status' node "$2"; }

server_for_two() {
    if [ -e "$work/server.pid" ]; then crash_server; else import_example_image >"$logs/image.out" 2>&1; fi
    plug_in_node_2
    "$on_node_2" "$programs/swiftlet" image import --name $example_image --cmd /bin/sh "$work/rootfs/hello.tar"
    start_server --cluster-signing-duration 120s
}
check "a server is started, and a second machine is plugged in" server_for_two

refused_strangers() {
    refuses '^swiftlet: this machine is no node of a cluster yet: --server and a token .* are needed' \
        "$on_node_2" "$programs/swiftlet" agent
    refuses 'ca-cert-hash is needed to know the server by' \
        "$on_node_2" "$programs/swiftlet" agent --server https://10.99.0.2:6443 --token abcdef.0123456789abcdef
    refuses 'does not know the token abcdef' "$on_node_2" "$programs/swiftlet" agent --server https://10.99.0.2:6443 \
        --token abcdef.0123456789abcdef --discovery-token-unsafe-skip-ca-verification
    "$programs/swiftlet" token create abcdef.0123456789abcdef --ttl 5m
    within 5 sh -c "kubectl -n kube-public get configmap cluster-info -o yaml | grep jws-kubeconfig-abcdef"
    refuses 'is not signed with the token' "$on_node_2" "$programs/swiftlet" agent --server https://10.99.0.2:6443 \
        --token abcdef.0000000000000000 --discovery-token-unsafe-skip-ca-verification
    refuses 'which is none of those given' "$on_node_2" "$programs/swiftlet" agent --server https://10.99.0.2:6443 \
        --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash "sha256:$(printf '%064d' 0)"
    says '^abcdef\.0123456789abcdef ' "$programs/swiftlet" token list
    "$programs/swiftlet" token delete abcdef
    within 5 sh -c "! kubectl -n kube-public get configmap cluster-info -o yaml | grep jws-kubeconfig-abcdef"
}
check "without the right token or authority nobody joins, and is told why" refused_strangers

# A token that waits for a server that is not there, said in each of the ways there are.
untold_tokens() {
    local pid flags="--server https://127.0.0.1:1 --discovery-token-unsafe-skip-ca-verification"
    # shellcheck disable=SC2086
    SWIFTLET_TOKEN=abcdef.0123456789abcdef start_agent $flags
    within 5 grep -q 'find the cluster' "$logs/agent.log"
    pid=$(cat "$node2/agent.pid")
    tr '\0' ' ' <"/proc/$pid/environ" | refuses_match 0123456789abcdef
    kill_agent
    # shellcheck disable=SC2086
    start_agent $flags --token=abcdef.0123456789abcdef
    pid=$(cat "$node2/agent.pid")
    within 5 grep -q 'abcdef\.xxxxxxxxxxxxxxxx' "/proc/$pid/cmdline"
    tr '\0' ' ' <"/proc/$pid/cmdline" | refuses_match 0123456789abcdef
    kill_agent
    # shellcheck disable=SC2086
    SWIFTLET_TOKEN=abcdef.0123456789abcdef refuses 'one of them is enough' \
        "$on_node_2" "$programs/swiftlet" agent $flags --token abcdef.0123456789abcdef
}
refuses_match() { ! grep -e "$1"; }
check "a token stands neither in the arguments nor in the environment of the agent that has it" untold_tokens

joins() {
    local words
    read -r -a words <<<"$("$programs/swiftlet" token create --print-join-command --ttl 10m)"
    echo "${words[*]}"
    equal "${words[1]} ${words[2]}" "swiftlet agent"
    echo "${words[0]#SWIFTLET_TOKEN=}" >"$node2/token"
    date +%s >"$node2/joined"
    start_agent "${words[@]:3}" --token-file "$node2/token"
    within 5 node_is True node-2
    [ ! -e "$node2/token" ] || { echo "the token's file is still there"; return 1; }
    says "10\.42\.[0-9]+\.0/24.*fd42:0:0:[0-9a-f]+::/64" field .spec.podCIDRs node node-2
    says 'Approved,Issued' k get csr
}
check "the command that 'swiftlet token create' prints makes it a node" joins

# A pod on each node, told apart by where it runs, and a Service of both.
spread() {
    k apply -f - <<'Y'
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: both
spec:
  selector: {matchLabels: {app: both}}
  template:
    metadata: {labels: {app: both}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: docker.io/swiftlet/hello:1
        command: [/bin/sh, -c, 'echo "i am on $NODE"; mkdir /tmp/w; echo "hello from $NODE" >/tmp/w/index.html; exec httpd -f -v -p 8080 -h /tmp/w']
        env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
        readinessProbe: {httpGet: {port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: both}
spec:
  type: NodePort
  ipFamilyPolicy: PreferDualStack
  selector: {app: both}
  ports: [{port: 80, targetPort: 8080, nodePort: 30099}]
Y
    k rollout status daemonset/both --timeout=60s
}
check "a DaemonSet has a ready pod on each" spread

pod_on() { k get pods -l app=both --field-selector "spec.nodeName=$1" -o 'jsonpath={.items[0].metadata.name}'; }
fetch() { k exec "$1" -- timeout 3 wget -q -O - "$2"; }

# addresses_on <node>: those of its pod, one of each family.
addresses_on() {
    local pod addresses
    pod=$(pod_on "$1")
    addresses=$(field '.status.podIPs[*].ip' pod "$pod")
    [ "$(wc -w <<<"$addresses")" = 2 ] || { echo "$pod has the addresses $addresses" >&2; return 1; }
    echo "$addresses"
}

across() {
    local pair from to address addresses
    for pair in "node-1 node-2" "node-2 node-1"; do
        read -r from to <<<"$pair"
        addresses=$(addresses_on "$to")
        for address in $addresses; do
            case $address in *:*) address="[$address]" ;; esac
            equal "$(fetch "$(pod_on "$from")" "http://$address:8080/")" "hello from $to"
        done
    done
}
check "pods of both nodes reach each other, over IPv4 and IPv6" across

# The web server notes who asked: no address is exchanged on the way.
source_address() {
    local address addresses pod
    addresses=$(addresses_on node-1)
    pod=$(pod_on node-2)
    for address in $addresses; do
        says "${address}.*:[0-9]+: response:200" k logs "$pod"
    done
}
check "a pod sees the address of the other node's pod that asks" source_address

service_from_both() {
    local node url got urls pod
    urls=$(field '.spec.clusterIPs[*]' service both)
    equal "$(wc -w <<<"$urls")" 2
    for url in $urls; do
        case $url in *:*) url="[$url]" ;; esac
        for node in node-1 node-2; do
            pod=$(pod_on $node)
            got=$(k exec "$pod" -- sh -c "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do timeout 3 wget -q -O - http://$url/; done" | sort -u | tr '\n' ,)
            equal "$got" "hello from node-1,hello from node-2,"
        done
    done
    for url in 10.99.0.2 10.99.0.3 '[fd99::3]'; do
        got=$(for _ in $(seq 20); do from_outside curl -sS -g --max-time 3 "http://$url:30099/"; done | sort -u | tr '\n' ,)
        equal "$got" "hello from node-1,hello from node-2,"
    done
}
check "the Service answers with both, from pods of both nodes and on node ports of both" service_from_both

reaches_api() {
    # As any in-cluster client: by the Service, whose only endpoint is on the other node.
    local pod
    pod=$(pod_on node-2)
    k exec "$pod" -- sh -c 'timeout 3 nc $KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT </dev/null'
}
check "a pod on the second node reaches the API server by its Service" reaches_api

serving_names() {
    openssl x509 -in "$node2/var/lib/kubelet/pki/kubelet-server-current.pem" -noout -ext subjectAltName \
        | sed -n '2s/^ *//p'
}

# A node that joined is known to have the address it asks from; the other is its word. Who asks there is the node.
proves_addresses() {
    local annotation='.metadata.annotations.swiftlet\.internal/proven-addresses'
    # Its certificate to serve with was had without a person, for these and its name.
    equal "$(serving_names)" 'DNS:node-2, IP Address:10.99.0.3'
    k get csr | refuses_match Pending
    equal "$(field '.metadata.annotations.swiftlet\.internal/joined-from' node node-1)" ""
    equal "$(field '.metadata.annotations.swiftlet\.internal/joined-from' node node-2)" 10.99.0.3
    equal "$(field '.metadata.annotations.swiftlet\.internal/joined-with' node node-1)" none
    says '^[0-9a-f]{64}$' field '.metadata.annotations.swiftlet\.internal/joined-with' node node-2
    equal "$(field "$annotation" node node-1)" 10.99.0.2,fd99::2
    equal "$(field "$annotation" node node-2)" 10.99.0.3
    says '10\.99\.0\.3' nft list set ip swiftlet-pods neighbours
    nft list set ip6 swiftlet-pods neighbours | refuses_match fd99::3
    "$on_node_2" kubectl --kubeconfig /var/lib/swiftlet/agent/kubelet.kubeconfig annotate node node-2 --overwrite \
        swiftlet.internal/proven-addresses=10.99.0.3,fd99::3
    equal "$(field "$annotation" node node-2)" 10.99.0.3
    # An administrator knows more.
    k annotate node node-2 --overwrite swiftlet.internal/proven-addresses=10.99.0.3,fd99::3
    within 15 says 'fd99::3' nft list set ip6 swiftlet-pods neighbours
    within 5 has_field 10.99.0.3,fd99::3 "$annotation" node node-2
}
check "of a joined node's addresses that is proven which it asks from, and what an administrator says" proves_addresses

# An API server that takes a pod for its node would have the node's word from whoever runs a pod there.
asks_as_itself() {
    local pod target wanted
    pod=$(pod_on node-2)
    for target in 10.99.0.2 fd99::2; do
        case $target in *:*) wanted='^fd42:' ;; *) wanted='^10\.42\.' ;; esac
        timeout 20 python3 -c 'import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
print(socket.create_server((sys.argv[1], 9555), family=family).accept()[1][0])' $target >"$work/asker.out" &
        within 5 k exec "$pod" -- timeout 3 nc $target 9555
        wait $!
        says "$wanted" cat "$work/asker.out"
    done
}
check "a pod asks the other node under its own address" asks_as_itself

knows_names() {
    # The node's own configuration says nothing of DNS: the cluster told it.
    local pod
    pod=$(pod_on node-2)
    says '^nameserver 10.43.0.10$' k exec "$pod" -- cat /etc/resolv.conf
    says '^search default.svc.cluster.local ' k exec "$pod" -- cat /etc/resolv.conf
    says "^Address.* $(field .spec.clusterIP service both)\$" k exec "$pod" -- \
        timeout 3 nslookup both.default.svc.cluster.local 10.43.0.10
    says "^Address.* $(field .spec.clusterIP service both)\$" k exec "$pod" -- \
        timeout 3 nslookup both.default.svc.cluster.local fd43::a
}
check "a pod on the second node is told Services by name, from the first" knows_names

logs_and_exec() {
    local node pod
    for node in node-1 node-2; do
        pod=$(pod_on $node)
        says "^i am on $node" k logs "$pod"
        equal "$(k exec "$pod" -- sh -c 'echo $NODE')" "$node"
        equal "$(echo through | k exec -i "$pod" -- cat)" through
    done
    says '"pods"' k get --raw /api/v1/nodes/node-2/proxy/stats/summary
}
check "logs, exec and statistics come from both" logs_and_exec

forbidden_elsewhere() {
    local as_node_2="$on_node_2 kubectl --kubeconfig /var/lib/swiftlet/agent/kubelet.kubeconfig"
    says node-2 $as_node_2 get node node-2
    refuses 'cannot read all nodes' $as_node_2 get nodes
    refuses "cannot read 'node-1'" $as_node_2 get node node-1
    refuses 'with spec.nodeName field selector' $as_node_2 get pods -A
    refuses 'is not allowed to modify node|cannot|forbidden' $as_node_2 label node node-1 x=y
    refuses 'forbidden' $as_node_2 get secrets -A
    refuses 'forbidden' $as_node_2 -n kube-system get configmap extension-apiserver-authentication
}
check "the second node may do a node's work and no other's" forbidden_elsewhere

untouched() { pods_as_they_are app=both >"$node2/after" && diff "$node2/before" "$node2/after" && [ -s "$node2/before" ]; }

killed_agent() {
    local pod monitor
    pods_as_they_are app=both >"$node2/before"
    kill_agent
    # The rules and routes stay: what runs goes on.
    across_by_address
    "$on_node_2" ip -o monitor route >"$node2/routes" &
    monitor=$!
    start_agent
    pod=$(pod_on node-2)
    within 20 k exec "$pod" -- true
    untouched
    # An address that is proven by now is in a certificate as well.
    within 20 says FD99:0:0:0:0:0:0:3 serving_names
    sleep 1
    kill $monitor
    # Nor are they taken away and made again while it learns who is there.
    if grep 'proto 83' "$node2/routes"; then return 1; fi
    "$on_node_2" ip route show proto 83 | grep '10.42.0.0/24 via 10.99.0.2'
}
across_by_address() {
    local address
    address=$(addresses_on node-2 | cut -d ' ' -f 1)
    equal "$(fetch "$(pod_on node-1)" "http://$address:8080/")" "hello from node-2"
}
check "kill -9 of the agent touches no pod, and it comes back without token or flags" killed_agent

started_alone() {
    local pod
    pods_as_they_are app=both >"$node2/before"
    pod=$(pod_on node-2)
    crash_server
    kill_agent
    start_agent
    sleep 2
    # The same process has waited for the server.
    [ -d "/proc/$(cat "$node2/agent.pid")" ]
    start_server --cluster-signing-duration 120s
    within 20 k exec "$pod" -- true
    untouched
    within 20 across
    [ -d "/proc/$(cat "$node2/agent.pid")" ]
}
check "an agent that starts while the server is away waits for it, and pods are as they were" started_alone

lost_network() {
    local began url
    pods_as_they_are app=both >"$node2/before"
    began=$SECONDS
    from_outside ip link set port2 down
    within 90 node_is Unknown node-2
    echo "not ready after $((SECONDS - began)) s"
    # Its pod serves nobody meanwhile: one slice a family says so.
    within 10 has_field "false false" '.items[*].endpoints[?(@.nodeName=="node-2")].conditions.ready' endpointslices \
        -l kubernetes.io/service-name=both
    url=http://$(field .spec.clusterIP service both)/
    equal "$(fetch "$(pod_on node-1)" "$url")" "hello from node-1"
    from_outside ip link set port2 up
    began=$SECONDS
    within 60 node_is True node-2
    echo "ready again after $((SECONDS - began)) s"
    within 20 untouched
    within 20 across
}
check "a lost network: the node is not ready, then ready again, and its pods are as they were" lost_network

renewed() {
    local file=$node2/var/lib/kubelet/pki/kubelet-client-current.pem before left
    left=$(($(cat "$node2/joined") + 120 - $(date +%s)))
    echo "the first certificate ends in $left s"
    # It is renewed when 70 to 90 % of its time are over.
    within 120 sh -c "[ \$(stat -c %Y $file) -gt $(($(cat "$node2/joined") + 70)) ]"
    while [ $(($(cat "$node2/joined") + 125)) -gt "$(date +%s)" ]; do sleep 1; done
    # The first one is over: requests go by the second.
    before=$(field .spec.renewTime lease -n kube-node-lease node-2)
    within 30 sh -c "[ \"\$(kubectl -n kube-node-lease get lease node-2 -o jsonpath={.spec.renewTime})\" != '$before' ]"
    openssl x509 -in "$file" -noout -subject -enddate
}
check "the node's certificate is renewed before it ends, and used" renewed

leaves_two() {
    k delete daemonset,service both --wait
    within 30 has_field "" '.items[*].metadata.name' pods -l app=both
    kill_agent
    k delete node node-2
    # Its routes go with it.
    within 15 sh -c '! ip route show proto 83 | grep .'
    "$on_node_2" "$programs/swiftlet" reset --yes
    "$on_node_2" sh -c '! ip -o link show swiftlet0 2>/dev/null && ! ip route show proto 83 | grep . && ! ip route show proto 84 | grep . && ! ip -6 route show proto 84 | grep . && ! find /var/lib/kubelet /var/lib/swiftlet -mindepth 1 | grep .'
    kill "$(cat "$node2/holder")"
}
check "a node that is deleted and reset leaves nothing behind, there and here" leaves_two

# The next subject's server has certificates as usual.
crash_server
check "the server goes on alone" start_server
