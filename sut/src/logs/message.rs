//! What Windows says to an error code: the system's message texts.

use revlab_lab::Code;
use revlab_lab::http::FetchError;

/// The system's message to a code; a code that revlab does not know has its number alone.
pub(super) fn text(code: Code) -> &'static str {
    match code {
        Code(0) => "The operation completed successfully.",
        Code::CRYPT_E_REVOKED => "The certificate is revoked.",
        Code::CRYPT_E_NO_REVOCATION_CHECK => {
            "The revocation function was unable to check revocation for the certificate."
        }
        Code::CRYPT_E_REVOCATION_OFFLINE => {
            "The revocation function was unable to check revocation because the revocation server \
             was offline."
        }
        Code::CERT_E_EXPIRED => {
            "A required certificate is not within its validity period when verifying against the \
             current system clock or the timestamp in the signed file."
        }
        Code::CERT_E_UNTRUSTEDROOT => {
            "A certificate chain processed, but terminated in a root certificate which is not \
             trusted by the trust provider."
        }
        Code::CERT_E_CHAINING => {
            "A certificate chain could not be built to a trusted root authority."
        }
        Code::CERT_E_CRITICAL => {
            "A certificate contains an unknown extension that is marked 'critical'."
        }
        Code::CERT_E_MALFORMED => {
            "A certificate is missing or has an empty value for an important field, such as a \
             subject or issuer name."
        }
        Code::CERT_E_WRONG_USAGE => "The certificate is not valid for the requested usage.",
        Code::CERT_E_INVALID_POLICY => "The certificate has invalid policy.",
        Code::CERT_E_INVALID_NAME => {
            "The certificate has an invalid name. The name is not included in the permitted list or \
             is explicitly excluded."
        }
        Code::TRUST_E_CERT_SIGNATURE => "The signature of the certificate cannot be verified.",
        Code::TRUST_E_BASIC_CONSTRAINTS => {
            "The basic constraint extension of a certificate has not been observed."
        }
        Code::CERT_E_CN_NO_MATCH => "The certificate's CN name does not match the passed value.",
        Code::SEC_E_WRONG_PRINCIPAL => "The target principal name is incorrect.",
        _ => logon(code),
    }
}

/// The first sentences of what Windows says to the codes of a logon with a certificate.
fn logon(code: Code) -> &'static str {
    match code {
        Code::SEC_E_LOGON_DENIED => "The logon attempt failed.",
        Code::SEC_E_SMARTCARD_CERT_REVOKED => {
            "The smartcard certificate used for authentication has been revoked."
        }
        Code::SEC_E_ISSUING_CA_UNTRUSTED => {
            "An untrusted certificate authority was detected while processing the smartcard \
             certificate used for authentication."
        }
        Code::SEC_E_REVOCATION_OFFLINE_C => {
            "The revocation status of the smartcard certificate used for authentication could not \
             be determined."
        }
        Code::SEC_E_SMARTCARD_CERT_EXPIRED => {
            "The smartcard certificate used for authentication has expired."
        }
        Code::SEC_E_REVOCATION_OFFLINE_KDC => {
            "The revocation status of the domain controller certificate used for smartcard \
             authentication could not be determined."
        }
        Code::SEC_E_ISSUING_CA_UNTRUSTED_KDC => {
            "An untrusted certificate authority was detected while processing the domain \
             controller certificate used for authentication."
        }
        Code::SEC_E_KDC_CERT_EXPIRED => {
            "The domain controller certificate used for smartcard logon has expired."
        }
        Code::SEC_E_KDC_CERT_REVOKED => {
            "The domain controller certificate used for smartcard logon has been revoked."
        }
        _ => "",
    }
}

/// Text and code as failed-request traces show them: `… was offline. (0x80092013)`.
pub(super) fn text_with_code(code: Code) -> String {
    let number = if code.0 == 0 { "0x0".to_owned() } else { format!("0x{:08x}", code.0) };
    format!("{} ({number})", text(code)).trim_start().to_owned()
}

/// The system's message to a retrieval that brought no answer (WinHTTP).
pub(super) fn retrieval(error: FetchError) -> &'static str {
    match error {
        FetchError::NameNotResolved => "The server name or address could not be resolved",
        FetchError::ConnectionRefused => "A connection with the server could not be established",
        FetchError::ConnectionReset => "The connection with the server was terminated abnormally",
        FetchError::SecureFailure => "A security error occurred",
        FetchError::TimedOut => "The operation timed out",
        FetchError::BadReply => "The server returned an invalid or unrecognized response",
    }
}

/// The reason phrase to an HTTP status (RFC 9110 §15) that a CA's web site answers with.
pub(super) fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_revlab_gives_as_a_verdict_has_its_text() {
        for code in Code::NAMED.iter().filter(|c| c.0 > 0xffff) {
            assert!(!text(*code).is_empty(), "{code}");
        }
        assert_eq!(text_with_code(Code(0)), "The operation completed successfully. (0x0)");
        assert_eq!(text_with_code(Code(0x8009_2011)), "(0x80092011)");
    }
}
