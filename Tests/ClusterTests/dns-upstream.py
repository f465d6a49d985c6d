# SPDX-License-Identifier: Apache-2.0
"""A resolver for the tests: dns-upstream.py ADDRESS answers A questions of example.test at port 53, UDP and TCP.

`www` has one address, `big` has sixty and is cut short over UDP, everything else does not exist. Each question is a line of
output: the transport, the name in lower case and the type."""
import socket
import struct
import sys
import threading


def answer(query, transport):
    end, labels = 12, []
    while query[end]:
        labels.append(query[end + 1 : end + 1 + query[end]].decode().lower())
        end += 1 + query[end]
    kind = struct.unpack(">H", query[end + 1 : end + 3])[0]
    question = query[12 : end + 5]
    print(transport, ".".join(labels), kind, flush=True)
    count = {("www", "example", "test"): 1, ("big", "example", "test"): 60}.get(tuple(labels))
    flags, records = 0x8180, b""
    if count is None:
        flags |= 3
    elif kind == 1 and count > 1 and transport == "udp":
        flags |= 0x0200
    elif kind == 1:
        for index in range(count):
            records += b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([192, 0, 2, 80 + index])
    else:
        count = 0
    header = query[:2] + struct.pack(">HHHHH", flags, 1, len(records) // 16, 0, 0)
    return header + question + records


def serve_streams(listener):
    while True:
        stream, _ = listener.accept()
        with stream:
            length = struct.unpack(">H", stream.recv(2, socket.MSG_WAITALL))[0]
            reply = answer(stream.recv(length, socket.MSG_WAITALL), "tcp")
            stream.sendall(struct.pack(">H", len(reply)) + reply)


listener = socket.create_server((sys.argv[1], 53))
threading.Thread(target=serve_streams, args=(listener,), daemon=True).start()
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind((sys.argv[1], 53))
print("ready", flush=True)
while True:
    query, client = datagrams.recvfrom(4096)
    datagrams.sendto(answer(query, "udp"), client)
