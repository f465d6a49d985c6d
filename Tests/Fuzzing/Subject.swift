// SPDX-License-Identifier: Apache-2.0

/// Something that reads bytes from outside, and what must hold for any of them. Crashes, hangs and leaks are libFuzzer's to
/// find; `check` traps (`require`) where two readings of one input disagree.
struct Subject: Sendable {
    let name: String
    let check: @Sendable ([UInt8]) -> Void

    static let all: [Subject] = values + transports + wires + containers + requests
}

/// Ends the process with what went wrong, which libFuzzer reports with the input.
func require(_ condition: Bool, _ what: @autoclosure () -> String) {
    if !condition { fatalError(what()) }
}

/// One input cut into pieces of its own lengths: a reader must not care how bytes arrive. The first bytes say where to cut.
func pieces(_ bytes: [UInt8]) -> [[UInt8]] {
    guard let count = bytes.first.map({ Int($0 % 8) }), bytes.count > count + 1 else { return [bytes] }
    var rest = bytes[(count + 1)...]
    var result: [[UInt8]] = []
    for length in bytes[1..<(count + 1)] where !rest.isEmpty {
        result.append(Array(rest.prefix(Int(length) + 1)))
        rest = rest.dropFirst(Int(length) + 1)
    }
    if !rest.isEmpty { result.append(Array(rest)) }
    return result
}

/// An input as two: what is before its first zero byte, and what is behind it.
func halves(_ bytes: [UInt8]) -> (ArraySlice<UInt8>, ArraySlice<UInt8>) {
    guard let middle = bytes.firstIndex(of: 0) else { return (bytes[...], []) }
    return (bytes[..<middle], bytes[(middle + 1)...])
}
