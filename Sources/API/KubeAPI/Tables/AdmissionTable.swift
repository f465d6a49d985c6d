// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.admission.v1`.
    static let admission = #"""
        AdmissionRequest
          uid 1 string always
          kind 2 meta/GroupVersionKind always
          resource 3 meta/GroupVersionResource always
          subResource 4 string
          requestKind 13 meta/GroupVersionKind pointer
          requestResource 14 meta/GroupVersionResource pointer
          requestSubResource 15 string
          name 5 string
          namespace 6 string
          operation 7 string always
          userInfo 8 authentication/UserInfo always
          object 9 raw
          oldObject 10 raw
          dryRun 11 bool pointer
          options 12 raw
        AdmissionResponse
          uid 1 string always
          allowed 2 bool always
          status 3 meta/Status pointer
          patch 4 bytes
          patchType 5 string pointer
          auditAnnotations 6 {}string
          warnings 7 []string list=atomic
        AdmissionReview
          kind 0 string
          apiVersion 0 string
          request 1 AdmissionRequest pointer
          response 2 AdmissionResponse pointer
        """#
}
