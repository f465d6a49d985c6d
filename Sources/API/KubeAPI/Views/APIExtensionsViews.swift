// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct CustomResourceDefinition: KubeObject {
    public static let resource = ResourceID(
        group: "apiextensions.k8s.io", version: "v1", plural: "customresourcedefinitions",
        kind: "CustomResourceDefinition", namespaced: false)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: CustomResourceDefinitionSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: CustomResourceDefinitionStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct APIExtensionsServiceReference: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var namespace: String {
        get { json[requiredString: "namespace"] }
        set { json[requiredString: "namespace"] = newValue }
    }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var path: String? {
        get { json[string: "path"] }
        set { json[string: "path"] = newValue }
    }
    public var port: Int? {
        get { json[integer: "port"] }
        set { json[integer: "port"] = newValue }
    }
}

public struct CustomResourceColumnDefinition: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var type: String {
        get { json[requiredString: "type"] }
        set { json[requiredString: "type"] = newValue }
    }
    public var format: String? {
        get { json[string: "format"] }
        set { json[string: "format"] = newValue }
    }
    public var description: String? {
        get { json[string: "description"] }
        set { json[string: "description"] = newValue }
    }
    public var priority: Int? {
        get { json[integer: "priority"] }
        set { json[integer: "priority"] = newValue }
    }
    public var jsonPath: String {
        get { json[requiredString: "jsonPath"] }
        set { json[requiredString: "jsonPath"] = newValue }
    }
}

public struct CustomResourceConversion: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var strategy: String {
        get { json[requiredString: "strategy"] }
        set { json[requiredString: "strategy"] = newValue }
    }
    public var webhook: WebhookConversion? {
        get { json[view: "webhook"] }
        set { json[view: "webhook"] = newValue }
    }
}

public struct CustomResourceDefinitionCondition: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var type: String {
        get { json[requiredString: "type"] }
        set { json[requiredString: "type"] = newValue }
    }
    public var status: String {
        get { json[requiredString: "status"] }
        set { json[requiredString: "status"] = newValue }
    }
    public var lastTransitionTime: KubeTime? {
        get { json[time: "lastTransitionTime"] }
        set { json[time: "lastTransitionTime"] = newValue }
    }
    public var reason: String? {
        get { json[string: "reason"] }
        set { json[string: "reason"] = newValue }
    }
    public var message: String? {
        get { json[string: "message"] }
        set { json[string: "message"] = newValue }
    }
    public var observedGeneration: Int? {
        get { json[integer: "observedGeneration"] }
        set { json[integer: "observedGeneration"] = newValue }
    }
}

public struct CustomResourceDefinitionNames: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var plural: String {
        get { json[requiredString: "plural"] }
        set { json[requiredString: "plural"] = newValue }
    }
    public var singular: String? {
        get { json[string: "singular"] }
        set { json[string: "singular"] = newValue }
    }
    public var shortNames: [String] {
        get { json[strings: "shortNames"] }
        set { json[strings: "shortNames"] = newValue }
    }
    public var kind: String {
        get { json[requiredString: "kind"] }
        set { json[requiredString: "kind"] = newValue }
    }
    public var listKind: String? {
        get { json[string: "listKind"] }
        set { json[string: "listKind"] = newValue }
    }
    public var categories: [String] {
        get { json[strings: "categories"] }
        set { json[strings: "categories"] = newValue }
    }
}

public struct CustomResourceDefinitionSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var group: String {
        get { json[requiredString: "group"] }
        set { json[requiredString: "group"] = newValue }
    }
    public var names: CustomResourceDefinitionNames {
        get { json[requiredView: "names"] }
        set { json[requiredView: "names"] = newValue }
    }
    public var scope: String {
        get { json[requiredString: "scope"] }
        set { json[requiredString: "scope"] = newValue }
    }
    public var versions: [CustomResourceDefinitionVersion] {
        get { json[views: "versions"] }
        set { json[views: "versions"] = newValue }
    }
    public var conversion: CustomResourceConversion? {
        get { json[view: "conversion"] }
        set { json[view: "conversion"] = newValue }
    }
    public var preserveUnknownFields: Bool? {
        get { json[bool: "preserveUnknownFields"] }
        set { json[bool: "preserveUnknownFields"] = newValue }
    }
}

public struct CustomResourceDefinitionStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var conditions: [CustomResourceDefinitionCondition] {
        get { json[views: "conditions"] }
        set { json[views: "conditions"] = newValue }
    }
    public var acceptedNames: CustomResourceDefinitionNames? {
        get { json[view: "acceptedNames"] }
        set { json[view: "acceptedNames"] = newValue }
    }
    public var storedVersions: [String] {
        get { json[strings: "storedVersions"] }
        set { json[strings: "storedVersions"] = newValue }
    }
    public var observedGeneration: Int? {
        get { json[integer: "observedGeneration"] }
        set { json[integer: "observedGeneration"] = newValue }
    }
}

public struct CustomResourceDefinitionVersion: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var served: Bool {
        get { json[requiredBool: "served"] }
        set { json[requiredBool: "served"] = newValue }
    }
    public var storage: Bool {
        get { json[requiredBool: "storage"] }
        set { json[requiredBool: "storage"] = newValue }
    }
    public var deprecated: Bool? {
        get { json[bool: "deprecated"] }
        set { json[bool: "deprecated"] = newValue }
    }
    public var deprecationWarning: String? {
        get { json[string: "deprecationWarning"] }
        set { json[string: "deprecationWarning"] = newValue }
    }
    public var schema: CustomResourceValidation? {
        get { json[view: "schema"] }
        set { json[view: "schema"] = newValue }
    }
    public var subresources: CustomResourceSubresources? {
        get { json[view: "subresources"] }
        set { json[view: "subresources"] = newValue }
    }
    public var additionalPrinterColumns: [CustomResourceColumnDefinition] {
        get { json[views: "additionalPrinterColumns"] }
        set { json[views: "additionalPrinterColumns"] = newValue }
    }
    public var selectableFields: [SelectableField] {
        get { json[views: "selectableFields"] }
        set { json[views: "selectableFields"] = newValue }
    }
}

public struct CustomResourceSubresourceScale: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var specReplicasPath: String {
        get { json[requiredString: "specReplicasPath"] }
        set { json[requiredString: "specReplicasPath"] = newValue }
    }
    public var statusReplicasPath: String {
        get { json[requiredString: "statusReplicasPath"] }
        set { json[requiredString: "statusReplicasPath"] = newValue }
    }
    public var labelSelectorPath: String? {
        get { json[string: "labelSelectorPath"] }
        set { json[string: "labelSelectorPath"] = newValue }
    }
}

public struct CustomResourceSubresourceStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
}

public struct CustomResourceSubresources: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var status: CustomResourceSubresourceStatus? {
        get { json[view: "status"] }
        set { json[view: "status"] = newValue }
    }
    public var scale: CustomResourceSubresourceScale? {
        get { json[view: "scale"] }
        set { json[view: "scale"] = newValue }
    }
}

public struct CustomResourceValidation: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var openAPIV3Schema: JSONValue? {
        get { json[value: "openAPIV3Schema"] }
        set { json[value: "openAPIV3Schema"] = newValue }
    }
}

public struct SelectableField: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var jsonPath: String {
        get { json[requiredString: "jsonPath"] }
        set { json[requiredString: "jsonPath"] = newValue }
    }
}

public struct WebhookClientConfig: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var url: String? {
        get { json[string: "url"] }
        set { json[string: "url"] = newValue }
    }
    public var service: APIExtensionsServiceReference? {
        get { json[view: "service"] }
        set { json[view: "service"] = newValue }
    }
    public var caBundle: [UInt8]? {
        get { json[bytes: "caBundle"] }
        set { json[bytes: "caBundle"] = newValue }
    }
}

public struct WebhookConversion: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var clientConfig: WebhookClientConfig? {
        get { json[view: "clientConfig"] }
        set { json[view: "clientConfig"] = newValue }
    }
    public var conversionReviewVersions: [String] {
        get { json[strings: "conversionReviewVersions"] }
        set { json[strings: "conversionReviewVersions"] = newValue }
    }
}
