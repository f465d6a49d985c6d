// SPDX-License-Identifier: Apache-2.0

import Glibc
import Store

/// A directory of its own for one test, removed at the end.
final class Scratch: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/swiftlet-store-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    }

    deinit {
        for name in ["state.db", "state.db-wal", "state.db-shm", "lock"] { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    func read(_ name: String) -> [UInt8] {
        guard let file = fopen("\(path)/\(name)", "r") else { return [] }
        defer { fclose(file) }
        var result: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { return result }
            result += chunk[..<count]
        }
    }

    func write(_ name: String, _ bytes: [UInt8]) {
        guard let file = fopen("\(path)/\(name)", "w") else { return }
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
    }
}

/// `{"rv":"…","n":number}` with the revision spliced in.
func value(_ number: Int) -> NewValue {
    NewValue(Array("{\"rv\":\"\",\"n\":\(number)}".utf8), revisionOffset: 7)
}

func text(_ object: StoredObject?) -> String? { object.map { String(decoding: $0.bytes, as: UTF8.self) } }
