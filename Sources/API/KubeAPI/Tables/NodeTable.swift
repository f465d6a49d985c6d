// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.node.v1`.
    static let node = #"""
        Overhead
          podFixed 1 {}quantity
        RuntimeClass
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          handler 2 string required always
          overhead 3 Overhead pointer
          scheduling 4 Scheduling pointer
        RuntimeClassList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []RuntimeClass required always
        Scheduling
          nodeSelector 1 {}string atomic
          tolerations 2 []core/Toleration list=atomic
        """#
}
