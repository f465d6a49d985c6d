// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient
import Netlink
import Testing

@testable import ClusterDNS

struct RecordsTests {
    /// Names relative to `cluster.local`, what is asked, and what the specification or CoreDNS says.
    @Test(arguments: [
        ("web.default.svc", RecordType.a, "NOERROR 10.43.0.80"),
        ("web.default.svc", .aaaa, "NOERROR fd43::80"),
        ("web.default.svc", .txt, "NOERROR"),
        ("web.default.svc", .srv, "NOERROR 50:443:web.default.svc.cluster.local. 50:80:web.default.svc.cluster.local."),
        ("_http._tcp.web.default.svc", .srv, "NOERROR 100:80:web.default.svc.cluster.local."),
        ("_http._tcp.web.default.svc", .a, "NOERROR 10.43.0.80"),
        ("_http._udp.web.default.svc", .srv, "NXDOMAIN"),
        ("_nope._tcp.web.default.svc", .srv, "NXDOMAIN"),
        ("http.tcp.web.default.svc", .srv, "NXDOMAIN"),
        ("10-42-0-80.web.default.svc", .a, "NOERROR 10.42.0.80"),
        ("a._http._tcp.web.default.svc", .srv, "NXDOMAIN"),
        // Headless: every ready endpoint, by the pod's hostname where it has one.
        ("db.default.svc", .a, "NOERROR 10.42.0.5 10.42.0.6"),
        ("db.default.svc", .aaaa, "NOERROR fd42:: fd42::5"),
        ("db-0.db.default.svc", .a, "NOERROR 10.42.0.5"),
        ("db-0.db.default.svc", .aaaa, "NOERROR fd42::5"),
        ("10-42-0-6.db.default.svc", .a, "NOERROR 10.42.0.6"),
        ("10-42-0-6.db.default.svc", .aaaa, "NOERROR"),
        ("fd42--0.db.default.svc", .aaaa, "NOERROR fd42::"),
        ("db-1.db.default.svc", .a, "NXDOMAIN"),
        (
            "_sql._tcp.db.default.svc", .srv,
            "NOERROR 33:5432:10-42-0-6.db.default.svc.cluster.local. 33:5432:db-0.db.default.svc.cluster.local. "
                + "33:5432:fd42--0.db.default.svc.cluster.local."
        ),
        ("nobody.default.svc", .a, "NXDOMAIN"),
        // ExternalName.
        ("far.default.svc", .cname, "NOERROR ->www.example.com."),
        ("far.default.svc", .a, "->www.example.com. www.example.com. elsewhere"),
        ("far.default.svc", .txt, "NOERROR ->www.example.com."),
        ("near.default.svc", .a, "NOERROR ->web.default.svc.cluster.local. 10.43.0.80"),
        ("x.far.default.svc", .a, "NXDOMAIN"),
        // Pods: any address of a namespace that exists.
        ("10-42-0-9.default.pod", .a, "NOERROR 10.42.0.9"),
        ("10-42-0-9.default.pod", .aaaa, "NOERROR"),
        ("fd42--9.default.pod", .aaaa, "NOERROR fd42::9"),
        ("10-42-0-9.nowhere.pod", .a, "NXDOMAIN"),
        ("10-42-0-900.default.pod", .a, "NXDOMAIN"),
        ("x.10-42-0-9.default.pod", .a, "NXDOMAIN"),
        // What others are under exists, without records.
        ("svc", .a, "NOERROR"), ("pod", .a, "NOERROR"), ("default.svc", .a, "NOERROR"), ("default.pod", .a, "NOERROR"),
        ("nowhere.svc", .a, "NXDOMAIN"), ("nope.default.svc", .a, "NXDOMAIN"), ("web.nowhere.svc", .a, "NXDOMAIN"),
        ("nope", .a, "NXDOMAIN"), ("web.default", .a, "NXDOMAIN"),
        ("dns-version", .txt, "NOERROR 1.1.0"), ("dns-version", .a, "NOERROR"),
        ("ns.dns", .a, "NOERROR 10.43.0.10"), ("ns.dns", .aaaa, "NOERROR fd43::a"),
    ])
    func `a name of the zone is answered as the specification and CoreDNS say`(
        _ name: String, _ type: RecordType, _ wanted: String
    ) {
        #expect(Sample.ask(name + ".cluster.local", type) == wanted)
        #expect(Sample.ask(name.uppercased() + ".Cluster.LOCAL.", type) == wanted)
    }

    @Test func `the zone itself has an SOA and an NS record`() {
        #expect(Sample.ask("cluster.local", .soa) == "NOERROR ns.dns.cluster.local./5")
        #expect(Sample.ask("cluster.local", .ns) == "NOERROR kube-dns.kube-system.svc.cluster.local.")
        #expect(Sample.ask("cluster.local", .a) == "NOERROR")
    }

    @Test(arguments: [
        ("80.0.43.10.in-addr.arpa", "NOERROR web.default.svc.cluster.local."),
        ("5.0.42.10.in-addr.arpa", "NOERROR db-0.db.default.svc.cluster.local."),
        ("6.0.42.10.in-addr.arpa", "NOERROR 10-42-0-6.db.default.svc.cluster.local."),
        (
            "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.4.d.f.ip6.arpa",
            "NOERROR db-0.db.default.svc.cluster.local."
        ),
        (
            "0.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.3.4.D.F.IP6.ARPA",
            "NOERROR web.default.svc.cluster.local."
        ),
        // Others may know these.
        ("9.9.9.9.in-addr.arpa", "elsewhere"), ("43.10.in-addr.arpa", "elsewhere"), ("arpa", "elsewhere"),
        ("+.0.43.10.in-addr.arpa", "elsewhere"), ("www.example.com", "elsewhere"), ("", "elsewhere"),
        ("local", "elsewhere"), ("xcluster.local", "elsewhere"),
    ])
    func `addresses of the cluster have names, and what is not its own is asked elsewhere`(
        _ name: String, _ wanted: String
    ) {
        #expect(Sample.ask(name, .ptr) == wanted)
    }

    @Test func `an address has no other record than its names`() {
        #expect(Sample.ask("80.0.43.10.in-addr.arpa", .a) == "NOERROR")
    }

    @Test func `a circle of aliases is a failure, not an endless walk`() {
        #expect(Sample.ask("circle.default.svc.cluster.local", .a) == "SERVFAIL")
        #expect(Sample.ask("circle.default.svc.cluster.local", .cname).hasPrefix("NOERROR ->circle"))
    }

    @Test func `SRV records come with the addresses of their targets`() {
        let question = DNSQuestion(DNSName("_sql._tcp.db.default.svc.cluster.local")!, .srv)
        guard case .answer(let answer) = Sample.records.verdict(question) else {
            Issue.record("no answer")
            return
        }
        #expect(Sample.text(answer.additional) == ["10.42.0.5", "10.42.0.6", "fd42::", "fd42::5"])
        #expect(
            Set(answer.additional.map(\.name))
                == Set(
                    answer.answers.compactMap { record in
                        if case .srv(_, _, let target) = record.content { return target }
                        return nil
                    }))
    }

    @Test func `what changes hands, or goes, leaves nothing behind`() {
        var records = Sample.records
        let serial = records.serial
        // Another Service takes the address before the first is known to be gone.
        let web = ObjectName("default", "web")
        let other = ObjectName("default", "other")
        records.setService(other, NamedService(.addresses([Sample.ip("10.43.0.80")]), [NamedPort("", "tcp", 80)]))
        records.setService(web, nil)
        #expect(Sample.ask("80.0.43.10.in-addr.arpa", .ptr, records) == "NOERROR other.default.svc.cluster.local.")
        #expect(Sample.ask("web.default.svc.cluster.local", .a, records) == "NXDOMAIN")
        // A Service becomes an alias: the conformance suite does that.
        records.setService(other, NamedService(.alias(DNSName("foo.example.com")!), []))
        #expect(Sample.ask("other.default.svc.cluster.local", .cname, records) == "NOERROR ->foo.example.com.")
        #expect(Sample.ask("80.0.43.10.in-addr.arpa", .ptr, records) == "elsewhere")
        records.setSlice(ObjectName("default", "db-4"), nil)
        #expect(Sample.ask("db.default.svc.cluster.local", .a, records) == "NOERROR")
        #expect(Sample.ask("5.0.42.10.in-addr.arpa", .ptr, records) == "elsewhere")
        records.setSlice(ObjectName("default", "db-6"), nil)
        #expect(Sample.ask("db.default.svc.cluster.local", .a, records) == "NXDOMAIN")
        records.setNamespace("default", exists: false)
        #expect(Sample.ask("10-42-0-9.default.pod.cluster.local", .a, records) == "NXDOMAIN")
        #expect(records.serial != serial)
    }

    @Test func `what an answer costs does not grow with what there is beside it`() {
        var records = Sample.records
        let service = ObjectName("default", "wide")
        let ports = (1...20_000).map { NamedPort("p\($0)", "tcp", UInt16($0)) }
        records.setService(service, NamedService(.addresses([Sample.ip("10.43.0.99")]), ports))
        records.setService(ObjectName("default", "far-wide"), NamedService(.headless, ports))
        records.setSlice(
            ObjectName("default", "far-wide-1"),
            EndpointGroup(
                service: ObjectName("default", "far-wide"), ports: ports,
                members: (0..<250).map { .init(Netlink.IPAddress(10, 42, 7, UInt8($0)), hostname: "pod-\($0)") }))
        func answer(_ name: String, _ type: RecordType, _ limit: Int) -> DNSAnswer? {
            let question = DNSQuestion(DNSName(name + ".default.svc.cluster.local")!, type)
            guard case .answer(let answer) = records.verdict(question, limit: limit) else { return nil }
            return answer
        }
        let began = ContinuousClock.now
        for _ in 0..<20 {
            for name in ["wide", "far-wide"] {
                // More than fits is nothing, with the flag that says so.
                #expect(answer(name, .srv, 512) == DNSAnswer(isAuthoritative: true, isTruncated: true))
                #expect(answer(name, .srv, 65535)?.isTruncated == true)
            }
            #expect(answer("wide", .a, 512)?.answers.count == 1)
            #expect(answer("far-wide", .a, 512)?.isTruncated == true)
            #expect(answer("far-wide", .a, 4096)?.answers.count == 250)
            #expect(answer("far-wide", .aaaa, 512)?.answers == [])
            #expect(answer("pod-77.far-wide", .a, 512)?.answers.map(\.content) == [.address(Sample.ip("10.42.7.77"))])
        }
        // A debug build took half a minute for one round of these when it looked at every port of every endpoint.
        #expect(ContinuousClock.now - began < .seconds(10))
        #expect(
            Sample.ask("_p777._tcp.wide.default.svc.cluster.local", .srv, records)
                == "NOERROR 100:777:wide.default.svc.cluster.local.")
        #expect(
            Sample.ask("_p777._tcp.pod-7.far-wide.default.svc.cluster.local", .srv, records) == "NXDOMAIN")
        #expect(answer("_p777._tcp.far-wide", .srv, 65535)?.answers.count == 250)
    }

    @Test func `an answer that is cut says so, and is as short as can be`() throws {
        let question = DNSQuestion(DNSName("wide.default.svc.cluster.local")!, .srv)
        let bytes = DNSAnswer(isAuthoritative: true, isTruncated: true)
            .encoded(DNSQuery(id: 7, question), limit: 512)
        #expect(bytes.count < 60)
        #expect(bytes[2] & 0x02 != 0)
    }

    // MARK: Objects

    @Test func `long lists that are cached as text say what they said`() throws {
        let ports = (1...300).map { JSONValue.object(["name": .string("P\($0)"), "port": .integer(Int64($0))]) }
        let service = Service(json: [
            "metadata": ["name": "a", "namespace": "b"], "spec": ["clusterIP": "None", "ports": .array(ports)],
        ])
        let packed = service.packed("spec", "ports")
        #expect(packed.json["spec"]?["ports"]?.string != nil)
        let read = try #require(NamedService(packed.unpacked("spec", "ports")))
        #expect(read == NamedService(service))
        #expect(read.ports.named("p77", "tcp").map(\.number) == [77])
        let short = Service(json: ["spec": ["ports": [["port": 1]]]])
        #expect(short.packed("spec", "ports").json["spec"]?["ports"]?.array?.count == 1)
    }

    @Test func `services are read by their type`() {
        func read(_ spec: JSONObject) -> NamedService? {
            NamedService(Service(json: ["metadata": ["name": "a", "namespace": "b"], "spec": .object(spec)]))
        }
        let ports: JSONValue = [["name": "dns", "protocol": "UDP", "port": 53], ["port": 80]]
        #expect(
            read(["clusterIP": "10.43.0.1", "clusterIPs": ["10.43.0.1", "fd43::1"], "ports": ports])
                == NamedService(
                    .addresses([Sample.ip("10.43.0.1"), Sample.ip("fd43::1")]),
                    [NamedPort("dns", "udp", 53), NamedPort("", "tcp", 80)]))
        #expect(read(["clusterIP": "None", "clusterIPs": ["None"]])?.target == .headless)
        #expect(
            read(["type": "ExternalName", "externalName": "Foo.example.com."])?.target
                == .alias(DNSName("foo.example.com")!))
        #expect(read(["type": "ExternalName", "externalName": "a..b"]) == nil)
        #expect(read(["type": "ClusterIP"]) == nil)
    }

    @Test func `of a slice only ready endpoints count`() throws {
        let slice = EndpointSlice(json: [
            "metadata": [
                "name": "a-1", "namespace": "b", "labels": ["kubernetes.io/service-name": "a"],
            ],
            "addressType": "IPv4", "ports": [["name": "x", "protocol": "TCP", "port": 8080]],
            "endpoints": [
                ["addresses": ["10.42.0.1"], "conditions": ["ready": true], "hostname": "one"],
                ["addresses": ["10.42.0.2"], "conditions": ["ready": false]], ["addresses": ["10.42.0.3"]],
            ],
        ])
        let group = try #require(EndpointGroup(slice))
        #expect(group.members.map(\.label) == ["10-42-0-3", "one"])
        #expect(group.service == ObjectName("b", "a"))
        #expect(group.ports == [NamedPort("x", "tcp", 8080)])
    }

    @Test func `a node's slice leads to its own server, for its own pods first`() throws {
        let slice = Registration.slice(
            "node-1", uid: "u", .v6, [Sample.ip("fd42::1")],
            [NamedPort("dns", "udp", 10053), NamedPort("dns-tcp", "tcp", 10053)])
        let group = try #require(EndpointGroup(slice))
        #expect(group.service == ClusterRecords.dnsService)
        #expect(group.members.map(\.address) == [Sample.ip("fd42::1")])
        #expect(group.ports.map(\.transport) == ["udp", "tcp"])
        #expect(slice.endpoints[0].hints?.forNodes.map(\.name) == ["node-1"])
        #expect(slice.endpoints[0].nodeName == "node-1")
        #expect(slice.addressType == "IPv6")
    }
}
