// SPDX-License-Identifier: Apache-2.0

import ContainerRuntime
import Glibc
import JSON
import Linux

/// Where failures and warnings go: standard error, and the file of `--log` in the form that callers of OCI runtimes
/// parse.
struct Log {
    var file: String?
    var isJSON = false
    var isDebug = false

    func error(_ message: String) {
        write("swiftlet-oci: \(message)\n", to: 2)
        toFile("error", message)
    }

    func warning(_ message: String) {
        if file == nil || isDebug { write("swiftlet-oci: warning: \(message)\n", to: 2) }
        toFile("warning", message)
    }

    private func toFile(_ level: String, _ message: String) {
        guard let file else { return }
        let time = ContainerRecord.timestamp(KernelClock.wall.now())
        let line: String
        if isJSON {
            let object: JSONValue = ["level": .string(level), "msg": .string(message), "time": .string(time)]
            line = object.description + "\n"
        } else {
            line = "time=\"\(time)\" level=\(level) msg=\(JSONValue.quoted(message))\n"
        }
        do {
            let log = try FileDescriptor.open(file, O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
            try log.writeAll(Array(line.utf8))
        } catch { write("swiftlet-oci: log \(error)\n", to: 2) }
    }

    private func write(_ text: String, to number: Int32) {
        var bytes = Array(text.utf8)
        // Standard error that cannot be written leaves nobody to tell.
        _ = Glibc.write(number, &bytes, bytes.count)
    }
}
