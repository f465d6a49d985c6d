// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import Schema
import Testing

@Suite struct `Reading bodies by schema` {
    static func schema(_ kind: String, _ group: String = "", _ version: String = "v1") throws -> TypeSchema {
        try #require(KubeAPI.schema(group: group, version: version, kind: kind))
    }

    static func object(_ text: String) throws -> JSONObject { try #require(try JSONValue.parse(text).object) }

    @Test func `finds unknown and duplicate fields with their paths`() throws {
        let text =
            #"{"metadata":{"x":1},"spec":{"replicas":1,"replicas":2,"unknownField":"a","template":{"spec":"#
            + #"{"containers":[{"name":"a"},{"name":"b","imagge":"c"}]}}}}"#
        var duplicates: [String] = []
        let value = try JSONValue.parse(Array(text.utf8), duplicates: &duplicates)
        let decoded = try SchemaCoding.decode(
            try #require(value.object), as: try Self.schema("Deployment", "apps"), options: KubeAPI.codingOptions())
        #expect(
            decoded.unknownFields == [
                "metadata.x", "spec.unknownField", "spec.template.spec.containers[1].imagge",
            ])
        #expect(
            SchemaCoding.strictMessage(unknown: ["spec.unknownField"], duplicate: duplicates)
                == #"strict decoding error: unknown field "spec.unknownField", duplicate field "spec.replicas""#)
        #expect(SchemaCoding.strictMessage(unknown: [], duplicate: []) == nil)
        #expect(decoded.object["spec"]?["replicas"] == 2)
    }

    static let mismatches: [(String, String)] = [
        (
            #"{"spec":{"replicas":"3"}}"#,
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
        ),
        (
            #"{"spec":{"replicas":1.5}}"#,
            "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32"
        ),
        (
            #"{"spec":{"template":{"spec":{"containers":{}}}}}"#,
            "json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type "
                + "[]v1.Container"
        ),
        (
            #"{"metadata":{"creationTimestamp":"yesterday"}}"#,
            "parsing time \"yesterday\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"yesterday\" as \"2006\""
        ),
        (
            #"{"spec":{"template":{"spec":{"containers":[{"resources":{"limits":{"cpu":"1x"}}}]}}}}"#,
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        ),
    ]

    @Test(arguments: mismatches)
    func `words a wrong type as clients know it`(_ text: String, _ message: String) throws {
        let schema = try Self.schema("Deployment", "apps")
        let object = try Self.object(text)
        let error = try #require(throws: TypeMismatch.self) {
            try SchemaCoding.decode(object, as: schema, options: KubeAPI.codingOptions())
        }
        #expect(error.description == message)
    }

    @Test func `writes what Go would`() throws {
        let text =
            #"{"metadata":{"name":"a","labels":null,"annotations":{}},"kind":"Pod","apiVersion":"v1","spec":"#
            + #"{"nodeName":"","hostNetwork":false,"containers":[{"name":"c","resources":{"limits":{"cpu":"0.5","#
            + #""memory":1073741824}},"ports":[{"containerPort":80}],"command":[]}],"terminationGracePeriodSeconds":0}}"#
        let decoded = try SchemaCoding.decode(
            try Self.object(text), as: try Self.schema("Pod"), options: KubeAPI.codingOptions())
        #expect(
            decoded.object.description == #"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"},"spec":{"#
                + #""containers":[{"name":"c","ports":[{"containerPort":80}],"resources":{"limits":{"cpu":"500m","#
                + #""memory":"1073741824"}}}],"terminationGracePeriodSeconds":0},"status":{}}"#)
        let again = try SchemaCoding.decode(
            decoded.object, as: try Self.schema("Pod"), options: KubeAPI.codingOptions())
        #expect(again.object.description == decoded.object.description)
    }
}

@Suite struct `Protobuf messages` {
    static let namespace: [UInt8] =
        [0x6B, 0x38, 0x73, 0, 0x0A, 0x0F, 0x0A, 2, 0x76, 0x31, 0x12, 9] + Array("Namespace".utf8)
        + [0x12, 0x0B, 0x0A, 3, 0x0A, 1, 0x78, 0x12, 0, 0x1A, 2, 0x0A, 0, 0x1A, 0, 0x22, 0]

    @Test func `reads what client-go sends`() throws {
        let object = try KubeAPI.decodeProtobuf(Self.namespace)
        #expect(
            object.description
                == #"{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"x"},"spec":{},"status":{}}"#)
    }

    static let objects: [String] = [
        #"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","labels":{"a":"b","c":""},"creationTimestamp":"#
            + #""2026-11-21T08:37:56Z","deletionGracePeriodSeconds":0},"spec":{"volumes":[{"name":"v","emptyDir":"#
            + #"{"medium":"Memory","sizeLimit":"1Gi"}},{"name":"h","hostPath":{"path":"/x","type":""}}],"containers":"#
            + #"[{"name":"c","image":"i","args":["",""],"ports":[{"containerPort":80}],"env":[{"name":"e","valueFrom":"#
            + #"{"secretKeyRef":{"name":"s","key":"k","optional":false}}}],"resources":{"limits":{"cpu":"500m"}},"#
            + #""livenessProbe":{"httpGet":{"path":"/","port":"web"},"periodSeconds":3}}],"securityContext":{"#
            + #""runAsUser":0,"supplementalGroups":[1,2]},"hostAliases":[{"ip":"1.2.3.4","hostnames":["a"]}]},"#
            + #""status":{}}"#,
        #"{"kind":"Service","apiVersion":"v1","metadata":{"name":"s"},"spec":{"ports":[{"port":80,"targetPort":8080},"#
            + #"{"port":81,"targetPort":"web"}],"selector":{"a":"b"}},"status":{"loadBalancer":{}}}"#,
        #"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"s"},"data":{"empty":"","k":"AAEC/w=="}}"#,
        #"{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"l"},"spec":{"holderIdentity":"#
            + #""x","renewTime":"2026-11-21T08:37:56.123456Z"}}"#,
        #"{"kind":"ControllerRevision","apiVersion":"apps/v1","metadata":{"name":"l"},"data":{"a":[1,{"b":null}]},"#
            + #""revision":3}"#,
        #"{"kind":"CertificateSigningRequest","apiVersion":"certificates.k8s.io/v1","metadata":{"name":"l"},"spec":"#
            + #"{"request":"AAEC","signerName":"a/b","usages":["client auth"],"extra":{"k":["a","b"]}},"status":{}}"#,
    ]

    @Test(arguments: objects)
    func `says in a message what JSON says`(_ text: String) throws {
        let object = try #require(try JSONValue.parse(text).object)
        let version = try #require(GroupVersion(apiVersion: object["apiVersion"]?.string ?? ""))
        let schema = try #require(
            KubeAPI.schema(group: version.group, version: version.version, kind: object["kind"]?.string ?? ""))
        let canonical = try SchemaCoding.decode(object, as: schema, options: KubeAPI.codingOptions()).object
        let bytes = try Protobuf.encodeObject(canonical, schema: schema)
        let back = try KubeAPI.decodeProtobuf(bytes)
        let settled = try SchemaCoding.decode(back, as: schema, options: KubeAPI.codingOptions()).object
        #expect(settled.description == canonical.description)
        #expect(canonical == object)
    }

    @Test func `refuses what is no message`() throws {
        for bytes in [[], [1, 2, 3], Protobuf.magic + [0x0A, 0x7F], Protobuf.magic + [0x0B]] as [[UInt8]] {
            #expect(throws: ProtobufError.self) { try KubeAPI.decodeProtobuf(bytes) }
        }
    }

    @Test func `survives mutated messages`() throws {
        let object = try #require(try JSONValue.parse(Self.objects[0]).object)
        let schema = try #require(KubeAPI.schema(group: "", version: "v1", kind: "Pod"))
        let seed = try Protobuf.encodeObject(object, schema: schema)
        var state: UInt64 = 11
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var accepted = 0
        for _ in 0..<10_000 {
            var bytes = seed
            for _ in 0...random(3) {
                let position = random(bytes.count)
                switch random(3) {
                case 0: bytes[position] = UInt8(random(256))
                case 1: bytes.remove(at: position)
                default: bytes.insert(UInt8(random(256)), at: position)
                }
            }
            // A refusal is a fine answer; what is accepted must be readable as JSON.
            guard let object = try? KubeAPI.decodeProtobuf(bytes) else { continue }
            accepted += 1
            _ = try JSONValue.parse(object.encoded())
        }
        #expect(accepted > 100)
    }
}

@Suite struct `Times and views` {
    static let times: [(String, String?)] = [
        ("2026-11-21T08:37:56Z", "2026-11-21T08:37:56Z"), ("2026-11-21T08:37:56.5+02:00", "2026-11-21T06:37:56Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"), ("2000-02-29T23:59:59Z", "2000-02-29T23:59:59Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"), ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"),
        ("2026-02-29T00:00:00Z", nil), ("2026-11-21 08:37:56Z", nil), ("2026-11-21T08:37:56", nil), ("", nil),
        ("2026-11-21T24:00:00Z", nil), ("2026-11-21T08:37:56.Z", nil), ("2026-11-21T08:37:56Zx", nil),
    ]

    @Test(arguments: times)
    func `reads and writes RFC 3339`(_ text: String, _ expected: String?) {
        #expect(KubeTime(text)?.rfc3339 == expected)
    }

    @Test func `keeps every day over four centuries`() {
        for day in stride(from: Int64(-200_000), to: 200_000, by: 97) {
            let time = KubeTime(seconds: day * 86400 + 3661)
            #expect(KubeTime(time.rfc3339) == time)
        }
        #expect(KubeTime("2026-11-21T08:37:56Z")?.calendar.weekday == 6)
    }

    @Test func `reads and writes fields through views`() throws {
        var pod = Pod(name: "a", namespace: "n")
        pod.spec.containers = [Container { $0.name = "c" }]
        pod.spec.containers[0].image = "i"
        pod.spec.nodeName = "node"
        pod.metadata.labels["k"] = "v"
        pod.metadata.creationTimestamp = KubeTime("2026-11-21T08:37:56Z")
        #expect(
            pod.value.description == #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"n","#
                + #""labels":{"k":"v"},"creationTimestamp":"2026-11-21T08:37:56Z"},"spec":{"containers":[{"name":"c","#
                + #""image":"i"}],"nodeName":"node"}}"#)
        pod.spec.nodeName = nil
        pod.metadata.labels = [:]
        pod.json["spec"]?["future"] = 1
        #expect(pod.spec.json["future"] == 1 && pod.spec.nodeName == nil && pod.spec.initContainers.isEmpty)
        #expect(pod.key == "n/a" && pod.status.phase == nil)
        let port = ServicePort(json: ["port": 80, "targetPort": "web"])
        #expect(port.targetPort == .string("web") && port.port == 80)
    }
}
