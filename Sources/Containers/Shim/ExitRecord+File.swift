// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import Linux

extension ExitRecord {
    /// The record as it is kept on disk: one `name value` a line.
    public var text: String {
        """
        container \(container)
        pid \(pid)
        code \(code)
        signal \(signal)
        started \(startedAt)
        finished \(finishedAt)

        """
    }

    /// Reads a record; nil when a field is missing.
    public init?(text: String) {
        var fields: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            if parts.count == 2 { fields[parts[0]] = parts[1] }
        }
        guard let container = fields["container"], let pid = fields["pid"].flatMap({ Int32($0) }),
            let code = fields["code"].flatMap({ Int32($0) }), let signal = fields["signal"].flatMap({ Int32($0) }),
            let started = fields["started"].flatMap({ Int64($0) }),
            let finished = fields["finished"].flatMap({ Int64($0) })
        else { return nil }
        self.init(
            container: String(container), pid: pid, code: code, signal: signal, startedAt: started,
            finishedAt: finished)
    }

    /// Where the record of `container` is below a shim's exit directory.
    public static func path(of container: String, in directory: String) -> String { "\(directory)/\(container)" }

    /// The record a shim left of `container`; nil when there is none.
    public static func read(_ container: String, in directory: String) throws(Errno) -> ExitRecord? {
        do {
            return ExitRecord(text: try Files.readText(path(of: container, in: directory)))
        } catch {
            if error.code == ENOENT { return nil }
            throw error
        }
    }

    /// Writes the record so that it is there after a power cut.
    func write(in directory: String) throws(Errno) {
        try Files.replace(ExitRecord.path(of: container, in: directory), with: Array(text.utf8), mode: 0o600)
    }
}
