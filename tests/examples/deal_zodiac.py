# Deal a zodiac, follow it, save the pictures. imagineerd must run: `imagineer status` tells.
import os
import uuid

import msgpack
import zmq


def receive(sock):
    assert sock.poll(10_000), "The daemon is away."
    head, body, *raw = sock.recv_multipart()
    return msgpack.unpackb(head)[1], msgpack.unpackb(body), b"".join(raw)


def ask(sock, kind, **body):
    sock.send_multipart([msgpack.packb([1, kind, 1]), msgpack.packb(body)])
    kind, answer, raw = receive(sock)
    assert kind != "err", answer["message"]
    return raw or answer


folder = os.environ.get("IMAGINEER_RUNTIME_DIR") or os.environ["XDG_RUNTIME_DIR"] + "/imagineer"
follow, ctl, blob = (zmq.Context.instance().socket(zmq.DEALER) for _ in range(3))
for sock, name in ((follow, "ctl"), (ctl, "ctl"), (blob, "blob")):
    sock.connect(f"ipc://{folder}/{name}.sock")
    ask(sock, "hello", client="example")
ask(follow, "subscribe", ticks_hz=0)
waiting = ask(ctl, "deal", idem=uuid.uuid4().hex, set="zodiac", theme="night sky")["jobs"]
while waiting:
    kind, body, _ = receive(follow)
    if kind == "take_added" and body["take"]["job"] in waiting:
        waiting.remove(body["take"]["job"])
        with open(body["take"]["file"], "wb") as picture:
            while picture.tell() < body["take"]["bytes"]:
                picture.write(ask(blob, "blob_get", take=body["take"]["id"], offset=picture.tell()))
    elif kind == "job_moved" and body["job"] in waiting and body["state"] in ("failed", "cancelled", "held"):
        waiting.remove(body["job"])
