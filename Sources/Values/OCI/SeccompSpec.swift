// SPDX-License-Identifier: Apache-2.0

public import JSON

/// The specification's `linux.seccomp`; a profile file of Kubernetes (`Localhost`) has the same form.
public struct SeccompSpec: Sendable, Hashable {
    public struct Argument: Sendable, Hashable {
        public var index: UInt32
        public var value: UInt64
        public var valueTwo: UInt64
        /// `SCMP_CMP_EQ`.
        public var comparison: String

        public init(index: UInt32, value: UInt64, valueTwo: UInt64 = 0, comparison: String) {
            self.index = index
            self.value = value
            self.valueTwo = valueTwo
            self.comparison = comparison
        }
    }

    public struct Rule: Sendable, Hashable {
        public var names: [String]
        /// `SCMP_ACT_ALLOW`.
        public var action: String
        public var errno: UInt32?
        public var arguments: [Argument]

        public init(names: [String], action: String, errno: UInt32? = nil, arguments: [Argument] = []) {
            self.names = names
            self.action = action
            self.errno = errno
            self.arguments = arguments
        }
    }

    public var defaultAction: String
    public var defaultErrno: UInt32?
    /// `SCMP_ARCH_X86_64`. Empty: the machine's own.
    public var architectures: [String]
    public var flags: [String]
    public var listenerPath: String?
    public var listenerMetadata: String?
    public var rules: [Rule]

    public init(defaultAction: String, defaultErrno: UInt32? = nil, rules: [Rule]) {
        self.defaultAction = defaultAction
        self.defaultErrno = defaultErrno
        architectures = []
        flags = []
        self.rules = rules
    }

    public init(_ value: JSONValue) throws(SpecError) { try self.init(SpecReader(value, path: "seccomp")) }

    init(_ reader: SpecReader) throws(SpecError) {
        defaultAction = try reader.required("defaultAction")
        defaultErrno = try reader.number("defaultErrnoRet", UInt32.self)
        architectures = try reader.strings("architectures")
        flags = try reader.strings("flags")
        listenerPath = try reader.string("listenerPath")
        listenerMetadata = try reader.string("listenerMetadata")
        rules = try reader.list("syscalls") { (rule) throws(SpecError) in
            Rule(
                names: try rule.strings("names"), action: try rule.required("action"),
                errno: try rule.number("errnoRet", UInt32.self),
                arguments: try rule.list("args") { (argument) throws(SpecError) in
                    Argument(
                        index: try argument.number("index", UInt32.self) ?? 0,
                        value: try argument.number("value", UInt64.self) ?? 0,
                        valueTwo: try argument.number("valueTwo", UInt64.self) ?? 0,
                        comparison: try argument.required("op"))
                })
        }
    }

    /// As it is written in a configuration.
    public var json: JSONValue {
        var object: JSONObject = ["defaultAction": .string(defaultAction)]
        if let defaultErrno { object["defaultErrnoRet"] = .integer(Int64(defaultErrno)) }
        if !architectures.isEmpty { object["architectures"] = .array(architectures.map { .string($0) }) }
        if !flags.isEmpty { object["flags"] = .array(flags.map { .string($0) }) }
        if let listenerPath { object["listenerPath"] = .string(listenerPath) }
        if let listenerMetadata { object["listenerMetadata"] = .string(listenerMetadata) }
        object["syscalls"] = .array(
            rules.map { rule in
                var entry: JSONObject = [
                    "names": .array(rule.names.map { .string($0) }), "action": .string(rule.action),
                ]
                if let errno = rule.errno { entry["errnoRet"] = .integer(Int64(errno)) }
                if !rule.arguments.isEmpty {
                    entry["args"] = .array(
                        rule.arguments.map {
                            .object([
                                "index": .integer(Int64($0.index)), "value": .integer(Int64(bitPattern: $0.value)),
                                "valueTwo": .integer(Int64(bitPattern: $0.valueTwo)), "op": .string($0.comparison),
                            ])
                        })
                }
                return .object(entry)
            })
        return .object(object)
    }
}
