// SPDX-License-Identifier: Apache-2.0

internal import HTTP

/// The parameters of a request, taken apart once. Where one repeats, the first counts for everybody, as upstream has it.
struct RequestQuery: Sendable {
    let items: [(name: String, value: String)]

    init(_ items: [(name: String, value: String)]) { self.items = items }

    var isEmpty: Bool { items.isEmpty }

    /// The first value of `name`; nil when it is not there, empty when it has none.
    subscript(_ name: String) -> String? { items.first { $0.name == name }?.value }

    /// The first value of `name`, where it is there and not empty.
    func text(_ name: String) -> String? { self[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// Every value of a parameter that is a list.
    func all(_ name: String) -> [String] { items.compactMap { $0.name == name ? $0.value : nil } }

    /// A boolean: `watch`, `watch=1`, `watch=true`; nil when it is not there.
    func flag(_ name: String) -> Bool? { self[name].map(Self.isTrue) }

    static func isTrue(_ value: String) -> Bool { value != "0" && !value.equalsIgnoringCase("false") }

    /// A whole number; nil when it is not there.
    func number(_ name: String) throws(APIError) -> Int64? {
        guard let value = self[name] else { return nil }
        guard let number = Int64(value) else {
            throw .badRequest("strconv.ParseInt: parsing \"\(value)\": invalid syntax")
        }
        return number
    }
}
