# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Real servers from Debian packages, through a real registry, pulled by digest, behind ClusterIP and NodePort, IPv4 and IPv6.

need_server

. "$here/registry-server.sh"
check "Debian's docker-registry serves on loopback" start_registry

make_nginx() {
    local root=$work/rootfs/nginx
    rootfs_of nginx /usr/sbin/nginx
    mkdir -p "$root/etc/nginx" "$root/srv"
    cat >"$root/etc/nginx/nginx.conf" <<'end'
daemon off;
error_log stderr;
pid /run/nginx.pid;
events {}
http {
    access_log off;
    server {
        listen 80;
        listen [::]:80;
        location / { return 200 "$hostname\n"; }
        location = /client { return 200 "$remote_addr\n"; }
    }
}
end
    push_image nginx /usr/sbin/nginx -c /etc/nginx/nginx.conf >"$work/nginx.reference"
    cat "$work/nginx.reference"
}
check "nginx and what it links to become an image, pushed with skopeo" make_nginx

make_redis() {
    rootfs_of redis /usr/bin/redis-server /usr/bin/redis-cli
    push_image redis /usr/bin/redis-server --protected-mode no --save '' --dir /tmp >"$work/redis.reference"
    cat "$work/redis.reference"
}
check "redis and what it links to become an image, pushed with skopeo" make_redis

# real_server <name> <port>
real_server() {
    cat <<end
apiVersion: apps/v1
kind: Deployment
metadata: {name: $1}
spec:
  replicas: 3
  selector: {matchLabels: {app: $1}}
  template:
    metadata: {labels: {app: $1}}
    spec:
      terminationGracePeriodSeconds: 5
      containers:
        - name: $1
          image: $(cat "$work/$1.reference")
          ports: [{name: main, containerPort: $2}]
          readinessProbe: {tcpSocket: {port: main}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: $1}
spec:
  type: NodePort
  ipFamilyPolicy: RequireDualStack
  selector: {app: $1}
  ports: [{port: $2, targetPort: main}]
end
}

run_nginx() {
    real_server nginx 80 | k apply -f -
    k rollout status deployment/nginx --timeout=90s
    says 'nginx@sha256:' k get pods -l app=nginx -o 'jsonpath={.items[0].status.containerStatuses[0].imageID}'
    says 'Successfully pulled image' k get events --field-selector reason=Pulled
}
check "nginx, three replicas, is pulled by digest and rolls out" run_nginx

run_redis() {
    real_server redis 6379 | k apply -f -
    k rollout status deployment/redis --timeout=90s
}
check "redis, three replicas, is pulled by digest and rolls out" run_redis

# nginx_urls <ip family>: of the ClusterIP, and of the NodePort at the node's address.
cluster_url() {
    local address
    address=$(k get service nginx -o 'jsonpath={range .spec.clusterIPs[*]}{@}{"\n"}{end}' | if [ "$1" = 6 ]; then grep :; else grep -v :; fi)
    if [ "$1" = 6 ]; then echo "http://[$address]/"; else echo "http://$address/"; fi
}
node_url() {
    local port
    port=$(field '.spec.ports[0].nodePort' service nginx)
    if [ "$1" = 6 ]; then echo "http://[fd99::2]:$port/"; else echo "http://10.99.0.2:$port/"; fi
}

# spreads <command>...: forty answers are the names of the three pods.
spreads() {
    local got pods
    pods=$(k get pods -l app=nginx -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}' | sort)
    got=$(for _ in $(seq 40); do "$@"; done | sort -u)
    equal "$got" "$pods"
}
cluster_spreads() { spreads answers "$(cluster_url "$1")"; }
node_spreads() { spreads answers "$(node_url "$1")"; }
outside_spreads() { spreads from_outside curl -sS -g --max-time 2 "$(node_url "$1")"; }
for family in 4 6; do
    check "IPv$family: the ClusterIP spreads over three nginx" cluster_spreads $family
    check "IPv$family: the NodePort spreads, asked on the node itself" node_spreads $family
    check "IPv$family: the NodePort spreads, asked from another machine" outside_spreads $family
done

keeps_client() {
    k patch service nginx -p '{"spec":{"externalTrafficPolicy":"Local"}}'
    within 5 says '^10\.99\.0\.1$' from_outside curl -sS --max-time 2 "$(node_url 4)client"
    within 5 says '^fd99::1$' from_outside curl -sS -g --max-time 2 "$(node_url 6)client"
    k patch service nginx -p '{"spec":{"externalTrafficPolicy":"Cluster"}}'
}
check "externalTrafficPolicy Local shows the server its client's address" keeps_client

sticks() {
    k patch service nginx -p '{"spec":{"sessionAffinity":"ClientIP"}}'
    one_pod() { [ "$(for _ in $(seq 20); do answers "$(cluster_url 4)"; done | sort -u | wc -l)" = 1 ]; }
    within 5 one_pod
    k patch service nginx -p '{"spec":{"sessionAffinity":"None"}}'
    within 5 cluster_spreads 4
}
check "sessionAffinity ClientIP stays with one pod" sticks

redis_answers() {
    local address ids
    for address in $(k get service redis -o 'jsonpath={.spec.clusterIPs[*]}'); do
        equal "$(timeout 3 redis-cli -h "$address" ping)" PONG
        ids=$(for _ in $(seq 30); do timeout 3 redis-cli -h "$address" info server | grep run_id; done | sort -u | wc -l)
        equal "$ids" 3
    done
    timeout 5 redis-cli -h "$address" eval 'return string.rep("x", 5000000)' 0 | wc -c
}
check "redis answers on both ClusterIPs, from all three" redis_answers

# A curl loop of which every line is `<microseconds> <status>`; no failure after the endpoint has gone from the slice.
no_failure_after_endpoint_is_gone() {
    local url pod address loop gone late early
    url=$(cluster_url 4)
    pod=$(k get pods -l app=nginx -o 'jsonpath={.items[0].metadata.name}')
    address=$(field .status.podIP pod "$pod")
    (while :; do
        status=0
        curl -s --max-time 2 "$url" -o /dev/null || status=$?
        echo "${EPOCHREALTIME/./} $status"
    done) >"$work/loop.out" &
    loop=$!
    sleep 0.5
    k delete pod "$pod" --wait=false
    is_gone() { ! k get endpointslices -l kubernetes.io/service-name=nginx -o 'jsonpath={range .items[*].endpoints[?(@.conditions.ready==true)]}{.addresses[0]}{"\n"}{end}' | grep -qx "$address"; }
    within 10 is_gone
    gone=${EPOCHREALTIME/./}
    k wait --for=delete "pod/$pod" --timeout=30s
    k rollout status deployment/nginx --timeout=60s
    # Also on a busy machine.
    has_asked() { [ "$(wc -l <"$work/loop.out")" -gt 50 ]; }
    within 30 has_asked
    sleep 1
    kill $loop
    early=$(awk -v gone="$gone" '$2 != 0 && $1 <= gone' "$work/loop.out" | wc -l)
    late=$(awk -v gone="$gone" '$2 != 0 && $1 > gone' "$work/loop.out" | wc -l)
    echo "$(wc -l <"$work/loop.out") requests; failed: $early before the endpoint was gone, $late after"
    [ "$late" = 0 ]
}
check "deleting a pod fails no request once its endpoint is gone" no_failure_after_endpoint_is_gone

image_is_back_off() {
    k run nowhere --image=localhost:5000/nothing:1 --restart=Never
    within 20 says 'ErrImagePull|ImagePullBackOff' field '.status.containerStatuses[0].state.waiting.reason' pod nowhere
    says 'localhost:5000/nothing:1.*(not found|unknown|404)' k describe pod nowhere
    k run unreachable --image=localhost:5999/nothing:1 --restart=Never
    within 20 says 'ErrImagePull|ImagePullBackOff' field '.status.containerStatuses[0].state.waiting.reason' pod unreachable
    says 'refused' k describe pod unreachable
    k delete pod nowhere unreachable --now
}
check "an unknown image and an unreachable registry are named in the pod's status and events" image_is_back_off

refused_everywhere() {
    local url
    k scale deployment/nginx --replicas=0
    within 30 has_field "" '.items[*].metadata.name' pods -l app=nginx
    sleep 0.3
    for url in "$(cluster_url 4)" "$(cluster_url 6)" "$(node_url 4)" "$(node_url 6)"; do
        refuses 'refused|Could not connect|Couldn.t connect|Failed to connect' curl -sS -g --connect-timeout 1 "$url"
        echo "$url refused"
    done
    refuses 'refused|Failed to connect' nsenter -t "$outside" -n curl -sS -g --connect-timeout 1 "$(node_url 4)"
}
check "scaled to 0, every address refuses at once, of both families" refused_everywhere

clean_registry() {
    k delete deployment,service nginx redis --timeout=60s
    within 30 has_field "" '.items[*].metadata.name' pods -l 'app in (nginx,redis)'
}
check "the servers are deleted" clean_registry
