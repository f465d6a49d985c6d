// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.authentication.v1`.
    static let authentication = #"""
        BoundObjectReference
          kind 1 string
          apiVersion 2 string
          name 3 string
          uid 4 string
        SelfSubjectReview
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          status 2 SelfSubjectReviewStatus always
        SelfSubjectReviewStatus
          userInfo 1 UserInfo always
        TokenRequest
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 TokenRequestSpec always
          status 3 TokenRequestStatus always
        TokenRequestSpec
          audiences 1 []string always list=atomic
          expirationSeconds 4 int64 pointer default=3600
          boundObjectRef 3 BoundObjectReference pointer
        TokenRequestStatus
          token 1 string always
          expirationTimestamp 2 time always
        TokenReview
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 TokenReviewSpec required always
          status 3 TokenReviewStatus always
        TokenReviewSpec
          token 1 string required
          audiences 2 []string list=atomic
        TokenReviewStatus
          authenticated 1 bool
          user 2 UserInfo always
          audiences 4 []string list=atomic
          error 3 string
        UserInfo
          username 1 string
          uid 2 string
          groups 3 []string list=atomic
          extra 4 {}[]string
        """#
}
