// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What libFuzzer calls before the first input: picks the subject named by `FUZZ_SUBJECT`. Its arguments are libFuzzer's.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(_: UnsafeMutablePointer<Int32>, _: UnsafeMutableRawPointer) -> Int32 {
    _ = Entry.chosen
    return 0
}

/// What libFuzzer calls with every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    Entry.chosen.check(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}

private enum Entry {
    static let chosen: Subject = {
        let name = getenv("FUZZ_SUBJECT").map { String(cString: $0) } ?? ""
        if let subject = Subject.all.first(where: { $0.name == name }) { return subject }
        // Also how the script learns what there is: one name a line.
        for subject in Subject.all { print(subject.name) }
        exit(name.isEmpty ? 0 : 2)
    }()
}
