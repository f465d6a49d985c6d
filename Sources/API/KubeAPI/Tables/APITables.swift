// SPDX-License-Identifier: Apache-2.0

/// The tables of all groups: per group the prefix its definitions are known by and the texts that hold them.
///
/// A type is a line with its name and its flags; its fields follow, indented: JSON name, protobuf number (with the
/// number of the message it is inlined from before a dot), type, flags. `[]` is a list, `{}` a map with string keys,
/// `group/Type` a type of another group. Flags: `required`; `pointer` (absent and zero differ), `always` (written even
/// when zero), `list=` and `patch=` (merge behaviour, keys in parentheses), `atomic`, `enum=`, `default=`.
enum APITables {
    static let groups: [(alias: String, prefix: String, texts: [String])] = [
        ("admissionregistration", "io.k8s.api.admissionregistration.v1", [admissionRegistration]),
        ("apps", "io.k8s.api.apps.v1", [apps]),
        ("authentication", "io.k8s.api.authentication.v1", [authentication]),
        ("authorization", "io.k8s.api.authorization.v1", [authorization]),
        ("autoscaling", "io.k8s.api.autoscaling.v1", [autoscaling]),
        ("autoscalingv2", "io.k8s.api.autoscaling.v2", [autoscalingV2]),
        ("batch", "io.k8s.api.batch.v1", [batch]),
        ("certificates", "io.k8s.api.certificates.v1", [certificates]),
        ("coordination", "io.k8s.api.coordination.v1", [coordination]),
        ("core", "io.k8s.api.core.v1", [coreAToD, coreEToM, coreNToPe, corePoToR, coreSToZ]),
        ("discovery", "io.k8s.api.discovery.v1", [discovery]),
        ("events", "io.k8s.api.events.v1", [events]),
        ("flowcontrol", "io.k8s.api.flowcontrol.v1", [flowControl]),
        ("networking", "io.k8s.api.networking.v1", [networking]),
        ("node", "io.k8s.api.node.v1", [node]),
        ("policy", "io.k8s.api.policy.v1", [policy]),
        ("rbac", "io.k8s.api.rbac.v1", [rbac]),
        ("resource", "io.k8s.api.resource.v1", [dynamicResource]),
        ("scheduling", "io.k8s.api.scheduling.v1", [scheduling]),
        ("storage", "io.k8s.api.storage.v1", [storage]),
        ("admission", "io.k8s.api.admission.v1", [admission]),
        ("apiextensions", "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1", [apiExtensions]),
        ("apiregistration", "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1", [apiRegistration]),
        ("meta", "io.k8s.apimachinery.pkg.apis.meta.v1", [meta]),
    ]
}
