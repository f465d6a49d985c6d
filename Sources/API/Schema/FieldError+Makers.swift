// SPDX-License-Identifier: Apache-2.0

public import JSON

extension FieldError {
    public static func required(_ path: FieldPath, _ detail: String = "") -> FieldError {
        FieldError(.required, path: path.description, detail: detail)
    }

    public static func forbidden(_ path: FieldPath, _ detail: String) -> FieldError {
        FieldError(.forbidden, path: path.description, detail: detail)
    }

    public static func invalid(_ path: FieldPath, _ value: String, _ detail: String) -> FieldError {
        FieldError(.invalid, path: path.description, value: Self.shown(.string(value)), detail: detail)
    }

    public static func invalid(_ path: FieldPath, _ value: Int64, _ detail: String) -> FieldError {
        FieldError(.invalid, path: path.description, value: "\(value)", detail: detail)
    }

    /// With any value: a string is shown in quotes, everything else as JSON.
    public static func invalid(_ path: FieldPath, json value: JSONValue?, _ detail: String) -> FieldError {
        FieldError(.invalid, path: path.description, value: Self.shown(value), detail: detail)
    }

    public static func duplicate(_ path: FieldPath, _ value: String) -> FieldError {
        FieldError(.duplicate, path: path.description, value: Self.shown(.string(value)))
    }

    public static func duplicate(_ path: FieldPath, json value: JSONValue?) -> FieldError {
        FieldError(.duplicate, path: path.description, value: Self.shown(value))
    }

    public static func notFound(_ path: FieldPath, _ value: String) -> FieldError {
        FieldError(.notFound, path: path.description, value: value.quoted)
    }

    /// `supported values: "a", "b"`, in the order given.
    public static func notSupported(_ path: FieldPath, _ value: String, _ supported: [String]) -> FieldError {
        let detail = supported.isEmpty ? "" : "supported values: " + supported.map(\.quoted).joined(separator: ", ")
        return FieldError(.notSupported, path: path.description, value: value.quoted, detail: detail)
    }

    public static func tooLong(_ path: FieldPath, limit: Int) -> FieldError {
        FieldError(
            .tooLong, path: path.description, detail: "may not be more than \(limit) \(limit == 1 ? "byte" : "bytes")")
    }

    public static func tooMany(_ path: FieldPath, count: Int, limit: Int) -> FieldError {
        FieldError(
            .tooMany, path: path.description, value: "\(count)",
            detail: "must have at most \(limit) \(limit == 1 ? "item" : "items")")
    }

    public static func internalError(_ path: FieldPath, _ detail: String) -> FieldError {
        FieldError(.internalError, path: path.description, detail: detail)
    }

    /// How much of a value a message shows.
    static let shownBytes = 8192

    private static func beginning(_ text: String) -> String { String(text.unicodeScalars.prefix(shownBytes / 4)) }

    /// A value as it is shown in a message: the beginning of one that nobody would read to its end.
    public static func shown(_ value: JSONValue?) -> String {
        switch value {
        case nil: "null"
        case .string(let text)?: text.utf8.count > shownBytes ? beginning(text).quoted + "…" : text.quoted
        case let value?: value.excerpt(shownBytes)
        }
    }
}
