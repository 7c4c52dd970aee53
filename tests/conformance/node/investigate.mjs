// Investigates through a client of the TypeScript SDK and prints every answer as a line of JSON.
//
//   node investigate.mjs v1|v2-legacy|v2-modern in-order|out-of-order CASE
//
// CASE is JSON: {url} or {command, args, env}, and {namespace, pod}.

const NAME = { name: "terway-mcp-conformance", version: "1" };

const connect = {
  async v1(target) {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const { StdioClientTransport } = await import("@modelcontextprotocol/sdk/client/stdio.js");
    const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
    const client = new Client(NAME);
    await client.connect(
      target.url ? new StreamableHTTPClientTransport(new URL(target.url)) : new StdioClientTransport(target),
    );
    return client;
  },
  "v2-legacy": (target) => connectV2(target, "legacy"),
  "v2-modern": (target) => connectV2(target, { pin: "2026-07-28" }),
};

async function connectV2(target, mode) {
  const { Client, StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
  const { StdioClientTransport } = await import("@modelcontextprotocol/client/stdio");
  const client = new Client(NAME, { versionNegotiation: { mode } });
  await client.connect(
    target.url ? new StreamableHTTPClientTransport(new URL(target.url)) : new StdioClientTransport(target),
  );
  return client;
}

async function call(client, name, args) {
  const result = await client.callTool({ name, arguments: args });
  const [text] = result.content;
  console.log(
    JSON.stringify({
      tool: name,
      isError: result.isError ?? false,
      envelope: result.structuredContent,
      sameText: JSON.stringify(JSON.parse(text.text)) === JSON.stringify(result.structuredContent),
    }),
  );
  return result.structuredContent;
}

// What a client does that trusts the server: it sends the first next step of every answer.
async function follow(client, answer) {
  while (!answer.data?.verdict) {
    const [step] = answer.next_steps;
    answer = await call(client, step.tool, step.arguments);
  }
}

const orders = {
  async "in-order"(client, { namespace, pod }) {
    const { investigation } = await call(client, "inspect_cluster", { namespace });
    await follow(client, await call(client, "inspect_pod", { investigation: investigation.id, namespace, pod }));
  },
  async "out-of-order"(client, { namespace, pod, node }) {
    await call(client, "correlate", { investigation: "of-nobody" });
    await call(client, "get_events", { namespace, pod });
    const { investigation } = await call(client, "inspect_cluster", {});
    await call(client, "grep_terway_logs", { investigation: investigation.id, node });
    await call(client, "correlate", { investigation: investigation.id });
    await follow(client, await call(client, "get_events", { investigation: investigation.id, namespace, pod }));
  },
};

const [sdk, order, described] = process.argv.slice(2);
const target = JSON.parse(described);
const client = await connect[sdk](target);
try {
  // The client learns the output schemas here, and from now on rejects every answer that does not match.
  const { tools } = await client.listTools();
  const version = client.getNegotiatedProtocolVersion?.() ?? client.transport?.protocolVersion ?? null;
  console.log(JSON.stringify({ tools: tools.map((tool) => tool.name), version, server: client.getServerVersion() }));
  await orders[order](client, target);
} finally {
  await client.close();
}
