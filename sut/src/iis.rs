//! What IIS answers: 200, or 403 with a sub-status (fact sheet §3.1).

use std::sync::{Arc, LazyLock};

use revlab_lab::Code;
use revlab_lab::http::Reply;
use revlab_lab::trace::Verdict;

/// An answer of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// 200: the client is let in.
    Welcome,
    /// 403.7: a client certificate is required.
    CertificateRequired,
    /// 403.13: revoked, or the status cannot be determined.
    Revocation(Code),
    /// 403.16: the chain is untrusted or invalid.
    Untrusted(Code),
    /// 403.17: expired or not yet valid.
    Expired(Code),
    /// 401.1: the directory knows no account for the certificate, or is not to be trusted (inferred).
    Logon(Code),
}

/// The answer that goes with a verdict. That a certificate which names no revocation source is
/// refused with 403.13 is inferred.
pub(crate) fn page(verdict: Verdict, code: Option<Code>) -> Page {
    match (verdict, code) {
        (Verdict::Good, _) | (Verdict::NotChecked, None) => Page::Welcome,
        (Verdict::NotChecked, Some(Code::CERT_E_EXPIRED)) => Page::Expired(Code::CERT_E_EXPIRED),
        (Verdict::NotChecked, Some(code)) => Page::Untrusted(code),
        (Verdict::Revoked, _) => Page::Revocation(Code::CRYPT_E_REVOKED),
        (Verdict::Offline, _) => Page::Revocation(Code::CRYPT_E_REVOCATION_OFFLINE),
        (Verdict::Unknown, _) => Page::Revocation(Code::CRYPT_E_NO_REVOCATION_CHECK),
    }
}

impl Page {
    /// The code that the failed-request trace shows.
    pub(crate) fn code(self) -> Option<Code> {
        match self {
            Page::Welcome | Page::CertificateRequired => None,
            Page::Revocation(code)
            | Page::Untrusted(code)
            | Page::Expired(code)
            | Page::Logon(code) => Some(code),
        }
    }

    /// Status and sub-status as IIS writes them.
    pub(crate) fn status_text(self) -> &'static str {
        match self {
            Page::Welcome => "200",
            Page::CertificateRequired => "403.7",
            Page::Revocation(_) => "403.13",
            Page::Untrusted(_) => "403.16",
            Page::Expired(_) => "403.17",
            Page::Logon(_) => "401.1",
        }
    }

    fn status(self) -> u16 {
        self.status_text().split('.').next().and_then(|status| status.parse().ok()).unwrap_or(500)
    }

    fn substatus(self) -> u16 {
        self.status_text().split_once('.').and_then(|(_, sub)| sub.parse().ok()).unwrap_or(0)
    }

    /// The answer itself. Like IIS in detailed error mode, an error page names sub-status and
    /// code: that is where clients read them.
    pub(crate) fn reply(self) -> Arc<Reply> {
        if self == Page::Welcome { WELCOME.clone() } else { Arc::new(self.build()) }
    }

    fn build(self) -> Reply {
        let body = match self {
            Page::Welcome => "<html><body>Welcome</body></html>".to_owned(),
            _ => self.error_page(),
        };
        Reply {
            status: self.status(),
            substatus: self.substatus(),
            headers: vec![
                ("Content-Type".into(), "text/html".into()),
                ("Server".into(), "Microsoft-IIS/7.5".into()),
            ],
            body: Arc::from(body.into_bytes()),
        }
    }

    fn error_page(self) -> String {
        let what = match self {
            Page::Welcome => "",
            Page::CertificateRequired => "a client certificate is required",
            Page::Revocation(Code::CRYPT_E_REVOKED) => "the client certificate is revoked",
            Page::Revocation(_) => "the revocation of the client certificate cannot be checked",
            Page::Untrusted(_) => "the client certificate is untrusted or invalid",
            Page::Expired(_) => "the client certificate has expired or is not yet valid",
            Page::Logon(_) => "the logon with the client certificate failed",
        };
        let reason = if self.status() == 401 { "Unauthorized" } else { "Forbidden" };
        let code = self.code().map(|c| format!("<p>Error code {c}</p>")).unwrap_or_default();
        format!(
            "<html><head><title>IIS 7.5 Detailed Error - {status}</title></head>\
             <body><h1>HTTP Error {status} - {reason}</h1><p>{what}</p>{code}</body></html>",
            status = self.status_text(),
        )
    }
}

/// By far the most frequent answer: built once.
static WELCOME: LazyLock<Arc<Reply>> = LazyLock::new(|| Arc::new(Page::Welcome.build()));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_that_cannot_be_determined_is_403_13_as_a_revoked_one_is() {
        let offline = page(Verdict::Offline, None).reply();
        let revoked = page(Verdict::Revoked, None).reply();
        assert_eq!((offline.status, offline.substatus), (403, 13));
        assert_eq!((revoked.status, revoked.substatus), (403, 13));
        let text = String::from_utf8_lossy(&offline.body).into_owned();
        assert!(text.contains("HTTP Error 403.13") && text.contains("0x80092013"), "{text}");
    }

    #[test]
    fn a_bad_chain_is_403_16_and_an_expired_one_403_17() {
        let status = |code| page(Verdict::NotChecked, Some(code)).reply().substatus;
        assert_eq!(status(Code::CERT_E_UNTRUSTEDROOT), 16);
        assert_eq!(status(Code::CERT_E_EXPIRED), 17);
        assert_eq!(page(Verdict::NotChecked, None), Page::Welcome);
    }
}
