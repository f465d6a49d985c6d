// SPDX-License-Identifier: Apache-2.0

import JSON

/// Query parameters of list, watch and deletecollection.
public struct ListOptions: Sendable, Hashable {
    public var labelSelector: String?
    public var fieldSelector: String?
    public var limit: Int?
    public var continueToken: String?
    public var resourceVersion: String?
    public var resourceVersionMatch: String?
    public var timeoutSeconds: Int?
    public var allowWatchBookmarks = false
    public var sendInitialEvents: Bool?

    public init(
        labelSelector: String? = nil, fieldSelector: String? = nil, limit: Int? = nil, continueToken: String? = nil,
        resourceVersion: String? = nil, resourceVersionMatch: String? = nil
    ) {
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
        self.limit = limit
        self.continueToken = continueToken
        self.resourceVersion = resourceVersion
        self.resourceVersionMatch = resourceVersionMatch
    }

    var query: [(name: String, value: String)] {
        var items: [(name: String, value: String)] = []
        if let labelSelector, !labelSelector.isEmpty { items.append(("labelSelector", labelSelector)) }
        if let fieldSelector, !fieldSelector.isEmpty { items.append(("fieldSelector", fieldSelector)) }
        if let limit { items.append(("limit", String(limit))) }
        if let continueToken, !continueToken.isEmpty { items.append(("continue", continueToken)) }
        if let resourceVersion { items.append(("resourceVersion", resourceVersion)) }
        if let resourceVersionMatch { items.append(("resourceVersionMatch", resourceVersionMatch)) }
        if let timeoutSeconds { items.append(("timeoutSeconds", String(timeoutSeconds))) }
        if allowWatchBookmarks { items.append(("allowWatchBookmarks", "true")) }
        if let sendInitialEvents { items.append(("sendInitialEvents", sendInitialEvents ? "true" : "false")) }
        return items
    }
}

/// Query parameters of create, update and patch.
public struct WriteOptions: Sendable, Hashable {
    public var dryRun = false
    /// Overrides the client's own field manager.
    public var fieldManager: String?
    /// `Ignore`, `Warn` or `Strict`.
    public var fieldValidation: String?
    /// Takes over fields owned by others; server-side apply only.
    public var force = false

    public init(
        dryRun: Bool = false, fieldManager: String? = nil, fieldValidation: String? = nil, force: Bool = false
    ) {
        self.dryRun = dryRun
        self.fieldManager = fieldManager
        self.fieldValidation = fieldValidation
        self.force = force
    }

    func query(defaultManager: String?) -> [(name: String, value: String)] {
        var items: [(name: String, value: String)] = []
        if dryRun { items.append(("dryRun", "All")) }
        if let manager = fieldManager ?? defaultManager { items.append(("fieldManager", manager)) }
        if let fieldValidation { items.append(("fieldValidation", fieldValidation)) }
        if force { items.append(("force", "true")) }
        return items
    }
}

/// `metadata.propagationPolicy` of a deletion: what happens to the object's dependents.
public enum PropagationPolicy: String, Sendable, Hashable {
    case orphan = "Orphan"
    case background = "Background"
    case foreground = "Foreground"
}

/// The DeleteOptions body of delete and deletecollection.
public struct DeleteOptions: Sendable, Hashable {
    public var gracePeriodSeconds: Int?
    public var propagationPolicy: PropagationPolicy?
    /// Deletes only the object that carries this uid.
    public var uid: String?
    /// Deletes only this version of the object.
    public var resourceVersion: String?
    public var dryRun = false

    public init(
        gracePeriodSeconds: Int? = nil, propagationPolicy: PropagationPolicy? = nil, uid: String? = nil,
        resourceVersion: String? = nil, dryRun: Bool = false
    ) {
        self.gracePeriodSeconds = gracePeriodSeconds
        self.propagationPolicy = propagationPolicy
        self.uid = uid
        self.resourceVersion = resourceVersion
        self.dryRun = dryRun
    }

    var json: JSONObject {
        var object = JSONObject()
        object["kind"] = "DeleteOptions"
        object["apiVersion"] = "v1"
        if let gracePeriodSeconds { object["gracePeriodSeconds"] = .integer(Int64(gracePeriodSeconds)) }
        if let propagationPolicy { object["propagationPolicy"] = .string(propagationPolicy.rawValue) }
        if uid != nil || resourceVersion != nil {
            var preconditions = JSONObject()
            if let uid { preconditions["uid"] = .string(uid) }
            if let resourceVersion { preconditions["resourceVersion"] = .string(resourceVersion) }
            object["preconditions"] = .object(preconditions)
        }
        if dryRun { object["dryRun"] = .array([.string("All")]) }
        return object
    }
}

/// The four patch types, named by what their bodies are.
public enum PatchKind: String, Sendable, Hashable {
    case json = "application/json-patch+json"
    case merge = "application/merge-patch+json"
    case strategicMerge = "application/strategic-merge-patch+json"
    case apply = "application/apply-patch+yaml"
}

extension JSONOptions {
    /// Answers hold objects, and put them deeper than they are. Other servers store what is deeper still.
    static let answer = JSONOptions(maximumDepth: JSONDepth.answer, cutsDeeper: true)
}
