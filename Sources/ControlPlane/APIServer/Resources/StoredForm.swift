// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI
internal import Schema

/// Objects that two resources show: stored in one form, served in both.
enum StoredForm {
    static func isServed(_ resource: ResourceKind) -> Bool {
        resource.custom == nil && resource.storage.group == resource.group
            && resource.storage.version == resource.version
    }

    /// The stored object as `resource` shows it.
    static func outgoing(_ object: APIObject, _ resource: ResourceKind) -> APIObject {
        if let custom = resource.custom { return CustomForm.shown(object, custom) }
        return isServed(resource) ? object : APIObject(Conversion.convert(object.json, to: resource.id))
    }

    /// An object of `resource` as it is stored.
    static func incoming(_ object: APIObject, _ resource: ResourceKind) -> APIObject {
        if resource.custom != nil {
            var stored = object
            stored["apiVersion"] = .string(resource.storage.apiVersion)
            return stored
        }
        return isServed(resource) ? object : APIObject(Conversion.convert(object.json, to: resource.storage))
    }
}
