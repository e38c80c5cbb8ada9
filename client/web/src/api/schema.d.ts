// Generated from api/openapi.json by `npm run schema`. Not for editing.
export interface paths {
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Answers 200 when the process is running.
         * @description **Who may call:** anyone.
         */
        get: operations["healthz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Returns the metrics in OpenMetrics text.
         * @description They count requests and contain nothing about a person.
         *
         *     **Who may call:** anyone who reaches the server. A proxy in front should not make it public.
         */
        get: operations["metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Answers 200 when the server can work, or 503 with the parts that fail.
         * @description **Who may call:** anyone.
         */
        get: operations["readyz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accepted/{address}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Accepts a stranger who has granted the caller something or asked for access.
         * @description From now on the caller knows this address: its grants move to the shelf `known`, and the records that it shares
         *     appear in `/v1/records`.
         *
         *     **Who may call:** a person whom that address has granted something or asked for access.
         */
        put: operations["accept"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/actions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Relays a signed action of any kind except a checkpoint.
         * @description A repeated action gets the same answer, if its signer or its first submitter sends it.
         *
         *     **Who may call:** any signed-in address, with an action signed by anybody. The caller's gas budget pays.
         */
        post: operations["post_action"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/actions/{action}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Returns the status of a relayed action.
         * @description **Who may call:** its signer and its first submitter.
         */
        get: operations["get_action"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/address-book": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Returns the caller's address book.
         * @description **Who may call:** any signed-in address; it sees its own.
         */
        get: operations["get_address_book"];
        /**
         * Writes the caller's address book.
         * @description `If-Match` names the revision that it replaces, and `If-None-Match: *` writes the first one.
         *
         *     **Who may call:** any signed-in address; it writes its own.
         */
        put: operations["put_address_book"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/challenge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Returns a nonce and all other values that the login message must contain.
         * @description **Who may call:** anyone.
         */
        get: operations["challenge"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Opens a session for the account that signed the login message.
         * @description The message names the session key, which signs read requests.
         *
         *     **Who may call:** anyone.
         */
        post: operations["login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ends the caller's session.
         * @description **Who may call:** any signed-in address.
         */
        post: operations["logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/blobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Stores an envelope and returns its CID.
         * @description The body is streamed, and `Content-Length` is required. An upload that is never registered is removed after a day.
         *
         *     **Who may call:** any signed-in address with quota left.
         */
        post: operations["upload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/blobs/{cid}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Returns an envelope, or one range of it.
         * @description **Who may call:** the patient, everybody with an active grant over the record, and the uploader until the version is
         *     registered.
         */
        get: operations["download"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /**
         * Returns the length of an envelope.
         * @description **Who may call:** everybody who may download it.
         */
        head: operations["describe_blob"];
        patch?: never;
        trace?: never;
    };
    "/v1/blocks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists the addresses that the caller has blocked, newest first.
         * @description **Who may call:** any signed-in address; it sees its own list.
         */
        get: operations["list_blocks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/blocks/{address}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Blocks a sender.
         * @description Its grants wait on the shelf `blocked`, its requests are refused, and its actions do not appear in the caller's feed.
         *     Existing grants remain valid.
         *
         *     **Who may call:** any signed-in address, for itself.
         */
        put: operations["block"];
        post?: never;
        /**
         * Ends a block.
         * @description Grants that the sender gave in the meantime return to their shelf.
         *
         *     **Who may call:** any signed-in address, for itself.
         */
        delete: operations["unblock"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/deployment": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Returns the contracts that this server uses, and the operator's keys to which release shares are sealed.
         * @description **Who may call:** anyone.
         */
        get: operations["deployment"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/directory": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists accredited people by address, or by name if the query has one.
         * @description **Who may call:** any signed-in address.
         */
        get: operations["list_directory"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/directory/{address}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Stores a practitioner's public profile, or replaces an older one.
         * @description **Who may call:** its accreditor or the practitioner. The profile must have the accreditor's signature.
         */
        put: operations["put_profile"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Streams the caller's events as server-sent events: from `Last-Event-ID` on, or from now on without it.
         * @description Comments are heartbeats. An event only tells the client to read again; it never grants permission.
         *
         *     **Who may call:** any signed-in address. It sees the events that concern it.
         */
        get: operations["get_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/grants": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists the grants that the caller gave or received, newest first, without their capsules.
         * @description Received grants are on shelves. Grants from strangers and from blocked senders have separate shelves.
         *
         *     **Who may call:** any signed-in address.
         */
        get: operations["list_grants"];
        put?: never;
        /**
         * Gives grants: stores the capsules for the grantee, then relays the signed message.
         * @description Without a message the grants must already be on chain, and only their capsules are stored.
         *
         *     **Who may call:** the patient.
         */
        post: operations["post_grant"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/grants/revoke": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ends grants.
         * @description Reads stop as soon as the message is accepted, before it is mined.
         *
         *     **Who may call:** any signed-in address. The message must have the patient's signature.
         */
        post: operations["revoke"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/grants/{grant}/bundle": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Returns the capsules of one grant.
         * @description **Who may call:** the patient who gave the grant, and its grantee.
         */
        get: operations["get_bundle"];
        /**
         * Adds capsules of later versions to an active grant (catch-up).
         * @description **Who may call:** the patient who gave the grant.
         */
        put: operations["put_bundle"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/grants/{grant}/hidden": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Hides a received grant from the caller's lists.
         * @description The grant remains valid, and can still be found by its record.
         *
         *     **Who may call:** its grantee.
         */
        put: operations["hide_grant"];
        post?: never;
        /**
         * Shows a hidden grant again.
         * @description **Who may call:** its grantee.
         */
        delete: operations["unhide_grant"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/invitations/{address}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Invites an account that has no relation to anybody on this server.
         * @description From now on the relay accepts its actions, within the budget of a known account. An unused invitation ends after 90
         *     days.
         *
         *     **Who may call:** an accreditor, the owner of the accreditation contract, and the operator.
         */
        put: operations["invite"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/keyring": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Returns the caller's keyring.
         * @description **Who may call:** any signed-in address; it sees its own.
         */
        get: operations["get_keyring"];
        /**
         * Writes the caller's keyring.
         * @description `If-Match` names the revision that it replaces, and `If-None-Match: *` writes the first one.
         *
         *     **Who may call:** any signed-in address; it writes its own.
         */
        put: operations["put_keyring"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/keys/{address}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Returns a person's current identity key.
         * @description Clients compare its hash with the chain.
         *
         *     **Who may call:** any signed-in address.
         */
        get: operations["published_key"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/log": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists reads, newest first.
         * @description A patient gets the reads of the patient's own records, with their readers. An accredited auditor gets all anchored
         *     reads, without readers.
         *
         *     **Who may call:** any signed-in address.
         */
        get: operations["list_log"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/log/checkpoints": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists the checkpoints of this deployment's operator, newest first.
         * @description **Who may call:** any signed-in address. Checkpoints are public on chain.
         */
        get: operations["list_checkpoints"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/log/leaves/{leaf}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Returns the operator's evidence of one read: everything that its leaf hash commits to.
         * @description **Who may call:** the patient of the record, and the reader.
         */
        get: operations["get_evidence"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Returns the signed-in address, its roles, and its use of storage.
         * @description **Who may call:** any signed-in address.
         */
        get: operations["me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/reads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Opens one version of a record: returns the release share and a receipt, once the read is durably in the log.
         * @description A repeated request is checked again and gets the same receipt. A request with the same nonce
         *     and different content is refused (`nonce_used`).
         *
         *     **Who may call:** a grantee with a READ grant of the patient, for a purpose of the grant. The session key must sign
         *     the request.
         */
        post: operations["post_read"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/records": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists the records that the caller owns, uploaded, or was granted, newest first.
         * @description Records that a stranger granted are listed only when `patient` is the stranger's address.
         *
         *     **Who may call:** any signed-in address.
         */
        get: operations["list_records"];
        put?: never;
        /**
         * Registers a version of a record: stores its release share, then relays the signed message.
         * @description Without a message the version must already be on chain, and only the share is stored.
         *
         *     **Who may call:** the uploader in the message. Without a message: the patient, or the first uploader, who can open
         *     the record id, registered this version, and may still upload.
         */
        post: operations["post_record"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/records/{record}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Returns one record with its newest versions.
         * @description **Who may call:** its patient, its uploaders, and everybody with a grant over it.
         */
        get: operations["get_record"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/records/{record}/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists the versions of one record, newest first.
         * @description **Who may call:** everybody who may see the record.
         */
        get: operations["list_versions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/records/{record}/versions/{version}/release-share": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Restores the release share of a version, or replaces a wrong one.
         * @description **Who may call:** the patient of the record.
         */
        put: operations["put_release_share"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists the requests that the caller made or received, newest first.
         * @description **Who may call:** any signed-in address.
         */
        get: operations["list_requests"];
        put?: never;
        /**
         * Asks a patient for access.
         * @description The reason is in a note that only the patient can open.
         *
         *     **Who may call:** the requester in the message. It must be accredited to ask for WRITE, or for a purpose other
         *     than PATRQT and FAMRQT.
         */
        post: operations["post_request"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{request}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Returns one request.
         * @description **Who may call:** its patient and its requester.
         */
        get: operations["get_request"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{request}/deny": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Denies a request.
         * @description **Who may call:** its patient.
         */
        post: operations["deny_request"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/version": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Returns the version that is running.
         * @description **Who may call:** anyone.
         */
        get: operations["version"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        AccessRequest: {
            /** @description The time until which the patient can answer, in Unix seconds. */
            deadline: string;
            /** @description The kind of scope: 0 record, 1 category, 2 all. */
            kind: number;
            /** @description A random number, so that every request has another id. */
            nonce: string;
            /** @description The SHA-256 of the encrypted note with the reason. */
            noteHash: string;
            /** @description The patient who is asked. */
            patient: string;
            /** @description The purposes, as a bit set: TREAT 1, ETREAT 2, BTG 4, HPAYMT 8, HOPERAT 16, HRESCH 32, PATRQT 64, FAMRQT 128, PUBHLTH 256, COC 512. At least one; for WRITE it has no effect. */
            purposes: number;
            /** @description The person who asks, and who signs. */
            requester: string;
            /** @description The right that is asked for: 1 for READ, 2 for WRITE. */
            rights: number;
            /** @description The record id, the code of the category in the low bytes, or zero for all. */
            scopeId: string;
            /** @description The end of the access that is asked for, in Unix seconds. */
            until: string;
        };
        AccreditAction: {
            message: {
                /** @description The accreditor, who signs. */
                accreditor: string;
                /** @description The accreditor's epoch. The statement counts only in this epoch. */
                accreditorEpoch: number;
                /** @description The message is valid while the block time is before this time, in Unix seconds. */
                deadline: string;
                /** @description The practitioner's epoch that this message replaces; 0 for the first time. */
                epoch: number;
                /** @description A number that the signer has not used with this contract. The order is free. */
                nonce: string;
                /** @description The practitioner. */
                practitioner: string;
                /** @description The roles, as a bit set: DOCTOR 1, NURSE 2, LAB 4, PHARMACY 8, AUDITOR 16, EMERGENCY 32, RESEARCHER 64. */
                roles: number;
                /** @description The first second of the accreditation, in Unix seconds. */
                validFrom: string;
                /** @description The first second after the accreditation, in Unix seconds. */
                validUntil: string;
            };
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "accredit";
        };
        /** @description One action of the contracts, unsigned: its type, and the message as it is signed (EIP-712). */
        Action: components["schemas"]["AddAccreditorAction"] | components["schemas"]["RemoveAccreditorAction"] | components["schemas"]["AccreditAction"] | components["schemas"]["SuspendAction"] | components["schemas"]["RegisterKeyAction"] | components["schemas"]["RegisterRecordAction"] | components["schemas"]["RegisterVersionAction"] | components["schemas"]["SupersedeAction"] | components["schemas"]["TombstoneAction"] | components["schemas"]["LiftTombstoneAction"] | components["schemas"]["RetractAction"] | components["schemas"]["GrantAction"] | components["schemas"]["RevokeAction"] | components["schemas"]["RevokeAllAction"] | components["schemas"]["CheckpointAction"];
        /** @description The id of a relayed action: the EIP-712 signing hash of its message. */
        ActionId: string;
        /**
         * @description The state of a relayed action. `accepted`: stored durably, and a transaction will follow. `sent`: a transaction was
         *     sent and is not mined yet. `mined`: the transaction succeeded. `failed`: the action can no longer succeed; `problem`
         *     says why.
         * @enum {string}
         */
        ActionState: "accepted" | "sent" | "mined" | "failed";
        /** @description The state of a signed action that the server relays. `GET /v1/actions/{id}` returns the later states. */
        ActionView: {
            /**
             * Format: int64
             * @description The block, once the transaction was mined.
             */
            block_number?: number | null;
            /** @description The id of the action. */
            id: components["schemas"]["ActionId"];
            problem?: components["schemas"]["Problem"] | null;
            /** @description The state of the action. */
            state: components["schemas"]["ActionState"];
            /** @description The transaction, once it was sent. */
            tx_hash?: string | null;
            waiting?: components["schemas"]["Waiting"] | null;
        };
        AddAccreditorAction: {
            message: {
                /** @description The account that may vouch for practitioners, or no longer may. */
                accreditor: string;
                /** @description The message is valid while the block time is before this time, in Unix seconds. */
                deadline: string;
                /** @description The accreditor's epoch that this message replaces; 0 for the first time. */
                epoch: number;
                /** @description A number that the signer has not used with this contract. The order is free. */
                nonce: string;
                /** @description The owner of the contract Accreditation, who signs. */
                owner: string;
            };
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "add_accreditor";
        };
        /** @description One entry of `GET /v1/blocks`. */
        BlockView: {
            /** @description The address whose grants and requests the caller does not want. */
            address: string;
            /**
             * Format: int64
             * @description The time of blocking, in Unix seconds.
             */
            since: number;
        };
        /** @description The capsules of one grant. */
        BundleBody: {
            /** @description For a record: the reader share S of each version, at most 800. Empty for WRITE. */
            capsules: components["schemas"]["VersionCapsule"][];
            /** @description The kind of scope. */
            kind: components["schemas"]["ScopeKind"];
            /** @description The record id, the category, or zero. */
            scope_id: string;
        };
        /** @description `PUT /v1/grants/{grant}/bundle`: the patient's client adds later versions off chain (catch-up). */
        CatchUpBody: {
            /** @description All capsules, old and new. */
            bundle: components["schemas"]["BundleBody"];
        };
        /**
         * @description The coarse category of a record. It is public on chain; sensitive kinds use `unspecified`.
         * @enum {string}
         */
        Category: "unspecified" | "laboratory" | "imaging" | "cardiology" | "medication" | "immunization" | "letter" | "procedure" | "allergy" | "diagnosis" | "note" | "dental" | "eye" | "pathology" | "administrative";
        /** @description `GET /v1/auth/challenge`: the parts of the login message that the server chooses. */
        Challenge: {
            /**
             * Format: int64
             * @description The EIP-155 chain id.
             */
            chain_id: number;
            /** @description The EIP-4361 domain. */
            domain: string;
            /** @description A nonce that can be used once, until `nonce_expires_at`. */
            nonce: string;
            /**
             * Format: int64
             * @description The time until which the nonce is valid, in Unix seconds.
             */
            nonce_expires_at: number;
            /**
             * Format: int64
             * @description The server's time, in Unix seconds.
             */
            server_time: number;
            /**
             * Format: int64
             * @description The longest duration of a session, in seconds from `Issued At`.
             */
            session_seconds_max: number;
            /** @description The EIP-4361 URI. */
            uri: string;
        };
        CheckpointAction: {
            message: {
                /** @description keccak256 of the batch: the words record, tag, purposes and leaf of each access. */
                accessesHash: string;
                /** @description The message is valid while the block time is before this time, in Unix seconds. */
                deadline: string;
                /** @description A number that the signer has not used with this contract. The order is free. */
                nonce: string;
                /** @description The operator, who signs. */
                operator: string;
                /** @description The head of the log that this message replaces. */
                previousHead: string;
                /** @description The RFC 6962 root over all leaves. */
                root: string;
                /**
                 * Format: int64
                 * @description The number of leaves of the log after this checkpoint.
                 */
                size: number;
            };
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "checkpoint";
        };
        /** @description A checkpoint on chain. */
        CheckpointView: {
            /**
             * Format: int64
             * @description The block number.
             */
            block_number: number;
            /** @description The head, which includes the head before it. */
            head: string;
            /** @description The operator of the log. */
            operator: string;
            /** @description The RFC 6962 root. */
            root: string;
            /**
             * Format: int64
             * @description The number of leaves.
             */
            size: number;
            /**
             * Format: int64
             * @description The block time, in Unix seconds.
             */
            time: number;
            /** @description The transaction hash. */
            tx_hash: string;
        };
        /** @description The contracts of a deployment. */
        Contracts: {
            /** @description `AccessLog`: the anchored log. */
            access_log: components["schemas"]["DeployedContract"];
            /** @description `Accreditation`: accreditors and practitioners. */
            accreditation: components["schemas"]["DeployedContract"];
            /** @description `GrantRegistry`: grants. */
            grant_registry: components["schemas"]["DeployedContract"];
            /** @description `KeyRegistry`: public encryption keys. */
            key_registry: components["schemas"]["DeployedContract"];
            /** @description `RecordRegistry`: records and versions. */
            record_registry: components["schemas"]["DeployedContract"];
        };
        DenyRequest: {
            /** @description The message is valid while the block time is before this time, in Unix seconds. */
            deadline: string;
            /** @description The patient, who signs. */
            patient: string;
            /** @description The id of the request. */
            request: string;
        };
        /** @description One contract of a deployment. */
        DeployedContract: {
            /** @description The address of the contract. */
            address: string;
            /** @description The keccak256 hash of its runtime code. */
            code_hash: string;
        };
        /** @description A deployment, in the form that `contracts/script/Deploy.s.sol` writes. */
        Deployment: {
            /**
             * Format: int64
             * @description The EIP-155 chain id.
             */
            chain_id: number;
            /** @description The contracts. */
            contracts: components["schemas"]["Contracts"];
            /** @description The hash of block 0. It distinguishes two chains with the same id. */
            genesis_hash: string;
            /** @description The operator, who keeps the log and holds the release shares. */
            operator: string;
            /** @description The operator's encryption keys, each signed by the operator, newest last. */
            operator_keys: components["schemas"]["SignedOperatorKey"][];
            /**
             * Format: int64
             * @description The first block that may contain an event of these contracts.
             */
            start_block: number;
            /**
             * Format: int32
             * @description The version of the file: 4.
             */
            version: number;
        };
        /** @description One entry of `GET /v1/directory?role=&name=`. */
        DirectoryEntry: {
            /** @description The accreditor who vouches for the practitioner. */
            accreditor: string;
            /** @description The practitioner. */
            address: string;
            /** @description Whether the practitioner has published a key, which is needed to share with it. */
            has_key: boolean;
            profile?: components["schemas"]["SignedProfile"] | null;
            /** @description The roles of the practitioner. */
            roles: components["schemas"]["Role"][];
            /** @description Whether the practitioner is suspended, or its accreditor was removed after it vouched. */
            suspended: boolean;
            /**
             * Format: int64
             * @description The first second of the accreditation, in Unix seconds.
             */
            valid_from: number;
            /**
             * Format: int64
             * @description The first second after the accreditation, in Unix seconds.
             */
            valid_until: number;
        };
        /**
         * Format: binary
         * @description The bytes of an envelope, encrypted (SPEC, section 5).
         */
        EnvelopeBytes: string;
        /**
         * @description A stable error code.
         * @enum {string}
         */
        ErrorCode: "invalid_request" | "out_of_range" | "unknown_category" | "not_signed_in" | "invalid_login" | "wrong_domain" | "wrong_chain" | "nonce_used" | "expired" | "clock_skew" | "invalid_signature" | "forbidden" | "not_found" | "unknown_record" | "record_tombstoned" | "lift_period_over" | "no_grant" | "grant_expired" | "grant_revoked" | "not_accredited" | "key_not_registered" | "stale_state" | "already_exists" | "share_missing" | "invalid_capsule" | "cid_mismatch" | "invalid_envelope" | "too_large" | "truncated_upload" | "quota_exceeded" | "uri_too_long" | "head_too_large" | "request_timeout" | "unsupported_transfer_coding" | "invalid_range" | "precondition_failed" | "idempotency_mismatch" | "in_progress" | "rate_limited" | "budget_exceeded" | "not_invited" | "relayer_poor" | "log_behind" | "would_revert" | "method_not_allowed" | "unsupported_media_type" | "unavailable" | "internal";
        /** @description One event of the feed. The SSE `id` is the same text as `id`, the SSE `event` the kind. */
        FeedEvent: {
            /** @description The id of the event, which grows; pass it as `Last-Event-ID`. Its form may change. */
            id: string;
            /** @description The kind of the event. */
            kind: components["schemas"]["FeedKind"];
            /** @description The id of the record, grant, request, action or leaf that the event is about (hex). */
            subject: string;
            /**
             * Format: int64
             * @description The time of the event, in Unix seconds.
             */
            time: number;
        };
        /**
         * @description The kind of an event. An event is a reason to load the current state again; it never grants a permission.
         *     `record_registered`: a record of yours, or shared with you, has a new version. `record_status_changed`: its status
         *     changed. `record_retracted`: its uploader says that it must not be relied on. `granted`, `revoked`: a grant by you
         *     or to you was given, or ended. `key_registered`: you published a key. `request_opened`: somebody asked you for
         *     access. `request_answered`: your request was approved or denied. `accessed`: a record of yours was opened.
         *     `action_settled`: one of your relayed actions was mined or failed. `accreditation_changed`: your accreditation
         *     changed.
         * @enum {string}
         */
        FeedKind: "record_registered" | "record_status_changed" | "record_retracted" | "granted" | "revoked" | "key_registered" | "request_opened" | "request_answered" | "accessed" | "action_settled" | "accreditation_changed";
        GrantAction: {
            message: {
                /** @description The message is valid while the block time is before this time, in Unix seconds. */
                deadline: string;
                /** @description A number that the signer has not used with this contract. The order is free. */
                nonce: string;
                /** @description The first second after the grant, in Unix seconds. */
                notAfter: string;
                /** @description The first second of the grant, in Unix seconds. */
                notBefore: string;
                /** @description The patient, who signs. */
                patient: string;
                /** @description The patient's epoch. A grant counts only in this epoch. */
                patientEpoch: number;
                /** @description The purposes, as a bit set: TREAT 1, ETREAT 2, BTG 4, HPAYMT 8, HOPERAT 16, HRESCH 32, PATRQT 64, FAMRQT 128, PUBHLTH 256, COC 512. At least one; for WRITE it has no effect. */
                purposes: number;
                /** @description The right: 1 for READ, 2 for WRITE. A grant has exactly one. */
                rights: number;
                /** @description What the grant covers: single records for READ, categories or everything for WRITE. */
                scopes: {
                    /** @description The hash of the bundle (SPEC, section 8); zero for WRITE. */
                    bundleHash: string;
                    /** @description The grant epoch that this grant replaces; 0 if there was no grant. */
                    epoch: number;
                    /** @description The record id, the code of the category in the low bytes, or zero for all. */
                    id: string;
                    /** @description The kind of scope: 0 record, 1 category, 2 all. */
                    kind: number;
                }[];
                /** @description The grantee's tag for this patient and this right: keccak256(grantee ‖ salt). */
                tag: string;
            };
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "grant";
        };
        /**
         * @description `POST /v1/grants`: a signed `Grant` with everything that the grantee needs. The answer is 201 when it is mined, or
         *     202 if it is not mined within some seconds.
         */
        GrantBody: {
            action?: components["schemas"]["SignedAction"] | null;
            /** @description One bundle for each scope, in the order of the message. Together they have at most 800 capsules. */
            bundles: components["schemas"]["BundleBody"][];
            /** @description The grantee. */
            grantee: string;
            request?: components["schemas"]["RequestId"] | null;
            /** @description The right: READ or WRITE. */
            right: components["schemas"]["Right"];
            /** @description The salt that opens the tag for this grantee. */
            salt: components["schemas"]["Salt"];
        };
        /** @description The id of a grant: keccak256(abi.encode(patient, tag, scope kind, scope id)), the key of its storage slot. */
        GrantId: string;
        /**
         * @description The side from which the caller takes part in the listed grants.
         * @enum {string}
         */
        GrantSide: "given" | "received";
        /**
         * @description The state of a grant at a given time. `active`: it is valid now. `future`: its period has not begun. `expired`: its
         *     period is over. `revoked`: the patient ended it.
         * @enum {string}
         */
        GrantState: "active" | "future" | "expired" | "revoked";
        /** @description A grant, as its patient or its grantee sees it. */
        GrantView: {
            /** @description The SHA-256 hash of the bundle, from the chain. */
            bundle_hash: string;
            /**
             * Format: int32
             * @description The grant epoch.
             */
            epoch: number;
            /** @description The grantee, if this server knows it. */
            grantee?: string | null;
            /** @description Whether the grantee has hidden the grant; for the grantee only. */
            hidden?: boolean | null;
            /** @description The id of the grant, which is its storage key. */
            id: components["schemas"]["GrantId"];
            /** @description The kind of scope. */
            kind: components["schemas"]["ScopeKind"];
            /**
             * Format: int32
             * @description The newest version that the bundle on this server opens, if it has one; `GET /v1/grants/{grant}/bundle` returns
             *     the bundle itself.
             */
            newest_version?: number | null;
            /**
             * Format: int64
             * @description The first second after the period, in Unix seconds.
             */
            not_after: number;
            /**
             * Format: int64
             * @description The first second of the period, in Unix seconds.
             */
            not_before: number;
            /** @description The patient who gave the grant. */
            patient: string;
            /**
             * Format: int32
             * @description The patient's epoch at the time of the grant.
             */
            patient_epoch: number;
            /** @description The purposes. */
            purposes: components["schemas"]["Purpose"][];
            right?: components["schemas"]["Right"] | null;
            salt?: components["schemas"]["Salt"] | null;
            /** @description The record id, the category, or zero. */
            scope_id: string;
            shelf?: components["schemas"]["Shelf"] | null;
            /** @description The state of the grant at the present time. */
            state: components["schemas"]["GrantState"];
            /** @description The tag on chain. */
            tag: components["schemas"]["Tag"];
            /** @description The transaction that last changed the grant. */
            tx_hash: string;
        };
        /** @description The operator's evidence of one read. It proves who asked for what, when, and that the read was permitted. */
        Leaf: {
            /**
             * Format: int64
             * @description The time by which the leaf is on chain, in Unix seconds. At most 300 seconds after `time`.
             */
            anchor_by: number;
            /** @description 32 random bytes, so that a leaf hash reveals nothing about its content. */
            blinding: string;
            /** @description The hash of the block at which the permission was checked. */
            block_hash: string;
            /** @description The login message, which contains the session key. */
            login_message: string;
            /** @description The wallet's signature over the login message. */
            login_signature: string;
            /** @description The signed request. */
            request: components["schemas"]["ReadRequest"];
            /** @description The session key's signature over the request: 64 bytes r ‖ s. */
            signature: string;
            /**
             * Format: int64
             * @description The time of the read, in Unix seconds: the operator's clock or the time of that block, whichever is later.
             */
            time: number;
        };
        /** @description The RFC 6962 hash of one leaf of the operator's log. */
        LeafHash: string;
        LiftTombstoneAction: {
            message: {
                /** @description The message is valid while the block time is before this time, in Unix seconds. */
                deadline: string;
                /** @description The tombstone epoch of the tombstone that is lifted. */
                epoch: number;
                /** @description A number that the signer has not used with this contract. The order is free. */
                nonce: string;
                /** @description The patient, who signs. */
                patient: string;
                /** @description The id of the record. */
                record: string;
            };
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "lift_tombstone";
        };
        /**
         * @description A sequence of transactions with one relayer's key. `ordinary`: keys, records, grants, accreditation. `urgent`:
         *     revocations, suspensions, removed accreditors, tombstones. `checkpoint`: the checkpoints of the log.
         * @enum {string}
         */
        Line: "ordinary" | "urgent" | "checkpoint";
        /** @description The state of one line. */
        LineStatus: {
            /** @description Whether its balance pays for pending transactions and a reserve. */
            has_funds: boolean;
            /** @description Whether the chain's fees are above the relayer's limit, so that transactions wait. */
            is_at_fee_ceiling: boolean;
            /** @description The line. */
            line: components["schemas"]["Line"];
            /** @description The relayer's address. */
            relayer: string;
        };
        /** @description One read. Patients see the reads of their records. Auditors see all reads, without reader or evidence. */
        LogEntry: {
            /**
             * Format: int64
             * @description The block of the `Accessed` event.
             */
            block_number?: number | null;
            /**
             * Format: int64
             * @description The index of the leaf in the operator's log; absent until it is anchored.
             */
            index?: number | null;
            /** @description The leaf hash. */
            leaf: components["schemas"]["LeafHash"];
            /** @description The purpose of the read. */
            purpose: components["schemas"]["Purpose"];
            /** @description The reader; only for the patient of the record and for the reader. */
            reader?: string | null;
            /** @description The record that was read. */
            record: components["schemas"]["RecordId"];
            /** @description The reader's tag. */
            tag: components["schemas"]["Tag"];
            /**
             * Format: int64
             * @description The time of the key release, in Unix seconds.
             */
            time: number;
            /** @description The transaction of the `Accessed` event. */
            tx_hash?: string | null;
            /**
             * Format: int32
             * @description The version, if the server has the operator's evidence.
             */
            version?: number | null;
        };
        /** @description `GET /v1/log/leaves/{leaf}`: the operator's evidence. Only for the patient of the record and for the reader. */
        LogEvidence: {
            /** @description The leaf hash. */
            hash: components["schemas"]["LeafHash"];
            /** @description The leaf: everything that the leaf hash commits to. */
            leaf: components["schemas"]["Leaf"];
        };
        /** @description `POST /v1/auth/login`. */
        LoginBody: {
            /** @description The exact EIP-4361 text that was signed. */
            message: string;
            /** @description The wallet's signature over it (EIP-191), or a signature that the account's contract accepts (ERC-1271). */
            signature: string;
        };
        /** @description `GET /v1/me`: the caller's own account. */
        Me: {
            /** @description Whether the address may vouch for practitioners. */
            accreditor: boolean;
            /** @description The address that is signed in. */
            address: string;
            /** @description Whether the server stores an address book of this account. */
            has_address_book?: boolean;
            /** @description Whether the server stores a keyring of this account. */
            has_keyring?: boolean;
            /**
             * Format: int32
             * @description The epoch of the published identity key; 0 if none.
             */
            key_epoch: number;
            /**
             * Format: int64
             * @description The largest number of bytes that this account may store.
             */
            quota_bytes: number;
            /** @description The roles for which the address is accredited now; empty for a patient. */
            roles: components["schemas"]["Role"][];
            /**
             * Format: int64
             * @description The end of the session, in Unix seconds.
             */
            session_expires_at: number;
            /**
             * Format: int64
             * @description The number of bytes stored for this account.
             */
            stored_bytes: number;
        };
        /**
         * @description One page of a list, newest first. It has at most the requested number of items, and at most 262,144 bytes of items. It
         *     may have fewer or no items and still be followed by another page: only `next` shows whether the list continues.
         */
        Page_BlockView: {
            /** @description The items of the page. */
            items: {
                /** @description The address whose grants and requests the caller does not want. */
                address: string;
                /**
                 * Format: int64
                 * @description The time of blocking, in Unix seconds.
                 */
                since: number;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next?: string | null;
        };
        /**
         * @description One page of a list, newest first. It has at most the requested number of items, and at most 262,144 bytes of items. It
         *     may have fewer or no items and still be followed by another page: only `next` shows whether the list continues.
         */
        Page_CheckpointView: {
            /** @description The items of the page. */
            items: {
                /**
                 * Format: int64
                 * @description The block number.
                 */
                block_number: number;
                /** @description The head, which includes the head before it. */
                head: string;
                /** @description The operator of the log. */
                operator: string;
                /** @description The RFC 6962 root. */
                root: string;
                /**
                 * Format: int64
                 * @description The number of leaves.
                 */
                size: number;
                /**
                 * Format: int64
                 * @description The block time, in Unix seconds.
                 */
                time: number;
                /** @description The transaction hash. */
                tx_hash: string;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next?: string | null;
        };
        /**
         * @description One page of a list, newest first. It has at most the requested number of items, and at most 262,144 bytes of items. It
         *     may have fewer or no items and still be followed by another page: only `next` shows whether the list continues.
         */
        Page_DirectoryEntry: {
            /** @description The items of the page. */
            items: {
                /** @description The accreditor who vouches for the practitioner. */
                accreditor: string;
                /** @description The practitioner. */
                address: string;
                /** @description Whether the practitioner has published a key, which is needed to share with it. */
                has_key: boolean;
                profile?: components["schemas"]["SignedProfile"] | null;
                /** @description The roles of the practitioner. */
                roles: components["schemas"]["Role"][];
                /** @description Whether the practitioner is suspended, or its accreditor was removed after it vouched. */
                suspended: boolean;
                /**
                 * Format: int64
                 * @description The first second of the accreditation, in Unix seconds.
                 */
                valid_from: number;
                /**
                 * Format: int64
                 * @description The first second after the accreditation, in Unix seconds.
                 */
                valid_until: number;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next?: string | null;
        };
        /**
         * @description One page of a list, newest first. It has at most the requested number of items, and at most 262,144 bytes of items. It
         *     may have fewer or no items and still be followed by another page: only `next` shows whether the list continues.
         */
        Page_GrantView: {
            /** @description The items of the page. */
            items: {
                /** @description The SHA-256 hash of the bundle, from the chain. */
                bundle_hash: string;
                /**
                 * Format: int32
                 * @description The grant epoch.
                 */
                epoch: number;
                /** @description The grantee, if this server knows it. */
                grantee?: string | null;
                /** @description Whether the grantee has hidden the grant; for the grantee only. */
                hidden?: boolean | null;
                /** @description The id of the grant, which is its storage key. */
                id: components["schemas"]["GrantId"];
                /** @description The kind of scope. */
                kind: components["schemas"]["ScopeKind"];
                /**
                 * Format: int32
                 * @description The newest version that the bundle on this server opens, if it has one; `GET /v1/grants/{grant}/bundle` returns
                 *     the bundle itself.
                 */
                newest_version?: number | null;
                /**
                 * Format: int64
                 * @description The first second after the period, in Unix seconds.
                 */
                not_after: number;
                /**
                 * Format: int64
                 * @description The first second of the period, in Unix seconds.
                 */
                not_before: number;
                /** @description The patient who gave the grant. */
                patient: string;
                /**
                 * Format: int32
                 * @description The patient's epoch at the time of the grant.
                 */
                patient_epoch: number;
                /** @description The purposes. */
                purposes: components["schemas"]["Purpose"][];
                right?: components["schemas"]["Right"] | null;
                salt?: components["schemas"]["Salt"] | null;
                /** @description The record id, the category, or zero. */
                scope_id: string;
                shelf?: components["schemas"]["Shelf"] | null;
                /** @description The state of the grant at the present time. */
                state: components["schemas"]["GrantState"];
                /** @description The tag on chain. */
                tag: components["schemas"]["Tag"];
                /** @description The transaction that last changed the grant. */
                tx_hash: string;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next?: string | null;
        };
        /**
         * @description One page of a list, newest first. It has at most the requested number of items, and at most 262,144 bytes of items. It
         *     may have fewer or no items and still be followed by another page: only `next` shows whether the list continues.
         */
        Page_LogEntry: {
            /** @description The items of the page. */
            items: {
                /**
                 * Format: int64
                 * @description The block of the `Accessed` event.
                 */
                block_number?: number | null;
                /**
                 * Format: int64
                 * @description The index of the leaf in the operator's log; absent until it is anchored.
                 */
                index?: number | null;
                /** @description The leaf hash. */
                leaf: components["schemas"]["LeafHash"];
                /** @description The purpose of the read. */
                purpose: components["schemas"]["Purpose"];
                /** @description The reader; only for the patient of the record and for the reader. */
                reader?: string | null;
                /** @description The record that was read. */
                record: components["schemas"]["RecordId"];
                /** @description The reader's tag. */
                tag: components["schemas"]["Tag"];
                /**
                 * Format: int64
                 * @description The time of the key release, in Unix seconds.
                 */
                time: number;
                /** @description The transaction of the `Accessed` event. */
                tx_hash?: string | null;
                /**
                 * Format: int32
                 * @description The version, if the server has the operator's evidence.
                 */
                version?: number | null;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next?: string | null;
        };
        /**
         * @description One page of a list, newest first. It has at most the requested number of items, and at most 262,144 bytes of items. It
         *     may have fewer or no items and still be followed by another page: only `next` shows whether the list continues.
         */
        Page_RecordView: {
            /** @description The items of the page. */
            items: {
                /** @description The category. */
                category: components["schemas"]["Category"];
                /**
                 * Format: int64
                 * @description The time of version 1, in Unix seconds.
                 */
                created: number;
                /** @description The id of the record. */
                id: components["schemas"]["RecordId"];
                /**
                 * Format: int64
                 * @description The time from which the tombstone can no longer be lifted and servers destroy the data, in Unix seconds; absent
                 *     when the record has no tombstone.
                 */
                liftable_until?: number | null;
                /** @description The patient. */
                patient: string;
                /** @description The status. */
                status: components["schemas"]["RecordStatus"];
                /**
                 * Format: int32
                 * @description The number of times the record was tombstoned or its tombstone lifted. Messages that tombstone or lift contain
                 *     this number.
                 */
                tombstone_epoch: number;
                /** @description The uploader of version 1. */
                uploader: string;
                /**
                 * Format: int32
                 * @description The number of versions.
                 */
                version_count: number;
                /** @description The newest versions, at most 50, oldest first; `GET /v1/records/{record}/versions` returns all. */
                versions: components["schemas"]["VersionView"][];
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next?: string | null;
        };
        /**
         * @description One page of a list, newest first. It has at most the requested number of items, and at most 262,144 bytes of items. It
         *     may have fewer or no items and still be followed by another page: only `next` shows whether the list continues.
         */
        Page_RequestView: {
            /** @description The items of the page. */
            items: {
                /**
                 * Format: int64
                 * @description The time of the answer, in Unix seconds.
                 */
                answered_at?: number | null;
                /**
                 * Format: int64
                 * @description The time of the request, in Unix seconds.
                 */
                created_at: number;
                /** @description The id of the request. */
                id: components["schemas"]["RequestId"];
                /** @description The reason, for the patient. */
                note: string;
                /** @description The signed request. */
                signed: components["schemas"]["SignedAccessRequest"];
                /** @description The state of the request. */
                state: components["schemas"]["RequestState"];
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next?: string | null;
        };
        /**
         * @description One page of a list, newest first. It has at most the requested number of items, and at most 262,144 bytes of items. It
         *     may have fewer or no items and still be followed by another page: only `next` shows whether the list continues.
         */
        Page_VersionView: {
            /** @description The items of the page. */
            items: {
                /**
                 * Format: int64
                 * @description The block of the registration.
                 */
                block_number: number;
                /** @description The CIDv1 of the envelope. */
                cid: string;
                /** @description Whether the operator has the release share of this version, which grantees need to open it. */
                has_release_share: boolean;
                /**
                 * Format: int64
                 * @description The time of the registration, in Unix seconds.
                 */
                registered_at: number;
                /** @description Whether the uploader says that the version must not be relied on. It can still be read. */
                retracted: boolean;
                /**
                 * Format: int64
                 * @description The length of the envelope in bytes, if this server has it.
                 */
                size?: number | null;
                /** @description The transaction of the registration. */
                tx_hash: string;
                /** @description The uploader of this version. */
                uploader: string;
                /**
                 * Format: int32
                 * @description The version number, from 1.
                 */
                version: number;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next?: string | null;
        };
        /**
         * @description `GET` and `PUT /v1/keyring`, `/v1/address-book`: bytes that only their owner can decrypt. `PUT` needs `If-Match`
         *     with the revision that it replaces, or `If-None-Match: *` for the first.
         */
        PrivateBlob: {
            /** @description The content, in base64. The server cannot decrypt it. */
            content: string;
        };
        /** @description The body of every error answer: problem details (RFC 9457) with a stable code. */
        Problem: {
            /** @description The stable code. Text, so that an older client can read a newer server's answer. */
            code: string;
            /** @description A sentence that says what went wrong. */
            detail: string;
            /** @description A sentence that says what to do now. */
            hint: string;
            /** @description The id of this request in the operator's log. */
            request_id: string;
            /**
             * Format: int32
             * @description The HTTP status.
             */
            status: number;
            /** @description `urn:medlock:error:` and the code. */
            type: string;
        };
        Profile: {
            /** @description The accreditor, who signs. */
            accreditor: string;
            /** @description The accreditor's epoch. The statement counts only in this epoch. */
            accreditorEpoch: number;
            /**
             * Format: int64
             * @description The time of signing, in Unix seconds.
             */
            issued: number;
            /** @description The name of the practitioner. */
            name: string;
            /** @description The practice or organisation; may be empty. */
            organisation: string;
            /** @description The practitioner. */
            practitioner: string;
            /** @description The roles, as a bit set: DOCTOR 1, NURSE 2, LAB 4, PHARMACY 8, AUDITOR 16, EMERGENCY 32, RESEARCHER 64. */
            roles: number;
            /** @description The specialty; may be empty. */
            specialty: string;
        };
        /** @description `GET /v1/keys/{address}`: the current identity key. Clients check its hash against the chain. */
        PublishedKey: {
            /**
             * Format: int32
             * @description The epoch of the key, from 1.
             */
            epoch: number;
            /**
             * Format: int32
             * @description The HPKE KEM id.
             */
            kem: number;
            /** @description The key: 1,216 bytes. */
            key: string;
            /** @description The keccak256 hash of `key`. */
            key_hash: string;
            /** @description The owner of the key. */
            owner: string;
            /**
             * Format: int64
             * @description The time of publication, in Unix seconds.
             */
            since: number;
        };
        /**
         * @description The purpose of a read, a code of HL7 v3 PurposeOfUse. TREAT: treatment. ETREAT: emergency treatment. BTG:
         *     emergency, without asking the patient first (break the glass). HPAYMT: payment for care. HOPERAT: running a
         *     practice or a hospital. HRESCH: research. PATRQT: at the patient's own request. FAMRQT: at the request of the
         *     family. PUBHLTH: public health. COC: coordination of care. PATRQT and FAMRQT need no accreditation, all others do.
         * @enum {string}
         */
        Purpose: "TREAT" | "ETREAT" | "BTG" | "HPAYMT" | "HOPERAT" | "HRESCH" | "PATRQT" | "FAMRQT" | "PUBHLTH" | "COC";
        /** @description The answer to a read request: the release share, and the promise that the read is in the log. */
        ReadAnswer: {
            /**
             * Format: int64
             * @description The time until which the permission lasts, in Unix seconds, if nothing else changes.
             */
            allowed_until: number;
            /** @description The hash of the log leaf. */
            leaf: components["schemas"]["LeafHash"];
            /** @description The operator's receipt. */
            receipt: components["schemas"]["SignedReceipt"];
            /** @description The release share B, 32 bytes. It is useless without the reader share. */
            release_share: string;
        };
        /** @description `POST /v1/reads`: a request to open a record. Sending the same bytes again gives the same receipt. */
        ReadBody: {
            /** @description The read request. */
            request: components["schemas"]["ReadRequest"];
            /** @description The session key's signature over the signed bytes of the request: 64 bytes r ‖ s. */
            signature: string;
        };
        ReadReceipt: {
            /**
             * Format: int64
             * @description The time by which the leaf is on chain, in Unix seconds.
             */
            anchorBy: number;
            /** @description The RFC 6962 hash of the leaf. */
            leaf: string;
            /** @description The operator, who signs. */
            operator: string;
            /** @description The id of the record. */
            record: string;
            /** @description The version that was opened. */
            version: number;
        };
        /** @description A request to open one version of a record. The session key signs it in the byte form of SPEC, section 10. */
        ReadRequest: {
            /**
             * Format: int64
             * @description The end of validity, in Unix seconds; at most 60 seconds from now.
             */
            deadline: number;
            /** @description The reader: the address of the session. */
            grantee: string;
            /** @description The SHA-256 hash of the session's login message. */
            login_hash: string;
            /** @description 32 random bytes, unique within the session. */
            nonce: string;
            /** @description The purpose of the read. */
            purpose: components["schemas"]["Purpose"];
            /** @description The record to open. */
            record: components["schemas"]["RecordId"];
            /** @description The salt that opens the reader's READ tag. */
            salt: components["schemas"]["Salt"];
            /**
             * Format: int32
             * @description The version to open, from 1.
             */
            version: number;
        };
        /** @description Whether each service that the server needs answers. */
        Readiness: {
            /** @description The chain node answers, and its chain is the deployment's. */
            chain: boolean;
            /** @description The storage node (Kubo) answers. */
            kubo: boolean;
            /** @description The state of each relayer, if the chain node answers. */
            lines: components["schemas"]["LineStatus"][];
            /** @description The mirror belongs to this chain and is close to its head. */
            mirror: boolean;
            /**
             * Format: int64
             * @description Blocks between the mirror and the head, if both are known.
             */
            mirror_lag_blocks?: number | null;
            /** @description The database answers. */
            mongodb: boolean;
            /** @description Whether everything below is in order. */
            ready: boolean;
            /** @description Every relayer has enough funds, and the chain's fees are below its limit. */
            relayers: boolean;
            /**
             * @description Both databases are sealed under this server's operator secrets. If not, another database has replaced one of
             *     them: stop the server, and connect the databases that belong to its secret file.
             */
            secrets: boolean;
        };
        /** @description The id of a record: keccak256(uploader20 ‖ salt32) of its first uploader. */
        RecordId: string;
        /**
         * @description The status of a record. `active`: readable. `superseded`: readable, but replaced by something newer. `tombstoned`:
         *     closed for everybody; permanent after the lift period. Only the patient changes it: forward in this order, and back
         *     from a tombstone within the lift period.
         * @enum {string}
         */
        RecordStatus: "active" | "superseded" | "tombstoned";
        /** @description A record, as the caller may see it. */
        RecordView: {
            /** @description The category. */
            category: components["schemas"]["Category"];
            /**
             * Format: int64
             * @description The time of version 1, in Unix seconds.
             */
            created: number;
            /** @description The id of the record. */
            id: components["schemas"]["RecordId"];
            /**
             * Format: int64
             * @description The time from which the tombstone can no longer be lifted and servers destroy the data, in Unix seconds; absent
             *     when the record has no tombstone.
             */
            liftable_until?: number | null;
            /** @description The patient. */
            patient: string;
            /** @description The status. */
            status: components["schemas"]["RecordStatus"];
            /**
             * Format: int32
             * @description The number of times the record was tombstoned or its tombstone lifted. Messages that tombstone or lift contain
             *     this number.
             */
            tombstone_epoch: number;
            /** @description The uploader of version 1. */
            uploader: string;
            /**
             * Format: int32
             * @description The number of versions.
             */
            version_count: number;
            /** @description The newest versions, at most 50, oldest first; `GET /v1/records/{record}/versions` returns all. */
            versions: components["schemas"]["VersionView"][];
        };
        /**
         * @description `POST /v1/records`: a signed `RegisterRecord` or `RegisterVersion`. The answer is 201 when it is mined, or 202 if it
         *     is not mined within some seconds.
         */
        RegisterBody: {
            action?: components["schemas"]["SignedAction"] | null;
            /** @description The record that the message registers. */
            record: components["schemas"]["RecordId"];
            /** @description The release share B: a capsule (1,172 bytes) sealed to the operator's key. */
            release_share: string;
            salt?: components["schemas"]["Salt"] | null;
            /**
             * Format: int32
             * @description The version that the message registers, from 1.
             */
            version: number;
            write_salt?: components["schemas"]["Salt"] | null;
        };
        RegisterKeyAction: {
            message: {
                /** @description The message is valid while the block time is before this time, in Unix seconds. */
                deadline: string;
                /** @description The epoch that this message replaces; 0 for the first key. */
                epoch: number;
                /** @description The HPKE KEM: 25722 (0x647a, MLKEM768-X25519) in slot 0, 22 (0x0016, DHKEM(secp256k1)) in slot 1. */
                kem: number;
                /** @description The public key. The identity key has 1,216 bytes. */
                key: string;
                /** @description A number that the signer has not used with this contract. The order is free. */
                nonce: string;
                /** @description The owner of the key, who signs. */
                owner: string;
                /** @description 0 for the identity key, 1 for the list of category keys (reserved). */
                slot: number;
            };
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "register_key";
        };
        RegisterRecordAction: {
            message: {
                /** @description The code of the category, which is public on chain; 0 for unspecified. */
                category: number;
                /** @description The codec of the envelope's CID: 85 (0x55, raw) or 112 (0x70, dag-pb). */
                codec: number;
                /** @description The message is valid while the block time is before this time, in Unix seconds. */
                deadline: string;
                /** @description The SHA-256 digest in the envelope's CID. */
                digest: string;
                /** @description A number that the signer has not used with this contract. The order is free. */
                nonce: string;
                /** @description The patient whose record it is. */
                patient: string;
                /** @description A random value. The id of the record is keccak256(uploader ‖ salt). */
                salt: string;
                /** @description The uploader, who signs. */
                uploader: string;
                /** @description The salt that opens the uploader's WRITE tag; zero if the patient uploads. */
                writeSalt: string;
            };
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "register_record";
        };
        RegisterVersionAction: {
            message: {
                /** @description The codec of the envelope's CID: 85 (0x55, raw) or 112 (0x70, dag-pb). */
                codec: number;
                /** @description The message is valid while the block time is before this time, in Unix seconds. */
                deadline: string;
                /** @description The SHA-256 digest in the envelope's CID. */
                digest: string;
                /** @description A number that the signer has not used with this contract. The order is free. */
                nonce: string;
                /** @description The id of the record. */
                record: string;
                /** @description The salt that opens the record id for its first uploader; zero if the patient uploads. */
                salt: string;
                /** @description The uploader, who signs. */
                uploader: string;
                /** @description The newest version, which the new one follows. */
                version: number;
                /** @description The salt that opens the uploader's WRITE tag; zero if the patient uploads. */
                writeSalt: string;
            };
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "register_version";
        };
        /** @description `PUT /v1/records/{record}/versions/{version}/release-share`: the patient deposits B again, or replaces a wrong one. */
        ReleaseShareBody: {
            /** @description The release share B: a capsule (1,172 bytes) sealed to the operator's key. */
            release_share: string;
        };
        RemoveAccreditorAction: {
            message: {
                /** @description The account that may vouch for practitioners, or no longer may. */
                accreditor: string;
                /** @description The message is valid while the block time is before this time, in Unix seconds. */
                deadline: string;
                /** @description A number that the signer has not used with this contract. The order is free. */
                nonce: string;
                /** @description The owner of the contract Accreditation, who signs. */
                owner: string;
            };
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "remove_accreditor";
        };
        /** @description `POST /v1/requests`: a practitioner asks a patient for access. */
        RequestBody: {
            /** @description The reason: a note that only the patient can open (SPEC, section 8). Its hash is the request's `noteHash`. */
            note: string;
            /** @description The signed request. */
            signed: components["schemas"]["SignedAccessRequest"];
        };
        /** @description The id of an access request: the EIP-712 signing hash of its message. */
        RequestId: string;
        /**
         * @description The state of a request. `open`: the patient has not answered. `approved`: the patient has given a grant for it.
         *     `denied`: the patient has denied it. `lapsed`: its deadline has passed, or its requester no longer has the
         *     accreditation that it needs.
         * @enum {string}
         */
        RequestState: "open" | "approved" | "denied" | "lapsed";
        /** @description A request, as its two parties see it. */
        RequestView: {
            /**
             * Format: int64
             * @description The time of the answer, in Unix seconds.
             */
            answered_at?: number | null;
            /**
             * Format: int64
             * @description The time of the request, in Unix seconds.
             */
            created_at: number;
            /** @description The id of the request. */
            id: components["schemas"]["RequestId"];
            /** @description The reason, for the patient. */
            note: string;
            /** @description The signed request. */
            signed: components["schemas"]["SignedAccessRequest"];
            /** @description The state of the request. */
            state: components["schemas"]["RequestState"];
        };
        RetractAction: {
            message: {
                /** @description The message is valid while the block time is before this time, in Unix seconds. */
                deadline: string;
                /** @description A number that the signer has not used with this contract. The order is free. */
                nonce: string;
                /** @description The id of the record. */
                record: string;
                /** @description The salt that opens the record id for its first uploader. */
                salt: string;
                /** @description The uploader, who signs. */
                uploader: string;
                /** @description The last version that the retraction applies to. */
                version: number;
                /** @description The salt that opens the uploader's WRITE tag; zero if the patient uploads. */
                writeSalt: string;
            };
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "retract";
        };
        RevokeAction: {
            message: {
                /** @description The message is valid while the block time is before this time, in Unix seconds. */
                deadline: string;
                /** @description The grants to end. */
                grants: {
                    /** @description The record id, the code of the category in the low bytes, or zero for all. */
                    id: string;
                    /** @description The kind of scope: 0 record, 1 category, 2 all. */
                    kind: number;
                    /** @description The grantee's tag for this patient and this right: keccak256(grantee ‖ salt). */
                    tag: string;
                }[];
                /** @description A number that the signer has not used with this contract. The order is free. */
                nonce: string;
                /** @description The patient, who signs. */
                patient: string;
            };
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "revoke";
        };
        RevokeAllAction: {
            message: {
                /** @description The message is valid while the block time is before this time, in Unix seconds. */
                deadline: string;
                /** @description A number that the signer has not used with this contract. The order is free. */
                nonce: string;
                /** @description The patient, who signs. */
                patient: string;
            };
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "revoke_all";
        };
        /**
         * @description `POST /v1/grants/revoke`: a signed `Revoke` or `RevokeAll`. The server refuses reads at once, even before it is
         *     mined.
         */
        RevokeBody: {
            /** @description The signed message. */
            action: components["schemas"]["SignedAction"];
        };
        /**
         * @description The right that a grant gives: `read` (open records) or `write` (add records). A grant has exactly one.
         * @enum {string}
         */
        Right: "read" | "write";
        /**
         * @description The role for which an accreditor vouches.
         * @enum {string}
         */
        Role: "doctor" | "nurse" | "lab" | "pharmacy" | "auditor" | "emergency" | "researcher";
        /** @description The random value that opens a tag or a record id. Only the people concerned know it; it is never logged. */
        Salt: string;
        /**
         * @description The kind of scope: what a grant covers.
         * @enum {string}
         */
        ScopeKind: "record" | "category" | "all";
        /** @description `GET /v1/deployment`: the contracts and the server. A client compares the deployment with its own copy. */
        ServerInfo: {
            /**
             * Format: int64
             * @description The longest time from a read until its leaf is on chain, in seconds.
             */
            anchor_seconds_max: number;
            /** @description The server's copy of the deployment file, with the keys to which release shares are sealed. */
            deployment: components["schemas"]["Deployment"];
            /**
             * Format: int64
             * @description The largest envelope that the server accepts, in bytes.
             */
            envelope_bytes_max: number;
            /** @description The server's version. */
            version: string;
        };
        /** @description The answer to a login. */
        SessionToken: {
            /** @description The address that is signed in. */
            address: string;
            /**
             * Format: int64
             * @description The end of the session, in Unix seconds.
             */
            expires_at: number;
            /** @description The token for `Authorization: Bearer …`. Browsers may ignore it and use the cookie. */
            token: string;
        };
        /**
         * @description The list in which a received grant is shown. Grants are never refused, but those of strangers are listed separately.
         *     `known`: from a person for whom an accreditor vouches, or whom the grantee knows (has granted to, uploaded for,
         *     asked for access, or accepted). `strangers`: from any other person. `blocked`: from a person whom the grantee has
         *     blocked.
         * @enum {string}
         */
        Shelf: "known" | "strangers" | "blocked";
        /**
         * @description The received grants to list: those on the shelf `known`, `strangers` or `blocked`, or those that the grantee has
         *     hidden.
         * @enum {string}
         */
        ShelfQuery: "known" | "strangers" | "blocked" | "hidden";
        /** @description A request for access, with its signature. */
        SignedAccessRequest: {
            /** @description The statement. */
            request: components["schemas"]["AccessRequest"];
            /** @description The signature: 65 bytes r ‖ s ‖ v, or a signature that the signer's contract accepts (ERC-1271). */
            signature: string;
        };
        /** @description An action with its signature. Anyone can submit it. */
        SignedAction: {
            /** @description The action. The length of its lists and byte strings is limited. */
            action: components["schemas"]["Action"];
            /** @description The signature: 65 bytes r ‖ s ‖ v, or a signature that the signer's contract accepts (ERC-1271). */
            signature: string;
        };
        /** @description A patient's denial of a request, with its signature. */
        SignedDenial: {
            /** @description The statement. */
            denial: components["schemas"]["DenyRequest"];
            /** @description The signature: 65 bytes r ‖ s ‖ v, or a signature that the signer's contract accepts (ERC-1271). */
            signature: string;
        };
        /** @description One entry of the list in the deployment file. */
        SignedOperatorKey: {
            /**
             * Format: int32
             * @description The epoch, from 1, without gaps.
             */
            epoch: number;
            /** @description The key: a public key of MLKEM768-X25519, 1,216 bytes. */
            key: string;
            /** @description The operator's EIP-712 signature over `OperatorKey(address operator,uint32 epoch,bytes key)`: 65 bytes r ‖ s ‖ v. */
            signature: string;
        };
        /** @description The profile of a practitioner, with its accreditor's signature. */
        SignedProfile: {
            /** @description The statement. */
            profile: components["schemas"]["Profile"];
            /** @description The signature: 65 bytes r ‖ s ‖ v, or a signature that the signer's contract accepts (ERC-1271). */
            signature: string;
        };
        /** @description A receipt for a read, with the operator's EIP-712 signature in the domain of `AccessLog`. */
        SignedReceipt: {
            /** @description The promise. */
            receipt: components["schemas"]["ReadReceipt"];
            /** @description The operator's signature: 65 bytes r ‖ s ‖ v. */
            signature: string;
        };
        /**
         * @description `POST /v1/blobs` (body: the envelope's bytes, `application/octet-stream`, with `Content-Length`): the stored
         *     envelope.
         */
        StoredBlob: {
            /** @description The CIDv1 in base32. */
            cid: string;
            /**
             * Format: int64
             * @description The length of the envelope, in bytes.
             */
            size: number;
        };
        SupersedeAction: {
            message: {
                /** @description The message is valid while the block time is before this time, in Unix seconds. */
                deadline: string;
                /** @description A number that the signer has not used with this contract. The order is free. */
                nonce: string;
                /** @description The patient, who signs. */
                patient: string;
                /** @description The id of the record. */
                record: string;
                /** @description The newest version of the record. */
                version: number;
            };
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "supersede";
        };
        SuspendAction: {
            message: {
                /** @description The accreditor, who signs. */
                accreditor: string;
                /** @description The message is valid while the block time is before this time, in Unix seconds. */
                deadline: string;
                /** @description A number that the signer has not used with this contract. The order is free. */
                nonce: string;
                /** @description The practitioner. */
                practitioner: string;
            };
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "suspend";
        };
        /** @description The salted pseudonym of a grantee for one patient and one kind of right: keccak256(grantee20 ‖ salt32). */
        Tag: string;
        TombstoneAction: {
            message: {
                /** @description The message is valid while the block time is before this time, in Unix seconds. */
                deadline: string;
                /** @description The present tombstone epoch of the record; 0 if it was never tombstoned. */
                epoch: number;
                /** @description A number that the signer has not used with this contract. The order is free. */
                nonce: string;
                /** @description The patient, who signs. */
                patient: string;
                /** @description The id of the record. */
                record: string;
            };
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "tombstone";
        };
        /** @description The version that is running. */
        Version: {
            /** @description The version of the server. */
            version: string;
        };
        /** @description One capsule of a bundle. */
        VersionCapsule: {
            /** @description The capsule: 1,172 bytes, sealed to the grantee. */
            capsule: string;
            /**
             * Format: int32
             * @description The version that the capsule opens, from 1.
             */
            version: number;
        };
        /** @description One version of a record. */
        VersionView: {
            /**
             * Format: int64
             * @description The block of the registration.
             */
            block_number: number;
            /** @description The CIDv1 of the envelope. */
            cid: string;
            /** @description Whether the operator has the release share of this version, which grantees need to open it. */
            has_release_share: boolean;
            /**
             * Format: int64
             * @description The time of the registration, in Unix seconds.
             */
            registered_at: number;
            /** @description Whether the uploader says that the version must not be relied on. It can still be read. */
            retracted: boolean;
            /**
             * Format: int64
             * @description The length of the envelope in bytes, if this server has it.
             */
            size?: number | null;
            /** @description The transaction of the registration. */
            tx_hash: string;
            /** @description The uploader of this version. */
            uploader: string;
            /**
             * Format: int32
             * @description The version number, from 1.
             */
            version: number;
        };
        /**
         * @description The reason why an accepted action is not mined yet. `room`: other actions are sent first. `fees`: the gas price is
         *     higher than the limit of the server. `funds`: the relayer does not have enough ether. Nothing is lost: the server
         *     keeps trying until the deadline.
         * @enum {string}
         */
        Waiting: "room" | "fees" | "funds";
    };
    responses: {
        /** @description A problem: `forbidden`. */
        forbidden: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {string} */
                    code?: "forbidden";
                };
            };
        };
        /** @description A problem: `head_too_large`. */
        head_too_large: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {string} */
                    code?: "head_too_large";
                };
            };
        };
        /** @description A problem: `idempotency_mismatch`. */
        idempotency_mismatch: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {string} */
                    code?: "idempotency_mismatch";
                };
            };
        };
        /** @description A problem: `in_progress`. */
        in_progress: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {string} */
                    code?: "in_progress";
                };
            };
        };
        /** @description A problem: `internal`. */
        internal: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {string} */
                    code?: "internal";
                };
            };
        };
        /** @description A problem: `invalid_envelope`. */
        invalid_envelope: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {string} */
                    code?: "invalid_envelope";
                };
            };
        };
        /** @description A problem: `invalid_range`. */
        invalid_range: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {string} */
                    code?: "invalid_range";
                };
            };
        };
        /** @description A problem: `invalid_request`. */
        invalid_request: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {string} */
                    code?: "invalid_request";
                };
            };
        };
        /** @description A problem: `key_not_registered`. */
        key_not_registered: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {string} */
                    code?: "key_not_registered";
                };
            };
        };
        /** @description A problem: `not_found`. */
        not_found: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {string} */
                    code?: "not_found";
                };
            };
        };
        /** @description A problem: `not_signed_in`. */
        not_signed_in: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {string} */
                    code?: "not_signed_in";
                };
            };
        };
        /** @description A problem: `out_of_range`. */
        out_of_range: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {string} */
                    code?: "out_of_range";
                };
            };
        };
        /** @description A problem: `precondition_failed`. */
        precondition_failed: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {string} */
                    code?: "precondition_failed";
                };
            };
        };
        /** @description A problem: `rate_limited`. */
        rate_limited: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {string} */
                    code?: "rate_limited";
                };
            };
        };
        /** @description A problem: `record_tombstoned`. */
        record_tombstoned: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {string} */
                    code?: "record_tombstoned";
                };
            };
        };
        /** @description A problem: `request_timeout`. */
        request_timeout: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {string} */
                    code?: "request_timeout";
                };
            };
        };
        /** @description A problem: `too_large`. */
        too_large: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {string} */
                    code?: "too_large";
                };
            };
        };
        /** @description A problem: `unavailable`. */
        unavailable: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {string} */
                    code?: "unavailable";
                };
            };
        };
        /** @description A problem: `unknown_record`. */
        unknown_record: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {string} */
                    code?: "unknown_record";
                };
            };
        };
        /** @description A problem: `unsupported_media_type`. */
        unsupported_media_type: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {string} */
                    code?: "unsupported_media_type";
                };
            };
        };
        /** @description A problem: `unsupported_transfer_coding`. */
        unsupported_transfer_coding: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {string} */
                    code?: "unsupported_transfer_coding";
                };
            };
        };
        /** @description A problem: `uri_too_long`. */
        uri_too_long: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {string} */
                    code?: "uri_too_long";
                };
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    healthz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_request"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/openmetrics-text": string;
                };
            };
            400: components["responses"]["invalid_request"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    readyz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            400: components["responses"]["invalid_request"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            /** @description A problem: `unavailable`. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "unavailable";
                    };
                };
            };
        };
    };
    accept: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                address: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            408: components["responses"]["request_timeout"];
            409: components["responses"]["in_progress"];
            413: components["responses"]["too_large"];
            414: components["responses"]["uri_too_long"];
            422: components["responses"]["idempotency_mismatch"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            501: components["responses"]["unsupported_transfer_coding"];
            503: components["responses"]["unavailable"];
        };
    };
    post_action: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SignedAction"];
            };
        };
        responses: {
            /** @description Mined. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActionView"] | null;
                };
            };
            /** @description Accepted, and not mined yet. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActionView"] | null;
                };
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            /** @description A problem: `forbidden`, `grant_revoked`, `no_grant`, `not_accredited`, `not_invited`. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "forbidden" | "grant_revoked" | "no_grant" | "not_accredited" | "not_invited";
                    };
                };
            };
            404: components["responses"]["unknown_record"];
            408: components["responses"]["request_timeout"];
            /** @description A problem: `already_exists`, `in_progress`, `nonce_used`, `stale_state`. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "already_exists" | "in_progress" | "nonce_used" | "stale_state";
                    };
                };
            };
            /** @description A problem: `lift_period_over`, `record_tombstoned`. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "lift_period_over" | "record_tombstoned";
                    };
                };
            };
            413: components["responses"]["too_large"];
            414: components["responses"]["uri_too_long"];
            415: components["responses"]["unsupported_media_type"];
            /** @description A problem: `expired`, `idempotency_mismatch`, `invalid_signature`, `out_of_range`, `unknown_category`, `would_revert`. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "expired" | "idempotency_mismatch" | "invalid_signature" | "out_of_range" | "unknown_category" | "would_revert";
                    };
                };
            };
            /** @description A problem: `budget_exceeded`, `rate_limited`. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "budget_exceeded" | "rate_limited";
                    };
                };
            };
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            501: components["responses"]["unsupported_transfer_coding"];
            /** @description A problem: `relayer_poor`, `unavailable`. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "relayer_poor" | "unavailable";
                    };
                };
            };
        };
    };
    get_action: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                action: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActionView"];
                };
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            404: components["responses"]["not_found"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    get_address_book: {
        parameters: {
            query?: never;
            header?: {
                /** @description ETags that the client has already, or `*`. */
                "If-None-Match"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PrivateBlob"];
                };
            };
            /** @description The client has it already. */
            304: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            404: components["responses"]["not_found"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    put_address_book: {
        parameters: {
            query?: never;
            header?: {
                "If-Match"?: string | null;
                "If-None-Match"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PrivateBlob"];
            };
        };
        responses: {
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            403: components["responses"]["forbidden"];
            408: components["responses"]["request_timeout"];
            409: components["responses"]["in_progress"];
            412: components["responses"]["precondition_failed"];
            413: components["responses"]["too_large"];
            414: components["responses"]["uri_too_long"];
            415: components["responses"]["unsupported_media_type"];
            422: components["responses"]["idempotency_mismatch"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            501: components["responses"]["unsupported_transfer_coding"];
            503: components["responses"]["unavailable"];
        };
    };
    challenge: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Challenge"];
                };
            };
            400: components["responses"]["invalid_request"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LoginBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionToken"];
                };
            };
            400: components["responses"]["invalid_request"];
            /** @description A problem: `invalid_login`, `wrong_domain`. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_login" | "wrong_domain";
                    };
                };
            };
            408: components["responses"]["request_timeout"];
            /** @description A problem: `in_progress`, `nonce_used`. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "in_progress" | "nonce_used";
                    };
                };
            };
            413: components["responses"]["too_large"];
            414: components["responses"]["uri_too_long"];
            415: components["responses"]["unsupported_media_type"];
            /** @description A problem: `clock_skew`, `expired`, `invalid_signature`, `wrong_chain`. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "clock_skew" | "expired" | "invalid_signature" | "wrong_chain";
                    };
                };
            };
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            501: components["responses"]["unsupported_transfer_coding"];
            503: components["responses"]["unavailable"];
        };
    };
    logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            403: components["responses"]["forbidden"];
            408: components["responses"]["request_timeout"];
            409: components["responses"]["in_progress"];
            414: components["responses"]["uri_too_long"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            501: components["responses"]["unsupported_transfer_coding"];
            503: components["responses"]["unavailable"];
        };
    };
    upload: {
        parameters: {
            query: {
                /** @description The record. It need not be registered yet. */
                record: string;
                /** @description The version, from 1. */
                version: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": components["schemas"]["EnvelopeBytes"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StoredBlob"];
                };
            };
            /** @description A problem: `invalid_request`, `truncated_upload`. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request" | "truncated_upload";
                    };
                };
            };
            401: components["responses"]["not_signed_in"];
            403: components["responses"]["forbidden"];
            408: components["responses"]["request_timeout"];
            409: components["responses"]["in_progress"];
            /** @description A problem: `quota_exceeded`, `too_large`. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "quota_exceeded" | "too_large";
                    };
                };
            };
            414: components["responses"]["uri_too_long"];
            415: components["responses"]["unsupported_media_type"];
            422: components["responses"]["invalid_envelope"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            501: components["responses"]["unsupported_transfer_coding"];
            503: components["responses"]["unavailable"];
        };
    };
    download: {
        parameters: {
            query?: never;
            header?: {
                /** @description One range of bytes. */
                Range?: string | null;
                /** @description The range is returned only if the envelope has this ETag. */
                "If-Range"?: string | null;
                /** @description ETags that the client has already, or `*`. */
                "If-None-Match"?: string | null;
            };
            path: {
                /** @description CIDv1, base32. */
                cid: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": components["schemas"]["EnvelopeBytes"];
                };
            };
            206: {
                headers: {
                    "Content-Range"?: string;
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": components["schemas"]["EnvelopeBytes"];
                };
            };
            /** @description The client has it already. */
            304: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            404: components["responses"]["not_found"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            416: components["responses"]["invalid_range"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    describe_blob: {
        parameters: {
            query?: never;
            header?: {
                /** @description ETags that the client has already, or `*`. */
                "If-None-Match"?: string | null;
            };
            path: {
                /** @description CIDv1, base32. */
                cid: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The client has it already. */
            304: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem: `invalid_request`. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem: `not_signed_in`. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem: `not_found`. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem: `request_timeout`. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem: `uri_too_long`. */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem: `rate_limited`. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem: `head_too_large`. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem: `internal`. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem: `unavailable`. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    list_blocks: {
        parameters: {
            query?: {
                /** @description Where to continue: the `next` of the page before. */
                cursor?: string;
                /** @description The largest number of items, 1 to 500; 100 if absent. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_BlockView"];
                };
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            422: components["responses"]["out_of_range"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    block: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                address: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            403: components["responses"]["forbidden"];
            408: components["responses"]["request_timeout"];
            409: components["responses"]["in_progress"];
            413: components["responses"]["too_large"];
            414: components["responses"]["uri_too_long"];
            /** @description A problem: `idempotency_mismatch`, `out_of_range`. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "idempotency_mismatch" | "out_of_range";
                    };
                };
            };
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            501: components["responses"]["unsupported_transfer_coding"];
            503: components["responses"]["unavailable"];
        };
    };
    unblock: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                address: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            403: components["responses"]["forbidden"];
            408: components["responses"]["request_timeout"];
            409: components["responses"]["in_progress"];
            413: components["responses"]["too_large"];
            414: components["responses"]["uri_too_long"];
            422: components["responses"]["idempotency_mismatch"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            501: components["responses"]["unsupported_transfer_coding"];
            503: components["responses"]["unavailable"];
        };
    };
    deployment: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServerInfo"];
                };
            };
            400: components["responses"]["invalid_request"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    list_directory: {
        parameters: {
            query?: {
                /** @description Only practitioners with this role. */
                role?: components["schemas"]["Role"];
                /** @description Only names that begin with this text, ignoring case. */
                name?: string;
                /** @description Where to continue: the `next` of the page before. */
                cursor?: string;
                /** @description The largest number of items, 1 to 500; 100 if absent. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_DirectoryEntry"];
                };
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            422: components["responses"]["out_of_range"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    put_profile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                address: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SignedProfile"];
            };
        };
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            /** @description A problem: `forbidden`, `not_accredited`. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "forbidden" | "not_accredited";
                    };
                };
            };
            408: components["responses"]["request_timeout"];
            /** @description A problem: `in_progress`, `stale_state`. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "in_progress" | "stale_state";
                    };
                };
            };
            413: components["responses"]["too_large"];
            414: components["responses"]["uri_too_long"];
            415: components["responses"]["unsupported_media_type"];
            /** @description A problem: `clock_skew`, `idempotency_mismatch`, `invalid_signature`, `out_of_range`. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "clock_skew" | "idempotency_mismatch" | "invalid_signature" | "out_of_range";
                    };
                };
            };
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            501: components["responses"]["unsupported_transfer_coding"];
            503: components["responses"]["unavailable"];
        };
    };
    get_events: {
        parameters: {
            query?: never;
            header?: {
                /** @description The id of the last event that was seen. */
                "Last-Event-ID"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["FeedEvent"];
                };
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    list_grants: {
        parameters: {
            query?: {
                /** @description The list to return: `given` (as patient, the default) or `received` (as grantee). */
                side?: components["schemas"]["GrantSide"];
                /** @description Only grants over this record (hex). For received grants: only those of the record's patient, on all shelves. */
                record?: string;
                /** @description Only grants received from this patient (hex), on all shelves. Not allowed with the side `given`. */
                patient?: string;
                /**
                 * @description Only received grants on this shelf: `known` (the default), `strangers`, `blocked` or `hidden`. Not allowed with
                 *     the side `given`, nor together with `record` or `patient`.
                 */
                shelf?: components["schemas"]["ShelfQuery"];
                /** @description Where to continue: the `next` of the page before. */
                cursor?: string;
                /** @description The largest number of items, 1 to 500; 100 if absent. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_GrantView"];
                };
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            422: components["responses"]["out_of_range"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    post_grant: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GrantBody"];
            };
        };
        responses: {
            /** @description The bundles were kept; nothing was relayed. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActionView"] | null;
                };
            };
            /** @description Mined. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActionView"] | null;
                };
            };
            /** @description Accepted, and not mined yet. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActionView"] | null;
                };
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            /** @description A problem: `forbidden`, `grant_revoked`, `no_grant`, `not_accredited`, `not_invited`. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "forbidden" | "grant_revoked" | "no_grant" | "not_accredited" | "not_invited";
                    };
                };
            };
            /** @description A problem: `not_found`, `unknown_record`. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "not_found" | "unknown_record";
                    };
                };
            };
            408: components["responses"]["request_timeout"];
            /** @description A problem: `already_exists`, `in_progress`, `key_not_registered`, `nonce_used`, `stale_state`. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "already_exists" | "in_progress" | "key_not_registered" | "nonce_used" | "stale_state";
                    };
                };
            };
            /** @description A problem: `lift_period_over`, `record_tombstoned`. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "lift_period_over" | "record_tombstoned";
                    };
                };
            };
            413: components["responses"]["too_large"];
            414: components["responses"]["uri_too_long"];
            415: components["responses"]["unsupported_media_type"];
            /** @description A problem: `expired`, `idempotency_mismatch`, `invalid_capsule`, `invalid_signature`, `out_of_range`, `unknown_category`, `would_revert`. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "expired" | "idempotency_mismatch" | "invalid_capsule" | "invalid_signature" | "out_of_range" | "unknown_category" | "would_revert";
                    };
                };
            };
            /** @description A problem: `budget_exceeded`, `rate_limited`. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "budget_exceeded" | "rate_limited";
                    };
                };
            };
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            501: components["responses"]["unsupported_transfer_coding"];
            /** @description A problem: `relayer_poor`, `unavailable`. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "relayer_poor" | "unavailable";
                    };
                };
            };
        };
    };
    revoke: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RevokeBody"];
            };
        };
        responses: {
            /** @description Mined. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActionView"] | null;
                };
            };
            /** @description Accepted; reads are refused already. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActionView"] | null;
                };
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            /** @description A problem: `forbidden`, `no_grant`, `not_accredited`, `not_invited`. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "forbidden" | "no_grant" | "not_accredited" | "not_invited";
                    };
                };
            };
            404: components["responses"]["unknown_record"];
            408: components["responses"]["request_timeout"];
            /** @description A problem: `already_exists`, `in_progress`, `nonce_used`, `stale_state`. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "already_exists" | "in_progress" | "nonce_used" | "stale_state";
                    };
                };
            };
            /** @description A problem: `lift_period_over`, `record_tombstoned`. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "lift_period_over" | "record_tombstoned";
                    };
                };
            };
            413: components["responses"]["too_large"];
            414: components["responses"]["uri_too_long"];
            415: components["responses"]["unsupported_media_type"];
            /** @description A problem: `expired`, `idempotency_mismatch`, `invalid_signature`, `out_of_range`, `unknown_category`, `would_revert`. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "expired" | "idempotency_mismatch" | "invalid_signature" | "out_of_range" | "unknown_category" | "would_revert";
                    };
                };
            };
            /** @description A problem: `budget_exceeded`, `rate_limited`. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "budget_exceeded" | "rate_limited";
                    };
                };
            };
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            501: components["responses"]["unsupported_transfer_coding"];
            /** @description A problem: `relayer_poor`, `unavailable`. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "relayer_poor" | "unavailable";
                    };
                };
            };
        };
    };
    get_bundle: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                grant: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BundleBody"];
                };
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            404: components["responses"]["not_found"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    put_bundle: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                grant: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CatchUpBody"];
            };
        };
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            /** @description A problem: `forbidden`, `grant_revoked`, `no_grant`. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "forbidden" | "grant_revoked" | "no_grant";
                    };
                };
            };
            404: components["responses"]["not_found"];
            408: components["responses"]["request_timeout"];
            409: components["responses"]["in_progress"];
            413: components["responses"]["too_large"];
            414: components["responses"]["uri_too_long"];
            415: components["responses"]["unsupported_media_type"];
            /** @description A problem: `idempotency_mismatch`, `invalid_capsule`, `out_of_range`. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "idempotency_mismatch" | "invalid_capsule" | "out_of_range";
                    };
                };
            };
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            501: components["responses"]["unsupported_transfer_coding"];
            503: components["responses"]["unavailable"];
        };
    };
    hide_grant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                grant: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            408: components["responses"]["request_timeout"];
            409: components["responses"]["in_progress"];
            413: components["responses"]["too_large"];
            414: components["responses"]["uri_too_long"];
            422: components["responses"]["idempotency_mismatch"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            501: components["responses"]["unsupported_transfer_coding"];
            503: components["responses"]["unavailable"];
        };
    };
    unhide_grant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                grant: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            408: components["responses"]["request_timeout"];
            409: components["responses"]["in_progress"];
            413: components["responses"]["too_large"];
            414: components["responses"]["uri_too_long"];
            422: components["responses"]["idempotency_mismatch"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            501: components["responses"]["unsupported_transfer_coding"];
            503: components["responses"]["unavailable"];
        };
    };
    invite: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                address: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            403: components["responses"]["forbidden"];
            408: components["responses"]["request_timeout"];
            409: components["responses"]["in_progress"];
            413: components["responses"]["too_large"];
            414: components["responses"]["uri_too_long"];
            /** @description A problem: `idempotency_mismatch`, `out_of_range`. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "idempotency_mismatch" | "out_of_range";
                    };
                };
            };
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            501: components["responses"]["unsupported_transfer_coding"];
            503: components["responses"]["unavailable"];
        };
    };
    get_keyring: {
        parameters: {
            query?: never;
            header?: {
                /** @description ETags that the client has already, or `*`. */
                "If-None-Match"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PrivateBlob"];
                };
            };
            /** @description The client has it already. */
            304: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            404: components["responses"]["not_found"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    put_keyring: {
        parameters: {
            query?: never;
            header?: {
                "If-Match"?: string | null;
                "If-None-Match"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PrivateBlob"];
            };
        };
        responses: {
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            403: components["responses"]["forbidden"];
            408: components["responses"]["request_timeout"];
            409: components["responses"]["in_progress"];
            412: components["responses"]["precondition_failed"];
            413: components["responses"]["too_large"];
            414: components["responses"]["uri_too_long"];
            415: components["responses"]["unsupported_media_type"];
            422: components["responses"]["idempotency_mismatch"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            501: components["responses"]["unsupported_transfer_coding"];
            503: components["responses"]["unavailable"];
        };
    };
    published_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The address of the owner: 0x and 40 hex digits. */
                address: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PublishedKey"];
                };
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            408: components["responses"]["request_timeout"];
            409: components["responses"]["key_not_registered"];
            414: components["responses"]["uri_too_long"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    list_log: {
        parameters: {
            query?: {
                /** @description Only reads of this record (hex). */
                record?: string;
                /** @description Only reads for this purpose. */
                purpose?: components["schemas"]["Purpose"];
                /** @description Only reads at or after this time, in Unix seconds. */
                from?: number;
                /** @description Only reads before this time, in Unix seconds. */
                until?: number;
                /** @description Where to continue: the `next` of the page before. */
                cursor?: string;
                /** @description The largest number of items, 1 to 500; 100 if absent. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_LogEntry"];
                };
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            422: components["responses"]["out_of_range"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    list_checkpoints: {
        parameters: {
            query?: {
                /** @description Where to continue: the `next` of the page before. */
                cursor?: string;
                /** @description The largest number of items, 1 to 500; 100 if absent. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_CheckpointView"];
                };
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            422: components["responses"]["out_of_range"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    get_evidence: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                leaf: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LogEvidence"];
                };
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            404: components["responses"]["not_found"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    post_read: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReadBody"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReadAnswer"];
                };
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            /** @description A problem: `forbidden`, `grant_expired`, `grant_revoked`, `no_grant`, `not_accredited`. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "forbidden" | "grant_expired" | "grant_revoked" | "no_grant" | "not_accredited";
                    };
                };
            };
            404: components["responses"]["unknown_record"];
            408: components["responses"]["request_timeout"];
            /** @description A problem: `in_progress`, `nonce_used`, `share_missing`. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "in_progress" | "nonce_used" | "share_missing";
                    };
                };
            };
            410: components["responses"]["record_tombstoned"];
            413: components["responses"]["too_large"];
            414: components["responses"]["uri_too_long"];
            415: components["responses"]["unsupported_media_type"];
            /** @description A problem: `clock_skew`, `expired`, `invalid_signature`. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "clock_skew" | "expired" | "invalid_signature";
                    };
                };
            };
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            501: components["responses"]["unsupported_transfer_coding"];
            /** @description A problem: `log_behind`, `unavailable`. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "log_behind" | "unavailable";
                    };
                };
            };
        };
    };
    list_records: {
        parameters: {
            query?: {
                /** @description Only this record (hex), if the caller may see it, also if a stranger granted it. */
                record?: string;
                /** @description Only records of this patient (hex). */
                patient?: string;
                /** @description Only this category. */
                category?: components["schemas"]["Category"];
                /** @description Where to continue: the `next` of the page before. */
                cursor?: string;
                /** @description The largest number of items, 1 to 500; 100 if absent. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_RecordView"];
                };
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            422: components["responses"]["out_of_range"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    post_record: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RegisterBody"];
            };
        };
        responses: {
            /** @description The release share was kept; nothing was relayed. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActionView"] | null;
                };
            };
            /** @description Mined. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActionView"] | null;
                };
            };
            /** @description Accepted, and not mined yet. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActionView"] | null;
                };
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            /** @description A problem: `forbidden`, `grant_revoked`, `no_grant`, `not_accredited`, `not_invited`. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "forbidden" | "grant_revoked" | "no_grant" | "not_accredited" | "not_invited";
                    };
                };
            };
            /** @description A problem: `not_found`, `unknown_record`. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "not_found" | "unknown_record";
                    };
                };
            };
            408: components["responses"]["request_timeout"];
            /** @description A problem: `already_exists`, `in_progress`, `nonce_used`, `stale_state`. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "already_exists" | "in_progress" | "nonce_used" | "stale_state";
                    };
                };
            };
            /** @description A problem: `lift_period_over`, `record_tombstoned`. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "lift_period_over" | "record_tombstoned";
                    };
                };
            };
            413: components["responses"]["too_large"];
            414: components["responses"]["uri_too_long"];
            415: components["responses"]["unsupported_media_type"];
            /** @description A problem: `cid_mismatch`, `expired`, `idempotency_mismatch`, `invalid_capsule`, `invalid_envelope`, `invalid_signature`, `out_of_range`, `unknown_category`, `would_revert`. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "cid_mismatch" | "expired" | "idempotency_mismatch" | "invalid_capsule" | "invalid_envelope" | "invalid_signature" | "out_of_range" | "unknown_category" | "would_revert";
                    };
                };
            };
            /** @description A problem: `budget_exceeded`, `rate_limited`. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "budget_exceeded" | "rate_limited";
                    };
                };
            };
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            501: components["responses"]["unsupported_transfer_coding"];
            /** @description A problem: `relayer_poor`, `unavailable`. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "relayer_poor" | "unavailable";
                    };
                };
            };
        };
    };
    get_record: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                record: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecordView"];
                };
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            404: components["responses"]["not_found"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    list_versions: {
        parameters: {
            query?: {
                /** @description Where to continue: the `next` of the page before. */
                cursor?: string;
                /** @description The largest number of items, 1 to 500; 100 if absent. */
                limit?: number;
            };
            header?: never;
            path: {
                record: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_VersionView"];
                };
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            404: components["responses"]["not_found"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            422: components["responses"]["out_of_range"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    put_release_share: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                record: string;
                version: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReleaseShareBody"];
            };
        };
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            /** @description A problem: `forbidden`, `grant_revoked`, `no_grant`, `not_accredited`. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "forbidden" | "grant_revoked" | "no_grant" | "not_accredited";
                    };
                };
            };
            404: components["responses"]["unknown_record"];
            408: components["responses"]["request_timeout"];
            409: components["responses"]["in_progress"];
            410: components["responses"]["record_tombstoned"];
            413: components["responses"]["too_large"];
            414: components["responses"]["uri_too_long"];
            415: components["responses"]["unsupported_media_type"];
            /** @description A problem: `idempotency_mismatch`, `invalid_capsule`. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "idempotency_mismatch" | "invalid_capsule";
                    };
                };
            };
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            501: components["responses"]["unsupported_transfer_coding"];
            503: components["responses"]["unavailable"];
        };
    };
    list_requests: {
        parameters: {
            query?: {
                /** @description Where to continue: the `next` of the page before. */
                cursor?: string;
                /** @description The largest number of items, 1 to 500; 100 if absent. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_RequestView"];
                };
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            422: components["responses"]["out_of_range"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    post_request: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RequestBody"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestView"];
                };
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            /** @description A problem: `forbidden`, `not_accredited`. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "forbidden" | "not_accredited";
                    };
                };
            };
            408: components["responses"]["request_timeout"];
            /** @description A problem: `in_progress`, `key_not_registered`. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "in_progress" | "key_not_registered";
                    };
                };
            };
            413: components["responses"]["too_large"];
            414: components["responses"]["uri_too_long"];
            415: components["responses"]["unsupported_media_type"];
            /** @description A problem: `expired`, `idempotency_mismatch`, `invalid_capsule`, `invalid_signature`, `out_of_range`, `unknown_category`. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "expired" | "idempotency_mismatch" | "invalid_capsule" | "invalid_signature" | "out_of_range" | "unknown_category";
                    };
                };
            };
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            501: components["responses"]["unsupported_transfer_coding"];
            503: components["responses"]["unavailable"];
        };
    };
    get_request: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                request: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestView"];
                };
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            404: components["responses"]["not_found"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    deny_request: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                request: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SignedDenial"];
            };
        };
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_request"];
            401: components["responses"]["not_signed_in"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            408: components["responses"]["request_timeout"];
            /** @description A problem: `in_progress`, `stale_state`. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "in_progress" | "stale_state";
                    };
                };
            };
            413: components["responses"]["too_large"];
            414: components["responses"]["uri_too_long"];
            415: components["responses"]["unsupported_media_type"];
            /** @description A problem: `expired`, `idempotency_mismatch`, `invalid_signature`. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "expired" | "idempotency_mismatch" | "invalid_signature";
                    };
                };
            };
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            501: components["responses"]["unsupported_transfer_coding"];
            503: components["responses"]["unavailable"];
        };
    };
    version: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Version"];
                };
            };
            400: components["responses"]["invalid_request"];
            408: components["responses"]["request_timeout"];
            414: components["responses"]["uri_too_long"];
            429: components["responses"]["rate_limited"];
            431: components["responses"]["head_too_large"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
}
