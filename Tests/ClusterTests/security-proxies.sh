# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What the API server connects to for others: nothing is reached by it, and nothing told, that the one who asks could not
# have had without.

need_server
sp_ns=security-proxies
sp_tls=/var/lib/swiftlet/server/tls
sp_server=https://127.0.0.1:6443
k create namespace $sp_ns >/dev/null
within 10 k -n $sp_ns get serviceaccount default >/dev/null

# code <curl arguments>...: the status of an answer; the answer is in $work/sp.body.
code() { curl -sk --http1.1 --max-time 10 -o "$work/sp.body" -w '%{http_code}' "$@"; }

own_certificate() {
    equal "$(code --cert $sp_tls/kubelet-client.crt --key $sp_tls/kubelet-client.key $sp_server/api/v1/namespaces)" 401
    equal "$(code --cert $sp_tls/kubelet-serving.crt --key $sp_tls/kubelet-serving.key $sp_server/api/v1/nodes)" 401
    says 'CN ?= ?kube-apiserver-kubelet-client$' openssl x509 -noout -subject -in $sp_tls/kubelet-client.crt
    # Kubelets know it, and it may do there what the role says.
    equal "$(code --cert $sp_tls/kubelet-client.crt --key $sp_tls/kubelet-client.key https://10.99.0.2:10250/pods)" 200
    equal "$(k auth can-i '*' '*' --as kube-apiserver-kubelet-client 2>/dev/null)" no
}
check "the API server's certificate for kubelets is good for kubelets, and for nothing at the API server" own_certificate

other_ports() {
    k create clusterrole sp-proxy --verb=get --resource=nodes/proxy
    k create clusterrolebinding sp-proxy --clusterrole=sp-proxy --serviceaccount=$sp_ns:default
    local token
    token=$(k -n $sp_ns create token default)
    k -n $sp_ns create secret generic crown --from-literal=k=JEWELS
    for target in node-1:6443 https:node-1:6443 http:node-1:6443; do
        code -H "Authorization: Bearer $token" \
            "$sp_server/api/v1/nodes/$target/proxy/api/v1/namespaces/$sp_ns/secrets/crown"
        if grep -q SkVXRUxT "$work/sp.body"; then echo "$target gave the secret"; return 1; fi
    done
    # The kubelet itself is reached, and read.
    equal "$(code -H "Authorization: Bearer $token" "$sp_server/api/v1/nodes/node-1:10250/proxy/healthz")" 200
    # But by reading nobody runs anything.
    equal "$(code -H "Authorization: Bearer $token" -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
        -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' \
        "$sp_server/api/v1/nodes/node-1/proxy/exec/$sp_ns/p/c?command=id&output=1")" 403
}
check "nodes/proxy takes the API server's certificate to no other port, and runs nothing by get" other_ports

kubelet_alone() {
    # Without credentials: nothing; with a node's: nothing of this kubelet's.
    equal "$(code https://10.99.0.2:10250/pods)" 401
    equal "$(code https://10.99.0.2:10250/metrics)" 401
    equal "$(k auth can-i get nodes --subresource=proxy --as system:node:other --as-group system:nodes 2>/dev/null)" no
    # A right to metrics is none to run commands, however the path is written.
    k create clusterrole sp-metrics --verb='*' --resource=nodes/metrics,nodes/healthz
    k create clusterrolebinding sp-metrics --clusterrole=sp-metrics --serviceaccount=$sp_ns:metrics
    k -n $sp_ns create serviceaccount metrics
    local token
    token=$(k -n $sp_ns create token metrics)
    equal "$(code -H "Authorization: Bearer $token" https://10.99.0.2:10250/metrics)" 200
    for path in /pods /%70ods /metrics/../pods /metrics%2f..%2fpods /metrics//../pods /healthz/../exec/a/b/c /exec/a/b/c; do
        equal "$(code --path-as-is -H "Authorization: Bearer $token" "https://10.99.0.2:10250$path")" 403
    done
    # By get of everything on nodes/proxy, nothing is run.
    token=$(k -n $sp_ns create token default)
    equal "$(code -H "Authorization: Bearer $token" "https://10.99.0.2:10250/exec/$sp_ns/p/c?command=id&output=1")" 403
}
check "the kubelet asks for the right to what a request does" kubelet_alone

targets() {
    k -n $sp_ns run p --image=$example_image --image-pull-policy=Never --command -- \
        sh -c 'mkdir /tmp/w; echo hello from p >/tmp/w/index.html; exec httpd -f -p 8080 -h /tmp/w'
    k -n $sp_ns wait --for=condition=Ready pod/p --timeout=30s
    within 5 says 'hello from p' k get --raw "/api/v1/namespaces/$sp_ns/pods/p:8080/proxy/"
    # A pod that nobody runs: its status is what somebody says.
    k create -f - <<X
{"apiVersion":"v1","kind":"Pod","metadata":{"name":"liar","namespace":"$sp_ns"},"spec":{"nodeSelector":{"no":"where"},"containers":[{"name":"c","image":"i"}]}}
X
    local address
    for address in 127.0.0.1 ::1 ::ffff:127.0.0.1 0.0.0.0 :: 169.254.169.254 10.99.0.2 10.42.0.1; do
        # What is refused as an address already cannot be proxied to.
        k -n $sp_ns patch pod liar --subresource status --type merge \
            -p "{\"status\":{\"podIP\":\"$address\",\"podIPs\":[{\"ip\":\"$address\"}]}}" || continue
        refuses 'address not allowed' kubectl get --raw "/api/v1/namespaces/$sp_ns/pods/liar:10249/proxy/metrics"
    done
    has_field 10.42.0.1 .status.podIP -n $sp_ns pod liar
    # A Service's endpoints are pods of its namespace.
    k -n $sp_ns create service clusterip s --tcp=80:10249
    k create -f - <<X
{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","addressType":"IPv4","metadata":{"name":"s","namespace":"$sp_ns","labels":{"kubernetes.io/service-name":"s"}},"ports":[{"name":"80-10249","port":10249}],"endpoints":[{"addresses":["10.99.0.2"]}]}
X
    refuses 'no endpoints available' kubectl get --raw "/api/v1/namespaces/$sp_ns/services/s:80/proxy/metrics"
    refuses 'no endpoints available' kubectl get --raw /api/v1/namespaces/default/services/https:kubernetes:443/proxy/version
}
check "pod and Service proxies lead to pods, and not to the machine's own addresses" targets

impostor() {
    # Somebody else at a node's address, with a certificate of his own.
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj '/O=system:nodes/CN=system:node:fake' \
        -keyout "$work/sp.key" -out "$work/sp.crt" 2>/dev/null
    openssl s_server -accept 10.99.0.2:10299 -cert "$work/sp.crt" -key "$work/sp.key" -www -quiet >"$work/sp.log" 2>&1 &
    local pid=$!
    k create -f - <<'X'
{"apiVersion":"v1","kind":"Node","metadata":{"name":"fake"},"spec":{"unschedulable":true}}
X
    k patch node fake --subresource status --type merge \
        -p '{"status":{"addresses":[{"type":"InternalIP","address":"10.99.0.2"}],"daemonEndpoints":{"kubeletEndpoint":{"Port":10299}}}}'
    within 5 refuses 'cannot be believed.*self-signed' kubectl get --raw /api/v1/nodes/fake/proxy/pods
    # The node's own kubelet is not another's either.
    k patch node fake --subresource status --type merge -p '{"status":{"daemonEndpoints":{"kubeletEndpoint":{"Port":10250}}}}'
    refuses 'that of system:node:node-1, not of system:node:fake' kubectl get --raw /api/v1/nodes/fake/proxy/pods
    kill $pid
    k delete node fake
}
check "a kubelet that does not prove whose it is gets no request" impostor

k delete --ignore-not-found node fake >/dev/null
k delete --ignore-not-found clusterrole,clusterrolebinding sp-proxy sp-metrics >/dev/null

takeovers() {
    k -n $sp_ns wait --for=condition=Ready pod/p --timeout=30s
    local token upgrade subresource
    k -n $sp_ns create rolebinding sp-edit --clusterrole=edit --serviceaccount=$sp_ns:default
    token=$(k -n $sp_ns create token default)
    # A body is announced, and does not come: nothing may be begun on that connection.
    for subresource in "log?follow=true" "exec?command=id&stdout=1" "portforward?ports=80"; do
        for upgrade in websocket SPDY/3.1; do
            [ "$upgrade$subresource" != "SPDY/3.1log?follow=true" ] || continue
            equal "$(code -H "Authorization: Bearer $token" -H 'Connection: Upgrade' -H "Upgrade: $upgrade" \
                -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' \
                -H 'Content-Length: 10' "$sp_server/api/v1/namespaces/$sp_ns/pods/p/$subresource")" 400
        done
    done
    k get --raw /readyz
}
check "a request that announces a body changes no protocol" takeovers

k delete namespace $sp_ns --wait=false >/dev/null
