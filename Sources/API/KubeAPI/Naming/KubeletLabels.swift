// SPDX-License-Identifier: Apache-2.0

/// Which labels of a Node its kubelet may set. By the others administrators choose where their workloads go.
public enum KubeletLabels {
    /// The labels among `names` that a kubelet may not set: those of `node-restriction.kubernetes.io`, and of Kubernetes' own
    /// all but what a kubelet knows of its machine.
    public static func forbidden(_ names: [String]) -> [String] {
        names.filter { name in
            let domain = domain(of: name)
            if isWithin(domain, "node-restriction.kubernetes.io") { return true }
            guard isWithin(domain, "kubernetes.io") || isWithin(domain, "k8s.io") else { return false }
            return !known.contains(name)
                && !isWithin(domain, "kubelet.kubernetes.io") && !isWithin(domain, "node.kubernetes.io")
        }
    }

    /// By bytes: to Swift a slash with an accent is no slash.
    private static func domain(of name: String) -> String {
        guard let slash = name.utf8.firstIndex(of: 0x2f) else { return "" }
        return String(decoding: name.utf8[..<slash], as: UTF8.self)
    }

    private static func isWithin(_ domain: String, _ parent: String) -> Bool {
        domain == parent || domain.hasSuffix(".\(parent)")
    }

    private static let known: Set<String> = [
        "kubernetes.io/hostname", "topology.kubernetes.io/zone", "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region",
        "beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type", "kubernetes.io/os",
        "kubernetes.io/arch", "beta.kubernetes.io/os", "beta.kubernetes.io/arch",
    ]
}
