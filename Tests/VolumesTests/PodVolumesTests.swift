// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import KubeAPI
import Linux
import Testing
import Volumes

@Suite(.enabled(if: getuid() == 0, "needs root")) struct `The volumes of a pod` {
    private let scratch: Scratch
    private let sources = TestSources()
    private let volumes: PodVolumes

    init() throws {
        scratch = try Scratch()
        volumes = PodVolumes(directory: scratch("pod"), uid: "u", namespace: "default", sources: sources)
    }

    /// Mounts one volume of `source` and returns where it is.
    private func mount(
        _ source: JSONObject, security: JSONObject = [:], container: JSONObject = ["name": "c"]
    )
        async throws -> String
    {
        var volume = source
        volume["name"] = "v"
        return try await #require(volumes.mount(pod([.object(volume)], security: security, container: container))["v"])
            .path
    }

    private func failure(_ source: JSONObject) async throws -> MountFailure {
        do { _ = try await mount(source) } catch let failure as MountFailure { return failure }
        throw MountFailure(volume: "v", "it was mounted")
    }

    // MARK: configMap and secret

    @Test func `of a config map hold its keys, text and bytes`() async throws {
        await sources.set(configMap: "m", ["a": "1"], binary: ["b": "AAE="])
        let path = try await mount(["configMap": ["name": "m"]])
        #expect(path == scratch("pod/volumes/kubernetes.io~configmap/v"))
        #expect(try text(path + "/a") == "1")
        #expect(try Files.read(path + "/b") == [0, 1])
        #expect(try mode(path + "/a") == 0o644)
    }

    @Test func `take modes from the item, else the volume`() async throws {
        await sources.set(configMap: "m", ["a": "1", "b": "2", "c": "3"])
        let path = try await mount([
            "configMap": [
                "name": "m", "defaultMode": 0o400,
                "items": [["key": "a", "path": "x/y"], ["key": "b", "path": "z", "mode": 0o755]],
            ]
        ])
        #expect(try names(path).filter { !$0.hasPrefix("..") } == ["x", "z"])
        #expect(try text(path + "/x/y") == "1")
        #expect(try mode(path + "/x/y") == 0o400)
        #expect(try mode(path + "/z") == 0o755)
    }

    @Test func `let the group read when there is an fsGroup`() async throws {
        await sources.set(secret: "s", ["k": "dg=="])
        let path = try await mount(["secret": ["secretName": "s", "defaultMode": 0o400]], security: ["fsGroup": 77])
        let status = try Files.status(path + "/k")
        #expect(status.permissions == 0o440)
        #expect(status.group == 77)
    }

    @Test func `wait for an object or key that is not there`() async throws {
        #expect(try await failure(["configMap": ["name": "m"]]).kind == .pending)
        #expect(try await failure(["configMap": ["name": "m"]]).reason == "configmap \"m\" not found")
        #expect(try await failure(["secret": ["secretName": "s"]]).reason == "secret \"s\" not found")
        await sources.set(configMap: "m", ["a": "1"])
        let wanted: JSONObject = ["configMap": ["name": "m", "items": [["key": "b", "path": "b"]]]]
        #expect(try await failure(wanted).reason == "configmap n/m references non-existent key: b")
        await sources.set(configMap: "m", ["b": "2"])
        #expect(try await text(mount(wanted) + "/b") == "2")
    }

    @Test func `are empty when what is optional is not there, and filled when it comes`() async throws {
        let pod = pod([["name": "v", "configMap": ["name": "m", "optional": true]]])
        let path = try await #require(volumes.mount(pod)["v"]).path
        #expect(try names(path).filter { !$0.hasPrefix("..") } == [])
        await sources.set(configMap: "m", ["a": "1"])
        #expect(try await volumes.refresh(pod))
        #expect(try text(path + "/a") == "1")
        #expect(try await !volumes.refresh(pod))
    }

    @Test func `of a secret are in memory and end with the pod`() async throws {
        await sources.set(secret: "s", ["k": "dg=="])
        let path = try await mount(["secret": ["secretName": "s"]])
        #expect(try text(path + "/k") == "v")
        #expect(try Files.filesystem(path).magic == FilesystemStatus.tmpfs)
        try await volumes.unmount()
        #expect(!Files.exists(path))
        #expect(try !text("/proc/self/mountinfo").contains(scratch.path))
    }

    // MARK: projected and downwardAPI

    @Test func `can be projected from several sources, the last of which wins`() async throws {
        await sources.set(configMap: "m", ["a": "map", "b": "map"])
        await sources.set(secret: "s", ["b": "c2VjcmV0"])
        let path = try await mount([
            "projected": [
                "defaultMode": 0o440,
                "sources": [
                    ["configMap": ["name": "m"]], ["secret": ["name": "s"]],
                    [
                        "downwardAPI": [
                            "items": [
                                ["path": "labels", "fieldRef": ["fieldPath": "metadata.labels"]],
                                ["path": "cpu", "resourceFieldRef": ["resource": "limits.cpu"]],
                            ]
                        ]
                    ],
                    ["serviceAccountToken": ["path": "t/token", "audience": "x", "expirationSeconds": 600]],
                ],
            ]
        ])
        #expect(try text(path + "/a") == "map")
        #expect(try text(path + "/b") == "secret")
        #expect(try text(path + "/labels") == "a=\"1\"\nb=\"2\"")
        #expect(try text(path + "/cpu") == "limits.cpu!")
        #expect(try text(path + "/t/token") == "token 1 x 600")
        #expect(try mode(path + "/a") == 0o440)
    }

    @Test func `keep a token until most of its life is over`() async throws {
        let source: JSONObject = ["projected": ["sources": [["serviceAccountToken": ["path": "token"]]]]]
        let path = try await mount(source)
        let pod = pod([["name": "v", "projected": source["projected"]!]])
        #expect(try await !volumes.refresh(pod))
        #expect(await sources.tokens == 1)
        let now = Int64(time(nil))
        #expect(await !volumes.hasDueToken(at: now + 2860))
        #expect(await volumes.hasDueToken(at: now + 2881))
        // The clock was set back: others take the token for one of the future.
        #expect(await volumes.hasDueToken(at: now - 3600))
        #expect(try text(path + "/token") == "token 1 - 3600")
    }

    @Test func `replace a token whose life is over`() async throws {
        await sources.setLifetime(0)
        let source: JSONObject = ["projected": ["sources": [["serviceAccountToken": ["path": "token"]]]]]
        let path = try await mount(source)
        #expect(try await volumes.refresh(pod([["name": "v", "projected": source["projected"]!]])))
        #expect(try text(path + "/token") == "token 2 - 3600")
    }

    @Test func `that name an object or a token thousands of times have it read once`() async throws {
        await sources.set(secret: "s", ["a": "MQ=="])
        var parts: [JSONValue] = []
        for number in 0..<1_000 {
            let items: JSONValue = [["key": "a", "path": .string("d/\(number)")]]
            parts.append(["secret": ["name": "s", "items": items]])
            parts.append(["configMap": ["name": "absent", "optional": true]])
            if number < 10 { parts.append(["serviceAccountToken": ["path": .string("t\(number)")]]) }
        }
        let projected: JSONValue = ["sources": .array(parts)]
        let both: [JSONValue] = [
            ["name": "v", "projected": projected], ["name": "w", "secret": ["secretName": "s"]],
        ]
        let mounted = try await volumes.mount(pod(both))
        #expect(await sources.reads == 2)
        #expect(await sources.tokens == 1)
        let path = try #require(mounted["v"]?.path)
        #expect(try text(path + "/d/999") == "1" && text(path + "/t9") == text(path + "/t0"))
        await sources.set(secret: "s", ["a": "Mg=="])
        #expect(try await volumes.refresh(pod(both)))
        #expect(await sources.reads == 4)
        #expect(try text(path + "/d/0") == "2" && text(path + "/d/999") == "2")
    }

    @Test func `give a token to the one user all containers share`() async throws {
        let path = try await mount(
            ["projected": ["sources": [["serviceAccountToken": ["path": "token"]]]]],
            container: ["name": "c", "securityContext": ["runAsUser": 1001]])
        let status = try Files.status(path + "/token")
        #expect(status.user == 1001)
        #expect(status.permissions == 0o600)
    }

    @Test func `refuse a source this node cannot project`() async throws {
        let failure = try await failure(["projected": ["sources": [["podCertificate": ["path": "x"]]]]])
        #expect(failure.kind == .refused)
    }

    // MARK: emptyDir

    @Test func `that are empty directories are anybody's`() async throws {
        let path = try await mount(["emptyDir": [:]])
        #expect(try mode(path) == 0o777)
        try put(path + "/kept", "1")
        // A kubelet that starts again finds what is there.
        let again = try await PodVolumes(directory: scratch("pod"), uid: "u", namespace: "default", sources: sources)
            .mount(
                pod([["name": "v", "emptyDir": [:]]]))
        #expect(try text(#require(again["v"]).path + "/kept") == "1")
    }

    @Test(arguments: [("1Mi", 1 << 20), ("512Ki", 512 << 10)])
    func `in memory are as large as their limit`(limit: String, bytes: Int) async throws {
        let path = try await mount(["emptyDir": ["medium": "Memory", "sizeLimit": .string(limit)]])
        let filesystem = try Files.filesystem(path)
        #expect(filesystem.magic == FilesystemStatus.tmpfs)
        #expect(Int(filesystem.capacityBytes) == bytes)
        let file = try FileDescriptor.open(path + "/big", O_CREAT | O_WRONLY, mode: 0o644)
        #expect { try file.writeAll([UInt8](repeating: 1, count: bytes + 1)) } throws: {
            ($0 as? Errno)?.code == ENOSPC
        }
    }

    @Test func `with an fsGroup belong to it and pass it on`() async throws {
        let path = try await mount(["emptyDir": [:]], security: ["fsGroup": 4321])
        let status = try Files.status(path)
        #expect(status.group == 4321)
        #expect(status.permissions == 0o2777)
    }

    @Test func `refuse a medium and a driver this node does not have`() async throws {
        #expect(try await failure(["emptyDir": ["medium": "HugePages-2Mi"]]).kind == .refused)
        let failure = try await failure(["nfs": ["server": "x", "path": "/"]])
        #expect(failure.kind == .refused)
        #expect(failure.description.contains("nfs"))
    }

    @Test func `come from a claim's local path`() async throws {
        let found = try await volumes.mount(pod([["name": "v", "persistentVolumeClaim": ["claimName": "c"]]]))["v"]
        #expect(found == MountedVolume(path: "/claims/c", isReadOnly: true))
    }

    // MARK: hostPath

    @Test(arguments: [
        ("Directory", "dir", true), ("Directory", "file", false), ("Directory", "none", false), ("File", "file", true),
        ("File", "dir", false), ("DirectoryOrCreate", "none", true), ("DirectoryOrCreate", "file", false),
        ("FileOrCreate", "none", true), ("FileOrCreate", "dir", false), ("Socket", "file", false),
        ("CharDevice", "/dev/null", true), ("CharDevice", "file", false), ("BlockDevice", "/dev/null", false),
        ("", "none", true), ("", "dir", true),
    ]) func `of the host must be of their type`(type: String, name: String, isRight: Bool) async throws {
        try Files.makeDirectories(scratch("dir"))
        try put(scratch("file"), "")
        let path = name.hasPrefix("/") ? name : scratch(name)
        let source: JSONObject = ["hostPath": ["path": .string(path), "type": .string(type)]]
        if isRight {
            #expect(try await mount(source) == path)
            if type.hasSuffix("OrCreate") {
                #expect(try Files.status(path).kind == (type == "FileOrCreate" ? .regular : .directory))
            } else if name == "none" {
                #expect(!Files.exists(path))
            }
        } else {
            #expect(try await failure(source).reason.hasPrefix("hostPath type check failed"))
        }
    }

    @Test func `of the host are never removed with the pod`() async throws {
        try Files.makeDirectories(scratch("dir"))
        try put(scratch("dir/kept"), "1")
        _ = try await mount(["hostPath": ["path": .string(scratch("dir"))]])
        try await volumes.unmount()
        #expect(try text(scratch("dir/kept")) == "1")
    }
}
