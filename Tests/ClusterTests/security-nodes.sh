# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What somebody can do who has a node's certificate: that node's work, and no more.

need_server
stolen=$work/stolen

# with_token <token> <curl argument>...: a request under a bearer token; the body and, on a line of its own, the status.
with_token() { curl -sk --http1.1 --max-time 10 -w '\n%{http_code}' -H "Authorization: Bearer $1" "${@:2}"; }

# as_node <method> <path> [body]: a request under the certificate; the body and, on a line of its own, the status.
as_node() {
    curl -sk --http1.1 --max-time 10 -w '\n%{http_code}' --cert "$stolen/node.crt" --key "$stolen/node.key" -X "$1" \
        ${3:+-H 'Content-Type: application/json' -d "$3"} "https://127.0.0.1:6443$2"
}

# as_node_merge <path> <body>: the same for a merge patch.
as_node_merge() {
    curl -sk --http1.1 --max-time 10 -w '\n%{http_code}' --cert "$stolen/node.crt" --key "$stolen/node.key" -X PATCH \
        -H 'Content-Type: application/merge-patch+json' -d "$2" "https://127.0.0.1:6443$1"
}

# answers_with <status> <regex> <command>...: what one of those above says.
answers_with() {
    local wanted=$1 pattern=$2 output
    shift 2
    output=$("$@")
    equal "$(tail -n 1 <<<"$output")" "$wanted" || { echo "$* says: $output"; return 1; }
    grep -Eq -- "$pattern" <<<"$output" || { echo "$* does not say /$pattern/: $output"; return 1; }
}

# As a kubelet joins: a bootstrap token, a request, and the certificate that the cluster gives.
become_node() {
    local token request
    mkdir "$stolen"
    token=$("$programs/swiftlet" token create | grep -oE '[a-z0-9]{6}\.[a-z0-9]{16}' | head -n 1)
    echo "$token" >"$stolen/token"
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$stolen/node.key" \
        -subj /O=system:nodes/CN=system:node:stolen -out "$stolen/node.csr" 2>/dev/null
    request='{"apiVersion":"certificates.k8s.io/v1","kind":"CertificateSigningRequest","metadata":{"name":"stolen"},
        "spec":{"request":"'$(base64 -w 0 "$stolen/node.csr")'","usages":["digital signature","client auth"],
        "signerName":"kubernetes.io/kube-apiserver-client-kubelet"}}'
    answers_with 201 stolen with_token "$token" -H 'Content-Type: application/json' -d "$request" \
        https://127.0.0.1:6443/apis/certificates.k8s.io/v1/certificatesigningrequests
    within 10 has_certificate
    answers_with 201 stolen as_node POST /api/v1/nodes \
        '{"apiVersion":"v1","kind":"Node","metadata":{"name":"stolen"},"spec":{"unschedulable":true}}'
}
has_certificate() { field .status.certificate csr stolen | base64 -d >"$stolen/node.crt" && [ -s "$stolen/node.crt" ]; }
check "a node's certificate is had as a kubelet gets it" become_node

# certificate_of <name> <node>: as a machine that joins gets it, into $stolen.
certificate_of() {
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$stolen/$1.key" \
        -subj "/O=system:nodes/CN=system:node:$2" -out "$stolen/$1.csr" 2>/dev/null
    answers_with 201 "$1" with_token "$(cat "$stolen/token")" -H 'Content-Type: application/json' \
        https://127.0.0.1:6443/apis/certificates.k8s.io/v1/certificatesigningrequests \
        -d '{"apiVersion":"certificates.k8s.io/v1","kind":"CertificateSigningRequest","metadata":{"name":"'"$1"'"},
        "spec":{"request":"'"$(base64 -w 0 "$stolen/$1.csr")"'","usages":["digital signature","client auth"],
        "signerName":"kubernetes.io/kube-apiserver-client-kubelet"}}'
    within 10 says . field .status.certificate csr "$1"
    field .status.certificate csr "$1" | base64 -d >"$stolen/$1.crt"
}

# by <name> <path> <curl argument>...: a request under that certificate; the body and, on a line of its own, the status.
by() {
    curl -sk --http1.1 --max-time 10 -w '\n%{http_code}' --cert "$stolen/$1.crt" --key "$stolen/$1.key" "${@:3}" \
        "https://127.0.0.1:6443$2"
}

# A name that is free is given to whoever asks; of those, one makes the Node.
one_makes_the_node() {
    local secret=/api/v1/namespaces/default/secrets/squatted
    certificate_of squatter future-1
    certificate_of honest future-1
    within 10 says 'squatter of system:bootstrap:' k get events \
        --field-selector reason=NameIssuedTwice,involvedObject.name=honest
    answers_with 404 future-1 by squatter /api/v1/nodes/future-1
    answers_with 201 joined-with by honest /api/v1/nodes -H 'Content-Type: application/json' \
        -d '{"apiVersion":"v1","kind":"Node","metadata":{"name":"future-1"}}'
    k create secret generic squatted --from-literal=k=jewels
    k apply -f - <<<'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"on-future"},"spec":{"nodeName":"future-1",
        "containers":[{"name":"c","image":"x","envFrom":[{"secretRef":{"name":"squatted"}}]}]}}'
    answers_with 200 squatted by honest $secret
    answers_with 401 'was made with another certificate' by squatter $secret
    answers_with 401 Unauthorized by squatter /api/v1/namespaces/default/pods/on-future/status -X PATCH \
        -H 'Content-Type: application/merge-patch+json' -d '{"status":{"phase":"Failed"}}'
    # It is the administrator's word that lets another have the name.
    k delete pod on-future --force --grace-period 0
    k delete node future-1
    answers_with 201 joined-with by squatter /api/v1/nodes -H 'Content-Type: application/json' \
        -d '{"apiVersion":"v1","kind":"Node","metadata":{"name":"future-1"}}'
    answers_with 401 'kubectl delete node future-1' by honest /api/v1/nodes/future-1
    k delete node future-1
    k delete secret squatted
}
check "of the machines that were given a name that of the Node has it, and the others' certificates end" \
    one_makes_the_node

own_reads() {
    answers_with 200 '"items"' as_node GET '/api/v1/pods?fieldSelector=spec.nodeName%3Dstolen'
    answers_with 200 stolen as_node GET /api/v1/nodes/stolen
    answers_with 200 '"items"' as_node GET /api/v1/services
    answers_with 403 'spec.nodeName field selector' as_node GET /api/v1/pods
    answers_with 403 'only its own Node object' as_node GET /api/v1/nodes
    answers_with 403 'only its own Node object' as_node GET /api/v1/nodes/node-1
    answers_with 403 forbidden as_node GET /api/v1/secrets
    answers_with 403 forbidden as_node GET /api/v1/namespaces/kube-system/serviceaccounts/default
    answers_with 403 forbidden as_node GET /apis/discovery.k8s.io/v1/endpointslices
}
check "it reads its own Node and pods, and nobody else's" own_reads

takes_no_addresses() {
    local node=/api/v1/nodes/stolen routes
    answers_with 403 'not allowed to modify podCIDRs' as_node_merge $node '{"spec":{"podCIDR":"0.0.0.0/0"}}'
    answers_with 403 'range of pods' as_node_merge $node/status '{"status":{"addresses":[{"type":"InternalIP","address":"10.42.0.2"}]}}'
    answers_with 403 'that of node node-1' as_node_merge $node/status \
        '{"status":{"addresses":[{"type":"InternalIP","address":"'"$(field '.status.addresses[0].address' node node-1)"'"}]}}'
    # What nobody has it may say is its own, by its word alone: others' pods lose no machine by that.
    answers_with 200 '10\.99\.0\.66' as_node_merge $node/status \
        '{"metadata":{"annotations":{"swiftlet.internal/proven-addresses":"10.99.0.66"}},
        "status":{"addresses":[{"type":"InternalIP","address":"10.99.0.66"}]}}'
    equal "$(field '.metadata.annotations.swiftlet\.internal/proven-addresses' node stolen)" ""
    within 15 says '10\.99\.0\.66' ip route show proto 83
    sleep 1
    if nft list set ip swiftlet-pods neighbours | grep 10.99.0.66; then return 1; fi
    answers_with 200 stolen as_node_merge $node/status '{"status":{"addresses":[]}}'
    within 15 sh -c '! ip route show proto 83 | grep .'
    # Nor from an administrator who errs: nothing is routed but blocks that the cluster gives to nodes.
    routes_here() { ip route | sed 's/ linkdown//'; }
    routes=$(routes_here)
    for block in 0.0.0.0/0 "$(field .spec.podCIDR node node-1)" 93.184.216.0/24; do
        k create -f - <<<'{"apiVersion":"v1","kind":"Node","metadata":{"name":"wrong"},"spec":{"podCIDR":"'"$block"'"},
            "status":{"addresses":[{"type":"InternalIP","address":"10.99.0.66"}]}}'
        within 10 grep -q "no route leads to $block" "$logs/server.log"
        equal "$(routes_here)" "$routes"
        k delete node wrong
    done
}
check "it chooses no addresses of pods, and takes nobody's" takes_no_addresses

# asks_to_serve <request> <names>: has the node ask for a certificate to serve with.
asks_to_serve() {
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$stolen/$1.key" \
        -subj /O=system:nodes/CN=system:node:stolen -addext "subjectAltName=$2" -out "$stolen/$1.csr" 2>/dev/null
    answers_with 201 "$1" as_node POST /apis/certificates.k8s.io/v1/certificatesigningrequests \
        '{"apiVersion":"certificates.k8s.io/v1","kind":"CertificateSigningRequest","metadata":{"name":"'"$1"'"},
        "spec":{"request":"'"$(base64 -w 0 "$stolen/$1.csr")"'","usages":["digital signature","server auth"],
        "signerName":"kubernetes.io/kubelet-serving"}}'
}

serves_as_itself() {
    answers_with 200 '10\.99\.0\.66' as_node_merge /api/v1/nodes/stolen/status \
        '{"status":{"addresses":[{"type":"InternalIP","address":"10.99.0.66"},
        {"type":"Hostname","address":"database"}]}}'
    asks_to_serve database IP:10.99.0.66
    asks_to_serve by-name DNS:database
    asks_to_serve itself DNS:stolen
    within 10 has_field AutoApproved '.status.conditions[0].reason' csr itself
    within 10 says '10\.99\.0\.66 is the node.s by its own word only.*kubectl certificate approve database' \
        k get events --field-selector reason=ApprovalNeeded,involvedObject.name=database
    within 10 says 'database is not the node.s name' \
        k get events --field-selector reason=ApprovalNeeded,involvedObject.name=by-name
    equal "$(field '.status.conditions[*].type' csr database)$(field '.status.conditions[*].type' csr by-name)" ""
    # An administrator knows more.
    k certificate approve database
    within 10 says . field .status.certificate csr database
    answers_with 200 stolen as_node_merge /api/v1/nodes/stolen/status '{"status":{"addresses":[]}}'
}
check "it gets a certificate for no address that it merely says it has" serves_as_itself

# As whoever has the token makes nodes, each with a certificate of its own.
takes_few_blocks() {
    local number
    for number in $(seq 20); do
        k create --validate=false --as "system:node:evil-$number" --as-group system:nodes -f - \
            <<<'{"apiVersion":"v1","kind":"Node","metadata":{"name":"evil-'"$number"'"}}'
    done
    within 10 says 'CIDRNotAvailable.*evil-20.*16 Nodes that joined from .* as many as get one by themselves' \
        k get events --field-selector reason=CIDRNotAvailable
    evil_blocks() {
        k get nodes -o json \
            | jq '[.items[] | select(.metadata.name | startswith("evil-")) | select(.spec.podCIDRs)] | length'
    }
    # Nodes that joined before may be of the same place.
    says '^1[0-6]$' evil_blocks
    equal "$(field .spec.podCIDRs node evil-20)" ""
    # It cannot say that it is from elsewhere; an administrator can, and makes nodes as he likes.
    k annotate --as system:node:evil-20 --as-group system:nodes node evil-20 swiftlet.internal/joined-from-
    says . field '.metadata.annotations.swiftlet\.internal/joined-from' node evil-20
    k create -f - <<<'{"apiVersion":"v1","kind":"Node","metadata":{"name":"other"}}'
    within 5 says '10\.42' field .spec.podCIDRs node other
    k annotate node evil-20 swiftlet.internal/joined-from-
    within 5 says '10\.42' field .spec.podCIDRs node evil-20
    # What goes makes room.
    number=$(evil_blocks)
    k delete node evil-1
    within 10 says "^$number\$" evil_blocks
    k get nodes -o name | grep -E '/(evil-|other$)' | xargs kubectl delete
}
check "nodes that join from one address leave blocks of pod addresses to others" takes_few_blocks

mirror_reads_nothing() {
    local secret=/api/v1/namespaces/default/secrets/crown owner spec
    k create secret generic crown --from-literal=k=jewels
    answers_with 403 'no relationship found' as_node GET $secret
    owner='{"apiVersion":"v1","kind":"Node","name":"stolen","controller":true,"uid":"'$(field .metadata.uid node stolen)'"}'
    for spec in '"env":[{"name":"A","valueFrom":{"secretKeyRef":{"name":"crown","key":"k"}}}]' \
        '"envFrom":[{"secretRef":{"name":"crown"}}]'; do
        answers_with 403 'a mirror pod may not reference secrets' as_node POST /api/v1/namespaces/default/pods \
            '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"m","annotations":{"kubernetes.io/config.mirror":"x"},
            "ownerReferences":['"$owner"']},"spec":{"nodeName":"stolen","containers":[{"name":"c","image":"x",'"$spec"'}]}}'
    done
    answers_with 403 'no relationship found' as_node GET $secret
}
check "a mirror pod it makes gives it no secret" mirror_reads_nothing

tokens_end_with_pods() {
    local accounts=/api/v1/namespaces/default/serviceaccounts uid
    k create serviceaccount app
    k apply -f - <<<'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"on-stolen"},"spec":{"nodeName":"stolen",
        "serviceAccountName":"app","containers":[{"name":"c","image":"x"}]}}'
    token_request() { echo '{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{'"$1"'}}'; }
    answers_with 403 'not bound to a pod' as_node POST $accounts/app/token \
        "$(token_request '"expirationSeconds":3153600000,"audiences":["vault"]')"
    uid=$(field .metadata.uid pod on-stolen)
    bound='"boundObjectRef":{"apiVersion":"v1","kind":"Pod","name":"on-stolen","uid":"'$uid'"}'
    answers_with 403 'audience \\"vault\\" not found in pod spec volume' as_node POST $accounts/app/token \
        "$(token_request "$bound,\"audiences\":[\"vault\"]")"
    answers_with 201 '"token"' as_node POST $accounts/app/token "$(token_request "$bound")"
    answers_with 403 'no relationship found' as_node POST $accounts/default/token "$(token_request "$bound")"
    k delete pod on-stolen --force --grace-period 0
    answers_with 403 'no relationship found' as_node POST $accounts/app/token "$(token_request "$bound")"
}
check "the tokens it asks for are its pods', and for what they ask" tokens_end_with_pods

nobody_gets_a_century() {
    local token
    says 'shortened to 31536000 seconds' k create token app --duration 876000h
    token=$(k create token app --duration 876000h 2>/dev/null)
    equal "$(cut -d . -f 2 <<<"$token" | base64 -d 2>/dev/null | jq '.exp - .iat')" 31536000
}
check "nobody's token lasts longer than a year, unless the configuration says so" nobody_gets_a_century

no_pod_calls_itself_static() {
    k apply -f - <<<'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"ghost","annotations":{
        "kubernetes.io/config.source":"file","kubernetes.io/config.hash":"x","kubernetes.io/config.seen":"x"}},
        "spec":{"nodeName":"node-1","nodeSelector":{"no":"such"},"containers":[{"name":"c","image":"x"}]}}'
    # Its node looks at it as at any other, says what became of it, and lets it go.
    within 10 says NodeAffinity field .status.reason pod ghost
    k delete pod ghost --timeout 20s
}
check "a pod that says it is of a manifest is none" no_pod_calls_itself_static
