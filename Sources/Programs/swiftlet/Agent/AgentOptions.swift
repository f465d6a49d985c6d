// SPDX-License-Identifier: Apache-2.0

internal import Arguments
internal import Linux
internal import TLS

/// What `swiftlet agent` is told. Server, token and hashes are for the first start; what comes of them is kept.
struct AgentOptions: Sendable {
    var node: NodeOptions
    var server: String?
    var token: TokenSource?
    /// SHA-256 of the public keys of authorities that may be the cluster's.
    var hashes: [[UInt8]]
    var trustsAnyAuthority: Bool

    static let flags: [Option] =
        [
            .value("server", "url", help: "the API server of the cluster to join: https://address:6443"),
            .value(
                "token", "token",
                help: "a bootstrap token, of 'swiftlet token create'; better said by SWIFTLET_TOKEN or --token-file"),
            .value(
                "token-file", "path",
                help: "a file that holds the token, '-' for standard input; deleted once the machine has joined"),
            .repeated(
                "discovery-token-ca-cert-hash", "sha256:hex",
                help: "the hash of the public key of the cluster's authority"),
            .flag(
                "discovery-token-unsafe-skip-ca-verification",
                help: "believe whoever knows the token, without a hash"),
        ] + NodeOptions.flags

    init(_ arguments: ParsedArguments) throws {
        node = try NodeOptions(arguments)
        server = arguments["server"]
        if let server, !server.hasPrefix("https://") {
            throw ArgumentsError("--server: \"\(server)\" does not begin with https://", command: arguments.commandName)
        }
        token = try TokenSource(arguments)
        hashes = try arguments.all("discovery-token-ca-cert-hash").map { text in
            guard text.hasPrefix("sha256:"), let bytes = Hex.decode(String(text.dropFirst(7))), bytes.count == 32 else {
                throw ArgumentsError(
                    "--discovery-token-ca-cert-hash: \"\(text)\" is not sha256: and 64 hexadecimal digits",
                    command: arguments.commandName)
            }
            return bytes
        }
        trustsAnyAuthority = arguments.flag("discovery-token-unsafe-skip-ca-verification")
    }
}

/// Where the token is that lets this machine in. It is read when it is needed, which it is once.
enum TokenSource: Sendable {
    case given(JoinToken)
    case file(String)

    static let variable = "SWIFTLET_TOKEN"

    /// To be called while there is one thread: what stands in the environment is taken out of it.
    init?(_ arguments: ParsedArguments) throws {
        let inEnvironment = ProcessSecrets.take(Self.variable)
        let ways = [
            ("--token", arguments["token"]), ("--token-file", arguments["token-file"]),
            (Self.variable, inEnvironment),
        ].filter { $0.1?.isEmpty == false }
        guard ways.count <= 1 else {
            throw ArgumentsError(
                "the token is said by \(ways.map(\.0).joined(separator: " and by ")): one of them is enough",
                command: arguments.commandName)
        }
        guard let (way, text) = ways.first, let text else { return nil }
        if way == "--token-file" {
            self = .file(text)
        } else {
            self = .given(try Self.parse(text, way, arguments.commandName))
        }
    }

    private static func parse(_ text: String, _ way: String, _ command: String) throws -> JoinToken {
        guard let token = JoinToken(text) else {
            throw ArgumentsError("\(way) is not of the form [a-z0-9]{6}.[a-z0-9]{16}", command: command)
        }
        return token
    }

    func token() throws -> JoinToken {
        switch self {
        case .given(let token): return token
        case .file(let path):
            let text = try Files.readText(path == "-" ? "/dev/stdin" : path)
            let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
            return try Self.parse(line, "the content of --token-file \(path)", "swiftlet agent")
        }
    }

    /// Deletes the file, when there is one: the machine has joined, and a token lets in whoever finds it.
    func forget() throws(Errno) {
        guard case .file(let path) = self, path != "-" else { return }
        try Files.removeIfPresent(path)
    }
}

/// A bootstrap token: `abcdef.0123456789abcdef`.
struct JoinToken: Sendable, Hashable {
    var id: String
    var secret: String

    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, Self.isWord(parts[0], 6), Self.isWord(parts[1], 16) else { return nil }
        (id, secret) = (parts[0], parts[1])
    }

    /// A random one, from the kernel's generator: 107 bits.
    init() {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
        func word(_ count: Int) -> String {
            String(decoding: (0..<count).map { _ in alphabet.randomElement() ?? 0x61 }, as: UTF8.self)
        }
        (id, secret) = (word(6), word(16))
    }

    static func isWord(_ text: String, _ count: Int) -> Bool {
        text.utf8.count == count && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) }
    }

    var text: String { "\(id).\(secret)" }
}
