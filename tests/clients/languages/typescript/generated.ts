// What generators make of openapi.json is called: @hey-api/openapi-ts a client, openapi-typescript the types of one.
import { createClient } from "./generated/client";
import { plan } from "./generated/index";
import type { paths } from "./schema";

type Plan = paths["/plan"]["post"];
type Answer = Plan["responses"]["200"]["content"]["application/json"];

async function main(url: string): Promise<void> {
  const shape: [number, number] = [3, 2];
  const spec = { seed: 42, layers: [{ name: "fc1", type: "dense" as const, shape }] };
  const { data } = await plan({ client: createClient({ baseUrl: url }), body: spec });
  const headers = { "content-type": "application/json" };
  const asked = await fetch(`${url}/plan`, { method: "POST", headers, body: JSON.stringify(spec) });
  const answer = (await asked.json()) as Answer;
  console.log(data!.totals.elements, answer.totals.elements);
}

void main(process.argv[2]!);
