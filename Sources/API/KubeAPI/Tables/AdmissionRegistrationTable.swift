// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.admissionregistration.v1`.
    static let admissionRegistration = #"""
        ApplyConfiguration
          expression 1 string
        AuditAnnotation
          key 1 string required always
          valueExpression 2 string required always
        ExpressionWarning
          fieldRef 2 string required always
          warning 3 string required always
        JSONPatch
          expression 1 string
        MatchCondition
          name 1 string required always
          expression 2 string required always
        MatchResources atomic
          namespaceSelector 1 meta/LabelSelector pointer default={}
          objectSelector 2 meta/LabelSelector pointer default={}
          resourceRules 3 []NamedRuleWithOperations list=atomic
          excludeResourceRules 4 []NamedRuleWithOperations list=atomic
          matchPolicy 7 string pointer enum=Exact|Equivalent default="Equivalent"
        MutatingAdmissionPolicy
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 MutatingAdmissionPolicySpec always
        MutatingAdmissionPolicyBinding
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 MutatingAdmissionPolicyBindingSpec always
        MutatingAdmissionPolicyBindingList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []MutatingAdmissionPolicyBinding required always
        MutatingAdmissionPolicyBindingSpec
          policyName 1 string
          paramRef 2 ParamRef pointer
          matchResources 3 MatchResources pointer
        MutatingAdmissionPolicyList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []MutatingAdmissionPolicy required always
        MutatingAdmissionPolicySpec
          paramKind 1 ParamKind pointer
          matchConstraints 2 MatchResources pointer
          variables 3 []Variable list=atomic
          mutations 4 []Mutation list=atomic
          failurePolicy 5 string pointer enum=Ignore|Fail default="Fail"
          matchConditions 6 []MatchCondition list=map(name) patch=merge(name)
          reinvocationPolicy 7 string enum=Never|IfNeeded
        MutatingWebhook
          name 1 string required always
          clientConfig 2 WebhookClientConfig required always
          rules 3 []RuleWithOperations list=atomic
          failurePolicy 4 string pointer enum=Ignore|Fail default="Fail"
          matchPolicy 9 string pointer enum=Exact|Equivalent default="Equivalent"
          namespaceSelector 5 meta/LabelSelector pointer default={}
          objectSelector 11 meta/LabelSelector pointer default={}
          sideEffects 6 string required pointer enum=Unknown|None|Some|NoneOnDryRun
          timeoutSeconds 7 int32 pointer default=10
          admissionReviewVersions 8 []string required always list=atomic
          reinvocationPolicy 10 string pointer enum=Never|IfNeeded default="Never"
          matchConditions 12 []MatchCondition list=map(name) patch=merge(name)
        MutatingWebhookConfiguration
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          webhooks 2 []MutatingWebhook list=map(name) patch=merge(name)
        MutatingWebhookConfigurationList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []MutatingWebhookConfiguration required always
        Mutation
          patchType 2 string required always enum=ApplyConfiguration|JSONPatch
          applyConfiguration 3 ApplyConfiguration pointer
          jsonPatch 4 JSONPatch pointer
        NamedRuleWithOperations atomic
          resourceNames 1 []string list=atomic
          operations 2.1 []string list=atomic enum=*|CREATE|UPDATE|DELETE|CONNECT
          apiGroups 2.1 []string list=atomic
          apiVersions 2.2 []string list=atomic
          resources 2.3 []string list=atomic
          scope 2.4 string pointer enum=Cluster|Namespaced|* default="*"
        ParamKind atomic
          apiVersion 1 string
          kind 2 string
        ParamRef atomic
          name 1 string
          namespace 2 string
          selector 3 meta/LabelSelector pointer
          parameterNotFoundAction 4 string pointer
        Rule
          apiGroups 1 []string list=atomic
          apiVersions 2 []string list=atomic
          resources 3 []string list=atomic
          scope 4 string pointer enum=Cluster|Namespaced|*
        RuleWithOperations
          operations 1 []string list=atomic enum=*|CREATE|UPDATE|DELETE|CONNECT
          apiGroups 2.1 []string list=atomic
          apiVersions 2.2 []string list=atomic
          resources 2.3 []string list=atomic
          scope 2.4 string pointer enum=Cluster|Namespaced|* default="*"
        ServiceReference
          namespace 1 string required always
          name 2 string required always
          path 3 string pointer
          port 4 int32 pointer default=443
        TypeChecking
          expressionWarnings 1 []ExpressionWarning list=atomic
        ValidatingAdmissionPolicy
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 ValidatingAdmissionPolicySpec always
          status 3 ValidatingAdmissionPolicyStatus always
        ValidatingAdmissionPolicyBinding
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 ValidatingAdmissionPolicyBindingSpec required always
        ValidatingAdmissionPolicyBindingList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []ValidatingAdmissionPolicyBinding required always
        ValidatingAdmissionPolicyBindingSpec
          policyName 1 string required
          paramRef 2 ParamRef pointer
          matchResources 3 MatchResources pointer
          validationActions 4 []string required list=set enum=Deny|Warn|Audit
        ValidatingAdmissionPolicyList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []ValidatingAdmissionPolicy required always
        ValidatingAdmissionPolicySpec
          paramKind 1 ParamKind pointer
          matchConstraints 2 MatchResources pointer
          validations 3 []Validation list=atomic
          failurePolicy 4 string pointer enum=Ignore|Fail default="Fail"
          auditAnnotations 5 []AuditAnnotation list=atomic
          matchConditions 6 []MatchCondition list=map(name) patch=merge(name)
          variables 7 []Variable list=map(name) patch=merge(name)
        ValidatingAdmissionPolicyStatus
          observedGeneration 1 int64
          typeChecking 2 TypeChecking pointer
          conditions 3 []meta/Condition list=map(type)
        ValidatingWebhook
          name 1 string required always
          clientConfig 2 WebhookClientConfig required always
          rules 3 []RuleWithOperations list=atomic
          failurePolicy 4 string pointer enum=Ignore|Fail default="Fail"
          matchPolicy 9 string pointer enum=Exact|Equivalent default="Equivalent"
          namespaceSelector 5 meta/LabelSelector pointer default={}
          objectSelector 10 meta/LabelSelector pointer default={}
          sideEffects 6 string required pointer enum=Unknown|None|Some|NoneOnDryRun
          timeoutSeconds 7 int32 pointer default=10
          admissionReviewVersions 8 []string required always list=atomic
          matchConditions 11 []MatchCondition list=map(name) patch=merge(name)
        ValidatingWebhookConfiguration
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          webhooks 2 []ValidatingWebhook list=map(name) patch=merge(name)
        ValidatingWebhookConfigurationList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []ValidatingWebhookConfiguration required always
        Validation
          expression 1 string required always
          message 2 string
          reason 3 string pointer
          messageExpression 4 string
        Variable atomic
          name 1 string required always
          expression 2 string required always
        WebhookClientConfig
          url 3 string pointer
          service 1 ServiceReference pointer
          caBundle 2 bytes
        """#
}
