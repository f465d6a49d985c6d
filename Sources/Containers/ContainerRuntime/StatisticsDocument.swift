// SPDX-License-Identifier: Apache-2.0

import Cgroups
import JSON

/// Statistics in the layout of `runc events --stats`.
enum StatisticsDocument {
    static func make(id: String, _ s: CgroupStatistics) -> JSONValue {
        func number(_ value: UInt64?) -> JSONValue { .integer(Int64(clamping: value ?? 0)) }
        func nanoseconds(_ value: UInt64?) -> JSONValue { number(value.map { $0 * 1000 }) }
        let raw = s.memory.sorted { $0.key < $1.key }.map { ($0.key, number($0.value)) }
        let memory: JSONObject = [
            "usage": ["limit": number(s.memoryMaximum), "usage": number(s.memoryCurrent), "max": number(s.memoryPeak)],
            "swap": ["limit": number(s.swapMaximum), "usage": number(s.swapCurrent)],
            "cache": number(s.memory["file"]), "raw": .object(JSONObject(raw)),
        ]
        let cpu: JSONObject = [
            "usage": [
                "total": nanoseconds(s.cpuUsage), "kernel": nanoseconds(s.cpuSystem), "user": nanoseconds(s.cpuUser),
            ],
            "throttling": [
                "periods": number(s.cpuPeriods), "throttledPeriods": number(s.cpuThrottledPeriods),
                "throttledTime": nanoseconds(s.cpuThrottled),
            ],
        ]
        let data: JSONObject = [
            "cpu": .object(cpu), "memory": .object(memory),
            "pids": ["current": number(s.processes), "limit": number(s.processMaximum == .max ? 0 : s.processMaximum)],
        ]
        return ["type": "stats", "id": .string(id), "data": .object(data)]
    }
}
