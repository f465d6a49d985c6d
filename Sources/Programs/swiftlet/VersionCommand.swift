// SPDX-License-Identifier: Apache-2.0

internal import Arguments

/// `swiftlet version`.
enum VersionCommand {
    static let command = Command("version", summary: "Print the version")

    static func run(_ arguments: ParsedArguments) { print("swiftlet \(Version.current)") }
}

/// What this build calls itself: the Kubernetes release whose interface it offers, and who offers it.
enum Version {
    static let current = "v1.36.0+swiftlet"
}
