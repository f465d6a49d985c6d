// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import TLS

/// Where the next page of a list begins and which revision it shows. Opaque to clients.
struct ContinueToken: Sendable {
    /// The last key of the page before, without the prefix.
    var after: String
    /// The revision of the whole list; -1 when the rest may be of the present.
    var revision: Int64

    var text: String {
        let json: JSONValue = ["v": "swiftlet/v1", "rv": .integer(revision), "start": .string(after)]
        return Base64.encodeURL(json.encoded())
    }

    init(after: String, revision: Int64) {
        self.after = after
        self.revision = revision
    }

    init(parsing text: String) throws(APIError) {
        let invalid = APIError.badRequest("continue key is not valid: it was not made by this server")
        guard let bytes = Base64.decodeURL(text) else { throw invalid }
        let json: JSONValue
        do throws(JSONError) { json = try JSONValue.parse(bytes) } catch { throw invalid }
        guard json["v"]?.string == "swiftlet/v1", let revision = json["rv"]?.integer,
            let after = json["start"]?.string, !after.contains("..")
        else { throw invalid }
        self.after = after
        self.revision = revision
    }
}
