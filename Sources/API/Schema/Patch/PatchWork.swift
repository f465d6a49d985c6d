// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// What the operations of one JSON patch have come to. Each is small; ten thousand of them can build what is deeper than any
/// stack, or move the same million elements ten thousand times.
struct PatchWork {
    /// What `copy` operations of one patch may add to a document, in bytes of its encoding.
    static let maximumCopiedBytes = 3 << 20
    /// How many elements of lists one patch may shift, and values it may look at to know how deep they are.
    static let maximumSteps = 20_000_000

    /// The document is no deeper than this, at any time.
    private var depth: Int
    private var copied = 0
    private var steps = 0

    init(_ document: JSONValue) { depth = document.depth }

    /// Before `value` is put at `path`.
    mutating func place(_ value: JSONValue, at path: JSONPointer) throws(PatchError) {
        try reach(path.tokens.count + value.depth, path)
    }

    /// Before what is at `source` goes to `path`. How deep it is, is looked at only where it may matter.
    mutating func move(
        from source: JSONPointer, to path: JSONPointer, in document: JSONValue
    ) throws(PatchError) {
        var below = max(depth - source.tokens.count, 0)
        if path.tokens.count + below > JSONDepth.read {
            var seen = 0
            let left = Self.maximumSteps - steps
            below = try JSONPatch.get(at: source, from: document, operation: "move").depth { () throws(PatchError) in
                seen += 1
                if seen > left { throw Self.tooMuch }
            }
            steps += seen
        }
        try reach(path.tokens.count + below, path)
    }

    private mutating func reach(_ level: Int, _ path: JSONPointer) throws(PatchError) {
        guard level <= JSONDepth.read else {
            throw PatchError(
                .unprocessable,
                "the patch does not apply at \(path.excerpt): objects and lists would nest \(level) deep, limit "
                    + "\(JSONDepth.read)")
        }
        depth = max(depth, level)
    }

    mutating func copy(_ value: JSONValue) throws(PatchError) {
        copied += value.encoded().count
        guard copied <= Self.maximumCopiedBytes else {
            throw PatchError(
                .unprocessable, "copy operations of the patch add \(copied) bytes, limit \(Self.maximumCopiedBytes)")
        }
    }

    /// After `count` elements of a list were shifted.
    mutating func spend(_ count: Int) throws(PatchError) {
        steps += count
        if steps > Self.maximumSteps { throw Self.tooMuch }
    }

    private static var tooMuch: PatchError {
        PatchError(.tooLarge, "The operations of the JSON patch move more than \(maximumSteps) elements")
    }
}
