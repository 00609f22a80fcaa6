//! What an OCSP responder can get wrong (RFC 6960, RFC 5019, RFC 9654).

/// A defect of an OCSP answer. Several can come together; they act in the order of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OcspDefect {
    /// An error status without an answer (RFC 6960 §4.2.1).
    Status(u8),
    /// A successful status without responseBytes.
    NoResponseBytes,
    /// No octet at all.
    Empty,
    /// An HTML page with status 200, as a captive portal sends.
    Html,
    /// The answer's first half.
    Truncated,
    /// The answer, and one more octet.
    TrailingBytes,
    /// responseType is not id-pkix-ocsp-basic.
    UnknownResponseType,
    /// `good`, whatever the CA's database says.
    SayGood,
    /// `revoked`, whatever the CA's database says: an hour ago, without a reason.
    SayRevoked,
    /// `unknown`, as if the responder had never heard of the certificate.
    SayUnknown,
    /// About another serial number of the same issuer.
    WrongSerial,
    /// About the same serial number of another issuer.
    WrongIssuer,
    /// By SHA-256 where SHA-1 was asked for, and by SHA-1 otherwise.
    WrongHash,
    /// No single response.
    NoAnswer,
    /// Single responses about two other certificates before the one that was asked for.
    SeveralAnswers,
    /// Two single responses about the certificate: `good`, then `revoked`.
    Contradictory,
    /// nextUpdate has passed: an answer from two validities ago.
    Stale,
    /// thisUpdate is a validity ahead.
    Future,
    /// No nextUpdate: newer information is always there (RFC 6960 §4.2.2.1).
    NoNextUpdate,
    /// nextUpdate lies an hour before thisUpdate.
    NextUpdateBeforeThisUpdate,
    /// producedAt is a day ahead.
    ProducedInFuture,
    /// producedAt lies a day before thisUpdate.
    ProducedBeforeThisUpdate,
    /// Times with a fraction of a second (RFC 5280 §4.1.2.5.2 forbids it).
    FractionalSeconds,
    /// A critical extension of the response that nobody knows.
    UnknownCriticalExtension,
    /// A critical extension of the single response that nobody knows.
    UnknownCriticalSingleExtension,
    /// The nonce is left out.
    NonceMissing,
    /// The nonce is another one.
    NonceWrong,
    /// responderID is the signer's name.
    ByName,
    /// responderID is the hash of the signer's key.
    ByKey,
    /// responderID is the hash of no key.
    ByNeither,
    /// One bit of the signature is wrong.
    BrokenSignature,
    /// Signed with another key than that of the certificate it names.
    WrongKey,
    /// Signed with SHA-1 by a key that can, RSA or P-256; by other keys so that nothing verifies.
    Sha1Signature,
    /// Signed with MD5 by an RSA key; by other keys so that nothing verifies.
    Md5Signature,
    /// A delegated signer without id-kp-OCSPSigning (RFC 6960 §4.2.2.2).
    SignerWithoutEku,
    /// A delegated signer whose certificate has expired.
    SignerExpired,
    /// A delegated signer whose certificate is not valid yet.
    SignerNotYetValid,
    /// A delegated signer whose certificate is revoked, on the CRL from its next issue on.
    SignerRevoked,
    /// A delegated signer whose certificate is by another CA.
    SignerOfOtherIssuer,
    /// A delegated signer whose certificate does not come with the answer.
    SignerMissing,
    /// A delegated signer whose certificate has a wrong bit in its signature.
    SignerTampered,
}

use OcspDefect as D;

impl OcspDefect {
    /// All defects with their names in scenarios.
    pub const NAMES: [(&'static str, OcspDefect); 47] = [
        ("malformed_request", D::Status(1)),
        ("internal_error", D::Status(2)),
        ("try_later", D::Status(3)),
        ("status_4", D::Status(4)),
        ("sig_required", D::Status(5)),
        ("unauthorized", D::Status(6)),
        ("status_7", D::Status(7)),
        ("no_response_bytes", D::NoResponseBytes),
        ("empty", D::Empty),
        ("html", D::Html),
        ("truncated", D::Truncated),
        ("trailing_bytes", D::TrailingBytes),
        ("unknown_response_type", D::UnknownResponseType),
        ("say_good", D::SayGood),
        ("say_revoked", D::SayRevoked),
        ("say_unknown", D::SayUnknown),
        ("wrong_serial", D::WrongSerial),
        ("wrong_issuer", D::WrongIssuer),
        ("wrong_hash", D::WrongHash),
        ("no_answer", D::NoAnswer),
        ("several_answers", D::SeveralAnswers),
        ("contradictory", D::Contradictory),
        ("stale", D::Stale),
        ("future", D::Future),
        ("no_next_update", D::NoNextUpdate),
        ("next_update_before_this_update", D::NextUpdateBeforeThisUpdate),
        ("produced_in_future", D::ProducedInFuture),
        ("produced_before_this_update", D::ProducedBeforeThisUpdate),
        ("fractional_seconds", D::FractionalSeconds),
        ("unknown_critical_extension", D::UnknownCriticalExtension),
        ("unknown_critical_single_extension", D::UnknownCriticalSingleExtension),
        ("nonce_missing", D::NonceMissing),
        ("nonce_wrong", D::NonceWrong),
        ("by_name", D::ByName),
        ("by_key", D::ByKey),
        ("by_neither", D::ByNeither),
        ("broken_signature", D::BrokenSignature),
        ("wrong_key", D::WrongKey),
        ("sha1_signature", D::Sha1Signature),
        ("md5_signature", D::Md5Signature),
        ("signer_without_eku", D::SignerWithoutEku),
        ("signer_expired", D::SignerExpired),
        ("signer_not_yet_valid", D::SignerNotYetValid),
        ("signer_revoked", D::SignerRevoked),
        ("signer_of_other_issuer", D::SignerOfOtherIssuer),
        ("signer_missing", D::SignerMissing),
        ("signer_tampered", D::SignerTampered),
    ];

    /// Its name in scenarios; an error status that has none is `status`.
    pub fn name(self) -> &'static str {
        let named = D::NAMES.into_iter().find(|(_, defect)| *defect == self);
        named.map_or("status", |(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_defect_has_a_name_of_its_own() {
        for (name, defect) in OcspDefect::NAMES {
            assert_eq!(defect.name(), name);
        }
    }
}
