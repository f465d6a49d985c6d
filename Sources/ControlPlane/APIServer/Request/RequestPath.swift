// SPDX-License-Identifier: Apache-2.0

internal import HTTP

/// The path of a request, taken apart once: everything that looks at a path looks at this.
///
/// It is percent-decoded first and split at slashes then, as upstream does, so that a slash that came encoded divides
/// for authorization and for the handler alike.
struct RequestPath: Sendable, Hashable {
    /// As on the wire.
    let raw: String
    /// Percent-decoded.
    let text: String
    /// The parts between slashes, those at both ends of the path left out. A doubled slash leaves an empty one.
    let segments: [String]

    init(raw: String) {
        self.raw = raw
        // A server refuses a target whose percent-encoding is broken; a call in the same process is taken literally.
        text = PercentEncoding.decode(raw) ?? raw
        var native = text
        segments = native.withUTF8 { whole in
            var bytes = unsafe whole[...]
            while unsafe bytes.first == 0x2f { unsafe bytes.removeFirst() }
            while unsafe bytes.last == 0x2f { unsafe bytes.removeLast() }
            if unsafe bytes.isEmpty { return [] }
            var segments: [String] = []
            var start = unsafe bytes.startIndex
            while unsafe start < bytes.endIndex, let slash = unsafe bytes[start...].firstIndex(of: 0x2f) {
                unsafe segments.append(String(decoding: bytes[start..<slash], as: UTF8.self))
                start = slash + 1
            }
            unsafe segments.append(String(decoding: bytes[start...], as: UTF8.self))
            return segments
        }
    }

    /// What follows the first `count` segments, as it is on the wire: empty, or beginning with a slash.
    func rawTail(after count: Int) -> String {
        var rest = Substring(raw).utf8
        func slash(_ rest: Substring.UTF8View) -> Int? {
            guard let first = rest.first else { return nil }
            if first == 0x2f { return 1 }
            let three = Array(rest.prefix(3))
            return three == [0x25, 0x32, 0x46] || three == [0x25, 0x32, 0x66] ? 3 : nil
        }
        while let width = slash(rest) { rest.removeFirst(width) }
        for number in 0..<count {
            while !rest.isEmpty, slash(rest) == nil { rest.removeFirst() }
            guard number + 1 < count, let width = slash(rest) else { continue }
            rest.removeFirst(width)
        }
        guard let width = slash(rest) else { return "" }
        return "/" + String(Substring(rest.dropFirst(width)))
    }

    /// Whether a text can be one step of a path, and so the name of an object: nothing in it reaches elsewhere.
    static func isSegmentName(_ name: String) -> Bool {
        name != "." && name != ".." && !name.utf8.contains(where: { $0 == 0x2f || $0 == 0x25 })
    }
}
