import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient, envelope, Signer, type ClientSettings, type ManagementClient, type Signing } from '../src/index.js';

/** A response of a stub: status, headers and document; or none, because it ends the connection or takes its time. */
export type Reply = [status: number, headers: Record<string, string>, document: unknown] | 'hang up' | 'wait' | 'half';

export interface Stub {
  url: string;
  /** In the order of their arrival. */
  requests: { url: string; headers: IncomingHttpHeaders; body: string }[];
  /** What the client waited between attempts, in milliseconds. */
  slept: number[];
  /** A client that notes its waits instead of waiting. */
  client(settings?: ClientSettings & { signing?: Signing; random?: number }): ManagementClient;
}

export const signer = await Signer.fromSecret('backend-1', 'a secret of thirty-two characters');

/** Runs a test with a server on this machine that answers with what script has, the last entry for good. */
export async function withStub<Result>(script: Reply[], test: (stub: Stub) => Promise<Result>): Promise<Result> {
  const replies = [...script];
  const requests: Stub['requests'] = [];
  const slept: number[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    requests.push({ url: request.url ?? '', headers: request.headers, body });
    const reply = replies.length > 1 ? replies.shift()! : replies[0]!;
    if (reply === 'wait') return;
    if (reply === 'half') {
      response.writeHead(201, { 'Content-Type': 'application/json' }).write('{');
      return;
    }
    if (reply === 'hang up') {
      request.socket.destroy();
      return;
    }
    const [status, headers, document] = reply;
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(document));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client: Stub['client'] = ({ signing = envelope(signer), random = 0, retries, ...settings } = {}) =>
    createClient(url, signing, { retries: { sleep: async (milliseconds) => slept.push(milliseconds), random: () => random, ...retries }, ...settings });
  try {
    return await test({ url, requests, slept, client });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** A port on which nobody listens. */
export async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}
