// SPDX-License-Identifier: Apache-2.0

public import JSON
import KubeAPI

/// A refusal by an API server: its `meta.k8s.io/v1` Status, or one made up from a bare HTTP status.
public struct StatusError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The HTTP status.
    public var code: Int
    /// The machine-readable reason, `NotFound`, `Conflict`, ….
    public var reason: String
    public var message: String
    /// `details.causes[].reason`/`message`, in the server's order.
    public var causes: [Cause]
    /// How long the server asks the client to wait.
    public var retryAfterSeconds: Int?
    /// The whole Status object as received; empty when the server sent none.
    public var status: JSONObject

    public struct Cause: Sendable, Hashable {
        public var reason: String
        public var message: String
        public var field: String

        public init(reason: String, message: String = "", field: String = "") {
            self.reason = reason
            self.message = message
            self.field = field
        }
    }

    public init(
        code: Int, reason: String, message: String, causes: [Cause] = [], retryAfterSeconds: Int? = nil,
        status: JSONObject = JSONObject()
    ) {
        self.code = code
        self.reason = reason
        self.message = message
        self.causes = causes
        self.retryAfterSeconds = retryAfterSeconds
        self.status = status
    }

    /// Reads a Status object; `code` stands in when the object names none.
    public init(status: JSONObject, code: Int) {
        let details = status["details"]
        self.code = status["code"]?.boundedInteger ?? code
        self.reason = status["reason"]?.string ?? StatusError.reason(forCode: self.code)
        self.message = status["message"]?.string ?? "the server answered with status \(self.code)"
        self.causes = (details?["causes"]?.array ?? []).map {
            Cause(
                reason: $0["reason"]?.string ?? "", message: $0["message"]?.string ?? "",
                field: $0["field"]?.string ?? "")
        }
        self.retryAfterSeconds = details?["retryAfterSeconds"]?.boundedInteger
        self.status = status
    }

    /// Makes the error of an answer whose body may or may not be a Status object.
    init(code: Int, body: [UInt8], request: String) {
        if let object = try? JSONValue.parse(body).object, object["kind"]?.string == "Status" {
            // A body that is no JSON is not a second failure: its text becomes the message below.
            self.init(status: object, code: code)
            return
        }
        let text = String(decoding: body.prefix(256), as: UTF8.self)
        self.init(
            code: code, reason: StatusError.reason(forCode: code),
            message: text.isEmpty ? "\(request): the server answered with status \(code)" : "\(request): \(text)")
    }

    public var description: String { message.isEmpty ? "\(reason) (\(code))" : message }

    public var isNotFound: Bool { reason == "NotFound" || (reason.isEmpty && code == 404) }
    public var isAlreadyExists: Bool { reason == "AlreadyExists" }
    public var isConflict: Bool { reason == "Conflict" }
    public var isForbidden: Bool { reason == "Forbidden" }
    public var isInvalid: Bool { reason == "Invalid" }
    /// The resource version asked for is no longer held: list again.
    public var isExpired: Bool { reason == "Expired" || reason == "Gone" || code == 410 }
    public var isTooManyRequests: Bool { reason == "TooManyRequests" || code == 429 }
    public var isServerTimeout: Bool { reason == "ServerTimeout" || reason == "Timeout" }
    /// The namespace of the object is being deleted.
    public var isNamespaceTerminating: Bool { causes.contains { $0.reason == "NamespaceTerminating" } }

    public func hasCause(_ reason: String) -> Bool { causes.contains { $0.reason == reason } }

    static func reason(forCode code: Int) -> String {
        switch code {
        case 400: "BadRequest"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "NotFound"
        case 405: "MethodNotAllowed"
        case 406: "NotAcceptable"
        case 409: "Conflict"
        case 410: "Gone"
        case 413: "RequestEntityTooLarge"
        case 415: "UnsupportedMediaType"
        case 422: "Invalid"
        case 429: "TooManyRequests"
        case 500: "InternalError"
        case 503: "ServiceUnavailable"
        case 504: "Timeout"
        default: "Unknown"
        }
    }
}

extension Error {
    /// True for a StatusError whose reason is NotFound.
    public var isNotFound: Bool { (self as? StatusError)?.isNotFound ?? false }
    /// True for a StatusError whose reason is AlreadyExists.
    public var isAlreadyExists: Bool { (self as? StatusError)?.isAlreadyExists ?? false }
    /// True for a StatusError whose reason is Conflict.
    public var isConflict: Bool { (self as? StatusError)?.isConflict ?? false }
    /// True for a StatusError caused by a namespace that is being deleted.
    public var isNamespaceTerminating: Bool { (self as? StatusError)?.isNamespaceTerminating ?? false }
}
