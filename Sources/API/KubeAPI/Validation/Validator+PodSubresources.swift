// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema

extension Validator {
    /// `pods/ephemeralcontainers`: containers may be added, never changed or removed.
    mutating func ephemeralContainersUpdate(_ pod: JSONValue) {
        if old?["metadata"]?["annotations"]?["kubernetes.io/config.mirror"] != nil {
            add(.forbidden(FieldPath(""), "static pods do not support ephemeral containers"))
            return
        }
        podSpec(pod["spec"] ?? [:], FieldPath("spec"))
        let path = FieldPath("spec")["ephemeralContainers"]
        let now = Dictionary(
            (pod["spec"]?["ephemeralContainers"]?.array ?? []).map { ($0["name"] ?? .null, $0) }
        ) { first, _ in first }
        for before in old?["spec"]?["ephemeralContainers"]?.array ?? [] {
            let name = before["name"]?.string ?? ""
            guard let after = now[before["name"] ?? .null] else {
                add(.forbidden(path, "existing ephemeral containers \(name.quoted) may not be removed\n"))
                continue
            }
            if !Self.same(before, after) {
                add(
                    .forbidden(
                        path,
                        "existing ephemeral containers \(name.quoted) may not be changed\n"
                            + Self.difference(before, after)))
            }
        }
    }

    /// `pods/resize`: only the CPU and memory of containers, and of the pod as a whole, may change.
    mutating func podResize(_ pod: JSONValue) {
        let path = FieldPath("spec")
        podSpec(pod["spec"] ?? [:], path)
        guard let before = old?["spec"], var after = pod["spec"] else { return }
        for list in ["containers", "initContainers"] {
            let now = after[list]?.array ?? []
            let then = before[list]?.array ?? []
            guard now.count == then.count else {
                add(.forbidden(path[list], "\(list) may not be added or removed on resize"))
                return
            }
            for (index, (new, previous)) in zip(now, then).enumerated() {
                guard new["name"] == previous["name"] else {
                    add(.forbidden(path[list][index]["name"], "\(list) may not be renamed or reordered on resize"))
                    return
                }
                let place = path[list][index]["resources"]
                var settled = new["resources"] ?? [:]
                for kind in ["requests", "limits"] {
                    let had = previous["resources"]?[kind]
                    if had?.isPresent == true, settled[kind]?.isPresent != true {
                        add(.forbidden(place[kind], "resource \(kind) cannot be removed"))
                    }
                    var amounts = settled[kind]?.object ?? [:]
                    for name in ["cpu", "memory"] { amounts[name] = had?[name] }
                    settled[kind] = .object(amounts)
                }
                if Self.same(settled, previous["resources"]) {
                    after[list]?[index]?["resources"] = previous["resources"]
                }
            }
        }
        if !resizeOfWhole(&after, before, path) { return }
        if !Self.same(after, before) {
            add(.forbidden(path, "only cpu and memory resources are mutable\n" + Self.difference(before, after)))
        }
    }
    /// Takes what may change of the pod as a whole out of `after`; false when it was taken away altogether.
    private mutating func resizeOfWhole(_ after: inout JSONValue, _ before: JSONValue, _ path: FieldPath) -> Bool {
        guard let previous = before["resources"], previous.object != nil else { return true }
        guard var settled = after["resources"], settled.object != nil else {
            add(.forbidden(path["resources"], "pod-level resources cannot be removed"))
            return false
        }
        for kind in ["requests", "limits"] {
            let had = previous[kind]?.object ?? [:]
            var amounts = settled[kind]?.object ?? [:]
            if had.contains(where: { amounts[$0.key] == nil }) {
                add(.forbidden(path["resources"][kind], "pod-level resource \(kind) cannot be removed"))
            }
            for name in ["cpu", "memory"] { amounts[name] = had[name] }
            settled[kind] = amounts.isEmpty && previous[kind] == nil ? nil : .object(amounts)
        }
        if Self.same(settled, previous) { after["resources"] = previous }
        return true
    }
}
