// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The types of `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1`.
    static let apiExtensions = #"""
        ConversionRequest
          uid 1 string always
          desiredAPIVersion 2 string always
          objects 3 []raw always list=atomic
        ConversionResponse
          uid 1 string always
          convertedObjects 2 []raw always list=atomic
          result 3 meta/Status always
        ConversionReview
          kind 0 string
          apiVersion 0 string
          request 1 ConversionRequest pointer
          response 2 ConversionResponse pointer
        CustomResourceColumnDefinition
          name 1 string required always
          type 2 string required always
          format 3 string
          description 4 string
          priority 5 int32
          jsonPath 6 string required always
        CustomResourceConversion
          strategy 1 string required always
          webhook 2 WebhookConversion pointer
        CustomResourceDefinition
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ObjectMeta always
          spec 2 CustomResourceDefinitionSpec required always
          status 3 CustomResourceDefinitionStatus always
        CustomResourceDefinitionCondition
          type 1 string required always
          status 2 string required always
          lastTransitionTime 3 time always
          reason 4 string
          message 5 string
          observedGeneration 6 int64
        CustomResourceDefinitionList
          kind 0 string
          apiVersion 0 string
          metadata 1 meta/ListMeta always
          items 2 []CustomResourceDefinition required always
        CustomResourceDefinitionNames
          plural 1 string required always
          singular 2 string
          shortNames 3 []string list=atomic
          kind 4 string required always
          listKind 5 string
          categories 6 []string list=atomic
        CustomResourceDefinitionSpec
          group 1 string required always
          names 3 CustomResourceDefinitionNames required always
          scope 4 string required always
          versions 7 []CustomResourceDefinitionVersion required always list=atomic
          conversion 9 CustomResourceConversion pointer
          preserveUnknownFields 10 bool
        CustomResourceDefinitionStatus
          conditions 1 []CustomResourceDefinitionCondition always list=map(type)
          acceptedNames 2 CustomResourceDefinitionNames always
          storedVersions 3 []string always list=atomic
          observedGeneration 4 int64
        CustomResourceDefinitionVersion
          name 1 string required always
          served 2 bool required always
          storage 3 bool required always
          deprecated 7 bool
          deprecationWarning 8 string pointer
          schema 4 CustomResourceValidation pointer
          subresources 5 CustomResourceSubresources pointer
          additionalPrinterColumns 6 []CustomResourceColumnDefinition list=atomic
          selectableFields 9 []SelectableField list=atomic
        CustomResourceSubresourceScale
          specReplicasPath 1 string required always
          statusReplicasPath 2 string required always
          labelSelectorPath 3 string pointer
        CustomResourceSubresourceStatus
        CustomResourceSubresources
          status 1 CustomResourceSubresourceStatus pointer
          scale 2 CustomResourceSubresourceScale pointer
        CustomResourceValidation
          openAPIV3Schema 1 JSONSchemaProps pointer
        ExternalDocumentation
          description 1 string
          url 2 string
        JSONSchemaProps
          id 1 string
          $schema 2 string
          $ref 3 string pointer
          description 4 string
          type 5 string
          format 6 string
          title 7 string
          default 8 json pointer
          maximum 9 double pointer
          exclusiveMaximum 10 bool
          minimum 11 double pointer
          exclusiveMinimum 12 bool
          maxLength 13 int64 pointer
          minLength 14 int64 pointer
          pattern 15 string
          maxItems 16 int64 pointer
          minItems 17 int64 pointer
          uniqueItems 18 bool
          multipleOf 19 double pointer
          enum 20 []json list=atomic
          maxProperties 21 int64 pointer
          minProperties 22 int64 pointer
          required 23 []string list=atomic
          items 24 JSONSchemaProps|array pointer
          allOf 25 []JSONSchemaProps list=atomic
          oneOf 26 []JSONSchemaProps list=atomic
          anyOf 27 []JSONSchemaProps list=atomic
          not 28 JSONSchemaProps pointer
          properties 29 {}JSONSchemaProps
          additionalProperties 30 JSONSchemaProps|bool pointer
          patternProperties 31 {}JSONSchemaProps
          dependencies 32 {}JSONSchemaProps|strings
          additionalItems 33 JSONSchemaProps|bool pointer
          definitions 34 {}JSONSchemaProps
          externalDocs 35 ExternalDocumentation pointer
          example 36 json pointer
          nullable 37 bool
          x-kubernetes-preserve-unknown-fields 38 bool pointer
          x-kubernetes-embedded-resource 39 bool
          x-kubernetes-int-or-string 40 bool
          x-kubernetes-list-map-keys 41 []string list=atomic
          x-kubernetes-list-type 42 string pointer
          x-kubernetes-map-type 43 string pointer
          x-kubernetes-validations 44 []ValidationRule list=map(rule) patch=merge(rule)
        SelectableField
          jsonPath 1 string required always
        ServiceReference
          namespace 1 string required always
          name 2 string required always
          path 3 string pointer
          port 4 int32 pointer default=443
        ValidationRule
          rule 1 string required always
          message 2 string
          messageExpression 3 string
          reason 4 string pointer enum=FieldValueRequired|FieldValueDuplicate|FieldValueInvalid|FieldValueForbidden
          fieldPath 5 string
          optionalOldSelf 6 bool pointer
        WebhookClientConfig
          url 3 string pointer
          service 1 ServiceReference pointer
          caBundle 2 bytes
        WebhookConversion
          clientConfig 2 WebhookClientConfig pointer
          conversionReviewVersions 3 []string required always list=atomic
        """#
}
