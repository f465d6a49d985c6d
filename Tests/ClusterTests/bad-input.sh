# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Every mistake gets one clear error, soon, and nothing that runs is hurt.

need_server
swiftlet=$programs/swiftlet

# one_line_says <regex> <command>...: the command fails and tells it in a line, not in a trace.
one_line_says() {
    local pattern=$1 output
    shift
    output=$(refuses "$pattern" "$@" 2>&1) || { echo "$output"; return 1; }
    output=$(timeout 20 "$@" 2>&1 | grep -c .) || true
    [ "$output" -le 3 ] || { echo "$* tells it in $output lines"; return 1; }
}
check "an unknown flag is named" one_line_says 'no-such-flag' "$swiftlet" server --no-such-flag
check "an unknown command is named" one_line_says 'serve' "$swiftlet" serve
check "a flag without its value is named" one_line_says 'data-dir' "$swiftlet" server --data-dir
check "a port that is none is named" one_line_says 'secure-port' "$swiftlet" server --secure-port 70000
check "an address block that is none is named" one_line_says 'nonsense' "$swiftlet" server --data-dir "$work/bad0" --secure-port 7000 --cluster-cidr nonsense
check "a missing configuration file is named" one_line_says '/nowhere/config.yaml.*[Nn]o such file' "$swiftlet" server --config /nowhere/config.yaml

bad_configuration() {
    printf 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPods: many\n' >"$work/bad.yaml"
    one_line_says 'maxPods' "$swiftlet" server --data-dir "$work/bad1" --config "$work/bad.yaml"
    printf 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPodds: 3\n' >"$work/bad.yaml"
    one_line_says 'maxPodds' "$swiftlet" server --data-dir "$work/bad1" --config "$work/bad.yaml"
    printf 'apiVersion: v1\nkind: Pod\n' >"$work/bad.yaml"
    one_line_says 'Pod' "$swiftlet" server --data-dir "$work/bad1" --config "$work/bad.yaml"
    printf 'a: [1,\n' >"$work/bad.yaml"
    one_line_says "$work/bad.yaml" "$swiftlet" server --data-dir "$work/bad1" --config "$work/bad.yaml"
}
check "a configuration file that is wrong names the field and the file" bad_configuration

check "a port in use is named" one_line_says '6443.*(in use|already)|(in use|already).*6443' "$swiftlet" server --data-dir "$work/bad2" --run-dir "$work/bad2/run" \
    --root-dir "$work/bad2/kubelet" --write-kubeconfig "$work/bad2/kubeconfig"
check "a second server on the same data directory is refused" one_line_says '/var/lib/swiftlet.*(in use|locked|another|already|running)|(in use|locked|another|already|running).*/var/lib/swiftlet' "$swiftlet" server --secure-port 7443
check "without root it says what it needs root for" one_line_says 'root' setpriv --reuid 65534 --regid 65534 --clear-groups "$swiftlet" server --data-dir "$work/bad3"

unwritable() {
    mkdir -p "$work/bad4"
    mount -t tmpfs -o ro tmpfs "$work/bad4"
    one_line_says 'bad4.*[Rr]ead-only file system' "$swiftlet" server --data-dir "$work/bad4/data" --secure-port 7443
    umount "$work/bad4"
}
check "a data directory that cannot be written is named" unwritable

broken_store() {
    mkdir -p "$work/bad5/server/db"
    head -c 65536 /dev/urandom >"$work/bad5/server/db/state.db"
    one_line_says 'state\.db' "$swiftlet" server --data-dir "$work/bad5" --secure-port 7443 --run-dir "$work/bad5/run" \
        --root-dir "$work/bad5/kubelet" --write-kubeconfig "$work/bad5/kubeconfig"
}
check "a store that is no store is named, and not overwritten" broken_store

check "the server that was running still is" within 5 is_ready

unknown_image() {
    k run absent --image=docker.io/swiftlet/absent:1 --image-pull-policy=Never --restart=Never
    within 15 has_field ErrImageNeverPull '.status.containerStatuses[0].state.waiting.reason' pod absent
    says 'docker.io/swiftlet/absent:1' k describe pod absent
    k apply -f - <<'end'
apiVersion: v1
kind: Pod
metadata: {name: unnamed}
spec: {restartPolicy: Never, containers: [{name: main, image: "Not/A:Name:"}]}
end
    within 15 says 'InvalidImageName' field '.status.containerStatuses[0].state.waiting.reason' pod unnamed
    k delete pod absent unnamed --now
}
check "an image that is not here, and a name that is none" unknown_image

no_such_program() {
    k run pointless --image=$example_image --restart=Never --command -- /no/such/program
    within 15 has_field StartError '.status.containerStatuses[0].state.terminated.reason' pod pointless
    says '/no/such/program.*[Nn]o such file' field '.status.containerStatuses[0].state.terminated.message' pod pointless
    k delete pod pointless --now
}
check "a command that is not in the image is named in the pod's status" no_such_program

validation() {
    refuses 'strict decoding error: unknown field "spec.contaners"' kubectl apply -f - <<'end'
apiVersion: v1
kind: Pod
metadata: {name: bad}
spec: {contaners: [], containers: [{name: a, image: a}]}
end
    refuses 'spec.containers\[0\].name: Required value' kubectl apply -f - <<'end'
apiVersion: v1
kind: Pod
metadata: {name: bad}
spec: {containers: [{image: a}]}
end
    refuses 'metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123' kubectl create configmap Bad_Name
    refuses 'spec.selector.*immutable|`selector` does not match|selector.*Invalid value' kubectl apply -f - <<'end'
apiVersion: apps/v1
kind: Deployment
metadata: {name: bad}
spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: c}}, spec: {containers: [{name: a, image: a}]}}}
end
    refuses 'no matches for kind "Gizmo" in version "v1"' kubectl apply -f - <<'end'
apiVersion: v1
kind: Gizmo
metadata: {name: bad}
end
    refuses 'AlreadyExists|already exists' kubectl create namespace default
    refuses 'namespaces "nowhere" not found' kubectl -n nowhere create configmap a
}
check "objects that are wrong are refused by the field that is wrong" validation

certificates() {
    grep client-certificate-data $KUBECONFIG | awk '{print $2}' | base64 -d >"$work/admin.crt"
    grep client-key-data $KUBECONFIG | awk '{print $2}' | base64 -d >"$work/admin.key"
    grep certificate-authority-data $KUBECONFIG | awk '{print $2}' | base64 -d >"$work/ca.crt"
}
# api <path> [curl option]...: as the administrator; prints the body and, last, the status. Over HTTP/1.1: curl 7.88 takes
# an answer that comes before the whole of its request, and the reset after it, for an error of HTTP/2.
api() {
    curl -sS --http1.1 --max-time 20 --cacert "$work/ca.crt" --cert "$work/admin.crt" --key "$work/admin.key" -w '\n%{http_code}' "${@:2}" \
        "https://127.0.0.1:6443$1"
}
# status <code> <regex> <path> [curl option]...
status() {
    local output
    output=$(api "${@:3}")
    equal "$(tail -n 1 <<<"$output")" "$1"
    grep -Eq "$2" <<<"$output" || { echo "does not say /$2/: $output"; return 1; }
}
check "the administrator's certificate is in the kubeconfig" certificates

malformed() {
    local maps=/api/v1/namespaces/default/configmaps json='Content-Type: application/json'
    status 400 '"reason":"BadRequest"' $maps -H "$json" -d '{"kind":"ConfigMap"'
    status 400 'BadRequest' $maps -H "$json" -d '[]'
    status 400 'BadRequest' $maps -H "$json" --data-binary $'{"metadata":{"name":"\xff"}}'
    status 400 'BadRequest' $maps -H "$json" -d "$(printf '[%.0s' $(seq 20000))"
    status 415 'UnsupportedMediaType' $maps -H 'Content-Type: text/plain' -d 'a=b'
    status 400 'does not match|BadRequest' $maps -H "$json" -d '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}'
    status 404 '"reason":"NotFound"' /api/v1/namespaces/default/gizmos
    status 404 'NotFound|not found' /apis/nothing/v1
    status 405 'MethodNotAllowed' /api/v1/namespaces/default/configmaps -X PUT -H "$json" -d '{}'
    status 406 'NotAcceptable' /api/v1/nodes -H 'Accept: text/html'
    status 400 'BadRequest' '/api/v1/pods?labelSelector=a%20b%20c'
    status 400 'BadRequest' '/api/v1/pods?limit=many'
    status 400 'BadRequest' '/api/v1/pods?continue=nonsense'
    status 400 'BadRequest|Invalid' '/api/v1/pods?resourceVersion=nonsense'
    status 410 'Expired|Gone' '/api/v1/pods?watch=1&resourceVersion=1&timeoutSeconds=1' || \
        status 200 . '/api/v1/pods?watch=1&resourceVersion=1&timeoutSeconds=1'
}
check "malformed requests get the status and reason upstream gives" malformed

oversized() {
    head -c 5000000 /dev/zero | tr '\0' 'a' >"$work/big"
    (printf '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"big"},"data":{"a":"'; cat "$work/big"; printf '"}}') >"$work/big.json"
    status 413 'RequestEntityTooLarge' /api/v1/namespaces/default/configmaps -H 'Content-Type: application/json' \
        --data-binary "@$work/big.json" --http1.1
    refuses 'RequestEntityTooLarge' kubectl create --validate=false -f "$work/big.json"
    head -c 1100000 "$work/big" >"$work/big1"
    refuses 'Too long|may not be more than 1048576' kubectl create configmap big --from-file="$work/big1"
    # A header no server should keep.
    says '\b(400|413|431)$' api /version -H "X-Long: $(head -c 100000 "$work/big")" --http1.1
}
check "oversized requests are refused" oversized

strangers() {
    says '401$|403$' curl -sSk --max-time 5 -w '%{http_code}' https://127.0.0.1:6443/api/v1/secrets
    says '401$' curl -sSk --max-time 5 -H 'Authorization: Bearer made.up.token' -w '%{http_code}' https://127.0.0.1:6443/api/v1/secrets
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/own.key" -out "$work/own.crt" -subj /O=system:masters/CN=me -days 1
    refuses . curl -sSfk --max-time 5 --cert "$work/own.crt" --key "$work/own.key" https://127.0.0.1:6443/api/v1/secrets
    # Not even HTTP.
    (printf '\x16\x03\x01\xff\xff'; head -c 300 /dev/urandom) | timeout 5 busybox nc 127.0.0.1 6443 >/dev/null || true
    printf 'GET / HTTP/1.1\r\n\r\n' | timeout 5 busybox nc 127.0.0.1 6443 >/dev/null || true
    is_ready
}
check "strangers, made-up tokens and foreign certificates are turned away" strangers

# Connections that say nothing, half a handshake, half a head, or rubbish, hundreds at a time, to both ports of the node.
slow_clients() {
    python3 - "$work/admin.crt" "$work/admin.key" <<'end' &
import os, socket, ssl, sys, time
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
context.load_cert_chain(sys.argv[1], sys.argv[2])
kept = []
for port in (6443, 10250):
    for number in range(200):
        kept.append(socket.create_connection(("127.0.0.1", port)))
        if number % 2:
            kept[-1].send(b"\x16\x03\x01\x02\x00\x01\x00" if number % 4 == 1 else os.urandom(64))
    for number in range(50):
        kept.append(context.wrap_socket(socket.create_connection(("127.0.0.1", port))))
        kept[-1].send(b"GET /version HTTP/1.1\r\nHost: x\r\nX-Slow: ")
print("open", flush=True)
time.sleep(20)
end
    local slow=$!
    sleep 2
    says '"gitVersion"' answers https://127.0.0.1:6443/version --cacert "$work/ca.crt"
    says '^ok' answers http://127.0.0.1:10248/healthz
    says '40[13]$' answers https://127.0.0.1:10250/pods -k -w '%{http_code}'
    is_ready
    kill $slow
}
check "hundreds of clients that say nothing, or half of it, hold up nobody" slow_clients

kubelet_port() {
    says '431$|400$|413$' curl -sSk --http1.1 --max-time 5 -H "X-Long: $(head -c 1000000 /dev/zero | tr '\0' x | head -c 120000)" -w '%{http_code}' https://127.0.0.1:10250/pods
    says '40[0134]$' curl -sSk --path-as-is --max-time 5 -w '%{http_code}' 'https://127.0.0.1:10250/logs/../../../etc/shadow'
    says '40[0134]$' curl -sSk --path-as-is --max-time 5 -w '%{http_code}' 'https://127.0.0.1:10250/containerLogs/default/..%2f..%2f/x'
    says '40[0134]$' curl -sSk --max-time 5 -X POST --data-binary "@$work/big" -w '%{http_code}' https://127.0.0.1:10250/exec/default/x/y
    says '^ok' answers http://127.0.0.1:10248/healthz
}
check "the kubelet's port turns away the same" kubelet_port

image_commands() {
    one_line_says 'nothing:1' "$swiftlet" image inspect docker.io/swiftlet/nothing:1
    one_line_says '/nowhere.tar' "$swiftlet" image import /nowhere.tar
    head -c 100000 /dev/urandom >"$work/noise.tar"
    one_line_says 'noise.tar' "$swiftlet" image import --name a:1 "$work/noise.tar"
    one_line_says '127.0.0.1:5998' "$swiftlet" image pull --plain-http 127.0.0.1:5998/a:1
}
check "swiftlet image: what is not there is named" image_commands

check "after all of it the server is as it was" within 5 is_ready
