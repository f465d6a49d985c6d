// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

extension KubeAPI {
    /// Options that write quantities canonically, for whole objects (`fillsZeros`) or for parts of them.
    public static func codingOptions(fillsZeros: Bool = true) -> SchemaCoding.Options {
        SchemaCoding.Options(fillsZeros: fillsZeros) { value in
            switch value {
            case .string(let text): isPlainQuantity(text) ? text : Quantity.canonical(text)
            case .integer(let number): Quantity(number).description
            case .number: Quantity.canonical(value.description)
            default: nil
            }
        }
    }

    /// Whether a quantity is canonical at a glance: up to three digits and one suffix, which most are.
    static func isPlainQuantity(_ text: String) -> Bool {
        let bytes = text.utf8
        guard let first = bytes.first, first >= 0x31, first <= 0x39 else { return false }
        var digits = 0
        var suffix: [UInt8] = []
        for byte in bytes {
            if suffix.isEmpty, byte >= 0x30, byte <= 0x39 { digits += 1 } else { suffix.append(byte) }
        }
        guard digits <= 3 else { return false }
        switch suffix.first {
        case nil: return true
        case UInt8(ascii: "m"): return suffix.count == 1
        case UInt8(ascii: "K"): return suffix.count == 2 && suffix[1] == UInt8(ascii: "i")
        case UInt8(ascii: "M"), UInt8(ascii: "G"), UInt8(ascii: "T"):
            return suffix.count == 1 || (suffix.count == 2 && suffix[1] == UInt8(ascii: "i"))
        default: return false
        }
    }

    /// The object an enveloped protobuf body holds, with its kind and version.
    public static func decodeProtobuf(_ bytes: [UInt8]) throws(ProtobufError) -> JSONObject {
        try Protobuf.decodeObject(bytes) { apiVersion, kind in
            GroupVersion(apiVersion: apiVersion).flatMap {
                schema(group: $0.group, version: $0.version, kind: kind)
            }
        }
    }
}

extension KubeAPI {
    /// The description of the built-in resources.
    public static var openAPI: OpenAPIDocument {
        OpenAPIDocument(resources: resources) { schema(named: $0) }
    }
}
