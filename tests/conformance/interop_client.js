// The interoperability cases of grpc's doc/interop-test-descriptions.md, by grpc-js.
//
//   node interop_client.js MODULES PROTOS TARGET [CA_FILE]
//
// MODULES is the node_modules to use. Prints `ok CASE` or `not ok CASE WHY` for each.
'use strict';

const assert = require('assert');
const { once } = require('events');
const fs = require('fs');
const path = require('path');

const [modules, protos, target, authority] = process.argv.slice(2);
const grpc = require(path.join(modules, '@grpc/grpc-js'));
const loader = require(path.join(modules, '@grpc/proto-loader'));

const definition = loader.loadSync('grpc/testing/test.proto', { includeDirs: [protos], keepCase: true, defaults: true });
const testing = grpc.loadPackageDefinition(definition).grpc.testing;
const ROUNDS = { quick: 1, normal: 4, long: 200 }[process.env.ZWY_ROUNDS || 'normal'];
const GZIP = { 'grpc.default_compression_algorithm': 2 };
const PATIENCE = 60000; // ms until a hang counts as a failure
const SIZES = [[31415, 27182], [9, 8], [2653, 1828], [58979, 45904]]; // of answers and requests

function connect(Service = testing.TestService, options = {}) {
  const credentials = authority ? grpc.credentials.createSsl(fs.readFileSync(authority)) : grpc.credentials.createInsecure();
  const named = authority ? { 'grpc.ssl_target_name_override': 'localhost' } : {};
  return new Service(target, credentials, { 'grpc.use_local_subchannel_pool': 1, ...named, ...options });
}

// A unary call: its answer, or the error that it fails with.
function ask(client, method, request, { metadata = new grpc.Metadata(), seen = {} } = {}) {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + PATIENCE;
    const call = client[method](request, metadata, { deadline }, (error, answer) => {
      seen.answer = answer;
      seen.error = error;
    });
    call.on('metadata', (head) => { seen.head = head; });
    call.on('status', (status) => { // the last of all events
      seen.status = status;
      setImmediate(() => (seen.error ? reject(seen.error) : resolve(seen.answer)));
    });
  });
}

async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('the call succeeded');
}

async function collect(call) {
  const sizes = [];
  for await (const answer of call) sizes.push(answer.payload.body.length);
  return sizes;
}

const body = (size) => ({ body: Buffer.alloc(size) });
const large = (more = {}) => ({ response_size: 314159, payload: body(271828), ...more });
const output = (answer, request) => ({ response_parameters: [{ size: answer }], payload: body(request) });
const deadline = (ms = PATIENCE) => ({ deadline: Date.now() + ms });
const yes = (value = true) => ({ value });

function isLarge(answer) {
  assert(answer.payload.body.equals(Buffer.alloc(314159)));
}

function upload(client, requests) {
  return new Promise((resolve, reject) => {
    const call = client.StreamingInputCall(deadline(), (error, answer) => (error ? reject(error) : resolve(answer)));
    for (const request of requests) call.write(request);
    call.end();
  });
}

async function bothStatus(client, code, message) {
  const request = { response_status: { code, message } };
  const stream = client.FullDuplexCall(deadline());
  stream.end(request);
  for (const error of [await refusal(collect(stream)), await refusal(ask(client, 'UnaryCall', request))]) {
    assert.strictEqual(error.code, code);
    assert.strictEqual(error.details, message);
  }
}

function assertEchoed(head, trailer) {
  assert.deepStrictEqual(head.get('x-grpc-test-echo-initial'), ['test_initial_metadata_value']);
  assert.deepStrictEqual(trailer.get('x-grpc-test-echo-trailing-bin'), [Buffer.from('ababab', 'hex')]);
}

const cases = {
  async empty_unary(client) {
    assert.deepStrictEqual(await ask(client, 'EmptyCall', {}), {});
  },
  async large_unary(client) {
    isLarge(await ask(client, 'UnaryCall', large()));
  },
  async client_streaming(client) {
    const answer = await upload(client, SIZES.map(([, size]) => ({ payload: body(size) })));
    assert.strictEqual(answer.aggregated_payload_size, 74922);
  },
  async server_streaming(client) {
    const sizes = SIZES.map(([size]) => size);
    const request = { response_parameters: sizes.map((size) => ({ size })) };
    assert.deepStrictEqual(await collect(client.StreamingOutputCall(request, deadline())), sizes);
  },
  async ping_pong(client) {
    const call = client.FullDuplexCall(deadline());
    const status = once(call, 'status');
    const answers = call[Symbol.asyncIterator]();
    for (const [answer, request] of SIZES) {
      call.write(output(answer, request));
      assert.strictEqual((await answers.next()).value.payload.body.length, answer);
    }
    call.end();
    assert((await answers.next()).done);
    assert.strictEqual((await status)[0].code, grpc.status.OK);
  },
  async half_duplex(client) {
    const call = client.HalfDuplexCall(deadline());
    for (const [answer, request] of SIZES) call.write(output(answer, request));
    call.end();
    assert.deepStrictEqual(await collect(call), SIZES.map(([size]) => size));
  },
  async empty_stream(client) {
    const call = client.FullDuplexCall(deadline());
    call.end();
    assert.deepStrictEqual(await collect(call), []);
  },
  async cancel_after_begin(client) {
    const ended = new Promise((resolve) => {
      const call = client.StreamingInputCall(deadline(), resolve);
      setImmediate(() => call.cancel());
    });
    assert.strictEqual((await ended).code, grpc.status.CANCELLED);
  },
  async cancel_after_first_response(client) {
    const call = client.FullDuplexCall(deadline());
    call.write(output(31415, 27182));
    const answers = call[Symbol.asyncIterator]();
    assert.strictEqual((await answers.next()).value.payload.body.length, 31415);
    call.cancel();
    assert.strictEqual((await refusal(answers.next())).code, grpc.status.CANCELLED);
  },
  async timeout_on_sleeping_server(client) {
    const call = client.FullDuplexCall(deadline(1));
    call.write({ payload: body(27182) });
    assert.strictEqual((await refusal(collect(call))).code, grpc.status.DEADLINE_EXCEEDED);
  },
  async status_code_and_message(client) {
    await bothStatus(client, grpc.status.UNKNOWN, 'test status message');
  },
  async special_status_message(client) {
    await bothStatus(client, grpc.status.UNKNOWN, '\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n');
  },
  async custom_metadata(client) {
    const metadata = new grpc.Metadata();
    metadata.set('x-grpc-test-echo-initial', 'test_initial_metadata_value');
    metadata.set('x-grpc-test-echo-trailing-bin', Buffer.from('ababab', 'hex'));
    const seen = {};
    isLarge(await ask(client, 'UnaryCall', large(), { metadata, seen }));
    assertEchoed(seen.head, seen.status.metadata);
    const call = client.FullDuplexCall(metadata, deadline());
    const head = once(call, 'metadata');
    const status = once(call, 'status');
    call.end(output(314159, 271828));
    assert.deepStrictEqual(await collect(call), [314159]);
    assertEchoed((await head)[0], (await status)[0].metadata);
  },
  async unimplemented_method(client) {
    assert.strictEqual((await refusal(ask(client, 'UnimplementedCall', {}))).code, grpc.status.UNIMPLEMENTED);
  },
  async unimplemented_service() {
    const client = connect(testing.UnimplementedService);
    assert.strictEqual((await refusal(ask(client, 'UnimplementedCall', {}))).code, grpc.status.UNIMPLEMENTED);
    client.close();
  },
  async client_compressed_unary(client) {
    const wrong = await refusal(ask(client, 'UnaryCall', large({ expect_compressed: yes() })));
    assert.strictEqual(wrong.code, grpc.status.INVALID_ARGUMENT);
    const compressing = connect(testing.TestService, GZIP);
    isLarge(await ask(compressing, 'UnaryCall', large({ expect_compressed: yes() })));
    isLarge(await ask(client, 'UnaryCall', large({ expect_compressed: yes(false) })));
    compressing.close();
  },
  async server_compressed_unary(client) {
    for (const wish of [true, false]) isLarge(await ask(client, 'UnaryCall', large({ response_compressed: yes(wish) })));
  },
  // grpc-js sets the flag for a channel, not for a message: two calls instead of one.
  async client_compressed_streaming(client) {
    const request = { expect_compressed: yes(), payload: body(27182) };
    assert.strictEqual((await refusal(upload(client, [request]))).code, grpc.status.INVALID_ARGUMENT);
    const compressing = connect(testing.TestService, GZIP);
    assert.strictEqual((await upload(compressing, [request, request])).aggregated_payload_size, 2 * 27182);
    const plain = { expect_compressed: yes(false), payload: body(45904) };
    assert.strictEqual((await upload(client, [plain])).aggregated_payload_size, 45904);
    compressing.close();
  },
  async server_compressed_streaming(client) {
    const wishes = [{ size: 31415, compressed: yes() }, { size: 92653, compressed: yes(false) }];
    const call = client.StreamingOutputCall({ response_parameters: wishes }, deadline());
    assert.deepStrictEqual(await collect(call), [31415, 92653]);
  },
  async rpc_soak(client) {
    for (let i = 0; i < 5 * ROUNDS; i++) isLarge(await ask(client, 'UnaryCall', large()));
  },
  async channel_soak() {
    for (let i = 0; i < 5 * ROUNDS; i++) {
      const fresh = connect();
      isLarge(await ask(fresh, 'UnaryCall', large()));
      fresh.close();
    }
  },
  async concurrent_large_unary(client) {
    const calls = Array.from({ length: Math.min(1000, 25 * ROUNDS) }, () => ask(client, 'UnaryCall', large()));
    for (const answer of await Promise.all(calls)) isLarge(answer);
  },
};

async function main() {
  for (const [name, run] of Object.entries(cases)) {
    const client = connect();
    try {
      await run(client);
      console.log(`ok ${name}`);
    } catch (error) {
      console.log(`not ok ${name} ${String(error.stack || error).replace(/\n/g, ' | ')}`);
    } finally {
      client.close();
    }
  }
}

main();
