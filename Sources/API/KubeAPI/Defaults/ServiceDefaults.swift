// SPDX-License-Identifier: Apache-2.0

internal import JSON

enum ServiceDefaults {
    /// How long a client keeps its endpoint, in seconds.
    private static let affinitySeconds: Int64 = 10_800

    @Sendable static func service(_ service: inout JSONObject) {
        var type = ""
        service.change("spec", creating: true) { spec in
            affinity(&spec)
            spec.fill("type", "ClusterIP")
            type = spec["type"]?.string ?? ""
            spec.changeEach("ports") { port in
                port.fill("protocol", "TCP")
                switch port["targetPort"] {
                case nil, .null?, .integer(0)?, .string("")?: port["targetPort"] = port["port"]
                default: break
                }
            }
            let isExternal = type == "NodePort" || type == "LoadBalancer"
            let hasExternalAddress = type == "ClusterIP" && !spec.isEmptyOrAbsent("externalIPs")
            if isExternal || hasExternalAddress { spec.fill("externalTrafficPolicy", "Cluster") }
            if isExternal || type == "ClusterIP" { spec.fill("internalTrafficPolicy", "Cluster") }
            if type == "LoadBalancer" { spec.fill("allocateLoadBalancerNodePorts", true) }
        }
        guard type == "LoadBalancer" else { return }
        service.change("status") { status in
            status.change("loadBalancer") { balancer in
                balancer.changeEach("ingress") { ingress in
                    if !ingress.isEmptyOrAbsent("ip") { ingress.fill("ipMode", "VIP") }
                }
            }
        }
    }

    private static func affinity(_ spec: inout JSONObject) {
        spec.fill("sessionAffinity", "None")
        switch spec["sessionAffinity"]?.string {
        case "None": spec["sessionAffinityConfig"] = nil
        case "ClientIP":
            if spec["sessionAffinityConfig"]?["clientIP"]?["timeoutSeconds"]?.integer == nil {
                spec["sessionAffinityConfig"] = ["clientIP": ["timeoutSeconds": .integer(affinitySeconds)]]
            }
        default: break
        }
    }
}
