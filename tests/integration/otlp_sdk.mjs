// node otlp_sdk.mjs FILE: reads requests in OTLP's JSON, makes of each the spans that an SDK would have, lets the JavaScript
// SDK's exporter write them, and prints what it has written, one line a request.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
const { JsonTraceSerializer } = createRequire(process.env.SDK_FOLDER + '/')('@opentelemetry/otlp-transformer');

const hrTime = (text) => { const ns = BigInt(text); return [Number(ns / 1000000000n), Number(ns % 1000000000n)]; };
const plain = (list = []) => Object.fromEntries(list.map(({ key, value }) =>
  [key, 'intValue' in value ? Number(value.intValue) : Object.values(value)[0]]));
const state = (text) => text === undefined ? undefined : { serialize: () => text };

for (const line of readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean)) {
  const spans = [];
  for (const { resource, scopeSpans } of JSON.parse(line).resourceSpans) {
    const owner = { attributes: plain(resource.attributes), asyncAttributesPending: false };
    for (const { scope, spans: list } of scopeSpans)
      for (const s of list)
        spans.push({
          name: s.name, kind: s.kind - 1, resource: owner, ended: true,
          spanContext: () => ({ traceId: s.traceId, spanId: s.spanId, traceFlags: s.flags & 0xff, traceState: state(s.traceState) }),
          parentSpanContext: s.parentSpanId && { traceId: s.traceId, spanId: s.parentSpanId, traceFlags: 1, isRemote: (s.flags & 0x200) !== 0 },
          startTime: hrTime(s.startTimeUnixNano), endTime: hrTime(s.endTimeUnixNano), duration: [0, 0],
          status: { code: s.status?.code ?? 0, message: s.status?.message }, attributes: plain(s.attributes),
          links: (s.links ?? []).map((l) => ({ context: { traceId: l.traceId, spanId: l.spanId, traceFlags: 1, isRemote: (l.flags & 0x200) !== 0 }, attributes: {} })),
          events: (s.events ?? []).map((e) => ({ name: e.name, time: hrTime(e.timeUnixNano), attributes: plain(e.attributes) })),
          droppedAttributesCount: 0, droppedEventsCount: s.droppedEventsCount ?? 0, droppedLinksCount: 0,
          instrumentationScope: { name: scope.name, version: scope.version },
        });
  }
  console.log(new TextDecoder().decode(JsonTraceSerializer.serializeRequest(spans)));
}
