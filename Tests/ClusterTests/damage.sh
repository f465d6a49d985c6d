# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What is found broken at a start: pages of the store, certificates. Each is named or mended; pods that run go on.

need_server

store=/var/lib/swiftlet/server/db/state.db
tls=/var/lib/swiftlet/server/tls

damage_pod() {
    k run bystander --image=$example_image --restart=Never -- sleep 1000
    k wait --for=condition=Ready pod/bystander --timeout=20s
    for i in $(seq 40); do printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept-%d}\ndata: {text: "%s"}\n---\n' "$i" "$(head -c 2000 /dev/zero | tr '\0' x)"; done |
        k apply -f - >/dev/null
}
check "a pod and objects to be kept are there" damage_pod

# all_is_kept: every object that was acknowledged, and the pod as it was.
all_is_kept() {
    equal "$(k get configmaps -o name | grep -c /kept-)" 40
    equal "$(container_init bystander)" "$(cat "$work/bystander.pid")"
    has_field 0 '.status.containerStatuses[0].restartCount' pod bystander
}
container_init bystander >"$work/bystander.pid"

# refuses_to_start <regex>: the server ends by itself and says why in one line.
refuses_to_start() {
    local lines
    lines=$(wc -l <"$logs/server.log")
    launch_server
    ended() { ! kill -0 "$(server_pid)" 2>/dev/null; }
    within 10 ended
    tail -n +$((lines + 1)) "$logs/server.log" >"$work/refusal"
    cat "$work/refusal"
    grep -Eq "$1" "$work/refusal" || { echo "the refusal does not say /$1/"; return 1; }
    [ "$(grep -c . "$work/refusal")" -le 2 ]
}

corrupt_page() {
    local before
    graceful_end
    cp -a "$(dirname "$store")" "$work/store-backup"
    # The pages hold the log of changes; this one is in the middle of it.
    printf 'rubbish' | dd of="$store" bs=1 seek=$((4096 * 20)) conv=notrunc status=none
    dd if=/dev/urandom of="$store" bs=4096 seek=21 count=1 conv=notrunc status=none
    before=$(sha256sum "$store")
    refuses_to_start 'state\.db.*([Pp]age|checksum).*restore it from a backup'
    equal "$(sha256sum "$store")" "$before"
    kill -0 "$(cat "$work/bystander.pid")"
    cp -a "$work/store-backup/." "$(dirname "$store")"
    start_server
    all_is_kept
}
# graceful_end: so that the log of the store is folded into its file.
graceful_end() {
    kill -TERM "$(server_pid)"
    stopped() { ! kill -0 "$(server_pid)" 2>/dev/null; }
    within 10 stopped
    python3 -c 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute("PRAGMA wal_checkpoint(TRUNCATE)"); c.close()' "$store"
}
check "a page of rubbish in the store is named at the start, nothing is written, and the backup serves" corrupt_page

torn_log() {
    k create configmap last-write
    crash_server
    # As a power cut leaves the transaction that was being written: a frame begun, and not acknowledged.
    [ -s "$store-wal" ]
    head -c 1500 /dev/urandom >>"$store-wal"
    start_server
    k get configmap last-write
    k delete configmap last-write
    all_is_kept
}
check "a log torn at its end loses nothing that was acknowledged" torn_log

lost_index() {
    crash_server
    head -c 32768 /dev/urandom >"$store-shm"
    start_server
    all_is_kept
}
check "a spoilt index of the log is made anew" lost_index

# certify <from> <to> <issuer> <key file> <subject> <out>: a certificate for days of somebody's choosing.
certify() {
    local place=$work/certify
    mkdir -p "$place"
    : >"$place/index"
    cat >"$place/config" <<end
[ca]
default_ca = here
[here]
database = $place/index
new_certs_dir = $place
default_md = sha256
policy = any
unique_subject = no
rand_serial = yes
[any]
commonName = supplied
organizationName = optional
[leaf]
extendedKeyUsage = clientAuth, serverAuth
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, digitalSignature
subjectKeyIdentifier = hash
[req]
distinguished_name = none
[none]
end
    openssl req -new -config "$place/config" -key "$4" -subj "$5" -out "$place/request"
    if [ "$3" = self ]; then
        openssl ca -batch -config "$place/config" -selfsign -keyfile "$4" -in "$place/request" -notext -out "$6" \
            -startdate "$1" -enddate "$2" -extensions authority
    else
        openssl ca -batch -config "$place/config" -cert "$3.crt" -keyfile "$3.key" -in "$place/request" -notext -out "$6" \
            -startdate "$1" -enddate "$2" -extensions leaf
    fi
}
certify_secret() { kubectl config view --raw -o "jsonpath={.$1}" | base64 -d; }

# as_client <certificate> <key>: the status of a request under this certificate.
as_client() {
    curl -sS --max-time 5 --cacert $tls/ca.crt --cert "$1" --key "$2" -w ' %{http_code}' https://127.0.0.1:6443/api/v1/namespaces
}

expired_client() {
    certify 20200101000000Z 20210101000000Z $tls/ca $tls/admin.key /O=system:masters/CN=late "$work/late.crt"
    says ' 401$' as_client "$work/late.crt" $tls/admin.key
    says '"reason":"Unauthorized"' as_client "$work/late.crt" $tls/admin.key
    certify 20990101000000Z 20991231000000Z $tls/ca $tls/admin.key /O=system:masters/CN=early "$work/early.crt"
    says ' 401$' as_client "$work/early.crt" $tls/admin.key
    # The same for a kubelet that knows the authority, or has none to know: nobody gets in.
    says '40[13]$' curl -sSk --max-time 5 --cert "$work/late.crt" --key $tls/admin.key -w '%{http_code}' https://127.0.0.1:10250/pods
}
check "a client's certificate that has expired, or is of the future, gets 401" expired_client

expired_own() {
    cp $tls/admin.crt "$work/admin-before.crt"
    cp $tls/admin.key "$work/admin-before.key"
    graceful_end
    local subject
    subject=/CN=$(openssl x509 -in $tls/ca.crt -noout -subject | sed 's/.*CN = //')
    certify 20200101000000Z 20210101000000Z $tls/ca $tls/serving.key /CN=kube-apiserver $tls/serving.crt
    # Made while the clock was ahead.
    certify 20990101000000Z 20991231000000Z $tls/ca $tls/admin.key /O=system:masters/CN=kubernetes-admin $tls/admin.crt
    certify 20200101000000Z 20210101000000Z self $tls/ca.key "$subject" $tls/ca.crt
    # A crash between the writes of a key and of its certificate.
    cp $tls/ca.key $tls/kubelet-client.key
    : >$tls/scheduler.crt
    certify 20200101000000Z 20210101000000Z $tls/ca $tls/kubelet-serving.key /O=system:nodes/CN=system:node:node-1 \
        $tls/kubelet-serving.crt
    start_server
    all_is_kept
    says 'sleep' k exec bystander -- ps
    curl -sSf --max-time 5 --cacert $tls/ca.crt https://127.0.0.1:6443/readyz
    openssl x509 -in $tls/kubelet-serving.crt -noout -checkend 86400
    openssl s_client -connect 127.0.0.1:10250 </dev/null 2>/dev/null | openssl x509 -noout -checkend 86400
    # The authority has kept its key: what it issued is still good.
    says ' 200$' as_client "$work/admin-before.crt" "$work/admin-before.key"
}
check "its own certificates, expired, of the future or half written, are renewed at the start" expired_own

broken_authority() {
    graceful_end
    cp $tls/ca.key "$work/ca.key"
    echo rubbish >$tls/ca.key
    refuses_to_start "$tls/ca.crt and ca.key: read the private key"
    cp "$work/ca.key" $tls/ca.key
    start_server
    all_is_kept
}
check "an authority's key that cannot be read is named, and not replaced" broken_authority

clean_damage() {
    k delete pod bystander --now
    k delete --raw /api/v1/namespaces/default/configmaps >/dev/null
    is_ready
}
check "after all of it the server is as it was before" clean_damage
