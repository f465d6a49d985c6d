// SPDX-License-Identifier: Apache-2.0

internal import Arguments
internal import Controllers
internal import KubeClient
internal import Linux
internal import TLS
internal import Telemetry

/// `swiftlet controllers`: the controllers alone, for any API server.
enum ControllersCommand {
    static let command = Command(
        "controllers", summary: "Run the controllers alone",
        options: ComponentOptions.flags + LeaderOptions.flags + [
            .flag("use-service-account-credentials", help: "let each controller be its own service account"),
            .value("controllers", "list", help: "those to run: * for all, -name leaves one out", default: "*"),
            .value("allocate-node-cidrs", "true|false", help: "give nodes their address blocks", default: "false"),
            .value("cluster-cidr", "cidrs", help: "addresses of pods, a block for each family"),
            .value("node-cidr-mask-size-ipv4", "bits", help: "a node's share of the IPv4 block", default: "24"),
            .value("node-cidr-mask-size-ipv6", "bits", help: "a node's share of the IPv6 block", default: "64"),
            nodesPerAddress,
            .value("root-ca-file", "path", help: "the authority published to pods"),
            .value("cluster-signing-cert-file", "path", help: "the authority that signs certificate requests"),
            .value("cluster-signing-key-file", "path", help: "its key"),
            .value(
                "cluster-signing-duration", "duration", help: "the longest life of what it signs", default: "8760h"),
        ])

    static func run(_ arguments: ParsedArguments) throws {
        let options = try ComponentOptions(arguments)
        let leader = try LeaderOptions(arguments)
        var settings = try settings(arguments)
        let logger = Logger(label: "controllers", level: options.logLevel)
        let connection = try options.connect(as: "kube-controller-manager")
        if arguments.flag("use-service-account-credentials") {
            settings.accounts = { account in
                let token = AccountToken(account: account, client: connection.client)
                return connection.client(userAgent: "kube-controller-manager/\(account)") { try await token.text() }
            }
        }
        let final = settings
        try runService {
            let manager = try ControllerManager(
                client: connection.client,
                informers: SharedInformerFactory(client: connection.client, logger: logger), logger: logger,
                settings: final)
            try await runComponent(connection, logger) {
                try await leader.run("kube-controller-manager", client: connection.client, logger: logger) {
                    await manager.runControllers()
                }
            }
        }
    }

    static let nodesPerAddress = Option.value(
        "nodes-per-address", "number",
        help: "how many nodes that joined from one address get pod addresses; default: 16, or an eighth of all blocks")

    /// What the flag above says; nil when it says nothing.
    static func nodesPerAddress(_ arguments: ParsedArguments) throws -> Int? {
        let number = try arguments.integer("nodes-per-address")
        guard number ?? 1 > 0 else {
            throw ArgumentsError("--nodes-per-address is at least 1", command: arguments.commandName)
        }
        return number
    }

    private static func settings(_ arguments: ParsedArguments) throws -> ControllerManager.Settings {
        func wrong(_ reason: String) -> ArgumentsError { ArgumentsError(reason, command: arguments.commandName) }
        var settings = ControllerManager.Settings(identity: "")
        settings.clusterRanges =
            try arguments["cluster-cidr"].map { _ in
                try NodeOptions.blocks("cluster-cidr", arguments)
            } ?? []
        guard let allocates = Bool(try arguments.string("allocate-node-cidrs")) else {
            throw wrong("--allocate-node-cidrs is true or false")
        }
        guard !allocates || !settings.clusterRanges.isEmpty else {
            throw wrong("--allocate-node-cidrs needs --cluster-cidr")
        }
        settings.allocatesNodeRanges = allocates
        settings.nodePrefixV4 = try arguments.integer("node-cidr-mask-size-ipv4") ?? 24
        settings.nodePrefixV6 = try arguments.integer("node-cidr-mask-size-ipv6") ?? 64
        settings.nodesPerAddress = try nodesPerAddress(arguments)
        settings.disabled = try disabled(try arguments.string("controllers"), wrong)
        settings.signingDuration = try arguments.duration("cluster-signing-duration") ?? settings.signingDuration
        if let path = arguments["root-ca-file"] {
            settings.rootCertificates = String(decoding: try Files.read(path), as: UTF8.self)
        }
        switch (arguments["cluster-signing-cert-file"], arguments["cluster-signing-key-file"]) {
        case (let certificate?, let key?):
            settings.signer = RequestSigner(
                authority: try CertificateAuthority(certificatePEM: Files.read(certificate), keyPEM: Files.read(key)))
        case (nil, nil): break
        default: throw wrong("--cluster-signing-cert-file and --cluster-signing-key-file belong together")
        }
        return settings
    }

    /// The controllers a list leaves out; upstream's names are ours with `-controller` behind.
    private static func disabled(_ text: String, _ wrong: (String) -> ArgumentsError) throws -> Set<String> {
        var named: Set<String> = []
        var without: Set<String> = []
        var takesAll = false
        for word in text.split(separator: ",").map(String.init) {
            if word == "*" {
                takesAll = true
                continue
            }
            let isOut = word.hasPrefix("-")
            var name = isOut ? String(word.dropFirst()) : word
            if name.hasSuffix("-controller") { name = String(name.dropLast("-controller".count)) }
            guard ControllerManager.names.contains(name) else {
                throw wrong("--controllers: there is no controller \"\(name)\"")
            }
            if isOut { without.insert(name) } else { named.insert(name) }
        }
        return takesAll ? without : ControllerManager.names.subtracting(named).union(without)
    }
}
