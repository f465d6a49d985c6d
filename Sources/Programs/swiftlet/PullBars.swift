// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Images
internal import Numbers
internal import Synchronization

/// A bar for each blob of a pull, drawn over in place on a terminal; one line when a blob is done elsewhere.
final class PullBars: Sendable {
    private struct State {
        var order: [ImageDigest] = []
        var blobs: [ImageDigest: PullProgress] = [:]
        var drawn = 0
        var last = ContinuousClock.now - .seconds(1)
    }

    private let isTerminal = isatty(2) == 1
    private let state = Mutex(State())

    func show(_ progress: PullProgress) {
        state.withLock { state in
            let known = state.blobs[progress.digest]
            if known == nil { state.order.append(progress.digest) }
            state.blobs[progress.digest] = progress
            if isTerminal {
                // Ten times a second is as often as anybody can read.
                guard progress.isDone || state.last.duration(to: .now) > .milliseconds(100) else { return }
                draw(&state)
            } else if progress.isDone, known?.isDone != true {
                standardError("\(Self.name(progress.digest)): done (\(ByteCount(progress.total)))\n")
            }
        }
    }

    func finish() {
        guard isTerminal else { return }
        state.withLock { draw(&$0) }
    }

    private func draw(_ state: inout State) {
        var text = state.drawn > 0 ? "\u{1B}[\(state.drawn)A" : ""
        for digest in state.order {
            guard let blob = state.blobs[digest] else { continue }
            text += "\r\u{1B}[K\(Self.line(blob))\n"
        }
        state.drawn = state.order.count
        state.last = .now
        standardError(text)
    }

    private static func line(_ blob: PullProgress) -> String {
        if blob.isDone { return "\(name(blob.digest))  done  \(ByteCount(blob.total))" }
        let width = 30
        let share = blob.total == 0 ? 1 : Double(blob.fetched) / Double(blob.total)
        let filled = min(max(Int(saturating: share * Double(width)), 0), width)
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        let extracting = blob.fetched >= blob.total ? "  extracting" : ""
        return "\(name(blob.digest))  \(bar)  \(ByteCount(blob.fetched)) of \(ByteCount(blob.total))\(extracting)"
    }

    private static func name(_ digest: ImageDigest) -> String { String(digest.hex.prefix(12)) }
}
