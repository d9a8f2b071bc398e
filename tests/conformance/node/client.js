// Node's Gmail client as a servant: a call per line of JSON in, an answer per line out.
//
// In: {method, params, body, media, token}. Out: {status, data}, or {failed} when the client itself
// gives up. The address of the server is the first argument.

import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { auth, gmail } from "@googleapis/gmail";

const rootUrl = process.argv[2] + "/";

// Given per call, rootUrl moves uploads too; given at construction it does not.
const perCall = { rootUrl, retry: false };

function clientOf(token) {
  const oauth2 = new auth.OAuth2();
  oauth2.setCredentials({ access_token: token });
  return gmail({ version: "v1", auth: oauth2 });
}

function find(client, method) {
  const path = ["users", ...method.split(".")];
  const name = path.pop();
  const resource = path.reduce((owner, part) => owner[part], client);
  return resource[name].bind(resource);
}

async function answer({ method, params, body, media, token }) {
  const request = { ...params };
  if (body !== null) request.requestBody = body;
  if (media !== null) {
    const octets = Buffer.from(media, "base64");
    request.media = { mimeType: "message/rfc822", body: Readable.from([octets]) };
  }
  try {
    const { status, data } = await find(clientOf(token), method)(request, perCall);
    return { status, data: status === 204 ? null : data };
  } catch (error) {
    if (!error.response) return { failed: String(error.stack) };
    return { status: error.response.status, data: error.response.data };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await answer(JSON.parse(line))) + "\n");
}
