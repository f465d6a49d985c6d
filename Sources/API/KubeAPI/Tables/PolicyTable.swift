// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.policy.v1`.
    static let policy = #"""
        Eviction
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          deleteOptions 2 meta/DeleteOptions pointer
        PodDisruptionBudget
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 PodDisruptionBudgetSpec always
          status 3 PodDisruptionBudgetStatus always
        PodDisruptionBudgetList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []PodDisruptionBudget required always
        PodDisruptionBudgetSpec
          minAvailable 1 intOrString pointer
          selector 2 meta/LabelSelector pointer patch=replace
          maxUnavailable 3 intOrString pointer
          unhealthyPodEvictionPolicy 4 string pointer enum=IfHealthyBudget|AlwaysAllow
        PodDisruptionBudgetStatus
          observedGeneration 1 int64
          disruptedPods 2 {}time
          disruptionsAllowed 3 int32 always
          currentHealthy 4 int32 always
          desiredHealthy 5 int32 always
          expectedPods 6 int32 always
          conditions 7 []meta/Condition list=map(type) patch=merge(type)
        """#
}
