// Deal a zodiac, follow it, save the pictures. imagineerd must run: `imagineer status` tells.
import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { decode, encode } from "@msgpack/msgpack";
import { Dealer } from "zeromq";

async function ask(socket, kind, body) {
  await socket.send([encode([1, kind, 1]), encode(body)]);
  const [head, answer, raw] = await socket.receive();
  if (decode(head)[1] === "err") throw new Error(decode(answer).message);
  return raw ?? decode(answer);
}

const folder = process.env.IMAGINEER_RUNTIME_DIR ?? `${process.env.XDG_RUNTIME_DIR}/imagineer`;
const [follow, ctl, blob] = [0, 1, 2].map(() => new Dealer({ receiveTimeout: 10_000 }));
for (const [socket, name] of [[follow, "ctl"], [ctl, "ctl"], [blob, "blob"]]) {
  socket.connect(`ipc://${folder}/${name}.sock`);
  await ask(socket, "hello", { client: "example" });
}
await ask(follow, "subscribe", { ticks_hz: 0 });
const dealt = await ask(ctl, "deal", { idem: randomUUID(), set: "zodiac", theme: "night sky" });
const waiting = new Set(dealt.jobs);
while (waiting.size) {
  const [[, kind], body] = (await follow.receive()).map((frame) => decode(frame));
  if (kind === "take_added" && waiting.delete(body.take.job)) {
    let picture = Buffer.alloc(0);
    while (picture.length < body.take.bytes)
      picture = Buffer.concat([picture, await ask(blob, "blob_get", { take: body.take.id, offset: picture.length })]);
    await writeFile(body.take.file, picture);
  } else if (["failed", "cancelled", "held"].includes(body.state)) waiting.delete(body.job);
}
