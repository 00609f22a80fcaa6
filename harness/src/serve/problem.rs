//! What a command that cannot be carried out is answered: problem details (RFC 9457).

use serde_json::{Value as Json, json};

use crate::scenario::Mistake;

/// Why a request to the control API is not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// What is wrong with this request.
    pub detail: String,
    /// The mistakes in it, where there can be several.
    pub mistakes: Vec<Mistake>,
    /// For 405: the methods that the path has.
    pub allow: Option<String>,
}

impl Problem {
    pub(super) fn new(status: u16, detail: impl Into<String>) -> Problem {
        Problem { status, detail: detail.into(), mistakes: Vec::new(), allow: None }
    }

    /// 422: what is asked for is not what a scenario could say.
    pub(super) fn mistakes(mistakes: Vec<Mistake>) -> Problem {
        let detail = mistakes.first().map_or_else(String::new, |m| m.message.clone());
        Problem { mistakes, ..Problem::new(422, detail) }
    }

    pub(super) fn json(&self) -> Json {
        let title = match self.status {
            400 => "Bad Request",
            401 => "Unauthorized",
            404 => "Not Found",
            405 => "Method Not Allowed",
            409 => "Conflict",
            413 => "Content Too Large",
            422 => "Unprocessable Content",
            _ => "Error",
        };
        let mistake = |m: &Mistake| json!({ "message": m.message, "help": m.help });
        json!({
            "type": "about:blank",
            "title": title,
            "status": self.status,
            "detail": self.detail,
            "mistakes": self.mistakes.iter().map(mistake).collect::<Vec<_>>(),
        })
    }
}
