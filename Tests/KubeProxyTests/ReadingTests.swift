// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import Netlink
import Testing

@testable import KubeProxy

private func service(_ text: String) throws -> Service {
    Service(json: try #require(JSONValue.parse(Array(text.utf8)).object))
}

private func slice(_ text: String) throws -> EndpointSlice {
    EndpointSlice(json: try #require(JSONValue.parse(Array(text.utf8)).object))
}

struct ReadingTests {
    @Test func `a dual-stack service has its ports in both families`() throws {
        let service = try service(
            """
            {"metadata":{"name":"web","namespace":"shop"},"spec":{"type":"LoadBalancer","clusterIP":"10.43.0.9",
            "clusterIPs":["10.43.0.9","fd43::9"],"externalIPs":["203.0.113.5","2001:db8::5"],
            "externalTrafficPolicy":"Local","healthCheckNodePort":31000,"sessionAffinity":"ClientIP",
            "sessionAffinityConfig":{"clientIP":{"timeoutSeconds":90}},"loadBalancerSourceRanges":[" 10.0.0.0/8 ","::/0"],
            "ports":[{"name":"http","port":80,"nodePort":30080,"protocol":"TCP"},{"name":"dns","port":53,"protocol":"UDP"}]},
            "status":{"loadBalancer":{"ingress":[{"ip":"203.0.113.7"},{"ip":"203.0.113.8","ipMode":"Proxy"}]}}}
            """)
        let v4 = ServicePortSpec.read(service, .v4)
        #expect(v4.map(\.name.description) == ["shop/web:http", "shop/web:dns"])
        #expect(v4[0].clusterIP == Netlink.IPAddress("10.43.0.9"))
        #expect(v4[0].nodePort == 30080 && v4[1].nodePort == 0)
        #expect(v4[0].externalIPs.map(\.description) == ["203.0.113.5"])
        #expect(v4[0].loadBalancerIPs.map(\.description) == ["203.0.113.7"])
        #expect(v4[0].affinitySeconds == 90)
        #expect(v4[0].externalLocal && !v4[0].internalLocal)
        #expect(v4[0].healthCheckNodePort == 31000)
        #expect(v4[0].sourceRanges.map(\.description) == ["10.0.0.0/8", "::/0"])
        #expect(v4[1].name.protocolNumber == 17)
        let v6 = ServicePortSpec.read(service, .v6)
        #expect(v6[0].clusterIP == Netlink.IPAddress("fd43::9"))
        #expect(v6[0].loadBalancerIPs.isEmpty)
    }

    @Test(arguments: [
        #"{"metadata":{"name":"a"},"spec":{"clusterIP":"None","clusterIPs":["None"],"ports":[{"port":80}]}}"#,
        #"{"metadata":{"name":"a"},"spec":{"type":"ExternalName","externalName":"example.com","ports":[{"port":80}]}}"#,
        #"{"metadata":{"name":"a"},"spec":{"clusterIP":"fd43::1","ports":[{"port":80}]}}"#,
        #"{"metadata":{"name":"a"},"spec":{"ports":[{"port":80}]}}"#,
    ])
    func `headless, external-name and foreign services have no ports here`(_ text: String) throws {
        #expect(ServicePortSpec.read(try service(text), .v4).isEmpty)
    }

    @Test func `endpoints are read with their conditions, and overlapping slices merge`() throws {
        let first = try slice(
            """
            {"addressType":"IPv4","metadata":{"name":"a","namespace":"shop","labels":{"kubernetes.io/service-name":"web"}},
            "ports":[{"name":"http","port":8080,"protocol":"TCP"},{"name":"dns","port":53,"protocol":"UDP"}],
            "endpoints":[{"addresses":["10.42.0.5"],"nodeName":"here","conditions":{"ready":true}},
            {"addresses":["10.42.1.5"],"nodeName":"there","conditions":{"ready":false,"serving":true,"terminating":true}},
            {"addresses":["10.42.1.6"]}]}
            """)
        let second = try slice(
            """
            {"addressType":"IPv4","metadata":{"name":"b","namespace":"shop","labels":{"kubernetes.io/service-name":"web"}},
            "ports":[{"name":"http","port":8080}],
            "endpoints":[{"addresses":["10.42.1.5"],"conditions":{"ready":true}},{"addresses":["10.42.0.5"],"conditions":{"ready":false}}]}
            """)
        let six = try slice(
            #"{"addressType":"IPv6","metadata":{"name":"c"},"ports":[{"port":1}],"endpoints":[{"addresses":["fd42::1"]}]}"#
        )
        #expect(EndpointSpec.service(of: first) == ServiceKey("shop", "web"))
        #expect(EndpointSpec.service(of: six) == nil)
        let found = EndpointSpec.read([first, second, six], .v4, node: "here")
        let http = found[.init("http", 6)]
        #expect(http.map(\.address.description) == ["10.42.0.5", "10.42.1.5", "10.42.1.6"])
        #expect(http.map(\.ready) == [true, true, true])
        #expect(http.map(\.isLocal) == [true, false, false])
        let dns = found[.init("dns", 17)]
        #expect(dns[1].serving && dns[1].terminating && !dns[1].ready)
        #expect(EndpointSpec.read([six], .v6, node: "here")[.init("", 6)].count == 1)
    }

    @Test func `the configuration reads upstream's document`() throws {
        let text = """
            apiVersion: kubeproxy.config.k8s.io/v1alpha1
            kind: KubeProxyConfiguration
            mode: nftables
            hostnameOverride: n1
            clusterCIDR: 10.42.0.0/16,fd42::/48
            nodePortAddresses: ["10.0.0.0/8"]
            conntrack: {maxPerCore: 0, tcpEstablishedTimeout: 1h30m, min: null}
            nftables: {masqueradeAll: true, masqueradeBit: 15, syncPeriod: 1m, minSyncPeriod: 500ms}
            ipvs: {scheduler: rr}
            """
        let configuration = try ProxyConfiguration(yaml: Array(text.utf8))
        #expect(configuration.hostname == "n1")
        #expect(configuration.rules.localTraffic == .blocks([IPPrefix("10.42.0.0/16")!, IPPrefix("fd42::/48")!]))
        #expect(configuration.rules.nodePortAddresses == .blocks([IPPrefix("10.0.0.0/8")!]))
        #expect(configuration.rules.masqueradeAll)
        #expect(configuration.rules.masqueradeBit == 15)
        #expect(configuration.syncPeriod == .seconds(60))
        #expect(configuration.minSyncPeriod == .milliseconds(500))
        #expect(configuration.conntrack.tcpEstablishedTimeout == .seconds(5400))
    }

    @Test func `pods are told by their interfaces where the configuration says so`() throws {
        let head = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n"
        func read(_ text: String) throws -> LocalTraffic {
            try ProxyConfiguration(yaml: Array((head + text).utf8)).rules.localTraffic
        }
        #expect(
            try read("detectLocalMode: InterfaceNamePrefix\ndetectLocal: {interfaceNamePrefix: veth}")
                == .interfacePrefix("veth"))
        #expect(
            try read("detectLocalMode: BridgeInterface\ndetectLocal: {bridgeInterface: br0}") == .bridge("br0"))
    }

    @Test(arguments: [
        ("kind: Pod", "expected kubeproxy.config.k8s.io/v1alpha1 KubeProxyConfiguration, found no apiVersion Pod"),
        ("mode: userspace", "mode: \"userspace\" is not a mode of this proxy"),
        ("colour: red", "unknown field \"colour\""),
        ("clusterCIDR: 10.0.0.0", "clusterCIDR: \"10.0.0.0\" is no CIDR"),
        ("nftables: {syncPeriod: soon}", "nftables.syncPeriod: expected a duration such as \"30s\""),
        ("nodePortAddresses: [primary, 10.0.0.0/8]", "nodePortAddresses: \"primary\" stands alone"),
        (
            "detectLocalMode: InterfaceNamePrefix",
            "detectLocal.interfaceNamePrefix: needed for mode InterfaceNamePrefix"
        ),
    ])
    func `a wrong configuration is refused by name`(_ line: String, _ reason: String) {
        let head = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n"
        let text = line.hasPrefix("kind") ? line : head + line
        let error = #expect(throws: ProxyConfigurationError.self) {
            try ProxyConfiguration(yaml: Array(text.utf8))
        }
        #expect(error?.description == "kube-proxy configuration: \(reason)")
    }
}
