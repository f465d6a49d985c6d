# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Kinds that a definition brings, as an operator's user meets them: made, used, asked about and taken away with kubectl.

need_server
definition=$work/widgets-definition.yaml
cat >"$definition" <<'END'
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, kind: Widget, shortNames: [wd], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}
    additionalPrinterColumns:
    - {name: Colour, type: string, jsonPath: .spec.colour}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    selectableFields:
    - jsonPath: .spec.colour
    schema:
      openAPIV3Schema:
        type: object
        description: A thing with a colour.
        properties:
          spec:
            type: object
            properties:
              colour: {type: string, default: red, enum: [red, green], description: What one sees of it.}
              replicas: {type: integer, minimum: 0}
          status:
            type: object
            properties:
              replicas: {type: integer}
END
widget() { printf 'apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: %s}\nspec: {%s}\n' "$1" "$2" >"$work/$1.yaml"; }

define() {
    refuses "doesn't have a resource type \"widgets\"" "$kubectl" get widgets
    says 'widgets.example.com created' k create -f "$definition"
    says 'condition met' k wait --for=condition=Established crd/widgets.example.com --timeout=10s
    says '^widgets +wd +example.com/v1 +true +Widget' k api-resources --api-group=example.com
    says '^No resources found' k get wd
}
check "a definition is established, and its kind found by its short name" define

use() {
    widget one 'replicas: 1'
    widget two 'colour: green'
    says 'widget.example.com/one created' k apply -f "$work/one.yaml"
    says 'widget.example.com/one unchanged' k apply -f "$work/one.yaml"
    says 'widget.example.com/two serverside-applied' k apply --server-side -f "$work/two.yaml"
    says '^NAME +COLOUR +AGE' k get wd
    says '^two +green +[0-9]+s' k get wd
    says 'widget.example.com/one' k get all
    equal "$(k get widgets --field-selector=spec.colour=green -o name)" widget.example.com/two
    k patch widget two --type=merge -p '{"spec":{"colour":"red"}}'
    has_field red .spec.colour widget two
    k scale widget one --replicas=3
    has_field 3 .spec.replicas widget one
    k patch widget one --subresource=status --type=merge -p '{"status":{"replicas":3}}'
    says 'widget.example.com/one condition met' k wait widget/one --for=jsonpath='{.status.replicas}'=3 --timeout=5s
    says 'labeled' k label widget one size=small
    says '^Name: +one' k describe widget one
}
check "its objects are applied, listed, selected, patched, scaled and described" use

explain() {
    says 'A thing with a colour' k explain widgets
    says 'What one sees of it' k explain widgets.spec.colour
    says 'finalizers' k explain widgets --recursive
}
check "kubectl explain knows its fields" explain

refuse() {
    widget wrong 'colour: blue'
    refuses 'spec.colour: Unsupported value: "blue"' "$kubectl" apply -f "$work/wrong.yaml"
    widget wrong 'replicas: many'
    refuses 'spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer' "$kubectl" create -f "$work/wrong.yaml"
    widget wrong 'weight: 3'
    refuses 'unknown field "spec.weight"' "$kubectl" create -f "$work/wrong.yaml"
    says 'Warning: unknown field "spec.weight"' k create --validate=warn -f "$work/wrong.yaml"
    has_field '{"colour":"red"}' .spec widget wrong
}
check "what its schema does not allow is refused, what it does not know is dropped" refuse

refuse_definitions() {
    sed 's/^        type: object$/&\n        x-kubernetes-validations: [{rule: "true"}]/; s/widget/gadget/g; s/Widget/Gadget/' "$definition" >"$work/gadgets.yaml"
    refuses 'this server does not evaluate CEL expressions' "$kubectl" create -f "$work/gadgets.yaml"
    sed 's/^  scope:.*/&\n  conversion: {strategy: Webhook, webhook: {conversionReviewVersions: [v1], clientConfig: {url: "https:\/\/example.com"}}}/; s/widget/gadget/g; s/Widget/Gadget/' "$definition" >"$work/gadgets.yaml"
    refuses 'this server does not call conversion webhooks' "$kubectl" create -f "$work/gadgets.yaml"
}
check "definitions that need expressions or webhooks are refused" refuse_definitions

restart() {
    crash_server
    start_server
    has_field 3 .spec.replicas widget one
}
check "a server that starts again serves it at once" restart

owners() {
    k create namespace widgets
    k -n widgets apply -f "$work/two.yaml"
    k delete namespace widgets --timeout=30s
    equal "$(k get widgets -A -o name | grep -c two)" 1
}
check "its objects go with their namespace" owners

owned() {
    local uid
    uid=$(field .metadata.uid widget one)
    printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: owned, ownerReferences: [{apiVersion: example.com/v1, kind: Widget, name: one, uid: %s}]}\n' "$uid" | k create -f -
    k delete widget one
    # The garbage collector asks every thirty seconds which kinds there are.
    k wait --for=delete configmap/owned --timeout=40s
}
check "what one of its objects owns goes with it" owned

delete() {
    k patch widget two --type=merge -p '{"metadata":{"finalizers":["example.com/hold"]}}'
    k delete crd widgets.example.com --wait=false
    within 10 says '^widget.example.com/two$' k get widgets -o name
    says 'InstanceDeletion' k get crd widgets.example.com -o yaml
    k patch widget two --type=merge -p '{"metadata":{"finalizers":null}}'
    k wait --for=delete crd/widgets.example.com --timeout=10s
    # What kubectl says depends on the age of its memory of what is served.
    refuses "doesn't have a resource type|could not find the requested resource" "$kubectl" get widgets
}
check "the definition goes when its last object has gone" delete
