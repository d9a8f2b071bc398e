// nodemailer, once: sends one message with the transport options given as JSON.

import { createTransport } from "nodemailer";

const { transport, message } = JSON.parse(process.argv[2]);
const mailer = createTransport(transport);
const sent = await mailer.sendMail(message);
console.log(JSON.stringify({ accepted: sent.accepted, response: sent.response }));
mailer.close();
