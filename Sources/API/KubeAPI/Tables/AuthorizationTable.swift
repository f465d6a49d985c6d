// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.authorization.v1`.
    static let authorization = #"""
        FieldSelectorAttributes
          rawSelector 1 string
          requirements 2 []meta/FieldSelectorRequirement list=atomic
        LabelSelectorAttributes
          rawSelector 1 string
          requirements 2 []meta/LabelSelectorRequirement list=atomic
        LocalSubjectAccessReview
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 SubjectAccessReviewSpec required always
          status 3 SubjectAccessReviewStatus always
        NonResourceAttributes
          path 1 string
          verb 2 string
        NonResourceRule
          verbs 1 []string required always list=atomic
          nonResourceURLs 2 []string list=atomic
        ResourceAttributes
          namespace 1 string
          verb 2 string
          group 3 string
          version 4 string
          resource 5 string
          subresource 6 string
          name 7 string
          fieldSelector 8 FieldSelectorAttributes pointer
          labelSelector 9 LabelSelectorAttributes pointer
        ResourceRule
          verbs 1 []string required always list=atomic
          apiGroups 2 []string list=atomic
          resources 3 []string list=atomic
          resourceNames 4 []string list=atomic
        SelfSubjectAccessReview
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 SelfSubjectAccessReviewSpec required always
          status 3 SubjectAccessReviewStatus always
        SelfSubjectAccessReviewSpec
          resourceAttributes 1 ResourceAttributes pointer
          nonResourceAttributes 2 NonResourceAttributes pointer
        SelfSubjectRulesReview
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 SelfSubjectRulesReviewSpec required always
          status 3 SubjectRulesReviewStatus always
        SelfSubjectRulesReviewSpec
          namespace 1 string
        SubjectAccessReview
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 SubjectAccessReviewSpec required always
          status 3 SubjectAccessReviewStatus always
        SubjectAccessReviewSpec
          resourceAttributes 1 ResourceAttributes pointer
          nonResourceAttributes 2 NonResourceAttributes pointer
          user 3 string
          groups 4 []string list=atomic
          extra 5 {}[]string
          uid 6 string
        SubjectAccessReviewStatus
          allowed 1 bool required always
          denied 4 bool
          reason 2 string
          evaluationError 3 string
        SubjectRulesReviewStatus
          resourceRules 1 []ResourceRule required always list=atomic
          nonResourceRules 2 []NonResourceRule required always list=atomic
          incomplete 3 bool required always
          evaluationError 4 string
        """#
}
