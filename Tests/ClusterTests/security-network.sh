# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What pods can send, and what Services can claim.

need_server

network_pods() {
    local name
    for name in thief victim asker; do
        cat <<end
apiVersion: v1
kind: Pod
metadata: {name: $name, labels: {app: $name}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: $example_image
      command: [/bin/sh, -c, 'mkdir -p /tmp/www; echo from $name >/tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www']
      readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
---
end
    done
}
network_pods_run() {
    network_pods | k apply -f -
    k wait pod/thief pod/victim pod/asker --for=condition=Ready --timeout=30s
}
check "three pods run" network_pods_run

# in_network <pod> <command>...: with root's rights in the pod's network, which is more than its containers have.
in_network() {
    local pid
    pid=$(container_init "$1")
    shift
    nsenter -t "$pid" -n "$@"
}

hardware_of() { in_network "$1" ip -o link show eth0 | grep -oE 'link/ether [0-9a-f:]+' | cut -d ' ' -f 2; }

# The pod takes the other's hardware and IP addresses and tells everybody; its own traffic is sacrificed for it.
takes_nothing() {
    local address hardware own i
    address=$(field .status.podIP pod victim)
    hardware=$(hardware_of victim)
    own=$(hardware_of thief)
    in_network thief ip link set eth0 address "$hardware"
    in_network thief ip address add "$address/32" dev eth0
    in_network thief python3 - "$hardware" "$address" <<'end'
import socket, sys
hardware = bytes.fromhex(sys.argv[1].replace(":", ""))
address = socket.inet_aton(sys.argv[2])
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("eth0", 0))
for kind in (1, 2):
    body = bytes([0, 1, 8, 0, 6, 4, 0, kind]) + hardware + address + hardware + address
    for _ in range(5):
        wire.send(b"\xff" * 6 + hardware + b"\x08\x06" + body)
end
    for i in 1 2 3 4 5; do
        says '^from victim$' k exec asker -- timeout 3 wget -q -O - "http://$address:8080/"
        says '^from victim$' answers "http://$address:8080/"
    done
    in_network thief ip address del "$address/32" dev eth0
    in_network thief ip link set eth0 address "$own"
    # Taking the link's address took its neighbours too; they are known for good otherwise.
    in_network thief busybox ping -c 1 -W 2 "$address"
}
check "a pod that calls itself another receives nothing of it" takes_nothing

pods_still_talk() {
    local family address
    for address in $(field '.status.podIPs[*].ip' pod victim); do
        case $address in *:*) address="[$address]" ;; esac
        says '^from victim$' k exec asker -- timeout 3 wget -q -O - "http://$address:8080/"
    done
}
check "pods reach each other over IPv4 and IPv6" pods_still_talk

service_of() {
    cat <<end
{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "$1"},
 "spec": {"selector": {"app": "thief"}, "externalIPs": ["$2"], "ports": [{"port": $3, "targetPort": 8080}]}}
end
}
special_is_refused() {
    local address
    for address in 127.0.0.1 ::1 0.0.0.0 169.254.169.254 fe80::1 224.0.0.1 ::ffff:127.0.0.1 127.0.0.01; do
        refuses 'spec.externalIPs\[0\]: Invalid value' "$kubectl" create -f - < <(service_of special "$address" 9999)
    done
}
check "loopback, link-local and ambiguous external addresses are refused" special_is_refused

# refused_in_an_event <address> <port> <regex>: a Service that claims it is told no.
refused_in_an_event() {
    service_of claims "$1" "$2" | k apply -f -
    within 10 says "$3" k get events --field-selector reason=AddressRefused,involvedObject.name=claims \
        -o 'jsonpath={.items[*].message}'
}
somebodys_is_not_served() {
    local node kubernetes dns
    node=$(field '.status.addresses[?(@.type=="InternalIP")].address' node node-1 | cut -d ' ' -f 1)
    kubernetes=$(field .spec.clusterIP service kubernetes)
    refused_in_an_event "$node" 10250 'is the address of (node node-1|the API server)'
    says 'Unauthorized|ok' curl -sk --max-time 3 "https://$node:10250/healthz"
    refused_in_an_event "$kubernetes" 443 "is in the range of Services' own addresses"
    says 'gitVersion|Unauthorized' in_network asker curl -sk --max-time 5 "https://$kubernetes/version"
    refused_in_an_event "$(field .status.podIP pod victim)" 8080 "is in the range of pods' addresses"
    says '^from victim$' k exec asker -- timeout 3 wget -q -O - "http://$(field .status.podIP pod victim):8080/"
    k delete service claims
}
check "addresses of nodes, Services and pods are no Service's, and an Event says so" somebodys_is_not_served

second_address_is_not_served() {
    ip link add second type bridge
    ip link set second up
    ip address add 198.51.100.77/32 dev second
    refused_in_an_event 198.51.100.77 8081 '198.51.100.77 is an address of the machine itself'
    # Nor one that comes after the Service that wants it.
    ip address del 198.51.100.77/32 dev second
    within 10 says '^from thief$' answers http://198.51.100.77:8081/
    ip address add 198.51.100.77/32 dev second
    within 10 refuses 'efused|Failed to connect' curl -sS --max-time 2 http://198.51.100.77:8081/
    k delete service claims
    ip link delete second
}
check "addresses of the machine that its Node does not name are no Service's either" second_address_is_not_served

others_are_served() {
    service_of claims 203.0.113.77 8081 | k apply -f -
    within 5 says '^from thief$' answers http://203.0.113.77:8081/
    k delete service claims
}
check "other external addresses are served" others_are_served

special_endpoints_are_refused() {
    local address type
    for address in 127.0.0.1 169.254.169.254 ::1 fe80::1; do
        case $address in *:*) type=IPv6 ;; *) type=IPv4 ;; esac
        refuses 'endpoints\[0\].addresses\[0\]: Invalid value' "$kubectl" create -f - <<end
{"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "special"}, "addressType": "$type",
 "endpoints": [{"addresses": ["$address"]}], "ports": [{"port": 80}]}
end
    done
}
check "loopback and link-local endpoints are refused" special_endpoints_are_refused

# run_porter <host port>: a pod that asks for it.
run_porter() {
    k apply -f - <<end
apiVersion: v1
kind: Pod
metadata: {name: porter}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: $example_image, command: [sleep, "1000"], ports: [{containerPort: 80, hostPort: $1}]}]
end
}

own_port_is_refused() {
    run_porter 10250
    within 10 has_field NodePorts .status.reason pod porter
    says "10250/TCP is one of the node's own" field .status.message pod porter
    k delete pod porter
}
check "the kubelet's port is no pod's host port" own_port_is_refused

strangers_are_not_answered() {
    local gateway
    gateway=$(ip -4 -o address show dev swiftlet0 | awk '{ sub("/.*", "", $4); print $4 }')
    within 5 says 'NOERROR' dig @"$gateway" -p 10053 kubernetes.default.svc.cluster.local +time=2 +tries=1
    says 'Address' k exec asker -- timeout 5 nslookup kubernetes.default.svc.cluster.local
    from_outside ip route replace 10.42.0.0/16 via "$(field '.status.addresses[?(@.type=="InternalIP")].address' node node-1 | cut -d ' ' -f 1)"
    refuses 'timed out|no servers could be reached' \
        nsenter -t "$outside" -n dig @"$gateway" -p 10053 kubernetes.default.svc.cluster.local +time=1 +tries=1
    from_outside ip route delete 10.42.0.0/16
}
check "cluster DNS answers pods and the node, and no stranger" strangers_are_not_answered

wide_service() {
    python3 - <<'end'
import json
ports = [{"name": "p%d" % i, "port": i + 1} for i in range(20000)]
print(json.dumps({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "wide"},
                  "spec": {"selector": {"app": "thief"}, "ports": ports}}))
end
}
# ask <pod> <seconds> <a second>: questions whose answer would have 20,000 records.
ask() {
    in_network "$1" python3 - "$2" "$3" <<'end'
import socket, struct, sys, time
name = b"".join(bytes([len(l)]) + l for l in b"wide.default.svc.cluster.local".split(b".")) + b"\0"
wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
end = time.time() + float(sys.argv[1])
while time.time() < end:
    for kind in (1, 33):
        wire.sendto(struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + name + struct.pack(">HH", kind, 1), ("10.43.0.10", 53))
    time.sleep(2 / float(sys.argv[2]))
end
}
busy_clients_keep_out_nobody() {
    local i asking
    wide_service >"$work/wide.json"
    k create -f "$work/wide.json"
    within 20 says 'the last [0-9]+ ports: a Service has at most 65536 elements' \
        k get events --field-selector reason=PortsNotServed,involvedObject.name=wide -o 'jsonpath={.items[*].message}'
    ask thief 8 4000 &
    asking=$!
    sleep 1
    for i in 1 2 3 4 5; do
        says 'NOERROR' in_network asker dig @10.43.0.10 kubernetes.default.svc.cluster.local +time=1 +tries=1
    done
    wait "$asking"
    k delete service wide
}
check "a pod that asks much, and costly things, keeps no other from its names" busy_clients_keep_out_nobody

programs_port_is_refused() {
    local program
    python3 -c 'import socket, time; s = socket.create_server(("0.0.0.0", 9123)); time.sleep(600)' &
    program=$!
    within 10 says ':9123 ' ss -ltn
    run_porter 9123
    within 20 says '9123/TCP is one that a program of the node listens on' \
        k get events --field-selector involvedObject.name=porter -o 'jsonpath={.items[*].message}'
    kill "$program"
    k wait pod/porter --for=condition=Ready --timeout=60s
    k delete pod porter
}
check "a port that a program of the node listens on is no pod's, until the program ends" programs_port_is_refused

port_pod() {
    k apply -f - <<end
apiVersion: v1
kind: Pod
metadata: {name: $1}
spec:
  nodeName: node-1
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: $example_image
      command: [/bin/sh, -c, 'mkdir /tmp/www; echo from $1 >/tmp/www/index.html; exec httpd -f -p 80 -h /tmp/www']
      ports: [{containerPort: 80, hostPort: 9124, hostIP: "$2"}]
end
}
pods_port_is_its_own() {
    local node
    node=$(field '.status.addresses[?(@.type=="InternalIP")].address' node node-1 | cut -d ' ' -f 1)
    port_pod owner "$node"
    k wait pod/owner --for=condition=Ready --timeout=30s
    within 5 says '^from owner$' answers "http://$node:9124/"
    # What is no address must not come to mean all of them.
    port_pod robber 'any'
    within 20 says 'hostIP \\?"any\\?" is not an address' \
        k get events --field-selector involvedObject.name=robber -o 'jsonpath={.items[*].message}'
    says '^from owner$' answers "http://$node:9124/"
    k delete pod owner robber
}
check "a host port stays its pod's whatever another asks for" pods_port_is_its_own

names_are_asked() { equal "$(field '.status.containerStatuses[*].started' pod namer | tr ' ' '\n' | grep -c true)" 40; }

names_that_hang() {
    local before number
    before=$(cat /etc/resolv.conf)
    # Nobody is there.
    echo 'nameserver 10.99.0.9' >/etc/resolv.conf
    {
        printf '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"namer"},"spec":{"terminationGracePeriodSeconds":0,"containers":['
        for number in $(seq 40); do
            [ "$number" = 1 ] || printf ','
            printf '{"name":"c%s","image":"%s","imagePullPolicy":"Never","command":["sleep","1000"],' "$number" "$example_image"
            printf '"readinessProbe":{"httpGet":{"host":"p%s.slow.example","port":80},"periodSeconds":1}}' "$number"
        done
        printf ']}}'
    } >"$work/namer.json"
    k create -f "$work/namer.json"
    within 30 names_are_asked
    k run calm --image=$example_image --image-pull-policy=Never --command -- sleep 1000
    k wait pod/calm --for=condition=Ready --timeout=5s
    k delete pod calm namer --grace-period=0 --force --timeout=20s
    echo "$before" >/etc/resolv.conf
}
check "probes of names that nobody resolves hold up no other pod" names_that_hang

survives_a_restart() {
    crash_server
    start_server
    takes_nothing
    pods_still_talk
}
check "all of that holds after a crash of the server" survives_a_restart
check "the machine is found able to look at frames" says 'ok +nf_tables for bridges' "$programs/swiftlet" check
k delete pod thief victim asker --wait=false >"$logs/network-pods.out"
