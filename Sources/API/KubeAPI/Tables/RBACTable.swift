// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.rbac.v1`.
    static let rbac = #"""
        AggregationRule
          clusterRoleSelectors 1 []meta/LabelSelector list=atomic
        ClusterRole
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          rules 2 []PolicyRule always list=atomic
          aggregationRule 3 AggregationRule pointer
        ClusterRoleBinding
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          subjects 2 []Subject list=atomic
          roleRef 3 RoleRef required always
        ClusterRoleBindingList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []ClusterRoleBinding required always
        ClusterRoleList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []ClusterRole required always
        PolicyRule
          verbs 1 []string required always list=atomic
          apiGroups 2 []string list=atomic
          resources 3 []string list=atomic
          resourceNames 4 []string list=atomic
          nonResourceURLs 5 []string list=atomic
        Role
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          rules 2 []PolicyRule always list=atomic
        RoleBinding
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          subjects 2 []Subject list=atomic
          roleRef 3 RoleRef required always
        RoleBindingList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []RoleBinding required always
        RoleList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []Role required always
        RoleRef atomic
          apiGroup 1 string always default="rbac.authorization.k8s.io"
          kind 2 string required always
          name 3 string required always
        Subject atomic
          kind 1 string required always
          apiGroup 2 string
          name 3 string required always
          namespace 4 string
        """#
}
