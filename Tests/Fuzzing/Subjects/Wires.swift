// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import Schema

@testable import ClusterDNS
@testable import Netlink

extension Subject {
    /// Binary formats: objects, names, the kernel's answers.
    static let wires = [
        Subject(name: "protobuf") { bytes in
            for schema in schemas {
                guard let object = try? Protobuf.decode(bytes, schema: schema) else { continue }
                // What protobuf can say, JSON can, and back: nothing is lost between the two.
                guard let written = try? Protobuf.encode(object, schema: schema) else { continue }
                let again = try? Protobuf.decode(written, schema: schema)
                require(again == object, "\(schema.name) changed on its way through protobuf")
            }
            _ = try? Protobuf.decodeObject(bytes) { _, _ in schemas.first }
        },
        Subject(name: "objects") { bytes in
            guard let object = (try? JSONValue.parse(bytes))?.object else { return }
            for schema in schemas {
                guard let decoded = try? SchemaCoding.decode(object, as: schema) else { continue }
                let again = try? SchemaCoding.decode(decoded.object, as: schema)
                require(again?.object == decoded.object, "\(schema.name) is read in two ways")
                _ = try? Protobuf.encode(decoded.object, schema: schema)
            }
        },
        Subject(name: "dns") { bytes in
            guard case .query(let query) = DNSQuery.read(bytes) else {
                if let asked = DNSName("a.example.com") {
                    let answer = ForeignAnswer(bytes, to: DNSQuestion(asked, .a), id: 7)
                    _ = answer?.encoded(for: DNSQuery(id: 9, DNSQuestion(asked, .a)), age: 30)
                }
                return
            }
            guard case .query(let again) = DNSQuery.read(query.encoded(id: query.id)) else {
                fatalError("what was passed on is no query")
            }
            require(again.question == query.question, "another question was passed on")
        },
        Subject(name: "netlink") { bytes in
            for reply in NetlinkReply.parse(bytes[...]) {
                _ = Link(reply)
                _ = Route(reply)
                _ = Neighbour(reply)
                _ = RoutingRule(reply)
                _ = InterfaceAddress(reply)
                _ = ConntrackEntry(reply)
                walk(reply.attributes(after: 4), depth: 0)
            }
        },
    ]

    private static let schemas = [
        "io.k8s.api.core.v1.Pod", "io.k8s.api.core.v1.Secret", "io.k8s.api.rbac.v1.ClusterRole",
        "io.k8s.api.batch.v1.CronJob",
    ].compactMap(KubeAPI.schema(named:))

    private static func walk(_ attributes: NetlinkAttributes, depth: Int) {
        guard depth < 8 else { return }
        for attribute in attributes { walk(attribute.nested, depth: depth + 1) }
    }
}
