// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import KubeAPI
import Schema
import TLS
import Telemetry
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(1))) struct `Objects` {
    @Test func `are created, read, updated and deleted`() async throws {
        let server = try await TestServer()
        let made = try await server.send("POST", maps, configMap("one"))
        #expect(made.status == 201)
        #expect(made.json["metadata"]?["uid"]?.string?.count == 36)
        #expect(made.json["metadata"]?["namespace"] == "default")
        let revision = try #require(made.json["metadata"]?["resourceVersion"]?.string)
        #expect(Int64(revision) ?? 0 > 0)
        let read = try await server.send("GET", "\(maps)/one")
        #expect(read.json == made.json)
        var changed = read.json
        changed["data"]?["a"] = "c"
        let updated = try await server.send("PUT", "\(maps)/one", changed)
        #expect(updated.status == 200 && updated.json["data"]?["a"] == "c")
        let stale = try await server.send("PUT", "\(maps)/one", changed)
        #expect(stale.status == 409 && stale.json["reason"] == "Conflict")
        let same = try await server.send("PUT", "\(maps)/one", updated.json)
        #expect(same.json["metadata"]?["resourceVersion"] == updated.json["metadata"]?["resourceVersion"])
        let gone = try await server.send("DELETE", "\(maps)/one")
        #expect(gone.status == 200 && gone.json["status"] == "Success")
        let missing = try await server.send("GET", "\(maps)/one")
        #expect(missing.status == 404)
        #expect(missing.json["message"] == #"configmaps "one" not found"#)
        #expect(missing.json["details"]?["kind"] == "configmaps")
    }

    @Test func `that exist are refused, and generated names are made`() async throws {
        let server = try await TestServer()
        try await server.send("POST", maps, configMap("one"))
        let again = try await server.send("POST", maps, configMap("one"))
        #expect(again.status == 409 && again.json["message"] == #"configmaps "one" already exists"#)
        let generated = try await server.send(
            "POST", maps, ["kind": "ConfigMap", "apiVersion": "v1", "metadata": ["generateName": "x-"]])
        #expect(generated.json["metadata"]?["name"]?.string?.hasPrefix("x-") == true)
        #expect(generated.json["metadata"]?["name"]?.string?.utf8.count == 7)
    }

    @Test(arguments: [
        ("application/merge-patch+json", #"{"data":{"a":null,"n":"1"}}"#),
        (
            "application/json-patch+json",
            #"[{"op":"remove","path":"/data/a"},{"op":"add","path":"/data/n","value":"1"}]"#
        ),
        ("application/strategic-merge-patch+json", #"{"data":{"a":null,"n":"1"}}"#),
    ])
    func `are patched`(_ type: String, _ patch: String) async throws {
        let server = try await TestServer()
        try await server.send("POST", maps, configMap("one"))
        let patched = try await server.send("PATCH", "\(maps)/one", bytes: Array(patch.utf8), type: type)
        #expect(patched.status == 200)
        #expect(patched.json["data"] == ["n": "1"])
    }

    @Test func `are applied by their managers`() async throws {
        let server = try await TestServer()
        let path = "\(maps)/one?fieldManager="
        let type = "application/apply-patch+yaml"
        func body(_ value: String) -> [UInt8] {
            Array("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  a: \(value)\n".utf8)
        }
        let made = try await server.send("PATCH", path + "m1", bytes: body("x"), type: type)
        #expect(made.status == 201 && made.json["data"]?["a"] == "x")
        #expect(made.json["metadata"]?["managedFields"]?[0]?["operation"] == "Apply")
        let conflict = try await server.send("PATCH", path + "m2", bytes: body("y"), type: type)
        #expect(conflict.status == 409 && conflict.json["details"]?["causes"]?[0]?["reason"] == "FieldManagerConflict")
        let forced = try await server.send("PATCH", path + "m2&force=true", bytes: body("y"), type: type)
        #expect(forced.status == 200 && forced.json["data"]?["a"] == "y")
    }

    @Test func `of unknown fields are warned of, or refused when asked`() async throws {
        let server = try await TestServer()
        var map = configMap("one")
        map["dta"] = ["x": "y"]
        let strict = try await server.send("POST", maps + "?fieldValidation=Strict", map)
        #expect(strict.status == 400)
        #expect(strict.json["message"]?.string?.contains(#"strict decoding error: unknown field "dta""#) == true)
        let warned = try await server.send("POST", maps + "?fieldValidation=Warn", map)
        #expect(warned.status == 201 && warned.headers["Warning"] == #"299 - "unknown field \"dta\"""#)
        #expect(warned.json["dta"] == nil)
    }

    @Test func `are not stored by a dry run`() async throws {
        let server = try await TestServer()
        let dry = try await server.send("POST", maps + "?dryRun=All", configMap("one"))
        #expect(dry.status == 201)
        let read = try await server.send("GET", "\(maps)/one")
        #expect(read.status == 404)
    }

    @Test func `wait for their finalizers`() async throws {
        let server = try await TestServer()
        var map = configMap("one")
        map["metadata"]?["finalizers"] = ["example.com/wait"]
        try await server.send("POST", maps, map)
        let marked = try await server.send("DELETE", "\(maps)/one")
        #expect(marked.json["metadata"]?["deletionTimestamp"]?.string != nil)
        var held = try await server.send("GET", "\(maps)/one").json
        held["metadata"]?["finalizers"] = []
        let last = try await server.send("PUT", "\(maps)/one", held)
        #expect(last.status == 200)
        let read = try await server.send("GET", "\(maps)/one")
        #expect(read.status == 404)
    }

    @Test func `of a collection are deleted by selector`() async throws {
        let server = try await TestServer()
        for name in ["a", "b", "c"] {
            try await server.send("POST", maps, configMap(name, labels: name == "c" ? [:] : ["x": "y"]))
        }
        let deleted = try await server.send("DELETE", maps + "?labelSelector=x%3Dy")
        #expect(deleted.json["items"]?.array?.count == 2)
        let left = try await server.send("GET", maps)
        #expect(left.json["items"]?.array?.compactMap { $0["metadata"]?["name"]?.string } == ["c"])
    }

    @Test(
        arguments: [
            (["dryRun": "All"], 400, "DeleteOptions.dryRun of type []string"), (["dryRun": true], 400, "dryRun"),
            (["dryRun": [1]], 400, "DeleteOptions.dryRun of type string"), (["dryRun": ["Some"]], 422, "dryRun"),
            (["preconditions": ["uid": 5]], 400, "Preconditions.preconditions.uid of type string"),
            (["preconditions": "x"], 400, "preconditions"), (["preconditions": ["x"]], 400, "preconditions"),
            (["preconditions": ["resourceVersion": 1]], 400, "resourceVersion"),
            (["preconditions": ["uid": ""]], 409, "UID"), (["preconditions": ["resourceVersion": "1"]], 409, "record"),
            (["propagationPolicy": ["Orphan"]], 400, "propagationPolicy"), (["propagationPolicy": 5], 400, "number"),
            (["propagationPolicy": "orphan"], 422, #"supported values: "Foreground", "Background", "Orphan""#),
            (["propagationPolicy": ""], 422, "propagationPolicy: Unsupported value"),
            (["propagationPolicy": "Orphan", "orphanDependents": true], 422, "cannot be both set"),
            (["orphanDependents": "true"], 400, "of type bool"), (["orphanDependents": 1], 400, "of type bool"),
            (["gracePeriodSeconds": "600"], 400, "of type int64"), (["gracePeriodSeconds": 0.5], 400, "number 0.5"),
            (["ignoreStoreReadErrorWithClusterBreakingPotential": "true"], 400, "of type bool"),
            (["kind": 5], 400, ""), (["kind": "Eviction"], 400, "cannot be converted to DeleteOptions"),
            ([["dryRun": ["All"]]], 400, "cannot be converted"), ("x", 400, "cannot be converted"),
            (.null, 400, "cannot be converted"),
        ] as [(JSONValue, Int, String)])
    func `stay when it is not understood how they are to go`(
        options: JSONValue, status: Int, message: String
    ) async throws {
        let server = try await TestServer()
        try await server.send("POST", maps, configMap("a"))
        for target in [maps, "\(maps)/a"] {
            let refused = try await server.send("DELETE", target, options)
            #expect(refused.status == status, "\(target): \(refused.json)")
            #expect(refused.json["message"]?.string?.contains(message) == true, "\(refused.json)")
        }
        #expect(try await server.send("GET", "\(maps)/a").status == 200)
        #expect(try await server.send("DELETE", "\(maps)/a", ["gracePeriodSeconds": 0, "dryRun": .null]).status == 200)
        #expect(try await server.send("GET", "\(maps)/a").status == 404)
    }

    @Test func `too large or malformed are refused`() async throws {
        let server = try await TestServer()
        let large = try await server.send("POST", maps, bytes: [UInt8](repeating: 0x20, count: 4 << 20))
        #expect(large.status == 413)
        let broken = try await server.send("POST", maps, bytes: Array("{\"kind\":".utf8))
        #expect(broken.status == 400 && broken.json["reason"] == "BadRequest")
        let type = try await server.send("POST", maps, bytes: [1, 2, 3], type: "text/html")
        #expect(type.status == 415)
        let unknown = try await server.send("GET", "/apis/nothing/v1/things")
        #expect(unknown.status == 404)
    }
}

@Suite(.timeLimit(.minutes(1))) struct `Lists and watches` {
    /// Swift takes a slash and the combining mark behind it for one character; a key has two parts there.
    @Test func `of names that begin with a combining mark come to an end, and so do their objects`() async throws {
        let server = try await TestServer()
        let roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles"
        let names = ["a", "\u{301}x", "\u{301}y", "z"]
        for name in names {
            _ = try await server.send("POST", roles, ["metadata": ["name": .string(name)], "rules": []])
        }
        var (found, token) = ([String](), "")
        repeat {
            let page = try await server.send("GET", roles + "?limit=1&continue=\(token)")
            found += page.json["items"]?.array?.compactMap { $0["metadata"]?["name"]?.string } ?? []
            token = page.json["metadata"]?["continue"]?.string ?? ""
        } while !token.isEmpty && found.count < 10
        #expect(Set(found) == Set(names) && found.count == names.count)
        _ = try await server.send("DELETE", roles)
        #expect(try await server.send("GET", roles).json["items"]?.array?.isEmpty == true)
    }

    @Test func `a list is cut into pages that show one revision`() async throws {
        let server = try await TestServer()
        for n in 0..<10 { try await server.send("POST", maps, configMap("m\(n)")) }
        let first = try await server.send("GET", maps + "?limit=4")
        let token = try #require(first.json["metadata"]?["continue"]?.string)
        #expect(first.json["metadata"]?["remainingItemCount"] == 6)
        try await server.send("DELETE", "\(maps)/m9")
        let second = try await server.send("GET", maps + "?limit=100&continue=\(token)")
        #expect(second.json["items"]?.array?.count == 6)
        #expect(second.json["metadata"]?["resourceVersion"] == first.json["metadata"]?["resourceVersion"])
        let broken = try await server.send("GET", maps + "?limit=100&continue=abc")
        #expect(broken.status == 400)
    }

    @Test func `selectors choose by labels and fields`() async throws {
        let server = try await TestServer()
        for n in 0..<4 {
            try await server.send("POST", maps, configMap("m\(n)", labels: ["odd": n % 2 == 1 ? "yes" : "no"]))
        }
        let odd = try await server.send("GET", maps + "?labelSelector=odd%3Dyes")
        #expect(odd.json["items"]?.array?.count == 2)
        let one = try await server.send("GET", maps + "?fieldSelector=metadata.name%3Dm2")
        #expect(one.json["items"]?.array?.count == 1)
        let unknown = try await server.send("GET", maps + "?fieldSelector=data.a%3Db")
        #expect(unknown.status == 400)
    }

    @Test func `a watch from a revision sees what came after it`() async throws {
        let server = try await TestServer()
        let made = try await server.send("POST", maps, configMap("one", labels: ["x": "y"]))
        let revision = made.json["metadata"]?["resourceVersion"]?.string ?? ""
        async let events = server.watch(maps + "?watch=true&resourceVersion=\(revision)&labelSelector=x%3Dy", 3)
        let patch: JSONValue = ["data": ["a": "z"]]
        try await server.send("PATCH", "\(maps)/one", patch, type: "application/merge-patch+json")
        let unlabel: JSONValue = ["metadata": ["labels": ["x": "n"]]]
        try await server.send("PATCH", "\(maps)/one", unlabel, type: "application/merge-patch+json")
        try await server.send("POST", maps, configMap("two", labels: ["x": "y"]))
        let seen = try await events
        #expect(seen.map { $0["type"]?.string } == ["MODIFIED", "DELETED", "ADDED"])
        #expect(seen[1]["object"]?["metadata"]?["labels"]?["x"] == "y")
    }

    @Test func `a watch in protobuf sends a frame for each event, also for an error`() async throws {
        let server = try await TestServer()
        try await server.send("POST", maps, configMap("one"))
        let request = HTTPRequest(
            target: maps + "?watch=true", headers: ["Accept": "application/vnd.kubernetes.protobuf, */*"])
        let response = try await server.server.exchange(as: TestServer.admin).send(request)
        #expect(response.headers["Content-Type"] == "application/vnd.kubernetes.protobuf;stream=watch")
        guard case .stream(let stream) = response.body else {
            Issue.record("a watch is a stream")
            return
        }
        let frame = try #require(try await stream.next())
        let length = frame[..<4].reduce(0) { $0 << 8 | Int($1) }
        #expect(length == frame.count - 4)
        #expect(Array(frame[4..<11]) == [0x0A, 5] + Array("ADDED".utf8))
        let start = try #require(frame.indices.first { frame[$0...].starts(with: Protobuf.magic) })
        let object = try KubeAPI.decodeProtobuf(Array(frame[start...]))
        #expect(object["kind"] == "ConfigMap")
        #expect(object["metadata"]?["name"] == "one")
        let encoding = try WatchEncoding(
            OutputFormat(ParsedRequest(request)),
            try #require(KubeAPI.resource(group: "", version: "v1", kind: "ConfigMap")))
        #expect(encoding.error(.expired("too old")).count > 4 + Protobuf.magic.count)
    }

    @Test func `absent fields are selected by their zero value`() async throws {
        let server = try await TestServer()
        try await server.send(
            "POST", "/api/v1/nodes", ["kind": "Node", "apiVersion": "v1", "metadata": ["name": "n"]])
        for (selector, count) in [("spec.unschedulable%3Dfalse", 1), ("spec.unschedulable%3Dtrue", 0)] {
            let nodes = try await server.send("GET", "/api/v1/nodes?fieldSelector=" + selector)
            #expect(nodes.json["items"]?.array?.count == count, "\(selector)")
        }
    }

    @Test func `a streaming list ends with its bookmark`() async throws {
        let server = try await TestServer()
        try await server.send("POST", maps, configMap("one"))
        let events = try await server.watch(
            maps + "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true", 2)
        #expect(events.map { $0["type"]?.string } == ["ADDED", "BOOKMARK"])
        #expect(events[1]["object"]?["metadata"]?["annotations"]?["k8s.io/initial-events-end"] == "true")
    }

    @Test func `tables and metadata are shown when asked for`() async throws {
        let server = try await TestServer()
        try await server.send("POST", maps, configMap("one"))
        let table = try await server.send(
            "GET", maps, headers: [("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")])
        #expect(table.json["kind"] == "Table" && table.json["rows"]?[0]?["cells"]?[0] == "one")
        let partial = try await server.send(
            "GET", maps, headers: [("Accept", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")])
        #expect(partial.json["kind"] == "PartialObjectMetadataList")
        #expect(partial.json["items"]?[0]?["data"] == nil && partial.json["items"]?[0]?["metadata"]?["name"] == "one")
    }
}

@Suite(.timeLimit(.minutes(1))) struct `What is served` {
    @Test func `an event is one object in two groups`() async throws {
        let server = try await TestServer()
        let event: JSONValue = [
            "kind": "Event", "apiVersion": "v1", "metadata": ["name": "e", "namespace": "default"],
            "involvedObject": ["kind": "Pod", "namespace": "default", "name": "p"], "reason": "Started",
            "message": "hello", "type": "Normal", "source": ["component": "kubelet"], "count": 1,
        ]
        let made = try await server.send("POST", "/api/v1/namespaces/default/events", event)
        #expect(made.status == 201, "\(made.json)")
        let other = try await server.send("GET", "/apis/events.k8s.io/v1/namespaces/default/events/e")
        #expect(other.json["note"] == "hello" && other.json["regarding"]?["name"] == "p")
        let chosen = try await server.send(
            "GET", "/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Dp")
        #expect(chosen.json["items"]?.array?.count == 1)
    }

    @Test func `discovery names every resource, plain and aggregated, and is not sent twice`() async throws {
        let server = try await TestServer()
        let plain = try await server.send("GET", "/apis/apps/v1")
        let names = plain.json["resources"]?.array?.compactMap { $0["name"]?.string } ?? []
        #expect(names.contains("deployments") && names.contains("deployments/scale"))
        let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        let whole = try await server.send("GET", "/apis", headers: [("Accept", accept)])
        #expect(whole.json["kind"] == "APIGroupDiscoveryList")
        let tag = try #require(whole.headers["ETag"])
        let again = try await server.send("GET", "/apis", headers: [("Accept", accept), ("If-None-Match", tag)])
        #expect(again.status == 304)
    }

    @Test func `the API is described in OpenAPI 2 and 3`() async throws {
        let server = try await TestServer()
        let two = try await server.send("GET", "/openapi/v2")
        #expect(two.json["definitions"]?["io.k8s.api.core.v1.Pod"] != nil)
        let index = try await server.send("GET", "/openapi/v3")
        let path = try #require(index.json["paths"]?["apis/apps/v1"]?["serverRelativeURL"]?.string)
        let three = try await server.send("GET", path)
        #expect(three.json["components"]?["schemas"]?["io.k8s.api.apps.v1.Deployment"] != nil)
    }

    @Test func `a restart keeps objects, addresses and keys`() async throws {
        let server = try await TestServer()
        try await server.send("POST", maps, configMap("kept"))
        let before = try server.server.credentials.authority.certificate.pem()
        server.server.stop()
        let configuration = APIServerConfiguration(dataDirectory: server.directory, advertiseAddress: "192.0.2.1")
        let again = try APIServer(configuration, logger: Logger(label: "test", level: .error))
        try await again.start()
        let response = try await again.exchange(as: TestServer.admin).send(HTTPRequest(target: "\(maps)/kept"))
        #expect(response.status == 200)
        #expect(try again.credentials.authority.certificate.pem() == before)
        again.stop()
    }

    @Test func `many large objects are shown in every form as few small ones are`() async throws {
        let server = try await TestServer()
        // More than one turn of them, and more than is shown at once in each.
        for number in 0..<12 {
            let data = JSONObject((0..<2_000).map { ("key-\($0)", .string(String(repeating: "v", count: 40))) })
            let made = try await server.send(
                "POST", maps, configMap("m\(10 + number)", data, labels: ["half": .string("\(number % 2)")]))
            try #require(made.status == 201)
        }
        let names = (10..<22).map { "m\($0)" }
        let table = [("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")]
        let rows = try await server.send("GET", maps, headers: table)
        #expect(rows.json["rows"]?.array?.map { $0["cells"]?[0]?.string ?? "" } == names)
        let count = rows.json["rows"]?[0]?["cells"]?[1]
        #expect(count == 2_000 || count == "2000")
        #expect(rows.json["columnDefinitions"]?.array?.count == 3)
        #expect(rows.json["rows"]?[0]?["object"]?["kind"] == "PartialObjectMetadata")
        let whole = try await server.send("GET", "\(maps)?includeObject=Object", headers: table)
        #expect(whole.json["rows"]?[11]?["object"]?["data"]?["key-7"]?.string?.utf8.count == 40)
        let odd = try await server.send("GET", "\(maps)?labelSelector=half=1")
        #expect(odd.json["items"]?.array?.count == 6)
        let page = try await server.send("GET", "\(maps)?labelSelector=half=1&limit=4", headers: table)
        #expect(page.json["rows"]?.array?.count == 4 && page.json["metadata"]?["continue"] != nil)
        let metadata = try await server.send(
            "GET", maps, headers: [("Accept", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")])
        #expect(metadata.json["items"]?.array?.map { $0["metadata"]?["name"]?.string ?? "" } == names)
        let one = try await server.send("GET", "\(maps)/m10", headers: table)
        #expect(one.json["rows"]?[0]?["cells"]?[0] == "m10")
        let pretty = try await server.send("GET", "\(maps)?pretty=true")
        #expect(pretty.json["items"]?.array?.count == 12)
        let events = try await server.watch("\(maps)?watch=1&labelSelector=half=0", 6)
        #expect(
            events.map { $0["object"]?["metadata"]?["name"]?.string ?? "" } == [
                "m10", "m12", "m14", "m16", "m18", "m20",
            ])
    }
}
