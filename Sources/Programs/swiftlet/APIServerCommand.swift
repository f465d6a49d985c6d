// SPDX-License-Identifier: Apache-2.0

internal import APIServer
internal import Arguments
internal import AsyncIO
internal import Glibc
internal import HTTP
internal import Linux
internal import Telemetry

/// `swiftlet apiserver`: the API server alone.
enum APIServerCommand {
    static let command = Command(
        "apiserver", summary: "Run the API server alone",
        options: [
            .value("data-dir", "DIR", help: "directory of the server's data", default: "/var/lib/swiftlet/server"),
            .value("secure-port", "PORT", help: "port of the HTTPS listener", default: "6443"),
            .value("bind-address", "ADDRESS", help: "address to listen on", default: "::"),
            .value("advertise-address", "ADDRESS", help: "address others reach the server under", default: "127.0.0.1"),
            .repeated("tls-san", "NAME", help: "additional name or address of the serving certificate"),
            .repeated("service-cidr", "CIDR", help: "service address range, one of each family"),
            ServerOptions.kubeletAuthority,
            ServerOptions.admissionFlag,
        ] + TokenOptions.flags + StoreOptions.flags)

    static func run(_ arguments: ParsedArguments) throws {
        guard let port = arguments["secure-port"].flatMap({ UInt16($0) }), port > 0 else {
            throw ArgumentsError(
                "--secure-port: not a port: \(arguments["secure-port"] ?? "")", command: "swiftlet apiserver")
        }
        var configuration = APIServerConfiguration(
            dataDirectory: arguments["data-dir"] ?? "/var/lib/swiftlet/server", securePort: Int(port),
            advertiseAddress: arguments["advertise-address"] ?? "127.0.0.1")
        configuration.extraNames = arguments.all("tls-san")
        configuration.kubeletAuthorityFile = arguments["kubelet-certificate-authority"]
        if !arguments.all("service-cidr").isEmpty { configuration.serviceRanges = arguments.all("service-cidr") }
        configuration.deniesExternalIPs = try ServerOptions.deniesExternalIPs(arguments)
        try TokenOptions(arguments).apply(to: &configuration)
        try StoreOptions(arguments).apply(to: &configuration)
        let bind = arguments["bind-address"] ?? "::"
        guard let address = SocketAddress(host: bind, port: port) else {
            throw ArgumentsError("--bind-address: not an address: \(bind)", command: "swiftlet apiserver")
        }
        let server = try APIServer(configuration)
        let listener = try HTTPServer(addresses: [address], tls: server.credentials.listener, handler: server)
        try runOnLoop {
            try await server.start()
            try listener.start()
            async let _: Void = HeapTrimmer.run()
            // Until the process is told to end: nothing needs an orderly stop.
            try await server.keepCertificates { try listener.reload(tls: server.credentials.listener) }
        }
    }
}
