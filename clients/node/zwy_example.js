#!/usr/bin/env node
// An application for cloud storage, from the request to the service, with stock gRPC.
// Needs `npm ci` once. Exits with 0 if everything went as it should. See README.md.
'use strict';

const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const PROTO_DIRS = [path.join(__dirname, '../../proto'), '/usr/local/share/zwy/proto', '/usr/share/zwy/proto'];
const FILES = ['application', 'audit', 'organisation', 'resource', 'rule', 'watch'].map((name) => `zwy/v1/${name}.proto`);
const TIMEOUT_MS = 20000; // for each call

/** The services of zwy.v1, made from the published .proto files. */
function loadContract(directory) {
  const found = directory || PROTO_DIRS.find((d) => fs.existsSync(path.join(d, FILES[0])));
  const definition = loader.loadSync(FILES, {
    includeDirs: [found], keepCase: true, longs: String, enums: String, defaults: true, oneofs: true,
  });
  return grpc.loadPackageDefinition(definition).zwy.v1;
}

/** Calls zwyd in the name of several principals (metadata zwy-as; a delegation must allow it). */
class Zwy {
  constructor(target, contract, secure) {
    const services = ['ApplicationService', 'OrganisationService', 'ResourceService', 'RuleService', 'WatchService'];
    const tls = target.startsWith('tls:');
    const credentials = tls ? secure : grpc.credentials.createInsecure();
    const address = tls ? target.slice('tls:'.length) : target;
    this.stubs = Object.fromEntries(services.map((name) => [name, new contract[name](address, credentials)]));
  }

  metadata(as) {
    const metadata = new grpc.Metadata();
    metadata.set('zwy-as', as);
    return metadata;
  }

  call(service, method, request, as) {
    const options = { deadline: Date.now() + TIMEOUT_MS };
    return new Promise((resolve, reject) => {
      this.stubs[service][method](request, this.metadata(as), options, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
  }

  watch(request, as) {
    return this.stubs.WatchService.Watch(request, this.metadata(as), { deadline: Date.now() + 6 * TIMEOUT_MS });
  }

  close() {
    Object.values(this.stubs).forEach((stub) => stub.close());
  }
}

/** Whom to trust (null: Node's own list), and the certificate that says who the caller is. */
function tlsCredentials({ ca, cert, key }) {
  const read = (file) => (file ? fs.readFileSync(file) : null);
  return grpc.credentials.createSsl(read(ca), read(key || cert), read(cert));
}

/** A request with everything that Article 13 asks for. Documents are named by digest; bodies may follow later. */
function application(system) {
  const document = {};
  for (const kind of ['construction-plan', 'construction-plan-approval', 'security-filing']) {
    const digest = crypto.createHash('sha256').update(`the ${kind} of the example\n`).digest('hex');
    document[kind] = `${kind}.pdf sha256:${digest}`;
  }
  return {
    kind: 'APPLICATION_KIND_REGULAR', system, zone: 'ZONE_EXTRANET', purpose: 'filed by the Node.js example', document,
    cloud_plan: {
      architecture: 'three-tier, two availability zones', demand: 'storage for scanned files',
      quantities: 'four TiB', operations_security: 'backups every night, patches every month',
    },
    items: [{ service: 'block-storage', quantity: 4 }],
  };
}

/** The usual course of Articles 13 and 14. */
function course({ department, authority, operator }) {
  const opinion = { result: 'pass', complexity: 'low', configuration: 'reasonable', architecture: 'sound' };
  return [
    ['accept', authority, {}], ['assign', operator, {}], ['opinion', operator, opinion], ['forward', operator, {}],
    ['decide', authority, { decision: 'approve', comment: '同意' }], ['start', operator, {}],
    ['deliver', operator, {}], ['confirm', department, {}],
  ];
}

async function carryThrough(zwy, name, steps, department) {
  for (const [action, who, form] of steps) {
    const answer = await zwy.call('ApplicationService', 'Act', { name, action, form }, who);
    const why = await zwy.call('RuleService', 'Explain', { name }, department);
    console.log(`  ${action.padEnd(8)} by ${who.padEnd(22)} -> ${answer.state.padEnd(17)}${why.due ? `due ${why.due}` : ''}`);
  }
}

/** A refusal is a status with a text for people; grpc-status-details-bin has reason and article for programs. */
async function showRefusal(zwy, name, who) {
  try {
    await zwy.call('ApplicationService', 'Act', { name, action: 'accept' }, who);
  } catch (error) {
    if (error.code !== grpc.status.PERMISSION_DENIED) throw error;
    console.log(`  as it should be, ${who} may not accept it: ${grpc.status[error.code]}: ${error.details}`);
    return;
  }
  throw new Error('the department could accept its own application');
}

/** Events of one application, collected from a stream as they come, until it is closed. */
function follow(stream, nameKnown) {
  return new Promise((resolve, reject) => {
    const seen = [];
    let queue = Promise.resolve();
    stream.on('data', (event) => {
      queue = queue.then(async () => {
        if (event.name !== await nameKnown) return;
        seen.push(event);
        if (event.to_state === 'closed') resolve(seen);
      }).catch(reject);
    });
    stream.on('error', reject);
    stream.on('end', () => reject(new Error('the stream of events ended early')));
  });
}

async function run(target, options) {
  const zwy = new Zwy(target, loadContract(options.proto), tlsCredentials(options));
  const full = (who) => (who.includes('/') ? who : `principals/${who}`);
  const people = { department: full(options.department), authority: full(options.authority), operator: full(options.operator) };
  const steps = course(people);

  const me = await zwy.call('OrganisationService', 'WhoAmI', {}, people.department);
  console.log(`${target}: zwyd ${me.server_version}; acting for ${me.principal.name} (${me.principal.display_name})`);
  let tellName;
  const nameKnown = new Promise((resolve) => { tellName = resolve; });
  const stream = zwy.watch({ prefix: 'applications/', since: me.revision }, people.department);
  const events = follow(stream, nameKnown);
  events.catch(() => {}); // waited for below

  const request = { application: application(options.system), submit: true, request_id: crypto.randomUUID() };
  const filed = await zwy.call('ApplicationService', 'CreateApplication', request, people.department);
  const again = await zwy.call('ApplicationService', 'CreateApplication', request, people.department);
  assert.strictEqual(again.name, filed.name, 'the same request made two applications');
  tellName(filed.name);
  console.log(`filed ${filed.name}: ${filed.state}, at node ${filed.node}`);
  await showRefusal(zwy, filed.name, people.department);
  await carryThrough(zwy, filed.name, steps, people.department);

  console.log('events:');
  const seen = await events;
  stream.on('error', () => {}); // what cancelling it says
  stream.cancel();
  for (const e of seen) {
    const time = new Date(Number(e.time.seconds) * 1000 + e.time.nanos / 1e6).toISOString();
    console.log(`  ${e.revision} ${time} ${e.action || e.kind}: ${e.from_state || '-'} -> ${e.to_state} (Art. ${e.article})`);
  }
  seen.reduce((last, e) => { assert(BigInt(e.revision) > last, 'events out of order'); return BigInt(e.revision); }, 0n);
  const wanted = ['submit', ...steps.map(([action]) => action)];
  assert.deepStrictEqual(seen.map((e) => e.action).filter((a) => wanted.includes(a)), wanted, 'events are missing');

  const record = await zwy.call('ApplicationService', 'GetApplication', { name: filed.name }, people.department);
  for (const name of record.resources) {
    const resource = await zwy.call('ResourceService', 'GetResource', { name }, people.department);
    console.log(`${name}: ${resource.quantity} of ${resource.service}, ${resource.state}`);
  }
  assert(record.state === 'closed' && record.resources.length === 1);
  console.log('done');
  zwy.close();
}

const USAGE = `usage: zwy_example.js [options] TARGET

TARGET is unix:PATH, HOST:PORT or tls:HOST:PORT.
  --ca FILE       whom to trust, for tls: (default: Node's own list)
  --cert FILE     certificate to show
  --key FILE      its key (default: in the same file)
  --department P  principal of the using department (default: core-du)
  --authority P   principal of the competent authority (default: core-ca)
  --operator P    principal of the operator (default: core-op)
  --system S      information system (default: finance-portal)
  --proto DIR     directory that holds zwy/v1/*.proto`;

function main() {
  const string = (value) => ({ type: 'string', default: value });
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      department: string('core-du'), authority: string('core-ca'), operator: string('core-op'),
      system: string('finance-portal'), proto: { type: 'string' },
      ca: { type: 'string' }, cert: { type: 'string' }, key: { type: 'string' }, help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help || positionals.length !== 1) {
    console.log(USAGE);
    process.exit(values.help ? 0 : 2);
  }
  run(positionals[0], values).catch((error) => {
    console.error(error.code !== undefined && error.details ? `refused: ${grpc.status[error.code]}: ${error.details}` : error);
    process.exit(1);
  });
}

main();
