// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema
internal import Text

extension Validator {
    /// Checks the volumes of a pod; their names, and for each whether it can be a block device.
    mutating func volumeNames(_ volumes: [JSONValue], _ path: FieldPath) -> [String: Bool] {
        var names: [String: Bool] = [:]
        for (index, volume) in volumes.enumerated() {
            let place = path[index]
            if let name = required(volume["name"], place["name"]) {
                check(Names.dnsLabel(name), place["name"], name)
                if names[name] != nil { add(.duplicate(place["name"], name)) }
                names[name] = volume["persistentVolumeClaim"] != nil || volume["ephemeral"] != nil
            }
            volumeSource(volume, place)
        }
        return names
    }

    private mutating func volumeSource(_ volume: JSONValue, _ path: FieldPath) {
        let sources = (volume.object ?? [:]).filter { $0.key != "name" && !$0.value.isNull }
        if sources.isEmpty { add(.required(path, "must specify a volume type")) }
        for extra in sources.dropFirst() {
            add(.forbidden(path[extra.key], "may not specify more than 1 volume type"))
        }
        guard let (kind, source) = sources.first else { return }
        let place = path[kind]
        switch kind {
        case "emptyDir":
            if let limit = quantity(source["sizeLimit"], place["sizeLimit"]), limit.isNegative {
                add(.forbidden(place["sizeLimit"], "SizeLimit field must be a valid resource quantity"))
            }
        case "hostPath": hostPath(source, place)
        case "secret":
            required(source["secretName"], place["secretName"])
            mode(source["defaultMode"], place["defaultMode"])
            keysToPaths(source["items"], place["items"])
        case "configMap":
            required(source["name"], place["name"])
            mode(source["defaultMode"], place["defaultMode"])
            keysToPaths(source["items"], place["items"])
        case "downwardAPI":
            mode(source["defaultMode"], place["defaultMode"])
            downwardFiles(source["items"], place)
        case "projected": projected(source, place)
        case "persistentVolumeClaim": required(source["claimName"], place["claimName"])
        case "nfs":
            required(source["server"], place["server"])
            if let text = required(source["path"], place["path"]), !text.hasExactPrefix("/") {
                add(.invalid(place["path"], text, "must be an absolute path"))
            }
        case "csi": required(source["driver"], place["driver"])
        case "ephemeral":
            if source["volumeClaimTemplate"] == nil { add(.required(place["volumeClaimTemplate"])) }
        default: break
        }
    }

    mutating func hostPath(_ source: JSONValue, _ path: FieldPath) {
        if let text = required(source["path"], path["path"]) { noBacksteps(text, path["path"]) }
        if let type = source["type"]?.string, !type.isEmpty {
            let supported = [
                "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
            ]
            if !supported.contains(type) { add(.notSupported(path["type"], type, supported)) }
        }
    }

    private mutating func mode(_ value: JSONValue?, _ path: FieldPath) {
        guard let mode = value?.integer, !(0...0o777).contains(mode) else { return }
        add(.invalid(path, mode, "must be a number between 0 and 0777 (octal), both inclusive"))
    }

    private mutating func keysToPaths(_ items: JSONValue?, _ path: FieldPath) {
        for (index, item) in (items?.array ?? []).enumerated() {
            required(item["key"], path[index]["key"])
            if let text = required(item["path"], path[index]["path"]) { relativePath(text, path[index]["path"]) }
            mode(item["mode"], path[index]["mode"])
        }
    }

    static let volumeFieldPaths = [
        "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid",
    ]

    private mutating func downwardFiles(_ items: JSONValue?, _ path: FieldPath) {
        for file in items?.array ?? [] {
            if let text = required(file["path"], path["path"]) { relativePath(text, path["path"]) }
            switch (file["fieldRef"], file["resourceFieldRef"]) {
            case (let field?, nil): fieldReference(field, Self.volumeFieldPaths, path["fieldRef"])
            case (nil, let resource?): resourceReference(resource, volume: true, path["resourceFieldRef"])
            case (nil, nil): add(.required(path, "one of fieldRef and resourceFieldRef is required"))
            default:
                add(
                    .invalid(
                        path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"))
            }
            mode(file["mode"], path["mode"])
        }
    }

    private mutating func projected(_ source: JSONValue, _ path: FieldPath) {
        mode(source["defaultMode"], path["defaultMode"])
        for (index, item) in (source["sources"]?.array ?? []).enumerated() {
            let place = path["sources"][index]
            let present = (item.object ?? [:]).filter { !$0.value.isNull }
            for extra in present.dropFirst() {
                add(.forbidden(place[extra.key], "may not specify more than 1 volume type per source"))
            }
            guard let (kind, body) = present.first else { continue }
            switch kind {
            case "secret", "configMap":
                required(body["name"], place[kind]["name"])
                keysToPaths(body["items"], place[kind]["items"])
            case "downwardAPI": downwardFiles(body["items"], place[kind])
            case "serviceAccountToken":
                if let seconds = body["expirationSeconds"]?.integer, seconds < 600 {
                    add(
                        .invalid(
                            place[kind]["expirationSeconds"], seconds,
                            "may not specify a duration less than 10 minutes"))
                }
                if let text = required(body["path"], path["path"]) { relativePath(text, path["path"]) }
            default: break
            }
        }
    }

    // MARK: Paths

    mutating func relativePath(_ text: String, _ path: FieldPath) {
        if text.hasExactPrefix("/") { add(.invalid(path, text, "must be a relative path")) }
        noBacksteps(text, path)
        if text.hasExactPrefix(".."), !text.steps.contains("..") {
            add(.invalid(path, text, "must not start with '..'"))
        }
    }

    mutating func noBacksteps(_ text: String, _ path: FieldPath) {
        if text.steps.contains("..") { add(.invalid(path, text, "must not contain '..'")) }
    }

    // MARK: Mounts

    mutating func mounts(of container: JSONValue, _ path: FieldPath, _ context: ContainerContext) {
        let privileged = container["securityContext"]?["privileged"] == true
        let devices = container["volumeDevices"]?.array ?? []
        let deviceNames = Set(devices.compactMap { $0["name"]?.string })
        var paths: Set<String> = []
        for (index, mount) in (container["volumeMounts"]?.array ?? []).enumerated() {
            let place = path["volumeMounts"][index]
            if let name = required(mount["name"], place["name"]) {
                if context.volumes[name] == nil { add(.notFound(place["name"], name)) }
                if deviceNames.contains(name) {
                    add(.invalid(place["name"], name, "must not already exist in volumeDevices"))
                }
            }
            if let text = required(mount["mountPath"], place["mountPath"]), !paths.insert(text).inserted {
                add(.invalid(place["mountPath"], text, "must be unique"))
            }
            mountOptions(mount, place, privileged: privileged)
        }
        self.devices(devices, path["volumeDevices"], context)
    }

    private mutating func mountOptions(_ mount: JSONValue, _ path: FieldPath, privileged: Bool) {
        let subPath = mount["subPath"]?.string ?? ""
        let expression = mount["subPathExpr"]?.string ?? ""
        if !subPath.isEmpty { relativePath(subPath, path["subPath"]) }
        if !expression.isEmpty {
            if !subPath.isEmpty {
                add(.invalid(path["subPathExpr"], expression, "subPathExpr and subPath are mutually exclusive"))
            }
            relativePath(expression, path["subPathExpr"])
        }
        let propagation = mount["mountPropagation"]?.string
        choice(
            mount["mountPropagation"], ["Bidirectional", "HostToContainer", "None"], path["mountPropagation"])
        if propagation == "Bidirectional", !privileged {
            add(
                .forbidden(
                    path["mountPropagation"],
                    "Bidirectional mount propagation is available only to privileged containers"))
        }
        guard let recursive = mount["recursiveReadOnly"]?.string else { return }
        choice(.string(recursive), ["Disabled", "Enabled", "IfPossible"], path["recursiveReadOnly"])
        guard recursive != "Disabled" else { return }
        if mount["readOnly"] != true {
            add(.forbidden(path["recursiveReadOnly"], "may only be specified when readOnly is true"))
        }
        if let propagation, propagation != "None" {
            add(
                .forbidden(
                    path["recursiveReadOnly"],
                    "may only be specified when mountPropagation is None or not specified"))
        }
    }

    private mutating func devices(_ devices: [JSONValue], _ path: FieldPath, _ context: ContainerContext) {
        var names: Set<String> = []
        var paths: Set<String> = []
        for (index, device) in devices.enumerated() {
            let place = path[index]
            if let name = required(device["name"], place["name"]) {
                if !names.insert(name).inserted { add(.invalid(place["name"], name, "must be unique")) }
                switch context.volumes[name] {
                case nil: add(.notFound(place["name"], name))
                case false?:
                    add(
                        .invalid(
                            place["name"], name,
                            "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"))
                case true?: break
                }
            }
            if let text = required(device["devicePath"], place["devicePath"]) {
                if !paths.insert(text).inserted { add(.invalid(place["devicePath"], text, "must be unique")) }
                if text.steps.contains("..") {
                    add(.invalid(place["devicePath"], text, "can not contain backsteps ('..')"))
                }
            }
        }
    }
}
