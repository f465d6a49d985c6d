// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.api.certificates.v1`.
    static let certificates = #"""
        CertificateSigningRequest
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 CertificateSigningRequestSpec required always
          status 3 CertificateSigningRequestStatus always
        CertificateSigningRequestCondition
          type 1 string required always
          status 6 string required always
          reason 2 string
          message 3 string
          lastUpdateTime 4 time always
          lastTransitionTime 5 time always
        CertificateSigningRequestList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []CertificateSigningRequest required always
        CertificateSigningRequestSpec
          request 1 bytes required always
          signerName 7 string required always
          expirationSeconds 8 int32 pointer
          usages 5 []string list=atomic enum=signing|digital~signature|content~commitment|key~encipherment|key~agreement|data~encipherment|cert~sign|crl~sign|encipher~only|decipher~only|any|server~auth|client~auth|code~signing|email~protection|s/mime|ipsec~end~system|ipsec~tunnel|ipsec~user|timestamping|ocsp~signing|microsoft~sgc|netscape~sgc
          username 2 string
          uid 3 string
          groups 4 []string list=atomic
          extra 6 {}[]string
        CertificateSigningRequestStatus
          conditions 1 []CertificateSigningRequestCondition list=map(type)
          certificate 2 bytes
        """#
}
