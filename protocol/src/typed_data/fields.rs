//! The descriptions of the fields that people sign, for the OpenAPI document.

/// Returns what a field of a signed struct means. Fields that mean the same in every struct are listed once, at the end.
pub(super) fn description_of(name: &str, field: &str) -> Option<&'static str> {
    let text = match (name, field) {
        ("Accredit" | "Suspend" | "Profile", "accreditor") => "The accreditor, who signs.",
        ("AddAccreditor", "epoch") => "The accreditor's epoch that this message replaces; 0 for the first time.",
        ("Accredit", "epoch") => "The practitioner's epoch that this message replaces; 0 for the first time.",
        ("Accredit" | "Profile", "accreditorEpoch") => {
            "The accreditor's epoch. The statement counts only in this epoch."
        }
        ("AddAccreditor" | "RemoveAccreditor", "owner") => "The owner of the contract Accreditation, who signs.",
        (_, "accreditor") => "The account that may vouch for practitioners, or no longer may.",
        (_, "practitioner") => "The practitioner.",
        (_, "roles") => {
            "The roles, as a bit set: DOCTOR 1, NURSE 2, LAB 4, PHARMACY 8, AUDITOR 16, EMERGENCY 32, RESEARCHER 64."
        }
        (_, "validFrom") => "The first second of the accreditation, in Unix seconds.",
        (_, "validUntil") => "The first second after the accreditation, in Unix seconds.",

        ("RegisterKey", "owner") => "The owner of the key, who signs.",
        (_, "slot") => "0 for the identity key, 1 for the list of category keys (reserved).",
        ("RegisterKey", "epoch") => "The epoch that this message replaces; 0 for the first key.",
        (_, "kem") => {
            "The HPKE KEM: 25722 (0x647a, MLKEM768-X25519) in slot 0, 22 (0x0016, DHKEM(secp256k1)) in slot 1."
        }
        (_, "key") => "The public key. The identity key has 1,216 bytes.",

        (_, "uploader") => "The uploader, who signs.",
        ("RegisterRecord", "patient") => "The patient whose record it is.",
        ("RegisterRecord", "salt") => "A random value. The id of the record is keccak256(uploader ‖ salt).",
        (_, "category") => "The code of the category, which is public on chain; 0 for unspecified.",
        (_, "codec") => "The codec of the envelope's CID: 85 (0x55, raw) or 112 (0x70, dag-pb).",
        (_, "digest") => "The SHA-256 digest in the envelope's CID.",
        (_, "writeSalt") => "The salt that opens the uploader's WRITE tag; zero if the patient uploads.",
        ("RegisterVersion", "salt") => {
            "The salt that opens the record id for its first uploader; zero if the patient uploads."
        }
        ("Retract", "salt") => "The salt that opens the record id for its first uploader.",
        ("RegisterVersion", "version") => "The newest version, which the new one follows.",
        ("Supersede", "version") => "The newest version of the record.",
        ("Retract", "version") => "The last version that the retraction applies to.",
        ("Tombstone", "epoch") => "The present tombstone epoch of the record; 0 if it was never tombstoned.",
        ("LiftTombstone", "epoch") => "The tombstone epoch of the tombstone that is lifted.",

        ("Scope" | "GrantRef" | "AccessRequest", "kind") => "The kind of scope: 0 record, 1 category, 2 all.",
        (_, "id" | "scopeId") => "The record id, the code of the category in the low bytes, or zero for all.",
        ("Scope", "epoch") => "The grant epoch that this grant replaces; 0 if there was no grant.",
        (_, "bundleHash") => "The hash of the bundle (SPEC, section 8); zero for WRITE.",
        (_, "tag") => "The grantee's tag for this patient and this right: keccak256(grantee ‖ salt).",
        ("AccessRequest", "rights") => "The right that is asked for: 1 for READ, 2 for WRITE.",
        (_, "rights") => "The right: 1 for READ, 2 for WRITE. A grant has exactly one.",
        (_, "purposes") => {
            "The purposes, as a bit set: TREAT 1, ETREAT 2, BTG 4, HPAYMT 8, HOPERAT 16, HRESCH 32, PATRQT 64, FAMRQT 128, \
             PUBHLTH 256, COC 512. At least one; for WRITE it has no effect."
        }
        (_, "notBefore") => "The first second of the grant, in Unix seconds.",
        (_, "notAfter") => "The first second after the grant, in Unix seconds.",
        (_, "patientEpoch") => "The patient's epoch. A grant counts only in this epoch.",
        (_, "scopes") => "What the grant covers: single records for READ, categories or everything for WRITE.",
        (_, "grants") => "The grants to end.",

        (_, "operator") => "The operator, who signs.",
        (_, "previousHead") => "The head of the log that this message replaces.",
        (_, "size") => "The number of leaves of the log after this checkpoint.",
        (_, "root") => "The RFC 6962 root over all leaves.",
        (_, "accessesHash") => "keccak256 of the batch: the words record, tag, purposes and leaf of each access.",
        (_, "leaf") => "The RFC 6962 hash of the leaf.",
        ("ReadReceipt", "version") => "The version that was opened.",
        (_, "anchorBy") => "The time by which the leaf is on chain, in Unix seconds.",

        (_, "requester") => "The person who asks, and who signs.",
        ("AccessRequest", "patient") => "The patient who is asked.",
        (_, "until") => "The end of the access that is asked for, in Unix seconds.",
        (_, "noteHash") => "The SHA-256 of the encrypted note with the reason.",
        ("AccessRequest", "nonce") => "A random number, so that every request has another id.",
        ("AccessRequest", "deadline") => "The time until which the patient can answer, in Unix seconds.",
        (_, "request") => "The id of the request.",

        (_, "name") => "The name of the practitioner.",
        (_, "organisation") => "The practice or organisation; may be empty.",
        (_, "specialty") => "The specialty; may be empty.",
        (_, "issued") => "The time of signing, in Unix seconds.",

        (_, "patient") => "The patient, who signs.",
        (_, "record") => "The id of the record.",
        (_, "nonce") => "A number that the signer has not used with this contract. The order is free.",
        (_, "deadline") => "The message is valid while the block time is before this time, in Unix seconds.",
        _ => return None,
    };
    Some(text)
}
