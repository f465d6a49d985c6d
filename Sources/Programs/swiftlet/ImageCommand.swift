// SPDX-License-Identifier: Apache-2.0

internal import Arguments
internal import Glibc
internal import Images
internal import JSON
internal import Linux

/// `swiftlet image`: the node's images, from the command line. Works on the store's files, so the daemon may run or not.
enum ImageCommand {
    private static let dataDirectory = Option.value(
        "data-dir", "path", help: "where Swiftlet keeps its data", default: "/var/lib/swiftlet")

    static let command = Command(
        "image", summary: "Manage the images of this node",
        subcommands: [
            Command(
                "pull", summary: "Pull an image from its registry", arguments: "<reference>", count: 1...1,
                options: [
                    dataDirectory,
                    .value("auth-file", "path", help: "a docker config.json with credentials"),
                    .value("ca-file", "path", help: "authorities to trust instead of the system's"),
                    .flag("insecure", help: "take any certificate"), .flag("plain-http", help: "speak plain HTTP"),
                ] + ImageLimits.flags),
            Command(
                "import", summary: "Import docker-archive, OCI archive, OCI layout or root file system tar",
                arguments: "<path>", count: 1...1,
                options: [
                    dataDirectory,
                    .value("name", "reference", help: "what to call the image when the archive does not say"),
                    .repeated("entrypoint", "word", help: "for a plain tar: the entrypoint, a word each time"),
                    .repeated("cmd", "word", help: "for a plain tar: the command, a word each time"),
                    .repeated("env", "NAME=value", help: "for a plain tar: an environment variable"),
                    .value("user", "user", help: "for a plain tar: who to run as"),
                    .value("workdir", "path", help: "for a plain tar: the working directory"),
                ] + ImageLimits.flags),
            Command(
                "export", summary: "Write images to an OCI archive that docker load reads too",
                arguments: "<path> <reference>...", count: 2...64, options: [dataDirectory]),
            Command(
                "list", summary: "List the images",
                options: [
                    dataDirectory, .flag("digests", help: "show digests"), .flag("json", help: "print JSON"),
                ]),
            Command(
                "remove", summary: "Remove images and what only they used", arguments: "<reference>...",
                count: 1...64, options: [dataDirectory]),
            Command(
                "inspect", summary: "Print an image's configuration and layers as JSON", arguments: "<reference>",
                count: 1...1, options: [dataDirectory]),
            Command(
                "tag", summary: "Give an image another name", arguments: "<reference> <new-name>", count: 2...2,
                options: [dataDirectory]),
            Command("prune", summary: "Remove blobs and layers no image uses", options: [dataDirectory]),
        ])

    static func pull(_ arguments: ParsedArguments) throws {
        let name = arguments.arguments[0]
        let store = try store(arguments, limits: ImageLimits.limits(arguments))
        var keyring = RegistryKeyring()
        if let file = arguments["auth-file"] { try keyring.add(dockerConfig: try Files.read(file), source: file) }
        var host = RegistryConfiguration.Host()
        host.authorityFile = arguments["ca-file"]
        host.skipVerification = arguments.flag("insecure")
        host.plainHTTP = arguments.flag("plain-http")
        var configuration = RegistryConfiguration()
        let isPlain = host.authorityFile == nil && !host.skipVerification && !host.plainHTTP
        if !isPlain { configuration.hosts[try ImageReference(name).domain] = host }
        let bars = PullBars()
        let (credentials, settings) = (keyring, configuration)
        let image = try runOnLoop {
            try await store.pull(name, keyring: credentials, configuration: settings) { bars.show($0) }.image
        }
        bars.finish()
        print(image.repoDigests.last ?? "\(image.id)")
    }

    static func importArchive(_ arguments: ParsedArguments) throws {
        let configuration = ImageConfiguration(
            user: arguments["user"] ?? "", environment: arguments.all("env"),
            entrypoint: arguments.all("entrypoint"), command: arguments.all("cmd"),
            workingDirectory: arguments["workdir"] ?? "")
        let progress = ProgressLine()
        let images = try store(arguments, limits: ImageLimits.limits(arguments)).importArchive(
            arguments.arguments[0], name: arguments["name"], configuration: configuration
        ) { event in
            switch event {
            case .stored(let name, let bytes): progress.show("stored \(name) (\(ByteCount(bytes)))")
            case .extracted(let layer, let count): progress.show("extracted layer \(layer) of \(count)")
            }
        }
        progress.clear()
        for image in images { print(image.repoTags.first ?? "\(image.id)") }
    }

    static func export(_ arguments: ParsedArguments) throws {
        try store(arguments).export(Array(arguments.arguments.dropFirst()), to: arguments.arguments[0])
    }

    static func list(_ arguments: ParsedArguments) throws {
        let images = try store(arguments).list()
        if arguments.flag("json") {
            print(String(decoding: JSONValue.array(images.map(\.json)).encodedPretty(), as: UTF8.self))
            return
        }
        let digests = arguments.flag("digests")
        var rows = [["IMAGE", digests ? "DIGEST" : "IMAGE ID", "SIZE"]]
        for image in images {
            for name in image.repoTags.isEmpty ? image.repoDigests : image.repoTags {
                rows.append([
                    name, digests ? "\(image.manifest)" : String(image.id.hex.prefix(12)), "\(ByteCount(image.size))",
                ])
            }
        }
        print(columns(rows))
    }

    static func remove(_ arguments: ParsedArguments) throws {
        let store = try store(arguments)
        for name in arguments.arguments {
            for removed in try store.remove(name) { print("removed \(removed)") }
        }
        print("freed \(ByteCount(try store.collectGarbage()))")
    }

    static func inspect(_ arguments: ParsedArguments) throws {
        let store = try store(arguments)
        guard let image = try store.resolve(arguments.arguments[0]) else {
            throw ImageError.notFound(arguments.arguments[0])
        }
        var json = image.json
        json["configuration"] = try JSONValue.parse(try store.configuration(of: image))
        print(String(decoding: json.encodedPretty(), as: UTF8.self))
    }

    static func tag(_ arguments: ParsedArguments) throws {
        let image = try store(arguments).tag(arguments.arguments[0], as: arguments.arguments[1])
        print("\(image.id)")
    }

    static func prune(_ arguments: ParsedArguments) throws {
        print("freed \(ByteCount(try store(arguments).collectGarbage()))")
    }

    static func store(_ arguments: ParsedArguments, limits: UnpackLimits = UnpackLimits()) throws -> ImageStore {
        try ImageStore(root: try arguments.string("data-dir") + "/images", limits: limits)
    }

    private static func columns(_ rows: [[String]]) -> String {
        let widths = (0..<rows[0].count).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count)
            }
            return cells.joined(separator: "   ").replacingTrailingSpaces()
        }.joined(separator: "\n")
    }
}

extension ImageRecord {
    /// The image as `list --json` and `inspect` print it.
    fileprivate var json: JSONValue {
        .object([
            "id": .string("\(id)"), "manifest": .string("\(manifest)"),
            "repoTags": .array(repoTags.map { .string($0) }), "repoDigests": .array(repoDigests.map { .string($0) }),
            "size": .integer(size), "layers": .array(layers.map { .string("\($0)") }),
        ])
    }
}

extension String {
    fileprivate func replacingTrailingSpaces() -> String {
        var copy = self
        while copy.last == " " { copy.removeLast() }
        return copy
    }
}

/// A number of bytes for people: `1.5 MB`, in powers of 1000 as registries count.
struct ByteCount: CustomStringConvertible {
    let bytes: Int64

    init(_ bytes: Int64) { self.bytes = bytes }

    var description: String {
        var value = Double(bytes)
        for unit in ["B", "kB", "MB", "GB"] {
            if value < 1000 || unit == "GB" {
                let tenths = Int((value * 10).rounded())
                return unit == "B" ? "\(bytes) B" : "\(tenths / 10).\(tenths % 10) \(unit)"
            }
            value /= 1000
        }
        return "\(bytes) B"
    }
}

/// One line on the terminal that is written over; nothing where standard error is not a terminal.
final class ProgressLine: Sendable {
    private let isTerminal = isatty(2) == 1

    func show(_ text: String) {
        if isTerminal { standardError("\r\u{1B}[K\(text)") }
    }

    func clear() {
        if isTerminal { standardError("\r\u{1B}[K") }
    }
}
