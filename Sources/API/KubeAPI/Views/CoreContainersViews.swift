// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct AppArmorProfile: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var type: String {
        get { json[requiredString: "type"] }
        set { json[requiredString: "type"] = newValue }
    }
    public var localhostProfile: String? {
        get { json[string: "localhostProfile"] }
        set { json[string: "localhostProfile"] = newValue }
    }
}

public struct Capabilities: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var add: [String] {
        get { json[strings: "add"] }
        set { json[strings: "add"] = newValue }
    }
    public var drop: [String] {
        get { json[strings: "drop"] }
        set { json[strings: "drop"] = newValue }
    }
}

public struct ConfigMapEnvSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String? {
        get { json[string: "name"] }
        set { json[string: "name"] = newValue }
    }
    public var optional: Bool? {
        get { json[bool: "optional"] }
        set { json[bool: "optional"] = newValue }
    }
}

public struct ConfigMapKeySelector: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String? {
        get { json[string: "name"] }
        set { json[string: "name"] = newValue }
    }
    public var key: String {
        get { json[requiredString: "key"] }
        set { json[requiredString: "key"] = newValue }
    }
    public var optional: Bool? {
        get { json[bool: "optional"] }
        set { json[bool: "optional"] = newValue }
    }
}

public struct Container: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var image: String? {
        get { json[string: "image"] }
        set { json[string: "image"] = newValue }
    }
    public var command: [String] {
        get { json[strings: "command"] }
        set { json[strings: "command"] = newValue }
    }
    public var args: [String] {
        get { json[strings: "args"] }
        set { json[strings: "args"] = newValue }
    }
    public var workingDir: String? {
        get { json[string: "workingDir"] }
        set { json[string: "workingDir"] = newValue }
    }
    public var ports: [ContainerPort] {
        get { json[views: "ports"] }
        set { json[views: "ports"] = newValue }
    }
    public var envFrom: [EnvFromSource] {
        get { json[views: "envFrom"] }
        set { json[views: "envFrom"] = newValue }
    }
    public var env: [EnvVar] {
        get { json[views: "env"] }
        set { json[views: "env"] = newValue }
    }
    public var resources: ResourceRequirements? {
        get { json[view: "resources"] }
        set { json[view: "resources"] = newValue }
    }
    public var resizePolicy: [ContainerResizePolicy] {
        get { json[views: "resizePolicy"] }
        set { json[views: "resizePolicy"] = newValue }
    }
    public var restartPolicy: String? {
        get { json[string: "restartPolicy"] }
        set { json[string: "restartPolicy"] = newValue }
    }
    public var restartPolicyRules: [ContainerRestartRule] {
        get { json[views: "restartPolicyRules"] }
        set { json[views: "restartPolicyRules"] = newValue }
    }
    public var volumeMounts: [VolumeMount] {
        get { json[views: "volumeMounts"] }
        set { json[views: "volumeMounts"] = newValue }
    }
    public var volumeDevices: [VolumeDevice] {
        get { json[views: "volumeDevices"] }
        set { json[views: "volumeDevices"] = newValue }
    }
    public var livenessProbe: Probe? {
        get { json[view: "livenessProbe"] }
        set { json[view: "livenessProbe"] = newValue }
    }
    public var readinessProbe: Probe? {
        get { json[view: "readinessProbe"] }
        set { json[view: "readinessProbe"] = newValue }
    }
    public var startupProbe: Probe? {
        get { json[view: "startupProbe"] }
        set { json[view: "startupProbe"] = newValue }
    }
    public var lifecycle: Lifecycle? {
        get { json[view: "lifecycle"] }
        set { json[view: "lifecycle"] = newValue }
    }
    public var terminationMessagePath: String? {
        get { json[string: "terminationMessagePath"] }
        set { json[string: "terminationMessagePath"] = newValue }
    }
    public var terminationMessagePolicy: String? {
        get { json[string: "terminationMessagePolicy"] }
        set { json[string: "terminationMessagePolicy"] = newValue }
    }
    public var imagePullPolicy: String? {
        get { json[string: "imagePullPolicy"] }
        set { json[string: "imagePullPolicy"] = newValue }
    }
    public var securityContext: SecurityContext? {
        get { json[view: "securityContext"] }
        set { json[view: "securityContext"] = newValue }
    }
    public var stdin: Bool? {
        get { json[bool: "stdin"] }
        set { json[bool: "stdin"] = newValue }
    }
    public var stdinOnce: Bool? {
        get { json[bool: "stdinOnce"] }
        set { json[bool: "stdinOnce"] = newValue }
    }
    public var tty: Bool? {
        get { json[bool: "tty"] }
        set { json[bool: "tty"] = newValue }
    }
}

public struct ContainerExtendedResourceRequest: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var containerName: String {
        get { json[requiredString: "containerName"] }
        set { json[requiredString: "containerName"] = newValue }
    }
    public var resourceName: String {
        get { json[requiredString: "resourceName"] }
        set { json[requiredString: "resourceName"] = newValue }
    }
    public var requestName: String {
        get { json[requiredString: "requestName"] }
        set { json[requiredString: "requestName"] = newValue }
    }
}

public struct ContainerImage: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var names: [String] {
        get { json[strings: "names"] }
        set { json[strings: "names"] = newValue }
    }
    public var sizeBytes: Int? {
        get { json[integer: "sizeBytes"] }
        set { json[integer: "sizeBytes"] = newValue }
    }
}

public struct ContainerPort: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String? {
        get { json[string: "name"] }
        set { json[string: "name"] = newValue }
    }
    public var hostPort: Int? {
        get { json[integer: "hostPort"] }
        set { json[integer: "hostPort"] = newValue }
    }
    public var containerPort: Int {
        get { json[requiredInteger: "containerPort"] }
        set { json[requiredInteger: "containerPort"] = newValue }
    }
    public var `protocol`: String? {
        get { json[string: "protocol"] }
        set { json[string: "protocol"] = newValue }
    }
    public var hostIP: String? {
        get { json[string: "hostIP"] }
        set { json[string: "hostIP"] = newValue }
    }
}

public struct ContainerResizePolicy: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var resourceName: String {
        get { json[requiredString: "resourceName"] }
        set { json[requiredString: "resourceName"] = newValue }
    }
    public var restartPolicy: String {
        get { json[requiredString: "restartPolicy"] }
        set { json[requiredString: "restartPolicy"] = newValue }
    }
}

public struct ContainerRestartRule: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var action: String {
        get { json[requiredString: "action"] }
        set { json[requiredString: "action"] = newValue }
    }
    public var exitCodes: ContainerRestartRuleOnExitCodes? {
        get { json[view: "exitCodes"] }
        set { json[view: "exitCodes"] = newValue }
    }
}

public struct ContainerRestartRuleOnExitCodes: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var `operator`: String {
        get { json[requiredString: "operator"] }
        set { json[requiredString: "operator"] = newValue }
    }
    public var values: [Int] {
        get { json[integers: "values"] }
        set { json[integers: "values"] = newValue }
    }
}

public struct ContainerState: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var waiting: ContainerStateWaiting? {
        get { json[view: "waiting"] }
        set { json[view: "waiting"] = newValue }
    }
    public var running: ContainerStateRunning? {
        get { json[view: "running"] }
        set { json[view: "running"] = newValue }
    }
    public var terminated: ContainerStateTerminated? {
        get { json[view: "terminated"] }
        set { json[view: "terminated"] = newValue }
    }
}

public struct ContainerStateRunning: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var startedAt: KubeTime? {
        get { json[time: "startedAt"] }
        set { json[time: "startedAt"] = newValue }
    }
}

public struct ContainerStateTerminated: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var exitCode: Int {
        get { json[requiredInteger: "exitCode"] }
        set { json[requiredInteger: "exitCode"] = newValue }
    }
    public var signal: Int? {
        get { json[integer: "signal"] }
        set { json[integer: "signal"] = newValue }
    }
    public var reason: String? {
        get { json[string: "reason"] }
        set { json[string: "reason"] = newValue }
    }
    public var message: String? {
        get { json[string: "message"] }
        set { json[string: "message"] = newValue }
    }
    public var startedAt: KubeTime? {
        get { json[time: "startedAt"] }
        set { json[time: "startedAt"] = newValue }
    }
    public var finishedAt: KubeTime? {
        get { json[time: "finishedAt"] }
        set { json[time: "finishedAt"] = newValue }
    }
    public var containerID: String? {
        get { json[string: "containerID"] }
        set { json[string: "containerID"] = newValue }
    }
}

public struct ContainerStateWaiting: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var reason: String? {
        get { json[string: "reason"] }
        set { json[string: "reason"] = newValue }
    }
    public var message: String? {
        get { json[string: "message"] }
        set { json[string: "message"] = newValue }
    }
}

public struct ContainerStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var state: ContainerState? {
        get { json[view: "state"] }
        set { json[view: "state"] = newValue }
    }
    public var lastState: ContainerState? {
        get { json[view: "lastState"] }
        set { json[view: "lastState"] = newValue }
    }
    public var ready: Bool {
        get { json[requiredBool: "ready"] }
        set { json[requiredBool: "ready"] = newValue }
    }
    public var restartCount: Int {
        get { json[requiredInteger: "restartCount"] }
        set { json[requiredInteger: "restartCount"] = newValue }
    }
    public var image: String {
        get { json[requiredString: "image"] }
        set { json[requiredString: "image"] = newValue }
    }
    public var imageID: String {
        get { json[requiredString: "imageID"] }
        set { json[requiredString: "imageID"] = newValue }
    }
    public var containerID: String? {
        get { json[string: "containerID"] }
        set { json[string: "containerID"] = newValue }
    }
    public var started: Bool? {
        get { json[bool: "started"] }
        set { json[bool: "started"] = newValue }
    }
    public var allocatedResources: [String: String] {
        get { json[quantityMap: "allocatedResources"] }
        set { json[quantityMap: "allocatedResources"] = newValue }
    }
    public var resources: ResourceRequirements? {
        get { json[view: "resources"] }
        set { json[view: "resources"] = newValue }
    }
    public var volumeMounts: [VolumeMountStatus] {
        get { json[views: "volumeMounts"] }
        set { json[views: "volumeMounts"] = newValue }
    }
    public var user: ContainerUser? {
        get { json[view: "user"] }
        set { json[view: "user"] = newValue }
    }
    public var allocatedResourcesStatus: [ResourceStatus] {
        get { json[views: "allocatedResourcesStatus"] }
        set { json[views: "allocatedResourcesStatus"] = newValue }
    }
    public var stopSignal: String? {
        get { json[string: "stopSignal"] }
        set { json[string: "stopSignal"] = newValue }
    }
}

public struct ContainerUser: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var linux: LinuxContainerUser? {
        get { json[view: "linux"] }
        set { json[view: "linux"] = newValue }
    }
}

public struct EnvFromSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var prefix: String? {
        get { json[string: "prefix"] }
        set { json[string: "prefix"] = newValue }
    }
    public var configMapRef: ConfigMapEnvSource? {
        get { json[view: "configMapRef"] }
        set { json[view: "configMapRef"] = newValue }
    }
    public var secretRef: SecretEnvSource? {
        get { json[view: "secretRef"] }
        set { json[view: "secretRef"] = newValue }
    }
}

public struct EnvVar: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var value: String? {
        get { json[string: "value"] }
        set { json[string: "value"] = newValue }
    }
    public var valueFrom: EnvVarSource? {
        get { json[view: "valueFrom"] }
        set { json[view: "valueFrom"] = newValue }
    }
}

public struct EnvVarSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var fieldRef: ObjectFieldSelector? {
        get { json[view: "fieldRef"] }
        set { json[view: "fieldRef"] = newValue }
    }
    public var resourceFieldRef: ResourceFieldSelector? {
        get { json[view: "resourceFieldRef"] }
        set { json[view: "resourceFieldRef"] = newValue }
    }
    public var configMapKeyRef: ConfigMapKeySelector? {
        get { json[view: "configMapKeyRef"] }
        set { json[view: "configMapKeyRef"] = newValue }
    }
    public var secretKeyRef: SecretKeySelector? {
        get { json[view: "secretKeyRef"] }
        set { json[view: "secretKeyRef"] = newValue }
    }
    public var fileKeyRef: FileKeySelector? {
        get { json[view: "fileKeyRef"] }
        set { json[view: "fileKeyRef"] = newValue }
    }
}

public struct EphemeralContainer: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var image: String? {
        get { json[string: "image"] }
        set { json[string: "image"] = newValue }
    }
    public var command: [String] {
        get { json[strings: "command"] }
        set { json[strings: "command"] = newValue }
    }
    public var args: [String] {
        get { json[strings: "args"] }
        set { json[strings: "args"] = newValue }
    }
    public var workingDir: String? {
        get { json[string: "workingDir"] }
        set { json[string: "workingDir"] = newValue }
    }
    public var ports: [ContainerPort] {
        get { json[views: "ports"] }
        set { json[views: "ports"] = newValue }
    }
    public var envFrom: [EnvFromSource] {
        get { json[views: "envFrom"] }
        set { json[views: "envFrom"] = newValue }
    }
    public var env: [EnvVar] {
        get { json[views: "env"] }
        set { json[views: "env"] = newValue }
    }
    public var resources: ResourceRequirements? {
        get { json[view: "resources"] }
        set { json[view: "resources"] = newValue }
    }
    public var resizePolicy: [ContainerResizePolicy] {
        get { json[views: "resizePolicy"] }
        set { json[views: "resizePolicy"] = newValue }
    }
    public var restartPolicy: String? {
        get { json[string: "restartPolicy"] }
        set { json[string: "restartPolicy"] = newValue }
    }
    public var restartPolicyRules: [ContainerRestartRule] {
        get { json[views: "restartPolicyRules"] }
        set { json[views: "restartPolicyRules"] = newValue }
    }
    public var volumeMounts: [VolumeMount] {
        get { json[views: "volumeMounts"] }
        set { json[views: "volumeMounts"] = newValue }
    }
    public var volumeDevices: [VolumeDevice] {
        get { json[views: "volumeDevices"] }
        set { json[views: "volumeDevices"] = newValue }
    }
    public var livenessProbe: Probe? {
        get { json[view: "livenessProbe"] }
        set { json[view: "livenessProbe"] = newValue }
    }
    public var readinessProbe: Probe? {
        get { json[view: "readinessProbe"] }
        set { json[view: "readinessProbe"] = newValue }
    }
    public var startupProbe: Probe? {
        get { json[view: "startupProbe"] }
        set { json[view: "startupProbe"] = newValue }
    }
    public var lifecycle: Lifecycle? {
        get { json[view: "lifecycle"] }
        set { json[view: "lifecycle"] = newValue }
    }
    public var terminationMessagePath: String? {
        get { json[string: "terminationMessagePath"] }
        set { json[string: "terminationMessagePath"] = newValue }
    }
    public var terminationMessagePolicy: String? {
        get { json[string: "terminationMessagePolicy"] }
        set { json[string: "terminationMessagePolicy"] = newValue }
    }
    public var imagePullPolicy: String? {
        get { json[string: "imagePullPolicy"] }
        set { json[string: "imagePullPolicy"] = newValue }
    }
    public var securityContext: SecurityContext? {
        get { json[view: "securityContext"] }
        set { json[view: "securityContext"] = newValue }
    }
    public var stdin: Bool? {
        get { json[bool: "stdin"] }
        set { json[bool: "stdin"] = newValue }
    }
    public var stdinOnce: Bool? {
        get { json[bool: "stdinOnce"] }
        set { json[bool: "stdinOnce"] = newValue }
    }
    public var tty: Bool? {
        get { json[bool: "tty"] }
        set { json[bool: "tty"] = newValue }
    }
    public var targetContainerName: String? {
        get { json[string: "targetContainerName"] }
        set { json[string: "targetContainerName"] = newValue }
    }
}

public struct ExecAction: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var command: [String] {
        get { json[strings: "command"] }
        set { json[strings: "command"] = newValue }
    }
}

public struct FileKeySelector: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var volumeName: String {
        get { json[requiredString: "volumeName"] }
        set { json[requiredString: "volumeName"] = newValue }
    }
    public var path: String {
        get { json[requiredString: "path"] }
        set { json[requiredString: "path"] = newValue }
    }
    public var key: String {
        get { json[requiredString: "key"] }
        set { json[requiredString: "key"] = newValue }
    }
    public var optional: Bool? {
        get { json[bool: "optional"] }
        set { json[bool: "optional"] = newValue }
    }
}

public struct GRPCAction: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var port: Int {
        get { json[requiredInteger: "port"] }
        set { json[requiredInteger: "port"] = newValue }
    }
    public var service: String? {
        get { json[string: "service"] }
        set { json[string: "service"] = newValue }
    }
}

public struct HTTPGetAction: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var path: String? {
        get { json[string: "path"] }
        set { json[string: "path"] = newValue }
    }
    public var port: IntOrString? {
        get { json[intOrString: "port"] }
        set { json[intOrString: "port"] = newValue }
    }
    public var host: String? {
        get { json[string: "host"] }
        set { json[string: "host"] = newValue }
    }
    public var scheme: String? {
        get { json[string: "scheme"] }
        set { json[string: "scheme"] = newValue }
    }
    public var httpHeaders: [HTTPHeader] {
        get { json[views: "httpHeaders"] }
        set { json[views: "httpHeaders"] = newValue }
    }
}

public struct HTTPHeader: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var value: String {
        get { json[requiredString: "value"] }
        set { json[requiredString: "value"] = newValue }
    }
}

public struct Lifecycle: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var postStart: LifecycleHandler? {
        get { json[view: "postStart"] }
        set { json[view: "postStart"] = newValue }
    }
    public var preStop: LifecycleHandler? {
        get { json[view: "preStop"] }
        set { json[view: "preStop"] = newValue }
    }
    public var stopSignal: String? {
        get { json[string: "stopSignal"] }
        set { json[string: "stopSignal"] = newValue }
    }
}

public struct LifecycleHandler: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var exec: ExecAction? {
        get { json[view: "exec"] }
        set { json[view: "exec"] = newValue }
    }
    public var httpGet: HTTPGetAction? {
        get { json[view: "httpGet"] }
        set { json[view: "httpGet"] = newValue }
    }
    public var tcpSocket: TCPSocketAction? {
        get { json[view: "tcpSocket"] }
        set { json[view: "tcpSocket"] = newValue }
    }
    public var sleep: SleepAction? {
        get { json[view: "sleep"] }
        set { json[view: "sleep"] = newValue }
    }
}

public struct LinuxContainerUser: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var uid: Int {
        get { json[requiredInteger: "uid"] }
        set { json[requiredInteger: "uid"] = newValue }
    }
    public var gid: Int {
        get { json[requiredInteger: "gid"] }
        set { json[requiredInteger: "gid"] = newValue }
    }
    public var supplementalGroups: [Int] {
        get { json[integers: "supplementalGroups"] }
        set { json[integers: "supplementalGroups"] = newValue }
    }
}

public struct NodeSelector: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var nodeSelectorTerms: [NodeSelectorTerm] {
        get { json[views: "nodeSelectorTerms"] }
        set { json[views: "nodeSelectorTerms"] = newValue }
    }
}

public struct ObjectFieldSelector: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var apiVersion: String? {
        get { json[string: "apiVersion"] }
        set { json[string: "apiVersion"] = newValue }
    }
    public var fieldPath: String {
        get { json[requiredString: "fieldPath"] }
        set { json[requiredString: "fieldPath"] = newValue }
    }
}

public struct Probe: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var exec: ExecAction? {
        get { json[view: "exec"] }
        set { json[view: "exec"] = newValue }
    }
    public var httpGet: HTTPGetAction? {
        get { json[view: "httpGet"] }
        set { json[view: "httpGet"] = newValue }
    }
    public var tcpSocket: TCPSocketAction? {
        get { json[view: "tcpSocket"] }
        set { json[view: "tcpSocket"] = newValue }
    }
    public var grpc: GRPCAction? {
        get { json[view: "grpc"] }
        set { json[view: "grpc"] = newValue }
    }
    public var initialDelaySeconds: Int? {
        get { json[integer: "initialDelaySeconds"] }
        set { json[integer: "initialDelaySeconds"] = newValue }
    }
    public var timeoutSeconds: Int? {
        get { json[integer: "timeoutSeconds"] }
        set { json[integer: "timeoutSeconds"] = newValue }
    }
    public var periodSeconds: Int? {
        get { json[integer: "periodSeconds"] }
        set { json[integer: "periodSeconds"] = newValue }
    }
    public var successThreshold: Int? {
        get { json[integer: "successThreshold"] }
        set { json[integer: "successThreshold"] = newValue }
    }
    public var failureThreshold: Int? {
        get { json[integer: "failureThreshold"] }
        set { json[integer: "failureThreshold"] = newValue }
    }
    public var terminationGracePeriodSeconds: Int? {
        get { json[integer: "terminationGracePeriodSeconds"] }
        set { json[integer: "terminationGracePeriodSeconds"] = newValue }
    }
}

public struct ResourceClaim: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var request: String? {
        get { json[string: "request"] }
        set { json[string: "request"] = newValue }
    }
}

public struct ResourceFieldSelector: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var containerName: String? {
        get { json[string: "containerName"] }
        set { json[string: "containerName"] = newValue }
    }
    public var resource: String {
        get { json[requiredString: "resource"] }
        set { json[requiredString: "resource"] = newValue }
    }
    public var divisor: String? {
        get { json[quantity: "divisor"] }
        set { json[quantity: "divisor"] = newValue }
    }
}

public struct ResourceHealth: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var resourceID: String {
        get { json[requiredString: "resourceID"] }
        set { json[requiredString: "resourceID"] = newValue }
    }
    public var health: String? {
        get { json[string: "health"] }
        set { json[string: "health"] = newValue }
    }
    public var message: String? {
        get { json[string: "message"] }
        set { json[string: "message"] = newValue }
    }
}

public struct ResourceRequirements: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var limits: [String: String] {
        get { json[quantityMap: "limits"] }
        set { json[quantityMap: "limits"] = newValue }
    }
    public var requests: [String: String] {
        get { json[quantityMap: "requests"] }
        set { json[quantityMap: "requests"] = newValue }
    }
    public var claims: [ResourceClaim] {
        get { json[views: "claims"] }
        set { json[views: "claims"] = newValue }
    }
}

public struct ResourceStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var resources: [ResourceHealth] {
        get { json[views: "resources"] }
        set { json[views: "resources"] = newValue }
    }
}

public struct SELinuxOptions: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var user: String? {
        get { json[string: "user"] }
        set { json[string: "user"] = newValue }
    }
    public var role: String? {
        get { json[string: "role"] }
        set { json[string: "role"] = newValue }
    }
    public var type: String? {
        get { json[string: "type"] }
        set { json[string: "type"] = newValue }
    }
    public var level: String? {
        get { json[string: "level"] }
        set { json[string: "level"] = newValue }
    }
}

public struct ScopeSelector: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var matchExpressions: [ScopedResourceSelectorRequirement] {
        get { json[views: "matchExpressions"] }
        set { json[views: "matchExpressions"] = newValue }
    }
}

public struct SeccompProfile: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var type: String {
        get { json[requiredString: "type"] }
        set { json[requiredString: "type"] = newValue }
    }
    public var localhostProfile: String? {
        get { json[string: "localhostProfile"] }
        set { json[string: "localhostProfile"] = newValue }
    }
}

public struct SecretEnvSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String? {
        get { json[string: "name"] }
        set { json[string: "name"] = newValue }
    }
    public var optional: Bool? {
        get { json[bool: "optional"] }
        set { json[bool: "optional"] = newValue }
    }
}

public struct SecretKeySelector: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String? {
        get { json[string: "name"] }
        set { json[string: "name"] = newValue }
    }
    public var key: String {
        get { json[requiredString: "key"] }
        set { json[requiredString: "key"] = newValue }
    }
    public var optional: Bool? {
        get { json[bool: "optional"] }
        set { json[bool: "optional"] = newValue }
    }
}

public struct SecurityContext: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var capabilities: Capabilities? {
        get { json[view: "capabilities"] }
        set { json[view: "capabilities"] = newValue }
    }
    public var privileged: Bool? {
        get { json[bool: "privileged"] }
        set { json[bool: "privileged"] = newValue }
    }
    public var seLinuxOptions: SELinuxOptions? {
        get { json[view: "seLinuxOptions"] }
        set { json[view: "seLinuxOptions"] = newValue }
    }
    public var windowsOptions: WindowsSecurityContextOptions? {
        get { json[view: "windowsOptions"] }
        set { json[view: "windowsOptions"] = newValue }
    }
    public var runAsUser: Int? {
        get { json[integer: "runAsUser"] }
        set { json[integer: "runAsUser"] = newValue }
    }
    public var runAsGroup: Int? {
        get { json[integer: "runAsGroup"] }
        set { json[integer: "runAsGroup"] = newValue }
    }
    public var runAsNonRoot: Bool? {
        get { json[bool: "runAsNonRoot"] }
        set { json[bool: "runAsNonRoot"] = newValue }
    }
    public var readOnlyRootFilesystem: Bool? {
        get { json[bool: "readOnlyRootFilesystem"] }
        set { json[bool: "readOnlyRootFilesystem"] = newValue }
    }
    public var allowPrivilegeEscalation: Bool? {
        get { json[bool: "allowPrivilegeEscalation"] }
        set { json[bool: "allowPrivilegeEscalation"] = newValue }
    }
    public var procMount: String? {
        get { json[string: "procMount"] }
        set { json[string: "procMount"] = newValue }
    }
    public var seccompProfile: SeccompProfile? {
        get { json[view: "seccompProfile"] }
        set { json[view: "seccompProfile"] = newValue }
    }
    public var appArmorProfile: AppArmorProfile? {
        get { json[view: "appArmorProfile"] }
        set { json[view: "appArmorProfile"] = newValue }
    }
}

public struct SleepAction: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var seconds: Int {
        get { json[requiredInteger: "seconds"] }
        set { json[requiredInteger: "seconds"] = newValue }
    }
}

public struct TCPSocketAction: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var port: IntOrString? {
        get { json[intOrString: "port"] }
        set { json[intOrString: "port"] = newValue }
    }
    public var host: String? {
        get { json[string: "host"] }
        set { json[string: "host"] = newValue }
    }
}

public struct WindowsSecurityContextOptions: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var gmsaCredentialSpecName: String? {
        get { json[string: "gmsaCredentialSpecName"] }
        set { json[string: "gmsaCredentialSpecName"] = newValue }
    }
    public var gmsaCredentialSpec: String? {
        get { json[string: "gmsaCredentialSpec"] }
        set { json[string: "gmsaCredentialSpec"] = newValue }
    }
    public var runAsUserName: String? {
        get { json[string: "runAsUserName"] }
        set { json[string: "runAsUserName"] = newValue }
    }
    public var hostProcess: Bool? {
        get { json[bool: "hostProcess"] }
        set { json[bool: "hostProcess"] = newValue }
    }
}
