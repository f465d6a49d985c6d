// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema

/// One request for one resource, with what it takes to answer it.
struct RequestScope: Sendable {
    let core: ServerCore
    let request: HTTPRequest
    let info: RequestInfo
    let user: RequestUser
    let resource: ResourceKind
    let options: QueryOptions
    let output: OutputFormat

    var storage: ObjectStorage { core.storage }
    var namespace: String { info.namespace }

    /// The subject of an error; the name defaults to the path's.
    func subject(_ name: String? = nil) -> Subject { resource.subject(name ?? info.name) }
}

/// The query parameters of the API.
struct QueryOptions: Sendable {
    var labelSelector: String?
    var fieldSelector: String?
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

    init(_ request: HTTPRequest) throws(APIError) {
        for (name, value) in request.queryItems {
            switch name {
            case "labelSelector": labelSelector = value
            case "fieldSelector": fieldSelector = value
            case "resourceVersion": resourceVersion = value
            case "resourceVersionMatch": resourceVersionMatch = value
            case "limit": limit = try Self.number(name, value).flatMap { $0 > 0 ? Int($0) : nil }
            case "continue": continueToken = value.isEmpty ? nil : value
            case "timeoutSeconds": timeoutSeconds = try Self.number(name, value).map { Int($0) }
            case "allowWatchBookmarks": allowWatchBookmarks = RequestInfo.isTrue(value)
            case "sendInitialEvents": sendInitialEvents = RequestInfo.isTrue(value)
            case "dryRun":
                guard value == "All" || value.isEmpty else {
                    throw APIError(
                        422, "Invalid",
                        " \"\" is invalid: dryRun: Unsupported value: \"\(value)\": supported values: \"All\"")
                }
                if value == "All" { dryRun = true }
            case "fieldValidation": fieldValidation = value.isEmpty ? nil : value
            case "fieldManager": fieldManager = value.isEmpty ? nil : value
            case "force": force = RequestInfo.isTrue(value)
            case "pretty": pretty = RequestInfo.isTrue(value)
            case "propagationPolicy": propagationPolicy = value
            case "gracePeriodSeconds": gracePeriodSeconds = try Self.number(name, value)
            case "orphanDependents": orphanDependents = RequestInfo.isTrue(value)
            case "includeObject": includeObject = value
            default: break
            }
        }
        if let fieldValidation, !["Strict", "Warn", "Ignore"].contains(fieldValidation) {
            throw .badRequest(
                "fieldValidation: Unsupported value: \"\(fieldValidation)\": supported values: \"Ignore\", \"Strict\", \"Warn\""
            )
        }
        if let fieldManager, fieldManager.utf8.count > 128 {
            throw .badRequest("fieldManager: Too long: may not be more than 128 bytes")
        }
    }

    private static func number(_ name: String, _ value: String) throws(APIError) -> Int64? {
        if value.isEmpty { return nil }
        guard let number = Int64(value) else {
            throw .badRequest("strconv.ParseInt: parsing \"\(value)\": invalid syntax")
        }
        return number
    }
}
