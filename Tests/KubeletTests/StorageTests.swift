// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import KubeAPI
import Linux
import Testing

@testable import Kubelet

@Suite struct `A volume with a limit` {
    private func excess(_ source: JSONObject, holding bytes: Int?) throws -> PodVerdict? {
        let directory = "/tmp/kubelet-storage-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let volume = "\(directory)/volumes/kubernetes.io~empty-dir/v"
        if let bytes {
            try Files.makeDirectories(volume + "/below")
            try Files.replace(volume + "/below/file", with: [UInt8](repeating: 1, count: bytes), durable: false)
        }
        let pod = Pod(json: ["spec": ["volumes": [["name": "v", "emptyDir": .object(source)]]]])
        let result = try StorageLimits(pod, directory: directory).excess()
        try Files.removeTree(directory)
        return result
    }

    @Test func `ends its pod when it holds more`() throws {
        let verdict = try excess(["sizeLimit": "64Ki"], holding: 80 << 10)
        #expect(verdict?.reason == "Evicted")
        #expect(verdict?.message == "Usage of EmptyDir volume \"v\" exceeds the limit \"64Ki\". ")
        #expect(verdict?.phase == "Failed")
    }

    @Test(
        arguments: [
            (["sizeLimit": "64Ki"], 1 << 10), (["sizeLimit": "64Ki"], nil), ([:], 80 << 10),
            (["sizeLimit": "0"], 80 << 10), (["sizeLimit": "1Ki", "medium": "Memory"], 80 << 10),
        ] as [(JSONObject, Int?)])
    func `lets its pod be otherwise`(source: JSONObject, bytes: Int?) throws {
        #expect(try excess(source, holding: bytes) == nil)
    }
}
