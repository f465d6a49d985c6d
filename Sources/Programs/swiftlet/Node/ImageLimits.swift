// SPDX-License-Identifier: Apache-2.0

internal import Arguments
internal import Images
internal import KubeAPI
internal import Numbers

/// What one image may become on this node, by flags.
enum ImageLimits {
    static let flags: [Option] = [
        .value("max-image-size", "quantity", help: "what an image may unpack to", default: "128Gi"),
        .value("max-image-files", "number", help: "how many files an image may have", default: "2000000"),
        .value(
            "max-image-ratio", "number", help: "how many bytes may come of one byte of a layer, beyond the first 1Gi",
            default: "300"),
        .value("image-disk-reserve", "quantity", help: "what images leave free of their disk", default: "1Gi"),
    ]

    static func limits(_ arguments: ParsedArguments) throws -> UnpackLimits {
        var limits = UnpackLimits()
        limits.imageBytes = try bytes("max-image-size", atLeast: 1, arguments)
        limits.entries = try number("max-image-files", arguments)
        limits.ratio = try number("max-image-ratio", arguments)
        limits.reserve = try bytes("image-disk-reserve", atLeast: 0, arguments)
        return limits
    }

    private static func bytes(_ flag: String, atLeast least: Int64, _ arguments: ParsedArguments) throws -> Int64 {
        let text = try arguments.string(flag)
        guard let value = Quantity(text)?.value, value >= least else {
            throw ArgumentsError("--\(flag): \"\(text)\" is no number of bytes", command: arguments.commandName)
        }
        return value
    }

    private static func number(_ flag: String, _ arguments: ParsedArguments) throws -> Int64 {
        let text = try arguments.string(flag)
        guard let value = Int64(text, in: 1...(1 << 40)) else {
            throw ArgumentsError(
                "--\(flag): \"\(text)\" is not between 1 and \(Int64(1) << 40)", command: arguments.commandName)
        }
        return value
    }
}
