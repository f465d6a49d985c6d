# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Objects that nobody could read, and numbers that nobody could count with: refused, with everything still running after.

need_server
sd_ns=security-depth
sd_server=https://127.0.0.1:6443

# sd_nested COUNT: so many objects in each other.
sd_nested() { printf '%*s' "$1" '' | sed 's/ /{"f:a":/g'; printf '{}'; printf '%*s' "$1" '' | tr ' ' '}'; }

# sd_status METHOD PATH TYPE BODY: the status code that an editor of the namespace meets.
sd_status() {
    printf '%s' "$4" >"$work/body"
    curl -sk --max-time 20 -o "$work/answer" -w '%{http_code}' -X "$1" -H "Authorization: Bearer $(cat "$work/sd.token")" \
        -H "Content-Type: $3" --data-binary "@$work/body" "$sd_server$2"
}

sd_alive() {
    equal "$(k get --raw /readyz)" ok
    k -n $sd_ns create configmap "alive-$1"
}

sd_prepares() {
    k create namespace $sd_ns
    within 20 kubectl -n $sd_ns get serviceaccount default
    k -n $sd_ns create serviceaccount editor
    k -n $sd_ns create rolebinding editor --clusterrole=edit --serviceaccount=$sd_ns:editor
    k -n $sd_ns create token editor >"$work/sd.token"
}
check "an editor has a namespace" sd_prepares

sd_pod() {
    local depth fields
    for depth in 480 505 508 2000; do
        fields='[{"manager":"m","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":'$(sd_nested $depth)'}]'
        equal "$(sd_status POST /api/v1/namespaces/$sd_ns/pods application/json '{"metadata":{"name":"d'$depth'","managedFields":'"$fields"'},
            "spec":{"containers":[{"name":"c","image":"none"}]}}' | cut -c1)" 4
    done
    sd_alive pod
}
check "no pod is so deep that its watchers could not read it" sd_pod

sd_patch() {
    k -n $sd_ns create service clusterip deep --tcp=80
    local place=/metadata/managedFields/0/fieldsV1 way
    way=$(printf '%*s' 400 '' | sed 's| |/f:a|g')
    equal "$(sd_status PATCH /api/v1/namespaces/$sd_ns/services/deep application/json-patch+json \
        '[{"op":"replace","path":"'$place'","value":'"$(sd_nested 400)"'},
          {"op":"add","path":"'"$place$way"'/f:c","value":'"$(sd_nested 400)"'}]')" 422
    k -n $sd_ns get service deep
    sd_alive patch
}
check "a patch builds no object that cannot be read" sd_patch

sd_scale() {
    k -n $sd_ns create deployment big --image=none --replicas=0
    local type
    for type in merge-patch+json strategic-merge-patch+json; do
        equal "$(sd_status PATCH /apis/apps/v1/namespaces/$sd_ns/deployments/big/scale application/$type \
            '{"spec":{"replicas":9223372036854775807}}' | cut -c1)" 4
    done
    equal "$(k -n $sd_ns get deployment big -o 'jsonpath={.spec.replicas}')" 0
    sd_alive scale
}
check "a scale takes no number that its object cannot hold" sd_scale

k delete namespace $sd_ns --wait=false
