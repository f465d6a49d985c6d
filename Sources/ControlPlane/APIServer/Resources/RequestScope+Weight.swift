// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import Schema
internal import Store

/// How much work a request is, as far as that can be told before it is done.
extension RequestScope {
    /// Bytes of a body, and of the object that it is about, that are written where the request is.
    static let momentaryWrite = 16 * 1024
    /// The same for the operations of a JSON patch, each of which may go through the whole object.
    static let momentaryPatch = 2 * 1024
    /// What the schema of a custom resource may cost where the request is: bytes, times what a byte costs at most.
    static let momentaryValidation = 1 << 20

    private static let asking = [
        RoleEvaluator.group, "authorization.k8s.io", "certificates.k8s.io", "resource.k8s.io",
    ]
    /// They see to it themselves.
    private static let reviews = ["SelfSubjectAccessReview", "SubjectAccessReview", "LocalSubjectAccessReview"]

    /// Runs what answers the request: where it is, or else at the workbench, in the turns of its user. Reads see to that
    /// by themselves, and what lasts has nothing to do in between.
    func inTurns<Result>(_ answer: () async throws(APIError) -> Result) async throws(APIError) -> Result {
        if isMomentary { return try await answer() }
        return try await withTaskExecutorPreference(core.workbench.executor(for: flow), operation: answer)
    }

    /// Whether others can wait for the answer: some hundred microseconds' work.
    private var isMomentary: Bool {
        switch info.verb {
        case "create", "update", "patch", "delete": break
        case "deletecollection": return isFew
        default: return true
        }
        if info.isLongRunning { return true }
        // These ask for further rights, or for all that somebody has.
        if Self.asking.contains(resource.group), resource.custom == nil, !Self.reviews.contains(resource.kind) {
            return false
        }
        let body = request.bodySize
        if body > Self.momentaryWrite { return false }
        if body > Self.momentaryPatch, contentType == "application/json-patch+json" { return false }
        // What a POST makes has no name in its path, and nothing of that name is read.
        let live = info.name.isEmpty ? nil : storage.get(resource, namespace: namespace, name: info.name)
        let bytes = body + (live?.bytes.count ?? 0)
        if bytes > Self.momentaryWrite || isLookingAtMuch { return false }
        guard let custom = resource.custom else { return true }
        return bytes * custom.schema.weight <= Self.momentaryValidation
    }

    /// Whether a write has the server read much besides what is written: objects that others of the namespace may have
    /// made as large as they like. What is the administrators' own (classes, the Node of a pod) is not looked for.
    private var isLookingAtMuch: Bool {
        if resource.custom == nil, resource.group.isEmpty {
            switch (resource.kind, info.subresource) {
            // Their pod is named in the body.
            case ("Binding", _): return true
            // Its addresses are compared with those of all Services.
            case ("Node", _): if user.nodeName != nil { return true }
            // Accounts: which one is in the body, so that none may be large.
            case ("Pod", "") where info.verb == "create", ("Pod", "ephemeralcontainers"):
                if isMuch("", "serviceaccounts", each: true) || isMuch("", "limitranges") { return true }
            case ("Pod", "resize"), ("PersistentVolumeClaim", ""): if isMuch("", "limitranges") { return true }
            case ("Pod", "eviction"): return isMuch("policy", "poddisruptionbudgets")
            default: break
            }
        }
        guard resource.namespaced, ["", "resize"].contains(info.subresource), info.verb != "delete" else {
            return false
        }
        if isMuch("", "resourcequotas") { return true }
        guard info.verb == "create", let namespaces = core.registry.preferred("", "namespaces") else { return false }
        return (storage.get(namespaces, namespace: "", name: namespace)?.bytes.count ?? 0) > Self.momentary
    }

    /// Whether the objects of a kind in the request's namespace, or one of them, are more than others can wait for.
    private func isMuch(_ group: String, _ plural: String, each: Bool = false) -> Bool {
        guard let resource = core.registry.preferred(group, plural) else { return false }
        let prefix = ObjectStorage.prefix(resource, namespace: namespace)
        // Not even to look at their sizes, where there are very many.
        if core.store.count(prefix: prefix) > 1_000 { return true }
        let sizes = core.store.current(prefix: prefix).map(\.bytes.count)
        return (each ? sizes.max() ?? 0 : sizes.reduce(0, +)) > Self.momentary
    }

    /// Whether a collection is small.
    private var isFew: Bool {
        let prefix = ObjectStorage.prefix(resource, namespace: resource.namespaced ? namespace : "")
        guard core.store.count(prefix: prefix) <= 8 else { return false }
        return core.store.current(prefix: prefix).reduce(0) { $0 + $1.bytes.count } <= Self.momentaryWrite
    }
}
