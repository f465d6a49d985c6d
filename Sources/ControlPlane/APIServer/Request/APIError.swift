// SPDX-License-Identifier: Apache-2.0

public import JSON
internal import Schema
internal import Store

/// A refusal, as the Status object that clients read.
public struct APIError: Error, Sendable {
    /// The HTTP status.
    public var code: Int
    /// The machine-readable reason: `NotFound`.
    public var reason: String
    /// What kubectl prints.
    public var message: String
    /// `name`, `group`, `kind`, `uid`, `causes`, `retryAfterSeconds`.
    public var details: JSONObject
    /// `metadata.continue` of an expired list.
    public var continueToken: String?

    /// A refusal with `code` and `reason`.
    public init(_ code: Int, _ reason: String, _ message: String, details: JSONObject = [:]) {
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
    }

    /// The Status object.
    public var json: JSONObject {
        var metadata: JSONObject = [:]
        if let continueToken { metadata["continue"] = .string(continueToken) }
        var status: JSONObject = [
            "kind": "Status", "apiVersion": "v1", "metadata": .object(metadata), "status": "Failure",
            "message": .string(message),
        ]
        if !reason.isEmpty { status["reason"] = .string(reason) }
        if !details.isEmpty { status["details"] = .object(details) }
        status["code"] = .integer(Int64(code))
        return status
    }
}

/// What an error is about: `pods "web"`, `deployments.apps "web"`.
struct Subject: Sendable {
    var group: String
    var resource: String
    var kind: String
    var name: String

    var qualifiedResource: String { group.isEmpty ? resource : "\(resource).\(group)" }
    var qualifiedKind: String { group.isEmpty ? kind : "\(kind).\(group)" }

    /// `pods "web"`, or `pods` while there is no name.
    var resourceText: String { name.isEmpty ? qualifiedResource : "\(qualifiedResource) \"\(name)\"" }

    func details(kind word: String? = nil) -> JSONObject {
        var details: JSONObject = [:]
        if !name.isEmpty { details["name"] = .string(name) }
        if !group.isEmpty { details["group"] = .string(group) }
        details["kind"] = .string(word ?? resource)
        return details
    }
}

extension APIError {
    static func notFound(_ subject: Subject) -> APIError {
        APIError(
            404, "NotFound", "\(subject.qualifiedResource) \"\(subject.name)\" not found", details: subject.details())
    }

    /// An unknown path below /api or /apis.
    static let unknownResource = APIError(
        404, "NotFound", "the server could not find the requested resource")

    static func alreadyExists(_ subject: Subject) -> APIError {
        APIError(
            409, "AlreadyExists", "\(subject.qualifiedResource) \"\(subject.name)\" already exists",
            details: subject.details())
    }

    static func conflict(_ subject: Subject, _ why: String) -> APIError {
        APIError(
            409, "Conflict",
            "Operation cannot be fulfilled on \(subject.qualifiedResource) \"\(subject.name)\": \(why)",
            details: subject.details())
    }

    static func modified(_ subject: Subject) -> APIError {
        conflict(
            subject,
            "the object has been modified; please apply your changes to the latest version and try again")
    }

    static func invalid(_ subject: Subject, _ errors: [FieldError]) -> APIError {
        var details = subject.details(kind: subject.kind)
        details["causes"] = .array(
            errors.map {
                ["reason": .string($0.type.reason), "message": .string($0.message), "field": .string($0.path)]
            })
        return APIError(
            422, "Invalid", "\(subject.qualifiedKind) \"\(subject.name)\" is invalid: \(errors.aggregated)",
            details: details)
    }

    static func forbidden(_ subject: Subject, _ why: String) -> APIError {
        APIError(403, "Forbidden", "\(subject.resourceText) is forbidden: \(why)", details: subject.details())
    }

    static func badRequest(_ message: String) -> APIError { APIError(400, "BadRequest", message) }

    static let unauthorized = APIError(401, "Unauthorized", "Unauthorized")

    static func methodNotAllowed(_ subject: Subject) -> APIError {
        APIError(
            405, "MethodNotAllowed", "the server does not allow this method on the requested resource",
            details: subject.details())
    }

    static func unsupportedMediaType(_ accepted: [String]) -> APIError {
        APIError(
            415, "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: "
                + accepted.joined(separator: ", "))
    }

    static func notAcceptable(_ accepted: [String]) -> APIError {
        APIError(
            406, "NotAcceptable",
            "only the following media types are accepted: " + accepted.joined(separator: ", "))
    }

    static func tooLarge(_ limit: Int) -> APIError {
        APIError(
            413, "RequestEntityTooLarge",
            "Request entity too large: limit is \(limit)")
    }

    static func expired(_ message: String) -> APIError { APIError(410, "Expired", message) }

    static func internalError(_ why: String) -> APIError {
        APIError(
            500, "InternalError", "Internal error occurred: \(why)",
            details: ["causes": [["message": .string(why)]]])
    }

    static func tooManyRequests(_ message: String, retryAfter: Int) -> APIError {
        APIError(
            429, "TooManyRequests", message,
            details: retryAfter > 0 ? ["retryAfterSeconds": .integer(Int64(retryAfter))] : [:])
    }

    static func serviceUnavailable(_ message: String) -> APIError { APIError(503, "ServiceUnavailable", message) }

    /// What a failure of the store means to a client.
    static func store(_ error: StoreError, _ subject: Subject) -> APIError {
        switch error {
        case .keyExists: .alreadyExists(subject)
        case .conflict(_, _, let current): current == nil ? .notFound(subject) : .modified(subject)
        case .notFound: .notFound(subject)
        case .compacted(let requested, let oldest): .expired("too old resource version: \(requested) (\(oldest))")
        case .future(let requested, let current):
            APIError(
                504, "Timeout", "Timeout: Too large resource version: \(requested), current: \(current)",
                details: [
                    "causes": [["reason": "ResourceVersionTooLarge", "message": "Too large resource version"]],
                    "retryAfterSeconds": 1,
                ])
        // etcd's words: clients look for them.
        case .tooLarge: APIError(413, "RequestEntityTooLarge", "etcdserver: request is too large")
        case .quotaExceeded: APIError(507, "InsufficientStorage", "\(error)")
        case .diskFull: APIError(507, "InsufficientStorage", "\(error)")
        default: .internalError("\(error)")
        }
    }
}
