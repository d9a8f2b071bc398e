// Node's Gmail client as a servant: a call per line of JSON in, an answer per line out.
//
// In: {method, params, body, media, token}, or {batch: [[verb, path, body], …], token}. Out: {status,
// data}, or {failed} when the client itself gives up; data of a batch is a list of {status, data}. The
// address of the server is the first argument.

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

// The library has no batches of its own: people send the body with its authorised client.
async function answerBatch({ batch, token }) {
  const oauth2 = new auth.OAuth2();
  oauth2.setCredentials({ access_token: token });
  const parts = batch.map(([verb, path, body], number) =>
    [
      "--batch_penfold",
      "Content-Type: application/http",
      `Content-ID: <item-${number}>`,
      "",
      `${verb} ${path} HTTP/1.1`,
      "Content-Type: application/json",
      "",
      body === null ? "" : JSON.stringify(body),
      "",
    ].join("\r\n"),
  );
  try {
    const answer = await oauth2.request({
      url: rootUrl + "batch/gmail/v1",
      method: "POST",
      headers: { "Content-Type": "multipart/mixed; boundary=batch_penfold" },
      body: parts.join("") + "--batch_penfold--\r\n",
      responseType: "text",
      retry: false,
    });
    const kind = new Headers(answer.headers).get("content-type");
    return { status: answer.status, data: readParts(answer.data, kind.split("boundary=")[1]) };
  } catch (error) {
    if (!error.response) return { failed: String(error.stack) };
    const data = error.response.data;
    return { status: error.response.status, data: typeof data === "string" ? JSON.parse(data) : data };
  }
}

function readParts(text, boundary) {
  const parts = text.split(`--${boundary}`).slice(1, -1);
  return parts.map((part) => {
    const [outer, head, ...body] = part.trimStart().split("\r\n\r\n");
    const number = Number(/content-id: <response-item-(\d+)>/i.exec(outer)[1]);
    const json = body.join("\r\n\r\n").trim();
    return { number, status: Number(head.split(" ")[1]), data: json ? JSON.parse(json) : null };
  });
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
  const asked = JSON.parse(line);
  const answered = await (asked.batch ? answerBatch(asked) : answer(asked));
  process.stdout.write(JSON.stringify(answered) + "\n");
}
