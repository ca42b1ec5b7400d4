# Look at a daemon of another machine and save its newest picture. Three variables say where it is and who we are:
# DAEMON is HOST:PORT, DAEMON_KEY and MY_KEY are key files (as `imagineer keys trust` and `keys new` write them).
import os

import msgpack
import zmq
import zmq.auth


def connect(port):
    sock = zmq.Context.instance().socket(zmq.DEALER)
    sock.linger, sock.immediate = 0, 1
    sock.curve_serverkey, _ = zmq.auth.load_certificate(os.environ["DAEMON_KEY"])
    sock.curve_publickey, sock.curve_secretkey = zmq.auth.load_certificate(os.environ["MY_KEY"])
    sock.connect(f"tcp://{host}:{port}")
    assert sock.poll(5000, zmq.POLLOUT), "It is away, or one of us has the wrong key: its log says which."
    return sock, ask(sock, "hello", client="example")


def ask(sock, kind, **body):
    sock.send_multipart([msgpack.packb([1, kind, 1]), msgpack.packb(body)])
    assert sock.poll(10_000), "The daemon is away."
    head, answer, *raw = sock.recv_multipart()
    answer = msgpack.unpackb(answer)
    assert msgpack.unpackb(head)[1] != "err", answer["message"]
    return raw[0] if raw else answer


host, _, port = os.environ["DAEMON"].rpartition(":")
ctl, welcome = connect(port)
blob, _ = connect(int(port) + 1)
print(f"I may come in as {welcome.get('role', 'admin')}.")
takes = [take for slot in ask(ctl, "batch", batch="last")["slots"] for take in slot.get("takes", [])]
for take in takes[-1:]:
    with open(take["file"], "wb") as picture:
        while picture.tell() < take["bytes"]:
            picture.write(ask(blob, "blob_get", take=take["id"], offset=picture.tell()))
