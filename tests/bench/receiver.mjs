// node receiver.mjs: takes OTLP/HTTP requests as a collector must at least (unpack, parse, count) and answers. Prints its port; at the
// end of its input, what it has taken and what that cost.
import { createServer } from 'node:http';
import { gunzipSync } from 'node:zlib';

const taken = { requests: 0, spans: 0, bytes: 0, plain: 0 };
const server = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts);
    const plain = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    for (const { scopeSpans } of JSON.parse(plain.toString()).resourceSpans)
      for (const { spans } of scopeSpans) taken.spans += spans.length;
    taken.requests++;
    taken.bytes += body.length;
    taken.plain += plain.length;
    response.setHeader('Content-Type', 'application/json');
    response.end('{}');
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => {
  const { user, system } = process.cpuUsage();
  console.log(JSON.stringify({ ...taken, cpu: (user + system) / 1e6 }));
  process.exit();
}).resume();
