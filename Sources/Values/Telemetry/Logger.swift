// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Writes one line per event: what happened, and to what as keys and values.
///
/// Passed in, never global in a library. The message is constant text; what varies goes into the metadata under the
/// usual keys (`pod`, `container`, `node`, `pid`, `error`).
public struct Logger: Sendable {
    public enum Level: Int, Sendable, Comparable, CaseIterable {
        /// For whoever debugs Swiftlet itself.
        case debug
        /// For the record; nobody has to act.
        case info
        /// Something is degraded or will be retried.
        case warning
        /// An operation failed for good.
        case error

        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }

        public var name: String {
            switch self {
            case .debug: "debug"
            case .info: "info"
            case .warning: "warning"
            case .error: "error"
            }
        }

        public init?(name: String) {
            guard let level = Level.allCases.first(where: { $0.name == name }) else { return nil }
            self = level
        }

        /// The syslog priority that journald reads from `<N>` at the start of a line.
        var priority: Int {
            switch self {
            case .debug: 7
            case .info: 6
            case .warning: 4
            case .error: 3
            }
        }
    }

    /// The component that speaks: `kubelet`, `apiserver`.
    public var label: String
    /// The least level written.
    public var level: Level
    /// Added to every event.
    public var metadata: [String: String]
    private let sink: LogSink

    public init(
        label: String, level: Level = .info, metadata: [String: String] = [:], sink: LogSink = .standardError
    ) {
        self.label = label
        self.level = level
        self.metadata = metadata
        self.sink = sink
    }

    /// The same logger with more metadata and, where given, another label.
    public func with(_ metadata: [String: String], label: String? = nil) -> Logger {
        var copy = self
        copy.metadata.merge(metadata) { _, new in new }
        if let label { copy.label = label }
        return copy
    }

    public func debug(
        _ message: @autoclosure () -> String, _ metadata: @autoclosure () -> [String: String] = [:]
    ) {
        log(.debug, message(), metadata())
    }

    public func info(_ message: @autoclosure () -> String, _ metadata: @autoclosure () -> [String: String] = [:]) {
        log(.info, message(), metadata())
    }

    public func warning(
        _ message: @autoclosure () -> String, _ metadata: @autoclosure () -> [String: String] = [:]
    ) {
        log(.warning, message(), metadata())
    }

    public func error(
        _ message: @autoclosure () -> String, _ metadata: @autoclosure () -> [String: String] = [:]
    ) {
        log(.error, message(), metadata())
    }

    public func log(
        _ level: Level, _ message: @autoclosure () -> String,
        _ metadata: @autoclosure () -> [String: String] = [:]
    ) {
        guard level >= self.level else { return }
        var line = "level=\(level.name) component=\(LogSink.field(label)) msg=\(LogSink.field(message()))"
        let merged = self.metadata.merging(metadata()) { _, new in new }
        for key in merged.keys.sorted() { line += " \(key)=\(LogSink.field(merged[key] ?? ""))" }
        sink.write(level, line)
    }
}

/// Where a logger's lines go.
public struct LogSink: Sendable {
    let write: @Sendable (Logger.Level, String) -> Void

    public init(_ write: @escaping @Sendable (Logger.Level, String) -> Void) { self.write = write }

    /// Standard error: with journald's priority under systemd, which stamps the time itself, else with the time.
    public static let standardError: LogSink = {
        let underJournal = getenv("JOURNAL_STREAM") != nil
        return LogSink { level, line in
            let text =
                underJournal ? "<\(level.priority)>\(line)\n" : "time=\(WallClock.now.rfc3339Milliseconds) \(line)\n"
            writeToStandardError(text)
        }
    }()

    /// One `write` per line keeps lines of several threads and processes whole. A log that cannot be written has
    /// nowhere to report that, so a failure is dropped.
    private static func writeToStandardError(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while let base = rest.baseAddress, !rest.isEmpty {
                let count = Glibc.write(2, base, rest.count)
                if count < 0 {
                    if errno == EINTR { continue }
                    return
                }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }

    /// How long one value may be: much of what is logged was written by somebody else.
    static let fieldLimit = 8 * 1024

    /// A logfmt value: bare where it can be, else quoted with escapes.
    static func field(_ text: String) -> String {
        if text.utf8.count > fieldLimit { return quoted(shortened(text)) }
        let bare = text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x3D && $0 != 0x5C && $0 < 0x7F }
        return bare && !text.isEmpty ? text : quoted(text)
    }

    /// As many whole characters as have room, and a sign that there were more.
    private static func shortened(_ text: String) -> String {
        var end = text.utf8.index(text.startIndex, offsetBy: fieldLimit)
        while end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
        return text[..<end] + "…"
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            // With C1, by which a terminal takes commands too.
            case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value):
                result += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
