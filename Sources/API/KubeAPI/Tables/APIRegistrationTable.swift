// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.kube-aggregator.pkg.apis.apiregistration.v1`.
    static let apiRegistration = #"""
        APIService
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 APIServiceSpec always
          status 3 APIServiceStatus always
        APIServiceCondition
          type 1 string required always
          status 2 string required always
          lastTransitionTime 3 time always
          reason 4 string
          message 5 string
        APIServiceList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []APIService required always
        APIServiceSpec
          service 1 ServiceReference pointer
          group 2 string
          version 3 string
          insecureSkipTLSVerify 4 bool
          caBundle 5 bytes list=atomic
          groupPriorityMinimum 7 int32 required always
          versionPriority 8 int32 required always
        APIServiceStatus
          conditions 1 []APIServiceCondition list=map(type) patch=merge(type)
        ServiceReference
          namespace 1 string
          name 2 string
          port 3 int32 pointer default=443
        """#
}
