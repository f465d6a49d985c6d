// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import Schema
import Testing

@Suite struct `Defaults of the API server` {
    private func defaulted(_ group: String, _ kind: String, _ text: String) throws -> JSONValue {
        let resource = try #require(KubeAPI.resource(group: group, version: "v1", kind: kind))
        let given = try #require(try JSONValue.parse(text).object)
        var object = try SchemaCoding.decode(given, as: resource.schema, options: KubeAPI.codingOptions()).object
        Defaults.apply(&object, resource)
        let once = object
        Defaults.apply(&object, resource)
        #expect(object == once, "applying twice changes nothing more")
        return .object(once)
    }

    @Test func `complete a pod`() throws {
        let pod = try defaulted(
            "", "Pod",
            #"{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"nginx","ports":[{"containerPort":80}],"#
                + #""resources":{"limits":{"cpu":"1"}},"livenessProbe":{"httpGet":{"port":80}},"env":[{"name":"e","#
                + #""valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}]}],"volumes":[{"name":"v"},{"name":"s","#
                + #""secret":{"secretName":"x"}}]}}"#)
        let expected: JSONValue = [
            "metadata": ["name": "p"],
            "spec": [
                "volumes": [
                    ["name": "v", "emptyDir": [:]], ["name": "s", "secret": ["secretName": "x", "defaultMode": 420]],
                ],
                "containers": [
                    [
                        "name": "c", "image": "nginx", "ports": [["containerPort": 80, "protocol": "TCP"]],
                        "env": [
                            [
                                "name": "e",
                                "valueFrom": ["fieldRef": ["apiVersion": "v1", "fieldPath": "metadata.name"]],
                            ]
                        ],
                        "resources": ["limits": ["cpu": "1"], "requests": ["cpu": "1"]],
                        "livenessProbe": [
                            "httpGet": ["path": "/", "port": 80, "scheme": "HTTP"], "timeoutSeconds": 1,
                            "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3,
                        ],
                        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                        "imagePullPolicy": "Always",
                    ]
                ],
                "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
                "securityContext": [:], "schedulerName": "default-scheduler", "enableServiceLinks": true,
            ], "status": [:],
        ]
        #expect(pod == expected, "\(pod)")
    }

    static let images: [(String, String)] = [
        ("nginx", "Always"), ("nginx:latest", "Always"), ("nginx:1.2", "IfNotPresent"), ("r:5000/nginx", "Always"),
        ("r:5000/nginx:1", "IfNotPresent"), ("nginx@sha256:00", "IfNotPresent"), ("nginx:latest@sha256:00", "Always"),
    ]

    @Test(arguments: images)
    func `choose when to pull`(_ image: String, _ policy: String) throws {
        let pod = try defaulted("", "Pod", #"{"spec":{"containers":[{"name":"c","image":"\#(image)"}]}}"#)
        #expect(pod["spec"]?["containers"]?[0]?["imagePullPolicy"]?.string == policy)
    }

    @Test func `complete a service`() throws {
        let service = try defaulted("", "Service", #"{"spec":{"ports":[{"port":80},{"port":81,"targetPort":"x"}]}}"#)
        #expect(
            service["spec"] == [
                "ports": [
                    ["protocol": "TCP", "port": 80, "targetPort": 80],
                    ["protocol": "TCP", "port": 81, "targetPort": "x"],
                ], "type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster",
            ])
        let balancer = try defaulted("", "Service", #"{"spec":{"type":"LoadBalancer","sessionAffinity":"ClientIP"}}"#)
        #expect(balancer["spec"]?["externalTrafficPolicy"] == "Cluster")
        #expect(balancer["spec"]?["allocateLoadBalancerNodePorts"] == true)
        #expect(balancer["spec"]?["sessionAffinityConfig"] == ["clientIP": ["timeoutSeconds": 10800]])
    }

    @Test func `complete workloads`() throws {
        let deployment = try defaulted("apps", "Deployment", #"{"spec":{"replicas":0,"template":{"spec":{}}}}"#)
        #expect(deployment["spec"]?["replicas"] == 0)
        #expect(
            deployment["spec"]?["strategy"]
                == ["type": "RollingUpdate", "rollingUpdate": ["maxUnavailable": "25%", "maxSurge": "25%"]])
        #expect(deployment["spec"]?["template"]?["spec"]?["dnsPolicy"] == "ClusterFirst")
        #expect(deployment["spec"]?["template"]?["spec"]?["enableServiceLinks"] == nil)
        let job = try defaulted("batch", "Job", #"{"spec":{"template":{"metadata":{"labels":{"a":"b"}},"spec":{}}}}"#)
        #expect(job["spec"]?["backoffLimit"] == 6 && job["spec"]?["completions"] == 1)
        #expect(job["metadata"]?["labels"] == ["a": "b"])
        let cron = try defaulted("batch", "CronJob", #"{"spec":{"jobTemplate":{"spec":{"template":{"spec":{}}}}}}"#)
        #expect(cron["spec"]?["jobTemplate"]?["spec"]?["backoffLimit"] == nil)
        #expect(cron["spec"]?["concurrencyPolicy"] == "Allow")
        let set = try defaulted("apps", "StatefulSet", #"{"spec":{"volumeClaimTemplates":[{"spec":{}}]}}"#)
        #expect(
            set["spec"]?["persistentVolumeClaimRetentionPolicy"] == ["whenDeleted": "Retain", "whenScaled": "Retain"])
        #expect(set["spec"]?["volumeClaimTemplates"]?[0]?["status"] == ["phase": "Pending"])
        let daemons = try defaulted("apps", "DaemonSet", "{}")
        #expect(daemons["spec"]?["updateStrategy"]?["rollingUpdate"] == ["maxUnavailable": 1, "maxSurge": 0])
    }

    @Test func `complete smaller kinds`() throws {
        let namespace = try defaulted("", "Namespace", #"{"metadata":{"name":"n"}}"#)
        #expect(namespace["metadata"]?["labels"] == ["kubernetes.io/metadata.name": "n"])
        #expect(namespace["status"]?["phase"] == "Active")
        let binding = try defaulted(
            "rbac.authorization.k8s.io", "RoleBinding",
            #"{"subjects":[{"kind":"User","name":"u"},{"kind":"ServiceAccount","name":"s"}],"roleRef":{"kind":"Role"}}"#
        )
        #expect(binding["roleRef"]?["apiGroup"] == "rbac.authorization.k8s.io")
        #expect(binding["subjects"]?[0]?["apiGroup"] == "rbac.authorization.k8s.io")
        #expect(binding["subjects"]?[1]?["apiGroup"] == nil)
        #expect(try defaulted("", "Secret", "{}")["type"] == "Opaque")
        let policy = try defaulted("networking.k8s.io", "NetworkPolicy", #"{"spec":{"podSelector":{},"egress":[{}]}}"#)
        #expect(policy["spec"]?["policyTypes"] == ["Ingress", "Egress"])
    }
}
