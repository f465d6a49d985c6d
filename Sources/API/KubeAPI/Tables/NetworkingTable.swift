// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.networking.v1`.
    static let networking = #"""
        HTTPIngressPath
          path 1 string
          pathType 3 string required pointer
          backend 2 IngressBackend required always
        HTTPIngressRuleValue
          paths 1 []HTTPIngressPath required always list=atomic
        IPAddress
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 IPAddressSpec required always
        IPAddressList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []IPAddress required always
        IPAddressSpec
          parentRef 1 ParentReference required pointer
        IPBlock
          cidr 1 string required always
          except 2 []string list=atomic
        Ingress
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 IngressSpec always
          status 3 IngressStatus always
        IngressBackend
          service 4 IngressServiceBackend pointer
          resource 3 core/TypedLocalObjectReference pointer
        IngressClass
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 IngressClassSpec always
        IngressClassList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []IngressClass required always
        IngressClassParametersReference
          apiGroup 1 string pointer
          kind 2 string required always
          name 3 string required always
          scope 4 string pointer
          namespace 5 string pointer
        IngressClassSpec
          controller 1 string
          parameters 2 IngressClassParametersReference pointer
        IngressList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []Ingress required always
        IngressLoadBalancerIngress
          ip 1 string
          hostname 2 string
          ports 4 []IngressPortStatus list=atomic
        IngressLoadBalancerStatus
          ingress 1 []IngressLoadBalancerIngress list=atomic
        IngressPortStatus
          port 1 int32 required always
          protocol 2 string required always enum=TCP|UDP|SCTP
          error 3 string pointer
        IngressRule
          host 1 string
          http 2.1 HTTPIngressRuleValue pointer
        IngressRuleValue
          http 1 HTTPIngressRuleValue pointer
        IngressServiceBackend
          name 1 string required always
          port 2 ServiceBackendPort always
        IngressSpec
          ingressClassName 4 string pointer
          defaultBackend 1 IngressBackend pointer
          tls 2 []IngressTLS list=atomic
          rules 3 []IngressRule list=atomic
        IngressStatus
          loadBalancer 1 IngressLoadBalancerStatus always
        IngressTLS
          hosts 1 []string list=atomic
          secretName 2 string
        NetworkPolicy
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 NetworkPolicySpec always
        NetworkPolicyEgressRule
          ports 1 []NetworkPolicyPort list=atomic
          to 2 []NetworkPolicyPeer list=atomic
        NetworkPolicyIngressRule
          ports 1 []NetworkPolicyPort list=atomic
          from 2 []NetworkPolicyPeer list=atomic
        NetworkPolicyList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []NetworkPolicy required always
        NetworkPolicyPeer
          podSelector 1 meta/LabelSelector pointer
          namespaceSelector 2 meta/LabelSelector pointer
          ipBlock 3 IPBlock pointer
        NetworkPolicyPort
          protocol 1 string pointer enum=TCP|UDP|SCTP default="TCP"
          port 2 intOrString pointer
          endPort 3 int32 pointer
        NetworkPolicySpec
          podSelector 1 meta/LabelSelector always
          ingress 2 []NetworkPolicyIngressRule list=atomic
          egress 3 []NetworkPolicyEgressRule list=atomic
          policyTypes 4 []string list=atomic enum=Ingress|Egress
        ParentReference
          group 1 string
          resource 2 string required
          namespace 3 string
          name 4 string required
        ServiceBackendPort atomic
          name 1 string
          number 2 int32
        ServiceCIDR
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 ServiceCIDRSpec always
          status 3 ServiceCIDRStatus always
        ServiceCIDRList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []ServiceCIDR required always
        ServiceCIDRSpec
          cidrs 1 []string list=atomic
        ServiceCIDRStatus
          conditions 1 []meta/Condition list=map(type) patch=merge(type)
        """#
}
