// SPDX-License-Identifier: Apache-2.0

import KubeClient
import Testing

@testable import Kubelet

@Suite struct `What an environment has read` {
    private func secret(_ name: String) -> ReferredObject {
        ReferredObject(kind: .secret, key: ObjectKey("default", name))
    }

    @Test func `is read once, however often it is named, and whether it is there or not`() async throws {
        var reads = EnvironmentReads()
        var count = 0
        for name in ["there", "absent"] {
            for _ in 0..<10_000 {
                let data = try await reads.data(of: secret(name)) {
                    count += 1
                    return name == "there" ? ["a": "b"] : nil
                }
                #expect(data == (name == "there" ? ["a": "b"] : nil))
            }
        }
        #expect(count == 2)
    }

    @Test func `is no more than so many times, and so much at a time`() async throws {
        var reads = EnvironmentReads()
        var count = 0
        let large = ["a": String(repeating: "x", count: 1 << 20)]
        await #expect(throws: EnvironmentReads.TooMany.self) {
            // More than fits is read again and again: up to a number.
            for _ in 0..<1_000 {
                for number in 0..<20 {
                    let data = try await reads.data(of: secret("\(number)")) {
                        count += 1
                        return large
                    }
                    #expect(data?["a"]?.utf8.count == 1 << 20)
                }
            }
        }
        #expect(count == EnvironmentReads.limit)
    }
}
