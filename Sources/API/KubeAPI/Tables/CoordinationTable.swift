// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.coordination.v1`.
    static let coordination = #"""
        Lease
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 LeaseSpec always
        LeaseList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []Lease required always
        LeaseSpec
          holderIdentity 1 string pointer
          leaseDurationSeconds 2 int32 pointer
          acquireTime 3 microTime pointer
          renewTime 4 microTime pointer
          leaseTransitions 5 int32 pointer
          strategy 6 string pointer
          preferredHolder 7 string pointer
        """#
}
