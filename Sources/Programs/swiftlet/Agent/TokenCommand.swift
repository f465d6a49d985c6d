// SPDX-License-Identifier: Apache-2.0

internal import Arguments
internal import JSON
internal import KubeClient
internal import Schema
internal import TLS

/// `swiftlet token`: bootstrap tokens, by which machines join.
enum TokenCommand {
    private static let kubeconfig = Option.value(
        "kubeconfig", "path", help: "how to reach the cluster", default: "/etc/swiftlet/kubeconfig")

    static let command = Command(
        "token", summary: "Manage the tokens machines join with",
        subcommands: [
            Command(
                "create", summary: "Make a token and print it", arguments: "[token]", count: 0...1,
                options: [
                    kubeconfig, .value("ttl", "duration", help: "how long it counts; 0: for good", default: "24h"),
                    .value("description", "text", help: "what it is for"),
                    .repeated("groups", "group", help: "groups beside system:bootstrappers of those who use it"),
                    .repeated("usages", "usage", help: "signing, authentication; default: both"),
                    .flag("print-join-command", help: "print the command that joins a machine instead of the token"),
                ]),
            Command("list", summary: "List the tokens", options: [kubeconfig]),
            Command(
                "delete", summary: "Delete tokens", arguments: "<id>...", count: 1...64, options: [kubeconfig]),
        ])

    private static let secrets = ResourceID(
        group: "", version: "v1", plural: "secrets", kind: "Secret", namespaced: true)
    private static let configMaps = ResourceID(
        group: "", version: "v1", plural: "configmaps", kind: "ConfigMap", namespaced: true)
    private static let namespace = "kube-system"
    /// What the cluster's roles let machines in by.
    private static let nodeGroup = "system:bootstrappers:kubeadm:default-node-token"

    private static func client(_ arguments: ParsedArguments) throws -> KubeClient {
        try KubeClient(kubeconfig: Kubeconfig(path: arguments.string("kubeconfig")), userAgent: "swiftlet")
    }

    // MARK: Create

    static func create(_ arguments: ParsedArguments) throws {
        let client = try client(arguments)
        guard let token = arguments.arguments.first.map(JoinToken.init) ?? JoinToken() else {
            throw ArgumentsError(
                "the token is not of the form [a-z0-9]{6}.[a-z0-9]{16}", command: arguments.commandName)
        }
        let secret: JSONObject = [
            "metadata": ["name": .string("bootstrap-token-\(token.id)"), "namespace": .string(namespace)],
            "type": "bootstrap.kubernetes.io/token", "stringData": .object(try content(token, arguments)),
        ]
        let printsCommand = arguments.flag("print-join-command")
        let text: String = try runOnLoop {
            _ = try await client.create(secrets, secret)
            return printsCommand ? try await joinCommand(token, client) : token.text
        }
        print(text)
    }

    private static func content(_ token: JoinToken, _ arguments: ParsedArguments) throws -> JSONObject {
        guard let life = try arguments.duration("ttl"), life >= .zero else {
            throw ArgumentsError("--ttl is a duration that is not negative", command: arguments.commandName)
        }
        let usages = arguments.all("usages").flatMap { $0.split(separator: ",").map(String.init) }
        for usage in usages where !["signing", "authentication"].contains(usage) {
            throw ArgumentsError(
                "--usages: \"\(usage)\" is neither signing nor authentication", command: arguments.commandName)
        }
        let groups = arguments.all("groups").flatMap { $0.split(separator: ",").map(String.init) }
        for group in groups where !group.hasPrefix("system:bootstrappers:") {
            throw ArgumentsError(
                "--groups: \"\(group)\" does not begin with system:bootstrappers:", command: arguments.commandName)
        }
        var data: JSONObject = [
            "token-id": .string(token.id), "token-secret": .string(token.secret),
            "auth-extra-groups": .string((groups.isEmpty ? [nodeGroup] : groups).joined(separator: ",")),
        ]
        for usage in usages.isEmpty ? ["signing", "authentication"] : usages {
            data["usage-bootstrap-\(usage)"] = "true"
        }
        if life > .zero { data["expiration"] = .string((Timestamp.now + life).description) }
        if let text = arguments["description"] { data["description"] = .string(text) }
        return data
    }

    private static func joinCommand(_ token: JoinToken, _ client: KubeClient) async throws -> String {
        let map = try await client.get(configMaps, namespace: "kube-public", name: "cluster-info")
        let cluster = try Kubeconfig(yaml: Array((map["data"]?["kubeconfig"]?.string ?? "").utf8)).clusters.first?
            .cluster
        guard let cluster, let pem = cluster.certificateAuthorityData,
            let hash = try Certificate(pem: pem).publicKey?.fingerprint
        else { throw ClusterDiscovery.Refusal(description: "the cluster-info names no server and authority") }
        // Not as an argument, which every user of that machine could read.
        return "\(TokenSource.variable)=\(token.text) swiftlet agent --server \(cluster.server) "
            + "--discovery-token-ca-cert-hash sha256:\(Hex.encode(hash))"
    }

    // MARK: List and delete

    static func list(_ arguments: ParsedArguments) throws {
        let client = try client(arguments)
        let found = try runOnLoop {
            try await client.list(
                secrets, namespace: namespace,
                options: ListOptions(fieldSelector: "type=bootstrap.kubernetes.io/token")
            ).items
        }
        var rows = [["TOKEN", "TTL", "EXPIRES", "USAGES", "DESCRIPTION", "EXTRA GROUPS"]]
        for secret in found { rows.append(row(secret, now: .now)) }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            print(cells.joined(separator: "   "))
        }
    }

    private static func row(_ secret: JSONObject, now: Timestamp) -> [String] {
        func text(_ key: String) -> String {
            let bytes = Base64.decode(secret.string("data", key)) ?? []
            return String(decoding: bytes, as: UTF8.self)
        }
        let end = Timestamp(text("expiration"))
        let life = end.map { "\(max(($0 - now).components.seconds, 0))s" } ?? "<forever>"
        let usages = ["authentication", "signing"].filter { text("usage-bootstrap-\($0)") == "true" }
        return [
            "\(text("token-id")).\(text("token-secret"))", life, end?.description ?? "<never>",
            usages.joined(separator: ","), text("description").isEmpty ? "<none>" : text("description"),
            text("auth-extra-groups"),
        ]
    }

    static func delete(_ arguments: ParsedArguments) throws {
        let client = try client(arguments)
        for name in arguments.arguments {
            // The secret half may come along, as it was copied.
            let id = String(name.prefix { $0 != "." })
            guard JoinToken.isWord(id, 6) else {
                throw ArgumentsError("\"\(name)\" is no token and no token's id", command: arguments.commandName)
            }
            let _: Void = try runOnLoop {
                try await client.delete(secrets, namespace: namespace, name: "bootstrap-token-\(id)")
            }
            print("bootstrap token \"\(id)\" deleted")
        }
    }
}
