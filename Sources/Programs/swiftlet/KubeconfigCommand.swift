// SPDX-License-Identifier: Apache-2.0

internal import Arguments
internal import KubeClient
internal import Linux

/// `swiftlet kubeconfig`: the administrator's kubeconfig, for this machine or, with `--server`, for another.
enum KubeconfigCommand {
    static let command = Command(
        "kubeconfig", summary: "Print an administrator's kubeconfig",
        options: [
            .value("kubeconfig", "path", help: "the file the server wrote", default: "/etc/swiftlet/kubeconfig"),
            .value("server", "url", help: "the server's URL as seen from where the file will be used"),
        ])

    static func run(_ arguments: ParsedArguments) throws {
        let path = try arguments.string("kubeconfig")
        guard let server = arguments["server"] else {
            return print(String(decoding: try Files.read(path), as: UTF8.self), terminator: "")
        }
        var config = try Kubeconfig(path: path)
        for index in config.clusters.indices { config.clusters[index].cluster.server = server }
        print(config.yaml, terminator: "")
    }
}
