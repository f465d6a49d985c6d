// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.scheduling.v1`.
    static let scheduling = #"""
        PriorityClass
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          value 2 int32 always
          globalDefault 3 bool
          description 4 string
          preemptionPolicy 5 string pointer enum=PreemptLowerPriority|Never default="PreemptLowerPriority"
        PriorityClassList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []PriorityClass required always
        """#
}
