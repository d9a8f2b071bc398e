// Resend's Node SDK as a servant: a call per line of JSON in, {data, error} per line out.
//
// In: {call: "emails.send", args: […]}. The base address and the key are the arguments.

import { createInterface } from "node:readline";
import { Resend } from "resend";

const client = new Resend(process.argv[3], { baseUrl: process.argv[2] });

for await (const line of createInterface({ input: process.stdin })) {
  const { call, args } = JSON.parse(line);
  const path = call.split(".");
  const name = path.pop();
  const owner = path.reduce((object, part) => object[part], client);
  const { data, error, headers } = await owner[name](...args);
  console.log(JSON.stringify({ data, error, headers }));
}
