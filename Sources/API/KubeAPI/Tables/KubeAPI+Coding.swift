// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

extension KubeAPI {
    /// Options that write quantities canonically, for whole objects (`fillsZeros`) or for parts of them.
    public static func codingOptions(fillsZeros: Bool = true) -> SchemaCoding.Options {
        SchemaCoding.Options(fillsZeros: fillsZeros) { value in
            switch value {
            case .string(let text): Quantity.canonical(text)
            case .integer(let number): Quantity(number).description
            case .number: Quantity.canonical(value.description)
            default: nil
            }
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
