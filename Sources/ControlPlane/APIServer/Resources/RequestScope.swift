// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema

/// One request for one resource, with what it takes to answer it.
struct RequestScope: Sendable {
    /// One place in memory, however many stages hold the request.
    private final class Parts: Sendable {
        let core: ServerCore
        let request: ParsedRequest
        let user: RequestUser
        let holder: BudgetHolder
        let permission: Permission
        let resource: ResourceKind
        let options: QueryOptions
        let output: OutputFormat

        init(
            _ core: ServerCore, _ request: ParsedRequest, _ user: RequestUser, _ holder: BudgetHolder,
            _ permission: Permission, _ resource: ResourceKind, _ options: QueryOptions, _ output: OutputFormat
        ) {
            self.core = core
            self.request = request
            self.user = user
            self.holder = holder
            self.permission = permission
            self.resource = resource
            self.options = options
            self.output = output
        }
    }

    private let parts: Parts

    init(
        core: ServerCore, request: ParsedRequest, user: RequestUser, holder: BudgetHolder, permission: Permission,
        resource: ResourceKind, options: QueryOptions, output: OutputFormat
    ) {
        parts = Parts(core, request, user, holder, permission, resource, options, output)
    }

    var core: ServerCore { parts.core }
    var request: ParsedRequest { parts.request }
    var user: RequestUser { parts.user }
    /// Who showed credentials, as budgets and turns at the workbench are counted.
    var holder: BudgetHolder { parts.holder }
    /// What the user was found to be allowed at the door.
    var permission: Permission { parts.permission }
    var resource: ResourceKind { parts.resource }
    var options: QueryOptions { parts.options }
    var output: OutputFormat { parts.output }

    var info: RequestInfo { request.info }
    var flow: String { holder.flow }
    var storage: ObjectStorage { core.storage }
    var namespace: String { info.namespace }

    /// The permission to do `verb` to what the path names: asked for anew where the request itself was for another.
    func permit(_ verb: String) async throws(APIError) -> Permission {
        var access = permission.access
        if access.verb == verb { return permission }
        access.verb = verb
        access.user = user
        return try await Authorizer(core: core).permit(access, inTurnsOf: flow)
    }

    /// Asked before something is stored: what was read and checked by one definition is not stored by another, nor
    /// where nothing of that name is served any more.
    func requireServed() throws(APIError) {
        guard resource.custom != nil else { return }
        guard let now = core.registry.resource(resource.group, resource.version, resource.plural) else {
            throw .unknownResource
        }
        guard now === resource else {
            throw .conflict(subject(), "the definition of the resource has changed meanwhile; please try again")
        }
    }

    /// The subject of an error; the name defaults to the path's.
    func subject(_ name: String? = nil) -> Subject { resource.subject(name ?? info.name) }
}

/// The query parameters of the API.
struct QueryOptions: Sendable {
    var resourceVersion: String?
    var resourceVersionMatch: String?
    var limit: Int?
    var continueToken: String?
    var timeoutSeconds: Int?
    var allowWatchBookmarks = false
    var sendInitialEvents: Bool?
    var dryRun = false
    var fieldValidation: String?
    var fieldManager: String?
    var force: Bool?
    var pretty = false
    var propagationPolicy: String?
    var gracePeriodSeconds: Int64?
    var orphanDependents: Bool?
    var includeObject: String?
    var ignoresReadError = false

    init(_ query: RequestQuery) throws(APIError) {
        if query.isEmpty { return }
        resourceVersion = query["resourceVersion"]
        resourceVersionMatch = query["resourceVersionMatch"]
        limit = try query.number("limit").flatMap { $0 > 0 ? Int($0) : nil }
        continueToken = query.text("continue")
        timeoutSeconds = try query.number("timeoutSeconds").map { Int($0) }
        allowWatchBookmarks = query.flag("allowWatchBookmarks") ?? false
        sendInitialEvents = query.flag("sendInitialEvents")
        dryRun = try Self.dryRun(query.all("dryRun"))
        fieldValidation = query.text("fieldValidation")
        fieldManager = query.text("fieldManager")
        force = query.flag("force")
        pretty = query.flag("pretty") ?? false
        propagationPolicy = query["propagationPolicy"]
        gracePeriodSeconds = try query.number("gracePeriodSeconds")
        orphanDependents = query.flag("orphanDependents")
        includeObject = query["includeObject"]
        ignoresReadError = query.flag(DeleteOptions.ignoreReadError) ?? false
        if let fieldValidation, !["Strict", "Warn", "Ignore"].contains(fieldValidation) {
            throw .badRequest(
                "fieldValidation: Unsupported value: \"\(fieldValidation)\": supported values: \"Ignore\", \"Strict\", \"Warn\""
            )
        }
        if let fieldManager, fieldManager.utf8.count > 128 {
            throw .badRequest("fieldManager: Too long: may not be more than 128 bytes")
        }
    }

    /// Whether nothing is to be stored: a list, of which every element must be understood.
    static func dryRun(_ values: [String]) throws(APIError) -> Bool {
        for value in values where value != "All" {
            throw APIError(
                422, "Invalid",
                " \"\" is invalid: dryRun: Unsupported value: \"\(value)\": supported values: \"All\"")
        }
        return !values.isEmpty
    }
}
