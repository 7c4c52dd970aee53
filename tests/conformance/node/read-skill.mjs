// Reads the skill of a server with the client of the TypeScript SDK, which checks every digest, and prints what it found.
//
//   node read-skill.mjs legacy|modern URL

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { SkillsClient } from "@modelcontextprotocol/client/ext/skills";

const [era, url] = process.argv.slice(2);
const mode = era === "modern" ? { pin: "2026-07-28" } : "legacy";
const client = new Client({ name: "terway-mcp-conformance", version: "1" }, { versionNegotiation: { mode } });
await client.connect(new StreamableHTTPClientTransport(new URL(url)));
try {
  const skills = new SkillsClient(client);
  const listing = await skills.list();
  for (const skill of listing.skills) {
    const files = [];
    for (const { uri } of skill.resources) {
      const { verified, bytes } = await skills.read(skill, uri);
      files.push({ uri, verified, bytes: bytes.length });
    }
    const { resources } = await skills.readDirectory(skill.uri.replace("/SKILL.md", ""));
    const children = resources.map((child) => child.name);
    console.log(JSON.stringify({ name: skill.frontmatter.name, files, children, freshFor: listing.ttlMs ?? null }));
  }
} finally {
  await client.close();
}
