/** Accreditations, and the directory of accredited people. Mirrors `client/src/accreditation.rs`. */
import type { Address, Hex } from 'viem';
import * as api from '../api/routes.ts';
import type { ChainPractitioner } from '../chain/chain.ts';
import { practitionersOf } from '../chain/events.ts';
import type { Listed } from '../types/actions.ts';
import type { DirectoryFilter, NewAccreditation, NewProfile, Person } from '../types/people.ts';
import type { Client } from '../device/client.ts';
import type { Errand } from '../device/errand.ts';
import { Failure } from '../failure.ts';
import { ROLES } from '../protocol/codes.ts';
import { mayEndAt } from '../protocol/ends.ts';
import { sameHex } from '../protocol/hex.ts';
import { PROFILE, PROFILE_TEXT_BYTES_MAX, type Profile } from '../protocol/statements.ts';
import { carryOut, forWallet, newDeadline, newNonce, unixNow } from './act.ts';
import { badItems, mapEach, shortName } from './each.ts';

/** Returns a stranger's text on one line, without characters that change the direction of it or of the text beside it. */
const printable = (text: string): string | null => {
  const line = text
    .replace(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, ' ')
    .trim()
    .slice(0, 500);
  return line === '' ? null : line;
};

/** Returns the directory. Every entry is compared with the chain; an entry that is not on the chain is left out. */
export async function listDirectory(client: Client, filter: DirectoryFilter): Promise<Listed<Person>> {
  await client.chain.verifyDeployment();
  const told = await api.directory({ role: filter.role, name: filter.name });
  const { done, bad } = await mapEach(
    told,
    async (entry) => fromChain(client, entry.address as Address, await checkedProfile(client, entry)),
    16,
  );
  const items = done.filter((one): one is Person => one !== null && (filter.role === undefined || one.roles.includes(filter.role)));
  return { items, bad: badItems(bad, (entry) => shortName(entry.address)) };
}

/**
 * Returns one person: the accreditation from the chain, and the texts from the server if they are valid; `null` if nobody ever accredited
 * them.
 */
export async function person(client: Client, address: Address): Promise<Person | null> {
  const known = await fromChain(client, address, null);
  if (known === null) return null;
  // If the server does not answer, only the name is missing.
  const told = await directoryOnce().catch(() => []);
  const entry = told.find((one) => typeof one.address === 'string' && sameHex(one.address as Address, address));
  return entry === undefined ? known : withTexts(known, await checkedProfile(client, entry));
}

let asked: { at: number; entries: Promise<api.DirectoryEntry[]> } | null = null;
/** Returns the whole directory. It is requested at most once in ten seconds, because names are looked up one by one. */
function directoryOnce(): Promise<api.DirectoryEntry[]> {
  if (asked === null || Date.now() - asked.at > 10_000) asked = { at: Date.now(), entries: api.directory() };
  return asked.entries;
}

/** Returns everybody whom this accreditor has accredited and whom no other accreditor has accredited since. */
export async function ownPractitioners(client: Client): Promise<Listed<Person>> {
  await client.chain.verifyDeployment();
  const addresses = await practitionersOf(client.chain, client.address);
  asked = null;
  const { done, bad } = await mapEach(addresses, (address) => person(client, address));
  const items = done.filter((one): one is Person => one?.accreditor === client.address);
  return { items, bad: badItems(bad, shortName) };
}

async function fromChain(client: Client, address: Address, profile: Profile | null): Promise<Person | null> {
  const lower = address.toLowerCase() as Address;
  const [known, key] = await Promise.all([client.chain.findPractitioner(lower), client.chain.findKey(lower)]);
  if (known === null) return null;
  const found: Person = {
    address: lower,
    accreditor: known.accreditor,
    accreditorEpoch: known.accreditorEpoch,
    roles: ROLES.fromMask(known.roles),
    validFrom: known.validFrom,
    validUntil: known.validUntil,
    counts: known.counts,
    suspended: known.suspended,
    hasKey: key !== null,
    name: null,
    organisation: null,
    specialty: null,
  };
  return withTexts(found, profile);
}

/** Adds a profile to a person, if it was signed by the current accreditor for the epoch of the accreditation. */
function withTexts(known: Person, profile: Profile | null): Person {
  if (profile === null || !sameHex(profile.accreditor, known.accreditor) || !sameHex(profile.practitioner, known.address)) return known;
  if (profile.accreditorEpoch !== known.accreditorEpoch) return known;
  const { name, organisation, specialty } = profile;
  return { ...known, name: printable(name), organisation: printable(organisation), specialty: printable(specialty) };
}

/** Returns the profile of an entry if an accreditor signed it that is active now, in the same epoch. */
async function checkedProfile(client: Client, entry: api.DirectoryEntry): Promise<Profile | null> {
  const signed = entry.profile;
  if (signed === null || signed === undefined) return null;
  const { chain } = client;
  try {
    const profile = PROFILE.fromJson(signed.profile);
    const hash = PROFILE.signingHash(profile, chain.deployment);
    const holds =
      sameHex(profile.practitioner, entry.address as Address) &&
      (await chain.signedBy(profile.accreditor, hash, signed.signature as Hex)) &&
      (await chain.isAccreditor(profile.accreditor)) &&
      (await chain.accreditorEpoch(profile.accreditor)) === profile.accreditorEpoch;
    return holds ? profile : null;
  } catch (error) {
    // If a node does not answer, the failure is thrown, so that the name is not missing for ever. A malformed profile gives no name.
    if (error instanceof Failure) throw error;
    return null;
  }
}

/** Accredits a practitioner. */
export async function accredit(client: Client, wanted: NewAccreditation, errand: Errand): Promise<void> {
  if (wanted.roles.length === 0 || wanted.validUntil <= wanted.validFrom)
    throw new Failure('invalid_form', { values: { field: 'period' } });
  errand.phase('preparing');
  const known = await client.chain.findPractitioner(wanted.practitioner);
  await accreditIn(client, wanted, known?.epoch ?? 0, errand);
}

async function accreditIn(client: Client, wanted: NewAccreditation, epoch: number, errand: Errand): Promise<void> {
  const { practitioner, roles, validFrom, validUntil } = wanted;
  if (!mayEndAt(validUntil, unixNow())) throw new Failure('invalid_form', { values: { field: 'period' } });
  const accreditorEpoch = await client.chain.accreditorEpoch(client.address);
  const action = {
    type: 'accredit',
    message: {
      accreditor: client.address,
      practitioner,
      roles: ROLES.mask(roles),
      validFrom,
      validUntil,
      epoch,
      accreditorEpoch,
      nonce: newNonce(),
      deadline: await newDeadline(client.chain, 'accredit'),
    },
  } as const;
  await carryOut(client, action, { key: 'sign.accredit', values: { practitioner, roles: [...roles], until: validUntil } }, errand);
}

/** Suspends a practitioner. No accreditation that was signed before can take effect afterwards. */
export async function suspend(client: Client, practitioner: Address, errand: Errand): Promise<void> {
  errand.phase('preparing');
  const message = { accreditor: client.address, practitioner, nonce: newNonce(), deadline: await newDeadline(client.chain, 'suspend') };
  await carryOut(client, { type: 'suspend', message }, { key: 'sign.suspend', values: { practitioner } }, errand);
}

/** Ends a suspension: accredits again, with the roles and the period that are on the chain. */
export async function reinstate(client: Client, practitioner: Address, errand: Errand): Promise<void> {
  errand.phase('preparing');
  const known = await ownPractitioner(client, practitioner);
  if (!known.suspended) return;
  const { validFrom, validUntil } = known;
  await accreditIn(client, { practitioner, roles: ROLES.fromMask(known.roles), validFrom, validUntil }, known.epoch, errand);
}

/** Returns a person whom this accreditor accredits. Accreditations from before the accreditor was removed and added again do not count. */
async function ownPractitioner(client: Client, practitioner: Address): Promise<ChainPractitioner> {
  const [known, epoch] = await Promise.all([client.chain.findPractitioner(practitioner), client.chain.accreditorEpoch(client.address)]);
  if (known?.accreditor !== client.address || known.accreditorEpoch !== epoch) throw new Failure('not_allowed');
  return known;
}

/** Signs and publishes a practitioner's profile. The roles are those on the chain. */
export async function publishProfile(client: Client, wanted: NewProfile, errand: Errand): Promise<void> {
  errand.phase('preparing');
  const { practitioner, name, organisation, specialty } = wanted;
  for (const [field, text] of Object.entries({ name, organisation, specialty })) {
    const isFine = new TextEncoder().encode(text).length <= PROFILE_TEXT_BYTES_MAX && !/\p{Cc}/u.test(text);
    if (!isFine || (field === 'name' && text.trim() === '')) throw new Failure('invalid_form', { values: { field } });
  }
  await client.chain.verifyDeployment();
  const known = await ownPractitioner(client, practitioner);
  const profile: Profile = {
    accreditor: client.address,
    accreditorEpoch: known.accreditorEpoch,
    practitioner,
    name,
    organisation,
    specialty,
    roles: known.roles,
    issued: BigInt(unixNow()),
  };
  const data = forWallet(PROFILE.typedData(profile, client.chain.deployment));
  const signature = await errand.signTypedData(client.wallet, data, { key: 'sign.profile', values: { practitioner, name } });
  errand.phase('sending');
  await api.putProfile(practitioner, { profile: PROFILE.toJson(profile) as api.SignedProfile['profile'], signature });
  asked = null;
}

/** Adds an accreditor. Only the owner of `Accreditation` may do it. */
export async function addAccreditor(client: Client, accreditor: Address, errand: Errand): Promise<void> {
  errand.phase('preparing');
  const epoch = await client.chain.accreditorEpoch(accreditor);
  const message = {
    owner: client.address,
    accreditor,
    epoch,
    nonce: newNonce(),
    deadline: await newDeadline(client.chain, 'add_accreditor'),
  };
  await carryOut(client, { type: 'add_accreditor', message }, { key: 'sign.add_accreditor', values: { accreditor } }, errand);
}

/** Removes an accreditor. Everybody whom it accredited then counts as not accredited. Only the owner of `Accreditation` may do it. */
export async function removeAccreditor(client: Client, accreditor: Address, errand: Errand): Promise<void> {
  errand.phase('preparing');
  const message = { owner: client.address, accreditor, nonce: newNonce(), deadline: await newDeadline(client.chain, 'remove_accreditor') };
  await carryOut(client, { type: 'remove_accreditor', message }, { key: 'sign.remove_accreditor', values: { accreditor } }, errand);
}
