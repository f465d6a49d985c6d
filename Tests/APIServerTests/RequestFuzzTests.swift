// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import KubeAPI
import Testing

@testable import APIServer

/// The same numbers on every run.
private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        // SplitMix64.
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }

    mutating func pick<T>(_ choices: [T]) -> T { choices.randomElement(using: &self)! }
    mutating func chance(_ of: Int) -> Bool { Int.random(in: 0..<of, using: &self) == 0 }
}

/// Targets as an attacker writes them: right ones, and right ones with something askew.
private struct Targets {
    var random: Generator

    private static let resources = ["secrets", "configmaps", "pods", "Secrets", "namespaces", "nodes", "leases"]
    private static let names = [
        "allowed", "crown", "default", "other", "nothing", "status", "finalize", "watch", "proxy", "exec", "log", ".",
        "..", "", "a:b", "ALLOWED", "allowed,crown", "namespaces",
    ]
    private static let selectors = [
        "metadata.name=allowed", "metadata.name==allowed", "metadata.name!=allowed", "metadata.name=crown",
        "metadata.name=", "", "=", ",", "metadata.namespace=default", "metadata.name=allowed,metadata.name=crown",
        "metadata.name=crown,metadata.name=allowed", "metadata.name!=nothing", "metadata.name=allowed\\,crown",
        "metadata.name=allowed,", "metadata.name = allowed", "metadata.name=allowed\\", "type=Opaque",
        "type!=Opaque,metadata.name=allowed", "metadata.Name=allowed", "metadata.name=allowed=crown",
    ]

    mutating func next() -> (method: String, target: String) {
        let method = random.pick([
            "GET", "GET", "GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get",
        ])
        guard random.chance(2) else { return (method, path() + query()) }
        // The way a right request looks, and what follows is the attack.
        let object = "/api/v1/namespaces/default/secrets" + (random.chance(3) ? "/allowed" : "")
        let rest = query()
        return (
            method, "\(object)?fieldSelector=metadata.name%3Dallowed" + (rest.isEmpty ? "" : "&" + rest.dropFirst())
        )
    }

    private mutating func path() -> String {
        var parts =
            random.chance(8) ? ["apis", random.pick(["apps", "coordination.k8s.io", ""]), "v1"] : ["api", "v1"]
        if random.chance(15) { parts.append(random.pick(["watch", "proxy"])) }
        if !random.chance(6) {
            parts += ["namespaces", random.chance(5) ? random.pick(["other", "", "..", "status"]) : "default"]
        }
        if !random.chance(20) { parts.append(random.chance(4) ? random.pick(Self.resources) : "secrets") }
        if random.chance(3) { parts.append("allowed") }
        for _ in 0..<Int.random(in: 0...3, using: &random) where random.chance(4) {
            parts.append(random.pick(Self.names))
        }
        if random.chance(60) { parts.removeFirst() }
        var text = ""
        for part in parts {
            text += random.chance(40) ? random.pick(["//", "%2F", "%2f", "/./", "/%2e%2e/"]) : "/"
            text += escaped(part)
        }
        if random.chance(10) { text += random.pick(["/", "//", "%2F", "/."]) }
        return text.hasPrefix("/") ? text : "/" + text
    }

    private mutating func query() -> String {
        if random.chance(4) { return random.chance(4) ? "?" : "" }
        var items: [String] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let name = random.pick([
                "fieldSelector", "fieldSelector", "fieldSelector", "labelSelector", "watch", "limit", "continue",
                "dryRun",
                "resourceVersion", "timeoutSeconds", "FieldSelector", "fieldSelector[]", "pretty",
            ])
            let value: String
            switch name {
            case "labelSelector":
                value = random.pick(["", "a=b", "!a", "a in (b,c)", "!!", "a", "metadata.name=allowed"])
            case "watch": value = random.pick(["", "0", "1", "true", "false", "False", "FALSE", "no"])
            case "limit", "timeoutSeconds":
                value = random.pick(["0", "1", "1", "500", "-1", "", "x", "9223372036854775808", "+1"])
            case "dryRun": value = random.pick(["All", "", "None"])
            case "resourceVersion": value = random.pick(["", "0", "1", "x"])
            default: value = random.chance(2) ? Self.selectors[0] : random.pick(Self.selectors)
            }
            var item = escaped(name)
            if !random.chance(15) { item += "=" + escaped(value, "=,!+ ") }
            if random.chance(60) { item += random.pick(["%", "%zz", ";", "%ff", "%00"]) }
            items.append(item)
        }
        return "?" + items.joined(separator: random.chance(40) ? ";" : random.chance(20) ? "&&" : "&")
    }

    /// The text with what must be escaped escaped, and now and then what need not be.
    private mutating func escaped(_ text: String, _ reserved: String = "") -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            let plain = scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
            if random.chance(60)
                || (!plain && !".:-[]/".unicodeScalars.contains(scalar) && !reserved.contains(Character(scalar)))
            {
                for byte in String(scalar).utf8 { result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16) }
            } else if scalar == " " {
                result += "+"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// A second reader, as plain as can be: what upstream's RequestInfo finds, step by step from the text of the target.
private struct PlainReading {
    var isResource = false
    var fields: [String] = []
    var items: [(String, String)] = []

    init?(_ method: String, _ target: String) {
        let halves = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let path = Self.unescaped(Substring(halves[0]), plus: false) else { return nil }
        for item in (halves.count > 1 ? halves[1] : "").split(separator: "&") where !item.contains(";") {
            let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.unescaped(pair[0], plus: true),
                let value = pair.count > 1 ? Self.unescaped(pair[1], plus: true) : ""
            else { continue }
            items.append((name, value))
        }
        var trimmed = Substring(path)
        while trimmed.hasPrefix("/") { trimmed.removeFirst() }
        while trimmed.hasSuffix("/") { trimmed.removeLast() }
        var parts = trimmed.isEmpty ? [] : trimmed.components(separatedBy: "/")
        guard parts.count >= 3, ["api", "apis"].contains(parts[0]), parts[0] == "api" || parts.count >= 4 else {
            return
        }
        isResource = true
        let group = parts[0] == "apis" ? parts[1] : ""
        parts.removeFirst(parts[0] == "apis" ? 2 : 1)
        let version = parts.removeFirst()
        var verb =
            ["POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"][
                method]
            ?? ""
        if parts[0] == "watch" || parts[0] == "proxy" {
            verb = parts[0]
            // Upstream answers 500 to this.
            guard parts.count > 1 else {
                fields = [verb, group, version, "", "", "", ""]
                return
            }
            parts.removeFirst()
        }
        var namespace = ""
        if parts[0] == "namespaces", parts.count > 1 {
            namespace = parts[1]
            if parts.count > 2, !["status", "finalize"].contains(parts[2]) { parts.removeFirst(2) }
        }
        let subresource = parts.count >= 3 && verb != "proxy" ? parts[2] : ""
        var name = parts.count >= 2 ? parts[1] : ""
        let resource = parts[0]
        if name.isEmpty, verb == "get" {
            let watch = first("watch").map { $0 != "0" && $0.lowercased() != "false" } ?? false
            verb = watch ? "watch" : "list"
            name = selectedName() ?? ""
        }
        if parts.count < 2 || parts[1].isEmpty, verb == "delete" { verb = "deletecollection" }
        fields = [verb, group, version, namespace, resource, subresource, name]
    }

    func first(_ name: String) -> String? { items.first { $0.0 == name }?.1 }

    /// The name that the selector pins, where all of the list's options can be read.
    private func selectedName() -> String? {
        for number in ["limit", "timeoutSeconds"] {
            if let text = first(number), Int64(text) == nil { return nil }
        }
        if let text = first("labelSelector"), (try? LabelSelector(parsing: text)) == nil { return nil }
        guard let text = first("fieldSelector"), let selector = try? FieldSelector(parsing: text) else { return nil }
        let name = selector.terms.first { $0.field == "metadata.name" && !$0.negated }?.value
        guard let name, name != ".", name != "..", !name.contains("/"), !name.contains("%") else { return nil }
        return name
    }

    private static func unescaped(_ text: Substring, plus: Bool) -> String? {
        var bytes: [UInt8] = []
        var rest = text
        while let character = rest.popFirst() {
            if character == "%" {
                guard rest.count >= 2, let byte = UInt8(rest.prefix(2), radix: 16), rest.first != "+" else {
                    return nil
                }
                bytes.append(byte)
                rest.removeFirst(2)
            } else {
                bytes += plus && character == "+" ? [0x20] : Array(String(character).utf8)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

extension Substring {
    fileprivate func components(separatedBy separator: Character) -> [String] {
        split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
}

@Suite struct `Any target` {
    @Test func `is read as a second, plain reader reads it`() {
        var targets = Targets(random: Generator(state: 1))
        var resources = 0
        var selected = 0
        for _ in 0..<6_000 {
            let (method, target) = targets.next()
            guard let plain = PlainReading(method, target) else { continue }
            let request = ParsedRequest(HTTPRequest(method: method, target: target))
            let info = request.info
            #expect(info.isResource == plain.isResource, "\(method) \(target)")
            #expect(request.query.items.map { "\($0)=\($1)" } == plain.items.map { "\($0)=\($1)" }, "\(target)")
            guard plain.isResource else { continue }
            resources += 1
            let access = AccessRequest(user: RequestUser(name: "u"), info: info)
            let found = [
                access.verb, access.group, info.version, access.namespace, access.resource, access.subresource,
                access.name,
            ]
            #expect(found == plain.fields, "\(method) \(target)")
            if !info.selectedName.isEmpty { selected += 1 }
        }
        // The generator hits what it is for.
        #expect(resources > 4_000 && selected > 200)
    }

    /// What authorization decides by is what the handler does: whoever may do everything to one object by its name never
    /// sees or changes another, whatever he asks.
    @Test func `leads nobody beyond the one object that he may have`() async throws {
        let server = try await TestServer()
        func secret(_ name: String) -> JSONValue {
            [
                "kind": "Secret", "apiVersion": "v1", "metadata": ["name": .string(name), "labels": ["a": "b"]],
                "stringData": ["k": .string("value-of-\(name)")],
            ]
        }
        try await server.send(
            "POST", "/api/v1/namespaces", ["kind": "Namespace", "apiVersion": "v1", "metadata": ["name": "other"]])
        for namespace in ["default", "other"] {
            for name in namespace == "default" ? ["allowed", "crown", "status"] : ["allowed", "jewel"] {
                let path = "/api/v1/namespaces/\(namespace)/secrets"
                try #require(try await server.send("POST", path, secret(name)).status == 201)
            }
        }
        try await server.grant(
            "one", to: "jane", [rule("get,list,update,patch,delete,deletecollection", "secrets", names: "allowed")],
            in: "default")
        let jane = RequestUser(name: "jane", groups: ["system:authenticated"])
        func others() async throws -> [String] {
            let list = try await server.send("GET", "/api/v1/secrets")
            return (list.json["items"]?.array ?? []).compactMap { item in
                let key = "\(item["metadata"]?["namespace"]?.string ?? "")/\(item["metadata"]?["name"]?.string ?? "")"
                return key == "default/allowed" || !key.contains("default/") && !key.contains("other/")
                    ? nil : "\(key)@\(item["metadata"]?["resourceVersion"]?.string ?? "")"
            }.sorted()
        }
        let before = try await others()
        try #require(before.count == 4)
        var targets = Targets(random: Generator(state: 2))
        var served = 0
        let patch = Array(#"{"metadata":{"labels":{"touched":"yes"}}}"#.utf8)
        for _ in 0..<3_000 {
            let (method, target) = targets.next()
            let body = ["POST", "PUT", "PATCH"].contains(method) ? patch : nil
            let answer = try await server.send(
                method, target, bytes: body, as: jane,
                type: method == "PATCH" ? "application/merge-patch+json" : "application/json")
            let text = answer.json.description
            for other in ["crown", "jewel", "other"] {
                #expect(!text.contains(Base64.encode(Array("value-of-\(other)".utf8))), "\(method) \(target)")
                #expect(!text.contains("\"name\":\"\(other)\",\"namespace\""), "\(method) \(target)")
            }
            if answer.status == 200, target.contains("secrets") {
                served += 1
                if method == "DELETE" {
                    try await server.send("POST", "/api/v1/namespaces/default/secrets", secret("allowed"))
                }
            }
        }
        #expect(served > 100)
        #expect(try await others() == before)
    }
}
