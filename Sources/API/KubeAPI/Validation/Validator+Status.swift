// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema

/// Addresses that nodes report: proxies, DNS and clients connect to them.
extension Validator {
    /// The addresses of a pod and of its machine. What the object had before stays good.
    mutating func podStatus(_ pod: JSONValue) {
        let (now, before) = (pod["status"], old?["status"])
        for (list, single) in [("podIPs", "podIP"), ("hostIPs", "hostIP")] {
            let addresses = now?[list]?.array ?? []
            let one = now?[single]?.string ?? ""
            guard !addresses.isEmpty || !one.isEmpty else { continue }
            var known = Set((before?[list]?.array ?? []).compactMap { $0["ip"]?.string })
            if let text = before?[single]?.string { known.insert(text) }
            let path = FieldPath("status")
            for (index, address) in addresses.enumerated() {
                let text = address["ip"]?.string ?? ""
                if !known.contains(text) { self.address(text, path[list][index]) }
            }
            if !one.isEmpty, !known.contains(one) { address(one, path[single]) }
        }
    }

    /// The addresses of a node have no zones, which mean something on one machine alone. What the object had before stays
    /// good.
    mutating func nodeStatus(_ node: JSONValue) {
        let path = FieldPath("status")["addresses"]
        let known = Set((old?["status"]?["addresses"]?.array ?? []).compactMap { $0["address"]?.string })
        for (index, item) in (node["status"]?["addresses"]?.array ?? []).enumerated() {
            guard ["InternalIP", "ExternalIP"].contains(item["type"]?.string ?? "") else { continue }
            let text = item["address"]?.string ?? ""
            if text.contains("%"), !known.contains(text) { address(text, path[index]["address"]) }
        }
    }

    /// A namespace ends by being deleted, and not otherwise.
    mutating func namespaceStatus(_ namespace: JSONValue) {
        let phase = namespace["status"]?["phase"]?.string ?? ""
        let isGoing = namespace["metadata"]?["deletionTimestamp"] != nil
        guard phase != (isGoing ? "Terminating" : "Active") else { return }
        add(
            .invalid(
                FieldPath("status")["Phase"], phase,
                isGoing
                    ? "may only be 'Terminating' if `deletionTimestamp` is not empty"
                    : "may only be 'Active' if `deletionTimestamp` is empty"))
    }

    mutating func namespaceFinalizers(_ namespace: JSONValue) {
        let path = FieldPath("spec")["finalizers"]
        for (index, finalizer) in (namespace["spec"]?["finalizers"]?.array ?? []).enumerated() {
            finalizers([finalizer], path[index])
        }
    }
}
