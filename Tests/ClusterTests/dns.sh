# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# The bundled DNS server, asked by dig and the C library from pods, with a resolver of the machine behind it.

need_server

# The machine's resolvers: nobody at the first address, a small server at the second (dns-upstream.py).
start_upstream() {
    # The file itself may be a mount of its own, which is written to in place.
    printf 'nameserver 10.99.0.9\nnameserver 10.99.0.1\nsearch example.test\n' >/etc/resolv.conf
    : >"$work/upstream.log"
    # Not through a function: what is ended later is the server itself.
    nsenter -t "$outside" -n python3 "$here/dns-upstream.py" 10.99.0.1 >"$work/upstream.log" 2>&1 &
    echo $! >"$work/upstream.pid"
    within 5 grep -q ready "$work/upstream.log"
}
check "a resolver of the machine answers" start_upstream

make_tools_image() {
    rootfs_of dnstools "$(command -v dig)" "$(command -v getent)"
    mkdir -p "$work/rootfs/dnstools/usr/bin"
    tar -C "$work/rootfs/dnstools" --owner=0 --group=0 -cf "$work/rootfs/dnstools.tar" .
    "$programs/swiftlet" image import --name docker.io/swiftlet/dnstools:1 --cmd /bin/sh "$work/rootfs/dnstools.tar"
    k apply -f - <<'EOF'
apiVersion: v1
kind: Namespace
metadata: {name: names}
---
apiVersion: v1
kind: Pod
metadata: {name: asker, namespace: names}
spec:
  containers:
  - {name: main, image: "docker.io/swiftlet/dnstools:1", imagePullPolicy: Never, command: [busybox, sleep, "100000"]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: names}
spec:
  ipFamilyPolicy: PreferDualStack
  clusterIPs: [10.43.7.7]
  selector: {app: members}
  ports: [{name: http, port: 80, targetPort: 8080}, {name: talk, port: 81, protocol: UDP}]
---
apiVersion: v1
kind: Service
metadata: {name: sub, namespace: names}
spec:
  ipFamilyPolicy: PreferDualStack
  clusterIP: None
  selector: {app: members}
  ports: [{name: http, port: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: all, namespace: names}
spec: {clusterIP: None, publishNotReadyAddresses: true, selector: {app: members}, ports: [{name: http, port: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: outside, namespace: names}
spec: {type: ExternalName, externalName: www.example.test}
---
apiVersion: v1
kind: Pod
metadata: {name: one, namespace: names, labels: {app: members}}
spec:
  hostname: first
  subdomain: sub
  containers:
  - {name: main, image: "docker.io/swiftlet/hello:1", imagePullPolicy: Never, command: [sleep, "100000"]}
---
apiVersion: v1
kind: Pod
metadata: {name: two, namespace: names, labels: {app: members}}
spec:
  containers:
  - name: main
    image: docker.io/swiftlet/hello:1
    imagePullPolicy: Never
    command: [sleep, "100000"]
    readinessProbe: {exec: {command: [test, -e, /ready]}, periodSeconds: 1}
EOF
    k wait -n names --for=condition=Ready pod/asker pod/one --timeout=30s
}
check "pods with real clients start" make_tools_image

asker() { k exec -n names asker -- "$@"; }
# dig_says <wanted lines> <dig arguments>...: what dig prints with +short, in order.
dig_says() {
    local wanted=$1 got
    shift
    got=$(asker dig +short +time=2 +tries=1 "$@" | sort | tr '\n' ' ')
    equal "${got% }" "$wanted"
}
# status_is <code> <dig arguments>...
status_is() {
    local wanted=$1
    shift
    says "status: $wanted" asker dig +time=5 +tries=1 "$@"
}

has_service() {
    has_field "10.43.0.10 fd43::a" '.spec.clusterIPs[0]} {.spec.clusterIPs[1]' service kube-dns -n kube-system
    within 5 has_field "10.42.0.1 fd42::1" '.items[0].endpoints[0].addresses[0]} {.items[1].endpoints[0].addresses[0]' \
        endpointslices -n kube-system -l kubernetes.io/service-name=kube-dns
    says 'CoreDNS is running at' k cluster-info
    says '^nameserver 10.43.0.10$' asker busybox cat /etc/resolv.conf
    says '^nameserver fd43::a$' asker busybox cat /etc/resolv.conf
    says '^search names.svc.cluster.local svc.cluster.local cluster.local example.test$' asker busybox cat /etc/resolv.conf
    says '^options ndots:5$' asker busybox cat /etc/resolv.conf
}
check "the Service kube-dns has its addresses, the node's endpoints, and pods know it" has_service

asks_services() {
    local server transport six
    six=$(field '.spec.clusterIPs[1]' service web -n names)
    for server in 10.43.0.10 fd43::a; do
        for transport in +notcp +tcp; do
            dig_says 10.43.7.7 "@$server" $transport web.names.svc.cluster.local A
            dig_says "$six" "@$server" $transport web.names.svc.cluster.local AAAA
        done
    done
    dig_says 10.43.7.7 +search web
    dig_says 10.43.0.1 +search kubernetes.default A
    dig_says "0 100 80 web.names.svc.cluster.local." _http._tcp.web.names.svc.cluster.local SRV
    dig_says "0 100 81 web.names.svc.cluster.local." _talk._udp.web.names.svc.cluster.local SRV
    dig_says web.names.svc.cluster.local. -x 10.43.7.7
    dig_says web.names.svc.cluster.local. -x "$six"
    dig_says '"1.1.0"' dns-version.cluster.local TXT
    says '^10.43.7.7 +STREAM web.names.svc.cluster.local' asker getent ahostsv4 web
    says 'aa rd ra' asker dig web.names.svc.cluster.local
    says 'web.names.svc.cluster.local.[[:space:]]5[[:space:]]IN' asker dig web.names.svc.cluster.local
}
check "Services have addresses, ports and names, over UDP and TCP, IPv4 and IPv6" asks_services

asks_endpoints() {
    local one two one6
    one=$(field .status.podIP pod one -n names)
    one6=$(field '.status.podIPs[1].ip' pod one -n names)
    two=$(field .status.podIP pod two -n names)
    dig_says "$one" sub.names.svc.cluster.local A
    dig_says "$one6" sub.names.svc.cluster.local AAAA
    dig_says "$one" first.sub.names.svc.cluster.local A
    # One for each Service that has the pod for an endpoint, with the pod's hostname where its subdomain is the Service.
    dig_says "${one//./-}.all.names.svc.cluster.local. ${one//./-}.web.names.svc.cluster.local. first.sub.names.svc.cluster.local." \
        -x "$one"
    dig_says "$(printf '%s\n' "$one" "$two" | sort | tr '\n' ' ' | sed 's/ $//')" all.names.svc.cluster.local A
    dig_says "$two" "${two//./-}.all.names.svc.cluster.local" A
    dig_says "$two" "${two//./-}.names.pod.cluster.local" A
    k exec -n names two -- touch /ready
    within 5 dig_says "$(printf '%s\n' "$one" "$two" | sort | tr '\n' ' ' | sed 's/ $//')" sub.names.svc.cluster.local A
    says "^$one +STREAM first.sub.names.svc.cluster.local" k exec -n names asker -- getent ahostsv4 first.sub
}
check "headless Services have their ready endpoints, by hostname and by address" asks_endpoints

asks_nothing() {
    status_is NXDOMAIN nope.names.svc.cluster.local
    status_is NXDOMAIN web.nowhere.svc.cluster.local
    status_is NXDOMAIN 10-42-0-5.nowhere.pod.cluster.local
    status_is NOERROR names.svc.cluster.local
    status_is NOERROR web.names.svc.cluster.local MX
    status_is NXDOMAIN nope.cluster.local
    says 'cluster.local.[[:space:]]+5[[:space:]]+IN[[:space:]]+SOA' asker dig nope.cluster.local
    says 'Transfer failed' asker dig cluster.local AXFR
    status_is NOTIMP +opcode=notify cluster.local
}
check "what does not exist is NXDOMAIN, what has no such record NOERROR, both with the zone's SOA" asks_nothing

# What the machine's resolver was asked: lines of udp or tcp and the name.
asked() { grep -c "$1" "$work/upstream.log"; }

forwards() {
    # Two seconds are for the dead one, which is then asked last.
    says '^192.0.2.80$' asker dig +short +time=5 +tries=1 www.example.test A
    dig_says 192.0.2.80 www.example.test A
    dig_says 192.0.2.80 WWW.Example.TEST A
    equal "$(asked 'udp www.example.test 1$')" 1
    status_is NXDOMAIN nope.example.test
    # Cut short over UDP, whole over TCP: dig asks again by itself.
    [ "$(asker dig +short +time=3 big.example.test A | wc -l)" = 60 ]
    [ "$(asked 'tcp big.example.test 1$')" = 1 ]
    says '^192.0.2.80 ' asker getent ahostsv4 www.example.test
}
check "other names are asked of the machine's resolvers past a dead one, and remembered" forwards

follows_external_names() {
    dig_says www.example.test. outside.names.svc.cluster.local CNAME
    dig_says "192.0.2.80 www.example.test." outside.names.svc.cluster.local A
    says '^192.0.2.80 ' asker getent ahostsv4 outside
    k patch service outside -n names -p '{"spec":{"type":"ClusterIP","externalName":null,"clusterIP":"10.43.7.8","ports":[{"port":80}]}}'
    within 3 dig_says 10.43.7.8 outside.names.svc.cluster.local A
}
check "ExternalName Services are aliases with their target's addresses, until they are changed" follows_external_names

fails_in_time() {
    local began took
    kill "$(cat "$work/upstream.pid")"
    began=${EPOCHREALTIME/./}
    status_is SERVFAIL gone.example.test
    took=$(((${EPOCHREALTIME/./} - began) / 1000))
    echo "SERVFAIL after $took ms"
    [ $took -lt 5500 ]
    dig_says 10.43.7.7 web.names.svc.cluster.local A
    # Itself, and nobody: no circle.
    printf 'nameserver 10.43.0.10\nnameserver 10.42.0.1\nnameserver fd43::a\n' >/etc/resolv.conf
    sleep 6
    began=${EPOCHREALTIME/./}
    status_is SERVFAIL gone2.example.test
    took=$(((${EPOCHREALTIME/./} - began) / 1000))
    echo "SERVFAIL after $took ms"
    [ $took -lt 1500 ]
}
check "without a resolver other names fail in time, and at once where there is none but itself" fails_in_time

withstands_noise() {
    local _
    for _ in $(seq 200); do
        head -c $((RANDOM % 600)) /dev/urandom >/dev/udp/10.42.0.1/10053
    done
    # A connection that says nothing, one that breaks off, one with rubbish.
    (exec 3<>/dev/tcp/10.42.0.1/10053)
    (exec 3<>/dev/tcp/10.42.0.1/10053; printf '\x10\x00abc' >&3)
    head -c 70000 /dev/urandom >/dev/tcp/10.42.0.1/10053 || true
    # One that promises more than any query has is ended at once, not after the ten seconds of an idle one.
    timeout 3 bash -c 'exec 3<>/dev/tcp/10.42.0.1/10053; printf "\x10\x01" >&3; cat <&3 || true'
    dig_says 10.43.7.7 web.names.svc.cluster.local A
    dig_says 10.43.7.7 +tcp web.names.svc.cluster.local A
}
check "rubbish is no harm" withstands_noise

has_metrics() {
    says '^coredns_dns_requests_total\{family="1",proto="udp",server="dns://:53",type="A",zone="."\} [1-9]' \
        answers http://10.43.0.10:9153/metrics
    says '^coredns_dns_responses_total\{rcode="NXDOMAIN",.*\} [1-9]' answers http://10.43.0.10:9153/metrics
}
check "its figures are served as CoreDNS' are" has_metrics

policies() {
    local policy
    printf 'nameserver 10.99.0.1\nsearch example.test\n' >/etc/resolv.conf
    for policy in Default None ClusterFirstWithHostNet; do
        k apply -f - <<EOF
apiVersion: v1
kind: Pod
metadata: {name: "policy-$(tr '[:upper:]' '[:lower:]' <<<$policy)", namespace: names}
spec:
  dnsPolicy: $policy
  hostNetwork: $([ $policy = ClusterFirstWithHostNet ] && echo true || echo false)
  dnsConfig: {nameservers: [10.99.0.77], options: [{name: ndots, value: "2"}]}
  containers:
  - {name: main, image: "docker.io/swiftlet/dnstools:1", imagePullPolicy: Never, command: [busybox, sleep, "100000"]}
EOF
    done
    k wait -n names --for=condition=Ready pod/policy-default pod/policy-none pod/policy-clusterfirstwithhostnet --timeout=30s
    resolver_of() { k exec -n names "policy-$1" -- busybox cat /etc/resolv.conf | tr '\n' ' '; }
    equal "$(resolver_of default)" "search example.test nameserver 10.99.0.1 nameserver 10.99.0.77 options ndots:2 "
    equal "$(resolver_of none)" "nameserver 10.99.0.77 options ndots:2 "
    equal "$(resolver_of clusterfirstwithhostnet)" \
        "search names.svc.cluster.local svc.cluster.local cluster.local example.test nameserver 10.43.0.10 nameserver fd43::a nameserver 10.99.0.77 options ndots:2 "
    says 10.43.7.7 k exec -n names policy-clusterfirstwithhostnet -- dig +short web.names.svc.cluster.local
}
check "dnsPolicy and dnsConfig are honoured" policies

comes_back() {
    crash_server
    start_server
    within 5 dig_says 10.43.7.7 web.names.svc.cluster.local A
    k delete endpointslice -n kube-system kube-dns-node-1-ipv4
    within 5 field .metadata.uid endpointslice kube-dns-node-1-ipv4 -n kube-system
    within 5 dig_says 10.43.7.7 web.names.svc.cluster.local A
}
check "after a crash, or without its slice, it comes back" comes_back

can_be_left_out() {
    refuses 'there is no component "traefik"' "$programs/swiftlet" server --disable traefik
    crash_server
    start_server --disable dns
    refuses NotFound "$kubectl" get service kube-dns -n kube-system
    has_field "" '.items[*].metadata.name' endpointslices -n kube-system -l kubernetes.io/service-name=kube-dns
    k run plain -n names --image=docker.io/swiftlet/dnstools:1 --image-pull-policy=Never --command -- busybox sleep 100000
    k wait -n names --for=condition=Ready pod/plain --timeout=30s
    equal "$(k exec -n names plain -- busybox cat /etc/resolv.conf | tr '\n' ' ')" "search example.test nameserver 10.99.0.1 "
    crash_server
    start_server
    within 5 dig_says 10.43.7.7 web.names.svc.cluster.local A
    k delete namespace names --wait=false
}
check "with --disable dns nothing of it is there, without it all of it again" can_be_left_out
