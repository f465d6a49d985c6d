// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import Synchronization
import Telemetry
import Testing

@testable import Kubelet

@Suite struct `An image that is on the node` {
    private let directory = "/tmp/kubelet-pulls-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    private let image = "registry.example/team/app:1"
    private let id = "sha256:1"
    private let now = "2026-01-01T00:00:00Z"
    private let alice = PullSecret(uid: "1", namespace: "alice", name: "pull", credentialHash: "a")
    private let bob = PullSecret(uid: "2", namespace: "bob", name: "pull", credentialHash: "b")

    private func records(
        _ policy: ImageVerification.Policy = .neverPreloaded, _ list: [String] = [], sink: LogSink = .standardError
    ) -> PullRecords {
        PullRecords(
            ImageVerification(policy: policy, allowlist: list), directory: directory,
            logger: Logger(label: "test", level: .warning, sink: sink))
    }

    private func removed(_ body: () throws -> Void) throws {
        defer { #expect(throws: Never.self) { try Files.removeTree(directory) } }
        try Files.makeDirectories(directory)
        try body()
    }

    @Test func `is everybody's when somebody brought it`() throws {
        try removed {
            #expect(!records().mustPull(image, id, secrets: []))
            #expect(!records(.never).mustPull(image, id, secrets: []))
            #expect(records(.always).mustPull(image, id, secrets: [alice]))
            #expect(!records(.neverAllowlisted, ["registry.example/team/*"]).mustPull(image, id, secrets: []))
            #expect(!records(.neverAllowlisted, ["registry.example/team/app"]).mustPull(image, id, secrets: []))
            #expect(records(.neverAllowlisted, ["registry.example/tea"]).mustPull(image, id, secrets: []))
        }
    }

    @Test func `is for those whose credentials it came with, after a restart too`() throws {
        try removed {
            let first = records()
            try first.willPull(image)
            try first.pulled(image, id, with: alice, at: now)
            for records in [first, records()] {
                #expect(!records.mustPull(image, id, secrets: [alice]))
                #expect(!records.mustPull(image, id, secrets: [bob, alice]))
                #expect(records.mustPull(image, id, secrets: [bob]))
                #expect(records.mustPull(image, id, secrets: []))
                // Under another tag of the repository, but under no other name, nor by its identifier.
                #expect(!records.mustPull("registry.example/team/app:2", id, secrets: [alice]))
                #expect(records.mustPull("other.example/app@sha256:2", id, secrets: [alice]))
                #expect(records.mustPull(String(id.dropFirst(7)), id, secrets: [alice]))
            }
            #expect(!records(.never).mustPull(image, id, secrets: []))
            #expect(try Files.list(directory + "/pulling").isEmpty)
            #expect(try Files.status(directory + "/pulled").permissions == 0o700)
        }
    }

    @Test func `is for the same credentials in another Secret, and for the Secret when they change`() throws {
        try removed {
            let records = records()
            try records.pulled(image, id, with: alice, at: now)
            var copy = bob
            copy.credentialHash = alice.credentialHash
            var renewed = alice
            renewed.credentialHash = "new"
            #expect(!records.mustPull(image, id, secrets: [copy]))
            #expect(!records.mustPull(image, id, secrets: [renewed]))
            // Without a hash nothing is the same.
            copy.credentialHash = ""
            #expect(records.mustPull(image, id, secrets: [copy]))
        }
    }

    @Test func `is everybody's when the registry gives it to anybody`() throws {
        try removed {
            let records = records()
            try records.pulled(image, id, with: alice, at: now)
            try records.pulled(image, id, with: nil, at: now)
            #expect(!records.mustPull(image, id, secrets: []))
            try records.pulled(image, id, with: bob, at: now)
            #expect(!records.mustPull(image, id, secrets: []))
        }
    }

    @Test func `is nobody's while it is being pulled, and when its pull was cut short`() throws {
        try removed {
            let first = records()
            try first.willPull(image)
            #expect(first.mustPull(image, id, secrets: [alice]))
            let second = records()
            #expect(second.mustPull(image, id, secrets: [alice]))
            try second.recover([KubeletImage(id: id, repoTags: [image])], at: now)
            #expect(try Files.list(directory + "/pulling").isEmpty)
            #expect(second.mustPull(image, id, secrets: [alice]))
        }
    }

    @Test func `is as before when its pull failed`() throws {
        try removed {
            let records = records()
            try records.willPull(image)
            try records.willPull(image)
            try records.failed(image)
            #expect(records.mustPull(image, id, secrets: []))
            try records.failed(image)
            #expect(!records.mustPull(image, id, secrets: []))
        }
    }

    @Test func `is verified when its record cannot be read`() throws {
        try removed {
            let records = records()
            try records.pulled(image, id, with: nil, at: now)
            let file = try #require(try Files.list(directory + "/pulled").first?.name)
            for text in ["", "{}", "{\"kind\":\"ImagePulledRecord\",\"imageRef\":\"sha256:2\"}"] {
                try Files.replace("\(directory)/pulled/\(file)", with: Array(text.utf8), durable: false)
                #expect(records.mustPull(image, id, secrets: [alice]))
            }
            try records.pulled(image, id, with: alice, at: now)
            #expect(!records.mustPull(image, id, secrets: [alice]))
            #expect(records.mustPull(image, id, secrets: []))
        }
    }

    @Test func `says which note it cannot read, and goes on with the others`() throws {
        try removed {
            let said = Mutex<[String]>([])
            let records = records(sink: LogSink { _, line in said.withLock { $0.append(line) } })
            try records.willPull(image)
            try records.willPull("other.example/app:1")
            let path = "\(directory)/pulling/" + (try Files.list(directory + "/pulling").map(\.name).sorted()[0])
            try Files.replace(path, with: Array("{".utf8), durable: false)
            let present = [
                KubeletImage(id: id, repoTags: [image]), KubeletImage(id: "2", repoTags: ["other.example/app:1"]),
            ]
            try records.recover(present, at: now)
            #expect(try Files.list(directory + "/pulling").count == 1)
            #expect(said.withLock { $0.count } == 1)
            #expect(said.withLock { $0.first?.contains(path) } == true)
        }
    }

    @Test func `is forgotten when it is gone`() throws {
        try removed {
            let records = records()
            try records.pulled(image, id, with: alice, at: now)
            try records.prune([KubeletImage(id: id)], at: "2026-01-02T00:00:00Z")
            #expect(records.mustPull(image, id, secrets: []))
            // It came after the images were looked at.
            try records.prune([], at: now)
            #expect(records.mustPull(image, id, secrets: []))
            // Or it came again, as it had come before.
            let later = "2026-01-02T00:00:00Z"
            try records.pulled(image, id, with: alice, at: later)
            try records.prune([], at: later)
            #expect(records.mustPull(image, id, secrets: []))
            try records.prune([], at: "2026-01-03T00:00:00Z")
            #expect(try Files.list(directory + "/pulled").isEmpty)
        }
    }

    @Test(arguments: [
        ("app", "app"), ("app:1", "app"), ("h:5000/app", "h:5000/app"), ("h:5000/app:1", "h:5000/app"),
        ("h:5000/app:1@sha256:2", "h:5000/app"), ("h:5000/app@sha256:2", "h:5000/app"),
    ]) func `is known by its name without tag and digest`(image: String, name: String) {
        #expect(ImageVerification.repository(of: image) == name)
    }

    @Test(arguments: ["a:1", "a@sha256:1", "*", "a*", "/*", "", " a"])
    func `is not listed by a pattern that is none`(pattern: String) {
        #expect(ImageVerification(policy: .neverAllowlisted, allowlist: [pattern]).problem != nil)
        #expect(ImageVerification(policy: .always, allowlist: ["a"]).problem != nil)
        #expect(ImageVerification(policy: .neverAllowlisted, allowlist: ["h:5000/a", "h:5000/*"]).problem == nil)
    }
}
