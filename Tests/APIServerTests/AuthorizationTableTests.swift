// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import KubeAPI
import Testing

@testable import APIServer

/// What somebody does to a path of the API, and the verbs for it.
private struct Operation: Sendable {
    var path: String
    var method: String
    var verbs: [String]

    static let all: [Operation] = upstreamOperations.split(separator: "\n").flatMap { line in
        let words = line.split(separator: " ").map(String.init)
        return words.dropFirst().map { word in
            let parts = word.split(separator: ":").map(String.init)
            return Operation(
                path: words[0], method: parts[0],
                verbs: parts[1] == "-" ? [""] : parts[1].split(separator: "+").map(String.init))
        }
    }
}

/// A request for one row of the table. Nothing that is allowed changes anything: names are of nothing, selectors choose
/// nothing, bodies are empty.
private struct Attempt: Sendable {
    var method: String
    var target: String
    var type = "application/json"
    var body: String?
}

/// Users are groups: one for each verb on each resource, so that a user with any choice of rights is a list of them.
private struct Rights {
    static let verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", ""]

    var resource: String
    var group: String

    func name(_ verb: String) -> String { "may:\(verb.isEmpty ? "none" : verb):\(resource).\(group)" }

    func user(_ verbs: [String]) -> RequestUser { RequestUser(name: "u", groups: verbs.map(name)) }

    func all(but verb: String) -> RequestUser { user(Self.verbs.filter { $0 != verb }) }
}

@Suite struct `Every operation` {
    private static func rights(_ path: String) -> Rights {
        let info = ParsedRequest(HTTPRequest(target: named(path))).info
        let full = info.subresource.isEmpty ? info.resource : "\(info.resource)/\(info.subresource)"
        return Rights(resource: full, group: info.group)
    }

    private static func named(_ path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false)
            .map { part in
                switch part {
                case "{namespace}": "default"
                case "{name}", "{path}": "nothing"
                default: String(part)
                }
            }.joined(separator: "/")
    }

    /// Grants everything in the table to groups of its own.
    private static func prepare(_ server: TestServer) async throws {
        var seen: Set<String> = []
        for operation in Operation.all {
            let rights = rights(operation.path)
            guard seen.insert("\(rights.resource).\(rights.group)").inserted else { continue }
            for verb in Rights.verbs {
                let name = rights.name(verb)
                let role = try await server.send(
                    "POST", clusterRoles, clusterRole(name.asName, [rule(verb, rights.resource, rights.group)]))
                try #require(role.status == 201, "\(role.json)")
                var binding = roleBinding(name.asName, name.asName, to: "")
                binding["subjects"] = [["kind": "Group", "apiGroup": .string(roleGroup), "name": .string(name)]]
                let bound = try await server.send("POST", clusterBindings, binding)
                try #require(bound.status == 201, "\(bound.json)")
            }
        }
    }

    private static func attempts(_ operation: Operation) -> [Attempt] {
        let path = named(operation.path)
        switch operation.method {
        case "WATCH":
            // Both are refused for their options once they are allowed, and end so.
            let query = "resourceVersionMatch=Exact"
            let version = path.hasPrefix("/api/") ? "/v1" : "/" + path.split(separator: "/").dropFirst(2).first!
            let prefixed = path.replacing(version + "/", with: version + "/watch/", maxReplacements: 1)
            return [
                Attempt(method: "GET", target: "\(path)?watch=1&\(query)"),
                Attempt(method: "GET", target: "\(prefixed)?\(query)"),
            ]
        case "GET" where operation.verbs == ["get"] || operation.verbs == ["list"]:
            let heads = operation.path.contains("proxy") ? [] : [Attempt(method: "HEAD", target: path)]
            return [Attempt(method: "GET", target: path)] + heads
        case "DELETE":
            return [Attempt(method: "DELETE", target: "\(path)?labelSelector=of%3Dnothing&dryRun=All")]
        case "PATCH":
            let types = ["merge-patch+json", "json-patch+json", "strategic-merge-patch+json"]
            return types.map { Attempt(method: "PATCH", target: path, type: "application/\($0)", body: "[]") }
        case "POST", "PUT": return [Attempt(method: operation.method, target: "\(path)?dryRun=All", body: "{}")]
        default: return [Attempt(method: operation.method, target: path)]
        }
    }

    private static func status(
        _ server: TestServer, _ attempt: Attempt, _ user: RequestUser = TestServer.admin
    ) async throws -> Int {
        try await server.send(
            attempt.method, attempt.target, bytes: attempt.body.map { Array($0.utf8) }, as: user, type: attempt.type
        ).status
    }

    @Test func `asks for exactly the verbs that upstream asks for`() async throws {
        let server = try await TestServer()
        try await Self.prepare(server)
        var count = 0
        for operation in Operation.all {
            let rights = Self.rights(operation.path)
            for attempt in Self.attempts(operation) {
                let what: Comment = "\(attempt.method) \(attempt.target) \(operation.verbs)"
                let exactly = try await Self.status(server, attempt, rights.user(operation.verbs))
                #expect(exactly != 403, what)
                // Whoever may do everything is not told that there is no such thing to do.
                #expect(exactly != 405, what)
                // Everybody who is known may ask what he may do.
                if rights.resource.hasPrefix("selfsubject") { continue }
                for verb in operation.verbs {
                    #expect(try await Self.status(server, attempt, rights.all(but: verb)) == 403, what)
                }
                count += 1
            }
        }
        #expect(count > 700)
    }

    @Test func `that creates by PUT or apply asks for create besides`() async throws {
        let server = try await TestServer()
        try await Self.prepare(server)
        try await server.send(
            "POST", "/api/v1/namespaces/default/serviceaccounts",
            ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "default"]])
        var created = 0
        for operation in Operation.all where operation.path.hasSuffix("/{name}") {
            guard operation.method == "PUT" || operation.method == "PATCH" else { continue }
            let path = Self.named(operation.path)
            let info = ParsedRequest(HTTPRequest(target: path)).info
            let resource = try #require(server.server.core.registry.resource(info.group, info.version, info.resource))
            let rights = Self.rights(operation.path)
            var body: JSONValue = [
                "apiVersion": .string(resource.apiVersion), "kind": .string(resource.kind),
                "metadata": ["name": "nothing"],
            ]
            if resource.namespaced { body["metadata"]?["namespace"] = "default" }
            let isApply = operation.method == "PATCH"
            func status(_ verbs: [String]) async throws -> Int {
                try await server.send(
                    operation.method, "\(path)?fieldManager=m&dryRun=All", body, as: rights.user(verbs),
                    type: isApply ? "application/apply-patch+yaml" : "application/json"
                ).status
            }
            let creates = isApply || upstreamCreatesOnUpdate.contains(resource.plural)
            let what: Comment = "\(operation.method) \(path)"
            #expect(try await status(operation.verbs) == (creates ? 403 : 404), what)
            let both = try await status(operation.verbs + ["create"])
            #expect(both != 403, what)
            // Made, or refused for what it lacks.
            #expect(creates ? [201, 400, 422].contains(both) : both == 404, "\(what): \(both)")
            created += creates ? 1 : 0
        }
        #expect(created > 50)
    }

    /// All that is served is in the table: what upstream has not, nobody gets here.
    @Test func `is one of upstream's`() async throws {
        let server = try await TestServer()
        let known = Dictionary(grouping: Operation.all, by: { Self.named($0.path) }).mapValues { Set($0.map(\.method)) }
        let subresources = [
            "status", "scale", "exec", "attach", "portforward", "log", "proxy", "proxy/nothing", "binding", "eviction",
            "token", "approval", "finalize", "ephemeralcontainers", "resize", "Status", "exec/nothing",
            "status/nothing",
            "none",
        ]
        var refused = 0
        for resource in server.server.core.registry.resources {
            let base = resource.group.isEmpty ? "/api/v1" : "/apis/\(resource.group)/\(resource.version)"
            let whole = "\(base)/\(resource.plural)"
            let place = resource.namespaced ? "\(base)/namespaces/default/\(resource.plural)" : whole
            var paths = [whole, place, "\(place)/nothing", "\(whole)/nothing"]
            paths += subresources.map { "\(place)/nothing/\($0)" }
            let version = resource.group.isEmpty ? "/v1/" : "/\(resource.version)/"
            paths += paths.flatMap { path in
                ["watch", "proxy"].map { path.replacing(version, with: "\(version)\($0)/", maxReplacements: 1) }
            }
            for path in Set(paths) {
                for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
                    guard known[path]?.contains(method) != true else { continue }
                    if method == "GET", path.contains("/watch/"), !path.contains("/nothing/") { continue }
                    let attempt = Attempt(
                        method: method, target: path,
                        type: method == "PATCH" ? "application/merge-patch+json" : "application/json",
                        body: method == "GET" ? nil : "{}")
                    let status = try await Self.status(server, attempt)
                    #expect([404, 405].contains(status), "\(method) \(path): \(status)")
                    refused += 1
                }
            }
        }
        #expect(refused > 5000)
    }
}

extension String {
    /// What can be the name of a role: nothing of a path.
    fileprivate var asName: String { replacing("/", with: "_") }
}
